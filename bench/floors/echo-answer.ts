import { Code, codeName } from '../../engine/codes.ts';
import { putI64 } from '../../engine/units.ts';
import { CommandFrameReader, MAX_FRAME_COMMANDS } from '../../engine/wire/frames.ts';
import { Command, CommandKind, Report, ReportKind, TimeInForce } from '../../engine/wire/layout.ts';
import { type FrameMemory, REPORT_WORDS, RefusalList, ReportFrameWriter } from '../../engine/wire/report-frames.ts';

/** Fills that an immediate-or-cancel order of the load causes: its own, and the one of the order that rested. */
const FILLS = 2;
const NO_REJECTS = new RefusalList();
const READER = new CommandFrameReader();
const WRITER = new ReportFrameWriter((1 + FILLS) * MAX_FRAME_COMMANDS);
const ACCEPTED = reportOf(ReportKind.Accepted);
const FILL = reportOf(ReportKind.Fill);

/** The answers of one session: as many reports, of the same size, as the exchange has for the load's commands, without any processing. */
export class EchoAnswer {
  /** Number of the last report. */
  #last: number;

  constructor(last: number) {
    this.#last = last;
  }

  /**
   * A ReportFrame that accepts each command of the frame, with the fills of those that trade.
   * @param headroom bytes left free before the frame @param memory where the answer is made; default: memory of its own
   * @throws Error when it is not a CommandFrame
   */
  to(bytes: Uint8Array, headroom: number = 0, memory?: FrameMemory): Buffer {
    const code = READER.open(bytes);
    if (code !== Code.OK) throw new Error(`the echo received an invalid CommandFrame: ${codeName(code)}`);
    const { flat } = READER;
    for (let i = 0; i < READER.count; i++) {
      const at = READER.position(i);
      flat.copyWords(at + Command.tag, ACCEPTED, Report.tag / 4, 1);
      this.#add(ACCEPTED);
      if (flat.u8(at + Command.kind) !== CommandKind.New || flat.u8(at + Command.timeInForce) !== TimeInForce.ImmediateOrCancel) continue;
      for (let fill = 0; fill < FILLS; fill++) this.#add(FILL);
    }
    return WRITER.finish(NO_REJECTS, headroom, undefined, memory);
  }

  #add(report: Int32Array): void {
    putI64(report, Report.reportNo / 4, ++this.#last);
    WRITER.add(report, 0);
  }
}

function reportOf(kind: ReportKind): Int32Array {
  const report = new Int32Array(REPORT_WORDS);
  new Uint8Array(report.buffer)[Report.kind] = kind;
  return report;
}
