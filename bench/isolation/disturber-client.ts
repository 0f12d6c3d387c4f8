import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { forkOn } from '../load/placement.ts';
import type { DisturbanceName, Disturbed, DisturberReply, DisturberRequest, OpenRequest } from './disturber-protocol.ts';

const DISTURBER = fileURLToPath(new URL('disturber.ts', import.meta.url));

/** The scope's side of the disturber's process. One request at a time. */
export class DisturberClient {
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal;
  readonly #kill = (): void => void this.#child.kill('SIGKILL');

  /** @param signal ends the process @param cores as in Placement */
  constructor(signal: AbortSignal, cores?: string) {
    this.#signal = signal;
    this.#child = forkOn(cores, DISTURBER, ['--single-threaded-gc']);
    signal.addEventListener('abort', this.#kill);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  async open(request: Omit<OpenRequest, 'op'>): Promise<void> {
    await this.#ask({ op: 'open', ...request });
  }

  async prepare(what: readonly DisturbanceName[]): Promise<void> {
    await this.#ask({ op: 'prepare', what });
  }

  async begin(afterMs: number): Promise<void> {
    await this.#ask({ op: 'begin', afterMs });
  }

  async finish(): Promise<Disturbed> {
    return (await this.#ask({ op: 'end' })) as Disturbed;
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

  /** @throws Error reported by the process, or because it ended */
  async #ask(request: DisturberRequest): Promise<Disturbed | undefined> {
    const child = this.#child;
    const answered = new AbortController();
    const message = once(child, 'message', { signal: answered.signal });
    const exit = once(child, 'exit', { signal: answered.signal });
    message.catch(() => undefined);
    exit.catch(() => undefined);
    child.send(request);
    try {
      const first = await Promise.race([message, exit.then(() => undefined)]);
      if (first === undefined) throw this.#signal.aborted ? this.#signal.reason : new Error('the disturber ended');
      const reply = first[0] as DisturberReply;
      if ('error' in reply) throw new Error(`disturber: ${reply.error}`);
      return reply.disturbed;
    } finally {
      answered.abort();
    }
  }
}
