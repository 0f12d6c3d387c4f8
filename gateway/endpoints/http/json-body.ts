import { numberToDecimal } from '../../../engine/decimal.ts';
import { Place } from '../../config/config-place.ts';
import { NOTHING, type ProblemSink, type RawEntry, type RawItem, type RawValue } from '../../config/raw-value.ts';
import { bodyProblems, type Problem } from '../json/shape-problems.ts';
import { fieldName } from './action-bodies.ts';

/**
 * The checked values of a body, which has the shape of its schema, by the rules that the configuration file shares.
 * @throws HttpError 400 with every problem
 */
export function readJsonBody<T>(body: unknown, check: (place: Place) => T | undefined): T {
  const problems: Problem[] = [];
  const sink: ProblemSink = { note: (_at, path, problem) => void problems.push({ path, problem }), fieldName };
  const value = check(new Place(sink, new JsonValue(body), '', 0));
  if (value !== undefined && problems.length === 0) return value;
  throw bodyProblems(problems);
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
