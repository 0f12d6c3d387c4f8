import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { Code } from '../engine/codes.ts';
import { RefusalList, ReportFrameWriter } from '../engine/wire/report-frames.ts';
import type { OrderIntake } from './order-intake.ts';
import { fault, frameFault } from './order-status.ts';
import type { ReportHub, SeqWaiter } from './report-hub.ts';

/** Collects the answers of one unary Submit: the first report of each command that was taken, and the refusals of the others. */
class SubmitAnswer implements SeqWaiter {
  readonly #seqs: Float64Array;
  readonly #frame: ReportFrameWriter;
  readonly #refusals: RefusalList;
  readonly #callback: sendUnaryData<Buffer>;

  constructor(seqs: Float64Array, refusals: RefusalList, callback: sendUnaryData<Buffer>) {
    this.#seqs = seqs;
    this.#frame = new ReportFrameWriter(seqs.length);
    this.#refusals = refusals;
    this.#callback = callback;
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
    this.#callback(null, this.#frame.finish(this.#refusals));
  }
}

/** One unary Submit of `account`. */
export function submit(
  call: ServerUnaryCall<Buffer, Buffer>,
  callback: sendUnaryData<Buffer>,
  account: number,
  hub: ReportHub,
  intake: OrderIntake,
): void {
  if (!hub.canAwait(intake.seqs.length)) {
    callback(fault(status.RESOURCE_EXHAUSTED, Code.BUSY, 'too many Submit calls wait for their answers: try again, or use a Session'));
    return;
  }
  const refusals = new RefusalList();
  const code = intake.take(call.request, account, refusals);
  if (code !== Code.OK) {
    callback(frameFault(code, intake.reader.version));
    return;
  }
  const answer = new SubmitAnswer(intake.seqs.slice(0, intake.taken), refusals, callback);
  if (intake.taken === 0) {
    answer.finish();
    return;
  }
  answer.expect(hub, account);
  call.on('cancelled', () => answer.forget(hub));
  intake.publish();
}
