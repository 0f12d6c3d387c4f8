import { TimeInForce } from '../wire/layout.ts';
import { ICEBERG_BIT, KIND_MIN_QUANTITY, PEG_BIT } from '../wire/order-kinds.ts';
import type { OrderRequest } from './order-request.ts';

const TWO_32 = 2 ** 32;
const TWO_M32 = 2 ** -32;
// Module constant: V8 folds it, but loads an imported constant each time.
const MIN_QUANTITY = KIND_MIN_QUANTITY;
const { Day: DAY, GoodTillDate: GOOD_TILL_DATE } = TimeInForce;

/** Hash of an order whose terms were not kept: rules 1 and 2 did not. */
export const UNKNOWN_TERMS = 0;

/**
 * Sets `order.termsHash` to a hash of the terms of a new order: symbol, side,
 * kind, price, quantity, minimum quantity, displayed quantity, peg, end, self-trade prevention, stop price and trigger. It decides whether an order with a
 * known client order id repeats that order. The tag is not a term. Two orders
 * that differ in one 32-bit word of one field always have different hashes,
 * because the multiplication by an odd number is a bijection. Short, because V8
 * inlines it into the path of every new order.
 */
export function hashTerms(order: OrderRequest): void {
  const { price, quantity, orderKind } = order;
  let hash =
    Math.imul(order.symbol, 0x27d4eb2f) ^
    Math.imul((order.side << 8) | orderKind, 0x165667b1) ^
    Math.imul(price, 0x9e3779b1) ^
    Math.imul(quantity, 0x85ebca6b);
  const { timeInForce, lifetimeBits, stopPrice } = order;
  const isPlain = timeInForce < DAY && lifetimeBits === 0 && stopPrice === 0;
  if (MIN_QUANTITY[orderKind] !== 0 || price >= TWO_32 || quantity >= TWO_32 || !isPlain) hash ^= hashRest(order);
  order.termsHash = hash === UNKNOWN_TERMS ? 1 : hash;
}

/** The high words, and the end, self-trade prevention, minimum or displayed quantity or stop price of an order that has one. */
function hashRest(order: OrderRequest): number {
  const { price, quantity, orderKind, minQuantity, timeInForce, lifetimeBits, expiryUs, stopPrice } = order;
  let hash = Math.imul(price * TWO_M32, 0xc2b2ae3d) ^ Math.imul(quantity * TWO_M32, 0x2c1b3c6d);
  if (timeInForce >= DAY || lifetimeBits !== 0) hash ^= Math.imul((lifetimeBits << 4) ^ timeInForce, 0x61c88647);
  if (timeInForce === GOOD_TILL_DATE) hash ^= Math.imul(expiryUs, 0x6c8e9cf5) ^ Math.imul(expiryUs * TWO_M32, 0x7feb352d);
  if (stopPrice !== 0) hash ^= hashStop(order);
  if ((lifetimeBits & ICEBERG_BIT) !== 0) hash ^= Math.imul(order.displayed, 0x3c6ef372) ^ Math.imul(order.displayed * TWO_M32, 0x510e527f);
  if ((lifetimeBits & PEG_BIT) !== 0) hash ^= Math.imul(order.pegOffset, 0x4cf5ad43) ^ Math.imul(order.pegKind, 0x2745937f);
  if (MIN_QUANTITY[orderKind] === 0) return hash;
  return hash ^ Math.imul(minQuantity, 0x297a2d39) ^ Math.imul(minQuantity * TWO_M32, 0x9e3779b9);
}

/** Also of the time in force: a market order that waits for its trigger may have any. */
function hashStop(order: OrderRequest): number {
  const { stopPrice, timeInForce, trigger, triggerNow, trailOffset, activationPrice } = order;
  const hash = Math.imul(stopPrice, 0x2545f491) ^ Math.imul(1 + timeInForce * 4 + trigger * 2 + Number(triggerNow), 0x632be5ab);
  if (trailOffset === 0) return hash;
  return hash ^ Math.imul(trailOffset, 0x5bd1e995) ^ Math.imul(activationPrice + 1, 0x1b873593) ^ (order.reportTrail ? 0x52dce729 : 0);
}
