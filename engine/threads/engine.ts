import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { OrderSlab } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { JournalWord } from '../journal/journal-status.ts';
import { capacitiesOf, type Limits, resolveLimits } from '../limits.ts';
import { type CommandFields, encodeCommand } from '../machine/command.ts';
import { configureCommand } from '../machine/configuration.ts';
import { Exchange } from '../machine/exchange.ts';
import { digestCommand } from '../machine/state-digest.ts';
import { GatedConsumer, type SeqCell } from '../rings/gated-consumer.ts';
import { type RingConsumer, type RingHandle, RingProducer } from '../rings/ring.ts';
import { openTap, type RingTap, TapError, TappedRing } from '../rings/tapped-ring.ts';
import { Accounts } from '../rules/accounts.ts';
import { Symbols } from '../rules/symbols.ts';
import { Command, Report } from '../wire/layout.ts';
import { MARKET_EVENT_BYTES } from '../wire/market-event.ts';
import { allocateRecording } from './allocate-from.ts';
import { APPLIED_AT, allocateControl, Control, EnginePhase, type EngineStatus, JOURNAL_AT } from './control.ts';
import { Directory } from './directory.ts';
import { DutyLimit } from './duty-limit.ts';
import { POLL_COMMANDS, type Recovery, type RecoveryProgress } from './engine-core.ts';
import type { EngineThreadData } from './engine-worker.ts';
import { type MarketHandler, MarketPump, marketGate, type ReportHandler, ReportPump, reportGate } from './pumps.ts';
import { Sequencer } from './sequencer.ts';
import type { SnapshotTaken, SnapshotThreadData } from './snapshot-worker.ts';
import { type Durability, FusedStages, type StageSetup, type Stages, ThreadedStages } from './stages.ts';

export type Topology = 'compact' | 'pinned';
export type { Durability } from './stages.ts';

export interface EngineOptions {
  /** Directory of log and snapshots; must exist, and be locked by the caller. */
  readonly dir: string;
  /** `compact`: all on the calling thread. `pinned`: engine and journal in threads of their own. Default: by core count. */
  readonly topology?: Topology;
  /** `durable` (default): nothing leaves before it is on the disk. `fast`: at once; a crash may lose the last milliseconds. */
  readonly durability?: Durability;
  readonly limits?: Partial<Limits>;
  /** Last seq whose reports the history has: later ones are shown again at the start. Default: all are taken as known. */
  readonly historySeq?: number;
  /** Commands between two snapshots; 0 = only at the stop and on demand. */
  readonly snapshotEvery?: number;
  readonly onProgress?: (progress: RecoveryProgress) => void;
  /** Aborted while `start` recovers: it gives up, and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Readers of the rings beside `onReports` and `onMarket`. */
  readonly taps?: TapOptions;
  /** The engine or the disk failed: nothing is answered any more, restart to recover. */
  readonly onFailed?: (error: Error) => void;
  /** A snapshot was taken, or could not be. */
  readonly onSnapshot?: (result: SnapshotTaken | Error) => void;
}

/**
 * Names of further readers of a ring. Each has to be read, see {@link Engine.tap}: the engine stands still while a
 * ring is full. At most seven per ring.
 */
export interface TapOptions {
  /** Default: `history`. */
  readonly reports?: readonly string[];
  /** Default: none. */
  readonly market?: readonly string[];
}

interface SnapshotUnderWay {
  readonly taken: Promise<SnapshotTaken>;
  /** Of its {@link DutyLimit}. */
  readonly lift: SharedArrayBuffer;
}

/** Taps that the shard itself reads, the first of each ring. */
const COMMAND_TAPS = ['engine', 'journal'] as const;
const REPORT_TAP = 'sessions';
const MARKET_TAP = 'market-data';
const DEFAULT_TAPS = { reports: ['history'], market: [] } as const satisfies TapOptions;

/** From four cores on, a thread per stage; below, threads would only take turns. */
const PINNED_FROM_CORES = 4;
const PUMP_LIMIT = 4096;
/** Turns without progress, while something is outstanding, before the loop stops spinning. */
const SPIN_TURNS = 2000;
/** Full polls of a turn: what one turn of the loop brought in is answered in it, yet the loop is not kept for long. */
const ROUNDS = 32;
const BACKOFF_MS = 1;
const DEFAULT_SNAPSHOT_EVERY = 5_000_000;

export function chooseTopology(cores: number = availableParallelism()): Topology {
  return cores >= PINNED_FROM_CORES ? 'pinned' : 'compact';
}

/**
 * A shard: sequencer, engine, journal and the gates through which events
 * leave. All methods are for the thread that made it (the I/O thread), which
 * must have an event loop.
 */
export class Engine {
  readonly topology: Topology;
  readonly limits: Limits;
  readonly directory: Directory;
  /** The reports; who reads them takes a {@link tap}. */
  readonly reportRing: RingHandle;
  readonly controlMemory: SharedArrayBuffer;
  readonly #rings: { readonly reports: TappedRing; readonly market: TappedRing };
  readonly #options: EngineOptions;
  readonly #control: Control;
  readonly #commandRing: RingProducer;
  readonly #reports: ReportPump;
  readonly #market: MarketPump;
  readonly #stages: Stages;
  #sequencer: Sequencer | undefined;
  #scheduled = false;
  #later = false;
  #idleTurns = 0;
  /** Low 32 bits of the seq of the last checkpoint that was put into the log. */
  #stated = 0;
  #lastSnapshotSeq = 0;
  #snapshot: SnapshotUnderWay | undefined;
  #failure: Error | undefined;
  /** `stop` was called: no snapshot is begun beside the final one. */
  #stopping: Promise<string | undefined> | undefined;
  #historyFull = false;
  #stopped = false;

  constructor(options: EngineOptions) {
    const limits = resolveLimits(options.limits);
    this.#options = options;
    this.limits = limits;
    this.topology = options.topology ?? chooseTopology();
    this.controlMemory = allocateControl();
    this.#control = new Control(this.controlMemory);
    const taps = { ...DEFAULT_TAPS, ...options.taps };
    const commands = new TappedRing({ slotBytes: Command.bytes, capacity: limits.commandRing }, COMMAND_TAPS);
    const reports = new TappedRing({ slotBytes: Report.bytes, capacity: limits.reportRing }, [REPORT_TAP, ...taps.reports]);
    const market = new TappedRing({ slotBytes: MARKET_EVENT_BYTES, capacity: limits.marketRing }, [MARKET_TAP, ...taps.market]);
    this.#rings = { reports, market };
    this.reportRing = reports.handle;
    const durability = options.durability ?? 'durable';
    const durable = durability === 'durable' ? this.durable : undefined;
    this.#commandRing = new RingProducer(commands.handle);
    this.#reports = new ReportPump(new GatedConsumer(openTap(reports.tap(REPORT_TAP)), reportGate(durable, true)));
    this.#market = new MarketPump(new GatedConsumer(openTap(market.tap(MARKET_TAP)), marketGate(durable)));
    const setup: StageSetup = {
      dir: options.dir,
      durability,
      historySeq: options.historySeq ?? Number.POSITIVE_INFINITY,
      commands: { engine: commands.tap('engine'), journal: commands.tap('journal') },
      reports: reports.handle,
      market: market.handle,
      control: this.#control,
      controlMemory: this.controlMemory,
      onDurable: () => this.#turn(),
      onFailed: (error) => this.#fail(error),
      onProgress: options.onProgress ?? (() => undefined),
      signal: options.signal,
    };
    if (this.topology === 'compact') {
      let made: Exchange | undefined;
      const make = (outputs: ConstructorParameters<typeof Exchange>[1]): Exchange => {
        made = new Exchange(limits, outputs);
        return made;
      };
      this.#stages = new FusedStages(setup, make, () => this.#makeRoom());
      const { accounts, symbols, slab } = made as unknown as Exchange;
      this.directory = new Directory(this.#control, accounts, symbols, slab);
    } else {
      const { allocate, columns } = allocateRecording();
      const accounts = new Accounts(limits.accounts, limits.assets, allocate);
      const symbols = new Symbols(limits.symbols, allocate);
      const slab = new OrderSlab(limits.orders, allocate);
      this.directory = new Directory(this.#control, accounts, symbols, slab);
      const { dir, historySeq, controlMemory: control } = setup;
      const data: EngineThreadData = {
        role: 'engine',
        dir,
        limits,
        historySeq,
        columns,
        commands: setup.commands.engine,
        reports: setup.reports,
        market: setup.market,
        control,
      };
      this.#stages = new ThreadedStages(setup, data);
    }
  }

  /**
   * The place of a reader that {@link EngineOptions.taps} names, to be read by any thread: what this process may have
   * lost after a crash is held back by a gate of its own, a GatedConsumer with {@link durable}.
   * @throws TapError when the ring has no such tap, or the engine reads it itself
   */
  tap(ring: 'reports' | 'market', name: string): RingTap {
    if (name === REPORT_TAP || name === MARKET_TAP) throw new TapError(`the engine reads tap ${name} itself: see onReports and onMarket`);
    return this.#rings[ring].tap(name);
  }

  /** The consuming end of a tap, for this thread. Once per name. @throws TapError as {@link tap} */
  consume(ring: 'reports' | 'market', name: string): RingConsumer {
    return openTap(this.tap(ring, name));
  }

  /** The last durable seq. */
  get durable(): SeqCell {
    return { words: this.#control.words, index: JOURNAL_AT + JournalWord.durable };
  }

  /** The last seq whose reports and market events are all in the rings. */
  get applied(): SeqCell {
    return { words: this.#control.words, index: APPLIED_AT };
  }

  /** Takes the reports; set it before `start`, or reports of the recovery wait in the ring. */
  onReports(handler: ReportHandler): void {
    this.#reports.handler = handler;
  }

  onMarket(handler: MarketHandler): void {
    this.#market.handler = handler;
  }

  /** Recovers and opens the door. @throws DamagedLogError and others of the journal: the message says what to do */
  async start(): Promise<Recovery> {
    const pumping = setInterval(() => this.#pump(), 1);
    try {
      this.#options.signal?.throwIfAborted();
      const recovery = await this.#stages.start();
      this.#sequencer = new Sequencer(this.#commandRing, this.#control, recovery.seq, recovery.timeUs);
      this.#sequencer.historyFull = this.#historyFull;
      this.#lastSnapshotSeq = recovery.snapshotSeq;
      if (recovery.configure) this.#log(this.#sequencer, configureCommand(capacitiesOf(this.limits)));
      this.schedule();
      return recovery;
    } catch (error) {
      this.#stopped = true;
      await this.#stages.abandon();
      throw error;
    } finally {
      clearInterval(pumping);
    }
  }

  /** The door; after `start`. */
  get sequencer(): Sequencer {
    if (this.#sequencer === undefined) throw new Error('Engine.start() has not finished yet.');
    return this.#sequencer;
  }

  /** For the history's owner: it cannot write, so new commands are refused with DISK_FULL until it can. */
  setHistoryFull(full: boolean): void {
    this.#historyFull = full;
    if (this.#sequencer !== undefined) this.#sequencer.historyFull = full;
  }

  /** Call it after `sequencer.publish()`: the stages run in this turn of the event loop, once for all that came in it. */
  readonly schedule = (): void => {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  };

  status(): EngineStatus {
    const sequencedSeq = this.#sequencer?.seq ?? 0;
    const control = this.#control;
    return {
      phase: control.phase,
      sequencedSeq,
      appliedSeq: control.appliedSeq(sequencedSeq),
      durableSeq: control.durableSeq(sequencedSeq),
      journal: control.journal,
      commandDepth: this.#commandRing.depth(),
      reportDepth: this.#reports.gate.ring.available(),
      marketDepth: this.#market.gate.ring.available(),
      spilled: control.spilled,
      draining: this.#sequencer?.draining ?? false,
    };
  }

  /**
   * Takes a snapshot of all that is durable by now, while trading goes on and at the cost of a core; calls during one share it, and hurry it.
   * Rejects once `stop` was called, which writes its own.
   */
  snapshotNow(): Promise<SnapshotTaken> {
    if (this.#stopping !== undefined && this.#snapshot === undefined)
      return Promise.reject(new Error('The exchange is stopping, and writes its final snapshot.'));
    const { taken, lift } = this.#beginSnapshot();
    DutyLimit.lift(lift);
    return taken;
  }

  /** Takes no more commands, and resolves when all taken ones are applied, durable and handed on. */
  async drain(): Promise<void> {
    const { sequencer } = this;
    sequencer.draining = true;
    for (;;) {
      const { appliedSeq, durableSeq, reportDepth, marketDepth } = this.status();
      if (this.#failure !== undefined) throw this.#failure;
      if (appliedSeq === sequencer.seq && durableSeq === sequencer.seq && reportDepth === 0 && marketDepth === 0) return;
      this.schedule();
      await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS));
    }
  }

  /** Drains, ends the stages, and writes a final snapshot unless told not to. Returns its path. Rejects after a failure; the stages have ended then, too. Later calls share the first. */
  stop(options: { snapshot?: boolean } = {}): Promise<string | undefined> {
    this.#stopping ??= this.#stop(options.snapshot ?? true);
    return this.#stopping;
  }

  async #stop(snapshot: boolean): Promise<string | undefined> {
    try {
      if (this.#snapshot !== undefined) DutyLimit.lift(this.#snapshot.lift);
      if (this.#sequencer !== undefined) await this.drain();
      await this.#snapshot?.taken.catch(() => undefined);
      this.#stopped = true;
      const path = await this.#stages.stop(snapshot);
      this.#control.setPhase(EnginePhase.Stopped);
      return path;
    } catch (error) {
      this.#stopped = true;
      await this.#stages.abandon();
      throw error;
    }
  }

  /** Puts a command of the engine's own into the log; false when there is no room for it now. */
  #log(sequencer: Sequencer, fields: CommandFields): boolean {
    const slot = sequencer.claim();
    if (slot === -1) return false;
    encodeCommand(sequencer.slots.u8, sequencer.slots.i32, slot, fields);
    sequencer.stamp(slot);
    sequencer.publish();
    return true;
  }

  /** Puts the state digest of the last checkpoint into the log, once. */
  #stateDigest(sequencer: Sequencer): void {
    const control = this.#control;
    const { checkpoint } = control;
    if (sequencer.refusal() !== Code.OK) return;
    const { seq, high, low } = control.digest(sequencer.seq);
    // The engine may be at the next checkpoint by now: then that one is stated, in the next turn.
    if (control.checkpoint !== checkpoint || !this.#log(sequencer, digestCommand(seq, high, low))) return;
    this.#stated = checkpoint;
    this.schedule();
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    this.#turn();
  };

  readonly #runLater = (): void => {
    this.#later = false;
    this.#turn();
  };

  /** One turn of the stages that this thread has, then of the gates. */
  #turn(): void {
    if (this.#stopped) return;
    let applied = 0;
    let handed = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const done = this.#stages.poll();
      applied += done;
      handed += this.#pump();
      if (done < POLL_COMMANDS) break;
    }
    if (applied + handed > 0) this.#idleTurns = 0;
    else this.#idleTurns++;
    const sequencer = this.#sequencer;
    if (sequencer === undefined || this.#failure !== undefined) return;
    this.#maybeSnapshot(sequencer.seq);
    if (this.#control.checkpoint !== this.#stated) this.#stateDigest(sequencer);
    if (!this.#outstanding(sequencer.seq)) return;
    if (this.#looksAgain(applied, handed, sequencer.seq)) this.schedule();
    else this.#scheduleLater();
  }

  /**
   * Whether the next turn of the loop finds something to do. In compact, only what this one left: the disk
   * calls back, and a turn for nothing after each one would cost as much as a tenth of the loop's time.
   */
  #looksAgain(applied: number, handed: number, seq: number): boolean {
    if (this.topology === 'pinned') return this.#idleTurns < SPIN_TURNS;
    return handed >= PUMP_LIMIT || (applied + handed > 0 && this.#control.appliedSeq(seq) !== seq);
  }

  /** Looks again in a moment; a `schedule` before that is not held up by it. */
  #scheduleLater(): void {
    if (this.#scheduled || this.#later) return;
    this.#later = true;
    setTimeout(this.#runLater, BACKOFF_MS);
  }

  #outstanding(seq: number): boolean {
    const control = this.#control;
    return (
      control.appliedSeq(seq) !== seq ||
      control.durableSeq(seq) !== seq ||
      this.#reports.gate.ring.available() > 0 ||
      this.#market.gate.ring.available() > 0
    );
  }

  #pump(): number {
    return this.#reports.poll(PUMP_LIMIT) + this.#market.poll(PUMP_LIMIT);
  }

  /** Recovery on this thread fills the report ring: empties this side of it and lets the history thread work. */
  #makeRoom(): void {
    if (this.#reports.poll(PUMP_LIMIT) === 0) Atomics.wait(this.#control.words, this.#control.words.length - 1, 0, 1);
  }

  /** In the background, unless the next one is due before this one is done: then it hurries. */
  #maybeSnapshot(seq: number): void {
    const every = this.#options.snapshotEvery ?? DEFAULT_SNAPSHOT_EVERY;
    if (every === 0 || this.#stopping !== undefined || seq - this.#lastSnapshotSeq < every) return;
    if (this.#snapshot !== undefined) {
      this.#lastSnapshotSeq = seq;
      DutyLimit.lift(this.#snapshot.lift);
      return;
    }
    this.#beginSnapshot().taken.then(
      (taken) => this.#options.onSnapshot?.(taken),
      (error: Error) => this.#options.onSnapshot?.(error),
    );
  }

  #beginSnapshot(): SnapshotUnderWay {
    if (this.#snapshot !== undefined) return this.#snapshot;
    const lift = DutyLimit.allocate();
    const taken = this.#takeSnapshot(lift).finally(() => {
      this.#snapshot = undefined;
    });
    this.#snapshot = { taken, lift };
    return this.#snapshot;
  }

  #takeSnapshot(lift: SharedArrayBuffer): Promise<SnapshotTaken> {
    const { seq } = this.sequencer;
    this.#lastSnapshotSeq = seq;
    const targetSeq = this.#control.durableSeq(seq);
    const data: SnapshotThreadData = { dir: this.#options.dir, limits: this.limits, targetSeq, lift };
    const entry = new URL(import.meta.url.endsWith('.ts') ? './snapshot-worker.ts' : './snapshot-worker.js', import.meta.url);
    return new Promise((resolve, reject) => {
      const worker = new Worker(entry, { workerData: data, name: 'openbell-snapshot' });
      worker.once('message', (taken: SnapshotTaken) => resolve(taken));
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`The snapshot thread ended with exit code ${code}.`)));
    });
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#control.setPhase(EnginePhase.Failed);
    if (this.#sequencer !== undefined) this.#sequencer.draining = true;
    this.#options.onFailed?.(error);
  }
}
