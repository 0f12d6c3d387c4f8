import { setTimeout as sleep } from 'node:timers/promises';
import { getI64 } from '../../engine/units.ts';
import { Trade } from '../../engine/wire/layout.ts';
import { CANDLE_FIELDS, CandleField, type Candles, INTERVAL_US } from '../../feeds/analysis/candles.ts';
import { DAY_US, MINUTE } from '../../feeds/analysis/day-window.ts';
import type { CandleRecord } from '../candle-record.ts';
import { readCandles } from '../endpoints/http/candle-reader.ts';
import type { MarketHistory } from '../market/past-loader.ts';
import type { History } from '../taps/history/history.ts';
import type { RecordPage } from '../taps/history/queries.ts';

/** Whose turn its queries take. */
const CALLER = 'market data';
/** Candles that are read at once: less than half a millisecond of this thread. */
const PAGE = 250;
/** How often the history, which is written with a delay, is asked for the last trades, and ms between two attempts. */
const ATTEMPTS = 25;
const ATTEMPT_MS = 20;

/** What market data needs of the past, from the history. @param candles the live ones of a symbol */
export function marketHistory(history: History, candles: (symbol: number) => Candles): MarketHistory {
  return {
    minutes: async (symbol, fromUs) => {
      const found: number[] = [];
      const first = Math.ceil(fromUs / INTERVAL_US[MINUTE]);
      // The end lies after now, also if the loading takes long.
      const to = first + (2 * DAY_US) / INTERVAL_US[MINUTE];
      for (let from = first; ; ) {
        const range = { symbol, interval: MINUTE, from, to, limit: PAGE, newest: false };
        const page = await readCandles({ history, candles }, CALLER, range);
        if (page.behind) return undefined;
        for (const candle of page.candles) if (candle.closed) found.push(...fieldsOf(candle));
        const last = page.candles.at(-1);
        if (last === undefined || page.candles.length < PAGE) return Float64Array.from(found);
        from = last.startUs / INTERVAL_US[MINUTE] + 1;
      }
    },
    trades: async (symbol, before, limit) => {
      for (let left = ATTEMPTS; left > 0; left--) {
        const page = await history.symbolTrades(symbol, limit, before, CALLER);
        if (newestOf(page) >= before - 1) return page.records;
        await sleep(ATTEMPT_MS);
      }
      return undefined;
    },
  };
}

/** Id of the newest trade of a page, also if it is no longer kept; 0: there is none. */
function newestOf({ records, lost = 0 }: RecordPage): number {
  if (records.length === 0) return lost;
  const words = new Int32Array(records.slice(0, Trade.bytes).buffer);
  return getI64(words, Trade.tradeId / 4);
}

/** See CandleField. */
function fieldsOf(candle: CandleRecord): number[] {
  const fields = new Array<number>(CANDLE_FIELDS).fill(0);
  const { startUs, ...rest } = candle;
  for (const [name, at] of Object.entries(CandleField)) fields[at] = name === 'start' ? startUs : Number(rest[name as keyof typeof rest]);
  return fields;
}
