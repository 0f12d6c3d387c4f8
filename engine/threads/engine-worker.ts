/**
 * Thread entries of the pinned topology: the engine stage or the journal stage,
 * each in its own thread. `postMessage` starts and stops the stages; all other
 * data is in shared memory.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { synchronousDisk } from '../journal/disk.ts';
import type { LogEnd } from '../journal/log-reader.ts';
import { LogWriter } from '../journal/log-writer.ts';
import type { Limits } from '../limits.ts';
import { Exchange } from '../machine/exchange.ts';
import type { RingHandle } from '../rings/ring.ts';
import { SpillingProducer } from '../rings/spilling-producer.ts';
import { openTap, type RingTap } from '../rings/tapped-ring.ts';
import { inTurns } from '../turns.ts';
import { allocateFrom } from './allocate-from.ts';
import { Control, EnginePhase, JOURNAL_AT } from './control.ts';
import { EngineCore, type Recovery, type RecoveryProgress, writeAndPrune } from './engine-core.ts';

export interface EngineThreadData {
  readonly role: 'engine';
  readonly dir: string;
  readonly limits: Limits;
  readonly historySeq: number;
  readonly columns: readonly SharedArrayBuffer[];
  readonly commands: RingTap;
  readonly reports: RingHandle;
  readonly market: RingHandle;
  readonly control: SharedArrayBuffer;
  /** See {@link mayBusyWait}. */
  readonly busyWait: boolean;
}

export interface JournalThreadData {
  readonly role: 'journal';
  readonly dir: string;
  readonly end: LogEnd;
  readonly mode: 'durable' | 'fast';
  readonly commands: RingTap;
  readonly control: SharedArrayBuffer;
  /** See {@link mayBusyWait}. */
  readonly busyWait: boolean;
}

export type FromThread =
  | { readonly type: 'progress'; readonly progress: RecoveryProgress }
  | { readonly type: 'recovered'; readonly recovery: Recovery }
  /** The log is open. Commands sequenced from now on are written. */
  | { readonly type: 'journaling' }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'stopped'; readonly snapshot: string | undefined };

/** `stop`: the stage ends after the commands in the ring; the engine writes a snapshot if requested. A stage in recovery abandons it. */
export interface ToThread {
  readonly type: 'stop';
  readonly snapshot: boolean;
  /** See {@link EngineOptions.historyWatermark}. */
  readonly historySeq: number | undefined;
}

/** Polls without work after which a thread parks, if it may spin; otherwise one. */
const SPINS = 2000;
const PARK_MS = 50;
/** Interval at which a thread that waits for space, in a ring or on the disk, checks again. */
const STALLED_MS = 1;

if (parentPort !== null) void runStage(parentPort);

async function runStage(port: MessagePort): Promise<void> {
  let stop: ToThread | undefined;
  port.on('message', (message: ToThread) => {
    stop = message;
  });
  const say = (message: FromThread): void => port.postMessage(message);
  const failed = (error: unknown): void => {
    const { code = 'OPENBELL_THREAD', message } = error as { code?: string; message: string };
    say({ type: 'failed', code, message });
  };
  const data = workerData as EngineThreadData | JournalThreadData;
  try {
    await (data.role === 'engine' ? runEngine(data, say, () => stop) : runJournal(data, say, () => stop));
  } catch (error) {
    new Control(data.control).setPhase(EnginePhase.Failed);
    failed(error);
  }
  port.close();
}

async function runEngine(
  data: EngineThreadData,
  say: (message: FromThread) => void,
  stopRequested: () => ToThread | undefined,
): Promise<void> {
  const control = new Control(data.control);
  const commands = openTap(data.commands);
  const outputs = { reports: new SpillingProducer(data.reports), market: new SpillingProducer(data.market) };
  const exchange = new Exchange(data.limits, outputs, allocateFrom(data.columns));
  const core = new EngineCore(exchange, commands, outputs, control);
  const recovering = core.recover(
    data.dir,
    data.historySeq,
    () => sleep(control, STALLED_MS),
    (progress) => say({ type: 'progress', progress }),
  );
  const recovery = await inTurns(recovering, () => stopRequested() !== undefined);
  if (recovery === undefined) return say({ type: 'stopped', snapshot: undefined });
  say({ type: 'recovered', recovery });
  await dutyCycle(
    data.busyWait,
    () => {
      const done = core.poll();
      if (done > 0 && !data.busyWait) control.notifyPublished();
      return done;
    },
    () => {
      // While outputs are full, new commands must not wake the thread, because it cannot take them.
      if (core.overflowing) sleep(control, STALLED_MS);
      else commands.park(PARK_MS);
    },
    () => stopRequested() !== undefined && commands.available() === 0,
  );
  let snapshot: string | undefined;
  if (stopRequested()?.snapshot) snapshot = writeAndPrune(exchange, data.dir, stopRequested()?.historySeq);
  control.setPhase(EnginePhase.Stopped);
  say({ type: 'stopped', snapshot });
}

async function runJournal(
  data: JournalThreadData,
  say: (message: FromThread) => void,
  stopRequested: () => ToThread | undefined,
): Promise<void> {
  const control = new Control(data.control);
  const commands = openTap(data.commands);
  let failure: Error | undefined;
  const log = new LogWriter({
    dir: data.dir,
    end: data.end,
    ring: commands,
    disk: synchronousDisk,
    mode: data.mode,
    words: control.words,
    at: JOURNAL_AT,
    onFailed: (error) => {
      failure = error;
    },
  });
  say({ type: 'journaling' });
  await dutyCycle(
    data.busyWait,
    () => {
      if (failure !== undefined) throw failure;
      return log.poll();
    },
    () => {
      if (control.journal.state === 'disk-full') sleep(control, STALLED_MS);
      else commands.park(Math.min(PARK_MS, log.dueMs));
    },
    () => stopRequested() !== undefined && commands.available() === 0,
  );
  await log.close();
  say({ type: 'stopped', snapshot: undefined });
}

function sleep(control: Control, ms: number): void {
  Atomics.wait(control.words, control.words.length - 1, 0, ms);
}

/** Polls until a stop is requested and no work is left. Idles when there is no work, after spinning for a while if `busyWait`. */
async function dutyCycle(busyWait: boolean, poll: () => number, idle: () => void, mayEnd: () => boolean): Promise<void> {
  const spins = busyWait ? SPINS : 1;
  for (;;) {
    let fruitless = 0;
    while (fruitless < spins) fruitless = poll() > 0 ? 0 : fruitless + 1;
    // Lets the event loop deliver messages of the port.
    await new Promise(setImmediate);
    if (mayEnd()) {
      if (poll() === 0) return;
    } else idle();
  }
}
