import { type Latency, mergeLatencies } from '../suite/recorder.ts';
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
  const latencies = windows.map((turns) => mergeLatencies(turns.map((turn) => turn.windows[0])));
  return {
    windows: latencies,
    faults: windows.map((turns, window) => faultOf(turns, latencies[window])),
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

/** A turn that failed fails the window; the generator's lateness is judged over the whole of it. */
function faultOf(turns: readonly LoadResult[], latency: Latency): WindowFault {
  const failed = turns.find(({ faults }) => faults[0].failed !== undefined)?.faults[0].failed;
  return failed === undefined ? lateness(latency, mergeLatencies(turns.map(({ sendDelay }) => sendDelay))) : { failed };
}
