import { Code } from '../../../engine/codes.ts';
import { RefusalList, ReportFrameWriter } from '../../../engine/wire/report-frames.ts';
import { reject } from '../../reject.ts';
import { frameReject } from '../../sessions/frame-reject.ts';
import type { OrderIntake } from '../../sessions/order-intake.ts';
import type { ReportHub, SeqWaiter } from '../../sessions/report-hub.ts';
import type { GrpcCall } from './call.ts';
import { PREFIX_BYTES } from './message-reader.ts';
import { OneRequest } from './one-request.ts';
import { statusOf } from './reject-status.ts';

/** Collects the answers of one unary Submit: the first report of each accepted command, and the rejects of the others. */
class SubmitAnswer implements SeqWaiter {
  readonly #seqs: Float64Array;
  readonly #frame: ReportFrameWriter;
  readonly #refusals: RefusalList;
  readonly #call: GrpcCall;
  /** Wire schema of the request, and so of the answer. */
  readonly #schema: number;

  constructor(seqs: Float64Array, refusals: RefusalList, schema: number, call: GrpcCall) {
    this.#schema = schema;
    this.#seqs = seqs;
    this.#frame = new ReportFrameWriter(seqs.length);
    this.#refusals = refusals;
    this.#call = call;
  }

  expect(hub: ReportHub, account: number): void {
    for (const seq of this.#seqs) hub.expect(seq, account, this);
  }

  forget(hub: ReportHub): void {
    for (const seq of this.#seqs) hub.forget(seq);
  }

  onFirstReport(_seq: number, words: Int32Array, at: number): void {
    this.#frame.add(words, at);
    if (this.#frame.full) this.finish();
  }

  finish(): void {
    this.#call.write(this.#frame.finish(this.#refusals, PREFIX_BYTES, this.#schema));
    this.#call.end();
  }
}

/** Serves one unary Submit of `account`. */
export function serveSubmit(call: GrpcCall, account: number, hub: ReportHub, intake: OrderIntake): void {
  let answer: SubmitAnswer | undefined;
  const submit = (request: Buffer): void => {
    if (!hub.canAwait(intake.seqs.length)) {
      call.fail(statusOf(reject(Code.BUSY, 'too many Submit calls wait for their answers: try again, or use a Session')));
      return;
    }
    const refusals = new RefusalList();
    const code = intake.take(request, 0, request.length, account, refusals);
    if (code !== Code.OK) {
      call.fail(statusOf(frameReject(code, intake.reader.version)));
      return;
    }
    answer = new SubmitAnswer(intake.seqs.slice(0, intake.taken), refusals, intake.reader.version, call);
    if (intake.taken === 0) {
      answer.finish();
      return;
    }
    answer.expect(hub, account);
    intake.publish();
  };
  call.serve(new OneRequest(call, submit, { onClose: () => answer?.forget(hub) }));
}
