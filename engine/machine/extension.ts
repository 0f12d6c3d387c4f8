import { fail } from '../assert.ts';
import { MAX_PRICE_TICKS } from '../params.ts';
import type { OrderRequest } from '../rules/order-request.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { getI64, type Seq } from '../units.ts';
import { displayedOf, expiryOf, minQuantityOf, stopPriceOf } from '../wire/command-extension.ts';
import { Command, CommandExtension, Instruction, SelfTradeMode, Side, TimeInForce, Trigger } from '../wire/layout.ts';
import {
  AUCTION_MARKET_BIT,
  HIDDEN_BIT,
  hasOffset,
  ICEBERG_BIT,
  INSTRUCTIONS,
  isStop,
  isTrailing,
  MAX_TRAIL_PPM,
  NO_KIND,
  ORDER_TYPES,
  OrderKind,
  orderKindOf,
  PEG_BIT,
  POST_ONLY_BIT,
  SELF_TRADE_SHIFT,
  selfTradeModeOf,
} from '../wire/order-kinds.ts';
import { pegKindOf } from '../wire/peg-terms.ts';

/** Instead of a `link`: no verified frame has the command. */
export const MALFORMED = -1;
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

  /** Adds the extension to the current command, which announces one. Returns its `link`, or {@link MALFORMED}. @throws InvariantError instead before rules 6 */
  complete(order: OrderRequest, seq: Seq, rules: number): number {
    if (!this.#take(seq)) return malformed(seq, rules);
    addExtension(order, this.#bytes, this.#words, 0, rules);
    return order.orderKind === NO_KIND ? malformed(seq, rules) : order.link;
  }

  /** Adds the extension to the current command, an amend that names a stop price or a displayed quantity. Returns 0, or {@link MALFORMED}. @throws InvariantError instead before rules 6 */
  completeAmend(order: OrderRequest, seq: Seq, rules: number): number {
    if (rules < 6 && !this.#pending) return 0;
    if (!this.#take(seq)) return malformed(seq, rules);
    order.stopPrice = stopPriceOf(this.#words, 0);
    order.displayed = displayedOf(this.#words, 0);
    if (order.displayed !== 0) order.lifetimeBits = ICEBERG_BIT;
    order.minQuantity = minQuantityOf(this.#words, 0);
    if (order.minQuantity !== 0) addTrail(order, this.#words, 0);
    return 0;
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

/** Adds the extension in `slot` to a new order, which is the current command. Its kind is NO_KIND if it cannot have passed the checks of a frame. */
export function addExtension(order: OrderRequest, bytes: Uint8Array, words: Int32Array, slot: number, rules: number): void {
  const byte = slot * CommandExtension.bytes;
  order.minQuantity = minQuantityOf(words, slot);
  order.expiryUs = expiryOf(words, slot);
  order.link = words[(byte + CommandExtension.link) / 4];
  const instructions = words[(byte + CommandExtension.instructions) / 4];
  const orderType = bytes[byte + CommandExtension.orderType];
  const hasMinimum = order.minQuantity !== 0 && !hasOffset(orderType, instructions);
  order.orderKind = orderType < ORDER_TYPES ? orderKindOf(orderType, order.timeInForce, instructions, hasMinimum) : NO_KIND;
  order.lifetimeBits = bytes[byte + CommandExtension.selfTradeMode] << SELF_TRADE_SHIFT;
  if ((instructions & Instruction.PostOnly) !== 0 && order.timeInForce !== TimeInForce.PostOnly) order.lifetimeBits |= POST_ONLY_BIT;
  if (order.orderKind === OrderKind.AuctionMarket) order.lifetimeBits |= AUCTION_MARKET_BIT;
  order.displayed = displayedOf(words, slot);
  if (order.displayed !== 0) order.lifetimeBits |= ICEBERG_BIT;
  if ((instructions & Instruction.Hidden) !== 0) order.lifetimeBits |= HIDDEN_BIT;
  if (order.orderKind === OrderKind.Pegged) addPeg(order, instructions);
  if (isStop(orderType)) {
    order.stopPrice = stopPriceOf(words, slot);
    order.trigger = bytes[byte + CommandExtension.trigger];
    order.triggerNow = (instructions & Instruction.TriggerNow) !== 0;
    if (isTrailing(orderType)) addTrail(order, words, slot);
  }
  if (rules >= 6 && !isPossible(order, orderType, instructions)) order.orderKind = NO_KIND;
}

/** Whether a verified command can have these terms. The order has a kind by them, of which only the displayed quantity is not known to be legal. */
function isPossible(order: OrderRequest, orderType: number, instructions: number): boolean {
  const { side, timeInForce, lifetimeBits, displayed, minQuantity, trailOffset } = order;
  if (side > Side.Sell || timeInForce > TimeInForce.AtTheClose || (instructions & ~INSTRUCTIONS) !== 0) return false;
  if (selfTradeModeOf(lifetimeBits) > SelfTradeMode.Decrement) return false;
  if (isTrailing(orderType)) return Math.abs(trailOffset) <= (trailOffset < 0 ? MAX_TRAIL_PPM : MAX_PRICE_TICKS) && trailOffset !== 0;
  if (isStop(orderType) && (order.stopPrice === 0 || order.trigger > Trigger.ReferencePrice)) return false;
  if (order.orderKind === OrderKind.Pegged && Math.abs(order.pegOffset) > MAX_PRICE_TICKS) return false;
  return displayed === 0 || orderKindOf(orderType, timeInForce, instructions, minQuantity !== 0, true) !== NO_KIND;
}

function malformed(seq: Seq, rules: number): number {
  if (rules < 6) fail(`command ${seq} needs an extension, and there is none that this release supports`);
  return MALFORMED;
}

function addPeg(order: OrderRequest, instructions: number): void {
  order.lifetimeBits |= PEG_BIT;
  order.pegKind = pegKindOf(instructions);
  order.pegOffset = (instructions & Instruction.PegTowards) !== 0 ? -order.minQuantity : order.minQuantity;
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
