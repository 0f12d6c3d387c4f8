import { fileURLToPath } from 'node:url';
import { ProcessClient } from '../load/process-client.ts';
import type { DisturbanceName, Disturbed, DisturberAnswer, DisturberRequest, OpenRequest } from './disturber-protocol.ts';

const DISTURBER = fileURLToPath(new URL('disturber.ts', import.meta.url));

/** The scope's side of the disturber's process. One request at a time. */
export class DisturberClient extends ProcessClient<DisturberRequest, DisturberAnswer> {
  /** @param signal ends the process @param cores as in Placement */
  constructor(signal: AbortSignal, cores?: string) {
    super('the disturber', DISTURBER, signal, cores);
  }

  async open(request: Omit<OpenRequest, 'op'>): Promise<void> {
    await this.ask({ op: 'open', ...request });
  }

  async prepare(what: readonly DisturbanceName[]): Promise<void> {
    await this.ask({ op: 'prepare', what });
  }

  async begin(afterMs: number): Promise<void> {
    await this.ask({ op: 'begin', afterMs });
  }

  async finish(): Promise<Disturbed> {
    return (await this.ask({ op: 'end' })).disturbed as Disturbed;
  }
}
