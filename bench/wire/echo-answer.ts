import { Code, codeName } from '../../engine/codes.ts';
import { putI64 } from '../../engine/units.ts';
import { CommandFrameReader, MAX_FRAME_COMMANDS } from '../../engine/wire/frames.ts';
import { Command, Report, ReportKind } from '../../engine/wire/layout.ts';
import { REPORT_WORDS, RefusalList, ReportFrameWriter } from '../../engine/wire/report-frames.ts';

const NO_REJECTS = new RefusalList();
const READER = new CommandFrameReader();
const WRITER = new ReportFrameWriter(MAX_FRAME_COMMANDS);
const ACCEPTED = new Int32Array(REPORT_WORDS);
new Uint8Array(ACCEPTED.buffer)[Report.kind] = ReportKind.Accepted;

/** The answers of one session: the same size as the exchange's, without any processing. */
export class EchoAnswer {
  /** Number of the last report. */
  #last: number;

  constructor(last: number) {
    this.#last = last;
  }

  /** A ReportFrame that accepts each command of the frame. @throws Error when it is not a CommandFrame */
  to(bytes: Uint8Array): Buffer {
    const code = READER.open(bytes);
    if (code !== Code.OK) throw new Error(`the echo received an invalid CommandFrame: ${codeName(code)}`);
    const { flat } = READER;
    for (let i = 0; i < READER.count; i++) {
      flat.copyWords(READER.position(i) + Command.tag, ACCEPTED, Report.tag / 4, 1);
      putI64(ACCEPTED, Report.reportNo / 4, ++this.#last);
      WRITER.add(ACCEPTED, 0);
    }
    return WRITER.finish(NO_REJECTS);
  }
}
