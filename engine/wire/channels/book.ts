import { jsonFields } from '../json-bytes.ts';
import { Channel, LevelUpdate } from '../layout.ts';
import { SIDE_NAMES, type SideName } from '../names.ts';
import { type ChannelWire, i64 } from './channel-wire.ts';

/** The new state of one price level; quantity 0 = removed. Ticks and lots. */
export interface LevelView {
  readonly side: SideName;
  readonly price: number;
  readonly quantity: number;
  readonly orders: number;
  /** Seq, in the exchange's log, of the last command that the state includes. */
  readonly seq: number;
}

export const bookWire = {
  id: Channel.Book,
  name: 'book',
  structBytes: LevelUpdate.bytes,
  vectorField: 8,
  vectorName: 'levels',
  flags: [],
  snapshotHasUpdates: true,
  json: jsonFields([
    ['side', LevelUpdate.side, SIDE_NAMES],
    ['price', LevelUpdate.price, 'i64'],
    ['quantity', LevelUpdate.quantity, 'i64'],
    ['orders', LevelUpdate.orders, 'u32'],
    ['seq', LevelUpdate.seq, 'i64'],
  ]),
  read: (w, at): LevelView => ({
    side: SIDE_NAMES[w[at] & 1],
    price: i64(w, at, LevelUpdate.price),
    quantity: i64(w, at, LevelUpdate.quantity),
    orders: w[at + LevelUpdate.orders / 4] >>> 0,
    seq: i64(w, at, LevelUpdate.seq),
  }),
} as const satisfies ChannelWire<LevelView>;
