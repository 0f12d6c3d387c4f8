/** Indicators at a real exchange: the query, and the command that follows them over a connection that breaks. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { IndicatorBarJson, IndicatorValue } from '../gateway/client/index.ts';
import { behindProxy } from './support/behind-proxy.ts';
import { openbell, openbellLines } from './support/exchange-process.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-cli-indicators-'));
after(() => rmSync(base, { recursive: true, force: true }));

const INDICATORS = ['sma:2', 'rsi:2', 'macd:2:3:1', 'vwap:2', 'wma:2'];
type Values = Readonly<Record<string, IndicatorValue>>;

const numbers = (values: Values) =>
  Object.entries(values).flatMap(([text, value]) =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).map(([k, v]) => [`${text}.${k}`, v] as const)
      : [[text, value] as const],
  );

function same(own: Values, other: Values, what: string): void {
  const [a, b] = [numbers(own), numbers(other)];
  assert.equal(a.length, b.length);
  for (const [i, [name, value]] of a.entries()) {
    const wanted = b[i][1];
    if (value === null || wanted === null) assert.equal(value, wanted, `${name} of ${what}`);
    else assert.ok(Math.abs(value - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted)), `${name} of ${what}: ${value} and ${wanted}`);
  }
}

test('indicators --follow shows each bar once, with the values that the exchange calculates', { timeout: 300_000 }, async (t) => {
  const { exchange, proxy, client } = await behindProxy(t, join(base, 'data'));
  let trades = 0;
  /** Trades in a second that has none yet. */
  const nextBar = async (): Promise<void> => {
    const { candles } = await client.queries.candles({ symbol: 'BTC-USD', interval: '1s', limit: 1 });
    const next = (candles[0]?.startUs ?? 0) / 1000 + 1000;
    while (Date.now() <= next) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const part of [0, 1]) {
      trades++;
      const price = `${59_000 + ((trades * 37) % 50)}.0${part}`;
      for (const side of ['sell', 'buy'] as const)
        await client.orders.place({ symbol: 'BTC-USD', side, price, quantity: `0.0${(trades % 9) + 1}`, timeInForce: 'gtc' });
    }
  };
  for (let bar = 0; bar < 3; bar++) await nextBar();
  const flags = [...exchange.flags, '--ws-port', String(proxy.port)];
  const follow = openbellLines(['indicators', 'BTC-USD', ...INDICATORS, '--interval', '1s', '--follow', '--json', ...flags]);
  t.after(() => follow.child.kill('SIGKILL'));
  const shown: { startUs: number; closed: boolean; values: Values }[] = [];
  const read = async (count: number): Promise<void> => {
    while (shown.length < count) shown.push(JSON.parse(await follow.next()));
  };
  await read(2);
  await nextBar();
  await read(3);
  proxy.refuse = true;
  proxy.cut();
  await follow.said(/connecting again/);
  for (let bar = 0; bar < 2; bar++) await nextBar();
  proxy.refuse = false;
  // The last bar closes by the time of the commands of the next.
  await nextBar();
  await nextBar();
  await read(6);

  const { bars, next } = await client.queries.indicators({ symbol: 'BTC-USD', interval: '1s', indicators: INDICATORS });
  assert.equal(next, 0);
  assert.deepEqual(
    shown.map(({ startUs }) => startUs),
    bars.slice(0, shown.length).map(({ startUs }) => startUs),
    'each once, none is missing',
  );
  for (const [i, { closed, values, startUs }] of shown.entries()) {
    assert.ok(closed);
    same(values, bars[i].values, `bar ${i}`);
    // A page that begins there warms up with the bars before it.
    const page = await client.queries.indicators({ symbol: 'BTC-USD', interval: '1s', indicators: INDICATORS, from: startUs, limit: 1 });
    assert.deepEqual(page.bars, [bars[i]]);
    assert.equal(page.next, bars[i + 1].startUs);
  }
  const [, second] = bars as readonly [IndicatorBarJson, IndicatorBarJson];
  const { candles } = await client.queries.candles({ symbol: 'BTC-USD', interval: '1s' });
  const closes = candles.map(({ close }) => Number(close));
  const [money, volume] = [0, 1].reduce(([m, v], i) => [m + Number(candles[i].notional), v + Number(candles[i].volume)], [0, 0]);
  assert.equal(second.values['sma:2'], (closes[0] + closes[1]) / 2);
  assert.ok(Math.abs(Number(second.values['vwap:2']) - money / volume) < 1e-6);

  const limited = await openbell(['indicators', 'BTC-USD', 'sma:2', 'macd:2:3:1', '--interval', '1s', '--limit', '3', ...exchange.flags]);
  assert.match(
    limited.stdout,
    /^start +close +sma:2 +macd:2:3:1\.macd +macd:2:3:1\.signal +macd:2:3:1\.histogram\n(\S+Z +59\S+ +59\S+ .*\n){3}$/,
  );
  for (const [query, message] of [
    ['indicator=rsi:0', /BAD_INDICATOR.*rsi:0: period must be a whole number from 2 to 150, not 0/],
    ['', /BAD_PARAMETER.*indicator is required/],
    ['indicator=vwap&interval=15s', /BAD_INDICATOR.*needs bars of a whole day/],
    ['indicator=sma:2&interval=2s', /BAD_PARAMETER.*interval must be one of 1s/],
  ] as const) {
    const response = await fetch(`http://127.0.0.1:${exchange.ports.http}/v1/symbols/BTC-USD/indicators?${query}`);
    assert.equal(response.status, 400);
    assert.match(await response.text(), message);
  }
  const onBar = () => undefined;
  await assert.rejects(client.indicators({ symbol: 'BTC-USD', indicators: ['x'], onBar }), { code: 'BAD_INDICATOR' });
  await assert.rejects(client.indicators({ symbol: 'BTC-USD', indicators: ['obv'], bars: -1, onBar }), { code: 'BAD_OPTION' });
  await assert.rejects(client.indicators({ symbol: 'NO-SUCH', indicators: ['obv'], onBar }), { code: 'UNKNOWN_SYMBOL' });
});
