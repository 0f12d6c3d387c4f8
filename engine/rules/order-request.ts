import { getI64, type PriceTicks, type QtyLots } from '../units.ts';
import { Command } from '../wire/layout.ts';

const WORDS = Command.bytes / 4;

/** The command at work: one object, filled anew for each command. Owned by the engine thread. */
export class OrderRequest {
  kind = 0;
  side = 0;
  timeInForce = 0;
  /** An OrderKind. Without an extension it is the time in force. */
  orderKind = 0;
  symbol = 0;
  account = 0;
  tag = 0;
  clientOrderId = 0;
  orderId = 0;
  price: PriceTicks = 0;
  quantity: QtyLots = 0;
  /** Of the kinds that have one; otherwise of an earlier order. */
  minQuantity: QtyLots = 0;

  /** Reads the command in a slot, given through its byte and word views. */
  read(bytes: Uint8Array, words: Int32Array, slot: number): void {
    const b = slot * Command.bytes;
    const w = slot * WORDS;
    this.kind = bytes[b];
    this.side = bytes[b + Command.side];
    this.timeInForce = bytes[b + Command.timeInForce];
    this.orderKind = this.timeInForce;
    this.symbol = words[w + Command.symbol / 4] >>> 0;
    this.account = words[w + Command.account / 4] >>> 0;
    this.tag = words[w + Command.tag / 4] >>> 0;
    this.clientOrderId = getI64(words, w + Command.clientOrderId / 4);
    this.orderId = getI64(words, w + Command.orderId / 4);
    this.price = getI64(words, w + Command.price / 4);
    this.quantity = getI64(words, w + Command.quantity / 4);
  }
}
