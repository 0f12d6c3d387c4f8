import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Limits } from '../../engine/limits.ts';
import type { Made, MakerAnswer, MakerData, MakerRequest, TwinState } from './command-maker-worker.ts';

/**
 * Commands for one window at a time, generated before it in a separate thread,
 * so that their generation costs the measured thread neither time nor garbage.
 * They are generated from a twin of the measured exchange, which has applied all
 * commands so far, so that cancels and moves find their orders. At the end, both
 * must be in the same state.
 */
export class CommandMaker {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly #worker: Worker;

  /** @param capacity most commands of one window; 64 bytes each */
  constructor(limits: Limits, capacity: number, seed = 1) {
    const memory = new SharedArrayBuffer(capacity * 64);
    this.bytes = new Uint8Array(memory);
    this.words = new Int32Array(memory);
    const data: MakerData = { memory, limits, seed };
    this.#worker = new Worker(new URL('./command-maker-worker.ts', import.meta.url), { workerData: data });
  }

  /** Definitions, deposits and the first resting orders, from slot 0 on; call it first. */
  setUp(): Promise<Made> {
    return this.#request({ kind: 'set-up' }) as Promise<Made>;
  }

  /** The next `count` commands, from slot 0 on; valid until the next call. */
  make(count: number): Promise<Made> {
    return this.#request({ kind: 'make', count }) as Promise<Made>;
  }

  /** The final state of the twin. */
  state(): Promise<TwinState> {
    return this.#request({ kind: 'state' }) as Promise<TwinState>;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  async #request(request: MakerRequest): Promise<MakerAnswer> {
    const answer = once(this.#worker, 'message');
    this.#worker.postMessage(request);
    return (await answer)[0];
  }
}
