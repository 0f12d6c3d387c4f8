import { Code } from '../../../engine/codes.ts';
import { CommandBatch } from '../../../engine/wire/frames.ts';
import { REPORT_WORDS, RefusalList } from '../../../engine/wire/report-frames.ts';
import { ReportView } from '../../../engine/wire/report-view.ts';
import type { NewCommand } from '../../client/order-commands.ts';
import { putCommand } from '../../client/pending-commands.ts';
import type { OrderSessions } from '../../sessions/order-sessions.ts';
import { brokenLimit } from '../json/broken-limit.ts';
import { orderError } from '../json/order-error.ts';
import { HttpError } from './http-error.ts';

/** Longer than any stall of a healthy exchange; a full disk may last longer. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Reports that an answer includes at most: the first one, and fills that came with it. */
const MOST_REPORTS = 1024;
/** A long order counts as two. */
const BATCH = 2;

/** The answer of a command, and where the hub has it. */
interface First {
  readonly slot: number;
  readonly reportNo: number;
  readonly words: Int32Array;
}

/**
 * Sends commands of orders on the path of unary calls over gRPC: in a frame, through the intake that all sessions share, which
 * checks, limits and numbers them. I/O thread.
 */
export class OrderSender {
  readonly #sessions: Pick<OrderSessions, 'hub' | 'intake' | 'counters'>;
  readonly #timeoutMs: number;
  readonly #batch = new CommandBatch(BATCH);
  readonly #refusals = new RefusalList();
  readonly #first = new ReportView();

  constructor(sessions: Pick<OrderSessions, 'hub' | 'intake' | 'counters'>, timeoutMs: number = ANSWER_TIMEOUT_MS) {
    this.#sessions = sessions;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends a command of the account and waits for its answer.
   * @param seqs receives the command's place in the log
   * @returns packed reports of the account: the answer, and those after it that have come with it
   * @throws HttpError when the command is refused before it is sequenced, and 504 when it is not answered
   */
  async send(account: number, command: NewCommand, seqs: number[]): Promise<Int32Array> {
    const seq = this.#take(account, command);
    seqs.push(seq);
    const { hub, intake } = this.#sessions;
    const { promise, resolve } = Promise.withResolvers<First | undefined>();
    hub.expect(seq, account, {
      onFirstReport: (_seq, words, at) =>
        resolve({
          slot: hub.newestSlot(account),
          reportNo: this.#first.wrap(words, at).reportNo,
          words: words.slice(at, at + REPORT_WORDS),
        }),
    });
    const timer = setTimeout(() => resolve(undefined), this.#timeoutMs);
    intake.publish();
    const first = await promise;
    clearTimeout(timer);
    if (first !== undefined) {
      const reports = hub.copyFrom(account, first.reportNo, first.slot, MOST_REPORTS);
      return reports.length === 0 ? first.words : reports;
    }
    hub.forget(seq);
    const message = `command ${seq} is not answered after ${this.#timeoutMs / 1000} s: look for the order by its client order id`;
    throw new HttpError(504, 0, 'NO_ANSWER', message, { seq });
  }

  /** Takes the command into the ring. @returns its seq */
  #take(account: number, command: NewCommand): number {
    const { hub, intake, counters } = this.#sessions;
    counters.submits++;
    if (!hub.canAwait(1)) throw orderError(Code.BUSY);
    const batch = this.#batch;
    batch.clear();
    putCommand(batch, { ...command, tag: 0 });
    const frame = batch.bytes();
    const refusals = this.#refusals;
    refusals.clear();
    const fault = intake.take(frame, 0, frame.length, account, refusals);
    if (fault !== Code.OK) throw orderError(fault);
    // The code is in the first half of the first word.
    if (intake.taken === 0) {
      const code = (refusals.u16[0] ?? Code.BUSY) as Code;
      const limit = brokenLimit(code, undefined, undefined);
      throw orderError(code, limit && { limit });
    }
    return intake.seqs[0];
  }
}
