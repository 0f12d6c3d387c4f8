/**
 * A reader of JSON text over bytes, without objects: the caller walks the text in its order and takes what it knows.
 *
 * ```ts
 * scanner.start(bytes);
 * if (scanner.object()) {
 *   while (scanner.nextKey()) {
 *     switch (scanner.id(KEYS)) {          // the key's number in a table of words
 *       case Key.Price: scanner.value(); price(scanner.bytes, scanner.from, scanner.to); break;
 *     }                                    // a value that is not read is skipped
 *   }
 * }
 * if (!scanner.finished()) malformed();
 * ```
 *
 * It accepts exactly the texts that `JSON.parse` accepts, to a depth of {@link MAX_DEPTH}, apart from wrong UTF-8, which
 * it does not look for. After the first error all methods answer false, so that every loop ends; {@link failed} says so.
 * Numbers stay text: nothing is rounded and no zero is lost. Nothing is allocated, except by {@link text}.
 */
import type { ByteTable } from './byte-table.ts';

export const MAX_DEPTH = 64;

export const JsonKind = { None: 0, Text: 1, Number: 2, Literal: 3 } as const;
export type JsonKind = (typeof JsonKind)[keyof typeof JsonKind];

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;

const EMPTY = new Uint8Array(0);
const LITERALS = ['true', 'false', 'null'].map((word) => new TextEncoder().encode(word));
const DECODER = new TextDecoder();
/** Longest text with escapes that is looked up in a table. */
const MAX_ESCAPED = 256;

export class JsonScanner {
  bytes: Uint8Array = EMPTY;
  /** The key or value that was read last, without its quotes: `bytes[from..to)`. */
  from = 0;
  to = 0;
  /** The kind of the value that was read last. */
  kind: JsonKind = JsonKind.None;
  failed = false;
  #at = 0;
  #end = 0;
  #depth = 0;
  /** A value begins at `#at` and was not read yet. */
  #pending = false;
  /** The text that was read last has escapes. */
  #escaped = false;
  /** For each open object or array: the byte that closes it. */
  readonly #closing = new Uint8Array(MAX_DEPTH);
  /** For each open object or array: no member was read yet. */
  readonly #first = new Uint8Array(MAX_DEPTH);

  /** Begins a text. Its value is read next. @param bytes are kept until the next start */
  start(bytes: Uint8Array, from = 0, to = bytes.length): void {
    this.bytes = bytes;
    this.failed = false;
    this.#at = from;
    this.#end = to;
    this.#depth = 0;
    this.#value();
  }

  /** The position of the value that comes next; {@link resume} reads it again. */
  get position(): number {
    return this.#at;
  }

  /** Reads again from a {@link position} of the same text, as if a text began and ended around that value. */
  resume(position: number): void {
    this.failed = false;
    this.#at = position;
    this.#depth = 0;
    this.#value();
  }

  /** Enters the value, if it is an object. If it is not, it stays unread. */
  object(): boolean {
    return this.#open(OPEN_OBJECT, CLOSE_OBJECT);
  }

  /** Enters the value, if it is an array. If it is not, it stays unread. */
  array(): boolean {
    return this.#open(OPEN_ARRAY, CLOSE_ARRAY);
  }

  /** Skips what is left of the value before, and reads the next key. @returns false behind the last one; the object is left */
  nextKey(): boolean {
    if (!this.#next(CLOSE_OBJECT)) return false;
    if (this.#peek() !== QUOTE || !this.#string()) return this.#fail();
    this.#space();
    if (this.#peek() !== COLON) return this.#fail();
    this.#at++;
    this.#value();
    return !this.failed;
  }

  /** Skips what is left of the value before, and stops at the next one. @returns false behind the last one; the array is left */
  next(): boolean {
    if (!this.#next(CLOSE_ARRAY)) return false;
    this.#value();
    return !this.failed;
  }

  /** Reads a text, number or literal: {@link kind}, {@link from}, {@link to}. An object or array stays unread. */
  value(): boolean {
    if (!this.#pending || this.failed) return false;
    const byte = this.#peek();
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return false;
    this.#pending = false;
    return this.#scalar(byte);
  }

  /** Skips the value, if it was not read. */
  skip(): boolean {
    if (!this.#pending || this.failed) return !this.failed;
    this.#pending = false;
    const base = this.#depth;
    do {
      const byte = this.#peek();
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (!this.#push(byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY)) return false;
      } else if (!this.#scalar(byte)) return false;
      while (this.#depth > base && !this.#member());
      if (this.failed) return false;
    } while (this.#depth > base);
    return true;
  }

  /** Leaves the object or array that was entered last, and skips what is left of it. */
  leave(): void {
    if (this.#depth === 0) return;
    if (this.#closing[this.#depth - 1] === CLOSE_OBJECT) while (this.nextKey());
    else while (this.next());
  }

  /** Skips the rest. @returns whether the whole text was JSON */
  finished(): boolean {
    while (this.#depth > 0 && !this.failed) this.leave();
    if (!this.skip()) return false;
    this.#space();
    return !this.failed && (this.#at === this.#end || this.#fail());
  }

  /** The number of the last key or text in a table; -1 if it is not there. */
  id(table: ByteTable): number {
    if (!this.#escaped) return table.find(this.bytes, this.from, this.to);
    if (this.to - this.from > MAX_ESCAPED) return -1;
    const plain = new TextEncoder().encode(this.text());
    return table.find(plain, 0, plain.length);
  }

  /** The last key or value as a string, its escapes resolved. It allocates. */
  text(): string {
    const raw = DECODER.decode(this.bytes.subarray(this.from, this.to));
    return this.#escaped ? JSON.parse(`"${raw}"`) : raw;
  }

  /** The last value is the literal `true`. */
  isTrue(): boolean {
    return this.kind === JsonKind.Literal && this.bytes[this.from] === 0x74;
  }

  /** A value begins behind the space. */
  #value(): void {
    this.#space();
    this.#pending = true;
    this.kind = JsonKind.None;
  }

  #open(open: number, close: number): boolean {
    if (!this.#pending || this.failed || this.#peek() !== open) return false;
    this.#pending = false;
    return this.#push(close);
  }

  #push(close: number): boolean {
    if (this.#depth === MAX_DEPTH) return this.#fail();
    this.#at++;
    this.#closing[this.#depth] = close;
    this.#first[this.#depth] = 1;
    this.#depth++;
    return true;
  }

  /** Goes to the next member of the innermost object or array, which must end with `close`. */
  #next(close: number): boolean {
    if (!this.skip() || this.#depth === 0 || this.#closing[this.#depth - 1] !== close) return false;
    const level = this.#depth - 1;
    this.#space();
    const byte = this.#peek();
    if (byte === close) {
      this.#at++;
      this.#depth = level;
      return false;
    }
    if (this.#first[level] === 1) this.#first[level] = 0;
    else if (byte === COMMA) {
      this.#at++;
      this.#space();
    } else return this.#fail();
    return true;
  }

  /** One step of {@link skip} behind a value: to the value of the next member (true), or out of the innermost object or array (false). */
  #member(): boolean {
    const object = this.#closing[this.#depth - 1] === CLOSE_OBJECT;
    if (!this.#next(object ? CLOSE_OBJECT : CLOSE_ARRAY)) return this.failed;
    if (object) {
      if (this.#peek() !== QUOTE || !this.#string()) return !this.#fail();
      this.#space();
      if (this.#peek() !== COLON) return !this.#fail();
      this.#at++;
      this.#space();
    }
    return true;
  }

  #scalar(byte: number): boolean {
    if (byte === QUOTE) {
      this.kind = JsonKind.Text;
      return this.#string();
    }
    this.#escaped = false;
    if (byte === MINUS || isDigit(byte)) {
      this.kind = JsonKind.Number;
      return this.#number();
    }
    this.kind = JsonKind.Literal;
    return this.#literal();
  }

  #string(): boolean {
    const { bytes } = this;
    const end = this.#end;
    let at = this.#at + 1;
    this.from = at;
    this.#escaped = false;
    while (at < end) {
      const byte = bytes[at];
      if (byte === QUOTE) {
        this.to = at;
        this.#at = at + 1;
        return true;
      }
      if (byte < 0x20) break;
      if (byte === BACKSLASH) {
        this.#escaped = true;
        const length = escapeLength(bytes, at, end);
        if (length === 0) break;
        at += length;
      } else at++;
    }
    return this.#fail();
  }

  #number(): boolean {
    const { bytes } = this;
    const end = this.#end;
    let at = this.#at;
    this.from = at;
    if (bytes[at] === MINUS) at++;
    if (at < end && bytes[at] === ZERO) at++;
    else {
      const first = at;
      at = digits(bytes, at, end);
      if (at === first) return this.#fail();
    }
    if (at < end && bytes[at] === POINT) {
      const first = ++at;
      at = digits(bytes, at, end);
      if (at === first) return this.#fail();
    }
    if (at < end && (bytes[at] | 0x20) === 0x65) {
      at++;
      if (at < end && (bytes[at] === PLUS || bytes[at] === MINUS)) at++;
      const first = at;
      at = digits(bytes, at, end);
      if (at === first) return this.#fail();
    }
    this.to = at;
    this.#at = at;
    return true;
  }

  #literal(): boolean {
    for (const word of LITERALS) {
      if (!startsWith(this.bytes, this.#at, this.#end, word)) continue;
      this.from = this.#at;
      this.to = this.#at + word.length;
      this.#at = this.to;
      return true;
    }
    return this.#fail();
  }

  #space(): void {
    const { bytes } = this;
    let at = this.#at;
    while (at < this.#end && bytes[at] <= 0x20 && isSpace(bytes[at])) at++;
    this.#at = at;
  }

  /** The byte at the position; -1 at the end. */
  #peek(): number {
    return this.#at < this.#end ? this.bytes[this.#at] : -1;
  }

  #fail(): false {
    this.failed = true;
    this.#pending = false;
    this.#depth = 0;
    return false;
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** @returns the position behind the digits from `at` on */
function digits(bytes: Uint8Array, at: number, end: number): number {
  let position = at;
  while (position < end && isDigit(bytes[position])) position++;
  return position;
}

function startsWith(bytes: Uint8Array, at: number, end: number, word: Uint8Array): boolean {
  if (end - at < word.length) return false;
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

/** Bytes of the escape at `at`; 0 if it is none. */
function escapeLength(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return 0;
  switch (bytes[at + 1]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // slash
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return 2;
    case 0x75: // u
      if (at + 6 > end) return 0;
      for (let i = at + 2; i < at + 6; i++) if (!isHex(bytes[i])) return 0;
      return 6;
    default:
      return 0;
  }
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}
