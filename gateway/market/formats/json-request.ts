import type { z } from 'zod';
import { Code } from '../../../engine/codes.ts';
import { repeatedKey } from '../../../engine/repeated-key.ts';
import { CHANNELS } from '../../../engine/wire/channels/channels.ts';
import { MARKET_OP_NAMES } from '../../../engine/wire/names.ts';
import type { MarketAsk } from './format.ts';
import type { MARKET_REQUEST, MarketRequestBody, RAW_MARKET_REQUEST } from './market-requests.ts';

const OPS = new Map<string, number>(MARKET_OP_NAMES.map((name, op) => [name, op]));
const IDS = new Map<string, number>(CHANNELS.map(({ textName, depth, id }) => [keyOf(textName, depth), id]));
const utf8 = new TextDecoder('utf-8', { fatal: true });
/** Characters of an unknown key that an answer quotes. */
const MAX_QUOTED = 32;
const NOT_JSON = 'the request must be one JSON object';

/**
 * Reads an untrusted request: `{"op":"subscribe","channel":"book","symbol":"BTC-USD","tag":1}`. Never throws.
 * @param schema that of the subprotocol
 */
export function readJsonRequest(schema: typeof MARKET_REQUEST | typeof RAW_MARKET_REQUEST, bytes: Uint8Array): MarketAsk {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return { ...UNREADABLE, text: NOT_JSON };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { ...UNREADABLE, text: NOT_JSON };
  if (repeatedKey(text) !== undefined) return { ...named(value), code: Code.MALFORMED_FRAME, text: 'a key is given twice; give it once' };
  const { data, error } = schema.safeParse(value);
  if (error !== undefined) return { ...named(value), ...problemOf(error) };
  return askOf(data);
}

const UNREADABLE: MarketAsk = { code: Code.MALFORMED_FRAME, op: 0, channel: -1, symbol: -1, tag: 0, version: 0, last: 0, text: '' };

function askOf(request: MarketRequestBody): MarketAsk {
  const { op, tag = 0 } = request;
  const ask = { ...UNREADABLE, code: Code.OK, op: OPS.get(op) ?? 0, tag };
  if (!('channel' in request)) return { ...ask, channel: 0, symbol: 0 };
  const { channel, symbol, depth = 0 } = request;
  const last = 'last' in request ? (request.last ?? 0) : 0;
  const known = { ...ask, channel: IDS.get(keyOf(channel, 0)) ?? -1, symbol, last };
  const id = IDS.get(keyOf(channel, depth));
  if (id === undefined) return { ...known, code: Code.BAD_RANGE, text: 'depth: is of the channel book only' };
  if (last !== 0 && channel !== 'trades') return { ...known, code: Code.BAD_RANGE, text: 'last: is of the channel trades only' };
  return { ...known, channel: id };
}

/** What the answer names, whatever is wrong with the rest. */
function named(value: object): MarketAsk {
  const { tag, channel, symbol } = value as Readonly<Record<string, unknown>>;
  const isSymbol = typeof symbol === 'string' || isWord(symbol);
  const id = typeof channel === 'string' ? IDS.get(keyOf(channel, 0)) : undefined;
  return { ...UNREADABLE, tag: isWord(tag) ? tag : 0, channel: id ?? -1, symbol: isSymbol ? symbol : -1 };
}

function isWord(value: unknown): value is number {
  return typeof value === 'number' && value >>> 0 === value;
}

/** Codes of wrong values by key, the one that counts first. */
const CODES: readonly (readonly [key: string, code: Code])[] = [
  ['schema_version', Code.WRONG_SCHEMA_VERSION],
  ['op', Code.UNKNOWN_KIND],
  ['channel', Code.BAD_ENUM],
];

function problemOf({ issues }: z.ZodError): Pick<MarketAsk, 'code' | 'text'> {
  // An answer without the tag would be taken for another one.
  const tag = issues.find(({ path }) => path[0] === 'tag');
  if (tag !== undefined) return { code: Code.BAD_RANGE, text: tag.message };
  const unknown = issues.find((issue) => issue.code === 'unrecognized_keys');
  if (unknown !== undefined) return { code: Code.MALFORMED_FRAME, text: `${quoted(unknown.keys[0])}: unknown key` };
  for (const [key, code] of CODES) {
    const issue = issues.find(({ path }) => path[0] === key);
    if (issue !== undefined) return { code, text: issue.message };
  }
  return { code: Code.BAD_RANGE, text: issues[0].message };
}

/** The begin of an untrusted key. Answers are ASCII. */
function quoted(key: string): string {
  return key.slice(0, MAX_QUOTED).replaceAll(/[^ -~]/g, '?');
}

function keyOf(channel: string, depth: number): string {
  return `${channel} ${depth}`;
}
