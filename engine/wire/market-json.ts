import { Code, codeName } from '../codes.ts';
import { getI64 } from '../units.ts';
import { MIN_SCHEMA_VERSION, speaksSchema } from './frames.ts';
import { Bbo, FrameKind, LevelUpdate, MarketOp, OrderUpdate, Phase, Status, Trade } from './layout.ts';
import { CHANNEL_NAMES, FRAME_KIND_NAMES, type FrameHead, type StructList } from './market-frames.ts';

/** Names of the vectors in JSON, by Channel. */
export const JSON_VECTORS = ['levels', 'orders', 'bbos', 'trades', 'statuses'] as const;
export const SIDE_NAMES = ['buy', 'sell'] as const;
export const ACTION_NAMES = ['add', 'change', 'remove'] as const;
export const PHASE_NAMES = namesOf(Phase);

function namesOf(values: Record<string, number>): readonly string[] {
  const names: string[] = [];
  for (const [name, value] of Object.entries(values)) names[value] = name.toLowerCase();
  return names;
}

const OPS = new Map<unknown, number>([
  ['subscribe', MarketOp.Subscribe],
  ['unsubscribe', MarketOp.Unsubscribe],
  ['resnapshot', MarketOp.Resnapshot],
  ['ping', MarketOp.Ping],
]);
const CHANNELS = new Map<unknown, number>(CHANNEL_NAMES.map((name, channel) => [name, channel]));
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What a JSON request asked for; `symbol` is a name, an id, or `*`. */
export interface JsonRequest {
  code: Code;
  op: number;
  channel: number;
  symbol: string | number;
  tag: number;
}

/** Reads a request that anybody may have sent: `{"op":"subscribe","channel":"book","symbol":"BTC-USD","tag":1}`. Never throws. */
export function parseJsonRequest(bytes: Uint8Array): JsonRequest {
  const request: JsonRequest = { code: Code.OK, op: 0, channel: 0, symbol: '*', tag: 0 };
  const refuse = (code: Code) => {
    request.code = code;
    return request;
  };
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    return refuse(Code.MALFORMED_FRAME);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(Code.MALFORMED_FRAME);
  const fields = value as Record<string, unknown>;
  const { tag = 0, schema_version = MIN_SCHEMA_VERSION, symbol = '*' } = fields;
  if (typeof tag !== 'number' || tag >>> 0 !== tag) return refuse(Code.BAD_RANGE);
  request.tag = tag;
  if (typeof schema_version !== 'number' || !speaksSchema(schema_version)) return refuse(Code.WRONG_SCHEMA_VERSION);
  const op = OPS.get(fields.op);
  if (op === undefined) return refuse(Code.UNKNOWN_KIND);
  request.op = op;
  if (op === MarketOp.Ping) return request;
  const channel = CHANNELS.get(fields.channel);
  if (channel === undefined) return refuse(Code.BAD_ENUM);
  request.channel = channel;
  if (typeof symbol !== 'string' && !(typeof symbol === 'number' && symbol >>> 0 === symbol)) return refuse(Code.BAD_RANGE);
  request.symbol = symbol;
  return request;
}

/**
 * A market frame as JSON text (ASCII), with the names and numbers of the wire
 * schema: prices stay ticks, quantities lots.
 *
 * @param symbol its name; `*` for 0
 */
export function jsonFrame(head: FrameHead, symbol: string, structs: StructList | undefined): string {
  const { kind, channel } = head;
  let text = `{"kind":"${FRAME_KIND_NAMES[kind]}"`;
  if (kind === FrameKind.Heartbeat) return `${text},"first_no":${head.firstNo},"time_us":${head.timeUs}}`;
  if (kind === FrameKind.Pong) return `${text},"tag":${head.tag},"time_us":${head.timeUs}}`;
  text += `,"channel":"${CHANNEL_NAMES[channel]}","symbol":"${symbol}"`;
  if (kind === FrameKind.Refused) text += `,"code":${head.code},"name":"${codeName(head.code)}"`;
  if (structs === undefined) return `${text},"tag":${head.tag},"time_us":${head.timeUs}}`;
  text += `,"first_no":${head.firstNo},"time_us":${head.timeUs},"${JSON_VECTORS[channel]}":[`;
  const writeStruct = writers[channel];
  const size = structs.bytes >> 2;
  for (let i = 0; i < structs.count; i++) text += (i === 0 ? '' : ',') + writeStruct(structs.words, i * size);
  return `${text}]}`;
}

function i64(words: Int32Array, at: number, field: number): number {
  return getI64(words, at + (field >> 2));
}

const writers: readonly ((words: Int32Array, at: number) => string)[] = [
  (w, at) =>
    `{"side":"${SIDE_NAMES[w[at] & 255]}","price":${i64(w, at, LevelUpdate.price)},"quantity":${i64(w, at, LevelUpdate.quantity)}` +
    `,"orders":${w[at + LevelUpdate.orders / 4] >>> 0},"seq":${i64(w, at, LevelUpdate.seq)}}`,
  (w, at) =>
    `{"action":"${ACTION_NAMES[w[at] & 255]}","side":"${SIDE_NAMES[(w[at] >> 8) & 255]}","order_id":${i64(w, at, OrderUpdate.orderId)}` +
    `,"price":${i64(w, at, OrderUpdate.price)},"quantity":${i64(w, at, OrderUpdate.quantity)},"seq":${i64(w, at, OrderUpdate.seq)}}`,
  (w, at) =>
    `{"bid_price":${i64(w, at, Bbo.bidPrice)},"bid_quantity":${i64(w, at, Bbo.bidQuantity)},"ask_price":${i64(w, at, Bbo.askPrice)}` +
    `,"ask_quantity":${i64(w, at, Bbo.askQuantity)},"bid_orders":${w[at + Bbo.bidOrders / 4] >>> 0},"ask_orders":${w[at + Bbo.askOrders / 4] >>> 0}` +
    `,"seq":${i64(w, at, Bbo.seq)},"time_us":${i64(w, at, Bbo.timeUs)}}`,
  (w, at) =>
    `{"aggressor":"${SIDE_NAMES[w[at] & 255]}","auction":${(w[at] >> 8) & 255},"trade_id":${i64(w, at, Trade.tradeId)}` +
    `,"price":${i64(w, at, Trade.price)},"quantity":${i64(w, at, Trade.quantity)},"buy_order_id":${i64(w, at, Trade.buyOrderId)}` +
    `,"sell_order_id":${i64(w, at, Trade.sellOrderId)},"seq":${i64(w, at, Trade.seq)},"time_us":${i64(w, at, Trade.timeUs)}}`,
  (w, at) =>
    `{"phase":"${PHASE_NAMES[w[at] & 255]}","surplus_side":"${SIDE_NAMES[(w[at] >> 8) & 255]}","indicative_price":${i64(w, at, Status.indicativePrice)}` +
    `,"indicative_volume":${i64(w, at, Status.indicativeVolume)},"surplus":${i64(w, at, Status.surplus)}` +
    `,"reference_price":${i64(w, at, Status.referencePrice)},"last_price":${i64(w, at, Status.lastPrice)}` +
    `,"seq":${i64(w, at, Status.seq)},"time_us":${i64(w, at, Status.timeUs)}}`,
];
