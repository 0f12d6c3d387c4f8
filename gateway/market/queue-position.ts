import type { BookMirror } from './book-mirror.ts';

/** Orders at its price, and levels at better prices, that are read for one position at most: some 0.2 ms, in one piece. */
const MOST = 1024;

/** Where a resting order stands in its book; quantities in lots. */
export interface QueuePosition {
  /** Ticks. */
  readonly price: number;
  /** Lots still open. */
  readonly open: number;
  /** Orders of the same price that trade before it, and their open quantity. */
  readonly ordersBefore: number;
  readonly quantityBefore: number;
  /** Levels of its side with a better price, and what rests there. */
  readonly betterLevels: number;
  readonly betterOrders: number;
  readonly betterQuantity: number;
  /** False: there is more before it, because not everything was read. */
  readonly exact: boolean;
}

/** The place of an order, named by its id in market data, in the book as of the mirror's last event; undefined if it does not rest. I/O thread; reads a limited part of the book. */
export function queuePosition(mirror: BookMirror, orderId: number, most = MOST): QueuePosition | undefined {
  const { orders, levels } = mirror;
  const order = orders.find(Float64Array.of(orderId), 0);
  if (order === -1) return undefined;
  const level = orders.level[order];
  const before = walk(orders.prev, orders.open, order, most);
  // Of a long queue the shorter part is read: what is not behind the order is before it.
  const behind = before.whole ? undefined : walk(orders.next, orders.open, order, most);
  const counted = behind?.whole
    ? {
        whole: true,
        orders: levels.orders[level] - 1 - behind.orders,
        quantity: levels.quantity[level] - orders.open[order] - behind.quantity,
      }
    : before;
  let read = 0;
  let betterLevels = 0;
  let betterOrders = 0;
  let betterQuantity = 0;
  levels.visitBetter(level, (better) => {
    if (read++ === most) return false;
    // A level that has become empty may still be there.
    if (levels.orders[better] === 0) return true;
    betterLevels++;
    betterOrders += levels.orders[better];
    betterQuantity += levels.quantity[better];
    return true;
  });
  return {
    price: orders.price[order],
    open: orders.open[order],
    ordersBefore: counted.orders,
    quantityBefore: counted.quantity,
    betterLevels,
    betterOrders,
    betterQuantity,
    exact: counted.whole && read <= most,
  };
}

/** Adds up the orders that follow `order` along `links`, at most `most`. */
function walk(links: Int32Array, open: Float64Array, order: number, most: number): { orders: number; quantity: number; whole: boolean } {
  let orders = 0;
  let quantity = 0;
  let at = links[order];
  for (; at !== -1 && orders < most; at = links[at]) {
    orders++;
    quantity += open[at];
  }
  return { orders, quantity, whole: at === -1 };
}
