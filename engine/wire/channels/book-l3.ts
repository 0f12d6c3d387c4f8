import { decimalFields, type FieldSpec, jsonFields } from '../json-bytes.ts';
import { Channel, OrderUpdate } from '../layout.ts';
import { ORDER_ACTION_NAMES, type OrderActionName, SIDE_NAMES, type SideName } from '../names.ts';
import { type ChannelWire, i64 } from './channel-wire.ts';

/** One resting order; `quantity` is its open quantity after the action. `change` keeps its priority. */
export interface OrderView {
  readonly action: OrderActionName;
  readonly side: SideName;
  readonly orderId: number;
  readonly price: number;
  readonly quantity: number;
  readonly seq: number;
}

const FIELDS: readonly FieldSpec[] = [
  ['action', OrderUpdate.action, ORDER_ACTION_NAMES],
  ['side', OrderUpdate.side, SIDE_NAMES],
  ['order_id', OrderUpdate.orderId, 'id'],
  ['price', OrderUpdate.price, 'price'],
  ['quantity', OrderUpdate.quantity, 'quantity'],
  ['seq', OrderUpdate.seq, 'i64'],
];

export const bookL3Wire = {
  id: Channel.BookL3,
  name: 'book-l3',
  textName: 'book-l3',
  depth: 0,
  structBytes: OrderUpdate.bytes,
  vectorField: 9,
  vectorName: 'orders',
  flags: [],
  snapshotHasUpdates: true,
  json: jsonFields(FIELDS),
  decimal: decimalFields(FIELDS),
  read: (w, at): OrderView => ({
    action: ORDER_ACTION_NAMES[w[at] & 3],
    side: SIDE_NAMES[(w[at] >> 8) & 1],
    orderId: i64(w, at, OrderUpdate.orderId),
    price: i64(w, at, OrderUpdate.price),
    quantity: i64(w, at, OrderUpdate.quantity),
    seq: i64(w, at, OrderUpdate.seq),
  }),
} as const satisfies ChannelWire<OrderView>;
