import { BookSide, FeedState } from '../../feeds/feed.ts';
import type { ConsolidatedReader } from '../../feeds/rings/consolidated-table.ts';

const LIMIT = 2n ** 53n;

interface NaiveSource {
  state: FeedState;
  priceDecimals: number;
  quantityDecimals: number;
  /** By side: quantity by price, in units of the source. */
  readonly sides: readonly [Map<number, number>, Map<number, number>];
}

/** A consolidated book as text: `price quantity-of-each-source`, best first. */
export interface ConsolidatedText {
  readonly bids: readonly string[];
  readonly asks: readonly string[];
  readonly crossing: number;
}

/**
 * A consolidated book without any cleverness: everything is kept in the units of its source, and all of it is converted,
 * sorted and cut when it is looked at. For numbers whose prices fit in the common units.
 */
export class NaiveConsolidated {
  readonly sources: readonly NaiveSource[];
  readonly #levels: number;

  constructor(levels: number, sources: number) {
    this.#levels = levels;
    this.sources = Array.from({ length: sources }, () => ({
      state: FeedState.Down,
      priceDecimals: 0,
      quantityDecimals: 0,
      sides: [new Map(), new Map()] as const,
    }));
  }

  level(source: number, side: BookSide, price: number, quantity: number): void {
    const levels = this.sources[source].sides[side];
    if (quantity === 0) levels.delete(price);
    else levels.set(price, quantity);
  }

  clear(source: number): void {
    for (const side of this.sources[source].sides) side.clear();
  }

  get priceDecimals(): number {
    return Math.max(...this.sources.map(({ priceDecimals }) => priceDecimals));
  }

  get quantityDecimals(): number {
    return Math.max(...this.sources.map(({ quantityDecimals }) => quantityDecimals));
  }

  text(): ConsolidatedText {
    const [bids, asks] = [this.#side(BookSide.Bid), this.#side(BookSide.Ask)];
    const [bid, ask] = [bids[0], asks[0]].map((row) => (row === undefined ? undefined : BigInt(row.split(' ')[0])));
    const crossing = bid === undefined || ask === undefined || bid < ask ? 0 : bid === ask ? 1 : 2;
    return { bids, asks, crossing };
  }

  #side(side: BookSide): string[] {
    const rows = new Map<bigint, bigint[]>();
    for (const [number, source] of this.sources.entries()) {
      if (source.state !== FeedState.Live) continue;
      for (const [price, quantity] of source.sides[side]) {
        const units = BigInt(price) * 10n ** BigInt(this.priceDecimals - source.priceDecimals);
        const amount = BigInt(quantity) * 10n ** BigInt(this.quantityDecimals - source.quantityDecimals);
        if (amount >= LIMIT) continue;
        const row = rows.get(units) ?? this.sources.map(() => 0n);
        row[number] = amount;
        rows.set(units, row);
      }
    }
    const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
    return (side === BookSide.Bid ? sorted.reverse() : sorted)
      .slice(0, this.#levels)
      .map(([price, quantities]) => `${price} ${quantities.join(' ')}`);
  }
}

/** What a reader of the real book has, in the same form. */
export function consolidatedText(reader: ConsolidatedReader): ConsolidatedText {
  const side = (of: BookSide, count: number) =>
    Array.from({ length: count }, (_, level) =>
      [reader.price(of, level), ...reader.spec.sources.map((_source, source) => reader.quantity(of, level, source))].join(' '),
    );
  reader.read();
  return { bids: side(BookSide.Bid, reader.bids), asks: side(BookSide.Ask, reader.asks), crossing: reader.crossing };
}
