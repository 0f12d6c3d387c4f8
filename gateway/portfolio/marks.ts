import type { SymbolInfo } from '../../engine/threads/directory-info.ts';
import { LatestValues } from '../../feeds/rings/latest-values.ts';
import type { Feeds } from '../../feeds/worker/feeds.ts';
import type { BookMirror } from '../market/book-mirror.ts';
import type { ExactDecimal } from './exact-decimal.ts';

/** What the positions of a symbol are valued at. */
export interface Mark {
  /** In the quote asset. */
  readonly price: ExactDecimal;
  /** `last`, `mid` or `reference` of the venue, or `mid` or `last` of an outside source. */
  readonly kind: MarkKind;
  /** The outside source, and when its price arrived, microseconds since the Unix epoch. */
  readonly source?: string;
  readonly timeUs?: number;
}

export type MarkKind = 'last' | 'mid' | 'reference';
/** The marks of the venue: each alone, or `venue`, which is the first of last trade, reference price and middle that there is. */
export const VENUE_MARKS = ['venue', 'last', 'mid', 'reference'] as const;
export type VenueMark = (typeof VENUE_MARKS)[number];

/** The mark of a symbol; undefined: there is none now. */
export type MarkOf = (symbol: SymbolInfo) => Mark | undefined;

const VENUE_ORDER = ['last', 'reference', 'mid'] as const;

/** @param book the market data's copy of a book; undefined before its first event */
export function venueMarks(mark: VenueMark, book: (symbol: number) => BookMirror | undefined): MarkOf {
  const kinds: readonly MarkKind[] = mark === 'venue' ? VENUE_ORDER : [mark];
  return (symbol) => {
    for (const kind of kinds) {
      const twice = twiceTicks(kind, symbol, book);
      if (twice === 0) continue;
      // One more place holds half a tick.
      const price = { units: BigInt(twice) * BigInt(symbol.tickMantissa) * 5n, decimals: symbol.tickDecimals + 1 };
      return { kind, price: twice % 2 === 0 ? { units: price.units / 10n, decimals: symbol.tickDecimals } : price };
    }
    return undefined;
  };
}

/** Two times the price, ticks; 0: there is none. */
function twiceTicks(
  kind: MarkKind,
  { id, lastPrice, referencePrice }: SymbolInfo,
  book: (symbol: number) => BookMirror | undefined,
): number {
  if (kind === 'last') return 2 * lastPrice;
  if (kind === 'reference') return 2 * referencePrice;
  const mirror = book(id);
  const [bid, ask] = [mirror?.bestBid() ?? 0, mirror?.bestAsk() ?? 0];
  return bid === 0 || ask === 0 ? 0 : bid + ask;
}

/** Venues write one instrument in several ways: `BTC/USD`, `btcusd`, `XBT/USD`. */
export function instrumentKey(name: string): string {
  return name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, '')
    .replace(/^XBT/, 'BTC');
}

/** The newest prices of outside sources as marks. One thread owns it. */
export class FeedMarks {
  readonly #feeds: Feeds;
  /** Rows of the latest values by source and key of the instrument's name. */
  readonly #rows = new Map<string, number>();
  #known = 0;
  readonly #values = new LatestValues();

  constructor(feeds: Feeds) {
    this.#feeds = feeds;
  }

  /** Names of the sources, in the order of their numbers. */
  get sources(): string[] {
    return this.#feeds.status().map(({ name }) => name);
  }

  /**
   * The middle of best bid and ask, else the last trade, of a source's instrument; only while it is live.
   * @param source its number @param name its name
   * @param instruments by symbol; of other symbols it is the one whose name has the same letters and digits
   */
  of(source: number, name: string, instruments: ReadonlyMap<string, string>): MarkOf {
    return (symbol) => {
      const given = instruments.get(symbol.name);
      const row = given === undefined ? this.#row(source, symbol.name) : this.#feeds.latest.find(source, given);
      if (row === -1) return undefined;
      const values = this.#values;
      this.#feeds.latest.read(row, values);
      if (!values.live) return undefined;
      const { bid, bidQuantity, ask, askQuantity, priceDecimals: decimals, tradePrice, tradeQuantity } = values;
      if (bidQuantity !== 0 && askQuantity !== 0) {
        const price = { units: (BigInt(bid) + BigInt(ask)) * 5n, decimals: decimals + 1 };
        return { kind: 'mid', price, source: name, timeUs: values.quoteReceiveTimeUs };
      }
      if (tradeQuantity === 0) return undefined;
      return { kind: 'last', price: { units: BigInt(tradePrice), decimals }, source: name, timeUs: values.tradeReceiveTimeUs };
    };
  }

  /** -1: the source has no such instrument, or not yet. */
  #row(source: number, symbol: string): number {
    const { latest } = this.#feeds;
    for (const rows = latest.rows; this.#known < rows; this.#known++) {
      latest.read(this.#known, this.#values);
      const key = `${this.#values.source} ${instrumentKey(latest.name(this.#known))}`;
      if (!this.#rows.has(key)) this.#rows.set(key, this.#known);
    }
    return this.#rows.get(`${source} ${instrumentKey(symbol)}`) ?? -1;
  }
}
