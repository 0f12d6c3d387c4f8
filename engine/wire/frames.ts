import { Code } from '../codes.ts';
import { LIMIT_53, putI64 } from '../units.ts';
import type { ExtensionFields } from './command-extension.ts';
import { FlatReader } from './flat.ts';
import {
  Command,
  CommandExtension,
  CommandFlag,
  CommandKind,
  Instruction,
  type LinkKind,
  type OrderType,
  QuoteAction,
  SelfTradeMode,
  Side,
  TimeInForce,
} from './layout.ts';
import { isLink, linkTermOf, linkWord } from './list-link.ts';
import { LongFrame } from './long-frame.ts';
import {
  INSTRUCTIONS,
  illegalPair,
  isShort,
  isStop,
  isTrailing,
  KIND_INSTRUCTIONS,
  KIND_ORDER_TYPE,
  KIND_TIME_IN_FORCE,
  ORDER_TYPES,
  OrderKind,
  orderKindOf,
  withoutShortForms,
} from './order-kinds.ts';

/** The oldest and the newest wire schema that this build supports. Every frame contains its schema version. */
export const MIN_SCHEMA_VERSION = 1;
export const SCHEMA_VERSION = 2;
export const SUPPORTED_SCHEMA_VERSIONS = [MIN_SCHEMA_VERSION, SCHEMA_VERSION] as const;
/** The first wire schema with long commands. */
export const FIRST_WITH_EXTENSIONS = 2;
/** Most records of one CommandFrame: commands, and extensions. */
export const MAX_FRAME_COMMANDS = 4096;
/** Most bytes of one CommandFrame: the records, and space for the larger tables of other builders. */
export const MAX_FRAME_BYTES = MAX_FRAME_COMMANDS * Command.bytes + 1024;

const COMMAND_WORDS = Command.bytes / 4;
const FIELD_VERSION = 0;
const FIELD_COMMANDS = 1;
const FIELD_EXTENSIONS = 2;

/** True if this build supports the wire schema `version`. */
export function supportsSchema(version: number): boolean {
  return version === MIN_SCHEMA_VERSION || version === SCHEMA_VERSION;
}

/** Verifies untrusted CommandFrames. One per thread. Results are valid until the next `open`. */
export class CommandFrameReader {
  readonly flat = new FlatReader();
  /** Commands in the frame. */
  count = 0;
  /** Schema version of the frame, 0 if it has none. */
  version = 0;
  /** Bits of byte 3 of a command that are defined in this frame; 0 if none is set in any command. */
  flagMask = 0;
  #at = 0;
  #extensionsAt = 0;

  /** OK, FRAME_TOO_LARGE, MALFORMED_FRAME or WRONG_SCHEMA_VERSION. A frame without commands is OK and empty. */
  open(bytes: Uint8Array, at: number = 0, length: number = bytes.byteLength): Code {
    const { flat } = this;
    this.count = 0;
    this.version = 0;
    this.flagMask = 0;
    if (length > MAX_FRAME_BYTES) return Code.FRAME_TOO_LARGE;
    if (!flat.open(bytes, at, length)) return Code.MALFORMED_FRAME;
    const version = flat.field(FIELD_VERSION, 2);
    if (version < 0) return Code.MALFORMED_FRAME;
    this.version = version === 0 ? 0 : flat.u16(version);
    // Another version may have another layout, so nothing else is read.
    if (!supportsSchema(this.version)) return Code.WRONG_SCHEMA_VERSION;
    if (!flat.vector(FIELD_COMMANDS, Command.bytes)) return Code.MALFORMED_FRAME;
    const count = flat.vectorCount;
    if (count > MAX_FRAME_COMMANDS) return Code.FRAME_TOO_LARGE;
    this.#at = flat.vectorAt;
    if (this.version >= FIRST_WITH_EXTENSIONS) {
      const code = this.#openExtensions(count);
      if (code !== Code.OK) return code;
    }
    this.count = count;
    return Code.OK;
  }

  /** Version 2: the number of extensions equals the number of commands that announce one. */
  #openExtensions(count: number): Code {
    const { flat } = this;
    if (!flat.vector(FIELD_EXTENSIONS, CommandExtension.bytes)) return Code.MALFORMED_FRAME;
    const extensions = flat.vectorCount;
    if (count + extensions > MAX_FRAME_COMMANDS) return Code.FRAME_TOO_LARGE;
    this.#extensionsAt = flat.vectorAt;
    let announced = 0;
    let flags = 0;
    for (let index = 0; index < count; index++) {
      const its = flat.u8(this.position(index) + Command.parameter);
      flags |= its;
      announced += its & CommandFlag.Extended;
    }
    if (announced !== extensions) return Code.MALFORMED_FRAME;
    if (flags !== 0) this.flagMask = 0xff;
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

  /** `link` of extension `index`, unverified. */
  linkOf(index: number): number {
    return this.flat.u32(this.#extensionsAt + index * CommandExtension.bytes + CommandExtension.link);
  }

  /** Whether command `index` announces an extension. */
  isLong(index: number): boolean {
    return (this.flat.u8(this.position(index) + Command.parameter) & this.flagMask & CommandFlag.Extended) !== 0;
  }

  /** Copies extension `index` (that of the `index`th command that announces one) into a slot, unverified: `checkLongCommand` is next. */
  copyExtension(index: number, words: Int32Array, slot: number): void {
    this.flat.copyWords(this.#extensionsAt + index * CommandExtension.bytes, words, slot * COMMAND_WORDS, COMMAND_WORDS);
  }
}

//   0      4       8        16 table                      28      32
//   ┌──────┬───────┬────────┬─────────┬──────────┬────────┬───────┬───────────┐
//   │ root │ OBL1  │ vtable │ soffset │ commands │version │ count │ commands …│
//   └──────┴───────┴────────┴─────────┴──────────┴────────┴───────┴───────────┘
const HEADER_BYTES = 32;
const COUNT_AT = 28;

/** "OBL1", little-endian. */
export const IDENTIFIER = 0x314c424f;

/** An order by its terms, for `CommandBatch.placeLong`. */
export interface LongOrder {
  readonly symbol: number;
  readonly side: Side;
  /** Limit or Market. */
  readonly orderType: OrderType;
  readonly timeInForce: TimeInForce;
  /** Instruction bits. Default none. */
  readonly instructions?: number;
  /** Ticks; left out with Market. TrailingStopLimit: the distance of the limit from the stop price. */
  readonly price?: number;
  /** Lots. */
  readonly quantity: number;
  /** Lots, up to `quantity`. Default 0: no minimum. */
  readonly minQuantity?: number;
  /** Iceberg: lots that it displays at a time, up to `quantity`. Default 0: all. */
  readonly displayedQuantity?: number;
  /** Default AccountDefault. */
  readonly selfTradeMode?: SelfTradeMode;
  /** Microseconds since the Unix epoch; with GoodTillDate only. */
  readonly expiryUs?: number;
  /** Stop and StopLimit: ticks, from 1. Trailing ones: the activation price, 0 = none. */
  readonly stopPrice?: number;
  /** Trailing stops: ticks, from 1, or parts per million with TrailPpm. */
  readonly trailOffset?: number;
  /** Pegged orders: ticks from what they follow, away from the other side, or towards it with PegTowards. Default 0. */
  readonly pegOffset?: number;
  /** Of a stop: a Trigger. Default LastTrade. */
  readonly trigger?: number;
  /** From 1 and unique per account. */
  readonly clientOrderId: number;
  readonly tag?: number;
}

/** Writes what is in front of the count of a frame whose table has a version and one list, as in the diagram above: 28 bytes. */
export function writeListHeader(view: DataView, version: number): void {
  view.setUint32(0, 16, true);
  view.setUint32(4, IDENTIFIER, true);
  view.setUint16(8, 8, true);
  view.setUint16(10, 10, true);
  view.setUint16(12, 8, true);
  view.setUint16(14, 4, true);
  view.setInt32(16, 8, true);
  view.setUint32(20, COUNT_AT - 20, true);
  view.setUint16(24, version, true);
}

/**
 * A CommandFrame that is filled in place and reused, without allocation per
 * order. Numbers are checked here, so that an invalid number throws at the call,
 * and does not return later as a rejection without a reason.
 */
export class CommandBatch {
  readonly capacity: number;
  readonly u8: Uint8Array;
  readonly words: Int32Array;
  /** Commands in the batch. */
  count = 0;
  /** Created for the first long order. */
  #long: LongFrame | undefined;

  /** @param capacity commands, 1 to 4096; a long order counts as two */
  constructor(capacity: number = 64) {
    if (!(capacity >= 1 && capacity <= MAX_FRAME_COMMANDS))
      throw new RangeError(`a batch holds 1 to ${MAX_FRAME_COMMANDS} commands, not ${capacity}`);
    this.capacity = capacity;
    const memory = new ArrayBuffer(HEADER_BYTES + capacity * Command.bytes);
    this.u8 = new Uint8Array(memory);
    this.words = new Int32Array(memory);
    writeListHeader(new DataView(memory), MIN_SCHEMA_VERSION);
  }

  get full(): boolean {
    return this.#room === 0;
  }

  /** True if a long order fits. It takes two places. */
  get fitsLong(): boolean {
    return this.#room >= 2;
  }

  /** True if a list of two orders fits. It takes four places. */
  get fitsList(): boolean {
    return this.fitsListOf(2);
  }

  /** True if a list of so many orders fits. It takes two places for each. */
  fitsListOf(orders: number): boolean {
    return this.#room >= 2 * orders;
  }

  /** Schema version of the frame: 1, or 2 with a long order in it. */
  get version(): number {
    return this.#extensions === 0 ? MIN_SCHEMA_VERSION : FIRST_WITH_EXTENSIONS;
  }

  get #extensions(): number {
    return this.#long?.count ?? 0;
  }

  get #room(): number {
    return this.capacity - this.count - this.#extensions;
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

  /**
   * Adds any order, by its terms. An order that a Command alone can express takes
   * one place in the batch, as with `place`. Any other order takes two, and the
   * frame then has version 2.
   * @throws RangeError also for terms that exclude each other
   */
  placeLong(order: LongOrder): void {
    this.#placeLong(order, 0);
  }

  /**
   * Adds the orders of a list: two that are linked with each other, or a parent and one or, of a bracket, two that wait for its fills. docs/ORDER-ENTRY.md says which
   * orders fit together. Each takes two places.
   * @throws RangeError also for terms that exclude each other
   */
  placeList(kind: LinkKind, orders: readonly LongOrder[]): void {
    if (!isLink(linkWord(kind, 1, orders.length))) throw new RangeError(`there is no list of kind ${kind} with ${orders.length} orders`);
    if (!this.fitsListOf(orders.length))
      throw new RangeError(`the batch is full: it holds ${this.capacity} commands, a list counts as ${2 * orders.length}`);
    const { count } = this;
    const extensions = this.#extensions;
    try {
      for (const [i, order] of orders.entries()) this.#placeLong(order, linkWord(kind, i + 1, orders.length));
    } catch (error) {
      this.count = count;
      if (this.#long !== undefined) this.#long.count = extensions;
      throw error;
    }
  }

  #placeLong(order: LongOrder, link: number): void {
    const {
      symbol,
      side,
      orderType,
      timeInForce,
      instructions = 0,
      price = 0,
      quantity,
      minQuantity = 0,
      displayedQuantity = 0,
      selfTradeMode = 0,
      expiryUs = 0,
      stopPrice = 0,
      trailOffset = 0,
      pegOffset = 0,
      trigger = 0,
      clientOrderId,
      tag = 0,
    } = order;
    if (!inU53(minQuantity) || minQuantity > quantity) rejectMinimum(minQuantity, quantity);
    if (!inU53(displayedQuantity) || displayedQuantity > quantity)
      throw new RangeError(`a displayed quantity is an integer from 0 to the quantity: ${displayedQuantity} of ${quantity}`);
    if (!(orderType >= 0 && orderType < ORDER_TYPES && timeInForce >= 0 && timeInForce <= TimeInForce.AtTheClose))
      throw new RangeError(`this release has no order type ${orderType} with time in force ${timeInForce}`);
    if ((instructions & ~INSTRUCTIONS) !== 0) throw new RangeError(`this release has no instructions ${instructions}`);
    const terms = [orderType, timeInForce, instructions, minQuantity !== 0, displayedQuantity !== 0] as const;
    const orderKind = orderKindOf(...terms);
    const pair = illegalPair(...terms, linkTermOf(link));
    if (pair !== '') throw new RangeError(`${pair} cannot be combined in one order`);
    if (!inU53(expiryUs) || (expiryUs !== 0) !== (timeInForce === TimeInForce.GoodTillDate))
      throw new RangeError(`an order until a time, and no other, has an expiry in microseconds since the Unix epoch, not ${expiryUs}`);
    if (!(selfTradeMode >= 0 && selfTradeMode <= SelfTradeMode.Decrement))
      throw new RangeError(`this release has no self-trade mode ${selfTradeMode}`);
    const stop = isStop(orderType);
    const trails = isTrailing(orderType);
    if (!inU53(stopPrice) || (!trails && (stopPrice !== 0) !== stop) || (!stop && trigger !== 0))
      throw new RangeError(`a stop, and no other order, has a stop price in ticks and a trigger, not ${stopPrice} and ${trigger}`);
    if (!inU53(trailOffset) || (trailOffset !== 0) !== trails)
      throw new RangeError(`a trailing stop, and no other order, has an offset from 1, not ${trailOffset}`);
    const pegged = orderKind === OrderKind.Pegged;
    if (!inU53(pegOffset) || (pegOffset !== 0 && !pegged))
      throw new RangeError(`a pegged order, and no other, has an offset from 0 in ticks, not ${pegOffset}`);
    if (stop || pegged) {
      const plain = withoutShortForms(timeInForce, instructions);
      return this.#placeExtended(order, plain.timeInForce as TimeInForce, {
        ...order,
        ...plain,
        link,
        ...(trails && { minQuantity: trailOffset }),
        ...(pegged && { minQuantity: pegOffset }),
      });
    }
    const its = timeInForce >= TimeInForce.Day ? timeInForce : (KIND_TIME_IN_FORCE[orderKind] as TimeInForce);
    const hidden = instructions & Instruction.Hidden;
    if (isShort(orderKind, timeInForce) && selfTradeMode === 0 && displayedQuantity === 0 && hidden === 0 && link === 0)
      return this.place(symbol, side, its, price, quantity, clientOrderId, tag);
    this.#placeExtended(order, its, {
      ...order,
      orderType: KIND_ORDER_TYPE[orderKind],
      instructions: KIND_INSTRUCTIONS[orderKind] | hidden,
      link,
    });
  }

  #placeExtended(order: LongOrder, timeInForce: TimeInForce, fields: ExtensionFields): void {
    const { orderType, instructions, minQuantity, displayedQuantity, selfTradeMode, expiryUs, stopPrice, trigger, link } = fields;
    this.#checkFits();
    this.place(order.symbol, order.side, timeInForce, order.price ?? 0, order.quantity, order.clientOrderId, order.tag ?? 0);
    this.#extend({ orderType, instructions, minQuantity, displayedQuantity, selfTradeMode, expiryUs, stopPrice, trigger, link });
  }

  #checkFits(): void {
    if (!this.fitsLong) throw new RangeError(`the batch is full: it holds ${this.capacity} commands, a long order counts as two`);
  }

  /** Gives the last command an extension. */
  #extend(fields: ExtensionFields): void {
    this.u8[HEADER_BYTES + (this.count - 1) * Command.bytes + Command.parameter] = CommandFlag.Extended;
    this.#long ??= new LongFrame(this.capacity, IDENTIFIER, FIRST_WITH_EXTENSIONS);
    this.#long.add(fields);
  }

  /** Names the order by `clientOrderId`, or by `orderId` when that is not 0. */
  cancel(symbol: number, clientOrderId: number, orderId: number = 0, tag: number = 0): void {
    this.#put(CommandKind.Cancel, Side.Buy, TimeInForce.GoodTillCancel, symbol, tag, clientOrderId, orderId, 0, 0);
  }

  /** The new price in ticks and the new open quantity in lots. */
  amend(symbol: number, clientOrderId: number, orderId: number, price: number, quantity: number, tag: number = 0): void {
    this.#put(CommandKind.Amend, Side.Buy, TimeInForce.GoodTillCancel, symbol, tag, clientOrderId, orderId, price, quantity);
  }

  /**
   * Amends a stop that waits: also its stop price in ticks, from 1, or the activation price and the offset of a trailing one; 0 = unchanged. The price is its
   * limit, or the distance of it, and 0 for one that becomes a market order. Takes the room of two commands.
   * @param trailOffset ticks; below 0: parts per million
   */
  amendStop(
    symbol: number,
    clientOrderId: number,
    orderId: number,
    price: number,
    quantity: number,
    stopPrice: number,
    tag: number = 0,
    trailOffset: number = 0,
  ): void {
    const offset = Math.abs(trailOffset);
    if (!inU53(stopPrice) || !inU53(offset) || stopPrice + offset === 0)
      throw new RangeError(`a stop price is an integer from 1, not ${stopPrice}, and so is an offset, not ${trailOffset}`);
    this.#checkFits();
    this.amend(symbol, clientOrderId, orderId, price, quantity, tag);
    this.#extend({ stopPrice, minQuantity: offset, ...(trailOffset < 0 && { instructions: Instruction.TrailPpm }) });
  }

  /** Amends an iceberg: also the lots that it displays at a time, from 1 to the quantity. Takes the room of two commands. */
  amendDisplayed(
    symbol: number,
    clientOrderId: number,
    orderId: number,
    price: number,
    quantity: number,
    displayedQuantity: number,
    tag: number = 0,
  ): void {
    if (!inU53(displayedQuantity) || displayedQuantity === 0 || displayedQuantity > quantity)
      throw new RangeError(`a displayed quantity is an integer from 1 to the quantity: ${displayedQuantity} of ${quantity}`);
    this.#checkFits();
    this.amend(symbol, clientOrderId, orderId, price, quantity, tag);
    this.#extend({ displayedQuantity });
  }

  /** Cancels all open orders of the account, resting orders and pending stops: of a symbol (0 = all), and of a side (undefined = both). */
  massCancel(symbol: number = 0, side?: Side, tag: number = 0): void {
    this.#put(CommandKind.MassCancel, Side.Buy, TimeInForce.GoodTillCancel, symbol, tag, 0, 0, 0, side === undefined ? 0 : side + 1);
  }

  /** Dead man's switch: cancels all resting orders of the account in `us` microseconds, from one second to one day; 0 = off. */
  cancelAfter(us: number, tag: number = 0): void {
    this.#put(CommandKind.CancelAfter, Side.Buy, TimeInForce.GoodTillCancel, 0, tag, 0, 0, 0, us);
  }

  /**
   * Both sides of the account's quote in a symbol: prices in ticks, quantities in lots; quantity 0: no quote on that side.
   * @param postOnly no side may trade on arrival
   */
  quote(
    symbol: number,
    bidPrice: number,
    bidQuantity: number,
    askPrice: number,
    askQuantity: number,
    postOnly: boolean = false,
    tag: number = 0,
  ): void {
    const timeInForce = postOnly ? TimeInForce.PostOnly : TimeInForce.GoodTillCancel;
    this.#put(CommandKind.Quote, Side.Buy, timeInForce, symbol, tag, askPrice, askQuantity, bidPrice, bidQuantity);
  }

  /** Market-maker protection of the account: the window in microseconds; most fills, lots and net lots in it, 0 = no such limit. All 0: none. */
  protectQuotes(windowUs: number, fills: number, lots: number, netLots: number, tag: number = 0): void {
    this.#put(CommandKind.Quote, QuoteAction.Protection, TimeInForce.GoodTillCancel, 0, tag, fills, lots, netLots, windowUs);
  }

  /** Accepts quotes again after the protection has triggered. */
  resetProtection(tag: number = 0): void {
    this.#put(CommandKind.Quote, QuoteAction.Reset, TimeInForce.GoodTillCancel, 0, tag, 0, 0, 0, 0);
  }

  clear(): void {
    this.count = 0;
    if (this.#long !== undefined) this.#long.count = 0;
  }

  /** The frame, in the batch's own memory: send or copy it before the next change. */
  bytes(): Uint8Array {
    const end = HEADER_BYTES + this.count * Command.bytes;
    if (this.#long !== undefined && this.#long.count !== 0) return this.#long.bytes(this.u8.subarray(HEADER_BYTES, end), this.count);
    this.words[COUNT_AT / 4] = this.count;
    return this.u8.subarray(0, end);
  }

  #put(
    kind: CommandKind,
    side: Side | QuoteAction,
    timeInForce: TimeInForce,
    symbol: number,
    tag: number,
    clientOrderId: number,
    orderId: number,
    price: number,
    quantity: number,
  ): void {
    if (this.full) throw new RangeError(`the batch is full: it holds ${this.capacity} commands`);
    if (!(inU53(clientOrderId) && inU53(orderId) && inU53(price) && inU53(quantity))) rejectNumber(clientOrderId, orderId, price, quantity);
    if (symbol >>> 0 !== symbol || tag >>> 0 !== tag) rejectWord(symbol, tag);
    const byte = HEADER_BYTES + this.count * Command.bytes;
    const word = byte / 4;
    const { u8, words } = this;
    u8[byte + Command.kind] = kind;
    u8[byte + Command.side] = side;
    u8[byte + Command.timeInForce] = timeInForce;
    u8[byte + Command.parameter] = 0;
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

function rejectNumber(clientOrderId: number, orderId: number, price: number, quantity: number): never {
  throw new RangeError(
    `ids, price and quantity are integers in [0, 2^53): client order id ${clientOrderId}, order id ${orderId}, price ${price}, quantity ${quantity}`,
  );
}

function rejectMinimum(minQuantity: number, quantity: number): never {
  throw new RangeError(`a minimum quantity is an integer from 0 to the quantity: ${minQuantity} of ${quantity}`);
}

function rejectWord(symbol: number, tag: number): never {
  throw new RangeError(`symbol and tag are integers in [0, 2^32): symbol ${symbol}, tag ${tag}`);
}
