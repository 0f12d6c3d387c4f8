import type { Directory } from '../../engine/threads/directory.ts';
import { Side } from '../../engine/wire/layout.ts';
import { CANDLE_INTERVALS, CandleField, type Candles } from '../../feeds/analysis/candles.ts';
import type { Feeds } from '../../feeds/worker/feeds.ts';
import type { BookMirror } from '../market/book-mirror.ts';
import { holding, staleness } from './account-values.ts';
import type { GaugeCondition } from './alert.ts';
import type { AlertEvaluator } from './evaluator.ts';
import type { IndicatorWatch } from './indicator-watch.ts';
import { bestOf } from './market-watch.ts';
import { spreadPpm } from './symbol-watch.ts';

const DAY = CANDLE_INTERVALS.indexOf('1d');

export interface GaugeSources {
  readonly directory: Pick<Directory, 'account'>;
  /** Candles of a symbol as of the last event that market data has taken. */
  readonly candles: (symbol: number) => Candles;
  readonly book: (symbol: number) => BookMirror | undefined;
  readonly feeds: Feeds | undefined;
  readonly evaluator: AlertEvaluator;
  readonly indicators: IndicatorWatch;
}

/** The value of the gauge of a condition now; NaN: it is not known. */
export function gaugeValue(sources: GaugeSources, account: number, condition: GaugeCondition): number {
  const { directory, candles, book, feeds, evaluator, indicators } = sources;
  switch (condition.kind) {
    case 'price':
      return lastPrice(candles(condition.symbol)) || Number.NaN;
    case 'move':
    case 'volume':
    case 'volume-ratio':
      return evaluator.symbols[condition.symbol]?.windowValue(condition) ?? 0;
    case 'spread': {
      const mirror = book(condition.symbol);
      const [bid, ask] = mirror === undefined ? [0, 0] : [bestOf(mirror, Side.Buy), bestOf(mirror, Side.Sell)];
      return bid === 0 || ask === 0 ? Number.NaN : spreadPpm(bid, ask);
    }
    case 'indicator':
      return indicators.valueOf(account, condition);
    case 'position':
    case 'exposure':
      return holding(directory.account(account), condition.asset, condition.kind);
    case 'feed-stale':
      return staleness(feeds, condition.feed, condition.instrument);
  }
}

/**
 * The price of the last trade that was published; 0: there is none. Not that of the directory, which is ahead of it: its trades come yet, and would look like
 * a step back.
 */
function lastPrice(candles: Candles): number {
  const { state } = candles;
  const [forming, closed] = [candles.formingAt(DAY), candles.closedAt(DAY)];
  return state[(state[forming + CandleField.trades] === 0 ? closed : forming) + CandleField.close];
}
