import { decimalFields, type FieldSpec, jsonFields } from '../json-bytes.ts';
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

const FIELDS: readonly FieldSpec[] = [
  ['side', LevelUpdate.side, SIDE_NAMES],
  ['price', LevelUpdate.price, 'price'],
  ['quantity', LevelUpdate.quantity, 'quantity'],
  ['orders', LevelUpdate.orders, 'u32'],
  ['seq', LevelUpdate.seq, 'i64'],
];

function levelsWire<N extends string>(name: N, id: Channel, depth: number) {
  return {
    id,
    name,
    textName: 'book',
    depth,
    structBytes: LevelUpdate.bytes,
    vectorField: 8,
    vectorName: 'levels',
    flags: [],
    snapshotHasUpdates: true,
    json: jsonFields(FIELDS),
    decimal: decimalFields(FIELDS),
    read: readLevel,
  } as const satisfies ChannelWire<LevelView>;
}

function readLevel(w: Int32Array, at: number): LevelView {
  return {
    side: SIDE_NAMES[w[at] & 1],
    price: i64(w, at, LevelUpdate.price),
    quantity: i64(w, at, LevelUpdate.quantity),
    orders: w[at + LevelUpdate.orders / 4] >>> 0,
    seq: i64(w, at, LevelUpdate.seq),
  };
}

/** All levels. */
export const bookWire = levelsWire('book', Channel.Book, 0);

/** The best levels of each side, a channel for each depth. They share the struct and its vector. */
export const TOP_BOOK_WIRES = [
  levelsWire('book-5', Channel.Book5, 5),
  levelsWire('book-10', Channel.Book10, 10),
  levelsWire('book-20', Channel.Book20, 20),
  levelsWire('book-50', Channel.Book50, 50),
] as const;
