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
  json: (w, at) =>
    `{"bid_price":${i64(w, at, Bbo.bidPrice)},"bid_quantity":${i64(w, at, Bbo.bidQuantity)},"ask_price":${i64(w, at, Bbo.askPrice)}` +
    `,"ask_quantity":${i64(w, at, Bbo.askQuantity)},"bid_orders":${w[at + Bbo.bidOrders / 4] >>> 0},"ask_orders":${w[at + Bbo.askOrders / 4] >>> 0}` +
    `,"seq":${i64(w, at, Bbo.seq)},"time_us":${i64(w, at, Bbo.timeUs)}}`,
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
