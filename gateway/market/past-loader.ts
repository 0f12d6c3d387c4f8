import { CANDLE_FIELDS } from '../../feeds/analysis/candles.ts';
import { dayBegin } from '../../feeds/analysis/day-window.ts';
import type { SymbolFeed } from './symbol-feed.ts';
import { MOST_LAST_TRADES } from './symbol-past.ts';

/** Where trades and candles are found that market data does not keep; the history. */
export interface MarketHistory {
  /** Candles of closed minutes from a time on, oldest first, CANDLE_FIELDS numbers each; undefined: it does not have the last trades yet. */
  minutes(symbol: number, fromUs: number): Promise<Float64Array | undefined>;
  /** Packed Trade structs with ids below `before`, newest first; undefined: it does not have trade `before - 1` yet. */
  trades(symbol: number, before: number, limit: number): Promise<Uint8Array | undefined>;
}

/** The history cannot give what is needed now. */
export class PastUnavailableError extends Error {
  readonly code = 'BUSY';
}

interface Waiting {
  readonly feed: SymbolFeed;
  readonly loaded: Promise<void>;
}

/** After a failure, readers that wait have the next attempt after this time, ms. */
const RETRY_MS = 1000;

/**
 * Loads what came before, for symbols whose last trades or 24 hours were requested: one symbol at a time, so that readers of
 * all symbols at once do not take the history for themselves. I/O thread.
 */
export class PastLoader {
  readonly #history: MarketHistory | undefined;
  readonly #timeUs: () => number;
  readonly #onReady: (feed: SymbolFeed) => void;
  readonly #waiting = new Map<SymbolFeed, Waiting>();
  #last: Promise<void> = Promise.resolve();
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped = false;

  /** @param history undefined: there is nothing before @param onReady called when a symbol is loaded */
  constructor(history: MarketHistory | undefined, timeUs: () => number, onReady: (feed: SymbolFeed) => void) {
    this.#history = history;
    this.#timeUs = timeUs;
    this.#onReady = onReady;
  }

  /** Resolves when the past of the symbol is ready. @throws PastUnavailableError, and errors of the history */
  load(feed: SymbolFeed): Promise<void> {
    if (feed.past.ready) return Promise.resolve();
    const { loaded } = this.#waiting.get(feed) ?? this.#enter(feed);
    return loaded;
  }

  /** Loads for readers that wait: again and again, as long as it fails. */
  want(feed: SymbolFeed): void {
    if (this.#waiting.has(feed)) return;
    this.load(feed).catch(() => {
      if (this.#stopped) return;
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#onReady(feed);
      }, RETRY_MS);
      this.#timers.add(timer);
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #enter(feed: SymbolFeed): Waiting {
    const loaded = this.#last.then(() => this.#read(feed));
    this.#last = loaded.then(
      () => undefined,
      () => undefined,
    );
    const waiting = { feed, loaded };
    this.#waiting.set(feed, waiting);
    return waiting;
  }

  async #read(feed: SymbolFeed): Promise<void> {
    const { past, symbol } = feed;
    try {
      const before = feed.mirror.lastTradeId + 1;
      past.begin();
      if (this.#history !== undefined) {
        const trades = await this.#history.trades(symbol, before, MOST_LAST_TRADES);
        const minutes = await this.#history.minutes(symbol, dayBegin(this.#timeUs()));
        if (trades === undefined || minutes === undefined)
          throw new PastUnavailableError('the history does not have the last trades yet; try again');
        past.trades?.prepend(trades);
        past.day?.prepend(minutes, CANDLE_FIELDS);
      }
      past.ready = true;
    } finally {
      // A failure begins anew.
      if (!past.ready) past.trades = past.day = undefined;
      this.#waiting.delete(feed);
    }
    this.#onReady(feed);
  }
}
