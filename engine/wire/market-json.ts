import { Code, codeName } from '../codes.ts';
import { repeatedKey } from '../repeated-key.ts';
import { CHANNEL_NAMES, CHANNELS } from './channels/channels.ts';
import { MIN_SCHEMA_VERSION, supportsSchema } from './frames.ts';
import type { JsonBytes } from './json-bytes.ts';
import { FrameKind, MarketOp } from './layout.ts';
import type { FrameHead, StructList } from './market-frames.ts';
import { FRAME_KIND_NAMES, MARKET_OP_NAMES } from './names.ts';

const OPS = new Map<unknown, number>(MARKET_OP_NAMES.map((name, op): [string, number] => [name, op]).slice(MarketOp.Subscribe));
const CHANNEL_IDS = new Map<unknown, number>(CHANNEL_NAMES.map((name, channel) => [name, channel]));
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A JSON request; `symbol` is a name, an id, or `*`. Channel and symbol are -1 where they could not be read. */
export interface JsonRequest {
  code: Code;
  op: number;
  channel: number;
  symbol: string | number;
  tag: number;
}

/** A misspelt key would otherwise change what the request means. */
const KEYS = new Set(['op', 'channel', 'symbol', 'tag', 'schema_version']);

/** Reads an untrusted request: `{"op":"subscribe","channel":"book","symbol":"BTC-USD","tag":1}`. Never throws. */
export function parseJsonRequest(bytes: Uint8Array): JsonRequest {
  const request: JsonRequest = { code: Code.OK, op: 0, channel: -1, symbol: -1, tag: 0 };
  const reject = (code: Code) => {
    request.code = code;
    return request;
  };
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return reject(Code.MALFORMED_FRAME);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return reject(Code.MALFORMED_FRAME);
  const fields = value as Record<string, unknown>;
  const { tag = 0, schema_version = MIN_SCHEMA_VERSION, symbol } = fields;
  // First what the answer names, whatever is wrong with the rest.
  request.channel = CHANNEL_IDS.get(fields.channel) ?? -1;
  if (typeof symbol === 'string' || (typeof symbol === 'number' && symbol >>> 0 === symbol)) request.symbol = symbol;
  if (typeof tag !== 'number' || tag >>> 0 !== tag) return reject(Code.BAD_RANGE);
  request.tag = tag;
  if (Object.keys(fields).some((key) => !KEYS.has(key)) || repeatedKey(text) !== undefined) return reject(Code.MALFORMED_FRAME);
  if (typeof schema_version !== 'number' || !supportsSchema(schema_version)) return reject(Code.WRONG_SCHEMA_VERSION);
  const op = OPS.get(fields.op);
  if (op === undefined) return reject(Code.UNKNOWN_KIND);
  request.op = op;
  if (op === MarketOp.Ping) {
    request.channel = request.symbol = 0;
    return request;
  }
  if (request.channel === -1) return reject(Code.BAD_ENUM);
  return request.symbol === -1 ? reject(Code.BAD_RANGE) : request;
}

/**
 * Appends a market frame as JSON, with the names and numbers of the wire
 * schema: prices in ticks, quantities in lots.
 *
 * @param symbol its name; `*` for 0; in a reject, `?` (as the channel) for what is unknown
 */
export function jsonFrame(out: JsonBytes, head: FrameHead, symbol: string, structs: StructList | undefined): void {
  out.text(jsonHead(head, symbol, structs !== undefined));
  if (structs === undefined) return;
  jsonStructs(out, head.channel, structs, 0, structs.count);
  out.text(JSON_END);
}

/** End of a frame with structs. */
export const JSON_END = ']}';

/** Appends the structs [from, end) of a frame, with the commas before and between them. */
export function jsonStructs(out: JsonBytes, channel: number, { words, bytes }: StructList, from: number, end: number): void {
  const { json } = CHANNELS[channel];
  for (let i = from; i < end; i++) {
    if (i !== 0) out.text(',');
    out.struct(json, words, (i * bytes) >> 2);
  }
}

/** A whole frame without structs, or the start of one with structs. */
export function jsonHead(head: FrameHead, symbol: string, hasStructs: boolean): string {
  const { kind, channel } = head;
  let text = `{"kind":"${FRAME_KIND_NAMES[kind]}"`;
  if (kind === FrameKind.Heartbeat) return `${text},"first_no":${head.firstNo},"time_us":${head.timeUs}}`;
  if (kind === FrameKind.Pong) return `${text},"tag":${head.tag},"time_us":${head.timeUs}}`;
  text += `,"channel":"${CHANNEL_NAMES[channel] ?? '?'}","symbol":"${symbol}"`;
  if (kind === FrameKind.Refused) text += `,"code":${head.code},"name":"${codeName(head.code)}"`;
  if (!hasStructs) return `${text},"tag":${head.tag},"time_us":${head.timeUs}}`;
  return `${text},"first_no":${head.firstNo},"time_us":${head.timeUs},"${CHANNELS[channel].vectorName}":[`;
}
