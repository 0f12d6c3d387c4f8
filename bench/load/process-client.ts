import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { endChild } from './guarded-child.ts';
import { forkOn } from './placement.ts';

/** What such a process sends, once for each request. */
export type ProcessReply<Answer> = { readonly error: string } | Answer;

/** A scope's side of a process that it starts beside the exchange. One request at a time. */
export class ProcessClient<Request extends object, Answer extends object> {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal;
  readonly #kill = (): void => void this.#child.kill('SIGKILL');

  /** @param name for errors @param module what it runs @param signal ends the process @param cores as in Placement @param nodeFlags in addition */
  constructor(name: string, module: string, signal: AbortSignal, cores?: string, nodeFlags: readonly string[] = []) {
    this.#name = name;
    this.#signal = signal;
    this.#child = forkOn(cores, module, ['--single-threaded-gc', ...nodeFlags]);
    signal.addEventListener('abort', this.#kill);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** @throws Error reported by the process, or because it ended */
  async ask(request: Request): Promise<Answer> {
    const child = this.#child;
    // Node would report a message to it as an error of this process.
    if (!child.connected) throw this.#signal.aborted ? this.#signal.reason : new Error(`${this.#name} has ended`);
    const answered = new AbortController();
    const message = once(child, 'message', { signal: answered.signal });
    const exit = once(child, 'exit', { signal: answered.signal });
    message.catch(() => undefined);
    exit.catch(() => undefined);
    child.send(request);
    try {
      const first = await Promise.race([message, exit.then(() => undefined)]);
      if (first === undefined) throw this.#signal.aborted ? this.#signal.reason : new Error(`${this.#name} ended`);
      const reply = first[0] as ProcessReply<Answer>;
      if ('error' in reply) throw new Error(`${this.#name}: ${reply.error}`);
      return reply;
    } finally {
      answered.abort();
    }
  }

  /** Ends the process. */
  async end(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#kill);
    await endChild(this.#child, () => this.#child.connected && this.#child.disconnect());
  }
}
