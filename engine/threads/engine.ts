import { randomInt } from 'node:crypto';
import { OrderSlab } from '../book/order-slab.ts';
import { TrailGroups } from '../book/trail-groups.ts';
import { Code } from '../codes.ts';
import { DiskFullError } from '../journal/disk.ts';
import { JournalWord } from '../journal/journal-status.ts';
import { cutTornTail } from '../journal/log-reader.ts';
import { type Limits, resolveLimits } from '../limits.ts';
import { type CommandFields, encodeCommand } from '../machine/command.ts';
import { configureCommand } from '../machine/configuration.ts';
import { Exchange } from '../machine/exchange.ts';
import { digestCommand } from '../machine/state-digest.ts';
import { GatedConsumer, type SeqCell } from '../rings/gated-consumer.ts';
import { type RingConsumer, type RingHandle, RingProducer } from '../rings/ring.ts';
import { openTap, type RingTap, TapError, TappedRing } from '../rings/tapped-ring.ts';
import { Accounts } from '../rules/accounts.ts';
import { ClientIdTable } from '../rules/client-order-ids.ts';
import { OrderLinks } from '../rules/order-links.ts';
import { Symbols } from '../rules/symbols.ts';
import type { Seq, TimeUs } from '../units.ts';
import { Command, CommandKind, Report } from '../wire/layout.ts';
import { MARKET_EVENT_BYTES } from '../wire/market-event.ts';
import { allocateRecording } from './allocate-from.ts';
import { BackgroundSnapshots } from './background-snapshots.ts';
import { BoundedClock } from './bounded-clock.ts';
import { APPLIED_AT, allocateControl, Control, EnginePhase, type EngineStatus, JOURNAL_AT, PUBLISHED_AT } from './control.ts';
import { DeadlineTicks } from './deadline-ticks.ts';
import { Directory } from './directory.ts';
import { POLL_COMMANDS, type Recovery } from './engine-core.ts';
import { chooseTopology, type EngineOptions, mayBusyWait, type TapOptions, type Topology } from './engine-options.ts';
import type { EngineThreadData } from './engine-worker.ts';
import { LogRetention, type RetentionPass } from './log-retention.ts';
import { NO_OUTLET, type Outlet } from './outlet.ts';
import { type MarketHandler, MarketPump, marketGate, type ReportHandler, ReportPump, reportGate } from './pumps.ts';
import { Sequencer } from './sequencer.ts';
import type { SnapshotTaken } from './snapshot-worker.ts';
import { FusedStages, type StageSetup, type Stages, ThreadedStages } from './stages.ts';
import { WordWatch } from './word-watch.ts';

/** The random number of a Tick is below it. */
const RANDOM_LIMIT = 2 ** 32;

/** Taps that the engine itself reads, the first of each ring. */
const COMMAND_TAPS = ['engine', 'journal'] as const;
const REPORT_TAP = 'sessions';
const MARKET_TAP = 'market-data';
const DEFAULT_TAPS = { reports: ['history'], market: [] } as const satisfies TapOptions;

const PUMP_LIMIT = 4096;
/** Turns without progress, while work is outstanding, before the loop stops spinning. */
const SPIN_TURNS = 2000;
/** Most full polls per turn of the event loop: enough to answer the commands of one turn, but the loop is not blocked for long. */
const ROUNDS = 32;
const BACKOFF_MS = 1;
/** How long a stop waits for room on a full disk, ms. */
const STOP_FULL_MS = 3000;
const DEFAULT_SNAPSHOT_EVERY = 5_000_000;

/**
 * A shard: sequencer, engine, journal, and the gates that publish events. All
 * methods are for the thread that created it (the I/O thread), which must have
 * an event loop.
 */
export class Engine {
  readonly topology: Topology;
  readonly limits: Limits;
  readonly directory: Directory;
  /** The ring of the reports. Readers use a {@link tap}. */
  readonly reportRing: RingHandle;
  readonly controlMemory: SharedArrayBuffer;
  readonly #rings: { readonly reports: TappedRing; readonly market: TappedRing };
  /** Turns of the stages on this thread so far, each in a turn of the event loop. */
  turns = 0;
  readonly #options: EngineOptions;
  readonly #control: Control;
  readonly #commandRing: RingProducer;
  readonly #reports: ReportPump;
  readonly #market: MarketPump;
  readonly #stages: Stages;
  readonly #snapshots: BackgroundSnapshots;
  readonly #retention: LogRetention | undefined;
  /** Of what the threads of the stages have done, in topology pinned where this thread must not spin. */
  readonly #watches: readonly WordWatch[] = [];
  /** Mode durable: reports and events wait for the disk. */
  readonly #waitsForDisk: boolean;
  #sequencer: Sequencer | undefined;
  #ticks: DeadlineTicks | undefined;
  #clock: BoundedClock | undefined;
  #outlet = NO_OUTLET;
  #scheduled = false;
  #later = false;
  #idleTurns = 0;
  /** Low 32 bits of the seq of the last checkpoint that was logged. */
  #stated = 0;
  #failure: Error | undefined;
  /** True after the call of `stop`: no snapshot is started except the final one. */
  #stopping: Promise<string | undefined> | undefined;
  #historyFull = false;
  #stopped = false;

  constructor(options: EngineOptions) {
    const limits = resolveLimits(options.limits);
    this.#options = options;
    this.limits = limits;
    this.topology = options.topology ?? chooseTopology(options.cores);
    this.controlMemory = allocateControl();
    this.#control = new Control(this.controlMemory);
    const taps = { ...DEFAULT_TAPS, ...options.taps };
    const commands = new TappedRing({ slotBytes: Command.bytes, capacity: limits.commandRing }, COMMAND_TAPS);
    const reports = new TappedRing({ slotBytes: Report.bytes, capacity: limits.reportRing }, [REPORT_TAP, ...taps.reports]);
    const market = new TappedRing({ slotBytes: MARKET_EVENT_BYTES, capacity: limits.marketRing }, [MARKET_TAP, ...taps.market]);
    this.#rings = { reports, market };
    this.reportRing = reports.handle;
    this.#snapshots = new BackgroundSnapshots({
      dir: options.dir,
      limits,
      verify: options.retention !== undefined,
      historyWatermark: options.historyWatermark,
      every: options.snapshotEvery ?? DEFAULT_SNAPSHOT_EVERY,
      durableSeq: (seq) => this.#control.durableSeq(seq),
      onSnapshot: (result) => options.onSnapshot?.(result),
    });
    this.#retention =
      options.retention &&
      new LogRetention({
        dir: options.dir,
        ...options.retention,
        historySeq: options.historyWatermark ?? (() => 0),
        lastTimeUs: () => this.sequencer.timeUs,
        lastSeq: () => this.sequencer.seq,
        snapshot: () => this.#snapshots.take(this.sequencer.seq),
      });
    const durability = options.durability ?? 'durable';
    this.#waitsForDisk = durability === 'durable';
    const durable = this.#waitsForDisk ? this.durable : undefined;
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
      busyWait: mayBusyWait(options.cores),
      onDurable: () => this.#onDurable(),
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
      this.directory = new Directory(this.#control, made as unknown as Exchange);
    } else {
      const { allocate, columns } = allocateRecording();
      const accounts = new Accounts(limits.accounts, limits.assets, limits.symbols, allocate);
      const symbols = new Symbols(limits.symbols, allocate);
      const slab = new OrderSlab(limits.orders, allocate);
      const links = new OrderLinks(slab, limits.symbols, allocate);
      const trailGroups = new TrailGroups(limits.orders, allocate);
      const clientIdTable = new ClientIdTable(limits.orders, limits.rememberedOrders, allocate);
      this.directory = new Directory(this.#control, { accounts, symbols, slab, links, trailGroups, clientIdTable });
      const { dir, historySeq, controlMemory: control, busyWait } = setup;
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
        busyWait,
      };
      if (!busyWait) this.#watches = this.#watchedWords().map((index) => new WordWatch(this.#control.words, index, () => this.#turn()));
      this.#stages = new ThreadedStages(setup, data);
    }
  }

  /**
   * The handle of a tap in {@link EngineOptions.taps}, for any thread. To read only durable records, use a GatedConsumer
   * with {@link durable}.
   * @throws TapError if the ring has no such tap, or the engine reads it itself
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

  /** Receives the reports. Set it before `start`; otherwise the reports of the recovery wait in the ring. */
  onReports(handler: ReportHandler): void {
    this.#reports.handler = handler;
  }

  onMarket(handler: MarketHandler): void {
    this.#market.handler = handler;
  }

  /** What sends the answers of each turn. */
  onTurn(outlet: Outlet): void {
    this.#outlet = outlet;
  }

  /** Recovers, calls {@link EngineOptions.accept}, opens the log, and accepts commands then. @throws DamagedLogError and other errors of the journal; the message gives the remedy */
  async start(): Promise<Recovery> {
    const pumping = setInterval(() => this.#pump(), 1);
    try {
      this.#options.signal?.throwIfAborted();
      const recovered = await this.#stages.recover();
      this.#options.accept?.(recovered);
      const recovery = withoutTornTail(this.#options.dir, recovered);
      await this.#stages.open(recovery);
      this.#sequencer = new Sequencer(this.#commandRing, this.#control, recovery.seq, recovery.timeUs, this.#startClock(recovery.timeUs));
      this.#sequencer.historyFull = this.#historyFull;
      this.#snapshots.beginAt(recovery.snapshotSeq);
      if (recovery.configure) this.#log(this.#sequencer, configureCommand(this.limits));
      this.#ticks = new DeadlineTicks(
        this.#control,
        () => this.clock.nowUs(),
        () => this.#tick(),
      );
      this.schedule();
      this.#retention?.start();
      return recovery;
    } catch (error) {
      this.#stopped = true;
      await this.#stages.abandon();
      throw error;
    } finally {
      clearInterval(pumping);
    }
  }

  /** The sequencer, the entry for commands; available after `start`. */
  get sequencer(): Sequencer {
    if (this.#sequencer === undefined) throw new Error('Engine.start() has not finished yet.');
    return this.#sequencer;
  }

  /** Logs that time has passed, for what is derived from the time of commands. Does nothing if no command is accepted now. */
  passTime(): void {
    this.#tick();
  }

  /** The clock that stamps commands; available after `start`. */
  get clock(): BoundedClock {
    if (this.#clock === undefined) throw new Error('Engine.start() has not finished yet.');
    return this.#clock;
  }

  #startClock(lastUs: TimeUs): BoundedClock {
    const { clockStepUs } = this.#options;
    this.#clock = new BoundedClock({ lastUs, ...(clockStepUs !== undefined && { startStepUs: clockStepUs }) });
    return this.#clock;
  }

  /** For the owner of the history. While the history cannot write, new commands are rejected with DISK_FULL. */
  setHistoryFull(full: boolean): void {
    this.#historyFull = full;
    if (this.#sequencer !== undefined) this.#sequencer.historyFull = full;
  }

  /** Call it after `sequencer.publish()`. The stages run in this turn of the event loop, once for all calls of the turn. */
  readonly schedule = (): void => {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  };

  /** Whether the stages run in this turn of the event loop, or in the next one. */
  get scheduled(): boolean {
    return this.#scheduled;
  }

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
   * Takes a snapshot of all durable commands. Trading continues; the snapshot takes up to one core. Calls during a snapshot share it and lift
   * its duty limit. Rejects after the call of `stop`, which writes a final snapshot.
   */
  snapshotNow(): Promise<SnapshotTaken> {
    if (this.#stopping !== undefined && this.#snapshots.underWay === undefined)
      return Promise.reject(new Error('The exchange is stopping, and writes its final snapshot.'));
    return this.#snapshots.now(this.sequencer.seq);
  }

  /** Removes the segments that may go now; undefined without {@link EngineOptions.retention}. Passes also run by themselves. */
  retain(): Promise<RetentionPass> | undefined {
    return this.#stopping === undefined ? this.#retention?.run() : undefined;
  }

  /** Segments removed since the start. */
  get removedSegments(): number {
    return this.#retention?.removed ?? 0;
  }

  /** Ends the work as a failed disk does: nothing more is written or answered. For an owner that may no longer use the data directory. */
  fail(error: Error): void {
    this.#stopped = true;
    this.#stages.fail(error);
    this.#fail(error);
  }

  /**
   * Accepts no more commands. Resolves when all accepted commands are applied, durable and published. Rejects after a
   * failure, and if the disk stays full for 3 s: the commands after the last durable one were not answered.
   */
  async drain(): Promise<void> {
    const { sequencer } = this;
    sequencer.draining = true;
    let fullSince = Number.POSITIVE_INFINITY;
    for (;;) {
      const { appliedSeq, durableSeq, reportDepth, marketDepth, journal } = this.status();
      if (this.#failure !== undefined) throw this.#failure;
      const now = performance.now();
      fullSince = journal.state === 'disk-full' ? Math.min(fullSince, now) : Number.POSITIVE_INFINITY;
      if (now - fullSince > STOP_FULL_MS && durableSeq !== sequencer.seq) throw new DiskFullError(this.#options.dir, durableSeq + 1);
      if (appliedSeq === sequencer.seq && durableSeq === sequencer.seq && reportDepth === 0 && marketDepth === 0) return;
      this.schedule();
      await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS));
    }
  }

  /**
   * Drains, ends the stages, and writes a final snapshot unless disabled. Returns its path.
   * Rejects after a failure; the stages have ended in that case, too. Later calls share the first.
   */
  stop(options: { snapshot?: boolean } = {}): Promise<string | undefined> {
    this.#stopping ??= this.#stop(options.snapshot ?? true);
    return this.#stopping;
  }

  async #stop(snapshot: boolean): Promise<string | undefined> {
    try {
      this.#ticks?.stop();
      this.#snapshots.hurry();
      const retained = this.#retention?.stop();
      if (this.#sequencer !== undefined) await this.drain();
      await this.#snapshots.underWay?.catch(() => undefined);
      await retained;
      this.#stopped = true;
      const path = await this.#stages.stop(snapshot, this.#options.historyWatermark?.());
      this.#control.setPhase(EnginePhase.Stopped);
      return path;
    } catch (error) {
      this.#stopped = true;
      await this.#stages.abandon();
      throw error;
    }
  }

  /** Logs a command of the engine itself. Returns false if the command ring is full. */
  #log(sequencer: Sequencer, fields: CommandFields): boolean {
    const slot = sequencer.claim();
    if (slot === -1) return false;
    encodeCommand(sequencer.slots.u8, sequencer.slots.i32, slot, fields);
    sequencer.stamp(slot);
    sequencer.publish();
    return true;
  }

  /** Logs the state digest of the last checkpoint, once. */
  #stateDigest(sequencer: Sequencer): void {
    const control = this.#control;
    const { checkpoint } = control;
    if (sequencer.refusal() !== Code.OK) return;
    const { seq, high, low } = control.digest(sequencer.seq);
    // If the engine has reached the next checkpoint meanwhile, the next turn logs that one.
    if (control.checkpoint !== checkpoint || !this.#log(sequencer, digestCommand(seq, high, low))) return;
    this.#stated = checkpoint;
    this.schedule();
  }

  /** Logs that time has passed, with a random number for what ends at a random time. Returns its seq, or 0 if no command is accepted now. */
  #tick(): Seq {
    const { sequencer } = this;
    if (this.#stopped || sequencer.refusal() !== Code.OK) return 0;
    if (!this.#log(sequencer, { kind: CommandKind.Tick, quantity: randomInt(RANDOM_LIMIT) })) return 0;
    this.schedule();
    return sequencer.seq;
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    this.#turn();
  };

  readonly #runLater = (): void => {
    this.#later = false;
    this.#turn();
  };

  /** What another thread changes when this one has work. */
  #watchedWords(): number[] {
    return this.#waitsForDisk ? [PUBLISHED_AT, this.durable.index] : [PUBLISHED_AT];
  }

  /** In mode fast nothing that a turn does waits for the disk: a turn of its own would only divide the orders that arrive into more turns. */
  #onDurable(): void {
    if (this.#waitsForDisk) this.#turn();
  }

  /** One turn of the stages on this thread, then of the gates. */
  #turn(): void {
    if (this.#stopped) return;
    this.turns++;
    let applied = 0;
    let handed = 0;
    for (const watch of this.#watches) watch.look();
    this.#outlet.hold();
    for (let round = 0; round < ROUNDS; round++) {
      const done = this.#stages.poll();
      applied += done;
      handed += this.#reports.poll(PUMP_LIMIT);
      if (done < POLL_COMMANDS) break;
      handed += this.#market.poll(PUMP_LIMIT);
    }
    // Answers leave before market data.
    this.#outlet.release();
    handed += this.#market.poll(PUMP_LIMIT);
    this.#outlet.publish();
    if (applied + handed > 0) this.#idleTurns = 0;
    else this.#idleTurns++;
    const sequencer = this.#sequencer;
    if (sequencer === undefined || this.#failure !== undefined) return;
    if (this.#stopping === undefined) this.#snapshots.poll(sequencer.seq);
    if (this.#control.checkpoint !== this.#stated) this.#stateDigest(sequencer);
    this.#ticks?.poll();
    if (!this.#outstanding(sequencer.seq)) return;
    if (this.#looksAgain(applied, handed, sequencer.seq)) this.schedule();
    else if (this.#isCalledBack(sequencer.seq)) for (const watch of this.#watches) watch.wait();
    else this.#scheduleLater();
  }

  /**
   * True if the next turn of the loop has work. A thread that may spin looks for it. Otherwise only work that this turn left counts: the disk
   * or the threads of the stages call back, and an idle turn after each turn would cost up to a tenth of the loop's time.
   */
  #looksAgain(applied: number, handed: number, seq: number): boolean {
    if (this.topology === 'pinned') {
      if (this.#watches.length === 0) return this.#idleTurns < SPIN_TURNS;
      return handed >= PUMP_LIMIT || this.#watches.some((watch) => watch.changed);
    }
    return handed >= PUMP_LIMIT || (applied + handed > 0 && this.#control.appliedSeq(seq) !== seq);
  }

  /** True if all that is outstanding waits for the disk in topology compact, or for another thread that is watched: both cause a turn. */
  #isCalledBack(seq: number): boolean {
    if (this.topology === 'pinned') return this.#watches.length > 0;
    const control = this.#control;
    return this.#waitsForDisk && control.appliedSeq(seq) === seq && control.durableSeq(seq) !== seq;
  }

  /** Schedules a later turn. An earlier `schedule` is not delayed by it. */
  #scheduleLater(): void {
    if (this.#scheduled || this.#later) return;
    this.#later = true;
    setTimeout(this.#runLater, BACKOFF_MS);
  }

  #outstanding(seq: number): boolean {
    const control = this.#control;
    return (
      control.appliedSeq(seq) !== seq ||
      (this.#waitsForDisk && control.durableSeq(seq) !== seq) ||
      this.#reports.gate.ring.available() > 0 ||
      this.#market.gate.ring.available() > 0
    );
  }

  #pump(): number {
    return this.#reports.poll(PUMP_LIMIT) + this.#market.poll(PUMP_LIMIT);
  }

  /** Recovery on this thread fills the report ring. This method reads the reports of this thread and lets the history thread read its own. */
  #makeRoom(): void {
    if (this.#reports.poll(PUMP_LIMIT) === 0) Atomics.wait(this.#control.words, this.#control.words.length - 1, 0, 1);
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#control.setPhase(EnginePhase.Failed);
    if (this.#sequencer !== undefined) this.#sequencer.draining = true;
    this.#options.onFailed?.(error);
  }
}

/** Cuts a torn tail, before the log is continued there. */
function withoutTornTail(dir: string, recovery: Recovery): Recovery {
  const cut = cutTornTail(dir, recovery.end);
  return cut === undefined ? recovery : { ...recovery, end: cut.end, messages: [...recovery.messages, cut.message] };
}
