import { fail } from '../assert.ts';
import type { OrderRequest } from '../rules/order-request.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { getI64, type Seq } from '../units.ts';
import { minQuantityOf } from '../wire/command-extension.ts';
import { Command, CommandExtension } from '../wire/layout.ts';
import { NO_KIND, orderKindOf } from '../wire/order-kinds.ts';

const WORDS = Command.bytes / 4;
const SEQ = CommandExtension.seq / 4;
const HALF = WORDS / 2;

/**
 * The extension record in front of a long command: kept until the next command,
 * which takes it or drops it. A crash can leave one at the end of the log whose
 * command was never durable; then the next command is another one. A snapshot
 * may fall between the two, so it is part of the state. Owned by the engine
 * thread.
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

  /** The command at work, which announces an extension, takes it. @throws InvariantError when there is none in front of it */
  complete(order: OrderRequest, seq: Seq): void {
    if (!this.#pending || getI64(this.#words, SEQ) !== seq - 1) fail(`command ${seq} announces an extension that is not in front of it`);
    this.#pending = false;
    order.minQuantity = minQuantityOf(this.#words, 0);
    const instructions = this.#words[CommandExtension.instructions / 4];
    order.orderKind = orderKindOf(this.#bytes[CommandExtension.orderType], order.timeInForce, instructions, order.minQuantity !== 0);
    if (order.orderKind === NO_KIND) fail(`command ${seq} is of no kind of order that this release knows`);
  }

  /** Another command follows. */
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
