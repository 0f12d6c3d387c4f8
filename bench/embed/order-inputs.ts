import { getI64 } from '../../engine/units.ts';
import { Command, CommandKind } from '../../engine/wire/layout.ts';

const WORDS = Command.bytes / 4;

/** The orders that a program is about to send, a column for each: the same for the bare state machine and for the embedded exchange. */
export class OrderInputs {
  /** Orders in the columns. */
  count = 0;
  readonly kind: Uint8Array;
  readonly side: Uint8Array;
  readonly timeInForce: Uint8Array;
  readonly account: Int32Array;
  readonly timeUs: Float64Array;
  readonly clientOrderId: Float64Array;
  readonly orderId: Float64Array;
  readonly price: Int32Array;
  readonly quantity: Int32Array;

  constructor(capacity: number) {
    this.kind = new Uint8Array(capacity);
    this.side = new Uint8Array(capacity);
    this.timeInForce = new Uint8Array(capacity);
    this.account = new Int32Array(capacity);
    this.timeUs = new Float64Array(capacity);
    this.clientOrderId = new Float64Array(capacity);
    this.orderId = new Float64Array(capacity);
    this.price = new Int32Array(capacity);
    this.quantity = new Int32Array(capacity);
  }

  /** The orders, amends and cancels among commands of the scope `core`. */
  read(words: Int32Array, commands: number): void {
    this.count = 0;
    for (let slot = 0; slot < commands; slot++) {
      const at = slot * WORDS;
      if ((words[at] & 0xff) > CommandKind.Amend) continue;
      const i = this.count++;
      this.kind[i] = words[at] & 0xff;
      this.side[i] = (words[at] >>> 8) & 0xff;
      this.timeInForce[i] = (words[at] >>> 16) & 0xff;
      this.account[i] = words[at + Command.account / 4];
      this.timeUs[i] = getI64(words, at + Command.timeUs / 4);
      this.clientOrderId[i] = getI64(words, at + Command.clientOrderId / 4);
      this.orderId[i] = getI64(words, at + Command.orderId / 4);
      this.price[i] = getI64(words, at + Command.price / 4);
      this.quantity[i] = getI64(words, at + Command.quantity / 4);
    }
  }
}
