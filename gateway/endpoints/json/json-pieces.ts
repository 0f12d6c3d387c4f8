/** A list in an answer that may be long. It is read item by item while the answer is made. */
export class LongList {
  readonly items: Iterable<unknown>;

  constructor(items: Iterable<unknown>) {
    this.items = items;
  }
}

/** Text is turned into bytes in portions of this many characters. */
const PORTION = 16 * 1024;

/**
 * The JSON text of an answer as bytes, an item of its long lists per step: see Slices.
 * @param fields a value is undefined (left out), JSON, or a {@link LongList}
 */
export function* jsonBytes(fields: Readonly<Record<string, unknown>> | LongList): Generator<undefined, Buffer> {
  const done: Buffer[] = [];
  let text = '';
  for (const piece of fields instanceof LongList ? listText(fields) : objectText(fields)) {
    text += piece;
    if (text.length >= PORTION) {
      done.push(Buffer.from(text));
      text = '';
    }
    yield;
  }
  done.push(Buffer.from(`${text}\n`));
  return Buffer.concat(done);
}

/** The same answer as a value with plain lists, an item per step. */
export function* plainJson(fields: Readonly<Record<string, unknown>> | LongList): Generator<undefined, unknown> {
  if (fields instanceof LongList) return yield* plainList(fields);
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) plain[key] = value instanceof LongList ? yield* plainList(value) : value;
  return plain;
}

function* plainList({ items }: LongList): Generator<undefined, unknown[]> {
  const plain: unknown[] = [];
  for (const item of items) {
    plain.push(item);
    yield;
  }
  return plain;
}

function* objectText(fields: Readonly<Record<string, unknown>>): Generator<string> {
  let before = '{';
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    yield `${before}${JSON.stringify(key)}:`;
    if (value instanceof LongList) yield* listText(value);
    else yield JSON.stringify(value);
    before = ',';
  }
  yield before === '{' ? '{}' : '}';
}

function* listText({ items }: LongList): Generator<string> {
  let before = '[';
  for (const item of items) {
    yield `${before}${JSON.stringify(item)}`;
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}
