import { Worker } from 'node:worker_threads';
import { asynchronousDisk } from '../journal/disk.ts';
import { LogWriter } from '../journal/log-writer.ts';
import type { Exchange } from '../machine/exchange.ts';
import type { RingHandle } from '../rings/ring.ts';
import { SpillingProducer } from '../rings/spilling-producer.ts';
import { openTap, type RingTap } from '../rings/tapped-ring.ts';
import { inTurns } from '../turns.ts';
import { type Control, JOURNAL_AT } from './control.ts';
import { EngineCore, type Recovery, type RecoveryProgress, writeAndPrune } from './engine-core.ts';
import type { EngineThreadData, FromThread, JournalThreadData, ToThread } from './engine-worker.ts';

export type Durability = 'durable' | 'fast';

export interface StageSetup {
  readonly dir: string;
  readonly durability: Durability;
  readonly historySeq: number;
  /** The taps of the two stages on the command ring. */
  readonly commands: { readonly engine: RingTap; readonly journal: RingTap };
  readonly reports: RingHandle;
  readonly market: RingHandle;
  readonly control: Control;
  readonly controlMemory: SharedArrayBuffer;
  /** Of the threads of the topology `pinned`, see mayBusyWait. */
  readonly busyWait: boolean;
  /** The durable end of the log advanced, or the disk failed. */
  readonly onDurable: () => void;
  readonly onFailed: (error: Error) => void;
  readonly onProgress: (progress: RecoveryProgress) => void;
  /** If it is aborted, recovery is abandoned. */
  readonly signal: AbortSignal | undefined;
}

/** The engine and journal stages, in either topology. */
export interface Stages {
  /** Brings the state to the end of the log. Changes no file. @throws the signal's reason if recovery was abandoned */
  recover(): Promise<Recovery>;
  /** Opens the log for writing at the end of the recovery, whose torn tail is cut. Once, after `recover`. */
  open(recovery: Recovery): Promise<void>;
  /** Does the work of this thread. Returns the number of commands applied here. */
  poll(): number;
  /** Ends both stages; all commands are applied and durable by then. Returns the snapshot's path if one was requested. */
  stop(snapshot: boolean, historySeq?: number): Promise<string | undefined>;
  /** Writes nothing more to the log, and fails. */
  fail(error: Error): void;
  /** Ends the stages immediately, after a failure. The log has all commands that were answered. */
  abandon(): Promise<void>;
}

/** Topology `compact`: the I/O thread polls both stages; libuv's thread pool does the disk work. */
export class FusedStages implements Stages {
  readonly #setup: StageSetup;
  readonly #core: EngineCore;
  readonly #exchange: Exchange;
  readonly #makeRoom: () => void;
  #log: LogWriter | undefined;

  /** @param makeRoom takes reports off the ring while recovery fills it */
  constructor(
    setup: StageSetup,
    makeExchange: (outputs: { reports: SpillingProducer; market: SpillingProducer }) => Exchange,
    makeRoom: () => void,
  ) {
    this.#setup = setup;
    const outputs = { reports: new SpillingProducer(setup.reports), market: new SpillingProducer(setup.market) };
    this.#exchange = makeExchange(outputs);
    this.#core = new EngineCore(this.#exchange, openTap(setup.commands.engine), outputs, setup.control);
    this.#makeRoom = makeRoom;
  }

  async recover(): Promise<Recovery> {
    const { dir, historySeq, onProgress, signal } = this.#setup;
    const recovery = await inTurns(this.#core.recover(dir, historySeq, this.#makeRoom, onProgress), () => signal?.aborted === true);
    if (recovery === undefined) throw signal?.reason;
    return recovery;
  }

  async open({ end }: Recovery): Promise<void> {
    const { dir, control, durability, commands, onDurable, onFailed } = this.#setup;
    this.#log = new LogWriter({
      dir,
      end,
      ring: openTap(commands.journal),
      disk: asynchronousDisk,
      mode: durability,
      words: control.words,
      at: JOURNAL_AT,
      onDurable,
      onFailed,
    });
  }

  /** The write is started first: the disk works while the engine does. */
  poll(): number {
    this.#log?.poll();
    return this.#core.poll();
  }

  async stop(snapshot: boolean, historySeq?: number): Promise<string | undefined> {
    await this.#log?.close();
    return snapshot ? writeAndPrune(this.#exchange, this.#setup.dir, historySeq) : undefined;
  }

  fail(error: Error): void {
    this.#log?.fail(error);
  }

  /** Nothing to end: only disk operations may be in flight. */
  abandon(): Promise<void> {
    return Promise.resolve();
  }
}

/** Topology `pinned`: a thread for each stage. */
export class ThreadedStages implements Stages {
  readonly #setup: StageSetup;
  readonly #engineData: EngineThreadData;
  #engine: StageThread | undefined;
  #journal: StageThread | undefined;

  constructor(setup: StageSetup, engineData: EngineThreadData) {
    this.#setup = setup;
    this.#engineData = engineData;
  }

  async recover(): Promise<Recovery> {
    const { onProgress, onFailed, signal } = this.#setup;
    this.#engine = new StageThread(this.#engineData, onFailed);
    return await this.#engine.recovered(onProgress, signal);
  }

  async open({ end }: Recovery): Promise<void> {
    const { dir, durability, commands, controlMemory, busyWait, onFailed } = this.#setup;
    const data: JournalThreadData = {
      role: 'journal',
      dir,
      end,
      mode: durability,
      commands: commands.journal,
      control: controlMemory,
      busyWait,
    };
    this.#journal = new StageThread(data, onFailed);
    await this.#journal.journaling();
  }

  poll(): number {
    return 0;
  }

  async stop(snapshot: boolean, historySeq?: number): Promise<string | undefined> {
    await this.#journal?.stop(false);
    return await this.#engine?.stop(snapshot, historySeq);
  }

  fail(): void {
    void this.#journal?.terminate();
  }

  async abandon(): Promise<void> {
    await Promise.all([this.#journal?.terminate(), this.#engine?.terminate()]);
  }
}

class StageThread {
  readonly #worker: Worker;
  readonly #ended: Promise<string | undefined>;
  #onRecovered: ((recovery: Recovery) => void) | undefined;
  #onJournaling: (() => void) | undefined;
  #onProgress: ((progress: RecoveryProgress) => void) | undefined;
  #failure: Error | undefined;
  #rejectStart: ((error: Error) => void) | undefined;

  constructor(data: EngineThreadData | JournalThreadData, onFailed: (error: Error) => void) {
    this.#worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './engine-worker.ts' : './engine-worker.js', import.meta.url), {
      workerData: data,
      name: `openbell-${data.role}`,
    });
    this.#ended = new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        this.#failure = error;
        this.#rejectStart?.(error);
        reject(error);
        onFailed(error);
      };
      this.#worker.on('message', (message: FromThread) => {
        if (message.type === 'progress') this.#onProgress?.(message.progress);
        else if (message.type === 'recovered') this.#onRecovered?.(message.recovery);
        else if (message.type === 'journaling') this.#onJournaling?.();
        else if (message.type === 'stopped') resolve(message.snapshot);
        else fail(Object.assign(new Error(message.message), { code: message.code }));
      });
      this.#worker.on('error', fail);
    });
    // `stop` awaits the promise. A failure before that is reported by onFailed.
    this.#ended.catch(() => undefined);
  }

  async recovered(onProgress: (progress: RecoveryProgress) => void, signal?: AbortSignal): Promise<Recovery> {
    this.#onProgress = onProgress;
    const giveUp = (): void => void this.stop(false).then(() => this.#rejectStart?.(signal?.reason), this.#rejectStart);
    signal?.addEventListener('abort', giveUp);
    try {
      return await new Promise((resolve, reject) => {
        if (this.#failure !== undefined) return reject(this.#failure);
        this.#onRecovered = resolve;
        this.#rejectStart = reject;
      });
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  journaling(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#onJournaling = resolve;
      this.#rejectStart = reject;
    });
  }

  async stop(snapshot: boolean, historySeq?: number): Promise<string | undefined> {
    this.#worker.postMessage({ type: 'stop', snapshot, historySeq } satisfies ToThread);
    const path = await this.#ended;
    await this.terminate();
    return path;
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}
