import { Code, codeName } from '../../engine/codes.ts';
import { getI64 } from '../../engine/units.ts';
import { Bbo, Channel, FrameKind, LevelUpdate, OrderUpdate, Status, Trade } from '../../engine/wire/layout.ts';
import { CHANNEL_NAMES, type ChannelName, FRAME_KIND_NAMES, MarketFrameReader, STRUCT_BYTES } from '../../engine/wire/market-frames.ts';
import { ACTION_NAMES, JSON_VECTORS, PHASE_NAMES, SIDE_NAMES } from '../../engine/wire/market-json.ts';
import { OpenbellError } from './errors.ts';
import type { SideName } from './types.ts';

/** One price level as it now is; quantity 0 = gone. Ticks and lots. */
export interface LevelView {
  readonly side: SideName;
  readonly price: number;
  readonly quantity: number;
  readonly orders: number;
  /** Place in the exchange's log of the last command that the state includes. */
  readonly seq: number;
}

/** One resting order; `quantity` is what is open after the action. `change` keeps its place in the queue. */
export interface OrderView {
  readonly action: 'add' | 'change' | 'remove';
  readonly side: SideName;
  readonly orderId: number;
  readonly price: number;
  readonly quantity: number;
  readonly seq: number;
}

/** Best bid and offer; price 0 = no such side. */
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

export type PhaseName = 'halted' | 'continuous' | 'auction' | 'closed';

/** Trading phase; in an auction also what an uncross would do now (price 0: nothing would trade). */
export interface StatusView {
  readonly phase: PhaseName;
  readonly surplusSide: SideName;
  readonly indicativePrice: number;
  readonly indicativeVolume: number;
  readonly surplus: number;
  readonly referencePrice: number;
  readonly lastPrice: number;
  readonly seq: number;
  readonly timeUs: number;
}

export interface UpdateOf {
  book: LevelView;
  'book-l3': OrderView;
  bbo: BboView;
  trades: TradeView;
  status: StatusView;
}

/** A market-data frame. `updates` are of the channel. */
export interface MarketFrameView<C extends ChannelName = ChannelName> {
  readonly kind: (typeof FRAME_KIND_NAMES)[number];
  readonly channel: C;
  /** Id in the binary format, name in JSON; 0 or `*` = every symbol. */
  readonly symbol: number | string;
  /** Name of the code, OK unless the frame is a refusal. */
  readonly code: string;
  readonly tag: number;
  /** Delta: number of the first update. Snapshot: number of the last update in it. */
  readonly firstNo: number;
  /** When the exchange sent it, µs since the epoch. */
  readonly timeUs: number;
  readonly updates: readonly UpdateOf[C][];
}

const reader = new MarketFrameReader();

/** @throws OpenbellError MALFORMED_FRAME, WRONG_SCHEMA_VERSION or BAD_ENUM */
export function decodeBinary(bytes: Uint8Array): MarketFrameView {
  const code = reader.open(bytes);
  if (code !== Code.OK) {
    throw new OpenbellError(
      codeName(code),
      `${codeName(code)}: the market data is not what this client reads; do client and exchange have the same version?`,
      code,
    );
  }
  const { kind, channel, words, at, count } = reader;
  const read = readers[channel];
  const size = STRUCT_BYTES[channel] / 4;
  const updates = new Array<UpdateOf[ChannelName]>(count);
  for (let i = 0; i < count; i++) updates[i] = read(words, at + i * size);
  return {
    kind: FRAME_KIND_NAMES[kind],
    channel: CHANNEL_NAMES[channel],
    symbol: reader.symbol,
    code: codeName(reader.code),
    tag: reader.tag,
    firstNo: reader.firstNo,
    timeUs: reader.timeUs,
    updates,
  };
}

/** @throws OpenbellError MALFORMED_FRAME */
export function decodeJson(text: string): MarketFrameView {
  try {
    const frame = JSON.parse(text, camelCase);
    const channel = CHANNEL_NAMES.indexOf(frame.channel ?? CHANNEL_NAMES[0]);
    const updates = (frame[JSON_VECTORS[channel]] ?? []) as UpdateOf[ChannelName][];
    const { kind, symbol = '*', name = 'OK', tag = 0, firstNo = 0, timeUs = 0 } = frame;
    return { kind, channel: CHANNEL_NAMES[channel], symbol, code: name, tag, firstNo, timeUs, updates };
  } catch (error) {
    throw new OpenbellError(
      'MALFORMED_FRAME',
      `MALFORMED_FRAME: the market data is not JSON (${(error as Error).message}): is it openbell?`,
    );
  }
}

/** Reviver: `order_id` becomes `orderId`, and an auction's 0 or 1 a boolean. */
function camelCase(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const named: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    const name = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    named[name] = name === 'auction' ? field === 1 : field;
  }
  return named;
}

function i64(words: Int32Array, at: number, field: number): number {
  return getI64(words, at + (field >> 2));
}

const readers: readonly ((words: Int32Array, at: number) => UpdateOf[ChannelName])[] = [];
const define = <C extends ChannelName>(channel: number, read: (words: Int32Array, at: number) => UpdateOf[C]) => {
  (readers as ((words: Int32Array, at: number) => UpdateOf[ChannelName])[])[channel] = read;
};
define<'book'>(Channel.Book, (w, at) => ({
  side: SIDE_NAMES[w[at] & 1],
  price: i64(w, at, LevelUpdate.price),
  quantity: i64(w, at, LevelUpdate.quantity),
  orders: w[at + LevelUpdate.orders / 4] >>> 0,
  seq: i64(w, at, LevelUpdate.seq),
}));
define<'book-l3'>(Channel.BookL3, (w, at) => ({
  action: ACTION_NAMES[w[at] & 3],
  side: SIDE_NAMES[(w[at] >> 8) & 1],
  orderId: i64(w, at, OrderUpdate.orderId),
  price: i64(w, at, OrderUpdate.price),
  quantity: i64(w, at, OrderUpdate.quantity),
  seq: i64(w, at, OrderUpdate.seq),
}));
define<'bbo'>(Channel.Bbo, (w, at) => ({
  bidPrice: i64(w, at, Bbo.bidPrice),
  bidQuantity: i64(w, at, Bbo.bidQuantity),
  askPrice: i64(w, at, Bbo.askPrice),
  askQuantity: i64(w, at, Bbo.askQuantity),
  bidOrders: w[at + Bbo.bidOrders / 4] >>> 0,
  askOrders: w[at + Bbo.askOrders / 4] >>> 0,
  seq: i64(w, at, Bbo.seq),
  timeUs: i64(w, at, Bbo.timeUs),
}));
define<'trades'>(Channel.Trades, (w, at) => ({
  aggressor: SIDE_NAMES[w[at] & 1],
  auction: ((w[at] >> 8) & 1) === 1,
  tradeId: i64(w, at, Trade.tradeId),
  price: i64(w, at, Trade.price),
  quantity: i64(w, at, Trade.quantity),
  buyOrderId: i64(w, at, Trade.buyOrderId),
  sellOrderId: i64(w, at, Trade.sellOrderId),
  seq: i64(w, at, Trade.seq),
  timeUs: i64(w, at, Trade.timeUs),
}));
define<'status'>(Channel.Status, (w, at) => ({
  phase: PHASE_NAMES[w[at] & 3] as PhaseName,
  surplusSide: SIDE_NAMES[(w[at] >> 8) & 1],
  indicativePrice: i64(w, at, Status.indicativePrice),
  indicativeVolume: i64(w, at, Status.indicativeVolume),
  surplus: i64(w, at, Status.surplus),
  referencePrice: i64(w, at, Status.referencePrice),
  lastPrice: i64(w, at, Status.lastPrice),
  seq: i64(w, at, Status.seq),
  timeUs: i64(w, at, Status.timeUs),
}));

/** Whether a refusal or an answer names a kind that carries state. */
export function carriesState(frame: MarketFrameView): boolean {
  return frame.kind === FRAME_KIND_NAMES[FrameKind.Snapshot] || frame.kind === FRAME_KIND_NAMES[FrameKind.Delta];
}
