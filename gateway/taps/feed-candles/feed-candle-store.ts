import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { BAR_FIELDS } from '../../../feeds/analysis/bar-ring.ts';
import { CANDLE_INTERVALS, CandleField, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import type { BarRange } from '../../../feeds/analysis/instrument-candles.ts';
import type { CandlePiece } from '../../../feeds/worker/candle-messages.ts';
import { requireRoom, requireWritable } from '../history/room.ts';
import { DamagedHistoryError } from '../history/run-format.ts';
import { StoreFault, walkStoreFile } from '../history/store-file.ts';
import { openBar, openState, sealBar, sealState } from './feed-candle-rows.ts';

const VERSION = 1;
const INTERVALS = CANDLE_INTERVALS.length;
/** Instruments of all feeds, also of those that are no longer configured. */
const MOST_SERIES = 16_384;

/** The store was written by a newer release, or its version is none. Nothing was changed. */
export class FeedCandlesVersionError extends Error {
  readonly code = 'FEED_CANDLES_NEWER';

  constructor(path: string, version: unknown) {
    super(
      `the candles of feeds in ${path} have version ${version}, and this release knows version ${VERSION}. Nothing was changed. ` +
        'Start the release that wrote them, or move the directory away to begin without candles.',
    );
    this.name = 'FeedCandlesVersionError';
  }
}

/** The LMDB environment of a data directory. It exists once an exchange with feeds was started. */
export function feedCandlesPath(dataDir: string): string {
  return join(dataDir, 'feed-candles');
}

/**
 * What is wrong with the store's file; undefined: nothing. It uses no function of LMDB, which damage would end the process in. Reads all
 * pages; what stands in them is verified when it is read. Call it before the store is opened.
 */
export function feedCandlesFault(dataDir: string): string | undefined {
  const path = join(feedCandlesPath(dataDir), 'data.mdb');
  if (!existsSync(path)) return undefined;
  try {
    walkStoreFile(path, { onValue: () => undefined, readsOverflow: false });
    return undefined;
  } catch (error) {
    if (error instanceof StoreFault) return error.message;
    throw error;
  }
}

/**
 * The candles of outside trades, in an LMDB environment of their own under `DATA/feed-candles`. It is the only copy: the log has
 * no outside trades.
 *
 *   series   [feed, instrument]                        -> number of the series
 *   states   series                                    -> what continues its candles, trailer
 *   candles  [series * 8 + interval, start / interval] -> closed candle, trailer: see feed-candle-rows.ts
 *   meta     'version', 'series'                       -> version of this layout, numbers of series given
 *
 * A batch is one transaction, so that a state and the candles that it has closed are there together. It is on the disk when
 * {@link FeedCandleStore.write} returns. One thread owns the object.
 */
export class FeedCandleStore {
  readonly path: string;
  readonly candles: Database<Buffer, [number, number]>;
  readonly states: Database<Buffer, number>;
  /** Instruments that were refused, because there are too many. */
  refused = 0;
  readonly #series: Database<number, [string, string]>;
  readonly #meta: Database<number, string>;
  readonly #root: RootDatabase;
  readonly #onDamaged: (message: string) => void;
  #count: number;

  /**
   * Opens or creates the store. Blocks.
   * @param onDamaged gets what is wrong with a row, which is left out
   * @throws FeedCandlesVersionError, HistoryFullError, HistoryUnusableError, PathError
   */
  constructor(dataDir: string, onDamaged: (message: string) => void) {
    this.path = feedCandlesPath(dataDir);
    this.#onDamaged = onDamaged;
    requireWritable(this.path);
    this.#root = open({ path: this.path, maxDbs: 4, noSubdir: false });
    const ordered = { encoding: 'ordered-binary', cache: false } as const;
    const binary = { encoding: 'binary', cache: false } as const;
    this.#meta = this.#root.openDB({ name: 'meta', ...ordered });
    const version = this.#meta.get('version') ?? VERSION;
    if (version !== VERSION) {
      void this.#root.close();
      throw new FeedCandlesVersionError(this.path, version);
    }
    this.#series = this.#root.openDB({ name: 'series', ...ordered });
    this.states = this.#root.openDB({ name: 'states', ...binary });
    this.candles = this.#root.openDB({ name: 'candles', ...binary });
    this.#count = this.#meta.get('series') ?? 0;
    if (this.#meta.get('version') === undefined) this.#write(1, () => this.#meta.putSync('version', VERSION));
  }

  /** Bytes of the pages that are in use. The file keeps pages that become free, and uses them again. */
  get bytes(): number {
    let bytes = 0;
    for (const database of [this.candles, this.states, this.#series]) {
      const { treeBranchPageCount, treeLeafPageCount, overflowPages, pageSize } = database.getStats() as Record<string, number>;
      bytes += (treeBranchPageCount + treeLeafPageCount + overflowPages) * pageSize;
    }
    return bytes;
  }

  /** Numbers of all series. */
  get series(): Iterable<number> {
    return this.#series.getRange({}).map(({ value }) => value);
  }

  /** Stores a batch. @returns closed candles that were written @throws HistoryFullError: nothing was written */
  write(pieces: readonly CandlePiece[]): number {
    const bars = pieces.reduce((sum, { intervals }) => sum + intervals.length, 0);
    this.#write(bars + 2 * pieces.length, () => {
      for (const piece of pieces) this.#put(piece);
    });
    return bars;
  }

  /** Removes candles. @throws HistoryFullError */
  remove(keys: readonly [number, number][]): void {
    this.#write(keys.length, () => {
      for (const key of keys) this.candles.removeSync(key);
    });
  }

  /** What continues the candles of some feeds, by feed and instrument. */
  statesOf(feeds: readonly string[]): Map<string, Map<string, Float64Array>> {
    const states = new Map(feeds.map((feed): [string, Map<string, Float64Array>] => [feed, new Map()]));
    for (const { key, value: series } of this.#series.getRange({})) {
      const [feed, instrument] = key;
      const of = states.get(feed);
      const row = of && this.states.get(series);
      const state = row && this.#verified(() => openState(series, row));
      if (state !== undefined) of?.set(instrument, state);
    }
    return states;
  }

  /** Closed candles of an instrument, BAR_FIELDS numbers each, oldest first; undefined: it has none. */
  bars(feed: string, instrument: string, { interval, from, to, limit, newest }: BarRange): Float64Array | undefined {
    const series = this.#series.get([feed, instrument]);
    if (series === undefined) return undefined;
    const of = series * INTERVALS + interval;
    const found: Float64Array[] = [];
    const range = newest ? { start: [of, to - 1], end: [of, from - 1], reverse: true, limit } : { start: [of, from], end: [of, to], limit };
    for (const { key, value } of this.candles.getRange(range as object)) {
      const bar = this.#verified(() => openBar(key as [number, number], value));
      if (bar !== undefined) found.push(bar);
    }
    if (newest) found.reverse();
    const bars = new Float64Array(found.length * BAR_FIELDS);
    for (const [i, bar] of found.entries()) bars.set(bar, i * BAR_FIELDS);
    return bars;
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #put({ feed, instrument, state, bars, intervals }: CandlePiece): void {
    const series = this.#seriesOf(feed, instrument);
    if (series === undefined) return;
    for (let i = 0; i < intervals.length; i++) {
      const at = i * BAR_FIELDS;
      const key: [number, number] = [series * INTERVALS + intervals[i], bars[at + CandleField.start] / INTERVAL_US[intervals[i]]];
      this.candles.putSync(key, sealBar(key, bars, at));
    }
    this.states.putSync(series, sealState(series, state));
  }

  #seriesOf(feed: string, instrument: string): number | undefined {
    const known = this.#series.get([feed, instrument]);
    if (known !== undefined) return known;
    if (this.#count >= MOST_SERIES) {
      this.refused++;
      return undefined;
    }
    this.#series.putSync([feed, instrument], this.#count);
    this.#meta.putSync('series', this.#count + 1);
    return this.#count++;
  }

  #verified<Row>(read: () => Row): Row | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DamagedHistoryError)) throw error;
      this.#onDamaged(error.detail);
      return undefined;
    }
  }

  #write(rows: number, work: () => void): void {
    requireRoom(this.path, rows);
    const count = this.#count;
    try {
      this.#root.transactionSync(work);
    } catch (error) {
      this.#count = count;
      throw error;
    }
  }
}
