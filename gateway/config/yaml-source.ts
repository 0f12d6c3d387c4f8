import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { Place } from './config-place.ts';
import { NOTHING, type ProblemSink, type RawEntry, type RawItem, type RawValue } from './raw-value.ts';

/** A YAML file being read. Each problem names file, line and column. */
export class YamlSource implements ProblemSink {
  readonly problems: string[] = [];
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;
  /** The node that each alias stands for. The library would walk the whole document for each alias. */
  readonly #targets = new Map<Alias, Node>();

  constructor(file: string, text: string) {
    this.#file = file;
    // The library compares each key of a mapping with each other, so they are checked below, in linear time.
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2', uniqueKeys: false });
    for (const { pos, message } of this.#document.errors) this.note(pos[0], '', `not valid YAML: ${withoutQuote(message)}`);
    if (this.problems.length === 0) this.#walk();
  }

  #walk(): void {
    const anchors = new Map<string, Node>();
    visit(this.#document, {
      Node: (_key, node) => {
        if (isAlias(node)) {
          const target = anchors.get(node.source);
          if (target !== undefined) this.#targets.set(node, target);
          return;
        }
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        if (isMap(node)) this.#checkKeys(node);
      },
    });
  }

  #checkKeys({ items }: YAMLMap): void {
    const seen = new Set<unknown>();
    for (const { key } of items) {
      const value = isScalar(key) ? key.value : key;
      if (seen.has(value)) this.note(offsetOf(isNode(key) ? key : null, 0), '', 'not valid YAML: Map keys must be unique');
      seen.add(value);
    }
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
    const target = this.#targets.get(node);
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
