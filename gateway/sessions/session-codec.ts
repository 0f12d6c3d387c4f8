import { type FrameMemory, type RefusalList, ReportFrameWriter } from '../../engine/wire/report-frames.ts';

/** How the answers of a session are written. I/O thread. */
export interface SessionCodec {
  /** Takes the reports of the next message, which is made and handed over in one turn: sessions may share it. */
  readonly frame: ReportFrameWriter;
  /** Whether a message may be made now. If not, the codec calls `onReportsReady` of the session when it may. */
  mayWrite(): boolean;
  /**
   * A message of the reports in `frame`, which it empties, and of the refusals, which it leaves.
   * @param headroom bytes left free before it @param schema wire schema of a FlatBuffer
   * @returns memory of `memory`; undefined: the client gets nothing of it
   */
  encode(refusals: RefusalList, headroom: number, schema: number, memory: FrameMemory): Buffer | undefined;
}

/** Maximum reports of one frame: 128 KiB, the most that is in flight to one session. */
const FRAME_REPORTS = 1024;

/** FlatBuffers: ReportFrames of openbell.fbs. */
export const FLATBUFFERS: SessionCodec = {
  frame: new ReportFrameWriter(FRAME_REPORTS),
  mayWrite: () => true,
  encode: (refusals, headroom, schema, memory) => FLATBUFFERS.frame.finish(refusals, headroom, schema, memory),
};
