import { ALL_INSTRUMENTS, FeedFault, type FeedSink, FeedState, type VenueAdapter } from '../feed.ts';
import { CapturePlayer } from '../files/capture-player.ts';
import { capturedVenue } from '../files/capture-replay.ts';
import { type CaptureFile, readCaptureByTime } from '../files/captures.ts';
import type { Venue } from '../venues/index.ts';
import { LineClock } from './line-clock.ts';

/** A source whose data come from a capture, again and again. */
export interface CaptureSource {
  /** As that of a `FeedSource`, and not one of theirs. */
  readonly name: string;
  readonly file: CaptureFile;
}

export interface CaptureLineOptions {
  readonly source: CaptureSource;
  readonly adapter: (venue: Venue) => VenueAdapter;
  /** Gets the states of the line, and faults of the file. */
  readonly sink: FeedSink;
  /** Called before each round: what brings the recorded times to those at which they are played, microseconds. */
  readonly onRound: (shiftUs: number) => void;
  readonly clock?: LineClock;
  /** One line of text for the log. */
  readonly log: (fault: FeedFault, text: string) => void;
}

/** Interval in which due events are played, ms. */
const STEP_MS = 5;
/** A capture of almost nothing is not played in circles. */
const SHORTEST_ROUND_US = 1e6;

/**
 * The line of a source that plays a capture at the recorded speed, in a loop: each round is a connection of its own. The beginning
 * of a round, while the recorded client subscribed, is played at once, so that all books are there again at once; its recorded times
 * come before the round, and trades of it repeat the end of the round before. The adapter is the venue's, and gets the present time. If
 * the thread was held up for longer than a round, the rounds between are left out. A file that cannot be read leaves the source down.
 */
export class CaptureLine {
  readonly #options: CaptureLineOptions;
  readonly #clock: LineClock;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: CaptureLineOptions) {
    this.#options = options;
    this.#clock = options.clock ?? new LineClock();
  }

  start(): void {
    this.#status(FeedState.Connecting, FeedFault.None);
    this.#begin().catch((error: Error) => {
      if (!this.#stopped) this.#fail(error);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#status(FeedState.Down, FeedFault.None);
  }

  async #begin(): Promise<void> {
    const { source, adapter, log } = this.#options;
    const capture = await readCaptureByTime(source.file);
    const player = new CapturePlayer(capture.events, adapter(capturedVenue(source.file.path, capture)));
    if (player.ended) throw new Error(`${source.file.path} holds no frames; there is nothing to play`);
    if (this.#stopped) return;
    if (capture.truncated !== undefined) {
      this.#options.sink.fault(ALL_INSTRUMENTS, FeedFault.Malformed);
      log(FeedFault.Malformed, capture.truncated.message);
    }
    this.#status(FeedState.Live, FeedFault.None);
    const { leadEndUs } = player;
    let beganUs = this.#clock.nowUs();
    this.#options.onRound(beganUs - leadEndUs);
    const step = (): void => {
      const nowUs = this.#clock.nowUs();
      if (player.ended && nowUs - beganUs >= SHORTEST_ROUND_US) {
        player.rewind(nowUs);
        beganUs = nowUs;
        this.#options.onRound(beganUs - leadEndUs);
        // Readers that know a new connection by this state do not count its trades a second time.
        this.#status(FeedState.Connecting, FeedFault.None);
        this.#status(FeedState.Live, FeedFault.None);
      }
      const shiftUs = beganUs - leadEndUs;
      player.playUntil(nowUs - shiftUs, shiftUs, beganUs);
    };
    this.#timer = setInterval(() => {
      try {
        step();
      } catch (error) {
        this.#fail(error as Error);
      }
    }, STEP_MS);
  }

  #fail(error: Error): void {
    clearInterval(this.#timer);
    this.#options.sink.fault(ALL_INSTRUMENTS, FeedFault.Malformed);
    this.#options.log(FeedFault.Malformed, `${this.#options.source.name}: ${error.message}`);
    this.#status(FeedState.Down, FeedFault.Malformed);
  }

  #status(state: FeedState, fault: FeedFault): void {
    this.#options.sink.status(ALL_INSTRUMENTS, state, fault);
  }
}
