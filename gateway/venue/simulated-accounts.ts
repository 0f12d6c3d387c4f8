import { Code } from '../../engine/codes.ts';
import { type CommandFields, encodeCommand } from '../../engine/machine/command.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import type { Sequencer } from '../../engine/threads/sequencer.ts';
import { CommandKind } from '../../engine/wire/layout.ts';

/**
 * The accounts of a simulation: their commands on the way to the sequencer, their funds, and the orders that an earlier
 * simulation left. I/O thread only.
 */
export class SimulatedAccounts {
  readonly #accounts: readonly number[];
  readonly #directory: Directory;
  readonly #sequencer: Sequencer;
  readonly #onPublished: () => void;
  /** Orders left in the book by an earlier simulation, which this one does not track. */
  readonly #leftovers: CommandFields[];

  /** @param onPublished runs after each publish */
  constructor(accounts: readonly number[], directory: Directory, sequencer: Sequencer, onPublished: () => void) {
    this.#accounts = accounts;
    this.#directory = directory;
    this.#sequencer = sequencer;
    this.#onPublished = onPublished;
    this.#leftovers = accounts.flatMap((account) =>
      directory
        .openOrders(account, Number.POSITIVE_INFINITY)
        .map(({ orderId, symbol }) => ({ kind: CommandKind.Cancel, account, symbol, orderId })),
    );
  }

  /** False when the exchange takes no commands now. What was submitted goes out with {@link publish}. */
  submit(fields: CommandFields): boolean {
    const sequencer = this.#sequencer;
    const slot = sequencer.refusal() === Code.OK ? sequencer.claim() : -1;
    if (slot === -1) return false;
    encodeCommand(sequencer.slots.u8, sequencer.slots.i32, slot, fields);
    sequencer.stamp(slot);
    return true;
  }

  publish(): void {
    this.#sequencer.publish();
    this.#onPublished();
  }

  /** Cancels what an earlier simulation left, as far as the exchange takes commands now. @returns true if there was something to cancel */
  cancelLeftovers(): boolean {
    if (this.#leftovers.length === 0) return false;
    for (let next = this.#leftovers.at(-1); next !== undefined && this.submit(next); next = this.#leftovers.at(-1)) this.#leftovers.pop();
    this.publish();
    return true;
  }

  /** Tops up balances that fees and losses have reduced to less than half of what is needed. @param needed smallest units by asset, of each account */
  fund(needed: ReadonlyMap<number, number>): void {
    for (const account of this.#accounts) {
      const balances = this.#directory.account(account)?.balances ?? [];
      for (const [asset, amount] of needed) {
        const balance = balances.find((candidate) => candidate.asset.id === asset);
        const has = (balance?.available ?? 0) + (balance?.reserved ?? 0);
        const quantity = Math.round(amount - has);
        if (has < amount / 2) this.submit({ kind: CommandKind.Deposit, account, symbol: asset, quantity });
      }
    }
    this.publish();
  }
}
