import { JournalBoard } from '../journal/journal-status.ts';
import { listSegments } from '../journal/log-format.ts';
import { readLogId } from '../journal/log-id.ts';
import { type LogEnd, readLogSteps } from '../journal/log-reader.ts';
import {
  type BadSnapshotError,
  pruneSnapshots,
  readNewestSnapshot,
  readOldestSnapshot,
  SnapshotWriter,
} from '../journal/snapshot-files.ts';
import { CapacityError } from '../limits.ts';
import type { Exchange, ExchangeOutputs } from '../machine/exchange.ts';
import { publishPhase } from '../machine/publish-phase.ts';
import { ROW_FIELDS, StateLoader, saveState } from '../machine/state-rows.ts';
import type { RingConsumer } from '../rings/ring.ts';
import type { Seq, TimeUs } from '../units.ts';
import { CommandKind, Phase, Side } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import { type Control, EnginePhase, JOURNAL_AT } from './control.ts';
import { firstConfiguration, unloggedCapacities, withLargestCapacities } from './logged-configurations.ts';
import { snapshotOf } from './snapshot-of-log.ts';

/** Most commands of one poll. Events are published after each poll, so this bounds the wait of the first event for the last. */
export const POLL_COMMANDS = 256;
const KEEP_SNAPSHOTS = 3;
const PROGRESS_EVERY = 1 << 18;
const nothing = (): void => undefined;

export interface RecoveryProgress {
  readonly stage: 'snapshot' | 'log';
  readonly seq: Seq;
}

export interface Recovery {
  /** Recovery only reads: a torn tail is cut when the log is opened for writing. */
  readonly end: LogEnd;
  readonly seq: Seq;
  readonly timeUs: TimeUs;
  /** Seq of the loaded snapshot; 0 = none. */
  readonly snapshotSeq: Seq;
  readonly replayed: number;
  readonly milliseconds: number;
  /** Messages for the operator: a cut tail, a skipped snapshot. */
  readonly messages: readonly string[];
  /** True if rules and capacities of the log differ from those of this start, which must log them. */
  readonly configure: boolean;
}

/**
 * Loads the newest good snapshot at or below `limitSeq` into a new exchange. Returns its seq; 0 = there is none, and the exchange is ready
 * for the log from its first command on. Bad snapshots are skipped with a message.
 * @param onChunk called between two chunks of rows
 */
export function loadSnapshot(exchange: Exchange, dir: string, limitSeq: Seq, messages: string[], onChunk = nothing): Seq {
  const load = loading(exchange, dir, messages, onChunk);
  const header = readNewestSnapshot(dir, limitSeq, load.expected, load.onRows, load.onBad);
  const seq = header?.seq ?? 0;
  if (!exchange.configuration.logged) exchange.configuration.beginUnlogged(firstConfiguration(dir, seq + 1));
  return seq;
}

/** As {@link loadSnapshot}, the oldest good snapshot from `fromSeq` to `limitSeq`. Undefined if there is none. */
export function loadOldestSnapshot(
  exchange: Exchange,
  dir: string,
  fromSeq: Seq,
  limitSeq: Seq,
  messages: string[],
  onChunk = nothing,
): Seq | undefined {
  const load = loading(exchange, dir, messages, onChunk);
  const header = readOldestSnapshot(dir, fromSeq, limitSeq, load.expected, load.onRows, load.onBad);
  if (header && !exchange.configuration.logged) exchange.configuration.beginUnlogged(firstConfiguration(dir, header.seq + 1));
  return header?.seq;
}

function loading(exchange: Exchange, dir: string, messages: string[], onChunk: () => void) {
  const loader = new StateLoader(exchange);
  return {
    expected: snapshotOf(dir),
    onRows: (rows: Float64Array, count: number) => {
      loader.load(rows, count);
      onChunk();
    },
    onBad: (bad: BadSnapshotError) => void messages.push(bad.message),
  };
}

/** Writes the state as a snapshot file; {@link pruneOldSnapshots} follows. Only one call at a time. Blocks; `onChunk` as in {@link loadSnapshot}. Returns its path. */
export function writeSnapshot(exchange: Exchange, dir: string, onChunk = nothing): string {
  const writer = new SnapshotWriter(dir, exchange.seq, ROW_FIELDS, readLogId(dir));
  let path: string;
  try {
    saveState(exchange, (rows, count) => {
      writer.append(rows, count);
      onChunk();
    });
    path = writer.finish();
  } catch (error) {
    writer.abort();
    throw error;
  }
  return path;
}

/**
 * Deletes all but the newest few snapshots of the log, which ends with `lastSeq` or later. Not while one is written. If the log no longer begins with command 1, the
 * newest one that the history has reached stays, too: a start must publish again the reports that the history lacks, and
 * can do so only from a snapshot.
 * @param historySeq the history holds the reports up to this command; undefined: not known, and then none is deleted from such a log
 */
export function pruneOldSnapshots(dir: string, lastSeq: Seq, historySeq: Seq | undefined): void {
  if ((listSegments(dir)[0]?.firstSeq ?? 1) === 1) pruneSnapshots(dir, KEEP_SNAPSHOTS, lastSeq);
  else if (historySeq !== undefined) pruneSnapshots(dir, KEEP_SNAPSHOTS, lastSeq, historySeq);
}

/** {@link writeSnapshot} and {@link pruneOldSnapshots}. */
export function writeAndPrune(exchange: Exchange, dir: string, historySeq: Seq | undefined): string {
  const path = writeSnapshot(exchange, dir);
  pruneOldSnapshots(dir, exchange.seq, historySeq);
  return path;
}

/**
 * The engine stage: takes commands off the ring, applies them and publishes the
 * results. Owned by the thread that polls it.
 */
export class EngineCore {
  readonly exchange: Exchange;
  readonly #commands: RingConsumer;
  readonly #outputs: ExchangeOutputs;
  readonly #control: Control;
  /** True while records wait for space in a ring. */
  #overflowing = false;
  #shownCheckpoint = 0;

  constructor(exchange: Exchange, commands: RingConsumer, outputs: ExchangeOutputs, control: Control) {
    this.exchange = exchange;
    this.#commands = commands;
    this.#outputs = outputs;
    this.#control = control;
  }

  /**
   * Restores the state as of the end of the log. Reports of commands after
   * `historySeq` are published again (the history does not have them yet). Then
   * each book is published as market events. Changes no file. Runs in steps of about 10 ms. It can
   * be abandoned between two steps, which leaves disk and rings as a crash would.
   * `makeRoom` is called while the report ring is full.
   * @throws CapacityError that names the largest capacities in the log
   */
  *recover(
    dir: string,
    historySeq: Seq,
    makeRoom: () => void,
    onProgress: (progress: RecoveryProgress) => void,
  ): Generator<undefined, Recovery> {
    try {
      return yield* this.#recover(dir, historySeq, makeRoom, onProgress);
    } catch (error) {
      throw error instanceof CapacityError ? withLargestCapacities(dir, error, this.exchange.limits) : error;
    }
  }

  *#recover(
    dir: string,
    historySeq: Seq,
    makeRoom: () => void,
    onProgress: (progress: RecoveryProgress) => void,
  ): Generator<undefined, Recovery> {
    const { exchange } = this;
    const started = performance.now();
    const messages: string[] = [];
    exchange.reports.quiet = true;
    exchange.market.quiet = true;
    const snapshotSeq = loadSnapshot(exchange, dir, historySeq, messages);
    if (snapshotSeq > 0) onProgress({ stage: 'snapshot', seq: snapshotSeq });
    // The history treats a command as complete when this word has passed it.
    this.#control.setApplied(snapshotSeq);
    const board = new JournalBoard(this.#control.words, JOURNAL_AT);
    let bytes: Uint8Array = new Uint8Array(0);
    let replayed = 0;
    const steps = readLogSteps(dir, snapshotSeq + 1, (words, firstWord, count, firstSeq) => {
      if (bytes.buffer !== words.buffer) bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
      const firstSlot = firstWord >> 4;
      for (let i = 0; i < count; i++) {
        exchange.reports.quiet = firstSeq + i <= historySeq;
        exchange.apply(bytes, words, firstSlot + i);
      }
      this.#outputs.reports.publish();
      // Commands in the log may be published. The history and the gateway wait for this word.
      board.setDurable(exchange.seq);
      replayed += count;
      if ((replayed & ~(PROGRESS_EVERY - 1)) !== ((replayed - count) & ~(PROGRESS_EVERY - 1)))
        onProgress({ stage: 'log', seq: exchange.seq });
    });
    const end = yield* this.#eachHandedOn(steps, makeRoom);
    board.setDurable(exchange.seq);
    exchange.reports.quiet = false;
    exchange.market.quiet = false;
    this.#showBooks();
    this.#settle();
    this.#showCheckpoint();
    if (this.exchange.deadlineChanged()) this.#control.setDeadline(this.exchange.deadlineUs);
    this.#control.noteDefinition();
    this.#control.setPhase(EnginePhase.Running);
    messages.push(...unloggedCapacities(exchange, replayed));
    const milliseconds = performance.now() - started;
    const configure = exchange.configuration.differsFrom(exchange.limits);
    return { end, seq: exchange.seq, timeUs: exchange.timeUs, snapshotSeq, replayed, milliseconds, messages, configure };
  }

  /** Continues only when all reports of a step are in the ring, so that one step bounds the overflow. */
  *#eachHandedOn(steps: Generator<undefined, LogEnd>, makeRoom: () => void): Generator<undefined, LogEnd> {
    try {
      for (;;) {
        const { done, value } = steps.next();
        while (!this.#outputs.reports.drain()) {
          makeRoom();
          yield;
        }
        this.#control.setApplied(this.exchange.seq);
        if (done) return value;
        yield;
      }
    } finally {
      steps.return(undefined as never);
    }
  }

  /** Applies the commands in the ring, up to a bound. Returns the amount of work done, 0 = none. */
  poll(): number {
    const { reports, market } = this.#outputs;
    let drained = 0;
    if (this.#overflowing) {
      const waiting = reports.waiting + market.waiting;
      // Both rings are drained: their consumers differ.
      const reportsOut = reports.drain();
      const marketOut = market.drain();
      drained = waiting - reports.waiting - market.waiting;
      if (!marketOut || !reportsOut) return drained;
      this.#overflowing = false;
      this.#control.setApplied(this.exchange.seq);
    }
    const commands = this.#commands;
    let slot = commands.next();
    if (slot === -1) return drained;
    const { exchange } = this;
    const control = this.#control;
    const { u8, i32 } = commands.slots;
    let done = 0;
    let defined = false;
    control.beginChange();
    for (;;) {
      exchange.apply(u8, i32, slot);
      if (defines(u8[slot << 6])) defined = true;
      if (++done === POLL_COMMANDS) break;
      slot = commands.next();
      if (slot === -1) break;
    }
    exchange.endBatch();
    control.endChange();
    if (defined) control.noteDefinition();
    reports.publish();
    market.publish();
    commands.release();
    // Before the commands count as applied: who waits for that reads the deadline afterwards.
    if (exchange.deadlineChanged()) this.#control.setDeadline(exchange.deadlineUs);
    this.#settle();
    if (exchange.digest.checkpointSeq !== this.#shownCheckpoint) this.#showCheckpoint();
    return done;
  }

  /** Publishes the last checkpoint of the digest, unless the log already contains it. */
  #showCheckpoint(): void {
    const { checkpointSeq, checkpointHigh, checkpointLow, statedSeq } = this.exchange.digest;
    this.#shownCheckpoint = checkpointSeq;
    if (checkpointSeq !== statedSeq) this.#control.setCheckpoint(checkpointSeq, checkpointHigh, checkpointLow);
  }

  /** True while records wait for space in a ring; no command is taken meanwhile. */
  get overflowing(): boolean {
    return this.#overflowing;
  }

  /** A command counts as applied when all its reports and events are in the rings. */
  #settle(): void {
    const { reports, market } = this.#outputs;
    this.#overflowing = reports.waiting > 0 || market.waiting > 0;
    if (this.#overflowing) this.#control.setSpilled(reports.spilledTotal + market.spilledTotal);
    else this.#control.setApplied(this.exchange.seq);
  }

  /** Publishes the phase of every symbol, every resting order in priority order, and the indicative prices of auctions to market data. */
  #showBooks(): void {
    const { books, slab, market, seq, timeUs } = this.exchange;
    market.seq = seq;
    market.timeUs = timeUs;
    for (const book of books) {
      if (book === undefined) continue;
      const { symbol } = book;
      publishPhase(this.exchange, symbol);
      for (const side of [Side.Buy, Side.Sell]) {
        book.ordersInPriority(side, (slot) => {
          if (slab.isHidden(slot)) return;
          market.write(MarketEventKind.Add, side, 0, symbol, slab.publicId(slot), slab.price(slot), slab.open(slot), 0, 0);
        });
      }
      if (this.exchange.symbols.phase[symbol] === Phase.Auction) this.exchange.changedAuctions.add(symbol);
    }
    this.exchange.endBatch();
    this.#outputs.market.publish();
  }
}

/** Whether a command may change what the directory lists. Outside reference prices come often, and change none of it. */
function defines(kind: number): boolean {
  return kind >= CommandKind.DefineAsset && kind !== CommandKind.Tick && kind !== CommandKind.SetReference;
}
