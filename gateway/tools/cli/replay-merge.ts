import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderRow } from '../../../feeds/files/order-flow-csv.ts';
import type { Replay } from './replay-run.ts';

/** A row of one of several files. */
export interface MergedRow {
  /** Of the file. */
  readonly index: number;
  readonly row: OrderRow;
}

/**
 * The rows of several files in the order of their times; those of one time in the order of the files, and those of one
 * file in its order.
 * @param files rows whose times never decrease
 */
export async function* mergeByTime(files: readonly AsyncIterable<OrderRow>[]): AsyncGenerator<MergedRow> {
  const readers = files.map((rows) => rows[Symbol.asyncIterator]());
  const heads: (OrderRow | undefined)[] = [];
  try {
    for (const reader of readers) heads.push((await reader.next()).value);
    for (let index = earliest(heads); index !== -1; index = earliest(heads)) {
      yield { index, row: heads[index] as OrderRow };
      heads[index] = (await readers[index].next()).value;
    }
  } finally {
    for (const reader of readers) await reader.return?.();
  }
}

function earliest(heads: readonly (OrderRow | undefined)[]): number {
  let first = -1;
  for (const [index, row] of heads.entries())
    if (row !== undefined && (first === -1 || row.timeMs < (heads[first] as OrderRow).timeMs)) first = index;
  return first;
}

/** A row is sent only when all rows of other files that are older than this are answered; recorded milliseconds. */
const ALIGNED_MS = 10_000;

/**
 * Sends the merged rows of several days, each through its own replay.
 * @param replays by index of the file @param speed multiple of the recorded speed; Infinity = as fast as possible
 * @param onRow called with the number of rows so far and the recorded time of the last one
 */
export async function replayMerged(
  rows: AsyncIterable<MergedRow>,
  replays: readonly Replay[],
  speed: number,
  onRow: (count: number, timeMs: number) => void,
): Promise<void> {
  let began = Number.NaN;
  let firstMs = 0;
  let count = 0;
  for await (const { index, row } of rows) {
    if (Number.isNaN(began)) {
      began = performance.now();
      firstMs = row.timeMs;
    }
    const due = speed === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : began + (row.timeMs - firstMs) / speed;
    const alignedMs = row.timeMs - ALIGNED_MS;
    const isEarly = due !== Number.POSITIVE_INFINITY && due > performance.now();
    const late = replays.filter((replay, other) => other !== index && replay.lags(alignedMs));
    // Before each wait, so that no command waits with it.
    if (isEarly || late.length > 0 || row.op === 'phase' || row.op === 'uncross') for (const replay of replays) replay.flush();
    for (const replay of late) await replay.caughtUp(alignedMs);
    if (isEarly) await sleep(due - performance.now());
    await replays[index].do(row, due);
    onRow(++count, row.timeMs);
  }
  for (const replay of replays) await replay.finish();
}
