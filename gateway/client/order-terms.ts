import { Code } from '../../engine/codes.ts';
import { Instruction, OrderType, SelfTradeMode, TimeInForce } from '../../engine/wire/layout.ts';
import { SELF_TRADE_NAMES, TIME_IN_FORCE_NAMES, type TimeInForceName } from '../../engine/wire/names.ts';
import { illegalPair, isShort, KIND_NEEDS_PRICE, NO_KIND, ORDER_KINDS, orderKindOf } from '../../engine/wire/order-kinds.ts';
import { OpenbellError } from './errors.ts';
import type { OrderTypeName, PlaceOrder } from './types.ts';

/** By OrderType. */
const ORDER_TYPES: readonly OrderTypeName[] = ['limit', 'market'];

/** Terms of an order besides symbol, side, price, quantity and ids. */
export interface OrderTerms {
  readonly orderType: OrderType;
  readonly timeInForce: TimeInForce;
  /** Instruction bits. */
  readonly instructions: number;
  /** Microseconds since the Unix epoch; 0 = none. */
  readonly expiryUs: number;
  readonly selfTradeMode: SelfTradeMode;
  /** Needs an extension, and so wire schema 2. */
  readonly long: boolean;
}

/** Those of cancels and amends. */
export const NO_TERMS: OrderTerms = {
  orderType: OrderType.Limit,
  timeInForce: TimeInForce.GoodTillCancel,
  instructions: 0,
  expiryUs: 0,
  selfTradeMode: SelfTradeMode.AccountDefault,
  long: false,
};

/** Reads the terms of an order. @throws OpenbellError BAD_ENUM, BAD_RANGE (of price or expiry), or ILLEGAL_COMBINATION, which names the two that cannot be combined */
export function orderTerms(order: PlaceOrder): OrderTerms {
  const type = typeName(order);
  const orderType = ORDER_TYPES.indexOf(type) as OrderType;
  const name = order.timeInForce ?? (order.expires === undefined ? (type === 'market' ? 'market' : 'gtc') : 'gtd');
  const timeInForce = TIME_IN_FORCE_NAMES.indexOf(name) as TimeInForce;
  // A caller in JavaScript may pass anything.
  if (!ORDER_TYPES.includes(type) || !TIME_IN_FORCE_NAMES.includes(name))
    throw new OpenbellError('BAD_ENUM', `there is no order type ${type} with time in force ${name}`, Code.BAD_ENUM);
  if (order.postOnly !== undefined && typeof order.postOnly !== 'boolean')
    throw new OpenbellError('BAD_ENUM', `postOnly is true or false, not ${order.postOnly}`, Code.BAD_ENUM);
  if (name === 'post-only' && order.postOnly === false) {
    const text = 'post-only and postOnly false cannot be combined in one order: see docs/ORDER-ENTRY.md';
    throw new OpenbellError('ILLEGAL_COMBINATION', text, Code.ILLEGAL_COMBINATION);
  }
  const instructions = order.postOnly ? Instruction.PostOnly : 0;
  const hasMinimum = order.minQuantity !== undefined;
  const kind = orderKindOf(orderType, timeInForce, instructions, hasMinimum);
  if (kind === NO_KIND) {
    throw new OpenbellError(
      'ILLEGAL_COMBINATION',
      `${illegalPair(orderType, timeInForce, instructions, hasMinimum)} cannot be combined in one order: see docs/ORDER-ENTRY.md`,
      Code.ILLEGAL_COMBINATION,
    );
  }
  const needsPrice = KIND_NEEDS_PRICE[kind] === 1;
  if (needsPrice === (order.price === undefined)) {
    const text = `a ${ORDER_KINDS[kind].name} order ${needsPrice ? 'needs a price' : 'has no price'}`;
    throw new OpenbellError('BAD_RANGE', text, Code.BAD_RANGE);
  }
  const { selfTrade = 'default' } = order;
  const selfTradeMode = SELF_TRADE_NAMES.indexOf(selfTrade) as SelfTradeMode;
  if (!SELF_TRADE_NAMES.includes(selfTrade)) throw new OpenbellError('BAD_ENUM', `there is no self-trade mode ${selfTrade}`, Code.BAD_ENUM);
  const long = selfTradeMode !== SelfTradeMode.AccountDefault || !isShort(kind, timeInForce);
  return { orderType, timeInForce, instructions, expiryUs: expiryOf(order.expires, name), selfTradeMode, long };
}

/** The end of an order, in microseconds since the Unix epoch; 0 for an order without one. */
function expiryOf(expires: PlaceOrder['expires'], name: TimeInForceName): number {
  if ((expires !== undefined) !== (name === 'gtd')) {
    const text = expires === undefined ? 'time in force gtd needs expires' : `expires is for time in force gtd, not ${name}`;
    throw new OpenbellError('BAD_RANGE', text, Code.BAD_RANGE);
  }
  if (expires === undefined) return 0;
  const us = expires instanceof Date ? expires.getTime() * 1000 : expires;
  if (!(Number.isSafeInteger(us) && us > 0))
    throw new OpenbellError('BAD_RANGE', `expires is a Date, or microseconds since 1970, not ${String(expires)}`, Code.BAD_RANGE);
  return us;
}

/** An order with a limit time in force and a missing price is not turned into a market order; a market order must name its type. */
function typeName({ type, timeInForce, price, postOnly }: PlaceOrder): OrderTypeName {
  if (type !== undefined) return type;
  return timeInForce === 'market' || (timeInForce === undefined && price === undefined && !postOnly) ? 'market' : 'limit';
}
