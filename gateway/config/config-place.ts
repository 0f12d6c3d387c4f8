import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type Scalar } from 'yaml';
import { DecimalError, decimalToUnits } from '../../engine/decimal.ts';

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

/** A file being read: where problems are noted, so that one run shows all of them. */
export class ConfigSource {
  readonly problems: string[] = [];
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2', uniqueKeys: true });
    for (const { pos, message } of this.#document.errors) this.note(pos[0], '', `not valid YAML: ${message}`);
  }

  get root(): Place {
    return new Place(this, this.#document.contents, '');
  }

  note(offset: number, path: string, problem: string): void {
    const { line, col } = this.#lines.linePos(offset);
    this.problems.push(`${this.#file}:${line}:${col}: ${path === '' ? '' : `${path}: `}${problem}`);
  }

  resolve(node: unknown): Node | null {
    if (!isAlias(node)) return node as Node | null;
    const target = node.resolve(this.#document);
    if (target === undefined)
      this.note(node.range?.[0] ?? 0, '', `no &${node.source} stands above *${node.source}; define it or write the value`);
    return target ?? null;
  }
}

/**
 * A value in the file, and where it stands. Each reading method notes what is
 * wrong and then returns undefined, so that reading goes on.
 */
export class Place {
  readonly path: string;
  readonly #source: ConfigSource;
  readonly #node: Node | null;
  readonly #offset: number;
  readonly #keyOffset: number;

  /** @param keyOffset where its key stands, if it has one */
  constructor(source: ConfigSource, node: unknown, path: string, keyOffset?: number) {
    this.#source = source;
    this.#node = source.resolve(node);
    this.path = path;
    this.#offset = (node as Node | null)?.range?.[0] ?? keyOffset ?? 0;
    this.#keyOffset = keyOffset ?? this.#offset;
  }

  /** Notes a problem here. */
  fail(problem: string): undefined {
    this.#source.note(this.#offset, this.path, problem);
    return undefined;
  }

  /** Notes a problem of the key, not of its value. */
  failKey(problem: string): undefined {
    this.#source.note(this.#keyOffset, this.path, problem);
    return undefined;
  }

  /** True when nothing, or `null`, is written here. */
  get empty(): boolean {
    return this.#node === null || (isScalar(this.#node) && this.#node.value === null);
  }

  /** The keys of a mapping; any that `known` does not name is a problem. */
  fields<K extends string>(known: readonly K[]): Partial<Record<K, Place>> | undefined {
    const fields: Partial<Record<K, Place>> = {};
    const entries = this.entries('keys');
    for (const [name, place] of entries ?? []) {
      if ((known as readonly string[]).includes(name)) fields[name as K] = place;
      else place.failKey(`unknown key; use one of ${known.join(', ')}`);
    }
    return entries && fields;
  }

  /** All keys of a mapping with their values; `what` they are, for the message. */
  entries(what: string): [string, Place][] | undefined {
    if (this.empty) return [];
    if (!isMap(this.#node)) return this.fail(`must be a mapping of ${what} (key: value lines), not ${this.#shown()}`);
    return this.#node.items.map((pair: Pair) => {
      const key = this.#source.resolve(pair.key);
      const name = isScalar(key) ? String(key.value) : '?';
      return [name, new Place(this.#source, pair.value, this.path === '' ? name : `${this.path}.${name}`, key?.range?.[0])];
    });
  }

  items(): Place[] {
    if (this.empty) return [];
    if (!isSeq(this.#node)) {
      this.fail(`must be a list (lines that begin with "- "), not ${this.#shown()}`);
      return [];
    }
    return this.#node.items.map((item, index) => new Place(this.#source, item, `${this.path}[${index}]`));
  }

  /** The scalar as it is written: `0.10` stays `0.10`, quoted or not. */
  text(): string | undefined {
    const node = this.#node;
    if (this.empty) return this.failKey('has no value; write one or remove the key');
    if (!isScalar(node)) return this.fail(`must be a single value, not ${this.#shown()}`);
    return typeof node.value === 'string' ? node.value : ((node as Scalar).source ?? String(node.value));
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

  #shown(): string {
    if (isMap(this.#node)) return 'a mapping';
    if (isSeq(this.#node)) return 'a list';
    return isScalar(this.#node) ? JSON.stringify((this.#node as Scalar).source ?? this.#node.value) : 'this';
  }
}
