import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type Scalar } from 'yaml';
import { Place } from './config-place.ts';
import { NOTHING, type ProblemSink, type RawEntry, type RawItem, type RawValue } from './raw-value.ts';

/** A YAML file being read. Each problem names file, line and column. */
export class YamlSource implements ProblemSink {
  readonly problems: string[] = [];
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2', uniqueKeys: true });
    for (const { pos, message } of this.#document.errors) this.note(pos[0], '', `not valid YAML: ${withoutQuote(message)}`);
  }

  get root(): Place {
    const { contents } = this.#document;
    return new Place(this, this.value(contents), '', offsetOf(contents, 0));
  }

  note(offset: number, path: string, problem: string): void {
    const { line, col } = this.#lines.linePos(offset);
    this.problems.push(`${this.#file}:${line}:${col}: ${path === '' ? '' : `${path}: `}${problem}`);
  }

  fieldName(key: string): string {
    return key;
  }

  value(node: unknown): RawValue {
    const resolved = this.resolve(node);
    return resolved === null ? NOTHING : new YamlValue(this, resolved);
  }

  resolve(node: unknown): Node | null {
    if (!isAlias(node)) return node as Node | null;
    const target = node.resolve(this.#document);
    if (target === undefined)
      this.note(node.range?.[0] ?? 0, '', `no &${node.source} stands above *${node.source}; define it or write the value`);
    return target ?? null;
  }
}

/** Children are resolved on demand, because an alias may refer to one of its own ancestors. */
class YamlValue implements RawValue {
  readonly kind: RawValue['kind'];
  readonly #source: YamlSource;
  readonly #node: Node;

  constructor(source: YamlSource, node: Node) {
    this.#source = source;
    this.#node = node;
    this.kind = isMap(node) ? 'map' : isSeq(node) ? 'list' : isScalar(node) && node.value !== null ? 'scalar' : 'nothing';
  }

  get text(): string {
    const node = this.#node;
    if (!isScalar(node) || node.value === null) return '';
    return typeof node.value === 'string' ? node.value : ((node as Scalar).source ?? String(node.value));
  }

  entries(): RawEntry[] {
    if (!isMap(this.#node)) return [];
    return this.#node.items.map((pair: Pair) => {
      const key = this.#source.resolve(pair.key);
      const keyAt = offsetOf(key, 0);
      const value = this.#source.value(pair.value);
      return { key: isScalar(key) ? String(key.value) : '?', keyAt, value, at: offsetOf(pair.value, keyAt) };
    });
  }

  items(): RawItem[] {
    if (!isSeq(this.#node)) return [];
    return this.#node.items.map((item) => ({ value: this.#source.value(item), at: offsetOf(item, 0) }));
  }
}

/** The library's messages may end with a quote of the file. */
function withoutQuote(message: string): string {
  return message.replace(/: "[\s\S]*$/, '');
}

function offsetOf(node: unknown, fallback: number): number {
  return (node as Node | null)?.range?.[0] ?? fallback;
}
