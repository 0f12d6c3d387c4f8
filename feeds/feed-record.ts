import { assert } from '../engine/assert.ts';

/**
 * A record of outside market data: 64 bytes in shared memory, little-endian as
 * the processor stores them. Every value is an exact integer below 2^53.
 *
 *   byte 0      1        2       4            8          16           24             32    40    48    56
 *   ┌──────────┬────────┬───────┬────────────┬──────────┬────────────┬──────────────┬─────┬─────┬─────┬─────┐
 *   │ kind u8  │ detail │source │ instrument │ venue    │ venue time │ receive time │  a  │  b  │  c  │  d  │
 *   │          │ u8     │ u16   │ i32        │ sequence │ us         │ us           │     │     │     │     │
 *   └──────────┴────────┴───────┴────────────┴──────────┴────────────┴──────────────┴─────┴─────┴─────┴─────┘
 *
 *   kind        detail       a               b                  c          d
 *   bookClear   -            -               -                  -          -
 *   level       side         price           quantity           -          -
 *   bookEnd     -            bid             bid quantity       ask        ask quantity
 *   trade       taker side   price           quantity           trade id   -
 *   quote       -            bid             bid quantity       ask        ask quantity
 *   scale       -            price decimals  quantity decimals  -          -
 *   status      state        fault           -                  -          -
 *
 * Sides, states and faults are those of feed.ts. The values from byte 8 on are float64. A field without a meaning
 * for its kind is 0, and so is what the venue does not send (a time, a trade id, a number of its message).
 */
export const RECORD_LAYOUT_VERSION = 1;

const KIND_AT = 0;
const DETAIL_AT = KIND_AT + 1;
const SOURCE_AT = DETAIL_AT + 1;
const INSTRUMENT_AT = SOURCE_AT + 2;
const VENUE_SEQUENCE_AT = INSTRUMENT_AT + 4;
const VENUE_TIME_AT = VENUE_SEQUENCE_AT + 8;
const RECEIVE_TIME_AT = VENUE_TIME_AT + 8;
const A_AT = RECEIVE_TIME_AT + 8;
const B_AT = A_AT + 8;
const C_AT = B_AT + 8;
const D_AT = C_AT + 8;
export const RECORD_BYTES = D_AT + 8;

assert(RECORD_BYTES === 64, 'feed record: one cache line');

/** A book arrives as `bookClear` (if a snapshot follows), `level`..., `bookEnd`; it is whole at `bookEnd`. */
export const RecordKind = { bookClear: 1, level: 2, bookEnd: 3, trade: 4, quote: 5, scale: 6, status: 7 } as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

const U8_SHIFT = Math.log2(RECORD_BYTES);
const U16_SHIFT = U8_SHIFT - 1;
const I32_SHIFT = U8_SHIFT - 2;
const F64_SHIFT = U8_SHIFT - 3;

/**
 * A view of one record at a time. It points into memory that it does not own: `wrap` says which record,
 * and the owner of the memory says how long it stays valid. Not for use by two threads at once.
 */
export class FeedRecord {
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  #at = 0;

  /** Views `records` records from byte `offset`, a multiple of 8. */
  constructor(memory: ArrayBufferLike, offset: number, records: number) {
    this.#u8 = new Uint8Array(memory, offset, records * RECORD_BYTES);
    this.#u16 = new Uint16Array(memory, offset, (records * RECORD_BYTES) / 2);
    this.#i32 = new Int32Array(memory, offset, (records * RECORD_BYTES) / 4);
    this.#f64 = new Float64Array(memory, offset, (records * RECORD_BYTES) / 8);
  }

  /** Points at record number `index`. */
  wrap(index: number): this {
    this.#at = index;
    return this;
  }

  /** Sets all fields to 0. */
  clear(): this {
    const f64 = this.#f64;
    const at = this.#at << F64_SHIFT;
    for (let field = 0; field < RECORD_BYTES / 8; field++) f64[at + field] = 0;
    return this;
  }

  /** Copies record `from` of this memory to record `to` of `target`. */
  copyTo(target: FeedRecord, from: number, to: number): void {
    const [f64, out] = [this.#f64, target.#f64];
    const source = from << F64_SHIFT;
    const copy = to << F64_SHIFT;
    // The first 8 bytes are not a number: a float64 store may change the bits of a NaN.
    target.#i32[to << I32_SHIFT] = this.#i32[from << I32_SHIFT];
    target.#i32[(to << I32_SHIFT) + 1] = this.#i32[(from << I32_SHIFT) + 1];
    for (let field = 1; field < RECORD_BYTES / 8; field++) out[copy + field] = f64[source + field];
  }

  get kind(): number {
    return this.#u8[(this.#at << U8_SHIFT) + KIND_AT];
  }
  set kind(kind: number) {
    this.#u8[(this.#at << U8_SHIFT) + KIND_AT] = kind;
  }

  /** Side, taker side or state, by kind. */
  get detail(): number {
    return this.#u8[(this.#at << U8_SHIFT) + DETAIL_AT];
  }
  set detail(detail: number) {
    this.#u8[(this.#at << U8_SHIFT) + DETAIL_AT] = detail;
  }

  /** Number of the source in the process. */
  get source(): number {
    return this.#u16[(this.#at << U16_SHIFT) + SOURCE_AT / 2];
  }
  set source(source: number) {
    this.#u16[(this.#at << U16_SHIFT) + SOURCE_AT / 2] = source;
  }

  /** Number of the instrument in the process: its row in the table of latest values. -1: all instruments of the source. */
  get instrument(): number {
    return this.#i32[(this.#at << I32_SHIFT) + INSTRUMENT_AT / 4];
  }
  set instrument(instrument: number) {
    this.#i32[(this.#at << I32_SHIFT) + INSTRUMENT_AT / 4] = instrument;
  }

  /** The venue's own number of the message; 0 in this version. */
  get venueSequence(): number {
    return this.#f64[(this.#at << F64_SHIFT) + VENUE_SEQUENCE_AT / 8];
  }
  set venueSequence(sequence: number) {
    this.#f64[(this.#at << F64_SHIFT) + VENUE_SEQUENCE_AT / 8] = sequence;
  }

  /** Microseconds since 1970, by the venue's clock. */
  get venueTimeUs(): number {
    return this.#f64[(this.#at << F64_SHIFT) + VENUE_TIME_AT / 8];
  }
  set venueTimeUs(timeUs: number) {
    this.#f64[(this.#at << F64_SHIFT) + VENUE_TIME_AT / 8] = timeUs;
  }

  /** Microseconds since 1970, by this machine's clock. */
  get receiveTimeUs(): number {
    return this.#f64[(this.#at << F64_SHIFT) + RECEIVE_TIME_AT / 8];
  }
  set receiveTimeUs(timeUs: number) {
    this.#f64[(this.#at << F64_SHIFT) + RECEIVE_TIME_AT / 8] = timeUs;
  }

  /** Value a to d: their meaning depends on the kind, see the table above. */
  get a(): number {
    return this.#f64[(this.#at << F64_SHIFT) + A_AT / 8];
  }
  set a(value: number) {
    this.#f64[(this.#at << F64_SHIFT) + A_AT / 8] = value;
  }
  get b(): number {
    return this.#f64[(this.#at << F64_SHIFT) + B_AT / 8];
  }
  set b(value: number) {
    this.#f64[(this.#at << F64_SHIFT) + B_AT / 8] = value;
  }
  get c(): number {
    return this.#f64[(this.#at << F64_SHIFT) + C_AT / 8];
  }
  set c(value: number) {
    this.#f64[(this.#at << F64_SHIFT) + C_AT / 8] = value;
  }
  get d(): number {
    return this.#f64[(this.#at << F64_SHIFT) + D_AT / 8];
  }
  set d(value: number) {
    this.#f64[(this.#at << F64_SHIFT) + D_AT / 8] = value;
  }

  // The same values by name.
  get price(): number {
    return this.a;
  }
  get quantity(): number {
    return this.b;
  }
  get tradeId(): number {
    return this.c;
  }
  get bid(): number {
    return this.a;
  }
  get bidQuantity(): number {
    return this.b;
  }
  get ask(): number {
    return this.c;
  }
  get askQuantity(): number {
    return this.d;
  }
}
