import { KIND_MIN_QUANTITY } from '../wire/order-kinds.ts';
import type { OrderRequest } from './order-request.ts';

const TWO_M32 = 2 ** -32;
// Module constant: V8 folds it, but loads an imported constant each time.
const MIN_QUANTITY = KIND_MIN_QUANTITY;

/** Hash of an order whose terms were not kept: rules 1 and 2 did not. */
export const UNKNOWN_TERMS = 0;

/**
 * Sets `order.termsHash` to a hash of the terms of a new order: symbol, side,
 * kind, price, quantity, minimum quantity. It decides whether an order with a
 * known client order id repeats that order. The tag is not a term. Two orders
 * that differ in one 32-bit word of one field always have different hashes,
 * because each step is a bijection of the word and of the hash so far.
 */
export function hashTerms(order: OrderRequest): void {
  const { price, quantity, orderKind } = order;
  let hash = Math.imul(order.symbol ^ 0x9e3779b1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ order.side ^ (orderKind << 8), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13) ^ price, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ quantity, 0x85ebca6b);
  // The high words, mostly 0.
  hash = Math.imul(hash ^ (hash >>> 13) ^ (price * TWO_M32), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15) ^ (quantity * TWO_M32), 0x9e3779b1);
  if (MIN_QUANTITY[orderKind] !== 0) {
    const { minQuantity } = order;
    hash = Math.imul(hash ^ (hash >>> 13) ^ minQuantity, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15) ^ (minQuantity * TWO_M32), 0xc2b2ae35);
  }
  hash ^= hash >>> 16;
  order.termsHash = hash === UNKNOWN_TERMS ? 1 : hash;
}
