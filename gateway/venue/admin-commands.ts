import { Code, codeName } from '../../engine/codes.ts';
import { type CommandFields, encodeCommand } from '../../engine/machine/command.ts';
import type { Sequencer } from '../../engine/threads/sequencer.ts';
import { Report, ReportKind } from '../../engine/wire/layout.ts';
import { ReportFlag } from '../../engine/wire/names.ts';
import { ReportView } from '../../engine/wire/report-view.ts';
import type { ReportHub } from '../sessions/report-hub.ts';

/** Longer than any stall of a healthy exchange; a full disk may last longer. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Each lets 256 orders or more enter or end before it. */
const MOST_UNCROSSES = 16_384;

export interface AdminAnswer {
  readonly code: Code;
  /** Sequence of the command; 0 when it was not sequenced. For a repeated request, the sequence of the first one. */
  readonly seq: number;
  /** An earlier command with the same idempotency key gave this answer, and this one did nothing. */
  readonly repeated: boolean;
  /** Uncross: the price in ticks and the volume in lots. CancelOrders, CancelGroup and KillSwitch: the number of cancelled orders as quantity. Else 0. */
  readonly price: number;
  readonly quantity: number;
  /** More orders are left to cancel, send the command again. */
  readonly more: boolean;
  /** CancelGroup: orders that later commands cancel, without a further request. */
  readonly later: number;
}

/** The engine has not answered; the command may or may not take effect. */
export class AdminTimeoutError extends Error {
  readonly code = 'OPENBELL_NO_ANSWER';
  /** The command's sequence. */
  readonly seq: number;

  constructor(seq: number, timeoutMs: number) {
    super(`command ${seq} is not answered after ${timeoutMs / 1000} s; check /health/ready, then whether it took effect`);
    this.seq = seq;
  }
}

/**
 * Sends administrative commands through the sequencer, like any other command:
 * they are journaled, ordered with the orders, and answered on the stream of
 * account 0. I/O thread only.
 */
export class AdminCommands {
  readonly #sequencer: Pick<Sequencer, 'slots' | 'refusal' | 'claim' | 'stamp' | 'publish'>;
  readonly #hub: Pick<ReportHub, 'awaitSeq' | 'canAwait' | 'forget'>;
  readonly #onPublished: () => void;
  readonly #timeoutMs: number;

  /** @param onPublished called after each command: topology `compact` runs the engine there */
  constructor(
    sequencer: Pick<Sequencer, 'slots' | 'refusal' | 'claim' | 'stamp' | 'publish'>,
    hub: Pick<ReportHub, 'awaitSeq' | 'canAwait' | 'forget'>,
    onPublished: () => void,
    timeoutMs: number = ANSWER_TIMEOUT_MS,
  ) {
    this.#sequencer = sequencer;
    this.#hub = hub;
    this.#onPublished = onPublished;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sequences a command at once, in the order of the calls; resolves with the
   * engine's answer, in mode `durable` when it is on the disk. BUSY, DISK_FULL
   * and DRAINING mean that it was not taken. An uncross that waits for what comes before it is sent
   * again, until it is its turn: each one does a part of that.
   * @throws AdminTimeoutError
   */
  async submit(fields: CommandFields): Promise<AdminAnswer> {
    for (let sent = 1; ; sent++) {
      const answer = await this.#submitOnce(fields);
      if (answer.code !== Code.UNCROSS_WAITS || sent === MOST_UNCROSSES) return answer;
    }
  }

  async #submitOnce(fields: CommandFields): Promise<AdminAnswer> {
    const sequencer = this.#sequencer;
    const code = sequencer.refusal();
    if (code !== Code.OK) return rejected(code);
    const slot = this.#hub.canAwait(1) ? sequencer.claim() : -1;
    if (slot === -1) return rejected(Code.BUSY);
    encodeCommand(sequencer.slots.u8, sequencer.slots.i32, slot, fields);
    const seq = sequencer.stamp(slot);
    const answer = this.#hub.awaitSeq(seq);
    sequencer.publish();
    this.#onPublished();
    return await this.#within(seq, answer);
  }

  async #within(seq: number, answer: Promise<Uint8Array>): Promise<AdminAnswer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#hub.forget(seq);
        reject(new AdminTimeoutError(seq, this.#timeoutMs));
      }, this.#timeoutMs);
    });
    try {
      return readAnswer(seq, await Promise.race([answer, late]));
    } finally {
      clearTimeout(timer);
    }
  }
}

function rejected(code: Code): AdminAnswer {
  return { code, seq: 0, repeated: false, price: 0, quantity: 0, more: false, later: 0 };
}

function readAnswer(seq: number, report: Uint8Array): AdminAnswer {
  const { kind, code, flags, price, quantity, leaves } = new ReportView().wrap(
    new Int32Array(report.buffer, report.byteOffset, Report.bytes / 4),
    0,
  );
  const repeated = (flags & ReportFlag.Duplicate) !== 0;
  const outcome = kind === ReportKind.Accepted ? Code.OK : (code as Code);
  return { code: outcome, seq: repeated ? quantity : seq, repeated, price, quantity, more: leaves !== 0, later: leaves };
}

/** Advice for the code of an administrative command; empty for OK. */
export function adminAdvice(code: number): string {
  return ADVICE.get(code) ?? (code === Code.OK ? '' : `rejected with ${codeName(code)}: see docs/CODES.md`);
}

const ADVICE = new Map<number, string>([
  [Code.BUSY, 'the exchange is busy or has failed: check /health/ready and try again'],
  [Code.DISK_FULL, 'the disk is full: free space, trading then resumes by itself'],
  [Code.DRAINING, 'the exchange is stopping: try again when it is back'],
  [Code.UNKNOWN_ACCOUNT, 'there is no such account: define it with POST /v1/accounts'],
  [Code.INSUFFICIENT_FUNDS, 'the account has less than that available: withdraw less, or cancel orders that hold it'],
  [Code.UNKNOWN_SYMBOL, 'there is no such symbol: define it with POST /v1/symbols'],
  [Code.BAD_PARAMETER, 'a value is out of its range: see docs/CONFIGURATION.md for the limits'],
  [Code.CAPACITY, 'the id is above the capacity in force: choose a smaller one, or raise capacities in the configuration and restart'],
  [Code.IDEMPOTENCY_KEY_REUSED, 'the idempotency key was already used with another asset, amount or action: send a new key'],
  [Code.ALREADY_DEFINED, 'the id or the name is taken: choose another'],
  [Code.UNKNOWN_ASSET, 'there is no such asset: define it with POST /v1/assets'],
  [Code.BOOK_NOT_EMPTY, 'orders rest in the book: this can change only when it is empty; POST /v1/symbols/NAME/cancel-orders empties it'],
  [Code.UNKNOWN_ORDER, 'no such order rests: it may have been filled or cancelled meanwhile'],
  [Code.WRONG_PHASE, 'the symbol is not in an auction, or in pre-open: set phase auction first'],
  [Code.UNCROSS_WAITS, 'many orders enter the auction or come to their end before the uncross: send it again'],
  [Code.BOOK_CROSSED, 'buy and sell orders cross: uncross first'],
]);
