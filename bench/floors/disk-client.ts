import { fileURLToPath } from 'node:url';
import type { Slice } from '../durable/schedule.ts';
import { ProcessClient } from '../load/process-client.ts';
import type { Latency } from '../suite/recorder.ts';

export interface DiskRequest extends Slice {
  /** The folder of its file; created. The same in each request. */
  readonly dir: string;
}

export interface DiskAnswer {
  /** From the planned time of a command until it is durable. */
  readonly latency: Latency;
}

const PROBE = fileURLToPath(new URL('disk-probe.ts', import.meta.url));

/** The group commit of the disk alone, blocking, in a separate process. */
export class DiskClient extends ProcessClient<DiskRequest, DiskAnswer> {
  /** @param cores as in Placement */
  constructor(signal: AbortSignal, cores?: string) {
    super('the disk reference', PROBE, signal, cores);
  }
}
