import { setTimeout } from 'node:timers/promises';
import { Code } from '../../../engine/codes.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { CANDLE_INTERVALS, CandleField, type Candles, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { vwapText } from '../../../feeds/analysis/vwap.ts';
import { type CandleRecord, stateCandle } from '../../candle-record.ts';
import { withEmpty } from '../../empty-candles.ts';
import { isoTime } from '../../iso-time.ts';
import type { CandleRange, StoredCandles } from '../../taps/candles/candle-queries.ts';
import type { Request, Route } from './admin-http.ts';
import { get, limitOf, type QuerySources, symbolNamed } from './admin-queries.ts';
import { priceText, quantityText } from './admin-views.ts';
import { HttpError } from './http-error.ts';
import { LongList } from './json-pieces.ts';

export interface CandleSources extends QuerySources {
  /** The candles of market data, closed up to the engine's time. */
  readonly candles: (symbol: number) => Candles;
  /** Time of the engine, microseconds: that of its last command. */
  readonly engineTimeUs: () => number;
}

/** How long an answer waits for the history, which is written with a delay: so often, and ms between two attempts. */
const ATTEMPTS = 25;
const ATTEMPT_MS = 20;
const YEAR_9999_US = Date.UTC(9999, 11, 31) * 1000;

/** Candles of a symbol: closed ones from the history, the last ones and the forming one from market data. See docs/ADMIN.md. */
export function candleRoute(sources: CandleSources): Route {
  return get('/v1/symbols/:name/candles', 'market:read', ['interval', 'from', 'to', 'limit', 'empty'], async (request) => {
    const { query, params } = request;
    const symbol = symbolNamed(sources.directory, params.name);
    const interval = intervalOf(query);
    const length = INTERVAL_US[interval];
    const limit = limitOf(query);
    const empty = isEmpty(query);
    const nowUs = sources.engineTimeUs();
    const afterNow = Math.floor(nowUs / length) + 1;
    const given = { from: timeOf(query, 'from'), to: timeOf(query, 'to') };
    const to = Math.min(given.to === undefined ? afterNow : Math.ceil(given.to / length), afterNow);
    // With empty buckets, the last `limit` ones begin at a known time.
    const from = given.from === undefined ? (empty ? Math.max(0, to - limit) : 0) : Math.ceil(given.from / length);
    const newest = given.from === undefined && !empty;
    if (given.from !== undefined && given.to !== undefined && given.from > given.to) throw bad('from must not be after to');
    // One more than asked for shows whether there is a next page.
    const range = { symbol: symbol.id, interval, from, to, limit: newest ? limit : limit + 1, newest };
    const { candles, closeBefore, behind } = await read(sources, request, range);
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
  });
}

interface CandlesRead extends StoredCandles {
  readonly behind?: true;
}

/** The history may lack trades that market data has in no candle any more: it is waited for. */
async function read({ history, candles }: CandleSources, { caller }: Request, range: Omit<CandleRange, 'atLeast'>): Promise<CandlesRead> {
  for (let left = ATTEMPTS; left > 0; left--) {
    const live = liveOf(candles(range.symbol), range.interval);
    const stored = await history.candles({ ...range, atLeast: live.firstTradeId - 1 }, caller);
    if (stored !== undefined) return merged(stored, live.candles, range);
    await setTimeout(ATTEMPT_MS);
  }
  const live = liveOf(candles(range.symbol), range.interval);
  const stored = (await history.candles({ ...range, atLeast: 0 }, caller)) as StoredCandles;
  return { ...merged(stored, live.candles, range), behind: true };
}

/** The last closed and the forming candle, and the first trade that is in them; without both, the one that would be. */
function liveOf(candles: Candles, interval: number) {
  const { state } = candles;
  const [closedAt, formingAt] = [candles.closedAt(interval), candles.formingAt(interval)];
  const both = [stateCandle(state, closedAt, interval, true), stateCandle(state, formingAt, interval, false)];
  const firstTradeId = state[closedAt + CandleField.firstTradeId] || state[formingAt + CandleField.firstTradeId];
  return { candles: both.filter((candle) => candle !== undefined), firstTradeId: firstTradeId || candles.lastTradeId + 1 };
}

function merged(
  { candles, closeBefore }: StoredCandles,
  live: readonly CandleRecord[],
  range: Omit<CandleRange, 'atLeast'>,
): StoredCandles {
  if (live.length === 0) return { candles, closeBefore };
  const length = INTERVAL_US[range.interval];
  const before = live.findLast(({ startUs }) => startUs < range.from * length);
  const older = candles.filter(({ startUs }) => startUs < live[0].startUs).map((candle) => ({ ...candle, closed: true }));
  // Page by page, what follows a full page is not in it.
  const room = range.newest || older.length < range.limit;
  const newer = live.filter(({ startUs }) => room && startUs >= range.from * length && startUs < range.to * length);
  return { candles: [...older, ...newer], closeBefore: before?.close ?? closeBefore };
}

function* views(symbol: SymbolInfo, candles: readonly CandleRecord[]): Generator<unknown> {
  for (const candle of candles) yield candleView(symbol, candle);
}

/** Prices and quantities as decimal text, next to ticks and lots. */
export function candleView(symbol: SymbolInfo, candle: CandleRecord) {
  const { startUs, open, high, low, close, volume, buyVolume, sellVolume, notionalLow, notionalHigh, uncounted, trades } = candle;
  const [openText, highText, lowText, closeText] = [open, high, low, close].map((ticks) => priceText(symbol, ticks));
  const [volumeText, buyText, sellText] = [volume, buyVolume, sellVolume].map((lots) => quantityText(symbol, lots));
  const vwap = vwapText(notionalLow, notionalHigh, volume, symbol.tickMantissa, symbol.tickDecimals);
  return {
    ...{ startUs, start: new Date(startUs / 1000).toISOString(), closed: candle.closed },
    ...{ open: openText, high: highText, low: lowText, close: closeText },
    ...{ volume: volumeText, buyVolume: buyText, sellVolume: sellText },
    ...(vwap !== '' && { vwap }),
    trades,
    ...{ openTicks: open, highTicks: high, lowTicks: low, closeTicks: close },
    ...{ volumeLots: volume, buyVolumeLots: buyVolume, sellVolumeLots: sellVolume },
    ...(trades > 0 && { firstTradeId: candle.firstTradeId, lastTradeId: candle.lastTradeId, seq: candle.seq }),
    ...(uncounted > 0 && { uncounted }),
  };
}

function intervalOf(query: URLSearchParams): number {
  const text = query.get('interval') ?? '1m';
  const interval = (CANDLE_INTERVALS as readonly string[]).indexOf(text);
  if (interval === -1) throw bad(`interval must be one of ${CANDLE_INTERVALS.join(', ')}, not ${text.slice(0, 16)}`);
  return interval;
}

function isEmpty(query: URLSearchParams): boolean {
  const text = query.get('empty') ?? '0';
  if (text !== '0' && text !== '1') throw bad(`empty must be 1, to have buckets without trades, or 0, not ${text.slice(0, 16)}`);
  return text === '1';
}

/** Microseconds since the epoch, or a time as ISO 8601 with a time zone. @throws HttpError 400 */
function timeOf(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  if (text === null) return undefined;
  const us = /^\d{1,16}$/.test(text) ? Number(text) : ISO_TIME.test(text) ? isoUs(text) : Number.NaN;
  if (us >= 0 && us <= YEAR_9999_US) return us;
  throw bad(`${key} must be microseconds since the Unix epoch, or a time such as 2026-01-31T09:30:00Z, not ${text.slice(0, 40)}`);
}

/** A day alone begins at midnight UTC. NaN for a day that does not exist. */
function isoUs(text: string): number {
  return (isoTime(text.includes('T') ? text : `${text}T00:00:00Z`) ?? Number.NaN) * 1000;
}
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

function bad(message: string): HttpError {
  return new HttpError(400, Code.BAD_PARAMETER, 'BAD_PARAMETER', message);
}
