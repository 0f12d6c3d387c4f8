import { fileURLToPath } from 'node:url';
import { ProcessClient } from '../load/process-client.ts';
import type { Latency } from '../suite/recorder.ts';

export interface JitterRequest {
  readonly ms: number;
}

export interface JitterAnswer {
  /** As in `waitsOf`. */
  readonly waits: Latency;
}

const PROBE = fileURLToPath(new URL('jitter-probe.ts', import.meta.url));
/** Room for the clock readings of some seconds, so that none of them is collected meanwhile. */
const NODE_FLAGS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];

/** Measures the jitter of a core, while nothing else of the suite runs on it. */
export class JitterClient extends ProcessClient<JitterRequest, JitterAnswer> {
  /** @param cores as in Placement */
  constructor(signal: AbortSignal, cores?: string) {
    super('the jitter probe', PROBE, signal, cores, NODE_FLAGS);
  }
}
