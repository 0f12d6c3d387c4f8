import { ALL_INSTRUMENTS, FeedFault, FeedState, type VenueAdapter } from '../feed.ts';
import { CapturePlayer } from '../files/capture-player.ts';
import { capturedVenue } from '../files/capture-replay.ts';
import { CaptureError, readCaptureByTime } from '../files/captures.ts';
import type { PublishedSink } from '../rings/record-publisher.ts';
import type { Venue } from '../venues/index.ts';
import { absentText, faultOfFile } from './file-fault.ts';
import { type FileSource, isPlayedAsNow } from './file-source.ts';
import { LineClock } from './line-clock.ts';
import { SelectedSink } from './selected-sink.ts';

export interface CaptureLineOptions {
  readonly source: FileSource;
  /** The adapter of the venue, whose calls become visible in the sink when they return. */
  readonly adapter: (venue: Venue, sink: PublishedSink) => VenueAdapter;
  /** Gets what the capture has, the states of the line, and faults of the file. */
  readonly sink: PublishedSink;
  /** These two as in FileLineOptions. */
  readonly isRefused: (instrument: number) => boolean;
  readonly onShift?: (shiftUs: number) => void;
  readonly clock?: LineClock;
  /** One line of text for the log. */
  readonly log: (fault: FeedFault, text: string) => void;
}

/** Interval in which due events are played, ms. */
const STEP_MS = 5;
/** Events that are played in one turn of the event loop. */
const SHARE_EVENTS = 256;
/** A capture of almost nothing is not played in circles. */
const SHORTEST_ROUND_US = 1e6;

/**
 * The line of a source that plays a capture, at its recorded speed or a multiple of it, once or in a loop: each round is a connection
 * of its own. The beginning of a round, while the recorded client subscribed, is played at once, so that all books are there again at
 * once; where the times are moved to now ({@link isPlayedAsNow}), its own come before the round, and trades of it repeat the end of the
 * round before. Elsewhere the trades have the recorded times, and repeat those of the round before. The adapter is the venue's, and gets
 * the present time. If the thread was held up for longer than a round, the rounds between are left out. A file that cannot be read leaves
 * the source down.
 */
export class CaptureLine {
  /** Rounds that were begun. */
  rounds = 0;
  readonly #options: CaptureLineOptions;
  readonly #clock: LineClock;
  readonly #sink: SelectedSink;
  readonly #ended = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: CaptureLineOptions) {
    const { source, sink, isRefused } = options;
    this.#options = options;
    this.#clock = options.clock ?? new LineClock();
    this.#sink = new SelectedSink(sink, source.instruments, isRefused);
  }

  /** Plays the capture. The promise ends when there is nothing more to play; it does not fail. */
  start(): Promise<void> {
    this.#status(FeedState.Connecting, FeedFault.None);
    this.#begin().catch((error: Error) => {
      if (!this.#stopped) this.#fail(error);
    });
    return this.#ended.promise;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#status(FeedState.Down, FeedFault.None);
    this.#ended.resolve();
  }

  async #begin(): Promise<void> {
    const { source, adapter, log } = this.#options;
    const capture = await readCaptureByTime(source.file);
    const player = new CapturePlayer(capture.events, adapter(capturedVenue(source.file.path, capture), this.#sink));
    if (player.ended) throw new Error(`${source.file.path} holds no frames; there is nothing to play`);
    if (this.#stopped) return;
    if (capture.truncated !== undefined) {
      this.#sink.fault(ALL_INSTRUMENTS, FeedFault.FileTruncated);
      log(FeedFault.FileTruncated, `${source.name}: ${capture.truncated.code}: ${capture.truncated.message}`);
    }
    this.rounds++;
    this.#status(FeedState.Live, FeedFault.None);
    const round = new CaptureRound(player, source.speed, this.#clock.nowUs());
    this.#shift(round);
    const step = (): void => {
      if (this.#stopped) return;
      try {
        const nowUs = this.#clock.nowUs();
        if (player.ended && !this.#next(round, nowUs)) return;
        if (!round.play(nowUs)) setImmediate(step);
      } catch (error) {
        this.#fail(error as Error);
      }
    };
    this.#timer = setInterval(step, STEP_MS);
  }

  /** The capture was played: it begins again, when a round has been long enough. @returns false if it does not, or has ended */
  #next(round: CaptureRound, nowUs: number): boolean {
    if (this.#options.source.atEnd === 'end') {
      this.#end();
      return false;
    }
    if (nowUs - round.beganUs < SHORTEST_ROUND_US) return false;
    this.#absent();
    round.rewind(nowUs);
    this.#shift(round);
    this.rounds++;
    // By this state, readers recognise a new connection, whose trades they do not count a second time.
    this.#status(FeedState.Connecting, FeedFault.None);
    this.#status(FeedState.Live, FeedFault.None);
    return true;
  }

  #shift({ shiftUs }: CaptureRound): void {
    if (isPlayedAsNow(this.#options.source)) this.#options.onShift?.(shiftUs);
  }

  #end(): void {
    const { source, log } = this.#options;
    clearInterval(this.#timer);
    this.#stopped = true;
    this.#sink.at(this.#clock.nowUs());
    this.#absent();
    this.#sink.instruments.end(FeedState.Ended, FeedFault.None);
    this.#status(FeedState.Ended, FeedFault.None);
    log(FeedFault.None, `${source.name}: ${source.file.path} has ended`);
    this.#ended.resolve();
  }

  #absent(): void {
    if (this.rounds > 1) return;
    const { source, log } = this.#options;
    const text = absentText(source, this.#sink.instruments.absent());
    if (text !== undefined) log(FeedFault.UnknownInstrument, text);
  }

  #fail(error: Error): void {
    clearInterval(this.#timer);
    this.#stopped = true;
    const fault = error instanceof CaptureError ? faultOfFile(error) : FeedFault.Malformed;
    this.#sink.at(this.#clock.nowUs());
    this.#sink.fault(ALL_INSTRUMENTS, fault);
    this.#options.log(fault, `${this.#options.source.name}: ${error.message}`);
    this.#sink.instruments.end(FeedState.Stale, fault);
    this.#status(FeedState.Down, fault);
    this.#ended.resolve();
  }

  #status(state: FeedState, fault: FeedFault): void {
    this.#sink.at(this.#clock.nowUs());
    this.#sink.status(ALL_INSTRUMENTS, state, fault);
  }
}

/** One time through a capture. */
class CaptureRound {
  beganUs: number;
  readonly #player: CapturePlayer;
  readonly #speed: number;
  readonly #leadEndUs: number;

  constructor(player: CapturePlayer, speed: number, beganUs: number) {
    this.#player = player;
    this.#speed = speed;
    this.#leadEndUs = player.leadEndUs;
    this.beganUs = beganUs;
  }

  /** From the recorded times to those at which they are played at the recorded speed. */
  get shiftUs(): number {
    return this.beganUs - this.#leadEndUs;
  }

  rewind(nowUs: number): void {
    this.#player.rewind(nowUs);
    this.beganUs = nowUs;
  }

  /** Plays what is due. @returns false if more is due than fits one turn */
  play(nowUs: number): boolean {
    const player = this.#player;
    // At another speed than the recorded one, the intervals between the adapter's times are not those of the capture.
    if (this.#speed === Number.POSITIVE_INFINITY) return player.playUntil(this.#speed, -this.#speed, nowUs, SHARE_EVENTS);
    const untilUs = this.#leadEndUs + (nowUs - this.beganUs) * this.#speed;
    if (this.#speed !== 1) return player.playUntil(untilUs, Number.NEGATIVE_INFINITY, nowUs, SHARE_EVENTS);
    return player.playUntil(untilUs, this.shiftUs, this.beganUs, SHARE_EVENTS);
  }
}
