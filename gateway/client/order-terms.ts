import { Code } from '../../engine/codes.ts';
import { Instruction, OrderType, SelfTradeMode, TimeInForce, type Trigger } from '../../engine/wire/layout.ts';
import {
  ORDER_TYPE_NAMES,
  PEG_NAMES,
  SELF_TRADE_NAMES,
  TIME_IN_FORCE_NAMES,
  type TimeInForceName,
  TRIGGER_NAMES,
} from '../../engine/wire/names.ts';
import {
  illegalPair,
  isShort,
  isStop,
  isTrailing,
  KIND_NEEDS_PRICE,
  type LinkTerm,
  ORDER_KINDS,
  orderKindOf,
} from '../../engine/wire/order-kinds.ts';
import { type PegKind, pegInstructions } from '../../engine/wire/peg-terms.ts';
import { OpenbellError } from './errors.ts';
import { isTowards } from './order-numbers.ts';
import type { OrderTypeName, PlaceOrder } from './types.ts';

/** Terms of an order besides symbol, side, price, quantity and ids. */
export interface OrderTerms {
  readonly orderType: OrderType;
  readonly timeInForce: TimeInForce;
  /** Instruction bits. */
  readonly instructions: number;
  /** Of a stop. */
  readonly trigger: Trigger;
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
  trigger: 0,
  expiryUs: 0,
  selfTradeMode: SelfTradeMode.AccountDefault,
  long: false,
};

/** Those of an amend of a stop price or a displayed quantity. */
export const AMENDED_TERM: OrderTerms = { ...NO_TERMS, long: true };

/** Reads the terms of an order. @throws OpenbellError BAD_ENUM, BAD_RANGE (of price or expiry), or ILLEGAL_COMBINATION, which names the two that cannot be combined */
export function orderTerms(order: PlaceOrder, link: LinkTerm = ''): OrderTerms {
  const type = typeName(order);
  const orderType = ORDER_TYPE_NAMES.indexOf(type) as OrderType;
  const name = order.timeInForce ?? (order.expires === undefined ? (type === 'market' ? 'market' : 'gtc') : 'gtd');
  const timeInForce = TIME_IN_FORCE_NAMES.indexOf(name) as TimeInForce;
  // A caller in JavaScript may pass anything.
  if (!ORDER_TYPE_NAMES.includes(type) || !TIME_IN_FORCE_NAMES.includes(name))
    throw new OpenbellError('BAD_ENUM', `there is no order type ${type} with time in force ${name}`, Code.BAD_ENUM);
  for (const flag of ['postOnly', 'reprice', 'hidden', 'triggerNow', 'reportTrail'] as const)
    if (order[flag] !== undefined && typeof order[flag] !== 'boolean')
      throw new OpenbellError('BAD_ENUM', `${flag} is true or false, not ${order[flag]}`, Code.BAD_ENUM);
  if (name === 'post-only' && order.postOnly === false) {
    const text = 'post-only and postOnly false cannot be combined in one order: see docs/ORDER-ENTRY.md';
    throw new OpenbellError('ILLEGAL_COMBINATION', text, Code.ILLEGAL_COMBINATION);
  }
  const instructions =
    (order.postOnly ? Instruction.PostOnly : 0) |
    (order.reprice ? Instruction.Reprice : 0) |
    (order.hidden ? Instruction.Hidden : 0) |
    (order.triggerNow ? Instruction.TriggerNow : 0) |
    (order.trailPpm === undefined ? 0 : Instruction.TrailPpm) |
    (order.reportTrail ? Instruction.ReportTrail : 0) |
    pegBits(order);
  const hasMinimum = order.minQuantity !== undefined;
  const terms = [orderType, timeInForce, instructions, hasMinimum, order.displayedQuantity !== undefined] as const;
  const kind = orderKindOf(...terms);
  const pair = illegalPair(...terms, link);
  if (pair !== '') {
    throw new OpenbellError(
      'ILLEGAL_COMBINATION',
      `${pair} cannot be combined in one order: see docs/ORDER-ENTRY.md`,
      Code.ILLEGAL_COMBINATION,
    );
  }
  const needsPrice = KIND_NEEDS_PRICE[kind] === 1;
  const trails = checkTrail(order, type, orderType);
  if (!trails && needsPrice === (order.price === undefined)) {
    const what = isStop(orderType) ? type : ORDER_KINDS[kind].name;
    const text = `a ${what} order ${needsPrice ? 'needs a price' : 'has no price'}`;
    throw new OpenbellError('BAD_RANGE', text, Code.BAD_RANGE);
  }
  const { selfTrade = 'default' } = order;
  const selfTradeMode = SELF_TRADE_NAMES.indexOf(selfTrade) as SelfTradeMode;
  if (!SELF_TRADE_NAMES.includes(selfTrade)) throw new OpenbellError('BAD_ENUM', `there is no self-trade mode ${selfTrade}`, Code.BAD_ENUM);
  const short = isShort(kind, timeInForce) && order.displayedQuantity === undefined && !order.hidden && link === '' && !isStop(orderType);
  const long = !short || selfTradeMode !== SelfTradeMode.AccountDefault;
  const trigger = triggerOf(order, type, orderType);
  return { orderType, timeInForce, instructions, trigger, expiryUs: expiryOf(order.expires, name), selfTradeMode, long };
}

/** The instructions of a pegged order; none for another one. */
function pegBits({ peg, pegOffset }: PlaceOrder): number {
  if (peg === undefined) return 0;
  const kind = PEG_NAMES.indexOf(peg);
  if (kind < 1) throw new OpenbellError('BAD_ENUM', `there is no peg ${peg}`, Code.BAD_ENUM);
  return pegInstructions(kind as PegKind) | (isTowards(pegOffset) ? Instruction.PegTowards : 0);
}

/** Checks that an order has the terms of a trailing stop if it is one, and only then. Returns whether it is. */
function checkTrail(order: PlaceOrder, type: OrderTypeName, orderType: OrderType): boolean {
  const { price, stopPrice, trailOffset, trailPpm, activationPrice, limitOffset } = order;
  const wrong = (text: string): never => {
    throw new OpenbellError('BAD_RANGE', text, Code.BAD_RANGE);
  };
  if (!isTrailing(orderType)) {
    if ((trailOffset ?? trailPpm ?? activationPrice ?? limitOffset) !== undefined)
      wrong(`trailOffset, trailPpm, activationPrice and limitOffset are for trailing stops, not ${type}`);
    return false;
  }
  if ((trailOffset === undefined) === (trailPpm === undefined)) wrong(`a ${type} order needs a trailOffset or a trailPpm, one of them`);
  if ((price ?? stopPrice) !== undefined) wrong(`a ${type} order has no price and no stopPrice: they follow`);
  const limited = orderType === OrderType.TrailingStopLimit;
  if (limited !== (limitOffset !== undefined)) wrong(`a ${type} order ${limited ? 'needs a' : 'has no'} limitOffset`);
  return true;
}

/** The trigger of a stop; 0 for another order, which has no terms of a stop. */
function triggerOf({ stopPrice, trigger = 'last' }: PlaceOrder, type: OrderTypeName, orderType: OrderType): Trigger {
  if (!TRIGGER_NAMES.includes(trigger)) throw new OpenbellError('BAD_ENUM', `there is no trigger ${trigger}`, Code.BAD_ENUM);
  if (!isTrailing(orderType) && isStop(orderType) !== (stopPrice !== undefined)) {
    const text =
      stopPrice === undefined ? `a ${type} order needs a stopPrice` : `a stopPrice is for stop and stop-limit orders, not ${type}`;
    throw new OpenbellError('BAD_RANGE', text, Code.BAD_RANGE);
  }
  if (!isStop(orderType) && trigger !== 'last') throw new OpenbellError('BAD_RANGE', 'a trigger is for stops', Code.BAD_RANGE);
  return TRIGGER_NAMES.indexOf(trigger) as Trigger;
}

/** The end of an order, in microseconds since the Unix epoch; 0 for an order without one. */
function expiryOf(expires: PlaceOrder['expires'], name: TimeInForceName): number {
  if ((expires !== undefined) !== (name === 'gtd')) {
    const text = expires === undefined ? 'time in force gtd needs expires' : `expires is for time in force gtd, not ${name}`;
    throw new OpenbellError('BAD_RANGE', text, Code.BAD_RANGE);
  }
  if (expires === undefined) return 0;
  const us = expires instanceof Date ? expires.getTime() * 1000 : expires;
  if (!(Number.isSafeInteger(us) && us > 0)) throw new OpenbellError('BAD_RANGE', expiryProblem(expires), Code.BAD_RANGE);
  return us;
}

function expiryProblem(expires: unknown): string {
  if (!(expires instanceof Date)) return `expires is a Date, or microseconds since 1970, not ${String(expires)}`;
  if (Number.isNaN(expires.getTime())) return 'expires is a Date without a valid time';
  return `expires must be after 1970-01-01T00:00:00Z and at most 2255-06-05T23:47:34Z, not ${expires.toISOString()}`;
}

/** An order with a limit time in force and a missing price is not turned into a market order; a market order must name its type. */
function typeName({ type, timeInForce, price, postOnly, stopPrice, trailOffset, trailPpm, limitOffset }: PlaceOrder): OrderTypeName {
  if (type !== undefined) return type;
  if ((trailOffset ?? trailPpm) !== undefined) return limitOffset === undefined ? 'trailing-stop' : 'trailing-stop-limit';
  if (stopPrice !== undefined) return price === undefined ? 'stop' : 'stop-limit';
  return timeInForce === 'market' || (timeInForce === undefined && price === undefined && !postOnly) ? 'market' : 'limit';
}
