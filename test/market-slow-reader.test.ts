import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Prng } from '../feeds/simulator/prng.ts';
import { LocalOrderBook } from '../gateway/client/local-book.ts';
import { decodeJson, type MarketFrameView } from '../gateway/client/market-decode.ts';
import { SlowReader, type SlowReaderPolicy } from '../gateway/market/slow-reader.ts';
import { eventually, sameBook } from './support/market-check.ts';
import { MarketVenue } from './support/market-venue.ts';
import { RawWebSocket } from './support/raw-websocket.ts';

const POLICY: SlowReaderPolicy = { softLimitBytes: 1000, lagLimitMs: 500, resyncLimit: 2, resyncWindowMs: 10_000 };

test('the policy, step by step', () => {
  const reader = new SlowReader(POLICY);
  assert.equal(reader.admits(1000, 0), true);
  assert.equal(reader.admits(1001, 0), false, 'over the limit');
  assert.equal(reader.admits(0, 0), false, 'lags until it is re-synced');
  assert.equal(reader.verdict(500), undefined);
  assert.match(String(reader.verdict(501)), /lagged too long/);
  assert.equal(reader.drained(501, 400), false, 'half drained is not drained');
  assert.equal(reader.drained(500, 400), true);
  assert.equal(reader.admits(0, 400), true);
  // A snapshot may wait on top of the limit.
  reader.snapshot(5000);
  assert.equal(reader.admits(6000, 400), true);
  assert.equal(reader.admits(6001, 400), false);
  assert.equal(reader.drained(0, 500), true);
  assert.equal(reader.verdict(500), undefined, 'two re-syncs are allowed');
  assert.equal(reader.admits(1001, 600), false);
  assert.equal(reader.drained(0, 600), true);
  assert.match(String(reader.verdict(600)), /too many re-syncs/, 'the third within the window');
  const patient = new SlowReader(POLICY);
  for (const now of [0, 6000, 12_000, 18_000]) {
    patient.admits(1001, now);
    patient.drained(0, now);
    assert.equal(patient.verdict(now), undefined, 'far enough apart');
  }
  // The allowance for a snapshot ends when the reader has caught up.
  const caught = new SlowReader(POLICY);
  caught.snapshot(5000);
  assert.equal(caught.admits(900, 0), true);
  assert.equal(caught.admits(1500, 0), false);
  // A reader that requests a snapshot but makes no room for it.
  const stuck = new SlowReader(POLICY);
  assert.equal(stuck.hasRoom(1001, 0), false);
  assert.equal(stuck.hasRoom(1001, 400), false);
  assert.equal(stuck.verdict(500), undefined);
  assert.match(String(stuck.verdict(501)), /took no snapshot/);
  assert.equal(stuck.hasRoom(1000, 501), true);
  assert.equal(stuck.verdict(9999), undefined);
});

/** A venue with a deep book on S1, and a reader of it (by order, JSON) that can stop reading. */
async function deepVenue(slowReader: Partial<SlowReaderPolicy>): Promise<{ venue: MarketVenue; raw: RawWebSocket }> {
  const venue = await MarketVenue.start(2, { heartbeatMs: 200, slowReader: { softLimitBytes: 64 * 1024, ...slowReader } });
  await venue.fill(1);
  const raw = await RawWebSocket.open(venue.port, { protocol: 'json-raw' });
  raw.text({ op: 'subscribe', channel: 'book-l3', symbol: 'S1' });
  await raw.until(() => raw.json().some(({ kind }) => kind === 'snapshot'));
  return { venue, raw };
}

/** Makes a reader stop reading and lag: the book is swept and refilled until the kernel's buffers are full. */
async function makeLag(venue: MarketVenue, raw: RawWebSocket): Promise<void> {
  raw.socket.pause();
  const { counters } = venue.market;
  for (let i = 0; counters.cutsSlow === 0; i++) {
    assert.ok(i < 80, 'the reader never lagged');
    // Each step is sent on its own: what is removed and entered again within one flush is hardly a change.
    await venue.sweep(1);
    await sleep(50);
    await venue.fill(1);
    await venue.quiet();
    await sleep(50);
    if (counters.laggingNow === 0) continue;
    // The kernel may still enlarge its buffers: the reader then has room again, and does not lag yet.
    await sleep(50);
    if (counters.laggingNow === 1) return;
  }
}

test('a reader that stops reading is conflated, then resynchronised; other readers are not affected', { timeout: 300_000 }, async (t) => {
  const { venue, raw } = await deepVenue({ lagLimitMs: 60_000 });
  t.after(() => venue.stop());
  const { counters } = venue.market;
  const prng = new Prng(1);
  const healthy = venue.client();
  const book = await healthy.book('S1');
  const mirror = venue.market.book(1);
  assert.ok(mirror);

  await makeLag(venue, raw);
  assert.equal(counters.laggingNow, 1);
  const dropped = counters.framesDropped;
  const sent = counters.bytesSent;
  await venue.load(prng, 3000, 1);
  await venue.quiet();
  // It lags: no more data is written to its socket, and only the first frame after it fell behind was built for it.
  assert.ok(counters.framesDropped - dropped <= 1);
  await eventually(() => sameBook(book, mirror));
  assert.deepEqual([book.snapshots, healthy.reconnects], [1, 0]);
  assert.ok(counters.bytesSent - sent < 2_000_000);

  const slow = new LocalOrderBook('S1');
  raw.messages.length = 0;
  let gaps = 0;
  raw.onMessage = ({ data }) => {
    const frame = decodeJson(data.toString('utf8'));
    if (frame.kind === 'snapshot' || frame.kind === 'delta') {
      if (slow.apply(frame as MarketFrameView<'book-l3'>) === 'gap') gaps++;
    }
  };
  const before = counters.resyncs;
  raw.socket.resume();
  await eventually(() => assert.deepEqual([counters.laggingNow, counters.resyncs], [0, before + 1]));
  await venue.load(prng, 500, 1);
  await venue.quiet();
  await eventually(() => sameBook(slow, mirror));
  // What it was sent was complete in itself: a gap was always closed by a snapshot before the next delta.
  assert.equal(gaps, 0);
  assert.equal(counters.cutsSlow, 0);
  raw.destroy();
});

test('a reader that lags too long is disconnected with 4008; other readers are not affected', { timeout: 300_000 }, async (t) => {
  const { venue, raw } = await deepVenue({ lagLimitMs: 300 });
  t.after(() => venue.stop());
  const { counters } = venue.market;
  const prng = new Prng(2);
  const healthy = venue.client({ format: 'json-raw' });
  const book = await healthy.book('S1');
  while (counters.cutsSlow === 0) {
    if (counters.laggingNow === 0) await makeLag(venue, raw);
    await sleep(20);
  }
  assert.equal(counters.cutsSlow, 1);
  assert.deepEqual([counters.connectionsNow, counters.subscriptionsNow, counters.laggingNow], [1, 1, 0]);
  await venue.load(prng, 300, 1);
  await venue.quiet();
  const mirror = venue.market.book(1);
  assert.ok(mirror);
  await eventually(() => sameBook(book, mirror));
  assert.deepEqual([book.snapshots, healthy.reconnects], [1, 0]);
  raw.socket.resume();
  await raw.until(() => raw.ended);
  assert.equal(raw.closeCode, 4008);
  assert.match(raw.closeReason, /lagged too long/);
});

test('a reader that is resynchronised repeatedly is disconnected with 4008', { timeout: 300_000 }, async (t) => {
  const { venue, raw } = await deepVenue({ lagLimitMs: 60_000, resyncLimit: 2 });
  t.after(() => venue.stop());
  const { counters } = venue.market;
  while (counters.cutsSlow === 0) {
    await makeLag(venue, raw);
    const before = counters.resyncs;
    raw.socket.resume();
    await eventually(() => assert.ok(counters.resyncs > before || counters.cutsSlow === 1));
  }
  assert.ok(counters.resyncs >= 3);
  await raw.until(() => raw.ended);
  assert.equal(raw.closeCode, 4008);
  assert.match(raw.closeReason, /too many re-syncs/);
  assert.equal(counters.cutsSlow, 1);
});

for (const kind of ['requests', 'protocol pings'] as const) {
  test(`a reader that sends ${kind} and never reads the answers is disconnected`, { timeout: 300_000 }, async (t) => {
    const venue = await MarketVenue.start(1);
    t.after(() => venue.stop());
    const { counters } = venue.market;
    const raw = await RawWebSocket.open(venue.port, { protocol: 'json-raw' });
    raw.socket.pause();
    for (let i = 0; counters.cutsSlow === 0; i++) {
      assert.ok(i < 5000, 'it was never disconnected');
      for (let n = 0; n < 200; n++) {
        if (kind === 'requests') raw.text({ op: 'ping', tag: n });
        else raw.send(9, 'x'.repeat(120));
      }
      await sleep(1);
    }
    assert.equal(counters.connectionsNow, 0);
    raw.destroy();
  });
}
