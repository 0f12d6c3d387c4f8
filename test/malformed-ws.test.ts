import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MarketOp } from '../engine/wire/layout.ts';
import { marketRequest } from '../engine/wire/market-frames.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import type { LocalBook, LocalOrderBook } from '../gateway/client/local-book.ts';
import type { MarketClient } from '../gateway/client/market.ts';
import { decodeBinary, decodeJson, type MarketFrameView } from '../gateway/client/market-decode.ts';
import { MalformedFrames } from './support/malformed-frames.ts';
import { eventually, sameBook } from './support/market-check.ts';
import { MarketVenue } from './support/market-venue.ts';
import { frame, Opcode, RawWebSocket } from './support/raw-websocket.ts';

const SEED = Number(process.env.OPENBELL_SEED ?? 20_240_607);
const MAX_REQUEST_BYTES = 4096;
const BINARY = 5000;
const JSON_TEXTS = 3500;
const RAW_FRAMES = 1500;
const ATTACKERS = 16;
/** Permitted codes of a rejected request. */
const REJECTS = new Set([
  'MALFORMED_FRAME',
  'WRONG_SCHEMA_VERSION',
  'UNKNOWN_KIND',
  'BAD_ENUM',
  'BAD_RANGE',
  'BAD_SUBSCRIPTION',
  'UNKNOWN_SYMBOL',
]);
/** Permitted close codes; 0 = the connection ended without a close frame, 1006 and 1007 are from uWebSockets. */
const CUTS = new Set([0, 1000, 1001, 1002, 1006, 1007, 1009, 4002]);

describe(`malformed messages over WebSocket (OPENBELL_SEED=${SEED})`, () => {
  let venue: MarketVenue;
  let witness: MarketClient;
  let books: (LocalBook | LocalOrderBook)[];
  let trading = true;
  let traded: Promise<void>;

  before(async () => {
    venue = await MarketVenue.start(2, { maxRequestBytes: MAX_REQUEST_BYTES, maxConnections: 64 });
    witness = venue.client();
    books = [await witness.book('S1'), await witness.orderBook('S1')];
    const prng = new Prng(SEED);
    traded = (async () => {
      while (trading) {
        await venue.load(prng, 50, 2);
        await sleep(5);
      }
    })();
  });

  after(async () => {
    trading = false;
    await traded;
    await venue.stop();
  });

  /** Sends messages over several connections, each on a new one after a disconnection; returns the outcomes. */
  async function attack(protocol: 'json-raw' | 'binary', count: number, send: (raw: RawWebSocket) => void): Promise<Map<string, number>> {
    const outcomes = new Map<string, number>();
    const note = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    let left = count;
    const attacker = async () => {
      let raw = await openAttacker(protocol, note);
      while (left-- > 0) {
        if (raw.ended) raw = await openAttacker(protocol, note);
        const { pongs } = raw;
        send(raw);
        // It has been dealt with when a good request behind it is answered, or the connection ends.
        if (protocol === 'json-raw') raw.text('{"op":"ping"}');
        else raw.send(Opcode.Binary, marketRequest(MarketOp.Ping, 0, 0, 0));
        if (await dealtWith(raw, pongs)) {
          if (!raw.ended) continue;
          assert.ok(CUTS.has(raw.closeCode), `cut with ${raw.closeCode} ${raw.closeReason}`);
          note(`cut ${raw.closeCode}`);
        } else {
          // A damaged length: the exchange waits for the missing rest of a frame.
          note('swallowed');
          raw.destroy();
          raw.ended = true;
        }
      }
      raw.destroy();
    };
    await Promise.all(Array.from({ length: ATTACKERS }, attacker));
    const total = [...outcomes.values()].reduce((sum, n) => sum + n, 0);
    assert.ok(total > count / 2, `${total} of ${count} were rejected or disconnected`);
    return outcomes;
  }

  async function dealtWith(raw: Attacker, pongs: number): Promise<boolean> {
    try {
      await raw.until(() => raw.ended || raw.pongs > pongs, 500);
      return true;
    } catch {
      return false;
    }
  }

  type Attacker = RawWebSocket & { pongs: number };
  async function openAttacker(protocol: 'json-raw' | 'binary', note: (outcome: string) => void): Promise<Attacker> {
    const raw = Object.assign(await RawWebSocket.open(venue.port, { protocol }), { pongs: 0 });
    raw.onMessage = ({ opcode, data }) => {
      if (opcode !== Opcode.Text && opcode !== Opcode.Binary) return;
      const answer: MarketFrameView = protocol === 'json-raw' ? decodeJson(data.toString('utf8')) : decodeBinary(Uint8Array.from(data));
      if (answer.kind === 'pong') raw.pongs++;
      if (answer.kind !== 'refused') return;
      assert.ok(REJECTS.has(answer.code), answer.code);
      note(answer.code);
    };
    return raw;
  }

  /** The witness was not disturbed: never reconnected, never re-synced, and its books are right. */
  async function undisturbed(): Promise<void> {
    trading = false;
    await traded;
    await venue.quiet();
    const mirror = venue.market.book(1);
    assert.ok(mirror);
    for (const book of books) {
      await eventually(() => sameBook(book, mirror));
      assert.equal(book.snapshots, 1);
    }
    assert.equal(witness.reconnects, 0);
    await eventually(() => assert.equal(venue.market.counters.connectionsNow, 1));
    assert.equal(venue.market.counters.subscriptionsNow, 2);
  }

  it('binary: damaged requests, random bytes, hostile offsets, other versions, oversize', { timeout: 300_000 }, async () => {
    const valid = [1, 2, 3, 4].map((op) => marketRequest(op, op, op === MarketOp.Ping ? 0 : 1, op));
    const frames = new MalformedFrames(SEED, valid, { headBytes: 36, versionAt: 24, maxBytes: MAX_REQUEST_BYTES });
    const outcomes = await attack('binary', BINARY, (raw) => raw.send(Opcode.Binary, frames.next().bytes));
    for (const expected of ['MALFORMED_FRAME', 'WRONG_SCHEMA_VERSION', 'UNKNOWN_KIND', 'BAD_ENUM', 'cut 4002']) {
      assert.ok((outcomes.get(expected) ?? 0) > 0, `${expected} in ${[...outcomes.keys()]}`);
    }
  });

  it('JSON: broken texts, wrong types, bad UTF-8, binary where text belongs', { timeout: 300_000 }, async () => {
    const prng = new Prng(SEED + 1);
    const good = '{"op":"subscribe","channel":"book","symbol":"S1","tag":7}';
    const odd: unknown[] = [null, [], 'x', Number.MAX_VALUE, -1, 1.5, {}, { a: [] }, '__proto__', 'constructor', true, 2 ** 53, '\u0000'];
    const outcomes = await attack('json-raw', JSON_TEXTS, (raw) => {
      const dice = prng.below(8);
      if (dice === 0) raw.send(Opcode.Text, good.slice(0, prng.below(good.length)));
      else if (dice === 1) raw.send(Opcode.Binary, Buffer.from(good));
      else if (dice === 2 && prng.below(10) === 0) raw.send(Opcode.Text, Buffer.from([0x22, 0xc3, 0x28, prng.below(256), 0x22]));
      else if (dice === 3 && prng.below(10) === 0) raw.text('['.repeat(MAX_REQUEST_BYTES + 1 + prng.below(100)));
      else if (dice === 4) raw.text('['.repeat(prng.below(MAX_REQUEST_BYTES)));
      else {
        const request: Record<string, unknown> = JSON.parse(good);
        const fields = ['op', 'channel', 'symbol', 'tag', 'schema_version'];
        request[fields[prng.below(fields.length)]] = odd[prng.below(odd.length)];
        raw.text(request);
      }
    });
    for (const expected of ['MALFORMED_FRAME', 'UNKNOWN_KIND', 'BAD_ENUM', 'BAD_RANGE', 'UNKNOWN_SYMBOL', 'cut 4002']) {
      assert.ok((outcomes.get(expected) ?? 0) > 0, `${expected} in ${[...outcomes.keys()]}`);
    }
  });

  it('WebSocket frames that violate the protocol, and invalid handshakes', { timeout: 300_000 }, async () => {
    const prng = new Prng(SEED + 2);
    const outcomes = await attack('json-raw', RAW_FRAMES, (raw) => {
      const bytes = frame(Opcode.Text, Buffer.from('{"op":"ping","tag":1}'));
      const dice = prng.below(7);
      if (dice === 0) for (let n = prng.below(40); n >= 0; n--) bytes[prng.below(bytes.length)] = prng.below(256);
      else if (dice === 1)
        bytes[0] |= 0x70; // reserved bits
      else if (dice === 2)
        bytes[0] = 0x83 + prng.below(5); // reserved opcodes
      else if (dice === 3)
        bytes[1] &= 0x7f; // not masked
      else if (dice === 4)
        bytes[0] = prng.below(2) === 0 ? 0x09 : 0x80; // a ping in pieces, a continuation of nothing
      else if (dice === 5)
        bytes.set([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]); // 2^64 - 1 bytes follow
      else bytes.set([0x88, 0x81, 0, 0, 0, 0, prng.below(256)]); // a close with half a code
      raw.socket.write(bytes);
    });
    assert.ok([...outcomes.keys()].some((outcome) => outcome.startsWith('cut')));
    for (let i = 0; i < 100; i++) {
      const socket = connect({ port: venue.port, host: '127.0.0.1' });
      socket.on('error', () => socket.destroy());
      const text = `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${'A'.repeat(prng.below(9000))}\r\n\r\n`;
      const handshake = Buffer.from(text);
      for (let n = prng.below(10); n > 0; n--) handshake[prng.below(Math.min(150, handshake.length))] = prng.below(256);
      socket.write(handshake);
      setTimeout(() => socket.destroy(), 100);
    }
    await sleep(200);
  });

  it('the other connections were not affected', () => undisturbed());
});
