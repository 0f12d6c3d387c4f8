import { type EmbeddedExchange, OrderResult, type SideName, type SymbolUnits } from '../../engine/index.ts';
import type { BookChange, LevelChange, MarketChange, TradeChange } from './market-changes.ts';

export interface MarketPlayerOptions {
  /** The symbol that gets the market. */
  readonly symbol: string | number;
  /** Account whose orders are the recorded book, one for each level; it has no others in the symbol. */
  readonly maker: string | number;
  /** Account that trades as the recorded takers did. */
  readonly taker: string | number;
  /** Only changes of this instrument. Default: the first one that comes. */
  readonly instrument?: string;
}

/**
 * Plays a recorded market into an embedded exchange, so that own orders stand and trade in it. Each level of the recorded book is an order of the
 * maker, and each recorded trade an immediate-or-cancel order of the taker at its price: it trades with what is first there, own orders too, and
 * the next update of the book sets the levels to what was recorded. An own order that takes from a level finds it full again with
 * the next change of that level: the recorded market does not react to it.
 *
 * The time is that of the changes. One thread owns it.
 */
export class MarketPlayer {
  /** Changes that were applied, and orders of the maker and the taker that the exchange rejected, such as for want of funds. */
  changes = 0;
  rejected = 0;
  readonly #exchange: EmbeddedExchange;
  readonly #options: MarketPlayerOptions;
  readonly #units: SymbolUnits;
  #instrument: string | undefined;
  /** The recorded levels, by their price in ticks. */
  readonly #levels: Readonly<Record<SideName, Map<number, Standing>>> = { buy: new Map(), sell: new Map() };
  /** Levels that trades have taken from since the last update of the book. */
  #taken: Level[] = [];
  readonly #result = new OrderResult();

  /** @throws EmbedError UNKNOWN_SYMBOL, UNKNOWN_ACCOUNT */
  constructor(exchange: EmbeddedExchange, options: MarketPlayerOptions) {
    this.#exchange = exchange;
    this.#options = options;
    this.#units = exchange.units(options.symbol);
    this.#instrument = options.instrument;
    for (const account of [options.maker, options.taker]) exchange.account(account);
  }

  /** Applies a change, at its time. @throws EmbedError for a price or quantity that the symbol cannot have */
  apply(change: MarketChange): void {
    this.#instrument ??= change.instrument;
    if (change.instrument !== this.#instrument) return;
    if (change.timeUs > this.#exchange.nowUs) this.#exchange.advanceTo(change.timeUs);
    this.changes++;
    if (change.kind === 'trade') this.#trade(change);
    else this.#book(change);
  }

  #trade({ taker, price, quantity }: TradeChange): void {
    // Without a taker it is a trade of an auction, or of a hidden order: nothing of the book.
    if (taker === undefined) return;
    const { taker: account, symbol } = this.#options;
    this.#exchange.place({ account, symbol, side: taker, price, quantity, timeInForce: 'ioc' }, this.#result);
    if (!this.#result.accepted) this.rejected++;
    const side = taker === 'buy' ? 'sell' : 'buy';
    for (const { priceTicks: ticks } of this.#result.fills) {
      const standing = this.#levels[side].get(ticks);
      if (standing !== undefined) this.#taken.push({ side, ticks, lots: standing.lots });
    }
  }

  /** First what leaves, then what comes, so that a book that moves does not cross itself. */
  #book({ whole, levels }: BookChange): void {
    const wanted = levels.map((level) => this.#read(level));
    // What the update does not name is as it was, whatever trades took from it here.
    if (!whole) wanted.unshift(...this.#taken);
    this.#taken = [];
    if (whole) for (const side of ['buy', 'sell'] as const) this.#dropOthers(side, wanted);
    const last = new Map(wanted.map((level) => [`${level.side} ${level.ticks}`, level]));
    for (const level of last.values()) if (level.lots === 0) this.#drop(level.side, level.ticks);
    for (const level of last.values()) if (level.lots !== 0) this.#set(level.side, level.ticks, level.lots);
  }

  #read({ side, price, quantity }: LevelChange): Level {
    return { side, ticks: this.#units.ticks(price), lots: this.#units.lots(quantity) };
  }

  #dropOthers(side: SideName, wanted: readonly Level[]): void {
    const kept = new Set(wanted.filter((level) => level.side === side && level.lots !== 0).map(({ ticks }) => ticks));
    for (const ticks of [...this.#levels[side].keys()]) if (!kept.has(ticks)) this.#drop(side, ticks);
  }

  #drop(side: SideName, ticks: number): void {
    const orderId = this.#levels[side].get(ticks)?.orderId;
    if (orderId === undefined) return;
    this.#levels[side].delete(ticks);
    // It may be gone: filled, or in the way of the other side.
    this.#exchange.cancel({ account: this.#options.maker, symbol: this.#options.symbol, orderId }, this.#result);
  }

  #set(side: SideName, ticks: number, lots: number): void {
    const { maker: account, symbol } = this.#options;
    const exchange = this.#exchange;
    const standing = this.#levels[side].get(ticks);
    if (standing !== undefined) {
      standing.lots = lots;
      exchange.amend({ account, symbol, orderId: standing.orderId, price: ticks, quantity: lots }, this.#result);
      if (this.#result.accepted) return;
    }
    // An old level of the other side that it meets is cancelled, not traded with.
    exchange.place({ account, symbol, side, price: ticks, quantity: lots, selfTrade: 'cancel-oldest' }, this.#result);
    if (this.#result.accepted) this.#levels[side].set(ticks, { orderId: this.#result.orderId, lots });
    else {
      this.#levels[side].delete(ticks);
      this.rejected++;
    }
  }
}

/** A recorded level, and the order that stands for it. */
interface Standing {
  readonly orderId: number;
  lots: number;
}

interface Level {
  readonly side: SideName;
  readonly ticks: number;
  readonly lots: number;
}
