import { DecimalError, decimalToUnits } from '../../engine/decimal.ts';
import { withoutSecrets } from '../secret-text.ts';
import type { ProblemSink, RawValue } from './raw-value.ts';

/** The configuration cannot be used; `message` has a line per problem, each naming file, line, column and key. */
export class ConfigError extends Error {
  readonly code = 'OPENBELL_CONFIG';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * A value and where it stands. Each reading method notes a problem and
 * returns undefined, so that reading continues.
 */
export class Place {
  readonly path: string;
  readonly #sink: ProblemSink;
  readonly #value: RawValue;
  readonly #at: number;
  readonly #keyAt: number;

  /** @param keyAt position of its key, if it has one */
  constructor(sink: ProblemSink, value: RawValue, path: string, at: number, keyAt: number = at) {
    this.#sink = sink;
    this.#value = value;
    this.path = path;
    this.#at = at;
    this.#keyAt = keyAt;
  }

  /** Notes a problem of the value. */
  fail(problem: string): undefined {
    this.#sink.note(this.#at, this.path, withoutSecrets(problem));
    return undefined;
  }

  /** Notes a problem of the key, not of its value. */
  failKey(problem: string): undefined {
    this.#sink.note(this.#keyAt, this.path, problem);
    return undefined;
  }

  /** Notes that a key of this mapping is missing. @param key as the source would write it @param advice what to give */
  missing(key: string, advice?: string): undefined {
    this.#sink.note(this.#at, this.#below(key), advice === undefined ? 'is missing' : `is missing; ${advice}`);
    return undefined;
  }

  /** True when nothing, or `null`, is written here. */
  get empty(): boolean {
    return this.#value.kind === 'nothing';
  }

  /** The keys of a mapping; any that `known` does not name is a problem. */
  fields<K extends string>(known: readonly K[]): Partial<Record<K, Place>> | undefined {
    const fields: Partial<Record<K, Place>> = {};
    const entries = this.entries('keys');
    for (const [key, place] of entries ?? []) {
      const name = this.#sink.fieldName(key);
      if (!(known as readonly string[]).includes(name)) place.failKey(`unknown key; use one of ${known.join(', ')}`);
      else if (Object.hasOwn(fields, name)) place.failKey(`gives ${name} a second time; give it once`);
      else fields[name as K] = place;
    }
    return entries && fields;
  }

  /** All keys of a mapping with their values; `what` they are, for the message. */
  entries(what: string): [string, Place][] | undefined {
    if (this.empty) return [];
    if (this.#value.kind !== 'map') return this.fail(`must be a mapping of ${what} (key: value lines), not ${this.#shown()}`);
    return this.#value.entries().map(({ key, keyAt, value, at }) => {
      return [key, new Place(this.#sink, value, this.#below(key), at, keyAt)];
    });
  }

  get isList(): boolean {
    return this.#value.kind === 'list';
  }

  items(): Place[] {
    if (this.empty) return [];
    if (this.#value.kind !== 'list') {
      this.fail(`must be a list (lines that begin with "- "), not ${this.#shown()}`);
      return [];
    }
    return this.#value.items().map(({ value, at }, index) => new Place(this.#sink, value, `${this.path}[${index}]`, at));
  }

  /** The scalar as it is written: `0.10` stays `0.10`, quoted or not. */
  text(): string | undefined {
    if (this.empty) return this.failKey('has no value; write one or remove the key');
    if (this.#value.kind !== 'scalar') return this.fail(`must be a single value, not ${this.#shown()}`);
    return this.#value.text;
  }

  whole(low: number, high: number): number | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) return this.fail(`must be a whole number from ${low} to ${high}, not ${text}`);
    return value;
  }

  boolean(): boolean | undefined {
    const text = this.text();
    if (text === 'true' || text === 'false') return text === 'true';
    return text === undefined ? undefined : this.fail(`must be true or false, not ${text}`);
  }

  oneOf<T extends string>(choices: readonly T[]): T | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const found = choices.find((choice) => choice === text);
    return found ?? this.fail(`must be one of ${choices.join(', ')}, not ${text}`);
  }

  /** The same as its place among the choices, from 0. */
  indexIn(choices: readonly string[]): number | undefined {
    const choice = this.oneOf(choices);
    return choice === undefined ? undefined : choices.indexOf(choice);
  }

  /** Decimal text as units of mantissa x 10^-decimals, exactly. */
  units(mantissa: number, decimals: number): number | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    try {
      return decimalToUnits(text, mantissa, decimals);
    } catch (error) {
      if (error instanceof DecimalError) return this.fail(error.message);
      throw error;
    }
  }

  /** `0.05%` as millionths: 500. A leading minus is allowed when `low` is negative. */
  ppm(low: number, high: number): number | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const match = /^(-?)(\d{1,3}(?:\.\d{1,4}0*)?)%$/.exec(text);
    const percent = `must be a percentage with at most 4 decimals from ${low / 10_000}% to ${high / 10_000}%`;
    if (match === null) return this.fail(`${percent}, such as 0.05%, not ${text}`);
    const value = (match[1] === '-' ? -1 : 1) * decimalToUnits(match[2], 1, 4);
    if (value < low || value > high) return this.fail(`${percent}, not ${text}`);
    return value === 0 ? 0 : value;
  }

  #below(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  #shown(): string {
    if (this.#value.kind === 'map') return 'a mapping';
    if (this.#value.kind === 'list') return 'a list';
    if (this.#value.kind !== 'scalar') return 'this';
    // A whole file that is one text may be a key or a token in the wrong place.
    return this.path === '' ? 'a text' : JSON.stringify(this.#value.text);
  }
}
