import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { guardChild } from '../load/guarded-child.ts';
import { forkOn } from '../load/placement.ts';

const SERVER = fileURLToPath(new URL('echo-server.ts', import.meta.url));
/** The flags that `openbell start` sets for itself. */
const NODE_FLAGS = ['--no-parallel-scavenge'];

/** The general gRPC library as an exchange without processing, in a separate process on a free port of the loopback interface. */
export class EchoProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** @param cores as in Placement @throws Error when it ends before it is ready */
  static async start(signal: AbortSignal, cores?: string): Promise<EchoProcess> {
    signal.throwIfAborted();
    const child = forkOn(cores, SERVER, NODE_FLAGS);
    guardChild(child, signal);
    const port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message) => resolve(message as number));
      child.once('exit', (code) => reject(signal.aborted ? signal.reason : new Error(`the echo ended with ${code}`)));
    });
    return new EchoProcess(child, port);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}
