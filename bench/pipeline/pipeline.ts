import { setImmediate as turn } from 'node:timers/promises';
import { assert } from '../../engine/assert.ts';
import type { Limits } from '../../engine/limits.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { tradingHash } from '../../engine/machine/state-rows.ts';
import { Engine } from '../../engine/threads/engine.ts';
import type { Durability, Topology } from '../../engine/threads/engine-options.ts';
import { replayLog } from '../../engine/threads/replay-log.ts';
import { Command } from '../../engine/wire/layout.ts';
import type { TwinState } from '../core/command-maker-worker.ts';
import type { Span } from '../core/measured-core.ts';
import { Spin } from '../core/spin.ts';
import { Pacer } from '../suite/pacer.ts';
import type { Recorder } from '../suite/recorder.ts';
import { Tap } from './tap.ts';

const WORDS = Command.bytes / 4;
/** Until the first command of a window is due. */
const LEAD_MS = 0.1;
/** Maximum wait of the event loop for the next command; the log's writes complete in the event loop. */
const SPIN_MS = 0.02;
/** The window fails after this time without another answer. */
const STUCK_MS = 10_000;

export interface PipelineOptions {
  readonly dir: string;
  readonly topology: Topology;
  readonly durability: Durability;
  readonly limits: Limits;
  /** Maximum number of commands of a window. */
  readonly capacity: number;
}

/** A production `Engine`, with this thread as the gateway: it puts commands into the command ring and takes reports from the gate. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #engine: Engine;
  readonly #tap: Tap;
  readonly #spin = new Spin();
  #failure: Error | undefined;

  constructor(options: PipelineOptions) {
    const { dir, topology, durability, limits, capacity } = options;
    this.#options = options;
    this.#engine = new Engine({
      dir,
      topology,
      durability,
      limits,
      snapshotEvery: 0,
      onFailed: (error) => {
        this.#failure = error;
      },
    });
    this.#tap = new Tap(this.#engine.consume('reports', 'history'), capacity);
    this.#engine.onReports(this.#tap);
    this.#engine.onMarket(this.#tap);
  }

  async start(): Promise<void> {
    await this.#engine.start();
  }

  /** Commands that may have no report, such as definitions: done when all are applied, durable and released by the gate. */
  async settle(commands: Int32Array, count: number): Promise<void> {
    for (let sent = 0; sent < count; ) {
      sent += this.#put(commands, sent, count);
      await turn();
    }
    for (let status = this.#engine.status(); ; status = this.#engine.status()) {
      if (this.#failure !== undefined) throw this.#failure;
      const { sequencedSeq, appliedSeq, durableSeq, reportDepth, marketDepth } = status;
      if (appliedSeq === sequencedSeq && durableSeq === sequencedSeq && reportDepth + marketDepth === 0) return;
      await turn();
    }
  }

  /** All commands as fast as the ring accepts them, until the last is answered. */
  closedLoop(commands: Int32Array, count: number): Promise<Span> {
    return this.#run(
      commands,
      count,
      performance.now(),
      () => count,
      () => 0,
    );
  }

  /** Each command at its planned time, or as soon as the ring accepts it; latencies go into `recorder` afterwards. */
  async openLoop(commands: Int32Array, count: number, ratePerSecond: number, recorder: Recorder): Promise<Span> {
    const pacer = new Pacer(ratePerSecond, performance.now() + LEAD_MS);
    const due = (): number => pacer.due(performance.now());
    const span = await this.#run(commands, count, pacer.startMs, due, (command) => pacer.plannedMs(command) - performance.now());
    this.#tap.record(pacer, recorder);
    return span;
  }

  /** Stops the stages; the log must replay to the twin's state. @throws InvariantError when it does not */
  async stop(twin: TwinState): Promise<void> {
    await this.#engine.stop({ snapshot: false });
    const { dir, limits } = this.#options;
    const replayed = new Exchange(limits);
    replayLog(replayed, dir, 1);
    // The engine also logs its rules and state digests, at times of the clock. The twin does not.
    assert(tradingHash(replayed) === twin.tradingHash, 'pipeline: same commands, but a state that differs from the twin');
    assert(replayed.accounts.imbalance(1) === 0 && replayed.accounts.imbalance(2) === 0, 'pipeline: money was not conserved');
  }

  /** After a failure, when there is nothing to compare. */
  async abandon(): Promise<void> {
    await this.#engine.stop({ snapshot: false }).catch(() => undefined);
  }

  /** One poll per turn of the event loop, like the gateway. */
  #run(commands: Int32Array, count: number, fromMs: number, due: () => number, waitMs: (command: number) => number): Promise<Span> {
    const tap = this.#tap;
    tap.begin();
    tap.lastMs = fromMs;
    return new Promise((resolve, reject) => {
      let sent = 0;
      const look = (): void => {
        sent += this.#put(commands, sent, Math.min(count, due()));
        if (this.#failure !== undefined) reject(this.#failure);
        else if (tap.answered === count) resolve({ fromMs, toMs: tap.lastMs });
        else if (sent > tap.answered && performance.now() - tap.lastMs > STUCK_MS)
          reject(new Error(`pipeline: ${tap.answered} of ${sent} commands answered, and no more`));
        else {
          // No command is in flight: turns of the event loop would only create garbage.
          if (tap.answered === sent) this.#spin.forMs(Math.min(waitMs(sent), SPIN_MS));
          setImmediate(look);
        }
      };
      look();
    });
  }

  /** Sequences the commands from `first` up to `end`, as far as the ring has room; returns how many. */
  #put(commands: Int32Array, first: number, end: number): number {
    const { sequencer } = this.#engine;
    const { i32 } = sequencer.slots;
    let command = first;
    for (; command < end; command++) {
      const slot = sequencer.claim();
      if (slot === -1) break;
      const to = slot * WORDS;
      const from = command * WORDS;
      for (let word = 0; word < WORDS; word++) i32[to + word] = commands[from + word];
      sequencer.stamp(slot);
    }
    if (command > first) {
      sequencer.publish();
      this.#engine.schedule();
    }
    return Math.max(0, command - first);
  }
}
