import { fail } from '../assert.ts';
import type { OrderRequest } from '../rules/order-request.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { getI64, type Seq } from '../units.ts';
import { displayedOf, expiryOf, minQuantityOf, stopPriceOf } from '../wire/command-extension.ts';
import { Command, CommandExtension, Instruction, TimeInForce } from '../wire/layout.ts';
import {
  AUCTION_MARKET_BIT,
  HIDDEN_BIT,
  ICEBERG_BIT,
  isStop,
  isTrailing,
  NO_KIND,
  OrderKind,
  orderKindOf,
  POST_ONLY_BIT,
  SELF_TRADE_SHIFT,
} from '../wire/order-kinds.ts';

const WORDS = Command.bytes / 4;
const SEQ = CommandExtension.seq / 4;
const HALF = WORDS / 2;

/**
 * The extension record before a long command. It is kept until the next command,
 * which uses it or drops it. After a crash, the log may end with an extension
 * whose command was never durable; another command follows it then. A snapshot
 * may be taken between the two records, so the extension is part of the state.
 * Owned by the engine thread.
 */
export class PendingExtension implements StatePart {
  readonly kinds = [RowKind.Extension];
  readonly #words = new Int32Array(WORDS);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  #pending = false;

  /** Keeps the record in `slot`. */
  keep(words: Int32Array, slot: number): void {
    const w = slot * WORDS;
    for (let i = 0; i < WORDS; i++) this.#words[i] = words[w + i];
    this.#pending = true;
  }

  /** The 16 words of the extension; they stay until the next one is kept. */
  get words(): Int32Array {
    return this.#words;
  }

  /** Adds the extension to the current command, which announces one. Returns its `link`. @throws InvariantError if none is before it */
  complete(order: OrderRequest, seq: Seq): number {
    if (!this.#take(seq)) fail(`command ${seq} announces an extension, but none is before it`);
    addExtension(order, this.#bytes, this.#words, 0, seq);
    return order.link;
  }

  /** Adds the extension to the current command, an amend that names a stop price or a displayed quantity. @throws InvariantError if none is before it */
  completeAmend(order: OrderRequest, seq: Seq): void {
    if (!this.#take(seq)) fail(`command ${seq} announces an extension, but none is before it`);
    order.stopPrice = stopPriceOf(this.#words, 0);
    order.displayed = displayedOf(this.#words, 0);
    if (order.displayed !== 0) order.lifetimeBits = ICEBERG_BIT;
    order.minQuantity = minQuantityOf(this.#words, 0);
    if (order.minQuantity !== 0) addTrail(order, this.#words, 0);
  }

  #take(seq: Seq): boolean {
    const mine = this.#pending && getI64(this.#words, SEQ) === seq - 1;
    this.#pending = false;
    return mine;
  }

  /** Drops the extension, because the next command does not use it. */
  drop(): void {
    this.#pending = false;
  }

  get pending(): boolean {
    return this.#pending;
  }

  save(out: RowWriter): void {
    if (!this.#pending) return;
    for (const half of [0, 1]) out.row(RowKind.Extension, half, ...this.#words.subarray(half * HALF, (half + 1) * HALF));
  }

  load(r: Float64Array, at: number): void {
    for (let i = 0; i < HALF; i++) this.#words[r[at + 1] * HALF + i] = r[at + 2 + i];
    this.#pending = true;
  }
}

/** Adds the extension in `slot` to a new order, which is the current command `seq`. */
export function addExtension(order: OrderRequest, bytes: Uint8Array, words: Int32Array, slot: number, seq: Seq): void {
  const byte = slot * CommandExtension.bytes;
  order.minQuantity = minQuantityOf(words, slot);
  order.expiryUs = expiryOf(words, slot);
  order.link = words[(byte + CommandExtension.link) / 4];
  const instructions = words[(byte + CommandExtension.instructions) / 4];
  const orderType = bytes[byte + CommandExtension.orderType];
  order.orderKind = orderKindOf(orderType, order.timeInForce, instructions, order.minQuantity !== 0 && !isTrailing(orderType));
  order.lifetimeBits = bytes[byte + CommandExtension.selfTradeMode] << SELF_TRADE_SHIFT;
  if ((instructions & Instruction.PostOnly) !== 0 && order.timeInForce !== TimeInForce.PostOnly) order.lifetimeBits |= POST_ONLY_BIT;
  if (order.orderKind === OrderKind.AuctionMarket) order.lifetimeBits |= AUCTION_MARKET_BIT;
  order.displayed = displayedOf(words, slot);
  if (order.displayed !== 0) order.lifetimeBits |= ICEBERG_BIT;
  if ((instructions & Instruction.Hidden) !== 0) order.lifetimeBits |= HIDDEN_BIT;
  if (isStop(orderType)) {
    order.stopPrice = stopPriceOf(words, slot);
    order.trigger = bytes[byte + CommandExtension.trigger];
    order.triggerNow = (instructions & Instruction.TriggerNow) !== 0;
    if (isTrailing(orderType)) addTrail(order, words, slot);
  }
  if (order.orderKind === NO_KIND) fail(`command ${seq} has a kind of order that this release does not support`);
}

/** The field of the minimum quantity has the offset of a trailing stop. */
function addTrail(order: OrderRequest, words: Int32Array, slot: number): void {
  const instructions = words[(slot * CommandExtension.bytes + CommandExtension.instructions) / 4];
  order.trailOffset = (instructions & Instruction.TrailPpm) !== 0 ? -order.minQuantity : order.minQuantity;
  order.reportTrail = (instructions & Instruction.ReportTrail) !== 0;
  order.activationPrice = stopPriceOf(words, slot);
  order.minQuantity = 0;
  order.stopPrice = order.activationPrice || 1;
}
