import { assert } from '../assert.ts';
import { getI64 } from '../units.ts';

/** A wide number is written in two parts, the lower one with this many digits. */
const PART_DIGITS = 9;
const PART = 10 ** PART_DIGITS;
/** The smallest number with one digit more, by digits. */
const POWERS = Int32Array.from({ length: 10 }, (_, digits) => 10 ** digits);
/** Most bytes of a field: its key, and a sign with 16 digits. */
const MOST_FIELD_BYTES = 64;
/** Memory that is kept. */
const FIRST_BYTES = 1 << 14;
const MOST_KEPT_BYTES = 1 << 20;
const [MINUS, ZERO, BRACE] = [45, 48, 125];

/** JSON text (ASCII) as bytes, in memory that grows and, up to 1 MiB, is used again: no text of V8 is made on the way. */
export class JsonBytes {
  #u8: Uint8Array;
  #used = 0;

  constructor(bytes = FIRST_BYTES) {
    this.#u8 = new Uint8Array(bytes);
  }

  /** What was written since `clear`; valid until the next call. */
  get written(): Uint8Array {
    return this.#u8.subarray(0, this.#used);
  }

  clear(): void {
    this.#used = 0;
    if (this.#u8.length > MOST_KEPT_BYTES) this.#u8 = new Uint8Array(FIRST_BYTES);
  }

  /** Appends a short text. */
  text(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#u8[this.#used++] = text.charCodeAt(i);
  }

  /** Appends `fields` of the struct at word `at` as an object. */
  struct(fields: readonly JsonField[], words: Int32Array, at: number): void {
    this.#reserve(fields.length * MOST_FIELD_BYTES + 1);
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i];
      const word = at + (field.offset >> 2);
      if (field.kind === FieldKind.I64) {
        this.#copy(field.key);
        if (words[word + 1] === 0 && words[word] >= 0) this.#digits(words[word], 1);
        else this.#wide(getI64(words, word));
      } else if (field.kind === FieldKind.U32) {
        this.#copy(field.key);
        this.#wide(words[word] >>> 0);
      } else {
        this.#copy(field.values[(words[word] >> ((field.offset & 3) << 3)) & 255]);
      }
    }
    this.#u8[this.#used++] = BRACE;
  }

  /** Some ten bytes: `set` costs more than this loop. */
  #copy(from: Uint8Array): void {
    const u8 = this.#u8;
    const used = this.#used;
    for (let i = 0; i < from.length; i++) u8[used + i] = from[i];
    this.#used = used + from.length;
  }

  /** An integer, |value| < 2^53. */
  #wide(value: number): void {
    if (value < 0) {
      this.#u8[this.#used++] = MINUS;
      value = -value;
    }
    const high = Math.floor(value / PART);
    if (high !== 0) this.#digits(high, 1);
    this.#digits(value - high * PART, high === 0 ? 1 : PART_DIGITS);
  }

  /**
   * @param value in [0, 2^31)
   * @param least digits, zeros in front included
   */
  #digits(value: number, least: number): void {
    const u8 = this.#u8;
    let count = least;
    while (count < POWERS.length && value >= POWERS[count]) count++;
    let at = this.#used + count;
    this.#used = at;
    for (let rest = value | 0; count > 0; count--) {
      const tenth = (rest / 10) | 0;
      u8[--at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#u8.length) return;
    const larger = new Uint8Array(2 * (this.#used + bytes));
    larger.set(this.#u8);
    this.#u8 = larger;
  }
}

const FieldKind = { I64: 0, U32: 1, Byte: 2 } as const;
type FieldKind = (typeof FieldKind)[keyof typeof FieldKind];

/** A field of a struct in JSON. */
export interface JsonField {
  /** With the comma or brace before it and the colon after it. */
  readonly key: Uint8Array;
  readonly kind: FieldKind;
  /** Bytes from the start of the struct. */
  readonly offset: number;
  /** Of a byte: key and value, by value. */
  readonly values: readonly Uint8Array[];
}

/** 'u8': the number of a byte; 'u32', 'i64': an integer; a list: the name of a byte's value; the field is left out where the name is empty (not the first field). */
type FieldType = 'u8' | 'u32' | 'i64' | readonly string[];

/** @param fields name, bytes from the start of the struct, and type; in the order in which they are written */
export function jsonFields(fields: readonly (readonly [name: string, offset: number, type: FieldType])[]): readonly JsonField[] {
  const encoder = new TextEncoder();
  return fields.map(([name, offset, type], i): JsonField => {
    const key = `${i === 0 ? '{' : ','}"${name}":`;
    assert(key.length + 17 <= MOST_FIELD_BYTES, 'JSON: the key is too long');
    const kind = type === 'i64' ? FieldKind.I64 : type === 'u32' ? FieldKind.U32 : FieldKind.Byte;
    const values = Array.from({ length: kind === FieldKind.Byte ? 256 : 0 }, (_, value) =>
      encoder.encode(typeof type === 'string' ? key + value : type[value] === '' ? '' : `${key}"${type[value]}"`),
    );
    return { key: encoder.encode(key), kind, offset, values };
  });
}
