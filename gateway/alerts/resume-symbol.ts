import type { Logger } from '../log.ts';
import { type Alert, WINDOW_NAMES, type WindowName } from './alert.ts';
import type { AlertEvaluator } from './evaluator.ts';
import { missedTrades, type ReadTrades } from './missed-trades.ts';

/** Alerts that rest are armed again by the time of trades, so often, µs: as often as by ticks. */
const TICK_US = 100_000;

export interface SymbolToResume {
  readonly symbol: number;
  readonly alerts: readonly Alert[];
  /** The last trade that was evaluated, as it is stored; undefined: not known. */
  readonly evaluatedId: number | undefined;
  /** The last trade that was published. */
  readonly lastId: number;
  /**
   * Windows as they are stored. One that alerts have and that is not here was set by a release that stored none, or is damaged: it is made again of
   * the trades since the first of these alerts was set.
   */
  readonly windows: ReadonlyMap<WindowName, Float64Array>;
}

export interface ResumeParts {
  readonly evaluator: AlertEvaluator;
  readonly trades: ReadTrades;
  /** Adds an alert to the evaluator. @param price of the last trade before it; NaN: there is none, undefined: not known */
  readonly add: (alert: Alert, price: number | undefined) => void;
  readonly log: Logger;
}

/**
 * Takes up the alerts of one symbol. The trades behind those of each window are added to it; those behind the last one that was
 * evaluated are evaluated, for each alert from the time on at which it was set.
 *
 * ```
 *          window is stored      values are stored      last trade
 *  ───────────────┼──────────────────────┼──────────────────┼
 *                 │  added to the window │  and evaluated   │
 * ```
 */
export async function resumeSymbol(parts: ResumeParts, { symbol, alerts, evaluatedId, lastId, windows }: SymbolToResume): Promise<void> {
  const { evaluator, add, trades: read, log } = parts;
  const watch = evaluator.watch(symbol);
  let lastPrice: number | undefined;
  const waiting = [...alerts].sort((a, b) => b.createdUs - a.createdUs);
  const addBefore = (timeUs: number): void => {
    for (let last = waiting.at(-1); last !== undefined && last.createdUs < timeUs; last = waiting.at(-1)) {
      add(last, lastPrice);
      waiting.pop();
    }
  };
  const stored = [...windows].sort(([, [a]], [, [b]]) => b - a);
  const restoreBefore = (tradeId: number): void => {
    for (let last = stored.at(-1); last !== undefined && last[1][0] < tradeId; last = stored.at(-1)) {
      watch.window(last[0]).restore(last[1]);
      stored.pop();
    }
  };
  const unstored = WINDOW_NAMES.filter((name) => !windows.has(name))
    .map((name) => [name, setUs(alerts, name)] as const)
    .filter(([, sinceUs]) => sinceUs !== Number.POSITIVE_INFINITY)
    .sort(([, a], [, b]) => b - a);
  const beginUpTo = (timeUs: number): void => {
    for (let last = unstored.at(-1); last !== undefined && last[1] <= timeUs; last = unstored.at(-1)) {
      watch.window(last[0]);
      unstored.pop();
    }
  };
  const evaluated = evaluatedId ?? lastId;
  // Where trades were missed, the last one that was evaluated is read, too, for its price.
  const known = Math.min(evaluated === lastId ? lastId : evaluated - 1, ...Array.from(windows.values(), ([tradeId]) => tradeId));
  const from = unstored.length > 0 ? 0 : known;
  try {
    let tickUs = 0;
    const missed = await missedTrades(read, symbol, from, lastId);
    if (evaluated === 0 && missed.length > 0) lastPrice = Number.NaN;
    for (const { tradeId, price, quantity, timeUs } of missed) {
      restoreBefore(tradeId);
      beginUpTo(timeUs);
      if (tradeId <= evaluated) {
        for (const [, window] of watch.windows()) window.trade(price, quantity, timeUs);
        lastPrice = price;
        continue;
      }
      addBefore(timeUs);
      if (timeUs >= tickUs) {
        evaluator.tick(timeUs, Number.POSITIVE_INFINITY);
        tickUs = timeUs + TICK_US;
      }
      evaluator.symbols[symbol]?.trade(price, quantity, timeUs);
      lastPrice = price;
    }
  } catch (err) {
    log.warn({ err, symbol }, 'alerts pass over trades that cannot be read');
  }
  restoreBefore(Number.POSITIVE_INFINITY);
  addBefore(Number.POSITIVE_INFINITY);
}

/** When the first alert on a window was set, µs since the Unix epoch; infinite: there is none. */
function setUs(alerts: readonly Alert[], name: WindowName): number {
  const times = alerts.map(({ condition, createdUs }) =>
    'window' in condition && condition.window === name ? createdUs : Number.POSITIVE_INFINITY,
  );
  return Math.min(...times);
}
