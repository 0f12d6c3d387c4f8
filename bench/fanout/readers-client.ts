import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { forkOn } from '../load/placement.ts';
import type { Delivered, DeliverRequest, ReadersReply, ReadersRequest } from './readers-protocol.ts';

const READERS = fileURLToPath(new URL('readers.ts', import.meta.url));

/** The scope's side of the readers' process. One request at a time. */
export class ReadersClient {
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal;
  readonly #kill = (): void => void this.#child.kill('SIGKILL');

  /** @param signal ends the process @param cores as in Placement */
  constructor(signal: AbortSignal, cores?: string) {
    this.#signal = signal;
    this.#child = forkOn(cores, READERS, ['--single-threaded-gc']);
    signal.addEventListener('abort', this.#kill);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** @throws Error reported by the process, or because it ended */
  async ask(request: ReadersRequest): Promise<Delivered | undefined> {
    const child = this.#child;
    const answered = new AbortController();
    const message = once(child, 'message', { signal: answered.signal });
    const exit = once(child, 'exit', { signal: answered.signal });
    message.catch(() => undefined);
    exit.catch(() => undefined);
    child.send(request);
    try {
      const first = await Promise.race([message, exit.then(() => undefined)]);
      if (first === undefined) throw this.#signal.aborted ? this.#signal.reason : new Error('the readers ended');
      const reply = first[0] as ReadersReply;
      if ('error' in reply) throw new Error(`readers: ${reply.error}`);
      return reply.delivered;
    } finally {
      answered.abort();
    }
  }

  async deliver(request: Omit<DeliverRequest, 'op'>): Promise<Delivered> {
    return (await this.ask({ op: 'deliver', ...request })) as Delivered;
  }

  /** Ends the process. */
  async end(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#kill);
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.disconnect();
    await exited;
  }
}
