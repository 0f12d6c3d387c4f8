import { z } from 'zod';
import { CANDLE_INTERVALS } from '../../../feeds/analysis/candles.ts';
import { isoTime } from '../../iso-time.ts';
import { SESSION_KINDS } from '../../session-info.ts';

/**
 * Schemas of query parameters: from the text of a request to its value, and JSON Schema for the document. A message follows the
 * name of the parameter.
 */

const YEAR_9999_US = Date.UTC(9999, 11, 31) * 1000;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;
/** Characters of a wrong value that an answer quotes. */
const MAX_QUOTED = 40;

/** A whole number from `low` to `high`, in digits. @param meta what the document says of it, and its default */
export function wholeNumber(low: number, high: number, meta: { readonly description: string; readonly default?: number }) {
  return z
    .string()
    .transform((text, context) => {
      const value = Number(text);
      if (/^\d{1,16}$/.test(text) && value >= low && value <= high) return value;
      return wrong(context, `must be a whole number from ${low} to ${high}, not ${text.slice(0, MAX_QUOTED)}`);
    })
    .meta({ type: 'integer', minimum: low, maximum: high, ...meta });
}

/** {@link wholeNumber} with a value where none is given. */
export function wholeOr(fallback: number, low: number, high: number, description: string) {
  const meta = { description, default: fallback };
  return wholeNumber(low, high, meta)
    .default(fallback)
    .meta({ type: 'integer', minimum: low, maximum: high, ...meta });
}

/** One of these words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words, description: string) {
  return z
    .enum(words, { error: ({ input }) => `must be one of ${words.join(', ')}, not ${String(input).slice(0, 16)}` })
    .meta({ description });
}

/** {@link oneOf} with a value where none is given. */
export function oneOfOr<const Words extends readonly [string, ...string[]]>(fallback: Words[number], words: Words, description: string) {
  return oneOf(words, description).default(fallback).meta({ description, default: fallback });
}

/** A time in microseconds since the Unix epoch; as such, or as ISO 8601 with a time zone. */
export function time(description: string) {
  return z
    .string()
    .transform((text, context) => {
      const us = /^\d{1,16}$/.test(text) ? Number(text) : ISO_TIME.test(text) ? isoUs(text) : Number.NaN;
      if (us >= 0 && us <= YEAR_9999_US) return us;
      const quoted = text.slice(0, MAX_QUOTED);
      return wrong(context, `must be microseconds since the Unix epoch, or a time such as 2026-01-31T09:30:00Z, not ${quoted}`);
    })
    .meta({ description: `${description} Microseconds since the Unix epoch, or ISO 8601.`, examples: ['2026-01-31T09:30:00Z'] });
}

/** Id of an open session, as text; its value is its parts. */
export function sessionId(description: string) {
  return z
    .string()
    .transform((text, context) => {
      const [, kind, digits] = /^([a-z-]+)-([1-9]\d{0,14})$/.exec(text) ?? [];
      const known = SESSION_KINDS.find((each) => each === kind);
      if (known !== undefined) return { kind: known, number: Number(digits) };
      return wrong(context, `must be the id of a session such as orders-7, not ${text.slice(0, MAX_QUOTED)}`);
    })
    .meta({ description, examples: ['orders-7'] });
}

/** Intervals of candles. */
export const INTERVAL = oneOfOr('1m', CANDLE_INTERVALS, 'Length of a candle.');

/** A day alone begins at midnight UTC. NaN for a day that does not exist. */
function isoUs(text: string): number {
  return (isoTime(text.includes('T') ? text : `${text}T00:00:00Z`) ?? Number.NaN) * 1000;
}

function wrong(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;
const MAX_ID = Number.MAX_SAFE_INTEGER;

/** Entries of a page. */
export const LIMIT = wholeOr(DEFAULT_PAGE, 1, MAX_PAGE, 'Entries of a page.');
/** Of lists that go back in time. */
export const BEFORE = wholeOr(MAX_ID, 1, MAX_ID, 'Only entries before this number: `next` of the page before.');
export const PAGED = { limit: LIMIT, before: BEFORE };
