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
/** Version of the layout of the digest, which each logged digest contains. */
const DIGEST_VERSION = 1;
/** A checkpoint covers the balances of one in this many accounts. After this many checkpoints, every account was covered. */
const ACCOUNT_SHARE = 64;
const WORDS = Command.bytes / 4;
const { code: CODE, orderId: ORDER_ID, price: PRICE, quantity: QUANTITY, leaves: LEAVES } = ReportWord;
const TWO_M32 = 2 ** -32;

/** The state of a replay differs from the state of the exchange that wrote the log. Nothing was changed. */
export class DivergedError extends Error {
  readonly code = 'STATE_DIVERGED';

  constructor(checkpoint: Seq, seq: Seq, logged: string, replayed: string) {
    super(
      `The replay diverged from the log: at command ${checkpoint} the state digest is ${replayed}, but the log has ${logged} (in command ${seq}). ` +
        'Commands up to there do not give the answers that were acknowledged. Nothing was changed, and the exchange does not start. ' +
        'Start the release that wrote the log; if it diverges as well, compare the log with a copy, or start from the newest snapshot behind that command.',
    );
    this.name = 'DivergedError';
  }
}

/**
 * A running digest of the state machine. The log contains it every
 * {@link CHECKPOINT_COMMANDS} commands. A replay with a different digest has
 * diverged, and stops there.
 *
 * Each command adds the last report that it wrote, the number of reports and the
 * number of resting orders. Each checkpoint adds prices and trade numbers of all
 * symbols, fees and deposits of all assets, and a rotating part of the balances.
 * The digest takes a few nanoseconds per command; a hash of the whole state
 * would pause trading. It has 64 bits in two lanes, and detects faults, not
 * forgeries. Owned by the engine thread.
 */
export class StateDigest implements StatePart {
  readonly kinds = [RowKind.Digest];
  /** Sequence of the last checkpoint, 0 before the first, and the digest there. */
  checkpointSeq = 0;
  checkpointHigh = 0;
  checkpointLow = 0;
  /** The last checkpoint whose digest is in the log; not part of the state. */
  statedSeq = 0;
  readonly #reports: ReportWriter;
  #high = 0;
  #low = 0;
  /** Number of reports up to the last one in the digest. */
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

  /** Call it after each command. */
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

  /** Compares the digest in the command in `slot` with this state. @throws DivergedError */
  check(bytes: Uint8Array, words: Int32Array, slot: number): void {
    const w = slot * WORDS;
    const checkpoint = getI64(words, w + Command.quantity / 4);
    // A digest of another checkpoint was logged too late for a comparison, or has another layout.
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
      for (let at = account * accounts.balanceRow; at < (account + 1) * accounts.balanceRow; at++) {
        // Only values other than 0, so that the digest does not depend on the capacity for assets.
        if (accounts.balances[at] !== 0) this.#mix(accounts.balances[at]);
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

/** Creates the command that logs the digest of a checkpoint. */
export function digestCommand(checkpoint: Seq, high: number, low: number): CommandFields {
  return { kind: CommandKind.StateDigest, parameter: DIGEST_VERSION, quantity: checkpoint, orderId: high >>> 0, price: low >>> 0 };
}
