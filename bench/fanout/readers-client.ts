import { fileURLToPath } from 'node:url';
import { ProcessClient } from '../load/process-client.ts';
import type { Delivered, DeliverRequest, ReadersAnswer, ReadersRequest } from './readers-protocol.ts';

const READERS = fileURLToPath(new URL('readers.ts', import.meta.url));

/** The scope's side of the readers' process. One request at a time. */
export class ReadersClient extends ProcessClient<ReadersRequest, ReadersAnswer> {
  /** @param signal ends the process @param cores as in Placement */
  constructor(signal: AbortSignal, cores?: string) {
    super('the readers', READERS, signal, cores);
  }

  async deliver(request: Omit<DeliverRequest, 'op'>): Promise<Delivered> {
    return (await this.ask({ op: 'deliver', ...request })).delivered as Delivered;
  }
}
