/** The candle channels at a real engine: closed once, by the time of commands, in both formats, over reconnects and restarts. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import type { Item } from '../gateway/client/market-stream.ts';
import { SeenCandles } from '../gateway/client/seen-candles.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';
import { MarketVenue } from './support/market-venue.ts';
import { until } from './support/until.ts';

type Candle = Item<'candles-1s'>;

/** One trade. */
function trade(venue: MarketVenue, price: number, quantity = 1, taker: number = Side.Buy): void {
  venue.place(1, 1, 1 - taker, price, quantity);
  venue.place(2, 1, taker, price, quantity, TimeInForce.ImmediateOrCancel);
}

const sums = (candles: readonly Candle[]) => candles.reduce((sum, { trades }) => sum + trades, 0);

test('candles close once, and together hold every trade, in both formats and over lost connections', { timeout: 60_000 }, async () => {
  let now = (): number => 0;
  const venue = await MarketVenue.start(1, {
    passTime: () => venue.do({ kind: CommandKind.Tick, quantity: 1 }),
    engineTimeUs: () => now(),
  });
  after(() => venue.stop());
  now = () => {
    const { sequencedSeq, appliedSeq, marketDepth } = venue.engine.status();
    return appliedSeq === sequencedSeq && marketDepth === 0 ? venue.engine.sequencer.timeUs : 0;
  };
  const proxy = await FlakyProxy.start(venue.port);
  after(() => proxy.stop());
  const readers = await Promise.all(
    (['binary', 'json-raw'] as const).flatMap((format) =>
      [venue.port, proxy.port].map(async (port) => {
        const seen: Candle[] = [];
        const gaps: [number, number][] = [];
        const client = venue.client({ format, port });
        await client.candles('S1', '1s', { onItem: (candle) => seen.push(candle), onGap: (_, from, to) => gaps.push([from, to]) });
        return { format, seen, gaps, isSteady: port === venue.port };
      }),
    ),
  );
  let trades = 0;
  for (let i = 0; i < 24; i++) {
    trade(venue, 1000 + (i % 7), 1 + (i % 3), i % 2);
    trades++;
    await sleep(100);
    if (i % 8 === 7) proxy.cut();
  }
  // No command follows: the last candle is closed by a Tick.
  await until(
    () => readers.filter(({ isSteady }) => isSteady).every(({ seen }) => sums(seen.filter(({ closed }) => closed)) === trades),
    'every trade is in a closed candle',
  );
  for (const { format, seen, gaps, isSteady } of readers) {
    const closed = seen.filter((candle) => candle.closed);
    assert.equal(new Set(closed.map(({ startUs }) => startUs)).size, closed.length, `${format}: each closes once`);
    if (isSteady) assert.deepEqual(gaps, []);
    for (const [i, candle] of seen.entries()) {
      assert.equal(candle.trades, candle.lastTradeId - candle.firstTradeId + 1);
      assert.ok(candle.low <= Math.min(candle.open, candle.close) && candle.high >= Math.max(candle.open, candle.close));
      assert.equal(candle.volume, candle.buyVolume + candle.sellVolume);
      if (i > 0) assert.ok(candle.startUs >= seen[i - 1].startUs && (candle.startUs > seen[i - 1].startUs || !seen[i - 1].closed));
    }
  }
  const [first, other] = readers.filter(({ isSteady }) => isSteady).map(({ seen }) => seen.filter(({ closed }) => closed));
  assert.deepEqual(first.slice(-other.length), other.slice(-first.length), 'the formats agree');
});

test('the snapshot has the last closed candle and the forming one, and every interval has its channel', { timeout: 60_000 }, async () => {
  const venue = await MarketVenue.start(1);
  after(() => venue.stop());
  trade(venue, 1000);
  await sleep(1100);
  trade(venue, 1001);
  trade(venue, 1002);
  await venue.quiet();
  const client = venue.client({ format: 'json-raw' });
  const seconds: Candle[] = [];
  await client.candles('S1', '1s', { onItem: (candle) => seconds.push(candle) });
  await until(() => seconds.length >= 2, 'the snapshot');
  assert.deepEqual(
    seconds.slice(0, 2).map(({ closed, firstTradeId, open, close }) => ({ closed, firstTradeId, open, close })),
    [
      { closed: true, firstTradeId: 1, open: 1000, close: 1000 },
      { closed: false, firstTradeId: 2, open: 1001, close: 1002 },
    ],
  );
  for (const interval of ['15s', '1m', '5m', '15m', '1h', '4h', '1d'] as const) {
    const stream = await client.candles('S1', interval);
    let { value } = await stream.next();
    // A bucket may have ended between the trades.
    while (value.lastTradeId < 3) ({ value } = await stream.next());
    assert.equal(value.lastTradeId, 3);
    assert.equal(value.close, 1002);
    stream.close();
  }
  assert.throws(() => client.candles('S1', '2m' as '1m'), { code: 'BAD_INTERVAL' });
});

test('a client that was away learns which trades are in no closed candle it has', () => {
  const seen = new SeenCandles();
  const gaps: string[] = [];
  const stream = { gap: (symbol: string, from: number, to: number) => gaps.push(`${symbol} ${from}-${to}`) };
  const candle = (startUs: number, closed: boolean, firstTradeId: number, lastTradeId: number) =>
    seen.isNew('S1', { startUs, closed, firstTradeId, lastTradeId } as Candle, stream);
  const ledger: readonly [candle: Parameters<typeof candle>, isNew: boolean, gap?: string][] = [
    [[1, false, 1, 2], true],
    [[1, true, 1, 3], true],
    [[1, true, 1, 3], false],
    [[2, false, 4, 4], true],
    // The second one closed without a connection, as it was seen or with more trades.
    [[3, true, 5, 5], true, 'S1 4-4'],
    [[4, false, 6, 6], true],
    [[6, true, 9, 10], true, 'S1 6-8'],
    [[7, false, 11, 11], true],
    // It is still forming after a reconnect.
    [[6, true, 9, 10], false],
    [[7, false, 11, 12], true],
    [[7, true, 11, 12], true],
    [[9, false, 15, 15], true, 'S1 13-14'],
    // None has closed in between.
    [[9, true, 15, 16], true],
    [[10, true, 17, 17], true],
  ];
  for (const [args, isNew, gap] of ledger) {
    assert.equal(candle(...args), isNew, args.join(' '));
    assert.deepEqual(gaps.splice(0), gap === undefined ? [] : [gap], args.join(' '));
  }
});
