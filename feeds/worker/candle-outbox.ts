import type { MessagePort } from 'node:worker_threads';
import type { FeedCandles } from '../analysis/feed-candles.ts';
import type { CandlePiece, FromCandleStore, StoredStates, ToCandleStore } from './candle-messages.ts';

/** A source whose candles are stored. */
export interface StoredSource {
  /** Its name in the store. */
  readonly name: string;
  readonly candles: FeedCandles;
}

/** Between two batches, ms: as long a closed candle waits until it is shown as closed. */
const EVERY_MS = 250;
/** After a batch that found no room. */
const RETRY_MS = 1000;
/** Instruments of a batch, and closed candles of one that takes another instrument. The rest takes turns. */
const MOST_PIECES = 512;
const MANY_BARS = 8192;

/**
 * Sends what is new of the candles of all sources to the store, a batch at a time, and marks it as stored at the answer. Nothing
 * is copied twice: what waits for the store are the candles that are kept in memory anyway. Without a store, closed candles are
 * shown at once. The feed thread owns it.
 */
export class CandleOutbox {
  readonly #port: MessagePort;
  readonly #sources: readonly StoredSource[];
  readonly #nameOf: (row: number) => string;
  readonly #sent: (readonly [candles: FeedCandles, row: number])[] = [];
  #states: ReadonlyMap<string, StoredStates> = new Map();
  #timer: NodeJS.Timeout | undefined;
  /** The source that comes first in a batch. */
  #turn = 0;
  #isOpen = true;
  #ended: (() => void) | undefined;

  /** @param nameOf the name of an instrument by its row */
  constructor(port: MessagePort, sources: readonly StoredSource[], nameOf: (row: number) => string) {
    this.#port = port;
    this.#sources = sources;
    this.#nameOf = nameOf;
  }

  /** Resolves when the stored states are there, or it is clear that there is no store. */
  async open(): Promise<void> {
    const opened = Promise.withResolvers<void>();
    this.#port.on('message', (message: FromCandleStore) => {
      if (message.type === 'states') {
        this.#states = message.states;
        this.#hold(true);
        opened.resolve();
      } else this.#answered(message.type === 'stored');
    });
    this.#port.on('close', () => {
      this.#isOpen = false;
      clearTimeout(this.#timer);
      this.#hold(false);
      this.#ended?.();
      opened.resolve();
    });
    this.#post({ type: 'open', feeds: this.#sources.map(({ name }) => name) });
    await opened.promise;
    this.#schedule(EVERY_MS);
  }

  /** The stored state of an instrument. @param source index of its source */
  stateOf(source: number, row: number): Float64Array | undefined {
    return this.#states.get(this.#sources[source].name)?.get(this.#nameOf(row));
  }

  /** Stores what is left. Resolves when that is done, or cannot be done. */
  async stop(): Promise<void> {
    if (!this.#isOpen) return;
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.resolve;
    if (this.#sent.length === 0) this.#send();
    await ended.promise;
    clearTimeout(this.#timer);
    this.#port.close();
  }

  #send(): void {
    const pieces: CandlePiece[] = [];
    let bars = 0;
    this.#turn++;
    for (let i = 0; i < this.#sources.length; i++) {
      const { name, candles } = this.#sources[(this.#turn + i) % this.#sources.length];
      while (pieces.length < MOST_PIECES && bars < MANY_BARS) {
        const taken = candles.takeNew();
        if (taken === undefined) break;
        const { row, ...news } = taken;
        pieces.push({ feed: name, instrument: this.#nameOf(row), ...news });
        this.#sent.push([candles, row]);
        bars += news.intervals.length;
      }
    }
    if (pieces.length > 0) this.#post({ type: 'batch', pieces });
    else if (this.#ended !== undefined) this.#ended();
    else this.#schedule(EVERY_MS);
  }

  #answered(isStored: boolean): void {
    for (const [candles, row] of this.#sent) {
      if (isStored) candles.noteStored(row);
      else candles.noteUnstored(row);
    }
    this.#sent.length = 0;
    this.#hold(isStored);
    if (this.#ended === undefined) this.#schedule(isStored ? EVERY_MS : RETRY_MS);
    else if (isStored) this.#send();
    else this.#ended();
  }

  #hold(isHeld: boolean): void {
    for (const { candles } of this.#sources) candles.isHeld = isHeld;
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isOpen) this.#timer = setTimeout(() => this.#send(), ms);
  }

  #post(message: ToCandleStore): void {
    this.#port.postMessage(message);
  }
}
