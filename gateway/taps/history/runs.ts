import { type Runs, recordsOf } from './run-format.ts';
import type { RunLayout } from './run-layout.ts';

/** Larger than any report number or trade id: "from the newest on". */
export const NEWEST = Number.MAX_SAFE_INTEGER;

/**
 * Calls `visit` with each record of `owner` numbered below `before`, newest
 * first, until it returns false. `bytes` holds the records of the run, the
 * present one at `offset`; it is valid during the call.
 * @throws DamagedHistoryError
 */
export function visitBackwards(
  runs: Runs,
  owner: number,
  before: number,
  layout: RunLayout,
  visit: (no: number, bytes: Buffer, offset: number) => boolean,
): void {
  // `end` is exclusive and numbers start at 1, so [owner, 0] ends behind the owner's oldest run.
  let limit = before;
  for (const { key, value } of runs.getRange({ start: [owner, before - 1], end: [owner, 0], reverse: true })) {
    const first = (key as [number, number])[1];
    const records = recordsOf(layout, owner, first, value);
    const last = Math.min(first + records.length / layout.bytes, limit) - 1;
    for (let no = last; no >= first; no--) {
      if (!visit(no, records, (no - first) * layout.bytes)) return;
    }
    limit = first;
  }
}

/**
 * Calls `visit` with each record of `owner` numbered from `from` up to `to`, oldest first, until it returns false; see
 * {@link visitBackwards}. Where two runs overlap, the later one counts.
 * @throws DamagedHistoryError
 */
export function visitForwards(
  runs: Runs,
  owner: number,
  from: number,
  to: number,
  layout: RunLayout,
  visit: (no: number, bytes: Buffer, offset: number) => boolean,
): void {
  let run: { first: number; records: Buffer } | undefined;
  /** Gives the records of `run` below `end`. */
  const give = (end: number): boolean => {
    if (run === undefined) return true;
    const { first, records } = run;
    const last = Math.min(first + records.length / layout.bytes, end, to + 1);
    for (let no = Math.max(first, from); no < last; no++) if (!visit(no, records, (no - first) * layout.bytes)) return false;
    return true;
  };
  for (const { key, value } of runs.getRange({ start: firstRunKey(runs, owner, from), end: [owner, NEWEST] })) {
    const first = (key as [number, number])[1];
    if (!give(first)) return;
    run = undefined;
    if (first > to) return;
    run = { first, records: recordsOf(layout, owner, first, value) };
  }
  give(NEWEST);
}

/**
 * The records of `owner` numbered from `from` on, oldest first, packed; at most `limit`. Stops at a gap.
 * @throws DamagedHistoryError
 */
export function readForwards(runs: Runs, owner: number, from: number, limit: number, layout: RunLayout): Uint8Array {
  const { bytes } = layout;
  const out = new Uint8Array(limit * bytes);
  let next = from;
  let count = 0;
  /** Copies the records of `run` numbered from `next` up to, not including, `end`. */
  const take = (run: { first: number; records: Buffer }, end: number) => {
    const stop = Math.min(run.first + run.records.length / bytes, end, next + limit - count);
    if (next < run.first || stop <= next) return;
    out.set(run.records.subarray((next - run.first) * bytes, (stop - run.first) * bytes), count * bytes);
    count += stop - next;
    next = stop;
  };
  let run: { first: number; records: Buffer } | undefined;
  for (const { key, value } of runs.getRange({ start: firstRunKey(runs, owner, from), end: [owner, NEWEST] })) {
    const first = (key as [number, number])[1];
    // Where two runs overlap, the later one counts.
    if (run !== undefined) take(run, first);
    if (count === limit || (run !== undefined && first > next)) return out.slice(0, count * bytes);
    run = { first, records: recordsOf(layout, owner, first, value) };
  }
  if (run !== undefined) take(run, NEWEST);
  return out.slice(0, count * bytes);
}

/** First number of the owner's oldest run that begins at `from` or later; undefined if there is none. */
export function firstKept(runs: Runs, owner: number, from: number): number | undefined {
  for (const key of runs.getKeys({ start: [owner, from], end: [owner, NEWEST], limit: 1 })) return (key as [number, number])[1];
  return undefined;
}

/** Number of the owner's newest record; 0 if there is none. @throws DamagedHistoryError */
export function newestNo(runs: Runs, owner: number, layout: RunLayout): number {
  for (const { key, value } of runs.getRange({ start: [owner, NEWEST], end: [owner, 0], reverse: true, limit: 1 })) {
    const first = (key as [number, number])[1];
    return first + recordsOf(layout, owner, first, value).length / layout.bytes - 1;
  }
  return 0;
}

/** Key of the run that holds record `from`, or of the first one after it. */
function firstRunKey(runs: Runs, owner: number, from: number): [number, number] {
  for (const key of runs.getKeys({ start: [owner, from], end: [owner, 0], reverse: true, limit: 1 })) {
    return key as [number, number];
  }
  return [owner, from];
}
