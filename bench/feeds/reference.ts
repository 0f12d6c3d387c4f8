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
import type { BareLineStart } from './bare-line.ts';
import {
  BARE_FRAME_BYTES,
  FIRST_TICKS,
  type ReferenceVenuePorts,
  type ReferenceVenueStart,
  type ReferenceVenueWindow,
} from './reference-venue.ts';
import { SharedClock } from './shared-clock.ts';

export interface ReferencePlan {
  readonly framesPerSecond: number;
  readonly framesPerWindow: number;
  /** Before the windows, at {@link WARM_UP_PER_SECOND}. */
  readonly warmUpFrames: number;
  readonly windows: number;
}

/** The driver of reference prices wakes about so often at most. */
const WARM_UP_PER_SECOND = 400;
/** Until the last frame of a window must have arrived. */
const STUCK_MS = 10_000;

/**
 * From the write of a frame to the socket of an outside venue until the engine has answered the command with its price: WebSocket,
 * feed thread, shared memory, order thread, engine. A whole exchange in this process, durability `fast`; the venue is a thread.
 *
 * A bare window goes the same way without an exchange: from the venue's write to a thread that reads no byte of it, and wakes
 * this one. It shows what the kernel needs to wake two threads on these cores.
 */
export class ReferenceBench {
  readonly #dir: string;
  readonly #venue: Worker;
  readonly #bareLine: Worker;
  readonly #exchange: RunningExchange;
  readonly #start: ReferenceVenueStart;
  readonly #bareCount: Int32Array;
  readonly #clock = new SharedClock();
  readonly #recorder = new Recorder();
  readonly #plan: ReferencePlan;
  #frames = 0;
  #newest = -1;
  #bareFrames = 0;
  #onAnswer: () => void = () => undefined;

  static async start(plan: ReferencePlan): Promise<ReferenceBench> {
    const times = (frames: number) => new Float64Array(new SharedArrayBuffer(8 * frames));
    const frames = plan.framesPerWindow * plan.windows;
    const start: ReferenceVenueStart = { sentMs: times(plan.warmUpFrames + frames), bareSentMs: times(frames) };
    const venue = new Worker(new URL('./reference-venue.ts', import.meta.url), { workerData: start });
    const [ports] = (await once(venue, 'message')) as [ReferenceVenuePorts];
    const count = new Int32Array(new SharedArrayBuffer(4));
    const bareStart: BareLineStart = { port: ports.bare, frameBytes: BARE_FRAME_BYTES, count };
    const bareLine = new Worker(new URL('./bare-line.ts', import.meta.url), { workerData: bareStart });
    await once(bareLine, 'message');
    const dir = mkdtempSync(join(tmpdir(), 'openbell-bench-reference-'));
    const config = join(dir, 'venue.yaml');
    writeFileSync(config, venueConfig(ports.webSocket));
    const flags = { config, data: join(dir, 'data'), durability: 'fast', 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
    const connected = once(venue, 'message');
    const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
    await connected;
    const bench = new ReferenceBench(plan, { dir, venue, bareLine, exchange, start, count });
    if (plan.warmUpFrames > 0) await bench.#window(plan.warmUpFrames, WARM_UP_PER_SECOND);
    return bench;
  }

  private constructor(
    plan: ReferencePlan,
    parts: { dir: string; venue: Worker; bareLine: Worker; exchange: RunningExchange; start: ReferenceVenueStart; count: Int32Array },
  ) {
    this.#plan = plan;
    this.#dir = parts.dir;
    this.#venue = parts.venue;
    this.#bareLine = parts.bareLine;
    this.#exchange = parts.exchange;
    this.#start = parts.start;
    this.#bareCount = parts.count;
    const { commands } = parts.exchange;
    const submit = commands.submit.bind(commands);
    commands.submit = async (fields) => {
      const answer = await submit(fields);
      if (fields.kind === CommandKind.SetReference && answer.code === Code.OK) this.#answered((fields.quantity ?? 0) - FIRST_TICKS);
      return answer;
    };
  }

  /** The latencies of the frames of one window whose price became a command: all but those that a newer one has overtaken. */
  window(): Promise<Latency> {
    return this.#window(this.#plan.framesPerWindow, this.#plan.framesPerSecond);
  }

  /** The latencies of as many bare frames, without those that came together with a newer one. */
  async bareWindow(): Promise<Latency> {
    const { framesPerWindow: frames, framesPerSecond } = this.#plan;
    const end = this.#bareFrames + frames;
    const done = once(this.#venue, 'message');
    this.#venue.postMessage({ frames, framesPerSecond, bare: true } satisfies ReferenceVenueWindow);
    while (this.#bareFrames < end) {
      const { async: isAsync, value } = Atomics.waitAsync(this.#bareCount, 0, this.#bareFrames, STUCK_MS);
      if (isAsync) assert((await value) !== 'timed-out', 'feeds: a bare frame did not arrive');
      const nowMs = this.#clock.nowMs();
      this.#bareFrames = Atomics.load(this.#bareCount, 0);
      this.#recorder.record(nowMs - this.#start.bareSentMs[this.#bareFrames - 1]);
    }
    await done;
    return this.#recorder.take();
  }

  async #window(frames: number, framesPerSecond: number): Promise<Latency> {
    this.#frames += frames;
    const done = once(this.#venue, 'message');
    this.#venue.postMessage({ frames, framesPerSecond, bare: false } satisfies ReferenceVenueWindow);
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
    await this.#bareLine.terminate();
    await this.#venue.terminate();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #answered(frame: number): void {
    assert(frame > this.#newest && frame < this.#frames, 'feeds: a reference price of no frame, or out of order');
    this.#newest = frame;
    this.#recorder.record(this.#clock.nowMs() - this.#start.sentMs[frame]);
    this.#onAnswer();
  }
}

function venueConfig(port: number): string {
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
