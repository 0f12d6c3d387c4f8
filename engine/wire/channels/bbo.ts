import { jsonFields } from '../json-bytes.ts';
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

export const bboWire = {
  id: Channel.Bbo,
  name: 'bbo',
  structBytes: Bbo.bytes,
  vectorField: 10,
  vectorName: 'bbos',
  flags: [],
  snapshotHasUpdates: true,
  json: jsonFields([
    ['bid_price', Bbo.bidPrice, 'i64'],
    ['bid_quantity', Bbo.bidQuantity, 'i64'],
    ['ask_price', Bbo.askPrice, 'i64'],
    ['ask_quantity', Bbo.askQuantity, 'i64'],
    ['bid_orders', Bbo.bidOrders, 'u32'],
    ['ask_orders', Bbo.askOrders, 'u32'],
    ['seq', Bbo.seq, 'i64'],
    ['time_us', Bbo.timeUs, 'i64'],
  ]),
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
