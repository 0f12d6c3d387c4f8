import { assert } from '../assert.ts';
import { getI64, LIMIT_53 } from '../units.ts';
import { WIDE_DIGITS, WideDigits } from './wide-digits.ts';

/** A wide number is written in two parts, the lower one with this many digits. */
const PART_DIGITS = 9;
const PART = 10 ** PART_DIGITS;
/** The smallest number with one digit more, by digits. */
const POWERS = Int32Array.from({ length: 10 }, (_, digits) => 10 ** digits);
/** Most bytes of a field: its key, and the digits of a sum of money with quotes, sign and point. */
const MOST_KEY_BYTES = 32;
const MOST_FIELD_BYTES = MOST_KEY_BYTES + WIDE_DIGITS + 4;
/** Memory that is kept. */
const FIRST_BYTES = 1 << 14;
const MOST_KEPT_BYTES = 1 << 20;
/** A millionth is this many decimals of a percentage. */
const PERCENT_DECIMALS = 4;
const [QUOTE, MINUS, POINT, ZERO, BRACE] = [34, 45, 46, 48, 125];

/** What a tick and a lot of a symbol are worth: mantissa times 10^-decimals of its quote and its base asset. */
export interface SymbolScale {
  readonly tickMantissa: number;
  readonly tickDecimals: number;
  readonly lotMantissa: number;
  readonly lotDecimals: number;
}

/** The scale of frames whose numbers are ticks and lots. */
export const UNSCALED: SymbolScale = { tickMantissa: 1, tickDecimals: 0, lotMantissa: 1, lotDecimals: 0 };

/** JSON text (ASCII) as bytes, in memory that grows and, up to 1 MiB, is used again: no text of V8 is made on the way. */
export class JsonBytes {
  #u8: Uint8Array;
  #used = 0;
  readonly #product = new WideDigits();

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
  struct(fields: readonly JsonField[], words: Int32Array, at: number, scale: SymbolScale): void {
    this.#reserve(fields.length * MOST_FIELD_BYTES + 1);
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i];
      const word = at + (field.offset >> 2);
      if (field.kind === FieldKind.I64) {
        this.#copy(field.key);
        if (words[word + 1] === 0 && words[word] >= 0) this.#digits(words[word], 1);
        else this.#wide(getI64(words, word));
      } else if (field.kind === FieldKind.Price) {
        this.#copy(field.key);
        this.#decimal(getI64(words, word), scale.tickMantissa, scale.tickDecimals);
      } else if (field.kind === FieldKind.Quantity) {
        this.#copy(field.key);
        this.#decimal(getI64(words, word), scale.lotMantissa, scale.lotDecimals);
      } else if (field.kind === FieldKind.U32) {
        this.#copy(field.key);
        this.#wide(words[word] >>> 0);
      } else if (field.kind === FieldKind.Id) {
        this.#copy(field.key);
        this.#u8[this.#used++] = QUOTE;
        this.#wide(getI64(words, word));
        this.#u8[this.#used++] = QUOTE;
      } else if (field.kind === FieldKind.Money) {
        this.#copy(field.key);
        this.#money(getI64(words, word), getI64(words, word + 2), scale);
      } else if (field.kind === FieldKind.Percent) {
        this.#copy(field.key);
        this.#decimal(getI64(words, word), 1, PERCENT_DECIMALS);
      } else if (field.unless === -1 || byteAt(words, at, field.unless) === 0) {
        this.#copy(field.values[byteAt(words, at, field.offset)]);
      }
    }
    this.#u8[this.#used++] = BRACE;
  }

  /** `units` times mantissa * 10^-decimals, as text with that many decimals. */
  #decimal(units: number, mantissa: number, decimals: number): void {
    const u8 = this.#u8;
    u8[this.#used++] = QUOTE;
    if (units < 0) u8[this.#used++] = MINUS;
    const count = Math.abs(units);
    const product = count * mantissa;
    const from = this.#used;
    if (product < 1e9) this.#digits(product, decimals + 1);
    else if (product < LIMIT_53) {
      const high = Math.floor(product / PART);
      this.#digits(high, Math.max(1, decimals + 1 - PART_DIGITS));
      this.#digits(product - high * PART, PART_DIGITS);
    } else {
      this.#product.set(count, 0);
      this.#product.multiply(mantissa);
      this.#used += this.#product.write(u8, from, decimals + 1);
    }
    this.#point(decimals);
  }

  /** A sum of ticks times lots, `high * 2^52 + low`, in the quote asset. */
  #money(low: number, high: number, { tickMantissa, tickDecimals, lotMantissa, lotDecimals }: SymbolScale): void {
    this.#u8[this.#used++] = QUOTE;
    this.#product.set(low, high);
    if (tickMantissa !== 1) this.#product.multiply(tickMantissa);
    if (lotMantissa !== 1) this.#product.multiply(lotMantissa);
    const decimals = tickDecimals + lotDecimals;
    this.#used += this.#product.write(this.#u8, this.#used, decimals + 1);
    this.#point(decimals);
  }

  /** Puts the decimal point into the digits that end here, and ends the text. */
  #point(decimals: number): void {
    const u8 = this.#u8;
    if (decimals > 0) {
      const point = this.#used - decimals;
      for (let i = this.#used; i > point; i--) u8[i] = u8[i - 1];
      u8[point] = POINT;
      this.#used++;
    }
    u8[this.#used++] = QUOTE;
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

/** Byte `offset` of the struct at word `at`. */
function byteAt(words: Int32Array, at: number, offset: number): number {
  return (words[at + (offset >> 2)] >> ((offset & 3) << 3)) & 255;
}

const FieldKind = { I64: 0, U32: 1, Byte: 2, Price: 3, Quantity: 4, Id: 5, Money: 6, Percent: 7 } as const;
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
  /** Of a byte: another one, which leaves this field out where it is not 0; -1: none. */
  readonly unless: number;
}

/**
 * 'u8': the number of a byte; 'flag': a byte that is 0 or 1; 'u32', 'i64': an integer; 'id': an integer that is a name; 'price': ticks; 'quantity':
 * lots; 'money': a sum of ticks times lots in two words, the lower one first; 'percent': millionths; a list: the name of a byte's value; the field is left out where the
 * name is empty (not the first field).
 */
type FieldType = 'u8' | 'flag' | 'u32' | 'i64' | 'id' | 'price' | 'quantity' | 'money' | 'percent' | readonly string[];

/** Name in snake case, bytes from the start of the struct, type, and the byte that leaves out a byte field in decimal JSON where it is not 0. */
export type FieldSpec = readonly [name: string, offset: number, type: FieldType, unless?: number];

const RAW_KINDS: Readonly<Record<string, FieldKind>> = {
  u32: FieldKind.U32,
  i64: FieldKind.I64,
  id: FieldKind.I64,
  price: FieldKind.I64,
  quantity: FieldKind.I64,
};
const DECIMAL_KINDS: Readonly<Record<string, FieldKind>> = {
  u32: FieldKind.U32,
  i64: FieldKind.I64,
  id: FieldKind.Id,
  price: FieldKind.Price,
  quantity: FieldKind.Quantity,
  money: FieldKind.Money,
  percent: FieldKind.Percent,
};

/** Fields as the struct has them: names in snake case, numbers of the wire schema. In the order in which they are written; none is 'money' or 'percent'. */
export function jsonFields(fields: readonly FieldSpec[]): readonly JsonField[] {
  return fields.map(([name, offset, type], i) =>
    compile(i, name, offset, kindOf(RAW_KINDS, type), -1, (value) => (typeof type === 'string' ? String(value) : quoted(type[value]))),
  );
}

/** Fields for decimal JSON: names in camel case, prices, quantities and money as decimal text, ids as text, flags true or false. */
export function decimalFields(fields: readonly FieldSpec[]): readonly JsonField[] {
  return fields.map(([name, offset, type, unless = -1], i) => {
    assert(i !== 0 || unless === -1, 'JSON: the first field is always written');
    const valueText = (value: number): string =>
      type === 'flag' ? String(value === 1) : typeof type === 'string' ? String(value) : quoted(type[value]);
    return compile(i, camelCase(name), offset, kindOf(DECIMAL_KINDS, type), unless, valueText);
  });
}

/** `order_id` is orderId. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function kindOf(kinds: Readonly<Record<string, FieldKind>>, type: FieldType): FieldKind {
  return typeof type === 'string' ? (kinds[type] ?? FieldKind.Byte) : FieldKind.Byte;
}

function quoted(name: string | undefined): string {
  return name === '' ? '' : `"${name}"`;
}

/** @param textOf the JSON of a byte's value; empty: it is left out */
function compile(i: number, name: string, offset: number, kind: FieldKind, unless: number, textOf: (value: number) => string): JsonField {
  const encoder = new TextEncoder();
  const key = `${i === 0 ? '{' : ','}"${name}":`;
  assert(key.length <= MOST_KEY_BYTES, 'JSON: the key is too long');
  const values = Array.from({ length: kind === FieldKind.Byte ? 256 : 0 }, (_, value) => {
    const text = textOf(value);
    return encoder.encode(text === '' ? '' : key + text);
  });
  return { key: encoder.encode(key), kind, offset, values, unless };
}
