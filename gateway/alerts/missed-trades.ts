import { setTimeout as sleep } from 'node:timers/promises';
import { getI64 } from '../../engine/units.ts';
import { Trade } from '../../engine/wire/layout.ts';

/** Trades of one read, and reads of one symbol at most: 100,000 trades. */
const PAGE = 1000;
const PAGES = 100;
/** Until the history is asked again for a trade that it does not have yet, ms, and how often: it follows the log within a second. */
const AGAIN_MS = 20;
const ATTEMPTS = 250;

/** Reads trades of a symbol, newest first, with an id below `before`, as packed wire structs. */
export type ReadTrades = (
  symbol: number,
  limit: number,
  before?: number,
) => Promise<{ readonly records: Uint8Array; readonly next: number }>;

export interface MissedTrade {
  readonly tradeId: number;
  /** Ticks and lots. */
  readonly price: number;
  readonly quantity: number;
  readonly timeUs: number;
}

/**
 * The trades of a symbol with ids above `after`, up to `last`, oldest first. If they are too many, the last ones. Empty if the history does not
 * have them: then only the last price is known.
 */
export async function missedTrades(read: ReadTrades, symbol: number, after: number, last: number): Promise<MissedTrade[]> {
  if (last <= after) return [];
  const trades: MissedTrade[] = [];
  let before: number | undefined;
  for (let page = 0, attempt = 0; page < PAGES && attempt < ATTEMPTS; ) {
    const { records, next } = await read(symbol, PAGE, before);
    const found = tradesOf(records);
    if (page === 0 && (found[0]?.tradeId ?? 0) < last) {
      attempt++;
      await sleep(AGAIN_MS);
      continue;
    }
    page++;
    trades.push(...found.filter(({ tradeId }) => tradeId > after && tradeId <= last));
    if (next === 0 || found.some(({ tradeId }) => tradeId <= after)) return trades.reverse();
    before = next;
  }
  return trades.reverse();
}

function tradesOf(records: Uint8Array): MissedTrade[] {
  const words = new Int32Array(records.slice().buffer);
  const trades: MissedTrade[] = [];
  for (let at = 0; at < words.length; at += Trade.bytes >> 2) {
    const field = (offset: number) => getI64(words, at + (offset >> 2));
    trades.push({ tradeId: field(Trade.tradeId), price: field(Trade.price), quantity: field(Trade.quantity), timeUs: field(Trade.timeUs) });
  }
  return trades;
}
