import type { OpenOrderInfo } from '../threads/open-order-info.ts';
import type { AmendOrder } from './orders.ts';

/** An amend names price and quantity, and an amend of a stop one of its terms: what was left out is that of the open order. */
export function withRest(order: AmendOrder, open: OpenOrderInfo): AmendOrder {
  const quantity = order.quantity ?? open.leaves;
  const { price, stopPrice, limitOffset, activationPrice, trailOffset, trailPpm } = order;
  const trail = open.stop?.trail;
  if (trail !== undefined) {
    const limit = trail.limitOffset === 0 ? {} : { limitOffset: limitOffset ?? trail.limitOffset };
    const changes = (trailOffset ?? trailPpm ?? activationPrice) !== undefined;
    const own = trail.offset < 0 ? { trailPpm: -trail.offset } : { trailOffset: trail.offset };
    return { ...order, quantity, ...limit, ...(changes ? {} : own) };
  }
  const limit = open.peg?.limit ?? open.price;
  if (price !== undefined || limitOffset !== undefined) return { ...order, quantity };
  if (limit !== 0) return { ...order, quantity, price: limit };
  return { ...order, quantity, ...(stopPrice === undefined && open.stop !== undefined && { stopPrice: open.stop.price }) };
}
