import { Code } from '../../../engine/codes.ts';
import { repeatedKey } from '../../../engine/repeated-key.ts';
import { jsonProblem } from '../../json-problem.ts';
import { RequestError } from './request-error.ts';

/** Limits of a body, far above normal use. Parsing takes time of the thread that takes orders. */
const MAX_DEPTH = 4;
const MAX_KEYS = 1024;

/** A number that a 64-bit float cannot represent exactly. */
export class InexactNumber {
  /** As it is written. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toJSON(): string {
    return this.text;
  }
}

/** Limits of a text that are lower than those of a body. */
export interface TextLimits {
  /** Values of all lists and objects together. */
  readonly values: number;
}

/**
 * Reads JSON. A number that a float does not hold exactly, digit by digit,
 * becomes an {@link InexactNumber}, never another number.
 * @throws RequestError for text that is not JSON, is nested too deep, has too many keys or gives one twice
 */
export function parseJson(text: string, limits?: TextLimits): unknown {
  const { depth, values, pairs, isPlain } = extentOf(text);
  if (depth > MAX_DEPTH) throw bad(`it is nested deeper than ${MAX_DEPTH} levels`);
  if (limits !== undefined && values > limits.values) throw bad(`it has more than ${limits.values} values; send several messages`);
  let value: unknown;
  try {
    // A reviver is called for each value, and takes several times as long as the rest.
    value = isPlain && values <= MAX_KEYS ? JSON.parse(text) : JSON.parse(text, exact as (key: string, value: unknown) => unknown);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError(0, 'BAD_JSON', `it is not JSON: ${jsonProblem(error)}`);
  }
  const twice = keysOf(value) === pairs ? undefined : repeatedKey(text);
  if (twice !== undefined) throw bad(`${twice}: is given a second time; give it once`);
  return value;
}

/** Reviver; `source` is there for numbers and other scalars (ECMAScript's JSON.parse source text access). */
function exact(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value === 'number' && source !== undefined && normal(source) !== normal(String(value))) return new InexactNumber(source);
  if (typeof value === 'object' && value !== null && Object.keys(value).length > MAX_KEYS)
    throw bad(`an object has more than ${MAX_KEYS} keys; send several requests`);
  return value;
}

/** A decimal number with its digits as a whole number without zeros at either end, and the exponent that goes with them. */
function normal(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return text;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  if (digits === '') return '0';
  const short = digits.replace(/0+$/, '');
  return `${sign}${short}e${Number(exponent) - fraction.length + digits.length - short.length}`;
}

/** Characters of a number that a float holds exactly, digit by digit, if it has no exponent. */
const MOST_PLAIN = 15;
const [QUOTE, BACKSLASH, COMMA, COLON, MINUS, ZERO, NINE, POINT, SPACE] = [...'"\\,:-09. '].map((char) => char.charCodeAt(0));
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [...'[]{}'].map((char) => char.charCodeAt(0));

interface Extent {
  /** Most brackets that are open at once. */
  readonly depth: number;
  readonly values: number;
  /** Keys with a value, in all objects. */
  readonly pairs: number;
  /** Each number is exact in a float. */
  readonly isPlain: boolean;
}

/** What is outside of strings, in one pass; of text that is not JSON, some numbers. */
function extentOf(text: string): Extent {
  const { length } = text;
  let values = 1;
  let depth = 0;
  let deepest = 0;
  let pairs = 0;
  let isPlain = true;
  for (let i = 0; i < length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) i = lastOfString(text, i);
    else if (char === COMMA) values++;
    else if (char === COLON) pairs++;
    else if (char === OPEN_OBJECT || char === OPEN_LIST) {
      deepest = Math.max(deepest, ++depth);
      values++;
    } else if (char === CLOSE_OBJECT || char === CLOSE_LIST) depth--;
    else if (char === MINUS || (char >= ZERO && char <= NINE)) {
      const end = endOfNumber(text, i);
      isPlain &&= end > 0;
      i = Math.abs(end) - 1;
    }
  }
  return { depth: deepest, values, pairs, isPlain };
}

/** Where the string ends that begins there; the end of the text, if it does not. */
function lastOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) return at;
    if (char === BACKSLASH) at++;
  }
  return text.length;
}

/** The position after the number that begins there; negative if it may not be exact. */
function endOfNumber(text: string, from: number): number {
  let end = from + 1;
  let isSimple = true;
  for (; end < text.length; end++) {
    const char = text.charCodeAt(end);
    if (char >= ZERO && char <= NINE) continue;
    if (char === COMMA || char === CLOSE_OBJECT || char === CLOSE_LIST || char <= SPACE) break;
    isSimple &&= char === POINT;
  }
  return isSimple && end - from <= MOST_PLAIN ? end : -end;
}

/** Keys of all objects in a parsed value: fewer than the text has, where one is given twice. */
function keysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof InexactNumber) return 0;
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value) keys += keysOf(item);
    return keys;
  }
  for (const item of Object.values(value)) keys += 1 + keysOf(item);
  return keys;
}

function bad(message: string): RequestError {
  return new RequestError(Code.BAD_PARAMETER, 'BAD_PARAMETER', message);
}
