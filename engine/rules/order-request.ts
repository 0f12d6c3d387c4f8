import { getI64Even, type Money, type PriceTicks, type QtyLots, type TimeUs } from '../units.ts';
import { Command } from '../wire/layout.ts';
import { shortKindOf } from '../wire/order-kinds.ts';

// Module constants: V8 folds them, but loads an imported object and its field, and divides, each time.
/** The words of a command are a power of two, so `|` adds a field to the first one, and cannot overflow. */
const TO_WORDS = 31 - Math.clz32(Command.bytes / 4);
const SIDE = Command.side * 8;
const TIME_IN_FORCE = Command.timeInForce * 8;
const FLAGS = Command.parameter * 8;
const SYMBOL = Command.symbol / 4;
const ACCOUNT = Command.account / 4;
const TAG = Command.tag / 4;
const CLIENT_ORDER_ID = Command.clientOrderId / 4;
const ORDER_ID = Command.orderId / 4;
const PRICE = Command.price / 4;
const QUANTITY = Command.quantity / 4;

/** The current command: one object, reused for each command. Owned by the engine thread. */
export class OrderRequest {
  kind = 0;
  side = 0;
  timeInForce = 0;
  /** An OrderKind. */
  orderKind = 0;
  /** Bits beside the time in force in the order's record; see OrderSlab. Bits 4 to 6 are its SelfTradeMode. Above them, ICEBERG_BIT, which is elsewhere in the record. */
  lifetimeBits = 0;
  /** End of the order, if its time in force has one; otherwise it holds the value of an earlier order. Microseconds since the Unix epoch. */
  expiryUs: TimeUs = 0;
  symbol = 0;
  account = 0;
  tag = 0;
  clientOrderId = 0;
  orderId = 0;
  price: PriceTicks = 0;
  quantity: QtyLots = 0;
  /** Of an order command: CommandFlag bits, and the number of its session; see sessionNumberIn. */
  flags = 0;
  /** Set for the kinds that have one; otherwise it holds the value of an earlier order. */
  minQuantity: QtyLots = 0;
  /** Of an iceberg, and of an amend that names one: lots that it displays at a time. Otherwise it holds the value of an earlier order. */
  displayed: QtyLots = 0;
  /** Of a stop, and of an amend that names one: ticks; else 0. */
  stopPrice: PriceTicks = 0;
  /** Of a trailing stop, and of an amend that names one: ticks, below 0: parts per million; else 0. The `stopPrice` of the command is not 0 then. */
  trailOffset = 0;
  /** With a trailing offset, of a new order: each change of its stop price is reported. */
  reportTrail = false;
  /** With a trailing offset: ticks, 0 = none. */
  activationPrice: PriceTicks = 0;
  /** Of a pegged order: a PegKind, and ticks away from the other side, below 0: towards it. Otherwise they hold the values of an earlier order. */
  pegKind = 0;
  pegOffset = 0;
  /** Set for a stop; otherwise they hold the values of an earlier order. A Trigger; and whether it may trigger on arrival. */
  trigger = 0;
  triggerNow = false;
  /** Of an order with an extension; otherwise it holds the value of an earlier order. 0, or what it is in its list; see linkWord. */
  link = 0;
  /** Of a new order, from rules 3 on; see hashTerms. */
  termsHash = 0;
  /** Fee schedule of the order, and what its fills have paid in advance; see FeeSchedules. */
  feeSchedule = 0;
  feeCarry = 0;
  /** Results of the checks: the order's notional, the amount that it needs (and reserves if it rests in full), and the index of the balance that pays. */
  notional: Money = 0;
  needed: Money = 0;
  payAt = 0;
  /** Result of a check that rejects for a time: the time from which the command would pass, µs. */
  retryUs = 0;

  /** Reads the command in a slot. Its first word has four fields: one access instead of four. */
  read(words: Int32Array, slot: number): void {
    const w = slot << TO_WORDS;
    const first = words[w];
    this.kind = first & 0xff;
    this.side = (first >>> SIDE) & 0xff;
    this.timeInForce = (first >>> TIME_IN_FORCE) & 0xff;
    this.orderKind = shortKindOf(this.timeInForce);
    this.lifetimeBits = 0;
    this.flags = first >>> FLAGS;
    this.stopPrice = 0;
    this.trailOffset = 0;
    this.symbol = words[w | SYMBOL] >>> 0;
    this.account = words[w | ACCOUNT] >>> 0;
    this.tag = words[w | TAG] >>> 0;
    this.clientOrderId = getI64Even(words, w | CLIENT_ORDER_ID);
    this.orderId = getI64Even(words, w | ORDER_ID);
    this.price = getI64Even(words, w | PRICE);
    this.quantity = getI64Even(words, w | QUANTITY);
  }
}
