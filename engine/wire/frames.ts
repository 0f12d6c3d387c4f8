import { Code } from '../codes.ts';
import { isU53, LIMIT_53, putI64 } from '../units.ts';
import { FlatReader } from './flat.ts';
import { Command, CommandKind, Side, TimeInForce } from './layout.ts';

/** The wire schema this build speaks; every frame carries it. */
export const SCHEMA_VERSION = 1;
/** Most commands of one CommandFrame. */
export const MAX_FRAME_COMMANDS = 4096;
/** Most bytes of one CommandFrame: the commands, and room for tables that other builders lay out less tightly. */
export const MAX_FRAME_BYTES = MAX_FRAME_COMMANDS * Command.bytes + 1024;

const COMMAND_WORDS = Command.bytes / 4;
const FIELD_VERSION = 0;
const FIELD_COMMANDS = 1;

/** Verifies CommandFrames that anybody may have sent. One per thread; what it found is valid until the next `open`. */
export class CommandFrameReader {
  readonly flat = new FlatReader();
  /** Commands in the frame. */
  count = 0;
  /** Schema version that the frame names, 0 when it names none. */
  version = 0;
  #at = 0;

  /** OK, FRAME_TOO_LARGE, MALFORMED_FRAME or WRONG_SCHEMA_VERSION. A frame without commands is OK and empty. */
  open(bytes: Uint8Array, at: number = 0, length: number = bytes.byteLength): Code {
    const { flat } = this;
    this.count = 0;
    this.version = 0;
    if (length > MAX_FRAME_BYTES) return Code.FRAME_TOO_LARGE;
    if (!flat.open(bytes, at, length)) return Code.MALFORMED_FRAME;
    const version = flat.field(FIELD_VERSION, 2);
    if (version < 0) return Code.MALFORMED_FRAME;
    this.version = version === 0 ? 0 : flat.u16(version);
    // Another version may lay out everything behind it differently: look no further.
    if (this.version !== SCHEMA_VERSION) return Code.WRONG_SCHEMA_VERSION;
    if (!flat.vector(FIELD_COMMANDS, Command.bytes)) return Code.MALFORMED_FRAME;
    if (flat.vectorCount > MAX_FRAME_COMMANDS) return Code.FRAME_TOO_LARGE;
    this.count = flat.vectorCount;
    this.#at = flat.vectorAt;
    return Code.OK;
  }

  /** Position of command `index` in the frame, for `flat`. */
  position(index: number): number {
    return this.#at + index * Command.bytes;
  }

  /** Copies command `index` into slot `slot` of a ring of 64-byte slots, unverified: `checkCommand` is next. */
  copy(index: number, words: Int32Array, slot: number): void {
    this.flat.copyWords(this.position(index), words, slot * COMMAND_WORDS, COMMAND_WORDS);
  }
}

/**
 * Verifies the order-entry command in a slot of 64 bytes, and makes it
 * canonical: account 0 becomes the session's, and what a client does not decide
 * is zeroed (`parameter`; `seq` and `time_us` are the sequencer's to stamp), so
 * that equal requests leave equal bytes in the log.
 *
 * @param u8 @param words views of the same slots
 * @param account the session's account
 * @returns OK or the code to refuse it with
 */
export function checkCommand(u8: Uint8Array, words: Int32Array, slot: number, account: number): Code {
  const byte = slot * Command.bytes;
  const word = slot * COMMAND_WORDS;
  const kind = u8[byte + Command.kind];
  if (kind < CommandKind.New || kind > CommandKind.Amend) {
    return kind >= CommandKind.DefineAsset && kind <= CommandKind.Withdraw ? Code.ADMIN_ONLY : Code.UNKNOWN_KIND;
  }
  const timeInForce = u8[byte + Command.timeInForce];
  if (u8[byte + Command.side] > Side.Sell || timeInForce > TimeInForce.PostOnly) return Code.BAD_ENUM;
  const owner = words[word + Command.account / 4] >>> 0;
  if (owner !== 0 && owner !== account) return Code.FOREIGN_ACCOUNT;
  const clientOrderId = word + Command.clientOrderId / 4;
  const orderId = word + Command.orderId / 4;
  const price = word + Command.price / 4;
  const quantity = word + Command.quantity / 4;
  if (!isU53(words, clientOrderId) || !isU53(words, orderId) || !isU53(words, price) || !isU53(words, quantity)) return Code.BAD_RANGE;
  if (kind === CommandKind.New) {
    if (isZero(words, clientOrderId)) return Code.BAD_CLIENT_ORDER_ID;
    // A price belongs to every order but a Market one.
    if (isZero(words, price) !== (timeInForce === TimeInForce.Market) || isZero(words, quantity)) return Code.BAD_RANGE;
  } else {
    if (isZero(words, clientOrderId) && isZero(words, orderId)) return Code.BAD_RANGE;
    if (kind === CommandKind.Amend && (isZero(words, price) || isZero(words, quantity))) return Code.BAD_RANGE;
  }
  u8[byte + Command.parameter] = 0;
  words[word + Command.account / 4] = account;
  return Code.OK;
}

function isZero(words: Int32Array, at: number): boolean {
  return words[at] === 0 && words[at + 1] === 0;
}

//   0      4       8        16 table                      28      32
//   ┌──────┬───────┬────────┬─────────┬──────────┬────────┬───────┬───────────┐
//   │ root │ OBL1  │ vtable │ soffset │ commands │version │ count │ commands …│
//   └──────┴───────┴────────┴─────────┴──────────┴────────┴───────┴───────────┘
const HEADER_BYTES = 32;
const COUNT_AT = 28;

/** "OBL1", little-endian. */
export const IDENTIFIER = 0x314c424f;

/**
 * A CommandFrame that is filled in place and used again, with no garbage per
 * order. Numbers are checked here, so that a bad one throws where it was made
 * instead of coming back as a refusal without a reason.
 */
export class CommandBatch {
  readonly capacity: number;
  readonly u8: Uint8Array;
  readonly words: Int32Array;
  /** Commands in the batch. */
  count = 0;

  /** @param capacity commands, 1 to 4096 */
  constructor(capacity: number = 64) {
    if (!(capacity >= 1 && capacity <= MAX_FRAME_COMMANDS))
      throw new RangeError(`a batch holds 1 to ${MAX_FRAME_COMMANDS} commands, not ${capacity}`);
    this.capacity = capacity;
    const memory = new ArrayBuffer(HEADER_BYTES + capacity * Command.bytes);
    this.u8 = new Uint8Array(memory);
    this.words = new Int32Array(memory);
    const view = new DataView(memory);
    view.setUint32(0, 16, true);
    view.setUint32(4, IDENTIFIER, true);
    view.setUint16(8, 8, true);
    view.setUint16(10, 10, true);
    view.setUint16(12, 8, true);
    view.setUint16(14, 4, true);
    view.setInt32(16, 8, true);
    view.setUint32(20, COUNT_AT - 20, true);
    view.setUint16(24, SCHEMA_VERSION, true);
  }

  get full(): boolean {
    return this.count === this.capacity;
  }

  /** Price in ticks (0 with TimeInForce.Market), quantity in lots, `clientOrderId` from 1 and unique per account. */
  place(
    symbol: number,
    side: Side,
    timeInForce: TimeInForce,
    price: number,
    quantity: number,
    clientOrderId: number,
    tag: number = 0,
  ): void {
    this.#put(CommandKind.New, side, timeInForce, symbol, tag, clientOrderId, 0, price, quantity);
  }

  /** Names the order by `clientOrderId`, or by `orderId` when that is not 0. */
  cancel(symbol: number, clientOrderId: number, orderId: number = 0, tag: number = 0): void {
    this.#put(CommandKind.Cancel, Side.Buy, TimeInForce.GoodTillCancel, symbol, tag, clientOrderId, orderId, 0, 0);
  }

  /** The new price in ticks and the new open quantity in lots. */
  amend(symbol: number, clientOrderId: number, orderId: number, price: number, quantity: number, tag: number = 0): void {
    this.#put(CommandKind.Amend, Side.Buy, TimeInForce.GoodTillCancel, symbol, tag, clientOrderId, orderId, price, quantity);
  }

  clear(): void {
    this.count = 0;
  }

  /** The frame, in the batch's own memory: send or copy it before the next change. */
  bytes(): Uint8Array {
    this.words[COUNT_AT / 4] = this.count;
    return this.u8.subarray(0, HEADER_BYTES + this.count * Command.bytes);
  }

  #put(
    kind: CommandKind,
    side: Side,
    timeInForce: TimeInForce,
    symbol: number,
    tag: number,
    clientOrderId: number,
    orderId: number,
    price: number,
    quantity: number,
  ): void {
    if (this.count === this.capacity) throw new RangeError(`the batch is full: it holds ${this.capacity} commands`);
    if (!(inU53(clientOrderId) && inU53(orderId) && inU53(price) && inU53(quantity))) refuseNumber(clientOrderId, orderId, price, quantity);
    if (symbol >>> 0 !== symbol || tag >>> 0 !== tag) refuseWord(symbol, tag);
    const byte = HEADER_BYTES + this.count * Command.bytes;
    const word = byte / 4;
    const { u8, words } = this;
    u8[byte + Command.kind] = kind;
    u8[byte + Command.side] = side;
    u8[byte + Command.timeInForce] = timeInForce;
    words[word + Command.symbol / 4] = symbol;
    words[word + Command.tag / 4] = tag;
    putI64(words, word + Command.clientOrderId / 4, clientOrderId);
    putI64(words, word + Command.orderId / 4, orderId);
    putI64(words, word + Command.price / 4, price);
    putI64(words, word + Command.quantity / 4, quantity);
    this.count++;
  }
}

function inU53(value: number): boolean {
  return value >= 0 && value < LIMIT_53 && Math.floor(value) === value;
}

function refuseNumber(clientOrderId: number, orderId: number, price: number, quantity: number): never {
  throw new RangeError(
    `ids, price and quantity are integers in [0, 2^53): client order id ${clientOrderId}, order id ${orderId}, price ${price}, quantity ${quantity}`,
  );
}

function refuseWord(symbol: number, tag: number): never {
  throw new RangeError(`symbol and tag are integers in [0, 2^32): symbol ${symbol}, tag ${tag}`);
}
