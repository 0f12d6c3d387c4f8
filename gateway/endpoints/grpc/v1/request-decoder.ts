import type { CommandBatch } from '../../../../engine/wire/frames.ts';
import { Side, TimeInForce } from '../../../../engine/wire/layout.ts';
import type { SymbolEntry, SymbolTable } from './symbol-table.ts';

const TAG = 1;
const PLACE = 2;
const CANCEL = 3;
const AMEND = 4;
const NO_VALUE = -1;
const POINT = 46;
const ZERO = 48;
const SAFE = 2 ** 53;
const ORD_TYPE_LIMIT = 1;
/** By the number of the protobuf enum; undefined: not here. */
const TIMES: readonly (TimeInForce | undefined)[] = [
  TimeInForce.GoodTillCancel,
  TimeInForce.GoodTillCancel,
  TimeInForce.ImmediateOrCancel,
  TimeInForce.FillOrKill,
];
const TEN_TO: readonly number[] = Array.from({ length: 19 }, (_, i) => 10 ** i);

/**
 * Reads the frequent kinds of a SessionRequest of proto/openbell/v1/trading.proto in place, without allocation: limit orders,
 * cancels and amends of price and quantity. What it does not take, it leaves to the general decoder, which has all kinds and says
 * what is wrong: so it never has to explain anything. Both put the same command into a batch. I/O thread.
 */
export class RequestDecoder {
  readonly #symbols: SymbolTable;
  #bytes: Uint8Array = new Uint8Array(0);
  /** Where it reads. */
  #at = 0;
  /** Fields of the command. Positions and lengths of text; `-1`: not there. */
  #account = 0;
  #clOrdId = 0;
  #orderId = 0;
  #side = 0;
  #time = 0;
  #symbolAt = NO_VALUE;
  #symbolBytes = 0;
  #quantityAt = NO_VALUE;
  #quantityBytes = 0;
  #priceAt = NO_VALUE;
  #priceBytes = 0;

  constructor(symbols: SymbolTable) {
    this.#symbols = symbols;
  }

  /**
   * Adds the command of the message that is `length` bytes at `at` to a batch that has room for it.
   * @param account of the session
   * @returns whether it did
   */
  take(bytes: Uint8Array, at: number, length: number, account: number, batch: CommandBatch): boolean {
    this.#bytes = bytes;
    this.#at = at;
    const end = at + length;
    let tag = 0;
    let kind = 0;
    while (this.#at < end) {
      const key = this.#varint(end);
      if (key === TAG << 3) {
        tag = this.#varint(end);
        if (tag < 0 || tag > 0xffff_ffff) return false;
      } else if (kind === 0 && (key === ((PLACE << 3) | 2) || key === ((CANCEL << 3) | 2) || key === ((AMEND << 3) | 2))) {
        kind = key >>> 3;
        const bytesOfIt = this.#varint(end);
        if (bytesOfIt < 0 || this.#at + bytesOfIt > end || !this.#command(kind, this.#at + bytesOfIt)) return false;
      } else return false;
    }
    if (kind === 0 || (this.#account !== 0 && this.#account !== account) || this.#symbolAt === NO_VALUE) return false;
    const symbol = this.#symbols.byText(bytes, this.#symbolAt, this.#symbolBytes);
    return symbol !== undefined && this.#put(kind, symbol, tag, batch);
  }

  #put(kind: number, { id, tickMantissa, tickDecimals, lotMantissa, lotDecimals }: SymbolEntry, tag: number, batch: CommandBatch): boolean {
    if (kind === CANCEL) {
      if ((this.#clOrdId === 0) === (this.#orderId === 0)) return false;
      batch.cancel(id, this.#clOrdId, this.#orderId, tag);
      return true;
    }
    const price = this.#decimal(this.#priceAt, this.#priceBytes, tickMantissa, tickDecimals);
    const quantity = this.#decimal(this.#quantityAt, this.#quantityBytes, lotMantissa, lotDecimals);
    if (price <= 0 || quantity <= 0) return false;
    if (kind === AMEND) {
      if ((this.#clOrdId === 0) === (this.#orderId === 0)) return false;
      batch.amend(id, this.#clOrdId, this.#orderId, price, quantity, tag);
      return true;
    }
    const time = TIMES[this.#time];
    if (time === undefined || this.#side < 1 || this.#side > 2 || this.#clOrdId === 0) return false;
    batch.place(id, this.#side === 1 ? Side.Buy : Side.Sell, time, price, quantity, this.#clOrdId, tag);
    return true;
  }

  /** Reads the fields of a command. False: it has others. */
  #command(kind: number, end: number): boolean {
    this.#account = 0;
    this.#clOrdId = 0;
    this.#orderId = 0;
    this.#side = 0;
    this.#time = 0;
    this.#symbolAt = NO_VALUE;
    this.#quantityAt = NO_VALUE;
    this.#priceAt = NO_VALUE;
    while (this.#at < end) {
      const key = this.#varint(end);
      if (key < 0) return false;
      const value = this.#varint(end);
      if (value < 0) return false;
      // Text: its length was read.
      if ((key & 7) === 2 && this.#at + value > end) return false;
      if (!(kind === PLACE ? this.#ofPlace(key, value) : this.#ofOther(kind, key, value))) return false;
    }
    return this.#at === end;
  }

  #ofPlace(key: number, value: number): boolean {
    switch (key) {
      case 1 << 3:
        this.#account = value;
        return true;
      case 2 << 3:
        this.#clOrdId = value;
        return true;
      case (3 << 3) | 2:
        return this.#symbol(value);
      case 4 << 3:
        this.#side = value;
        return true;
      case (5 << 3) | 2:
        return this.#quantity(value);
      case (6 << 3) | 2:
        return this.#price(value);
      case 7 << 3:
        return value === ORD_TYPE_LIMIT;
      case 8 << 3:
        this.#time = value;
        return true;
      default:
        return false;
    }
  }

  /** Of a cancel or an amend. */
  #ofOther(kind: number, key: number, value: number): boolean {
    switch (key) {
      case 1 << 3:
        this.#account = value;
        return true;
      case 2 << 3:
        // Of a oneof, the last one counts.
        this.#orderId = value;
        this.#clOrdId = 0;
        return true;
      case 3 << 3:
        this.#clOrdId = value;
        this.#orderId = 0;
        return true;
      case (4 << 3) | 2:
        return this.#symbol(value);
      case (5 << 3) | 2:
        return kind === AMEND && this.#quantity(value);
      case (6 << 3) | 2:
        return kind === AMEND && this.#price(value);
      default:
        return false;
    }
  }

  #symbol(length: number): boolean {
    this.#symbolAt = this.#at;
    this.#symbolBytes = length;
    this.#at += length;
    return true;
  }

  #quantity(length: number): boolean {
    this.#quantityAt = this.#at;
    this.#quantityBytes = length;
    this.#at += length;
    return true;
  }

  #price(length: number): boolean {
    this.#priceAt = this.#at;
    this.#priceBytes = length;
    this.#at += length;
    return true;
  }

  /** The number at the position, in [0, 2^53); -1: there is none. */
  #varint(end: number): number {
    const bytes = this.#bytes;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      if (this.#at >= end) return NO_VALUE;
      const byte = bytes[this.#at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value < SAFE ? value : NO_VALUE;
      scale *= 128;
    }
    return NO_VALUE;
  }

  /** The units of decimal text, at most 15 digits; -1: the general decoder says. */
  #decimal(at: number, length: number, mantissa: number, decimals: number): number {
    if (at === NO_VALUE || length === 0 || length > 16) return NO_VALUE;
    const bytes = this.#bytes;
    let value = 0;
    let places = -1;
    for (let i = 0; i < length; i++) {
      const digit = bytes[at + i] - ZERO;
      if (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        if (places >= 0) places++;
      } else if (bytes[at + i] === POINT && places < 0 && i !== 0 && i !== length - 1) places = 0;
      else return NO_VALUE;
    }
    const missing = decimals - Math.max(0, places);
    if (missing < 0 || missing > 18) return NO_VALUE;
    const scaled = value * TEN_TO[missing];
    if (scaled >= SAFE) return NO_VALUE;
    if (mantissa === 1) return scaled;
    const units = scaled / mantissa;
    return Math.floor(units) * mantissa === scaled ? units : NO_VALUE;
  }
}
