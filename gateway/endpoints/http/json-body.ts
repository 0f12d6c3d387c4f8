import type { z } from 'zod';
import { Code } from '../../../engine/codes.ts';
import { numberToDecimal } from '../../../engine/decimal.ts';
import { Place } from '../../config/config-place.ts';
import { NOTHING, type ProblemSink, type RawEntry, type RawItem, type RawValue } from '../../config/raw-value.ts';
import { fieldName } from './action-bodies.ts';
import { HttpError } from './http-error.ts';

interface Problem {
  /** Keys to the value as the body writes them, with dots between them; empty for the whole body. */
  readonly path: string;
  readonly problem: string;
}

/**
 * The checked value of a body: its shape by `shape`, then its values by `check`,
 * which the configuration file shares.
 * @throws HttpError 400 with every problem: all of the shape, or else all of the values
 */
export function readJsonBody<T>(body: unknown, shape: z.ZodType, check: (place: Place) => T | undefined): T {
  const { error } = shape.safeParse(body);
  if (error !== undefined) throw rejected(error.issues.flatMap(problemsOf));
  const problems: Problem[] = [];
  const sink: ProblemSink = { note: (_at, path, problem) => void problems.push({ path, problem }), fieldName };
  const value = check(new Place(sink, new JsonValue(body), '', 0));
  if (value !== undefined && problems.length === 0) return value;
  throw rejected(problems);
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = pathOf(issue.path);
  if (issue.code !== 'unrecognized_keys') return [{ path, problem: issue.message }];
  return issue.keys.map((key) => ({ path: path === '' ? key : `${path}.${key}`, problem: issue.message }));
}

function pathOf(keys: readonly PropertyKey[]): string {
  return keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

function rejected(problems: readonly Problem[]): HttpError {
  const message = problems.map(({ path, problem }) => (path === '' ? problem : `${path}: ${problem}`)).join('; ');
  return new HttpError(400, Code.BAD_PARAMETER, 'BAD_PARAMETER', message, { problems });
}

/** A value of parsed JSON. */
class JsonValue implements RawValue {
  readonly kind: RawValue['kind'];
  readonly text: string;
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
    this.kind = value === null ? 'nothing' : Array.isArray(value) ? 'list' : typeof value === 'object' ? 'map' : 'scalar';
    this.text = this.kind !== 'scalar' ? '' : typeof value === 'number' ? numberToDecimal(value) : String(value);
  }

  entries(): RawEntry[] {
    if (this.kind !== 'map') return [];
    return Object.entries(this.#value as object).map(([key, value]) => ({ key, keyAt: 0, value: rawOf(value), at: 0 }));
  }

  items(): RawItem[] {
    if (this.kind !== 'list') return [];
    return (this.#value as readonly unknown[]).map((value) => ({ value: rawOf(value), at: 0 }));
  }
}

function rawOf(value: unknown): RawValue {
  return value === null ? NOTHING : new JsonValue(value);
}
