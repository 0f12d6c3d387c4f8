import { decimalFields, type FieldSpec, jsonFields } from '../json-bytes.ts';
import { Channel, Trade } from '../layout.ts';
import { SIDE_NAMES, type SideName } from '../names.ts';
import { type ChannelWire, i64 } from './channel-wire.ts';

export interface TradeView {
  /** Meaningless in an auction. */
  readonly aggressor: SideName;
  readonly auction: boolean;
  /** Counts the trades of the symbol, from 1 without gaps. */
  readonly tradeId: number;
  readonly price: number;
  readonly quantity: number;
  readonly buyOrderId: number;
  readonly sellOrderId: number;
  readonly seq: number;
  readonly timeUs: number;
}

const FIELDS: readonly FieldSpec[] = [
  ['aggressor', Trade.aggressor, SIDE_NAMES],
  ['auction', Trade.auction, 'flag'],
  ['trade_id', Trade.tradeId, 'id'],
  ['price', Trade.price, 'price'],
  ['quantity', Trade.quantity, 'quantity'],
  ['buy_order_id', Trade.buyOrderId, 'id'],
  ['sell_order_id', Trade.sellOrderId, 'id'],
  ['seq', Trade.seq, 'i64'],
  ['time_us', Trade.timeUs, 'i64'],
];

export const tradesWire = {
  id: Channel.Trades,
  name: 'trades',
  textName: 'trades',
  depth: 0,
  structBytes: Trade.bytes,
  vectorField: 11,
  vectorName: 'trades',
  flags: ['auction'],
  snapshotHasUpdates: false,
  json: jsonFields(FIELDS),
  // The aggressor of a trade in an auction means nothing.
  decimal: decimalFields([...FIELDS.slice(1), ['aggressor', Trade.aggressor, SIDE_NAMES, Trade.auction]]),
  read: (w, at): TradeView => ({
    aggressor: SIDE_NAMES[w[at] & 1],
    auction: ((w[at] >> 8) & 1) === 1,
    tradeId: i64(w, at, Trade.tradeId),
    price: i64(w, at, Trade.price),
    quantity: i64(w, at, Trade.quantity),
    buyOrderId: i64(w, at, Trade.buyOrderId),
    sellOrderId: i64(w, at, Trade.sellOrderId),
    seq: i64(w, at, Trade.seq),
    timeUs: i64(w, at, Trade.timeUs),
  }),
} as const satisfies ChannelWire<TradeView>;
