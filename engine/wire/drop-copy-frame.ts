import { Code } from '../codes.ts';
import { putI64 } from '../units.ts';
import { FlatReader } from './flat.ts';
import { MIN_SCHEMA_VERSION, supportsSchema, writeListHeader } from './frames.ts';
import { ResumePoint } from './layout.ts';
import { type FrameMemory, NEW_MEMORY } from './report-frames.ts';

/** Most accounts of one drop copy. */
export const MAX_DROP_COPY_ACCOUNTS = 1024;

const FIELD_VERSION = 0;
const FIELD_POINTS = 1;

/** Where the reports of an account begin. */
export interface Resumption {
  readonly account: number;
  /** The reports after this number; undefined: only new ones. */
  readonly after: number | undefined;
}

//   0      4       8        16 table                    28      32
//   ┌──────┬───────┬────────┬─────────┬────────┬────────┬───────┬─────────┐
//   │ root │ OBL1  │ vtable │ soffset │ points │version │ count │ points …│
//   └──────┴───────┴────────┴─────────┴────────┴────────┴───────┴─────────┘
const HEADER_BYTES = 32;

/**
 * Builds a DropCopyFrame.
 * @param headroom bytes left free before the frame, for the header of the transport
 */
export function encodeDropCopy(
  points: readonly Resumption[],
  version: number = MIN_SCHEMA_VERSION,
  headroom: number = 0,
  memory: FrameMemory = NEW_MEMORY,
): Buffer {
  const frame = new ArrayBuffer(HEADER_BYTES + points.length * ResumePoint.bytes);
  const view = new DataView(frame);
  writeListHeader(view, version);
  view.setUint32(28, points.length, true);
  const words = new Int32Array(frame);
  for (const [i, { account, after }] of points.entries()) {
    const at = HEADER_BYTES + i * ResumePoint.bytes;
    view.setUint32(at + ResumePoint.account, account, true);
    view.setUint32(at + ResumePoint.resume, after === undefined ? 0 : 1, true);
    putI64(words, (at + ResumePoint.lastReport) / 4, after ?? 0);
  }
  const bytes = memory.take(headroom + frame.byteLength);
  bytes.set(new Uint8Array(frame), headroom);
  return bytes;
}

/**
 * Verifies an untrusted DropCopyFrame: layout, number of accounts, ids, and that no account occurs twice.
 * @returns its points and schema version, or MALFORMED_FRAME, WRONG_SCHEMA_VERSION, FRAME_TOO_LARGE, BAD_RANGE
 */
export function decodeDropCopy(
  bytes: Uint8Array,
  at: number = 0,
  length: number = bytes.byteLength,
): { readonly code: Code; readonly version: number; readonly points: readonly Resumption[] } {
  const flat = new FlatReader();
  const answer = (code: Code, version = 0, points: readonly Resumption[] = []) => ({ code, version, points });
  if (!flat.open(bytes, at, length)) return answer(Code.MALFORMED_FRAME);
  const field = flat.field(FIELD_VERSION, 2);
  if (field < 0) return answer(Code.MALFORMED_FRAME);
  const version = field === 0 ? 0 : flat.u16(field);
  if (!supportsSchema(version)) return answer(Code.WRONG_SCHEMA_VERSION, version);
  if (!flat.vector(FIELD_POINTS, ResumePoint.bytes)) return answer(Code.MALFORMED_FRAME, version);
  if (flat.vectorCount > MAX_DROP_COPY_ACCOUNTS) return answer(Code.FRAME_TOO_LARGE, version);
  const points = new Map<number, Resumption>();
  for (let i = 0; i < flat.vectorCount; i++) {
    const point = flat.vectorAt + i * ResumePoint.bytes;
    const account = flat.u32(point + ResumePoint.account);
    const resume = flat.u32(point + ResumePoint.resume);
    const lastReport = flat.u53(point + ResumePoint.lastReport);
    if (account === 0 || resume > 1 || lastReport < 0 || (resume === 0 && lastReport !== 0)) return answer(Code.BAD_RANGE, version);
    points.set(account, { account, after: resume === 0 ? undefined : lastReport });
  }
  if (points.size === 0 || points.size !== flat.vectorCount) return answer(Code.BAD_RANGE, version);
  return answer(Code.OK, version, [...points.values()]);
}
