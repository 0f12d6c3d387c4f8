import { setTimeout } from 'node:timers/promises';
import { CandleField, type Candles, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { type CandleRecord, stateCandle } from '../../candle-record.ts';
import type { CandleRange, StoredCandles } from '../../taps/candles/candle-queries.ts';
import type { QuerySources } from './admin-queries.ts';

export interface CandleSources extends QuerySources {
  /** The candles of market data, closed up to the engine's time. */
  readonly candles: (symbol: number) => Candles;
  /** Time of the engine, microseconds: that of its last command. */
  readonly engineTimeUs: () => number;
}

/** How long an answer waits for the history, which is written with a delay: so often, and ms between two attempts. */
const ATTEMPTS = 25;
const ATTEMPT_MS = 20;
/** Oldest first, complete up to the last trade that was published, unless it is `behind`. */
export interface CandlesRead extends StoredCandles {
  readonly behind?: true;
}

/**
 * Closed candles from the history, the last ones and the forming one from market data. The history may lack trades that market
 * data has in no candle any more: it is waited for. @param caller whose turn it takes
 */
export async function readCandles(
  { history, candles }: Pick<CandleSources, 'history' | 'candles'>,
  caller: string,
  range: Omit<CandleRange, 'atLeast'>,
): Promise<CandlesRead> {
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
