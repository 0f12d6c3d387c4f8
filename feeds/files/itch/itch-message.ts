import { assert } from '../../../engine/assert.ts';
import { ITCH_MESSAGES, type ItchField, type ItchMessageLayout, itchOffset, itchType } from './layout.ts';

/** Types of message that have to do with orders and trades, as their byte. */
export const ItchType = {
  AddOrder: itchType('A'),
  AddOrderMpid: itchType('F'),
  OrderExecuted: itchType('E'),
  OrderExecutedPrice: itchType('C'),
  OrderCancel: itchType('X'),
  OrderDelete: itchType('D'),
  OrderReplace: itchType('U'),
  Trade: itchType('P'),
  CrossTrade: itchType('Q'),
  BrokenTrade: itchType('B'),
  StockDirectory: itchType('R'),
  TradingAction: itchType('H'),
  SystemEvent: itchType('S'),
} as const;

const At = {
  stockLocate: itchOffset('A', 'stockLocate'),
  trackingNumber: itchOffset('A', 'trackingNumber'),
  timestamp: itchOffset('A', 'timestamp'),
  orderId: itchOffset('A', 'orderId'),
  side: itchOffset('A', 'side'),
  shares: itchOffset('A', 'shares'),
  price: itchOffset('A', 'price'),
  stock: itchOffset('A', 'stock'),
  executedShares: itchOffset('E', 'executedShares'),
  executionPrice: itchOffset('C', 'executionPrice'),
  printable: itchOffset('C', 'printable'),
  executedMatch: itchOffset('E', 'matchNumber'),
  tradeMatch: itchOffset('P', 'matchNumber'),
  crossMatch: itchOffset('Q', 'matchNumber'),
  brokenMatch: itchOffset('B', 'matchNumber'),
  newOrderId: itchOffset('U', 'newOrderId'),
  replaceShares: itchOffset('U', 'shares'),
  replacePrice: itchOffset('U', 'price'),
  crossShares: itchOffset('Q', 'shares'),
  crossPrice: itchOffset('Q', 'crossPrice'),
  directoryStock: itchOffset('R', 'stock'),
} as const;

const BUY = itchType('B');
const YES = itchType('Y');
const TWO_32 = 2 ** 32;
const TWO_21 = 2 ** 21;
const SPACE = 32;
const LAYOUTS = new Map(ITCH_MESSAGES.map((layout) => [itchType(layout.type), layout]));

/**
 * A message in the bytes of a stream, by reference: nothing is copied and nothing is allocated. The reader
 * wraps the same object around each message, so all fields are valid only until the handler returns. A getter
 * of a field is meant for the types that its comment names; for others it gives bytes of another field.
 */
export class ItchMessage {
  #view: DataView = new DataView(new ArrayBuffer(64));
  #at = 0;
  #length = 0;
  /** The type's byte: {@link ItchType}. All types. */
  type = 0;

  /** Sets the bytes that the following {@link at} refer to. */
  wrap(view: DataView): void {
    this.#view = view;
  }

  /** Moves to the message of `length` bytes at `offset` of the wrapped bytes; the caller has checked that it is whole and of its type's length. */
  at(offset: number, length: number, type: number): void {
    this.#at = offset;
    this.#length = length;
    this.type = type;
  }

  get length(): number {
    return this.#length;
  }

  /** Number of the stock in this file, 0 where the message is about no stock. All types. */
  get stockLocate(): number {
    return this.#view.getUint16(this.#at + At.stockLocate);
  }

  get trackingNumber(): number {
    return this.#view.getUint16(this.#at + At.trackingNumber);
  }

  /** Nanoseconds since midnight of the venue's day (New York), below 2^48. All types. */
  get timestampNs(): number {
    return this.#view.getUint16(this.#at + At.timestamp) * TWO_32 + this.#view.getUint32(this.#at + At.timestamp + 2);
  }

  /** Upper 32 bits of the order id. A F E C X D U (the replaced order). */
  get orderIdHigh(): number {
    return this.#view.getUint32(this.#at + At.orderId);
  }

  /** Lower 32 bits of the order id. A F E C X D U. */
  get orderIdLow(): number {
    return this.#view.getUint32(this.#at + At.orderId + 4);
  }

  /** Upper 32 bits of the id of the order that replaces. U. */
  get newOrderIdHigh(): number {
    return this.#view.getUint32(this.#at + At.newOrderId);
  }

  get newOrderIdLow(): number {
    return this.#view.getUint32(this.#at + At.newOrderId + 4);
  }

  /** True for an order to buy. A F P. */
  get isBuy(): boolean {
    return this.#view.getUint8(this.#at + At.side) === BUY;
  }

  /** A F P. */
  get shares(): number {
    return this.#view.getUint32(this.#at + At.shares);
  }

  /** In 10^-4 dollars. A F P. */
  get price(): number {
    return this.#view.getUint32(this.#at + At.price);
  }

  /** E C. */
  get executedShares(): number {
    return this.#view.getUint32(this.#at + At.executedShares);
  }

  /** Price of the execution, in 10^-4 dollars. C. */
  get executionPrice(): number {
    return this.#view.getUint32(this.#at + At.executionPrice);
  }

  /** False where the shares are part of a cross trade that is reported as a whole. C. */
  get isPrintable(): boolean {
    return this.#view.getUint8(this.#at + At.printable) === YES;
  }

  /** X: in the place of the executed shares. */
  get cancelledShares(): number {
    return this.#view.getUint32(this.#at + At.executedShares);
  }

  /** Shares of the order that replaces. U. */
  get replaceShares(): number {
    return this.#view.getUint32(this.#at + At.replaceShares);
  }

  /** In 10^-4 dollars. U. */
  get replacePrice(): number {
    return this.#view.getUint32(this.#at + At.replacePrice);
  }

  /** Shares of a cross trade, or -1 where they are 2^53 or more. Q. */
  get crossShares(): number {
    const high = this.#view.getUint32(this.#at + At.crossShares);
    return high < TWO_21 ? high * TWO_32 + this.#view.getUint32(this.#at + At.crossShares + 4) : -1;
  }

  /** In 10^-4 dollars. Q. */
  get crossPrice(): number {
    return this.#view.getUint32(this.#at + At.crossPrice);
  }

  /** Upper 32 bits of the number of the trade. E C P Q B. */
  get matchHigh(): number {
    return this.#view.getUint32(this.#at + this.#matchOffset());
  }

  /** Lower 32 bits of the number of the trade. E C P Q B. */
  get matchLow(): number {
    return this.#view.getUint32(this.#at + this.#matchOffset() + 4);
  }

  /** The event's code: O S Q M E C for the start and the end of messages, system hours and market hours. S. Allocates. */
  get eventCode(): string {
    return this.#text(itchOffset('S', 'eventCode'), 1);
  }

  /** H trading halted, P paused, Q quotation only, T trading. H. Allocates. */
  get tradingState(): string {
    return this.#text(itchOffset('H', 'tradingState'), 1);
  }

  /** Symbol without the padding. R H. Allocates. */
  get directoryStock(): string {
    return this.#text(At.directoryStock, 8);
  }

  /** Symbol without the padding. A F P. Allocates. */
  get stock(): string {
    return this.#text(At.stock, 8);
  }

  /** All fields by name: text without padding, integers as numbers, 64-bit ones as BigInt where they are 2^53 or more. Allocates. */
  fields(): Record<string, string | number | bigint> {
    const layout = this.layout;
    const found: Record<string, string | number | bigint> = { type: layout.type };
    for (const field of layout.fields) found[field.name] = this.#field(field);
    return found;
  }

  get layout(): ItchMessageLayout {
    const layout = LAYOUTS.get(this.type);
    assert(layout !== undefined, 'ITCH: the reader passes on known types only');
    return layout;
  }

  /** The bytes of the message, a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#at, this.#length).slice();
  }

  #matchOffset(): number {
    switch (this.type) {
      case ItchType.Trade:
        return At.tradeMatch;
      case ItchType.CrossTrade:
        return At.crossMatch;
      case ItchType.BrokenTrade:
        return At.brokenMatch;
      default:
        return At.executedMatch;
    }
  }

  #field({ kind, offset, bytes }: ItchField): string | number | bigint {
    if (typeof kind === 'number') return this.#text(offset, kind);
    let high = 0;
    for (let i = 0; i < bytes - 4; i++) high = high * 256 + this.#view.getUint8(this.#at + offset + i);
    let low = 0;
    for (let i = Math.max(0, bytes - 4); i < bytes; i++) low = low * 256 + this.#view.getUint8(this.#at + offset + i);
    return high < TWO_21 ? high * TWO_32 + low : (BigInt(high) << 32n) | BigInt(low);
  }

  #text(offset: number, bytes: number): string {
    let end = bytes;
    while (end > 0 && this.#view.getUint8(this.#at + offset + end - 1) === SPACE) end--;
    let text = '';
    for (let i = 0; i < end; i++) text += String.fromCharCode(this.#view.getUint8(this.#at + offset + i));
    return text;
  }
}
