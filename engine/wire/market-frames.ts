import { assert } from '../assert.ts';
import { Code } from '../codes.ts';
import { putI64 } from '../units.ts';
import { CHANNELS } from './channels/channels.ts';
import { FlatReader } from './flat.ts';
import { MIN_SCHEMA_VERSION, supportsSchema } from './frames.ts';
import { FrameKind, MarketOp } from './layout.ts';

/** Bytes of the struct that each channel carries, by Channel. */
export const STRUCT_BYTES: readonly number[] = CHANNELS.map(({ structBytes }) => structBytes);

/** Collects wire structs of one kind. Fields are written in place. The memory grows by doubling and is reused. */
export class StructList {
  readonly bytes: number;
  words: Int32Array;
  u8: Uint8Array;
  count = 0;

  /** @param bytes size of the struct, a multiple of 8 */
  constructor(bytes: number, capacity = 16) {
    this.bytes = bytes;
    this.words = new Int32Array((bytes * capacity) / 4);
    this.u8 = new Uint8Array(this.words.buffer);
  }

  /** Adds a zeroed struct, and returns its word index. */
  add(): number {
    const size = this.bytes >> 2;
    const at = this.count++ * size;
    if (at + size > this.words.length) {
      const larger = new Int32Array(this.words.length * 2);
      larger.set(this.words);
      this.words = larger;
      this.u8 = new Uint8Array(larger.buffer);
    }
    this.words.fill(0, at, at + size);
    return at;
  }

  clear(): void {
    this.count = 0;
  }
}

//   0      4        34   40 table                                                          76       84      88
//   ┌──────┬────────┬────┬─────────┬─────────┬──────┬─────────┬──────────┬─────────┬────────┬────────┬───────┬───────────┐
//   │ root │ vtable │    │ soffset │ version │ kind │ channel │ first_no │ time_us │ symbol │ tag    │ count │ structs … │
//   │      │        │    │         │         │      │         │          │         │        │ code…  │       │           │
//   └──────┴────────┴────┴─────────┴─────────┴──────┴─────────┴──────────┴─────────┴────────┴────────┴───────┴───────────┘
const VTABLE = 4;
const TABLE = 40;
const TABLE_BYTES = 40;
const VERSION_AT = 44;
const KIND_AT = 46;
const CHANNEL_AT = 47;
const FIRST_NO_AT = 48;
const TIME_AT = 56;
const SYMBOL_AT = 64;
const TAG_AT = 68;
const CODE_AT = 72;
const VECTOR_AT = 76;
const COUNT_AT = 84;
/** Bytes before the structs of a MarketFrame that this module writes. */
export const FRAME_HEADER_BYTES = 88;
const BARE_BYTES = 80;

const FIELD_KIND = 1;
const FIELD_CHANNEL = 2;
const FIELD_SYMBOL = 3;
const FIELD_CODE = 4;
const FIELD_TAG = 5;
const FIELD_FIRST_NO = 6;
const FIELD_TIME = 7;
/** Number of fields of the table: those above, and a vector for each channel. */
const FIELDS = Math.max(...CHANNELS.map(({ vectorField }) => vectorField)) + 1;
assert(VTABLE + 4 + 2 * FIELDS <= TABLE, 'market frames: the vtable fits before the table');

/** Templates with the constant part of a frame: one without a vector, then one for each channel's vector. */
const templates = [undefined, ...CHANNELS].map((channel) => {
  const u8 = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(u8.buffer);
  view.setUint32(0, TABLE, true);
  const fields = [VERSION_AT, KIND_AT, CHANNEL_AT, SYMBOL_AT, CODE_AT, TAG_AT, FIRST_NO_AT, TIME_AT];
  while (fields.length < FIELDS) fields.push(0);
  if (channel !== undefined) fields[channel.vectorField] = VECTOR_AT;
  view.setUint16(VTABLE, 4 + 2 * fields.length, true);
  view.setUint16(VTABLE + 2, TABLE_BYTES, true);
  for (const [i, at] of fields.entries()) view.setUint16(VTABLE + 4 + 2 * i, at === 0 ? 0 : at - TABLE, true);
  view.setInt32(TABLE, TABLE - VTABLE, true);
  view.setUint16(VERSION_AT, MIN_SCHEMA_VERSION, true);
  view.setUint32(VECTOR_AT, COUNT_AT - VECTOR_AT, true);
  return u8;
});

/** Sets the schema version of a frame of this module to the version that its reader requested. All supported versions have the same layout. */
export function setFrameVersion(frame: Uint8Array, version: number): void {
  frame[VERSION_AT] = version;
}

/** Fields of a MarketFrame other than its structs. Times in microseconds since the Unix epoch. */
export interface FrameHead {
  kind: number;
  channel: number;
  symbol: number;
  code: number;
  tag: number;
  firstNo: number;
  timeUs: number;
  /** Refused, in decimal JSON: what is wrong. */
  text?: string;
}

/**
 * A frame in memory of its own, whose structs are written in place: for frames that are too long to be
 * written in one turn of the event loop.
 */
export class RoomyFrame {
  /** The structs; its room is `most` structs. */
  readonly structs: StructList;
  readonly #u8: Uint8Array;

  /** @param bytes of a struct of `head.channel` @param most structs */
  constructor(head: FrameHead, bytes: number, most: number) {
    this.structs = new StructList(bytes, 0);
    this.#u8 = new Uint8Array(FRAME_HEADER_BYTES + most * bytes);
    this.#u8.set(new FrameArena(256).frame(head, this.structs));
    this.structs.words = new Int32Array(this.#u8.buffer, FRAME_HEADER_BYTES);
    this.structs.u8 = this.#u8.subarray(FRAME_HEADER_BYTES);
  }

  /** The frame with the structs written so far. */
  finish(): Uint8Array {
    const { count, bytes, words } = this.structs;
    assert(words.buffer === this.#u8.buffer, 'market frames: more structs than there is room for');
    new DataView(this.#u8.buffer).setUint32(COUNT_AT, count, true);
    return this.#u8.subarray(0, FRAME_HEADER_BYTES + count * bytes);
  }
}

/**
 * Memory for the frames of one flush. Frames are written one after the other and
 * returned as views, valid until `reset`. If the memory is full, a larger one
 * replaces it; views of the old memory stay valid.
 */
export class FrameArena {
  u8: Uint8Array;
  #words: Int32Array;
  #used = 0;
  readonly #keepBytes: number;

  /** @param keepBytes most memory that is kept after a reset, so that one large snapshot does not occupy memory permanently */
  constructor(bytes = 1 << 16, keepBytes = 1 << 22) {
    this.u8 = new Uint8Array(bytes);
    this.#words = new Int32Array(this.u8.buffer);
    this.#keepBytes = keepBytes;
  }

  reset(): void {
    this.#used = 0;
    if (this.u8.length > this.#keepBytes) this.#take(this.#keepBytes);
  }

  /** Writes a MarketFrame; `structs` belong to `head.channel`. */
  frame(head: FrameHead, structs: StructList | undefined): Uint8Array {
    const body = structs === undefined ? 0 : structs.count * structs.bytes;
    const bytes = structs === undefined ? BARE_BYTES : FRAME_HEADER_BYTES + body;
    const at = this.#reserve(bytes);
    const { u8 } = this;
    const words = this.#words;
    u8.set(structs === undefined ? templates[0] : templates[1 + head.channel], at);
    u8[at + KIND_AT] = head.kind;
    u8[at + CHANNEL_AT] = head.channel;
    const word = at >> 2;
    putI64(words, word + FIRST_NO_AT / 4, head.firstNo);
    putI64(words, word + TIME_AT / 4, head.timeUs);
    words[word + SYMBOL_AT / 4] = head.symbol;
    words[word + TAG_AT / 4] = head.tag;
    words[word + CODE_AT / 4] = head.code;
    if (structs !== undefined) {
      words[word + COUNT_AT / 4] = structs.count;
      u8.set(structs.u8.subarray(0, body), at + FRAME_HEADER_BYTES);
    }
    return u8.subarray(at, at + bytes);
  }

  /** Keeps a copy of a frame that was written elsewhere. */
  keep(bytes: Uint8Array): Uint8Array {
    const at = this.#reserve(bytes.length);
    const { u8 } = this;
    u8.set(bytes, at);
    return u8.subarray(at, at + bytes.length);
  }

  #reserve(bytes: number): number {
    if (this.#used + bytes > this.u8.length) {
      this.#take(Math.max(this.u8.length * 2, bytes));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used = (at + bytes + 7) & ~7;
    return at;
  }

  #take(bytes: number): void {
    this.u8 = new Uint8Array((bytes + 7) & ~7);
    this.#words = new Int32Array(this.u8.buffer);
  }
}

/** Verifies untrusted MarketRequests. Results are valid until the next `open`. */
export class MarketRequestReader {
  readonly #flat = new FlatReader();
  op = 0;
  channel = 0;
  symbol = 0;
  tag = 0;
  /** As it was sent: 0 to 255. */
  last = 0;
  /** Schema version of the request if it is supported; 0 if there is none. */
  version = 0;

  /** OK, MALFORMED_FRAME, WRONG_SCHEMA_VERSION, UNKNOWN_KIND (the op) or BAD_ENUM (the channel). `tag` is set if it could be read. */
  open(bytes: Uint8Array): Code {
    this.op = this.channel = this.symbol = this.tag = this.last = this.version = 0;
    const flat = this.#flat;
    if (!flat.open(bytes)) return Code.MALFORMED_FRAME;
    const version = flat.field(0, 2);
    const op = flat.field(1, 1);
    const channel = flat.field(2, 1);
    const symbol = flat.field(3, 4);
    const tag = flat.field(4, 4);
    const last = flat.field(5, 1);
    if (version < 0 || op < 0 || channel < 0 || symbol < 0 || tag < 0 || last < 0) return Code.MALFORMED_FRAME;
    // In another version, every other field may have another meaning.
    if (version === 0 || !supportsSchema(flat.u16(version))) return Code.WRONG_SCHEMA_VERSION;
    this.version = flat.u16(version);
    if (op !== 0) this.op = flat.u8(op);
    if (channel !== 0) this.channel = flat.u8(channel);
    if (symbol !== 0) this.symbol = flat.u32(symbol);
    if (tag !== 0) this.tag = flat.u32(tag);
    if (last !== 0) this.last = flat.u8(last);
    if (this.op < MarketOp.Subscribe || this.op > MarketOp.Time) return Code.UNKNOWN_KIND;
    return this.channel >= CHANNELS.length ? Code.BAD_ENUM : Code.OK;
  }
}

/**
 * Creates a MarketRequest. It uses version 1, which has all fields and is supported by every exchange.
 * @param last 0 to 100; an exchange that does not know it sends no trades in snapshots
 */
export function marketRequest(
  op: number,
  channel: number,
  symbol: number,
  tag: number,
  version: number = MIN_SCHEMA_VERSION,
  last: number = 0,
): Uint8Array<ArrayBuffer> {
  const fields = last === 0 ? [4, 6, 7, 8, 12] : [4, 6, 7, 8, 12, 16];
  const u8 = new Uint8Array(last === 0 ? 36 : 40);
  const view = new DataView(u8.buffer);
  view.setUint32(0, 20, true);
  view.setUint16(4, 4 + 2 * fields.length, true);
  view.setUint16(6, last === 0 ? 16 : 17, true);
  for (const [i, at] of fields.entries()) view.setUint16(8 + 2 * i, at, true);
  view.setInt32(20, 16, true);
  view.setUint16(24, version, true);
  view.setUint8(26, op);
  view.setUint8(27, channel);
  view.setUint32(28, symbol, true);
  view.setUint32(32, tag, true);
  if (last !== 0) view.setUint8(36, last);
  return u8;
}

/** Verifies MarketFrames on the client's side. Results are valid until the next `open`. */
export class MarketFrameReader implements FrameHead {
  readonly #flat = new FlatReader();
  kind = 0;
  channel = 0;
  symbol = 0;
  code = 0;
  tag = 0;
  firstNo = 0;
  timeUs = 0;
  /** Structs of the channel, in words: struct `i` begins at word `at + i * (STRUCT_BYTES[channel] / 4)`. */
  words: Int32Array = new Int32Array(0);
  at = 0;
  count = 0;

  /** OK, MALFORMED_FRAME, WRONG_SCHEMA_VERSION or BAD_ENUM. */
  open(bytes: Uint8Array): Code {
    const flat = this.#flat;
    this.count = 0;
    if (!flat.open(bytes)) return Code.MALFORMED_FRAME;
    const version = flat.field(0, 2);
    if (version < 0) return Code.MALFORMED_FRAME;
    if (version === 0 || !supportsSchema(flat.u16(version))) return Code.WRONG_SCHEMA_VERSION;
    this.kind = this.#number(FIELD_KIND, 1);
    this.channel = this.#number(FIELD_CHANNEL, 1);
    this.symbol = this.#number(FIELD_SYMBOL, 4);
    this.code = this.#number(FIELD_CODE, 2);
    this.tag = this.#number(FIELD_TAG, 4);
    this.firstNo = this.#number(FIELD_FIRST_NO, 8);
    this.timeUs = this.#number(FIELD_TIME, 8);
    const { kind, channel, symbol, code, tag, firstNo, timeUs } = this;
    if (kind < 0 || channel < 0 || symbol < 0 || code < 0 || tag < 0 || firstNo < 0 || timeUs < 0) return Code.MALFORMED_FRAME;
    if (kind < FrameKind.Snapshot || kind > FrameKind.Time || channel >= CHANNELS.length) return Code.BAD_ENUM;
    const { structBytes, vectorField } = CHANNELS[channel];
    if (!flat.vector(vectorField, structBytes)) return Code.MALFORMED_FRAME;
    this.count = flat.vectorCount;
    if (this.count === 0) return Code.OK;
    const start = bytes.byteOffset + flat.vectorAt;
    const words = (this.count * structBytes) / 4;
    if (start % 4 === 0) {
      if (this.words.buffer !== bytes.buffer) this.words = new Int32Array(bytes.buffer, 0, bytes.buffer.byteLength >> 2);
      this.at = start >> 2;
    } else {
      this.words = new Int32Array(words);
      this.at = 0;
      flat.copyWords(flat.vectorAt, this.words, 0, words);
    }
    return Code.OK;
  }

  #number(field: number, bytes: 1 | 2 | 4 | 8): number {
    const flat = this.#flat;
    const at = flat.field(field, bytes);
    if (at <= 0) return at;
    if (bytes === 1) return flat.u8(at);
    if (bytes === 2) return flat.u16(at);
    return bytes === 4 ? flat.u32(at) : flat.u53(at);
  }
}
