import type { Code } from '../codes.ts';
import type { FlatReader } from './flat.ts';
import { IDENTIFIER, MIN_SCHEMA_VERSION } from './frames.ts';
import { Command, Refusal, Report } from './layout.ts';

export { ReportFrameReader } from './report-frame-reader.ts';

export const REPORT_WORDS = Report.bytes / 4;
const REFUSAL_WORDS = Refusal.bytes / 4;
/** `index` of a Refusal of a whole frame. */
export const WHOLE_FRAME = 0xffff_ffff;

/** Refusals that wait for the next frame. The memory never shrinks. The owner bounds it: it stops reading commands while refusals wait. */
export class RefusalList {
  words = new Int32Array(16 * REFUSAL_WORDS);
  u8 = new Uint8Array(this.words.buffer);
  u16 = new Uint16Array(this.words.buffer);
  count = 0;

  /** Adds a refusal of the command at `at` of the frame in `flat`; `index` is its position there. */
  add(code: Code, flat: FlatReader, at: number, index: number): void {
    const word = this.#next(code, index);
    this.u8[word * 4 + Refusal.kind] = flat.u8(at + Command.kind);
    flat.copyWords(at + Command.tag, this.words, word + Refusal.tag / 4, 1);
    flat.copyWords(at + Command.clientOrderId, this.words, word + Refusal.clientOrderId / 4, 4);
    flat.copyWords(at + Command.symbol, this.words, word + Refusal.symbol / 4, 1);
  }

  /** Adds a refusal of a whole frame. */
  addFrame(code: Code): void {
    this.#next(code, WHOLE_FRAME);
  }

  clear(): void {
    this.count = 0;
  }

  #next(code: Code, index: number): number {
    const word = this.count++ * REFUSAL_WORDS;
    if (word === this.words.length) {
      const larger = new Int32Array(word * 2);
      larger.set(this.words);
      this.words = larger;
      this.u8 = new Uint8Array(larger.buffer);
      this.u16 = new Uint16Array(larger.buffer);
    }
    this.words.fill(0, word, word + REFUSAL_WORDS);
    this.u16[word * 2] = code;
    this.words[word + Refusal.index / 4] = index;
    return word;
  }
}

//   0      4      8            20 table                                    36      40
//   ┌──────┬──────┬────────────┬─────────┬─────────┬──────────┬────────────┬───────┬───────────┬─────┬───────┬────────────┐
//   │ root │ OBL1 │ vtable, pad│ soffset │ reports │ refusals │ version,pad│ count │ reports … │ pad │ count │ refusals … │
//   └──────┴──────┴────────────┴─────────┴─────────┴──────────┴────────────┴───────┴───────────┴─────┴───────┴────────────┘
const HEADER_BYTES = 40;
const REPORTS_OFFSET_AT = 24;
const REFUSALS_OFFSET_AT = 28;
const VERSION_AT = 32;
const COUNT_AT = 36;
/** Padding that aligns the refusals, and their count. */
const MIDDLE_BYTES = 8;

/** Where the memory of frames comes from. */
export interface FrameMemory {
  /** A buffer of `bytes` with undefined content. */
  take(bytes: number): Buffer;
}

export const NEW_MEMORY: FrameMemory = { take: (bytes) => Buffer.allocUnsafe(bytes) };

/** Builds ReportFrames: copies reports unchanged after a template. Reused for each frame. */
export class ReportFrameWriter {
  readonly capacity: number;
  /** The frame so far; report `i` begins at `wordOf(i)`. */
  readonly words: Int32Array;
  readonly #bytes: Buffer;
  /** Reports in the frame so far. */
  count = 0;

  /** @param capacity most reports of a frame */
  constructor(capacity: number) {
    this.capacity = capacity;
    const memory = new ArrayBuffer(HEADER_BYTES + capacity * Report.bytes);
    this.words = new Int32Array(memory);
    this.#bytes = Buffer.from(memory);
    const view = new DataView(memory);
    view.setUint32(0, 20, true);
    view.setUint32(4, IDENTIFIER, true);
    view.setUint16(8, 10, true);
    view.setUint16(10, 14, true);
    view.setUint16(12, 12, true);
    view.setUint16(14, 4, true);
    view.setUint16(16, 8, true);
    view.setInt32(20, 12, true);
    view.setUint32(REPORTS_OFFSET_AT, COUNT_AT - REPORTS_OFFSET_AT, true);
  }

  get full(): boolean {
    return this.count === this.capacity;
  }

  /** First word of report `index`. */
  wordOf(index: number): number {
    return (HEADER_BYTES >> 2) + index * REPORT_WORDS;
  }

  /** Adds the report at word `from`. The frame is not full. */
  add(words: Int32Array, from: number): void {
    const to = this.wordOf(this.count++);
    const out = this.words;
    for (let i = 0; i < REPORT_WORDS; i++) out[to + i] = words[from + i];
  }

  /**
   * Returns the frame, with the refusals after the reports, in memory of its own. Empties the writer, but not the list of refusals.
   * @param headroom bytes left free before the frame, for the header of the transport
   * @param version schema version of the frame; all supported versions have the same layout
   */
  finish(refusals: RefusalList, headroom: number = 0, version: number = MIN_SCHEMA_VERSION, memory: FrameMemory = NEW_MEMORY): Buffer {
    const reports = this.count * Report.bytes;
    const middle = HEADER_BYTES + reports;
    const frame = memory.take(headroom + middle + MIDDLE_BYTES + refusals.count * Refusal.bytes);
    this.words[REFUSALS_OFFSET_AT >> 2] = middle + 4 - REFUSALS_OFFSET_AT;
    this.words[VERSION_AT >> 2] = version;
    this.words[COUNT_AT >> 2] = this.count;
    this.#bytes.copy(frame, headroom, 0, middle);
    frame.writeUInt32LE(0, headroom + middle);
    frame.writeUInt32LE(refusals.count, headroom + middle + 4);
    if (refusals.count !== 0) frame.set(refusals.u8.subarray(0, refusals.count * Refusal.bytes), headroom + middle + MIDDLE_BYTES);
    this.count = 0;
    return frame;
  }
}
