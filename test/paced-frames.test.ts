import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Side } from '../engine/wire/layout.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import { LocalOrderBook } from '../gateway/client/local-book.ts';
import { decodeJson, type MarketFrameView } from '../gateway/client/market-decode.ts';
import { PacedFrames } from '../gateway/market/paced-frames.ts';
import { Pacer } from '../gateway/market/pacer.ts';
import type { ReaderSocket } from '../gateway/market/reader-socket.ts';
import { Slices } from '../gateway/slices.ts';
import { eventually, sameBook } from './support/market-check.ts';
import { MarketVenue } from './support/market-venue.ts';
import { RawWebSocket } from './support/raw-websocket.ts';

const MIB = 2 ** 20;

/** A transport whose peer takes bytes only when the test says so. */
class Transport implements ReaderSocket {
  readonly messages: Buffer[] = [];
  waiting = 0;
  most = 0;
  pieces = 0;
  open = false;
  readonly #parts: Buffer[] = [];

  buffered(): number {
    return this.waiting;
  }

  send(frame: Uint8Array): void {
    assert.equal(this.open, false, 'a message within another');
    this.messages.push(Buffer.from(frame));
    this.#add(frame.length);
  }

  sendPiece(piece: Uint8Array, _binary: boolean, first: boolean, last: boolean): void {
    assert.equal(this.open, !first);
    this.pieces++;
    this.#parts.push(Buffer.from(piece));
    this.open = !last;
    if (last) this.messages.push(Buffer.concat(this.#parts.splice(0)));
    this.#add(piece.length);
  }

  cork(work: () => void): void {
    work();
  }

  close(): void {
    this.waiting = 0;
  }

  #add(bytes: number): void {
    this.waiting += bytes;
    this.most = Math.max(this.most, this.waiting);
  }
}

test('frames arrive whole and in their order; a long one goes in pieces as the peer takes them, and is not copied', () => {
  const prng = new Prng(5);
  const transport = new Transport();
  let woken = 0;
  const paced = new PacedFrames(transport, false, () => woken++);
  const frames = [100, 3 * MIB, 200, 300 * 1024, MIB, 50].map((length) => Buffer.alloc(length, prng.below(256)));
  const expected = frames.map((frame) => Buffer.from(frame));
  for (const frame of frames) {
    paced.send(frame, 0, frame.length === 3 * MIB);
    // The memory of a flush is used again.
    if (frame.length !== 3 * MIB) frame.fill(0);
  }
  assert.equal(transport.messages.length, 1, 'a short frame goes at once');
  assert.equal(
    paced.bytes,
    expected.slice(1).reduce((sum, { length }) => sum + length, 0),
  );
  while (paced.bytes > 0) {
    while (paced.step());
    transport.waiting = 0;
    paced.resume();
  }
  assert.ok(transport.most <= 256 * 1024 + 64 * 1024, `${transport.most} bytes in the transport`);
  assert.ok(transport.pieces > 60 && woken > 20);
  for (const [i, message] of transport.messages.entries()) assert.ok(message.equals(expected[i]), `frame ${i}`);
  assert.equal(transport.messages.length, expected.length);
  paced.send(Buffer.alloc(2 * MIB), 0, true);
  paced.step();
  paced.end();
  assert.deepEqual([paced.bytes, paced.step()], [0, false]);
});

test('readers take turns, a piece each', async () => {
  const slices = new Slices();
  const readers = [1, 2, 3].map(() => {
    const transport = new Transport();
    const reader: { transport: Transport; paced: PacedFrames } = {
      transport,
      paced: new PacedFrames(transport, false, () => pacer.add(reader)),
    };
    return reader;
  });
  let paused = 0;
  const pacer: Pacer<(typeof readers)[number]> = new Pacer(slices, ({ transport, paced }) => {
    for (const other of readers) assert.ok(Math.abs(other.transport.pieces - transport.pieces) <= 2);
    paused++;
    transport.waiting = 0;
    paced.resume();
  });
  const frame = Buffer.alloc(4 * MIB, 7);
  for (const { paced } of readers) paced.send(frame, 0, true);
  await eventually(() => readers.every(({ paced }) => paced.bytes === 0) || assert.fail('not all is sent'));
  assert.ok(paused > 90);
  for (const { transport } of readers) assert.ok(transport.messages.length === 1 && transport.messages[0].equals(frame));
});

test('a large snapshot is one message in pieces: answers and deltas follow it, and other readers are served meanwhile', async (t) => {
  const venue = await MarketVenue.start(2);
  t.after(() => venue.stop());
  const orders = 9000;
  for (let i = 0; i < orders; i++) {
    venue.place(1 + (i % 4), 1, i % 2, i % 2 === Side.Buy ? 900 - (i % 200) : 1100 + (i % 200), 1 + (i % 9));
    if (i % 1000 === 999) await venue.quiet();
  }
  await venue.quiet();
  const mirror = venue.market.book(1);
  assert.ok(mirror);
  const raw = await RawWebSocket.open(venue.port, { protocol: 'json-raw' });
  const book = new LocalOrderBook('S1');
  const kinds: string[] = [];
  let largest = 0;
  raw.onMessage = ({ data }) => {
    const frame = decodeJson(data.toString());
    kinds.push(frame.kind);
    largest = Math.max(largest, data.length);
    if (frame.kind === 'snapshot' || frame.kind === 'delta') assert.notEqual(book.apply(frame as MarketFrameView<'book-l3'>), 'gap');
  };
  raw.socket.pause();
  raw.text({ op: 'subscribe', channel: 'book-l3', symbol: 'S1' });
  const { counters } = venue.market;
  await eventually(() => assert.ok(counters.bytesSent > 500_000));
  // Behind the snapshot, part of which still waits here.
  raw.text({ op: 'ping', tag: 9 });
  venue.place(1, 1, Side.Buy, 500, 5);
  const other = venue.client();
  const second = await other.orderBook('S1');
  await eventually(() => sameBook(second, mirror));
  raw.socket.resume();
  await eventually(() => sameBook(book, mirror));
  assert.ok(largest > 500_000 && raw.pieces >= largest / 65_536, `${raw.pieces} pieces of ${largest} bytes`);
  assert.deepEqual(kinds.filter((kind) => kind !== 'heartbeat' && kind !== 'delta').sort(), ['pong', 'snapshot', 'subscribed']);
  raw.destroy();
});
