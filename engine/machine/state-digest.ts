import type { OrderSlab } from '../book/order-slab.ts';
import type { Accounts } from '../rules/accounts.ts';
import type { Symbols } from '../rules/symbols.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { getI64, type Seq } from '../units.ts';
import { Command, CommandKind } from '../wire/layout.ts';
import type { CommandFields } from './command.ts';
import { ReportWord, type ReportWriter } from './report-writer.ts';
import type { MachineState } from './state.ts';

/** Commands between two checkpoints, a power of two. */
export const CHECKPOINT_COMMANDS = 2 ** 16;
/** Layout of the digest; a statement names it. */
const DIGEST_VERSION = 1;
/** A checkpoint covers the balances of one account in so many; after as many checkpoints each was covered. */
const ACCOUNT_SHARE = 64;
const WORDS = Command.bytes / 4;
const { code: CODE, orderId: ORDER_ID, price: PRICE, quantity: QUANTITY, leaves: LEAVES } = ReportWord;
const TWO_M32 = 2 ** -32;

/** A replay came to another state than the exchange that wrote the log. Nothing was changed. */
export class DivergedError extends Error {
  readonly code = 'STATE_DIVERGED';

  constructor(checkpoint: Seq, seq: Seq, logged: string, replayed: string) {
    super(
      `The replay diverged from the log: at command ${checkpoint} the state digest is ${replayed}, and the log states ${logged} (in command ${seq}). ` +
        'Commands up to there do not give the answers that were acknowledged. Nothing was changed, and the exchange does not start. ' +
        'Start the release that wrote the log; if it diverges as well, compare the log with a copy, or start from the newest snapshot behind that command.',
    );
    this.name = 'DivergedError';
  }
}

/**
 * A digest of what the state machine did, which the log states every
 * {@link CHECKPOINT_COMMANDS} commands: a replay that comes to another one has
 * diverged, and stops there instead of trading on.
 *
 * Each command folds in the last report that it wrote, how many reports and
 * resting orders there are. Each checkpoint folds in prices and trade numbers
 * of all symbols, fees and deposits of all assets, and a rotating part of the
 * balances. It takes a few nanoseconds per command, where a hash of the whole
 * state takes a pause. 64 bits in two lanes; it finds faults, not forgeries.
 * Owned by the engine thread.
 */
export class StateDigest implements StatePart {
  readonly kinds = [RowKind.Digest];
  /** Sequence of the last checkpoint, 0 before the first, and the digest there. */
  checkpointSeq = 0;
  checkpointHigh = 0;
  checkpointLow = 0;
  /** The last checkpoint that the log is known to state; not part of the state. */
  statedSeq = 0;
  readonly #reports: ReportWriter;
  #high = 0;
  #low = 0;
  /** Reports of which the last one is in the digest. */
  #folded = 0;
  readonly #state: MachineState;
  readonly #slab: OrderSlab;
  readonly #accounts: Accounts;
  readonly #symbols: Symbols;

  constructor(state: MachineState) {
    this.#state = state;
    this.#reports = state.reports;
    this.#slab = state.slab;
    this.#accounts = state.accounts;
    this.#symbols = state.symbols;
  }

  /** After each command. */
  fold(seq: Seq): void {
    const r = this.#reports;
    const { count } = r;
    let high = this.#high ^ this.#slab.count;
    if (count !== this.#folded) {
      this.#folded = count;
      const { words, at } = r;
      high ^= words[at] ^ (words[at + CODE] << 8) ^ words[at + ORDER_ID];
      high = Math.imul(high, 0x9e3779b1) ^ words[at + PRICE];
      this.#low = Math.imul(this.#low ^ words[at + QUANTITY] ^ (high >>> 15), 0x297a2d39) ^ words[at + LEAVES];
    }
    this.#high = high ^ (high >>> 13);
    if (((seq | 0) & (CHECKPOINT_COMMANDS - 1)) === 0) this.#checkpoint(seq);
  }

  /** Compares what the command in `slot` states with this state. @throws DivergedError */
  check(bytes: Uint8Array, words: Int32Array, slot: number): void {
    const w = slot * WORDS;
    const checkpoint = getI64(words, w + Command.quantity / 4);
    // A statement about another checkpoint came too late to be compared, or has another layout.
    if (bytes[slot * Command.bytes + Command.parameter] !== DIGEST_VERSION || checkpoint !== this.checkpointSeq) return;
    const high = words[w + Command.orderId / 4];
    const low = words[w + Command.price / 4];
    this.statedSeq = checkpoint;
    if (high === this.checkpointHigh && low === this.checkpointLow) return;
    throw new DivergedError(checkpoint, this.#state.seq, digestText(high, low), digestText(this.checkpointHigh, this.checkpointLow));
  }

  save(out: RowWriter): void {
    if (this.#state.rules < 2) return;
    const { checkpointSeq, checkpointHigh, checkpointLow } = this;
    out.row(RowKind.Digest, this.#high, this.#low, checkpointSeq, checkpointHigh, checkpointLow, this.#reports.count);
  }

  load(r: Float64Array, at: number): void {
    this.#high = r[at + 1];
    this.#low = r[at + 2];
    this.checkpointSeq = r[at + 3];
    this.checkpointHigh = r[at + 4];
    this.checkpointLow = r[at + 5];
    this.#reports.count = r[at + 6];
    this.#folded = r[at + 6];
  }

  #checkpoint(seq: Seq): void {
    const accounts = this.#accounts;
    const symbols = this.#symbols;
    for (let symbol = 0; symbol < symbols.capacity; symbol++) {
      if (symbols.defined[symbol] === 0) continue;
      this.#mix(symbols.lastPrice[symbol]);
      this.#mix(symbols.tradeId[symbol]);
    }
    for (let asset = 0; asset < accounts.assets; asset++) {
      if (accounts.assetDefined[asset] === 0) continue;
      this.#mix(accounts.fees[asset]);
      this.#mix(accounts.deposited[asset]);
    }
    for (let account = Math.floor(seq / CHECKPOINT_COMMANDS) % ACCOUNT_SHARE; account < accounts.capacity; account += ACCOUNT_SHARE) {
      if (accounts.defined[account] === 0) continue;
      for (let at = account * accounts.assets; at < (account + 1) * accounts.assets; at++) {
        // Only what is not 0: another number of assets that there is room for must not change it.
        if (accounts.available[at] !== 0) this.#mix(accounts.available[at]);
        if (accounts.reserved[at] !== 0) this.#mix(accounts.reserved[at]);
      }
    }
    this.checkpointSeq = seq;
    this.checkpointHigh = this.#high;
    this.checkpointLow = this.#low;
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ (value | 0), 0x9e3779b1);
    this.#high ^= this.#high >>> 15;
    this.#low = Math.imul(this.#low ^ ((value * TWO_M32) | 0) ^ this.#high, 0x85ebca6b);
  }
}

/** 16 hexadecimal digits. */
export function digestText(high: number, low: number): string {
  return [high, low].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
}

/** The command that states a checkpoint. */
export function digestCommand(checkpoint: Seq, high: number, low: number): CommandFields {
  return { kind: CommandKind.StateDigest, parameter: DIGEST_VERSION, quantity: checkpoint, orderId: high >>> 0, price: low >>> 0 };
}
