import { mergeLatencies } from '../suite/recorder.ts';
import type { LoadResult } from './load-protocol.ts';

/**
 * Runs of one window each, as one run: a window of the result consists of the runs of one list.
 * @param secondsOfRun measured in each, for the samples
 */
export function joinRuns(windows: readonly (readonly LoadResult[])[], secondsOfRun: number): LoadResult {
  const runs = windows.flat();
  const sum = (read: (run: LoadResult) => number): number => runs.reduce((total, run) => total + read(run), 0);
  return {
    windows: windows.map((turns) => mergeLatencies(turns.map((turn) => turn.windows[0]))),
    samples: runs.flatMap(({ samples }, run) => samples.map((sample) => ({ ...sample, seconds: sample.seconds + run * secondsOfRun }))),
    sendDelay: mergeLatencies(runs.map(({ sendDelay }) => sendDelay)),
    orders: sum(({ orders }) => orders),
    fills: sum(({ fills }) => fills),
    rejected: sum(({ rejected }) => rejected),
    achieved: sum(({ achieved }) => achieved) / runs.length,
    kept: runs.every(({ kept }) => kept),
    overloaded: runs.some(({ overloaded }) => overloaded),
  };
}
