import { codeText } from '../code-texts.ts';
import { Code, codeName } from '../codes.ts';
import type { Money, PriceTicks, QtyLots, TimeUs } from '../units.ts';
import type { EmbeddedNames } from './embedded-names.ts';

/** What the codes mean with which an order is refused before it is sent: there is no text of reports for them. */
const NOT_SENT: Readonly<Partial<Record<number, string>>> = {
  [Code.BAD_ENUM]: 'A side, a type or another term has a value that does not exist.',
  [Code.BAD_RANGE]:
    'A number is outside its range: a quantity of 0, a price with a market order or none with a limit order, 2^53 or more, or a cancel or amend without an id.',
  [Code.ILLEGAL_COMBINATION]:
    'Type, time in force, instructions, minimum and displayed quantity of the order cannot be combined (docs/ORDER-ENTRY.md).',
  [Code.UNSUPPORTED_TERM]: 'A term of the order is not supported.',
};

/** One of the trades of an order. Text is made when it is read. */
export class Fill {
  readonly tradeId: number;
  readonly priceTicks: PriceTicks;
  readonly quantityLots: QtyLots;
  /** In the smallest unit of the quote asset; below 0: a rebate. */
  readonly feeUnits: Money;
  /** The other order's id in market data; 0 of a hidden one. */
  readonly contraOrderId: number;
  /** The order rested. */
  readonly maker: boolean;
  readonly #names: EmbeddedNames;
  readonly #symbol: number;

  constructor(
    names: EmbeddedNames,
    symbol: number,
    tradeId: number,
    priceTicks: PriceTicks,
    quantityLots: QtyLots,
    feeUnits: Money,
    contraOrderId: number,
    maker: boolean,
  ) {
    this.#names = names;
    this.#symbol = symbol;
    this.tradeId = tradeId;
    this.priceTicks = priceTicks;
    this.quantityLots = quantityLots;
    this.feeUnits = feeUnits;
    this.contraOrderId = contraOrderId;
    this.maker = maker;
  }

  get price(): string {
    return this.#names.price(this.#symbol, this.priceTicks);
  }

  get quantity(): string {
    return this.#names.quantity(this.#symbol, this.quantityLots);
  }

  /** In the quote asset. */
  get fee(): string {
    return this.#names.money(this.#symbol, this.feeUnits);
  }
}

export const NO_FILLS: readonly Fill[] = Object.freeze([]);

type OrderFields = Pick<
  OrderResult,
  | 'accepted'
  | 'code'
  | 'orderId'
  | 'clientOrderId'
  | 'leavesLots'
  | 'filledLots'
  | 'cancelledLots'
  | 'cancelCode'
  | 'keptPriority'
  | 'duplicate'
  | 'retryUs'
  | 'fills'
  | 'symbolId'
>;

const UNUSED: OrderFields = {
  accepted: false,
  code: Code.OK,
  orderId: 0,
  clientOrderId: 0,
  leavesLots: 0,
  filledLots: 0,
  cancelledLots: 0,
  cancelCode: Code.OK,
  keptPriority: false,
  duplicate: false,
  retryUs: 0,
  fills: NO_FILLS,
  symbolId: 0,
};

/**
 * What a command did to an order: a new order, an amend, a cancel, or a side of a quote. A result belongs to its caller: it does not change
 * later, unless it is passed to another call, which then writes to it.
 */
export class OrderResult {
  // Fields with values of their own would be set in a function of their own, which together with a copy is too long to be inlined.

  /** False: rejected, `code` says why, and nothing has changed but what the command ended before it. */
  declare accepted: boolean;
  /** OK, or why the command was rejected; docs/CODES.md. */
  declare code: Code;
  /** Of an accepted command; 0: the command named none and was rejected. */
  declare orderId: number;
  declare clientOrderId: number;
  /** Open after the command. */
  declare leavesLots: QtyLots;
  /** Filled so far, by earlier commands, too. */
  declare filledLots: QtyLots;
  /** Cancelled by this command, and why; 0 and OK if nothing was. */
  declare cancelledLots: QtyLots;
  declare cancelCode: Code;
  /** Of an amend: the order kept its place. */
  declare keptPriority: boolean;
  /** The client order id was used before, by an order with the same terms: the result is the present state of that order. */
  declare duplicate: boolean;
  /** With THROTTLED, ORDER_TO_TRADE and ORDERS_EXPIRING: the time from which the command would pass, microseconds; else 0. */
  declare retryUs: TimeUs;
  /** Trades of this command, first to last. */
  declare fills: readonly Fill[];
  /** Id of the symbol; 0: of an order that is not known. */
  declare symbolId: number;
  #names: EmbeddedNames | undefined;

  /** One that has not been used; or, by the exchange, a copy of another one. */
  constructor(names?: EmbeddedNames, from: OrderFields = UNUSED) {
    this.#names = names;
    this.accepted = from.accepted;
    this.code = from.code;
    this.orderId = from.orderId;
    this.clientOrderId = from.clientOrderId;
    this.leavesLots = from.leavesLots;
    this.filledLots = from.filledLots;
    this.cancelledLots = from.cancelledLots;
    this.cancelCode = from.cancelCode;
    this.keptPriority = from.keptPriority;
    this.duplicate = from.duplicate;
    this.retryUs = from.retryUs;
    this.fills = from.fills;
    this.symbolId = from.symbolId;
  }

  /** Makes a result that was used one of a command that has not been answered. Called by the exchange, as `assign`, `named` and `addFill`. */
  reset(): void {
    this.symbolId = 0;
    this.accepted = false;
    this.code = Code.OK;
    this.orderId = 0;
    this.clientOrderId = 0;
    this.leavesLots = 0;
    this.filledLots = 0;
    this.cancelledLots = 0;
    this.cancelCode = Code.OK;
    this.keptPriority = false;
    this.duplicate = false;
    this.retryUs = 0;
    this.fills = NO_FILLS;
  }

  /** Becomes what another result is. */
  assign(from: OrderResult): this {
    this.#names = from.#names;
    this.symbolId = from.symbolId;
    this.accepted = from.accepted;
    this.code = from.code;
    this.orderId = from.orderId;
    this.clientOrderId = from.clientOrderId;
    this.leavesLots = from.leavesLots;
    this.filledLots = from.filledLots;
    this.cancelledLots = from.cancelledLots;
    this.cancelCode = from.cancelCode;
    this.keptPriority = from.keptPriority;
    this.duplicate = from.duplicate;
    this.retryUs = from.retryUs;
    this.fills = from.fills;
    return this;
  }

  /** The symbol, and what its numbers are as text. */
  named(names: EmbeddedNames, symbol: number): void {
    this.#names = names;
    this.symbolId = symbol;
  }

  addFill(fill: Fill): void {
    if (this.fills === NO_FILLS) this.fills = [fill];
    else (this.fills as Fill[]).push(fill);
  }

  /** Name of the code: `OK`, `PRICE_BAND`. */
  get reason(): string {
    return codeName(this.code);
  }

  /** The code in words; empty for OK. */
  get text(): string {
    return this.code === Code.OK ? '' : (NOT_SENT[this.code] ?? codeText(this.code));
  }

  /** What became of it: `open` also for an order that waits for its trigger or auction. */
  get status(): 'rejected' | 'open' | 'filled' | 'cancelled' {
    if (!this.accepted) return 'rejected';
    if (this.leavesLots > 0) return 'open';
    return this.cancelledLots > 0 || this.filledLots === 0 ? 'cancelled' : 'filled';
  }

  /** Name of the symbol; empty: of an order that is not known. */
  get symbol(): string {
    return this.#names?.symbolName(this.symbolId) ?? '';
  }

  /** Open, as decimal text. */
  get leaves(): string {
    return this.#quantity(this.leavesLots);
  }

  get filled(): string {
    return this.#quantity(this.filledLots);
  }

  get cancelled(): string {
    return this.#quantity(this.cancelledLots);
  }

  #quantity(lots: QtyLots): string {
    return this.#names?.quantity(this.symbolId, lots) ?? String(lots);
  }
}

/** The answer to a command that concerns no single order. */
export interface ActionResult {
  readonly accepted: boolean;
  /** OK, or why it was rejected; docs/CODES.md. */
  readonly code: Code;
  /** Name of the code. */
  readonly reason: string;
}

/** A deposit or a withdrawal. */
export interface TransferResult extends ActionResult {
  /** The key was used before by the same request, and this one did nothing. */
  readonly repeated: boolean;
}

/** A mass cancel, or an operator's action that cancels orders. */
export interface MassCancelResult extends ActionResult {
  /** Orders that it cancels. */
  readonly count: number;
}

export interface UncrossResult extends ActionResult {
  /** 0: nothing traded. */
  readonly priceTicks: PriceTicks;
  readonly volumeLots: QtyLots;
  readonly price: string;
  readonly volume: string;
}

export interface QuoteResult {
  /** Both sides were accepted; otherwise neither was, and the quote before stays. */
  readonly accepted: boolean;
  /** Of the side that was rejected. */
  readonly code: Code;
  readonly reason: string;
  /** Undefined: a rejection that is older than the sides. */
  readonly bid: OrderResult;
  readonly ask: OrderResult;
}

export interface ListResult {
  readonly accepted: boolean;
  /** Of the first order that was rejected for a reason of its own. */
  readonly code: Code;
  readonly reason: string;
  /** In the order of the list. */
  readonly orders: readonly OrderResult[];
}
