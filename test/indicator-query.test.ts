/** GET /v1/symbols/NAME/indicators over a stored series that takes many pages: whatever is asked for, the values are those of the whole series. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Candles, Taker } from '../feeds/analysis/candles.ts';
import { IndicatorSeries, type IndicatorValue } from '../feeds/analysis/indicators/indicator-series.ts';
import { readIndicators } from '../feeds/analysis/indicators/indicator-text.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import { candleBar } from '../gateway/candle-bar.ts';
import type { CandleSources } from '../gateway/endpoints/http/candle-reader.ts';
import { HttpError } from '../gateway/endpoints/http/http-error.ts';
import { indicatorRoute } from '../gateway/endpoints/http/indicator-query.ts';
import { type Request, readQuery } from '../gateway/endpoints/http/route.ts';
import type { LongList } from '../gateway/endpoints/json/json-pieces.ts';
import { storedCandlesOf } from '../gateway/taps/candles/candle-queries.ts';
import { CandleWriter } from '../gateway/taps/candles/candle-writer.ts';
import { openHistory } from '../gateway/taps/history/store.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-indicator-query-'));
after(() => rmSync(base, { recursive: true, force: true }));

const MINUTE = 60 * 1e6;
const START = 1.7e15 - (1.7e15 % MINUTE);
const SYMBOL = { id: 3, name: 'X-Y', tickMantissa: 5, tickDecimals: 3, lotMantissa: 1, lotDecimals: 4 };
const BARS = 1700;
const TEXTS = ['rsi:14', 'macd', 'bb:20:2', 'adx:7', 'vwap', 'tema:9'];

/** A trade or two in a minute, some minutes without; a store and market data that have them. */
const store = openHistory(base);
after(() => store.root.close());
const writer = new CandleWriter(store);
let live = new Candles();
/** As it was before the last bar: its candles are closed, and none is forming. */
let before = new Candles();
const prng = new Prng(8);
let timeUs = START;
let tradeId = 0;
for (let price = 200_000, bars = 0; bars < BARS; bars++) {
  if (bars === BARS - 1) {
    before = new Candles(live.state.slice());
    before.advance(timeUs);
  }
  for (let n = 1 + prng.below(2); n > 0; n--) {
    price += prng.between(-50, 50);
    tradeId++;
    const trade = [timeUs + n, price, prng.between(1, 5000), prng.below(2) === 0 ? Taker.Buy : Taker.Sell, tradeId, tradeId + 5] as const;
    writer.trade(SYMBOL.id, ...trade);
    live.trade(...trade);
  }
  timeUs += MINUTE * (prng.below(20) === 0 ? 3 : 1);
}
store.root.transactionSync(() => writer.write(() => undefined));

let reads = 0;
let longest = 0;
const route = indicatorRoute({
  directory: { symbolByName: (name: string) => (name === SYMBOL.name ? SYMBOL : undefined), symbols: () => [SYMBOL] },
  history: {
    candles: async (range: Parameters<typeof storedCandlesOf>[1]) => {
      reads++;
      longest = Math.max(longest, range.limit);
      return storedCandlesOf(store, range);
    },
  },
  candles: () => live,
  engineTimeUs: () => timeUs,
} as unknown as CandleSources);

interface Bar {
  readonly startUs: number;
  readonly closed: boolean;
  readonly values: Readonly<Record<string, IndicatorValue>>;
}

async function ask(query: Readonly<Record<string, string | number>>): Promise<{ bars: Bar[]; next: number }> {
  const inSlices = <T>(work: Generator<undefined, T>): Promise<T> => {
    for (;;) {
      const { done, value } = work.next();
      if (done) return Promise.resolve(value);
    }
  };
  const texts = Object.entries({ indicator: TEXTS.join(','), ...query }).map(([key, value]): [string, string] => [key, String(value)]);
  const request = { params: { name: SYMBOL.name }, query: readQuery(route, new URLSearchParams(texts)), caller: 'a', inSlices };
  const reply = (await route.handle(request as unknown as Request)) as { pieces: { bars: LongList; next: number } };
  return { bars: [...reply.pieces.bars.items] as Bar[], next: reply.pieces.next };
}

/** Of the series from its first bar on. */
const whole: Bar[] = [];
const series = await IndicatorSeries.of(readIndicators(TEXTS, MINUTE));
const all = storedCandlesOf(store, { symbol: SYMBOL.id, interval: 2, from: 0, to: 1e12, limit: 1e6, newest: false, atLeast: 0 });
for (const candle of all?.candles ?? []) {
  series.add(candleBar(candle, SYMBOL));
  whole.push({ startUs: candle.startUs, closed: candle.closed, values: series.values() });
}

function same(bars: readonly Bar[], from: number, to: number): void {
  assert.deepEqual(
    bars.map(({ startUs, closed }) => [startUs, closed]),
    whole.slice(from, to).map(({ startUs, closed }) => [startUs, closed]),
  );
  for (const [i, { values }] of bars.entries()) near(values, whole[from + i].values, `bar ${from + i}`);
}

function near(own: unknown, other: unknown, what: string): void {
  if (typeof own === 'object' && own !== null)
    for (const [key, value] of Object.entries(own)) near(value, (other as Record<string, unknown>)[key], `${key} of ${what}`);
  else if (own === null || other === null) assert.equal(own, other, what);
  else assert.ok(Math.abs(Number(own) - Number(other)) <= 1e-9 * Math.max(1, Math.abs(Number(other))), `${what}: ${own} and ${other}`);
}

test('the last bars, the forming one included, have the values of the whole series', async () => {
  assert.equal(whole.length, BARS);
  const { bars, next } = await ask({ limit: 20 });
  same(bars, BARS - 20, BARS);
  assert.deepEqual([next, bars.at(-1)?.closed], [0, false]);
  assert.ok(reads > 5 && longest <= 1001, `${reads} reads of at most ${longest}`);
});

test('pages from a bar on go through the series, and end', async () => {
  for (const first of [0, 1, 19, 249, 250, 251, 1500, BARS - 1]) {
    const page = await ask({ from: whole[first].startUs, limit: 7 });
    same(page.bars, first, Math.min(first + 7, BARS));
    assert.equal(page.next, whole[first + 7]?.startUs ?? 0);
  }
  const seen: Bar[] = [];
  for (let from = whole[1200].startUs; from !== 0; ) {
    const page = await ask({ from, limit: 100 });
    seen.push(...page.bars);
    from = page.next;
  }
  same(seen, 1200, BARS);
});

test('before a time, from a time that has not come, and from before the first bar', async () => {
  same((await ask({ to: whole[900].startUs, limit: 3 })).bars, 897, 900);
  assert.deepEqual(await ask({ from: timeUs + 1000 * MINUTE }), { bars: [], next: 0 });
  same((await ask({ from: 0, limit: 2 })).bars, 0, 2);
  assert.deepEqual((await ask({ from: whole[5].startUs, to: whole[5].startUs })).bars, []);
});

test('market data that lacks a trade which the history has takes nothing from the bars of the warm-up', async () => {
  const complete = live;
  live = before;
  try {
    same((await ask({ limit: 20 })).bars, BARS - 21, BARS - 1);
  } finally {
    live = complete;
  }
});

test('what is asked for wrongly has a code', async () => {
  const refused = (query: Readonly<Record<string, string>>, name: string) =>
    assert.rejects(ask(query), (error) => error instanceof HttpError && error.name === name && error.status === 400);
  await refused({ indicator: '' }, 'BAD_INDICATOR');
  await refused({ indicator: 'sma:0' }, 'BAD_INDICATOR');
  await refused({ indicator: 'vwap', interval: '1s' }, 'BAD_INDICATOR');
  await refused({ from: '5', to: '4' }, 'BAD_PARAMETER');
  await refused({ limit: '0' }, 'BAD_PARAMETER');
});
