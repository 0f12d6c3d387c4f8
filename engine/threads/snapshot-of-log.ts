import { readLogId } from '../journal/log-id.ts';
import { commandAt, LogLookupError } from '../journal/log-lookup.ts';
import { BadSnapshotError, listSnapshots, readSnapshot, type SnapshotExpectation } from '../journal/snapshot-files.ts';
import { ROW_FIELDS } from '../state-part.ts';
import { getI64, type Seq, type TimeUs } from '../units.ts';
import { Command } from '../wire/layout.ts';

/**
 * What a snapshot must fulfil to continue the log in its directory: rows of this release, the id of the log, and the time of its last
 * command as the log has it. A snapshot of version 1 has no id, and a copy of a log that took other commands has the same one.
 */
export function snapshotOf(dir: string): SnapshotExpectation {
  return { logId: readLogId(dir), rowWidth: ROW_FIELDS, firstRows: (rows) => timeDiffers(dir, rows[1], rows[2]) };
}

/**
 * The seq of the newest usable snapshot that is ahead of the log, which ends with `lastSeq`; 0 = there is none. Reports the others to
 * `onBad`. Blocks.
 */
export function snapshotAhead(dir: string, lastSeq: Seq, onBad: (error: BadSnapshotError) => void): Seq {
  for (const { path, seq } of listSnapshots(dir)) {
    if (seq <= lastSeq) return 0;
    try {
      return readSnapshot(path, () => undefined, snapshotOf(dir)).seq;
    } catch (error) {
      if (!(error instanceof BadSnapshotError)) throw error;
      onBad(error);
    }
  }
  return 0;
}

/** Undefined also if the log does not have the command: its segment was moved away, or the log ends before it. */
function timeDiffers(dir: string, seq: Seq, timeUs: TimeUs): string | undefined {
  try {
    if (getI64(commandAt(dir, seq), Command.timeUs / 4) === timeUs) return undefined;
  } catch (error) {
    if (error instanceof LogLookupError) return undefined;
    throw error;
  }
  return `its last command, ${seq}, has another time than in the log: it belongs to another log, or to a copy that took other commands`;
}
