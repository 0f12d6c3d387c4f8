import type { OrderSlab } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import { Phase, Side, SubPhase, TimeInForce } from '../wire/layout.ts';
import { isAuctionMarket, OrderKind } from '../wire/order-kinds.ts';
import { CONTROL_CODES } from './check-sequences.ts';
import type { CheckedState, OrderChecks } from './order-checks.ts';
import type { OrderRequest } from './order-request.ts';

const { TickStep, MaxPrice, MinNotional, MaxNotional, ReferencePrice } = SymbolParam;
const { OK } = Code;
const NIL = -1;
const { AtTheOpen: AT_THE_OPEN } = TimeInForce;

/** Bits of `Symbols.auctions`. */
export const AuctionBit = {
  /** The opening auction of the session is to come, or under way. */
  OpeningAhead: 1,
  /** The closing auction of the session is over. */
  ClosingOver: 2,
} as const;

/** The codes of the checks of a new order at the open or at the close, in sequence. docs/CODES.md lists them. */
export const NEW_AUCTION_CHECKS: readonly (readonly Code[])[] = [
  [Code.BAD_CLIENT_ORDER_ID],
  [Code.CLIENT_ORDER_ID_TOO_OLD],
  [...CONTROL_CODES, Code.POSITION_LIMIT, Code.EXPOSURE_LIMIT],
  [Code.UNKNOWN_SYMBOL, Code.SYMBOL_HALTED, Code.SYMBOL_CLOSED, Code.AUCTION_OVER],
  [Code.QUANTITY_MIN, Code.QUANTITY_MAX, Code.LOT, Code.PRICE_RANGE, Code.TICK, Code.PRICE_BAND, Code.NOTIONAL_MIN, Code.NOTIONAL_MAX],
  [Code.OPEN_ORDER_LIMIT, Code.BOOK_FULL, Code.ORDER_SHARE_FULL],
  [Code.INSUFFICIENT_FUNDS],
];

/**
 * The checks of orders at the open and at the close. A market order gets its worst
 * price from them: the edge of the price band around the reference price, or without a band
 * the highest price of the symbol (a sell: the lowest). It takes part up to that
 * price, and a buy reserves it. Owned by the engine thread.
 */
export class AuctionChecks {
  readonly #state: CheckedState;
  readonly #slab: OrderSlab;
  readonly #checks: OrderChecks;

  constructor(state: CheckedState, checks: OrderChecks) {
    this.#state = state;
    this.#slab = state.slab;
    this.#checks = checks;
  }

  /** Checks a new order. If it is accepted, a market order has its worst price. */
  newOrder(order: OrderRequest): Code {
    const checks = this.#checks;
    const code =
      checks.clientOrderId(order) ||
      checks.clientOrderIdAge(order) ||
      checks.admits(order, NIL) ||
      this.#phase(order) ||
      this.limits(order) ||
      checks.openRoom(order) ||
      this.funds(order, 0);
    if (code !== OK && order.orderKind === OrderKind.AuctionMarket) order.price = 0;
    return code;
  }

  /** Checks an amend of the waiting order in `slot`, other than to less at its price; `order` has the terms that it would have. */
  amend(order: OrderRequest, slot: number): Code {
    const checks = this.#checks;
    const code = checks.admits(order, slot) || this.#open(order.symbol);
    if (code !== OK) return code;
    // Its price is not one that its owner chose.
    if (isAuctionMarket(this.#slab.lifetime(slot))) return Code.NOT_IN_AUCTION;
    return checks.symbolLimits(order) || this.funds(order, this.#slab.held(slot));
  }

  /** Checks quantity, price and notional. */
  limits(order: OrderRequest): Code {
    const code = this.#checks.symbolLimits(order);
    return code !== OK || order.orderKind !== OrderKind.AuctionMarket ? code : this.#worstPrice(order);
  }

  /** @param held what the order holds back already */
  funds(order: OrderRequest, held: number): Code {
    this.#state.risks.of(order.symbol).need(order);
    return order.needed > this.#state.accounts.balances[order.payAt] + held ? Code.INSUFFICIENT_FUNDS : OK;
  }

  /** Gives a market order its price. The lowest notional is compared at the reference price. */
  #worstPrice(order: OrderRequest): Code {
    const { params, quotePerTickLot } = this.#state.symbols;
    const row = order.symbol * SYMBOL_PARAMS;
    const step = params[row + TickStep];
    const edge = this.#checks.limitPrice(order);
    const price = order.side === Side.Buy ? edge - (edge % step) : Math.ceil(edge / step) * step;
    if (price < 1 || price > params[row + MaxPrice]) return Code.PRICE_RANGE;
    const perTick = order.quantity * quotePerTickLot[order.symbol];
    const reference = params[row + ReferencePrice];
    if (reference !== 0 && reference * perTick < params[row + MinNotional]) return Code.NOTIONAL_MIN;
    order.price = price;
    order.notional = price * perTick;
    return order.notional > params[row + MaxNotional] ? Code.NOTIONAL_MAX : OK;
  }

  #open(symbol: number): Code {
    const phase = this.#state.symbols.phase[symbol];
    if (phase === Phase.Halted) return Code.SYMBOL_HALTED;
    return phase === Phase.Closed ? Code.SYMBOL_CLOSED : OK;
  }

  #phase(order: OrderRequest): Code {
    const { symbols } = this.#state;
    const { symbol } = order;
    if (symbol >= symbols.capacity || symbols.defined[symbol] === 0) return Code.UNKNOWN_SYMBOL;
    const code = this.#open(symbol);
    if (code !== OK) return code;
    const bits = symbols.auctions[symbol];
    const over = order.timeInForce === AT_THE_OPEN ? (bits & AuctionBit.OpeningAhead) === 0 : (bits & AuctionBit.ClosingOver) !== 0;
    return over ? Code.AUCTION_OVER : OK;
  }
}

/** True if the symbol is in the auction of this time in force. */
export function isInAuction(phase: number, subPhase: number, timeInForce: number): boolean {
  return phase === Phase.Auction && subPhase === (timeInForce === AT_THE_OPEN ? SubPhase.OpeningAuction : SubPhase.ClosingAuction);
}
