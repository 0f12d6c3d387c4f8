import { decimalFields, type FieldSpec, jsonFields } from '../json-bytes.ts';
import { Bbo, Channel } from '../layout.ts';
import { type ChannelWire, i64 } from './channel-wire.ts';

/** Best bid and offer; price 0 = no orders on that side. */
export interface BboView {
  readonly bidPrice: number;
  readonly bidQuantity: number;
  readonly askPrice: number;
  readonly askQuantity: number;
  readonly bidOrders: number;
  readonly askOrders: number;
  readonly seq: number;
  readonly timeUs: number;
}

const FIELDS: readonly FieldSpec[] = [
  ['bid_price', Bbo.bidPrice, 'price'],
  ['bid_quantity', Bbo.bidQuantity, 'quantity'],
  ['ask_price', Bbo.askPrice, 'price'],
  ['ask_quantity', Bbo.askQuantity, 'quantity'],
  ['bid_orders', Bbo.bidOrders, 'u32'],
  ['ask_orders', Bbo.askOrders, 'u32'],
  ['seq', Bbo.seq, 'i64'],
  ['time_us', Bbo.timeUs, 'i64'],
];

export const bboWire = {
  id: Channel.Bbo,
  name: 'bbo',
  textName: 'bbo',
  depth: 0,
  structBytes: Bbo.bytes,
  vectorField: 10,
  vectorName: 'bbos',
  flags: [],
  snapshotHasUpdates: true,
  json: jsonFields(FIELDS),
  decimal: decimalFields(FIELDS),
  read: (w, at): BboView => ({
    bidPrice: i64(w, at, Bbo.bidPrice),
    bidQuantity: i64(w, at, Bbo.bidQuantity),
    askPrice: i64(w, at, Bbo.askPrice),
    askQuantity: i64(w, at, Bbo.askQuantity),
    bidOrders: w[at + Bbo.bidOrders / 4] >>> 0,
    askOrders: w[at + Bbo.askOrders / 4] >>> 0,
    seq: i64(w, at, Bbo.seq),
    timeUs: i64(w, at, Bbo.timeUs),
  }),
} as const satisfies ChannelWire<BboView>;
