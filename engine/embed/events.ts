import type { Code } from '../codes.ts';
import { codeName } from '../codes.ts';
import type { Money, PriceTicks, QtyLots, Seq, TimeUs } from '../units.ts';
import { MarketEventKind, type MarketEventView, TRADE_IN_AUCTION } from '../wire/market-event.ts';
import {
  PHASE_NAMES,
  type PhaseName,
  REPORT_KIND_NAMES,
  ReportFlag,
  type ReportKindName,
  SIDE_NAMES,
  type SideName,
  type SubPhaseName,
  subPhaseName,
  TIME_IN_FORCE_NAMES,
  type TimeInForceName,
} from '../wire/names.ts';
import { ReportView } from '../wire/report-view.ts';
import type { EmbeddedNames } from './embedded-names.ts';

/**
 * What callbacks receive. Each object is one view, which is moved from event to event: its values are valid until the callback returns. Who
 * keeps an event keeps what `copy` returns. Prices are ticks and quantities lots; the fields without such an ending are decimal text,
 * made when it is read.
 */

/** An execution report. */
export class ReportEvent {
  readonly #view = new ReportView();
  readonly #names: EmbeddedNames;

  constructor(names: EmbeddedNames) {
    this.#names = names;
  }

  /** Called by the exchange. */
  wrap(words: Int32Array, at: number): this {
    this.#view.wrap(words, at);
    return this;
  }

  get kind(): ReportKindName {
    return REPORT_KIND_NAMES[this.#view.kind];
  }

  /** Name of the account; empty: an answer to the operator. */
  get account(): string {
    return this.#names.accountName(this.#view.account);
  }

  get accountId(): number {
    return this.#view.account;
  }

  /** Name of the symbol; empty: the report concerns none. */
  get symbol(): string {
    return this.#names.symbolName(this.#view.symbol);
  }

  get symbolId(): number {
    return this.#view.symbol;
  }

  get side(): SideName {
    return SIDE_NAMES[this.#view.side];
  }

  get timeInForce(): TimeInForceName {
    return TIME_IN_FORCE_NAMES[this.#view.timeInForce];
  }

  get code(): Code {
    return this.#view.code as Code;
  }

  /** Name of the code. */
  get reason(): string {
    return codeName(this.#view.code);
  }

  /** Numbered per account, without gaps. */
  get reportNo(): number {
    return this.#view.reportNo;
  }

  /** Number of the command that caused it. */
  get seq(): Seq {
    return this.#view.seq;
  }

  get timeUs(): TimeUs {
    return this.#view.timeUs;
  }

  get orderId(): number {
    return this.#view.orderId;
  }

  /** 0: a quote. */
  get clientOrderId(): number {
    return this.#view.clientOrderId;
  }

  get tag(): number {
    return this.#view.tag;
  }

  /** Fill: the price of the trade; else the order's limit. */
  get priceTicks(): PriceTicks {
    return this.#view.price;
  }

  get quantityLots(): QtyLots {
    return this.#view.quantity;
  }

  get leavesLots(): QtyLots {
    return this.#view.leaves;
  }

  get filledLots(): QtyLots {
    return this.#view.filled;
  }

  /** Fill: in the smallest unit of the quote asset; below 0: a rebate. */
  get feeUnits(): Money {
    return this.#view.fee;
  }

  /** Of a stop that waits, and when it triggers; else 0. */
  get stopPriceTicks(): PriceTicks {
    return this.#view.stopPrice;
  }

  get tradeId(): number {
    return this.#view.tradeId;
  }

  get contraOrderId(): number {
    return this.#view.contraOrderId;
  }

  get retryUs(): TimeUs {
    return this.#view.retryUs;
  }

  /** Fill: the order rested. */
  get maker(): boolean {
    return (this.#view.flags & ReportFlag.Maker) !== 0;
  }

  get duplicate(): boolean {
    return (this.#view.flags & ReportFlag.Duplicate) !== 0;
  }

  get keptPriority(): boolean {
    return (this.#view.flags & ReportFlag.KeptPriority) !== 0;
  }

  /** Traded in an auction. */
  get auction(): boolean {
    return (this.#view.flags & ReportFlag.Auction) !== 0;
  }

  get price(): string {
    return this.#names.price(this.#view.symbol, this.#view.price);
  }

  get quantity(): string {
    return this.#names.quantity(this.#view.symbol, this.#view.quantity);
  }

  get leaves(): string {
    return this.#names.quantity(this.#view.symbol, this.#view.leaves);
  }

  get filled(): string {
    return this.#names.quantity(this.#view.symbol, this.#view.filled);
  }

  /** In the quote asset. */
  get fee(): string {
    return this.#names.money(this.#view.symbol, this.#view.fee);
  }

  /** All values, to be kept. */
  copy(): ReportCopy {
    return copyOf(this, REPORT_FIELDS);
  }
}

/** A trade, as market data shows it. */
export class TradeEvent {
  readonly #view: MarketEventView;
  readonly #names: EmbeddedNames;

  constructor(view: MarketEventView, names: EmbeddedNames) {
    this.#view = view;
    this.#names = names;
  }

  get symbol(): string {
    return this.#names.symbolName(this.#view.symbol);
  }

  get symbolId(): number {
    return this.#view.symbol;
  }

  /** Numbered per symbol, from 1 without gaps. */
  get tradeId(): number {
    return this.#view.extra;
  }

  get priceTicks(): PriceTicks {
    return this.#view.price;
  }

  get quantityLots(): QtyLots {
    return this.#view.quantity;
  }

  get price(): string {
    return this.#names.price(this.#view.symbol, this.#view.price);
  }

  get quantity(): string {
    return this.#names.quantity(this.#view.symbol, this.#view.quantity);
  }

  /** The side that took; of no meaning in an auction. */
  get aggressor(): SideName {
    return SIDE_NAMES[this.#view.side];
  }

  get auction(): boolean {
    return (this.#view.flags & TRADE_IN_AUCTION) !== 0;
  }

  /** The resting order and the incoming one, by their ids in market data; in an auction the buy and the sell. */
  get makerOrderId(): number {
    return this.#view.orderId;
  }

  get takerOrderId(): number {
    return this.#view.otherId;
  }

  get seq(): Seq {
    return this.#view.seq;
  }

  get timeUs(): TimeUs {
    return this.#view.timeUs;
  }

  copy(): TradeCopy {
    return copyOf(this, TRADE_FIELDS);
  }
}

/** What happened to a displayed order. */
export type BookAction = 'add' | 'trade' | 'reduce' | 'remove';
const BOOK_ACTIONS: Readonly<Record<number, BookAction>> = {
  [MarketEventKind.Add]: 'add',
  [MarketEventKind.Trade]: 'trade',
  [MarketEventKind.Reduce]: 'reduce',
  [MarketEventKind.Remove]: 'remove',
};

/** A change of what a book displays. */
export class BookEvent {
  readonly #view: MarketEventView;
  readonly #names: EmbeddedNames;

  constructor(view: MarketEventView, names: EmbeddedNames) {
    this.#view = view;
    this.#names = names;
  }

  get action(): BookAction {
    return BOOK_ACTIONS[this.#view.kind];
  }

  get symbol(): string {
    return this.#names.symbolName(this.#view.symbol);
  }

  get symbolId(): number {
    return this.#view.symbol;
  }

  /** The side of the order, except in a trade: there that of the aggressor, whose other side the order rested on. */
  get side(): SideName {
    return SIDE_NAMES[this.#view.side];
  }

  /** Its id in market data: an iceberg has another one for each part. */
  get orderId(): number {
    return this.#view.orderId;
  }

  get priceTicks(): PriceTicks {
    return this.#view.price;
  }

  /** add: displayed; trade: traded; reduce: displayed now; remove: displayed before. */
  get quantityLots(): QtyLots {
    return this.#view.quantity;
  }

  get price(): string {
    return this.#names.price(this.#view.symbol, this.#view.price);
  }

  get quantity(): string {
    return this.#names.quantity(this.#view.symbol, this.#view.quantity);
  }

  get seq(): Seq {
    return this.#view.seq;
  }

  get timeUs(): TimeUs {
    return this.#view.timeUs;
  }

  copy(): BookCopy {
    return copyOf(this, BOOK_FIELDS);
  }
}

/** A symbol has another phase or reference price. */
export class PhaseEvent {
  readonly #view: MarketEventView;
  readonly #names: EmbeddedNames;

  constructor(view: MarketEventView, names: EmbeddedNames) {
    this.#view = view;
    this.#names = names;
  }

  get symbol(): string {
    return this.#names.symbolName(this.#view.symbol);
  }

  get symbolId(): number {
    return this.#view.symbol;
  }

  get phase(): PhaseName {
    return PHASE_NAMES[this.#view.flags];
  }

  /** Kind of the auction; undefined: none. */
  get subPhase(): SubPhaseName | undefined {
    return subPhaseName(this.#view.side);
  }

  /** 0 = none. */
  get referencePriceTicks(): PriceTicks {
    return this.#view.price;
  }

  /** Earliest end of a volatility interruption; 0 = none. */
  get earliestEndUs(): TimeUs {
    return this.#view.quantity;
  }

  get seq(): Seq {
    return this.#view.seq;
  }

  get timeUs(): TimeUs {
    return this.#view.timeUs;
  }

  copy(): PhaseCopy {
    return copyOf(this, PHASE_FIELDS);
  }
}

/** The values of a view without its methods. */
type Values<View> = { readonly [Name in keyof View as View[Name] extends (...args: never[]) => unknown ? never : Name]: View[Name] };
export type ReportCopy = Values<ReportEvent>;
export type TradeCopy = Values<TradeEvent>;
export type BookCopy = Values<BookEvent>;
export type PhaseCopy = Values<PhaseEvent>;

/** The callbacks, by the name of their event. */
export interface EventTypes {
  readonly report: ReportEvent;
  readonly trade: TradeEvent;
  readonly book: BookEvent;
  readonly phase: PhaseEvent;
}
export type EventName = keyof EventTypes;

const REPORT_FIELDS = gettersOf<ReportCopy>(ReportEvent);
const TRADE_FIELDS = gettersOf<TradeCopy>(TradeEvent);
const BOOK_FIELDS = gettersOf<BookCopy>(BookEvent);
const PHASE_FIELDS = gettersOf<PhaseCopy>(PhaseEvent);

function gettersOf<Copy>({ prototype }: { readonly prototype: object }): readonly (keyof Copy)[] {
  const properties = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  return properties.filter(([, { get }]) => get !== undefined).map(([name]) => name as keyof Copy);
}

function copyOf<Copy>(view: Copy, fields: readonly (keyof Copy)[]): Copy {
  return Object.fromEntries(fields.map((name) => [name, view[name]])) as Copy;
}
