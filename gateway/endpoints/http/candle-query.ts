import { z } from 'zod';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { CANDLE_INTERVALS, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { notionalText, vwapText } from '../../../feeds/analysis/vwap.ts';
import type { CandleRecord } from '../../candle-record.ts';
import { withEmpty } from '../../empty-candles.ts';
import { priceText, quantityText } from '../json/amounts.ts';
import { LongList } from '../json/json-pieces.ts';
import { CANDLES } from '../json/schemas/market.ts';
import { symbolNamed } from '../json/symbol-named.ts';
import { bucketsOf, RANGE } from './candle-parameters.ts';
import { type CandleSources, readCandles } from './candle-reader.ts';
import { INTERVAL, LIMIT } from './query-schemas.ts';
import type { Route } from './route.ts';
import { ofSymbol } from './symbol-routes.ts';

const EMPTY = z
  .enum(['0', '1'], { error: ({ input }) => `must be 1, to have buckets without trades, or 0, not ${String(input).slice(0, 16)}` })
  .default('0')
  .meta({ description: '1: buckets without a trade have a candle, too.', default: '0' });

/** Candles of a symbol: closed ones from the history, the last ones and the forming one from market data. See docs/ADMIN.md. */
export function candleRoutes(sources: CandleSources): Route[] {
  return ofSymbol({
    paths: ['/v1/symbols/:name/candles', '/v1/candles'],
    summary: 'Candles of a symbol, oldest first.',
    action: 'market:read',
    public: true,
    query: { interval: INTERVAL, ...RANGE, limit: LIMIT, empty: EMPTY },
    answer: CANDLES,
    handle: async (name, { query, caller }) => {
      const symbol = symbolNamed(sources.directory, name);
      const interval = CANDLE_INTERVALS.indexOf(query.interval);
      const length = INTERVAL_US[interval];
      const { limit } = query;
      const empty = query.empty === '1';
      const nowUs = sources.engineTimeUs();
      const afterNow = Math.floor(nowUs / length) + 1;
      const given = bucketsOf(query, interval);
      const to = Math.min(given.to ?? afterNow, afterNow);
      // With empty buckets, the last `limit` ones begin at a known time.
      const from = given.from ?? (empty ? Math.max(0, to - limit) : 0);
      const newest = given.from === undefined && !empty;
      // One more than the limit shows whether there is a next page.
      const range = { symbol: symbol.id, interval, from, to, limit: newest ? limit : limit + 1, newest };
      const { candles, closeBefore, behind } = await readCandles(sources, caller, range);
      // No bucket stands before the first trade, and none of them takes room on a page.
      const begin = closeBefore === 0 && candles.length > 0 ? candles[0].startUs / length : from;
      const end = Math.min(to, begin + limit + 1) * length;
      const all = empty ? [...withEmpty(candles, interval, begin * length, end, closeBefore, nowUs)] : candles;
      const shown = newest ? all.slice(-limit) : all.slice(0, limit);
      const more = all.length > shown.length && !newest;
      return {
        pieces: {
          symbol: symbol.name,
          interval: CANDLE_INTERVALS[interval],
          candles: new LongList(views(symbol, shown)),
          next: more ? all[limit].startUs : 0,
          behind,
        },
      };
    },
  });
}

function* views(symbol: SymbolInfo, candles: readonly CandleRecord[]): Generator<unknown> {
  for (const candle of candles) yield candleView(symbol, candle);
}

/** Prices and quantities as decimal text, next to ticks and lots. */
export function candleView(symbol: SymbolInfo, candle: CandleRecord) {
  const { startUs, open, high, low, close, volume, buyVolume, sellVolume, notionalLow, notionalHigh, uncounted, trades } = candle;
  const [openText, highText, lowText, closeText] = [open, high, low, close].map((ticks) => priceText(symbol, ticks));
  const [volumeText, buyText, sellText] = [volume, buyVolume, sellVolume].map((lots) => quantityText(symbol, lots));
  const decimals = symbol.tickDecimals + symbol.lotDecimals;
  const vwap = vwapText(notionalLow, notionalHigh, volume, symbol.tickMantissa, symbol.tickDecimals);
  return {
    ...{ startUs, start: new Date(startUs / 1000).toISOString(), closed: candle.closed },
    ...{ open: openText, high: highText, low: lowText, close: closeText },
    ...{ volume: volumeText, buyVolume: buyText, sellVolume: sellText },
    ...(vwap !== '' && { vwap }),
    notional: notionalText(notionalLow, notionalHigh, BigInt(symbol.tickMantissa) * BigInt(symbol.lotMantissa), decimals),
    trades,
    ...{ openTicks: open, highTicks: high, lowTicks: low, closeTicks: close },
    ...{ volumeLots: volume, buyVolumeLots: buyVolume, sellVolumeLots: sellVolume },
    ...(trades > 0 && { firstTradeId: String(candle.firstTradeId), lastTradeId: String(candle.lastTradeId), seq: candle.seq }),
    ...(uncounted > 0 && { uncounted }),
  };
}
