import { setImmediate as nextTurn } from 'node:timers/promises';
import { ALL_INSTRUMENTS, FeedFault, FeedState, faultCode } from '../feed.ts';
import { allMalformed } from '../files/file-formats.ts';
import type { FileReading, FileSummary, PlaceUnit } from '../files/file-reading.ts';
import type { PublishedSink } from '../rings/record-publisher.ts';
import { absentText, faultOfFile, fileErrorText } from './file-fault.ts';
import { FileInstruments } from './file-instruments.ts';
import { type FileSource, formatOfSource, isPlayedAsNow } from './file-source.ts';
import { HeldRecords } from './held-records.ts';
import { LineClock } from './line-clock.ts';
import { PlayClock } from './play-clock.ts';

export interface FileLineOptions {
  readonly source: FileSource;
  /** Gets what the file has, and the states of the source. */
  readonly sink: PublishedSink;
  /** Whether a number of the sink means that it has no room for the instrument. */
  readonly isRefused: (instrument: number) => boolean;
  /** If the source {@link isPlayedAsNow}: what brings the times of the records that follow to those at which they are played, microseconds. */
  readonly onShift?: (shiftUs: number) => void;
  readonly clock?: LineClock;
  /** One line of text for the log; without a fault, what went as it should. */
  readonly log: (fault: FeedFault, text: string) => void;
}

/** Records that are played in one turn of the event loop: less than a millisecond. */
const SHARE_RECORDS = 2048;
/** The clock is looked at again after so long at the latest, ms: it may be set. */
const LONGEST_SLEEP_MS = 50;
/** A round of almost nothing is not played in circles. */
const SHORTEST_ROUND_MS = 1_000;
/** Until a file that could not be used is tried again, and at most, ms. */
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * The line of a source that plays a file of market data, at its recorded speed or a multiple of it. The file is read in steps, each
 * when all before it was played: memory does not grow with the file, and a step and what is played in a turn of the event loop
 * are bounded, so that other lines of the thread have theirs.
 *
 * ```
 * step of the reader ─▶ HeldRecords ─ when due ─▶ FileInstruments ─▶ sink
 * ```
 *
 * The source is live from the first step on, and at the end of the file `ended`, or begins again: each round is a connection of its
 * own. A file that cannot be used leaves the source down, with the reason in the log; one that is played in a loop is tried again.
 */
export class FileLine {
  readonly #options: FileLineOptions;
  readonly #clock: LineClock;
  readonly #instruments: FileInstruments;
  readonly #stop = new AbortController();
  #reading: FileReading | undefined;
  #isReading = false;
  /** What {@link place} counts; known when the file was opened. */
  unit: PlaceUnit = 'line';
  /** Rounds that were begun. */
  rounds = 0;
  #running: Promise<void> = Promise.resolve();
  /** Faults since the round began, and the place of the last one. */
  #faults = 0;
  #lastFault: FeedFault = FeedFault.None;
  #lastPlace = 0;
  /** Why the last round had no good end. */
  #logged = '';

  constructor(options: FileLineOptions) {
    const { source, sink, isRefused } = options;
    this.#options = options;
    this.#clock = options.clock ?? new LineClock();
    this.#instruments = new FileInstruments(sink, source.instruments, isRefused);
  }

  /** The line, message or command that is being read; 0: none. */
  get place(): number {
    return this.#isReading ? (this.#reading?.place() ?? 0) : 0;
  }

  /** An instrument by its number in the sink, with its book. */
  played(instrument: number): ReturnType<FileInstruments['played']> {
    return this.#instruments.played(instrument);
  }

  /** Plays the file. The promise ends when there is nothing more to play; it does not fail. */
  start(): Promise<void> {
    this.#running = this.#run().catch((error) => this.#fail(error));
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#instruments.end(FeedState.Stale, FeedFault.None);
    this.#status(FeedState.Down, FeedFault.None);
  }

  async #run(): Promise<void> {
    for (let retryMs = RETRY_MS; ; ) {
      const beganMs = performance.now();
      const failed = await this.#round();
      if (this.#stop.signal.aborted || this.#options.source.atEnd === 'end') return;
      if (failed) {
        await this.#sleep(retryMs);
        retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
      } else {
        await this.#sleep(SHORTEST_ROUND_MS - (performance.now() - beganMs));
        retryMs = RETRY_MS;
      }
      if (this.#stop.signal.aborted) return;
    }
  }

  /** Plays the file once. @returns true if it could not be used */
  async #round(): Promise<boolean> {
    this.#status(FeedState.Connecting, FeedFault.None);
    this.#instruments.begin();
    this.#faults = 0;
    try {
      const summary = await this.#play();
      return summary !== undefined && this.#end(summary);
    } catch (error) {
      this.#fail(error);
      return true;
    } finally {
      const reading = this.#reading;
      this.#reading = undefined;
      // An error of the file was thrown before; closing it has nothing to add.
      await reading?.steps.return(undefined as never).catch(() => undefined);
    }
  }

  /** @returns what was read; undefined if the line was stopped */
  async #play(): Promise<FileSummary | undefined> {
    const { source, sink } = this.#options;
    const format = await formatOfSource(source);
    if (format === undefined) throw new Error(`${source.file.path} is a capture now, and was none before; start the exchange again`);
    const held = new HeldRecords({
      instrument: (name) => this.#instruments.number(name),
      fault: (instrument, fault) => {
        this.#faults++;
        this.#lastFault = fault;
        this.#lastPlace = this.place;
        sink.fault(instrument, fault);
      },
    });
    this.unit = format.unit;
    this.#reading = format.open(source.file.path, held, source);
    const clock = new PlayClock(source.speed);
    for (let isFirst = true; !this.#stop.signal.aborted; isFirst = false) {
      this.#isReading = true;
      const { done, value } = await this.#reading.steps.next();
      this.#isReading = false;
      if (done === true) held.close();
      if (isFirst) {
        this.rounds++;
        this.#status(FeedState.Live, FeedFault.None);
      }
      await this.#playHeld(held, clock);
      if (done === true && !this.#stop.signal.aborted) return this.#checked(value, held);
    }
    return undefined;
  }

  /** Plays what is held, as it becomes due. */
  async #playHeld(held: HeldRecords, clock: PlayClock): Promise<void> {
    const { source, sink, onShift } = this.#options;
    let dueUs = Number.NaN;
    while (!this.#stop.signal.aborted) {
      const nowUs = this.#clock.nowUs();
      let played = 0;
      try {
        while (held.hasGroup && played < SHARE_RECORDS) {
          if (Number.isNaN(dueUs)) dueUs = clock.due(held.timeUs, nowUs);
          if (dueUs > nowUs) break;
          dueUs = Number.NaN;
          if (isPlayedAsNow(source)) onShift?.(clock.shiftUs);
          sink.received(nowUs);
          played += held.playGroup(this.#instruments);
        }
      } finally {
        sink.flush();
      }
      if (!held.hasGroup) break;
      if (played < SHARE_RECORDS) await this.#sleep(Math.min((dueUs - nowUs) / 1000, LONGEST_SLEEP_MS));
      else await nextTurn();
    }
    await nextTurn();
  }

  /** A file of which nothing could be used has no good end, whatever the reader says. */
  #checked(summary: FileSummary, { groups }: HeldRecords): FileSummary {
    const { path } = this.#options.source.file;
    const isUnusable = summary.truncated === undefined && groups === 0 && this.#faults > 0 && this.#faults >= summary.records;
    return isUnusable ? { ...summary, truncated: allMalformed(path, summary.records) } : summary;
  }

  /** The file has ended. @returns true if nothing in it could be used */
  #end({ truncated }: FileSummary): boolean {
    const { source, sink, log } = this.#options;
    const fault = truncated === undefined ? FeedFault.None : faultOfFile(truncated);
    if (fault === FeedFault.FileUnusable) {
      this.#fail(truncated);
      return true;
    }
    this.#atNow();
    if (truncated !== undefined) {
      sink.fault(ALL_INSTRUMENTS, fault);
      this.#logOnce(fault, `${source.name}: ${this.#reason(truncated)}`);
    }
    const absent = absentText(source, this.#instruments.absent());
    if (absent !== undefined && this.rounds === 1) log(FeedFault.UnknownInstrument, absent);
    if (source.atEnd === 'loop') {
      sink.flush();
      return false;
    }
    this.#instruments.end(truncated === undefined ? FeedState.Ended : FeedState.Stale, fault);
    this.#status(truncated === undefined ? FeedState.Ended : FeedState.Down, fault);
    if (truncated === undefined)
      log(FeedFault.None, `${source.name}: ${source.file.path} has ended after ${this.unit} ${this.#reading?.place() ?? 0}`);
    return false;
  }

  /** The same file has the same end in each round. */
  #logOnce(fault: FeedFault, text: string): void {
    if (text !== this.#logged) this.#options.log(fault, text);
    this.#logged = text;
  }

  #fail(error: unknown): void {
    const { source, sink } = this.#options;
    const fault = faultOfFile(error);
    this.#isReading = false;
    this.#atNow();
    sink.fault(ALL_INSTRUMENTS, fault);
    this.#logOnce(fault, `${source.name}: ${this.#reason(error)}`);
    this.#instruments.fail(fault);
    this.#status(FeedState.Down, fault);
  }

  /** What is wrong, with the place where reading ended, and that of the last fault before. */
  #reason(error: unknown): string {
    const place = this.#reading?.place() ?? 0;
    const after = place === 0 ? '' : `; it was read up to ${this.unit} ${place}`;
    const last = this.#faults === 0 ? '' : `; the last fault before was ${faultCode(this.#lastFault)} at ${this.unit} ${this.#lastPlace}`;
    return `${fileErrorText(error)}${after}${last}`;
  }

  #atNow(): void {
    this.#options.sink.at(this.#clock.nowUs());
  }

  #status(state: FeedState, fault: FeedFault): void {
    this.#atNow();
    this.#options.sink.status(ALL_INSTRUMENTS, state, fault);
  }

  /** Ends at once when the line is stopped. */
  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, Math.max(1, ms));
      signal.addEventListener('abort', end);
    });
  }
}
