import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Violation } from '../suite/each-window.ts';
import { endChild } from './guarded-child.ts';
import type { LoadReply, LoadRequest, LoadResult, OpenRequest, PingPongRequest, RunRequest, SaturateRequest } from './load-protocol.ts';
import { forkOn } from './placement.ts';

const GENERATOR = fileURLToPath(new URL('generator.ts', import.meta.url));
/**
 * V8's parallel collector would occupy the server's core, although one
 * thread is as fast: the generator's young generation is almost empty each time.
 */
const NODE_FLAGS = ['--single-threaded-gc', '--max-semi-space-size=16'];

/** The scope's side of the load generator's process. One request at a time. */
export class LoadClient {
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal;

  /** @param signal ends the process, and rejects pending requests @param cores as in Placement */
  constructor(signal: AbortSignal, cores?: string) {
    this.#signal = signal;
    this.#child = forkOn(cores, GENERATOR, NODE_FLAGS);
    signal.addEventListener('abort', this.#onAbort);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  async open(request: Omit<OpenRequest, 'op'>): Promise<void> {
    await this.#request({ op: 'open', ...request });
  }

  async run(request: Omit<RunRequest, 'op'>): Promise<LoadResult> {
    return (await this.#request({ op: 'run', ...request })) as LoadResult;
  }

  async pingPong(request: Omit<PingPongRequest, 'op'>): Promise<LoadResult> {
    return (await this.#request({ op: 'ping-pong', ...request })) as LoadResult;
  }

  async saturate(request: Omit<SaturateRequest, 'op'>): Promise<LoadResult> {
    return (await this.#request({ op: 'saturate', ...request })) as LoadResult;
  }

  /** Keeps the generator's core busy without a load. */
  async spin(ms: number): Promise<void> {
    await this.#request({ op: 'spin', ms });
  }

  async close(): Promise<void> {
    await this.#request({ op: 'close' });
  }

  /** Ends the process. */
  async end(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    const child = this.#child;
    await endChild(child, () => (child.connected ? child.disconnect() : child.kill('SIGKILL')));
  }

  readonly #onAbort = (): void => {
    this.#child.kill('SIGKILL');
  };

  /** @throws Error reported by the generator, or because it ended */
  #request(request: LoadRequest): Promise<LoadResult | undefined> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null, signal: string | null): void => {
        child.off('message', onMessage);
        reject(this.#signal.aborted ? this.#signal.reason : new Error(`the load generator ended with ${code ?? signal}`));
      };
      const onMessage = (reply: LoadReply): void => {
        child.off('exit', onExit);
        if ('error' in reply) reject(new (reply.violation ? Violation : Error)(`load generator: ${reply.error}`));
        else resolve(reply.result);
      };
      if (child.exitCode !== null || child.signalCode !== null) {
        onExit(child.exitCode, child.signalCode);
        return;
      }
      child.once('exit', onExit);
      child.once('message', onMessage);
      child.send(request);
    });
  }
}
