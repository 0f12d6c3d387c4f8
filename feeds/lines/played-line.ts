import type { VenueAdapter } from '../feed.ts';
import type { PlaceUnit } from '../files/file-reading.ts';
import type { PublishedSink } from '../rings/record-publisher.ts';
import type { Venue } from '../venues/index.ts';
import { CaptureLine } from './capture-line.ts';
import { FileLine, type FileLineOptions } from './file-line.ts';
import { formatOfSource } from './file-source.ts';

export interface PlayedLineOptions extends FileLineOptions {
  /** As in CaptureLineOptions. */
  readonly adapter: (venue: Venue, sink: PublishedSink) => VenueAdapter;
}

/** The line of a source whose data come from a file: a capture, or a file of market data. The first look at the file decides. */
export class PlayedLine {
  readonly #options: PlayedLineOptions;
  #line: CaptureLine | FileLine | undefined;
  #opening: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: PlayedLineOptions) {
    this.#options = options;
  }

  /** Times that the file was begun. */
  get rounds(): number {
    return this.#line?.rounds ?? 0;
  }

  /** As those of {@link FileLine}; place 0: none. */
  get place(): number {
    return this.#line instanceof FileLine ? this.#line.place : 0;
  }

  get unit(): PlaceUnit {
    return this.#line instanceof FileLine ? this.#line.unit : 'line';
  }

  /** An instrument of a file that has no adapter, by its number in the sink. */
  played(instrument: number): ReturnType<FileLine['played']> {
    return this.#line instanceof FileLine ? this.#line.played(instrument) : undefined;
  }

  /** Plays the file. The promise ends when there is nothing more to play; it does not fail. */
  async start(): Promise<void> {
    this.#opening = this.#open();
    await this.#opening;
    if (!this.#stopped) await this.#line?.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#opening;
    await this.#line?.stop();
  }

  async #open(): Promise<void> {
    const options = this.#options;
    // A file that shows no format, or that is not there, is what a file line reports.
    const isCapture = await formatOfSource(options.source).then(
      (format) => format === undefined,
      () => false,
    );
    this.#line = isCapture ? new CaptureLine(options) : new FileLine(options);
  }
}
