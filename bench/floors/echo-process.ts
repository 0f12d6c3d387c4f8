import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endChild, guardChild } from '../load/guarded-child.ts';
import { forkOn } from '../load/placement.ts';
import { threadUsage } from '../load/thread-usage.ts';

/** The flags that `openbell start` sets for itself on two cores. */
const NODE_FLAGS = ['--no-parallel-scavenge', '--max-semi-space-size=2', '--v8-pool-size=1'];
/** The general library makes more garbage per message: a larger young generation is to its advantage. */
const LIBRARY_FLAGS = ['--no-parallel-scavenge'];

/** What carries the frames: the general gRPC library, a bare TCP connection, Node's HTTP/2, uWebSockets.js. */
export type EchoKind = 'grpc-js' | 'net' | 'http2' | 'uws';

/** An exchange without processing, in a separate process on a free port of the loopback interface. */
export class EchoProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** @param cores as in Placement @throws Error when it ends before it is ready */
  static async start(kind: EchoKind, signal: AbortSignal, cores?: string): Promise<EchoProcess> {
    signal.throwIfAborted();
    const child = forkOn(
      cores,
      fileURLToPath(new URL(`echo-${kind}.ts`, import.meta.url)),
      kind === 'grpc-js' ? LIBRARY_FLAGS : NODE_FLAGS,
    );
    guardChild(child, signal);
    const port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message) => resolve(message as number));
      child.once('exit', (code) => reject(signal.aborted ? signal.reason : new Error(`the ${kind} echo ended with ${code}`)));
    });
    return new EchoProcess(child, port);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** CPU time so far, of all threads that run. */
  get cpuSeconds(): number {
    return threadUsage(this.pid).reduce((sum, { cpu }) => sum + cpu, 0);
  }

  async kill(): Promise<void> {
    await endChild(this.#child, () => this.#child.kill('SIGKILL'));
  }
}
