import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import type { Exchange } from '../machine/exchange.ts';
import { stateHash, tradingHash } from '../machine/state-rows.ts';
import { SymbolParam } from '../params.ts';
import { OpenOrderReader } from '../threads/open-order-info.ts';
import type { Money, PriceTicks, QtyLots, TimeUs } from '../units.ts';
import { Phase, Side } from '../wire/layout.ts';
import {
  PHASE_NAMES,
  type PhaseName,
  SIDE_NAMES,
  type SideName,
  type SubPhaseName,
  subPhaseName,
  TIME_IN_FORCE_NAMES,
  type TimeInForceName,
} from '../wire/names.ts';
import type { CommandRunner } from './command-runner.ts';
import { refuse } from './embed-error.ts';
import type { EmbeddedNames } from './embedded-names.ts';
import { checkTarget } from './known-names.ts';
import type { BookLevel, BookView } from './orders.ts';
import type { SymbolUnits } from './symbol-units.ts';

const NIL = -1;

/** An open order, as it is now. */
export interface OpenOrderView {
  readonly orderId: number;
  /** 0: a quote. */
  readonly clientOrderId: number;
  readonly symbol: string;
  readonly account: string;
  readonly side: SideName;
  readonly timeInForce: TimeInForceName;
  /** Limit, of a pegged order its present price; 0 of a stop that becomes a market order. */
  readonly price: string;
  readonly leaves: string;
  readonly filled: string;
  readonly priceTicks: PriceTicks;
  readonly leavesLots: QtyLots;
  readonly filledLots: QtyLots;
  /** It is outside the book: it waits for its trigger, for its auction, or for fills of its parent. */
  readonly waits: boolean;
  /** Of a stop that waits: its present stop price. */
  readonly stopPrice: string | undefined;
  /** End of the order, microseconds; undefined: none. */
  readonly endUs: TimeUs | undefined;
}

export interface BalanceView {
  readonly asset: string;
  readonly available: string;
  /** Held for open orders. */
  readonly reserved: string;
  /** In the smallest unit of the asset. */
  readonly availableUnits: Money;
  readonly reservedUnits: Money;
}

export interface AccountView {
  readonly id: number;
  readonly name: string;
  readonly openOrders: number;
  /** Number of its last report. */
  readonly lastReportNo: number;
  /** Of assets of which it has something. */
  readonly balances: readonly BalanceView[];
}

export interface SymbolView {
  readonly id: number;
  readonly name: string;
  readonly base: string;
  readonly quote: string;
  readonly phase: PhaseName;
  /** Kind of the auction. */
  readonly subPhase: SubPhaseName | undefined;
  /** 0 = no trade, or no such price. */
  readonly lastPrice: string;
  readonly lastPriceTicks: PriceTicks;
  readonly referencePrice: string;
  readonly referencePriceTicks: PriceTicks;
  /** Number of the last trade. */
  readonly tradeId: number;
}

/** What an auction would do now. */
export interface AuctionView {
  /** 0: nothing would trade. */
  readonly price: string;
  readonly volume: string;
  readonly surplus: string;
  readonly surplusSide: SideName;
  readonly priceTicks: PriceTicks;
  readonly volumeLots: QtyLots;
  readonly surplusLots: QtyLots;
}

/** What can be asked of an embedded exchange. Answers are copies, made when they are asked for. */
export class EmbeddedViews {
  /** The state machine itself, for what this layer does not show. Commands that are applied to it directly are not seen here. */
  readonly machine: Exchange;
  protected readonly names: EmbeddedNames;
  readonly #reader: OpenOrderReader;

  constructor(runner: CommandRunner, names: EmbeddedNames) {
    this.machine = runner.exchange;
    this.names = names;
    const { slab, links, trailGroups, symbols } = this.machine;
    this.#reader = new OpenOrderReader(slab, links, trailGroups, symbols);
  }

  /** Names of what is defined. */
  get assetNames(): readonly string[] {
    return this.names.assets();
  }

  get symbolNames(): readonly string[] {
    return this.names.symbols();
  }

  get accountNames(): readonly string[] {
    return this.names.accounts();
  }

  /** Converts decimal text of a symbol to ticks and lots, and back. Keep it: it does not change. @throws EmbedError UNKNOWN_SYMBOL */
  units(symbol: string | number): SymbolUnits {
    return this.names.symbol(symbol);
  }

  /** Best displayed price of a side; 0 = none. No allocation with the id of the symbol. */
  bestBidTicks(symbol: string | number): PriceTicks {
    return displayedBest(this.#book(this.names.symbol(symbol).id), Side.Buy);
  }

  bestAskTicks(symbol: string | number): PriceTicks {
    return displayedBest(this.#book(this.names.symbol(symbol).id), Side.Sell);
  }

  /** The displayed levels of a book. @param depth most levels of a side */
  book(symbol: string | number, depth: number = Number.POSITIVE_INFINITY): BookView {
    const units = this.names.symbol(symbol);
    const book = this.#book(units.id);
    return { symbol: units.name, bids: levelsOf(book, Side.Buy, units, depth), asks: levelsOf(book, Side.Sell, units, depth) };
  }

  symbol(symbol: string | number): SymbolView {
    const units = this.names.symbol(symbol);
    const { phase, subPhase, lastPrice, tradeId } = this.machine.symbols;
    const reference = this.machine.symbols.param(units.id, SymbolParam.ReferencePrice);
    return {
      id: units.id,
      name: units.name,
      base: units.base,
      quote: units.quote,
      phase: PHASE_NAMES[phase[units.id]],
      subPhase: subPhaseName(subPhase[units.id]),
      lastPrice: units.price(lastPrice[units.id]),
      lastPriceTicks: lastPrice[units.id],
      referencePrice: units.price(reference),
      referencePriceTicks: reference,
      tradeId: tradeId[units.id],
    };
  }

  /** The price at which an auction would trade now; undefined outside an auction. */
  auction(symbol: string | number): AuctionView | undefined {
    const units = this.names.symbol(symbol);
    const { symbols } = this.machine;
    if (symbols.phase[units.id] !== Phase.Auction) return undefined;
    const book = this.#book(units.id);
    book.indicate(symbols.param(units.id, SymbolParam.ReferencePrice), symbols.param(units.id, SymbolParam.AuctionPrice));
    const { indicativePrice: price, indicativeVolume: volume, indicativeSurplus: surplus, indicativeSurplusSide: side } = book;
    const text = { price: units.price(price), volume: units.quantity(volume), surplus: units.quantity(surplus) };
    return { ...text, surplusSide: SIDE_NAMES[side], priceTicks: price, volumeLots: volume, surplusLots: surplus };
  }

  account(account: string | number): AccountView {
    const id = this.names.account(account);
    const { accounts } = this.machine;
    const balances = this.names
      .assets()
      .map((asset) => this.balance(id, asset))
      .filter(({ availableUnits, reservedUnits }) => availableUnits !== 0 || reservedUnits !== 0);
    const { openOrders, reportNo } = accounts;
    return { id, name: this.names.accountName(id), openOrders: openOrders[id], lastReportNo: reportNo[id], balances };
  }

  balance(account: string | number, asset: string | number): BalanceView {
    const id = this.names.asset(asset);
    const { balances, balanceAt } = this.#balances(this.names.account(account), id);
    const [available, reserved] = [balances[balanceAt], balances[balanceAt + 1]];
    return {
      asset: this.names.assetName(id),
      available: this.names.amount(id, available),
      reserved: this.names.amount(id, reserved),
      availableUnits: available,
      reservedUnits: reserved,
    };
  }

  /** An open order by one of its ids; undefined: it is not open. */
  order(target: {
    readonly account: string | number;
    readonly orderId?: number;
    readonly clientOrderId?: number;
  }): OpenOrderView | undefined {
    checkTarget(target);
    const slot = this.slotOf(this.names.account(target.account), target.orderId ?? 0, target.clientOrderId ?? 0);
    return slot === NIL ? undefined : this.#orderView(slot);
  }

  /** The open orders of an account, by order id. It looks at every place for an order. */
  openOrders(account: string | number): OpenOrderView[] {
    const id = this.names.account(account);
    const { slab, accounts } = this.machine;
    const found: OpenOrderView[] = [];
    for (let slot = 0, left = accounts.openOrders[id]; slot < slab.capacity && left > 0; slot++) {
      if (slab.level(slot) === NIL || slab.account(slot) !== id) continue;
      left--;
      found.push(this.#orderView(slot));
    }
    return found.sort((a, b) => a.orderId - b.orderId);
  }

  /** SHA-256 of the whole state, in hex; equal for equal commands at equal times, on any machine. */
  stateHash(): string {
    return stateHash(this.machine);
  }

  /** The same without time and number of the last command. */
  tradingHash(): string {
    return tradingHash(this.machine);
  }

  /** Slot of an open order of an account, NIL if there is none. */
  protected slotOf(account: number, orderId: number, clientOrderId: number): number {
    const { slab, clientOrderIds } = this.machine;
    if (orderId !== 0) {
      const slot = slab.find(orderId);
      return slot !== NIL && slab.account(slot) === account ? slot : NIL;
    }
    const found = clientOrderId === 0 ? 0 : clientOrderIds.find(account, clientOrderId);
    return found > 0 ? found - 1 : NIL;
  }

  /** What an open order is, as the engine has it. */
  protected read(slot: number): ReturnType<OpenOrderReader['read']> {
    return this.#reader.read(slot);
  }

  #orderView(slot: number): OpenOrderView {
    const order = this.#reader.read(slot);
    const units = this.names.symbol(order.symbol);
    return {
      orderId: order.orderId,
      clientOrderId: order.clientOrderId,
      symbol: units.name,
      account: this.names.accountName(this.machine.slab.account(slot)),
      side: SIDE_NAMES[order.side],
      timeInForce: TIME_IN_FORCE_NAMES[order.timeInForce],
      price: units.price(order.price),
      leaves: units.quantity(order.leaves),
      filled: units.quantity(order.filled),
      priceTicks: order.price,
      leavesLots: order.leaves,
      filledLots: order.filled,
      waits: order.stop !== undefined || order.waits === true || order.child?.waits === true || order.peg?.parked === true,
      stopPrice: order.stop === undefined ? undefined : units.price(order.stop.price),
      endUs: order.endUs,
    };
  }

  #balances(account: number, asset: number): { readonly balances: Float64Array; readonly balanceAt: number } {
    const { accounts } = this.machine;
    return { balances: accounts.balances, balanceAt: accounts.balanceAt(account, asset) };
  }

  #book(symbol: number): OrderBook {
    return this.machine.books[symbol] ?? refuse(Code.UNKNOWN_SYMBOL, `there is no symbol ${symbol}`);
  }
}

/** The best price at which something is displayed. Only a book with hidden orders is searched. */
function displayedBest(book: OrderBook, side: Side): PriceTicks {
  if (book.hiddenOrders === 0) return side === Side.Buy ? book.bestBid() : book.bestAsk();
  for (let slot = book.first(side); slot !== NIL; slot = book.following(slot)) if (!book.slab.isHidden(slot)) return book.slab.price(slot);
  return 0;
}

/** The displayed levels, order by order where some are hidden. */
function levelsOf(book: OrderBook, side: Side, units: SymbolUnits, depth: number): BookLevel[] {
  const levels: BookLevel[] = [];
  const add = (priceTicks: PriceTicks, quantityLots: QtyLots, orders: number): void => {
    levels.push({ price: units.price(priceTicks), quantity: units.quantity(quantityLots), priceTicks, quantityLots, orders });
  };
  if (book.hiddenOrders > 0) {
    addDisplayed(book, side, depth, add);
    return levels;
  }
  const ladder = side === Side.Buy ? book.bids : book.asks;
  for (let key = ladder.best; key !== ladder.none && levels.length < depth; key = ladder.next(key + 1)) {
    const price = key ^ ladder.flip;
    add(price, book.levelQuantity(side, price), book.levelOrders(side, price));
  }
  return levels;
}

function addDisplayed(book: OrderBook, side: Side, depth: number, add: (price: PriceTicks, lots: QtyLots, orders: number) => void): void {
  const { slab } = book;
  let [price, lots, orders, levels] = [0, 0, 0, 0];
  const end = (): void => {
    if (orders > 0) {
      add(price, lots, orders);
      levels++;
    }
  };
  for (let slot = book.first(side); slot !== NIL && levels < depth; slot = book.following(slot)) {
    if (slab.isHidden(slot)) continue;
    if (slab.price(slot) !== price) {
      end();
      if (levels === depth) return;
      [price, lots, orders] = [slab.price(slot), 0, 0];
    }
    lots += slab.open(slot);
    orders++;
  }
  if (levels < depth) end();
}
