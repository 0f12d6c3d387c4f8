import type { Runs } from './store.ts';

/** Larger than any report number or trade id: "from the newest on". */
export const NEWEST = Number.MAX_SAFE_INTEGER;

/**
 * Calls `visit` with each record of `owner` numbered below `before`, newest
 * first, until it returns false. `bytes` is the run that holds the record at
 * `offset`; it is valid during the call.
 */
export function visitBackwards(
  runs: Runs,
  owner: number,
  before: number,
  recordBytes: number,
  visit: (no: number, bytes: Buffer, offset: number) => boolean,
): void {
  // `end` is exclusive and numbers start at 1, so [owner, 0] ends behind the owner's oldest run.
  let limit = before;
  for (const { key, value } of runs.getRange({ start: [owner, before - 1], end: [owner, 0], reverse: true })) {
    const first = (key as [number, number])[1];
    const last = Math.min(first + value.length / recordBytes, limit) - 1;
    for (let no = last; no >= first; no--) {
      if (!visit(no, value, (no - first) * recordBytes)) return;
    }
    limit = first;
  }
}

/** The records of `owner` numbered from `from` on, oldest first, packed; at most `limit`. Stops at a gap. */
export function readForwards(runs: Runs, owner: number, from: number, limit: number, recordBytes: number): Uint8Array {
  const out = new Uint8Array(limit * recordBytes);
  let next = from;
  let count = 0;
  /** Copies the records of `run` numbered from `next` up to, not including, `end`. */
  const take = (run: { first: number; value: Buffer }, end: number) => {
    const stop = Math.min(run.first + run.value.length / recordBytes, end, next + limit - count);
    if (next < run.first || stop <= next) return;
    out.set(run.value.subarray((next - run.first) * recordBytes, (stop - run.first) * recordBytes), count * recordBytes);
    count += stop - next;
    next = stop;
  };
  let run: { first: number; value: Buffer } | undefined;
  for (const { key, value } of runs.getRange({ start: firstRunKey(runs, owner, from), end: [owner, NEWEST] })) {
    const first = (key as [number, number])[1];
    // Where two runs overlap, the later one counts.
    if (run !== undefined) take(run, first);
    if (count === limit || (run !== undefined && first > next)) return out.slice(0, count * recordBytes);
    run = { first, value };
  }
  if (run !== undefined) take(run, NEWEST);
  return out.slice(0, count * recordBytes);
}

/** Key of the run that holds record `from`, or of the first one after it. */
function firstRunKey(runs: Runs, owner: number, from: number): [number, number] {
  for (const key of runs.getKeys({ start: [owner, from], end: [owner, 0], reverse: true, limit: 1 })) {
    return key as [number, number];
  }
  return [owner, from];
}
