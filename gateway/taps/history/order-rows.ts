import type { OrderRow } from './queries.ts';

const STATUS = ['open', 'filled', 'cancelled', 'pending'] as const satisfies readonly OrderRow['status'][];
type NumberField = Exclude<keyof OrderRow, 'status'>;
const FIELDS: readonly NumberField[] = [
  'orderId',
  'clientOrderId',
  'symbol',
  'side',
  'timeInForce',
  'price',
  'quantity',
  'leaves',
  'filled',
  'code',
  'acceptedUs',
  'updatedUs',
  'stopPrice',
  'trigger',
  'pegged',
];
const DOUBLES = FIELDS.length + 1;

/** Orders as doubles: a thousand objects would take a millisecond of the thread that receives them. */
export function packOrders(orders: readonly OrderRow[]): Float64Array<ArrayBuffer> {
  const packed = new Float64Array(orders.length * DOUBLES);
  for (const [i, order] of orders.entries()) {
    for (const [f, field] of FIELDS.entries()) packed[i * DOUBLES + f] = order[field];
    packed[i * DOUBLES + FIELDS.length] = STATUS.indexOf(order.status);
  }
  return packed;
}

export function unpackOrders(packed: Float64Array): OrderRow[] {
  const orders: OrderRow[] = [];
  for (let at = 0; at < packed.length; at += DOUBLES) {
    // Every field, in the order of FIELDS.
    orders.push({
      orderId: packed[at],
      clientOrderId: packed[at + 1],
      symbol: packed[at + 2],
      side: packed[at + 3],
      timeInForce: packed[at + 4],
      price: packed[at + 5],
      quantity: packed[at + 6],
      leaves: packed[at + 7],
      filled: packed[at + 8],
      code: packed[at + 9],
      acceptedUs: packed[at + 10],
      updatedUs: packed[at + 11],
      stopPrice: packed[at + 12],
      trigger: packed[at + 13],
      pegged: packed[at + 14],
      status: STATUS[packed[at + FIELDS.length]],
    });
  }
  return orders;
}
