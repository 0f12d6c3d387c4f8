import { mergeLatencies } from '../suite/recorder.ts';
import type { WindowFault } from '../suite/result.ts';
import type { LoadResult } from './load-protocol.ts';
import { lateness } from './window-watch.ts';

/**
 * Runs of one window each, as one run: a window of the result consists of the runs of one list.
 * @param secondsOfRun measured in each, for the samples
 */
export function joinRuns(windows: readonly (readonly LoadResult[])[], secondsOfRun: number): LoadResult {
  const runs = windows.flat();
  const sum = (read: (run: LoadResult) => number): number => runs.reduce((total, run) => total + read(run), 0);
  return {
    windows: windows.map((turns) => mergeLatencies(turns.map((turn) => turn.windows[0]))),
    faults: windows.map(faultOf),
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

/** Of a window that consists of these runs: that of a run that failed, or the lateness over all of them. */
function faultOf(turns: readonly LoadResult[]): WindowFault {
  const failed = turns.flatMap(({ faults: [fault] }) => fault.failed ?? [])[0];
  if (failed !== undefined) return { failed };
  return lateness(mergeLatencies(turns.map(({ windows: [window] }) => window)), mergeLatencies(turns.map(({ sendDelay }) => sendDelay)));
}
