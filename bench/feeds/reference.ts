import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { assert } from '../../engine/assert.ts';
import { Code } from '../../engine/codes.ts';
import { CommandKind } from '../../engine/wire/layout.ts';
import { loadConfig } from '../../gateway/config/config.ts';
import { createLogger } from '../../gateway/log.ts';
import { type RunningExchange, startExchange } from '../../gateway/main.ts';
import { type Latency, Recorder } from '../suite/recorder.ts';
import { FIRST_TICKS, type ReferenceVenueStart, type ReferenceVenueWindow } from './reference-venue.ts';
import { SharedClock } from './shared-clock.ts';

export interface ReferencePlan {
  readonly framesPerSecond: number;
  readonly framesPerWindow: number;
  readonly windows: number;
}

/** Until the last frame of a window must have reached the engine. */
const STUCK_MS = 10_000;

/**
 * From the write of a frame to the socket of an outside venue until the engine has answered the command with its price: WebSocket,
 * feed thread, shared memory, order thread, engine. A whole exchange in this process, durability `fast`; the venue is a thread.
 */
export class ReferenceBench {
  readonly #dir: string;
  readonly #worker: Worker;
  readonly #exchange: RunningExchange;
  readonly #sentMs: Float64Array;
  readonly #clock = new SharedClock();
  readonly #recorder = new Recorder();
  readonly #plan: ReferencePlan;
  #frames = 0;
  #newest = -1;
  #onAnswer: () => void = () => undefined;

  static async start(plan: ReferencePlan): Promise<ReferenceBench> {
    const frames = plan.framesPerWindow * plan.windows;
    const sentMs = new Float64Array(new SharedArrayBuffer(8 * frames));
    const workerData: ReferenceVenueStart = { sentMs, framesPerSecond: plan.framesPerSecond };
    const worker = new Worker(new URL('./reference-venue.ts', import.meta.url), { workerData });
    const [port] = (await once(worker, 'message')) as [number];
    const dir = mkdtempSync(join(tmpdir(), 'openbell-bench-reference-'));
    const config = join(dir, 'venue.yaml');
    writeFileSync(config, venue(port));
    const flags = { config, data: join(dir, 'data'), durability: 'fast', 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
    const connected = once(worker, 'message');
    const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
    await connected;
    return new ReferenceBench(plan, dir, worker, exchange, sentMs);
  }

  private constructor(plan: ReferencePlan, dir: string, worker: Worker, exchange: RunningExchange, sentMs: Float64Array) {
    this.#plan = plan;
    this.#dir = dir;
    this.#worker = worker;
    this.#exchange = exchange;
    this.#sentMs = sentMs;
    const { commands } = exchange;
    const submit = commands.submit.bind(commands);
    commands.submit = async (fields) => {
      const answer = await submit(fields);
      if (fields.kind === CommandKind.SetReference && answer.code === Code.OK) this.#answered((fields.quantity ?? 0) - FIRST_TICKS);
      return answer;
    };
  }

  /** The latencies of the frames of one window whose price became a command: all but those that a newer one has overtaken. */
  async window(): Promise<Latency> {
    this.#frames += this.#plan.framesPerWindow;
    const done = once(this.#worker, 'message');
    this.#worker.postMessage({ frames: this.#plan.framesPerWindow } satisfies ReferenceVenueWindow);
    await done;
    const deadline = this.#clock.nowMs() + STUCK_MS;
    while (this.#newest < this.#frames - 1) {
      assert(this.#clock.nowMs() < deadline, 'feeds: the last price of a window did not reach the engine');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#onAnswer = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#recorder.take();
  }

  async stop(): Promise<void> {
    await this.#exchange.stop();
    await this.#worker.terminate();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #answered(frame: number): void {
    assert(frame > this.#newest && frame < this.#frames, 'feeds: a reference price of no frame, or out of order');
    this.#newest = frame;
    this.#recorder.record(this.#clock.nowMs() - this.#sentMs[frame]);
    this.#onAnswer();
  }
}

function venue(port: number): string {
  return `
assets:
  - { id: 1, name: USD, decimals: 8 }
  - { id: 2, name: BTC, decimals: 8 }
symbols:
  - id: 1
    name: BTC-USD
    base: BTC
    quote: USD
    tick: 0.01
    lot: 0.01
    limits: { max-price: 100000 }
    reference: { sources: [{ feed: outside, instrument: BTCUSDT }], max-rate: 1000 }
feeds:
  - { name: outside, venue: bybit, instruments: [BTCUSDT], depth: 50, ws-url: 'ws://127.0.0.1:${port}' }
`;
}
