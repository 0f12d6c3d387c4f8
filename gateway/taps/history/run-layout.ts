import { Report, Trade } from '../../../engine/wire/layout.ts';

/** What a run consists of: packed records of one size, numbered without gaps. */
export interface RunLayout {
  readonly name: 'reports' | 'trades';
  /** Bytes per record. */
  readonly bytes: number;
  /** Byte of the record's number, an int64. */
  readonly numberAt: number;
  /** Byte of the record's owner, a uint32; undefined if a record does not contain it. */
  readonly ownerAt: number | undefined;
  /** Byte of the seq of the command that caused the record. */
  readonly seqAt: number;
  /** Byte of the time of that command, microseconds. */
  readonly timeAt: number;
}

export const REPORT_RUNS: RunLayout = {
  name: 'reports',
  bytes: Report.bytes,
  numberAt: Report.reportNo,
  ownerAt: Report.account,
  seqAt: Report.seq,
  timeAt: Report.timeUs,
};
export const TRADE_RUNS: RunLayout = {
  name: 'trades',
  bytes: Trade.bytes,
  numberAt: Trade.tradeId,
  ownerAt: undefined,
  seqAt: Trade.seq,
  timeAt: Trade.timeUs,
};
