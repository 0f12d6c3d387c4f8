import { Code } from '../../engine/codes.ts';
import { Refusal, Report, ReportKind } from '../../engine/wire/layout.ts';
import type { ReportFrameReader } from '../../engine/wire/report-frames.ts';

/** Maximum number of commands in flight: a server with a larger backlog is overloaded. */
export const MAX_IN_FLIGHT = 2 ** 20;
const MASK = MAX_IN_FLIGHT - 1;

/** Called for each answer; `plannedMs` is the planned time of its command. */
export type OnAnswer = (plannedMs: number, nowMs: number) => void;

/**
 * The commands that wait for their answer, with their planned times. A command's tag is its
 * number, so that the planned time of an answer is one array read. Duplicate and
 * unexpected answers are counted: a run with any of them is invalid.
 */
export class InFlight {
  sent = 0;
  answered = 0;
  /** Rejects by the engine and by the gateway. */
  rejected = 0;
  /** The code of the first reject. */
  rejectCode = 0;
  fills = 0;
  /** Answers to commands that were already answered, or never sent. */
  unexpected = 0;
  /** Reports whose number did not follow the last one. */
  gaps = 0;
  onAnswer: OnAnswer = () => undefined;
  /** Called for each reject of a command that waited, with the planned time of the command. */
  onReject: (plannedMs: number) => void = () => undefined;
  readonly #plannedMs = new Float64Array(MAX_IN_FLIGHT);
  readonly #waiting = new Uint8Array(MAX_IN_FLIGHT);

  get count(): number {
    return this.sent - this.answered;
  }

  /** Registers a command and returns its tag. `count` is below {@link MAX_IN_FLIGHT}. */
  add(plannedMs: number): number {
    const tag = this.sent++ >>> 0;
    this.#plannedMs[tag & MASK] = plannedMs;
    this.#waiting[tag & MASK] = 1;
    return tag;
  }

  /** The planned time of the oldest command that waits for its answer. */
  oldestPlannedMs(): number | undefined {
    for (let tag = Math.max(0, this.sent - MAX_IN_FLIGHT); tag < this.sent; tag++)
      if (this.#waiting[tag & MASK] === 1) return this.#plannedMs[tag & MASK];
    return undefined;
  }

  /** Takes the reports of one frame. @param last number of the account's previous report, undefined if unknown @returns number of its newest report */
  take(frame: ReportFrameReader, last: number | undefined, nowMs: number): number | undefined {
    const { flat } = frame;
    let no = last;
    for (let i = 0, at = frame.reportsAt; i < frame.reports; i++, at += Report.bytes) {
      const reportNo = flat.u53(at + Report.reportNo);
      if (no !== undefined && reportNo !== no + 1) this.gaps++;
      no = reportNo;
      const kind = flat.u8(at + Report.kind);
      if (kind === ReportKind.Fill) this.fills++;
      else if (kind === ReportKind.Accepted || kind === ReportKind.Amended) this.#answer(flat.u32(at + Report.tag), nowMs);
      else if (kind === ReportKind.Cancelled) {
        // The remainder of an immediate-or-cancel order is cancelled, too; its answer came before.
        if (flat.u16(at + Report.code) === Code.CANCELLED_BY_CLIENT) this.#answer(flat.u32(at + Report.tag), nowMs);
      } else this.#reject(flat.u16(at + Report.code), flat.u32(at + Report.tag));
    }
    for (let i = 0, at = frame.refusalsAt; i < frame.refusals; i++, at += Refusal.bytes)
      this.#reject(flat.u16(at + Refusal.code), flat.u32(at + Refusal.tag));
    return no;
  }

  #answer(tag: number, nowMs: number): void {
    if (this.#settle(tag)) this.onAnswer(this.#plannedMs[tag & MASK], nowMs);
  }

  /** Stops waiting for it; it has no latency. */
  #reject(code: number, tag: number): void {
    if (this.rejected++ === 0) this.rejectCode = code;
    if (this.#settle(tag)) this.onReject(this.#plannedMs[tag & MASK]);
  }

  #settle(tag: number): boolean {
    const at = tag & MASK;
    if (this.#waiting[at] === 0) {
      this.unexpected++;
      return false;
    }
    this.#waiting[at] = 0;
    this.answered++;
    return true;
  }
}
