import { Code } from '../codes.ts';
import { FlatReader } from './flat.ts';
import { supportsSchema } from './frames.ts';
import { Refusal, Report } from './layout.ts';

const FIELD_VERSION = 0;
const FIELD_REPORTS = 1;
const FIELD_REFUSALS = 2;

/** Verifies ReportFrames on the client's side. Results are valid until the next `open`. */
export class ReportFrameReader {
  readonly flat = new FlatReader();
  version = 0;
  /** Position of the first report, for `flat`; each report takes 128 bytes. */
  reportsAt = 0;
  reports = 0;
  /** Position of the first refusal, for `flat`; each refusal takes 32 bytes. */
  refusalsAt = 0;
  refusals = 0;

  /** OK, MALFORMED_FRAME or WRONG_SCHEMA_VERSION. */
  open(bytes: Uint8Array): Code {
    const { flat } = this;
    this.version = 0;
    this.reports = 0;
    this.refusals = 0;
    if (!flat.open(bytes)) return Code.MALFORMED_FRAME;
    const version = flat.field(FIELD_VERSION, 2);
    if (version < 0) return Code.MALFORMED_FRAME;
    this.version = version === 0 ? 0 : flat.u16(version);
    if (!supportsSchema(this.version)) return Code.WRONG_SCHEMA_VERSION;
    if (!flat.vector(FIELD_REPORTS, Report.bytes)) return Code.MALFORMED_FRAME;
    const reportsAt = flat.vectorAt;
    const reports = flat.vectorCount;
    if (!flat.vector(FIELD_REFUSALS, Refusal.bytes)) return Code.MALFORMED_FRAME;
    this.reportsAt = reportsAt;
    this.reports = reports;
    this.refusalsAt = flat.vectorAt;
    this.refusals = flat.vectorCount;
    return Code.OK;
  }
}
