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
  const { depth, values } = extentOf(text);
  if (depth > MAX_DEPTH) throw bad(`it is nested deeper than ${MAX_DEPTH} levels`);
  if (limits !== undefined && values > limits.values) throw bad(`it has more than ${limits.values} values; send several messages`);
  let value: unknown;
  try {
    value = JSON.parse(text, exact as (key: string, value: unknown) => unknown);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError(0, 'BAD_JSON', `it is not JSON: ${jsonProblem(error)}`);
  }
  const twice = repeatedKey(text);
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

/** Most brackets that are open at once outside of strings, and values, in one pass; of text that is not JSON, some numbers. */
function extentOf(text: string): { readonly depth: number; readonly values: number } {
  let values = 1;
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') inString = !inString;
    else if (inString) i += char === '\\' ? 1 : 0;
    else if (char === '{' || char === '[') {
      deepest = Math.max(deepest, ++depth);
      values++;
    } else if (char === '}' || char === ']') depth--;
    else if (char === ',') values++;
  }
  return { depth: deepest, values };
}

function bad(message: string): RequestError {
  return new RequestError(Code.BAD_PARAMETER, 'BAD_PARAMETER', message);
}
