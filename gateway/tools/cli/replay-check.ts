import type { TradeRow } from '../../../feeds/files/order-flow-csv.ts';

/** A trade as the venue reports it: file ids, ticks, lots. */
export interface ReplayTrade {
  readonly buyOrderId: number;
  readonly sellOrderId: number;
  readonly price: number;
  readonly quantity: number;
}

/** How differences show prices and quantities: as the files write them. */
export interface FileTexts {
  /** `100@10500`, from lots and ticks. */
  readonly trade: (lots: number, ticks: number) => string;
  readonly price: (ticks: number) => string;
}

/** Printed trades in the exchange's units. */
export type ExpectedTrade = ReplayTrade & Pick<TradeRow, 'line' | 'phase'>;

const SHOWN = 10;

/**
 * Compares the exchange's trades with the venue's, as they arrive. In continuous
 * trading each trade must be the venue's next one; for an auction, price, volume
 * and each order's share must match.
 */
export class ReplayCheck {
  /** Number of differences, and descriptions of the first ones. */
  differences = 0;
  readonly shown: string[] = [];
  continuousTrades = 0;
  auctions = 0;
  readonly #expected: readonly ExpectedTrade[] | undefined;
  readonly #texts: FileTexts;
  #next = 0;

  /** @param expected in the venue's order; undefined = trades are not compared */
  constructor(expected: readonly ExpectedTrade[] | undefined, texts: FileTexts) {
    this.#expected = expected;
    this.#texts = texts;
  }

  differ(detail: string): void {
    this.differences++;
    if (this.shown.length < SHOWN) this.shown.push(detail);
  }

  onContinuousTrade(trade: ReplayTrade): void {
    this.continuousTrades++;
    if (this.#expected === undefined) return;
    const expected = this.#expected[this.#next];
    if (expected === undefined || expected.phase !== 'continuous') {
      this.differ(`continuous trade ${this.continuousTrades}: ${this.#text(trade)} was not expected`);
      return;
    }
    this.#next++;
    const same =
      trade.buyOrderId === expected.buyOrderId &&
      trade.sellOrderId === expected.sellOrderId &&
      trade.price === expected.price &&
      trade.quantity === expected.quantity;
    if (!same) this.differ(`expected trades line ${expected.line}: ${this.#text(expected)}, but came ${this.#text(trade)}`);
  }

  /** @param volume of the uncross as the exchange answered it @param trades all of it, in any order */
  onAuction(price: number, volume: number, trades: readonly ReplayTrade[]): void {
    this.auctions++;
    const name = `auction ${this.auctions}`;
    const traded = trades.reduce((sum, { quantity }) => sum + quantity, 0);
    if (traded !== volume) this.differ(`${name}: fills of ${traded} lots for a volume of ${volume}`);
    for (const trade of trades)
      if (trade.price !== price) this.differ(`${name}: ${this.#text(trade)} is not at the auction's price, ${this.#texts.price(price)}`);
    if (this.#expected === undefined) return;
    const expected = this.#takeAuction();
    for (const trade of expected)
      if (trade.price !== price)
        this.differ(
          `expected trades line ${trade.line}: price ${this.#texts.price(trade.price)}, but ${name} was at ${this.#texts.price(price)}`,
        );
    const got = shares(trades);
    const due = shares(expected);
    for (const order of new Set([...due.keys(), ...got.keys()])) {
      const has = got.get(order) ?? 0;
      const should = due.get(order) ?? 0;
      if (has !== should) this.differ(`${name}: order ${order} received ${has} lots, expected ${should}`);
    }
  }

  /** Call after the last row: reports expected trades that did not occur. */
  finish(): void {
    const missing = this.#expected?.slice(this.#next) ?? [];
    for (const trade of missing) this.differ(`expected trades line ${trade.line}: ${this.#text(trade)} did not come`);
  }

  #text({ buyOrderId, sellOrderId, price, quantity }: ReplayTrade): string {
    return `buy ${buyOrderId} sell ${sellOrderId} ${this.#texts.trade(quantity, price)}`;
  }

  /** The next auction of the expected trades; continuous ones before it did not come. */
  #takeAuction(): ExpectedTrade[] {
    const expected = this.#expected ?? [];
    while (expected[this.#next]?.phase === 'continuous')
      this.differ(`expected trades line ${expected[this.#next].line}: ${this.#text(expected[this.#next++])} did not come`);
    const auction: ExpectedTrade[] = [];
    while (expected[this.#next]?.phase === 'auction') auction.push(expected[this.#next++]);
    return auction;
  }
}

/** Lots that each order received or gave. */
function shares(trades: readonly ReplayTrade[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { buyOrderId, sellOrderId, quantity } of trades) {
    for (const order of [`B${buyOrderId}`, `S${sellOrderId}`]) sums.set(order, (sums.get(order) ?? 0) + quantity);
  }
  return sums;
}
