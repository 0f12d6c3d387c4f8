import { unitsToDecimal } from '../../engine/decimal.ts';
import { LIMIT_53 } from '../../engine/units.ts';

const INITIAL_BYTES = 1024;
/** A buffer above this size is not kept for the next message. */
const KEPT_BYTES = 64 * 1024;
const ZERO = 48;
const POINT = 46;
const MINUS = 45;
const BILLION = 1e9;
const BITS_28 = 2 ** 28;

/**
 * Writes one protobuf message after the other into its own memory, field by field, without allocation. It has no schema: the caller
 * names field numbers, 1 to 2047, and leaves out what has its default. The longest length-delimited field is 16,383 bytes, except for
 * the fields of the outermost message. Integers are in [0, 2^53).
 *
 * One owner. {@link finish} hands out the memory: it must not be written to before the owner has called {@link clear}, when the bytes
 * were sent.
 */
export class ProtoWriter {
  readonly #headroom: number;
  #bytes: Buffer;
  #at: number;

  /** @param headroom bytes that stay free before the message */
  constructor(headroom: number) {
    this.#headroom = headroom;
    this.#bytes = Buffer.allocUnsafe(INITIAL_BYTES);
    this.#at = headroom;
  }

  /** Whether nothing is written. */
  get isEmpty(): boolean {
    return this.#at === this.#headroom;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at - this.#headroom;
  }

  clear(): void {
    this.#at = this.#headroom;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafe(INITIAL_BYTES);
  }

  /** The message, behind the headroom. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Makes sure that `bytes` more can be written; call it before a group of fields. */
  reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }

  /** Begins a message in a field. @returns what {@link end} takes */
  begin(field: number): number {
    this.#tag(field, 2);
    // Its length has two bytes, whatever it is.
    this.#at += 2;
    return this.#at;
  }

  end(begun: number): void {
    const length = this.#at - begun;
    this.#bytes[begun - 2] = (length & 0x7f) | 0x80;
    this.#bytes[begun - 1] = length >>> 7;
  }

  /** A number; 0 is left out. */
  number(field: number, value: number): void {
    if (value === 0) return;
    this.#tag(field, 0);
    this.#varint(value);
  }

  /** A truth value; false is left out. */
  flag(field: number, value: boolean): void {
    if (!value) return;
    this.#tag(field, 0);
    this.#bytes[this.#at++] = 1;
  }

  /** Text, as its bytes in UTF-8. */
  text(field: number, text: Uint8Array): void {
    this.#tag(field, 2);
    this.#varint(text.length);
    const bytes = this.#bytes;
    const at = this.#at;
    for (let i = 0; i < text.length; i++) bytes[at + i] = text[i];
    this.#at = at + text.length;
  }

  /** A `google.protobuf.Timestamp`. @param us microseconds since the Unix epoch */
  time(field: number, us: number): void {
    const seconds = Math.floor(us / 1e6);
    const begun = this.begin(field);
    this.number(1, seconds);
    this.number(2, (us - seconds * 1e6) * 1000);
    this.end(begun);
  }

  /** Decimal text of `units` times `mantissa` * 10^-`decimals`, with all its decimals. |units| < 2^53. */
  decimal(field: number, units: number, mantissa: number, decimals: number): void {
    const value = Math.abs(units) * mantissa;
    if (value >= LIMIT_53) return this.text(field, Buffer.from(unitsToDecimal(units, mantissa, decimals)));
    this.#tag(field, 2);
    const digits = Math.max(digitsOf(value), decimals + 1);
    const length = digits + (decimals === 0 ? 0 : 1) + (units < 0 ? 1 : 0);
    this.#varint(length);
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start + length;
    // Where the point stands, and nothing if there is none.
    const point = decimals === 0 ? -1 : at - decimals - 1;
    let high = value >= BILLION ? Math.floor(value / BILLION) : 0;
    // As 32-bit integers, which are divided faster.
    let low = (value - high * BILLION) | 0;
    const first = units < 0 ? start + 1 : start;
    for (let done = 0; at > first; ) {
      at--;
      if (at === point) {
        bytes[at] = POINT;
        continue;
      }
      const rest = (low / 10) | 0;
      bytes[at] = ZERO + low - rest * 10;
      low = rest;
      if (++done === 9) {
        low = (high % BILLION) | 0;
        high = Math.floor(high / BILLION);
        done = 0;
      }
    }
    if (units < 0) bytes[start] = MINUS;
    this.#at = start + length;
  }

  // Both keep the place in a variable: a private field is read and written for each byte otherwise.
  #tag(field: number, wireType: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    const tag = (field << 3) | wireType;
    if (tag >= 0x80) {
      bytes[at++] = (tag & 0x7f) | 0x80;
      bytes[at++] = tag >>> 7;
    } else bytes[at++] = tag;
    this.#at = at;
  }

  #varint(value: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    let small = value;
    if (value >= BITS_28) {
      // The first four bytes have 28 bits of it, the others the rest: less than 2^25.
      const high = Math.floor(value / BITS_28);
      const low = (value - high * BITS_28) | 0;
      bytes[at] = (low & 0x7f) | 0x80;
      bytes[at + 1] = (low >>> 7) | 0x80;
      bytes[at + 2] = (low >>> 14) | 0x80;
      bytes[at + 3] = (low >>> 21) | 0x80;
      at += 4;
      small = high;
    }
    small |= 0;
    while (small >= 0x80) {
      bytes[at++] = (small & 0x7f) | 0x80;
      small >>>= 7;
    }
    bytes[at++] = small;
    this.#at = at;
  }
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  return digits;
}
