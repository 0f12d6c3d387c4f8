/** The live candles of an exchange that is killed and started again: each closes once, and no trade is missing. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from '../gateway/client/index.ts';
import type { Item } from '../gateway/client/market-stream.ts';
import { ExchangeProcess } from './support/exchange-process.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';
import { until } from './support/until.ts';

const SYMBOL = 'BTC-USD';
type Candle = Item<'candles-1s'>;

test('a follower has each candle closed once and each trade, though the exchange is killed', { timeout: 300_000 }, async (t) => {
  const undo: (() => unknown)[] = [];
  t.after(async () => {
    for (const step of undo.reverse()) await step();
  });
  const base = mkdtempSync(join(tmpdir(), 'openbell-candle-kill-'));
  undo.push(() => rmSync(base, { recursive: true, force: true }));
  const data = join(base, 'data');
  let exchange = await ExchangeProcess.start(data);
  undo.push(() => exchange.end('SIGKILL'));
  const proxy = await FlakyProxy.start(exchange.ports.ws);
  undo.push(() => proxy.stop());
  const client = () => connect({ grpcPort: exchange.ports.grpc, wsPort: proxy.port, httpPort: exchange.ports.http, account: 1 });
  const follower = await client();
  undo.push(() => follower.close());
  const seen: Candle[] = [];
  const gaps: [from: number, to: number][] = [];
  let lost = 0;
  await follower.market.candles(SYMBOL, '1s', {
    onItem: (candle) => seen.push(candle),
    onGap: (_, from, to) => gaps.push([from, to]),
    onLost: () => lost++,
  });
  const closed = (): Candle[] => seen.filter((candle) => candle.closed);
  let trades = 0;
  /** What the exchange has, oldest first. */
  const stored = async () => {
    const asker = await client();
    const { candles } = await asker.queries.candles({ symbol: SYMBOL, interval: '1s' });
    await asker.close();
    return candles.filter((candle) => candle.closed);
  };
  /** Resolves when the trade is durable. */
  const trade = async (): Promise<void> => {
    const trader = await client();
    for (const side of ['sell', 'buy'] as const)
      await trader.orders.place({ symbol: SYMBOL, side, price: '59000.00', quantity: '0.01', timeInForce: 'gtc' });
    trades++;
    await trader.close();
  };
  /** @param before what happens until the follower is connected again */
  const restart = async (before: () => Promise<void>): Promise<void> => {
    const losses = lost;
    proxy.refuse = true;
    await exchange.end('SIGKILL');
    await until(() => lost > losses, 'the follower sees the end');
    exchange = await ExchangeProcess.start(data);
    await before();
    proxy.target = exchange.ports.ws;
    proxy.refuse = false;
  };
  await trade();
  await until(() => seen.some(({ lastTradeId }) => lastTradeId === trades), 'the first trade is in a candle');
  // A candle that forms, or has just closed.
  await restart(async () => undefined);
  await trade();
  await until(() => closed().some(({ lastTradeId }) => lastTradeId === trades), 'the candle has closed');
  await trade();
  await until(() => seen.some(({ lastTradeId }) => lastTradeId === trades), 'a further trade is in a candle');
  // It closes without a connection, and so does at least the next one.
  const last = trades;
  await restart(async () => {
    while ((await stored()).filter(({ lastTradeId = '0' }) => Number(lastTradeId) > last).length < 2) await trade();
  });
  await trade();
  await until(() => closed().some(({ lastTradeId }) => lastTradeId === trades), 'the last candle has closed');

  const begins = closed().map(({ startUs }) => startUs);
  assert.equal(new Set(begins).size, begins.length, 'each closes once');
  for (const [i, { startUs, closed: isClosed }] of seen.entries())
    if (isClosed)
      assert.ok(
        seen.slice(i + 1).every((later) => later.startUs > startUs),
        'nothing follows of a closed candle',
      );
  // Each trade is in a candle that has closed, or named as missing.
  const ids = (ranges: readonly (readonly [from: number, to: number])[]) =>
    ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
  const had = closed().map(({ firstTradeId, lastTradeId }) => [firstTradeId, lastTradeId] as const);
  assert.deepEqual(
    ids([...had, ...gaps]).sort((a, b) => a - b),
    ids([[1, trades]]),
  );
  assert.ok(gaps.length > 0);
  const all = await stored();
  assert.deepEqual(
    ids(all.map(({ firstTradeId = '0', lastTradeId = '0' }) => [Number(firstTradeId), Number(lastTradeId)])),
    ids([[1, trades]]),
  );
  for (const { startUs, firstTradeId, lastTradeId } of closed())
    assert.ok(
      all.some(
        (candle) =>
          candle.startUs === startUs && candle.firstTradeId === String(firstTradeId) && candle.lastTradeId === String(lastTradeId),
      ),
      `the candle of trade ${firstTradeId} is the one of the history`,
    );
});
