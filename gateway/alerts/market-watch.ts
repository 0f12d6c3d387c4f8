import type { RingSlots } from '../../engine/rings/ring.ts';
import type { MarketHandler } from '../../engine/threads/pumps.ts';
import { Side } from '../../engine/wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketEventKind, MarketField } from '../../engine/wire/market-event.ts';
import type { BookMirror } from '../market/book-mirror.ts';
import type { SymbolWatch } from './symbol-watch.ts';

const SLOT_DOUBLES = MARKET_EVENT_BYTES / 8;
const SLOT_WORDS = MARKET_EVENT_BYTES / 4;

/**
 * Stands before market data while an alert follows a symbol, and only then: gives trades, and best prices at each flush, to the watches of their symbols. Market
 * data is served first. I/O thread; nothing is allocated unless an alert fires.
 */
export class MarketWatch implements MarketHandler {
  readonly #next: MarketHandler;
  readonly #watches: readonly (SymbolWatch | undefined)[];
  readonly #book: (symbol: number) => BookMirror | undefined;
  /** Symbols whose spread may have changed since the last flush. */
  readonly #touched: number[] = [];
  #timeUs = 0;

  /** @param watches by symbol id */
  constructor(next: MarketHandler, watches: readonly (SymbolWatch | undefined)[], book: (symbol: number) => BookMirror | undefined) {
    this.#next = next;
    this.#watches = watches;
    this.#book = book;
  }

  onMarketEvent(slots: RingSlots, slot: number): void {
    this.#next.onMarketEvent(slots, slot);
    const symbol = slots.u32[slot * SLOT_WORDS + MarketField.symbol];
    const watch = this.#watches[symbol];
    if (watch === undefined) return;
    const at = slot * SLOT_DOUBLES;
    this.#timeUs = slots.f64[at + MarketField.time];
    if (slots.u8[slot * MARKET_EVENT_BYTES + MarketField.kind] === MarketEventKind.Trade)
      watch.trade(slots.f64[at + MarketField.price], slots.f64[at + MarketField.quantity], this.#timeUs);
    if (watch.spread === undefined || watch.touched) return;
    watch.touched = true;
    this.#touched.push(symbol);
  }

  onMarketEnd(): void {
    this.#next.onMarketEnd();
    const touched = this.#touched;
    for (let i = 0; i < touched.length; i++) {
      const watch = this.#watches[touched[i]];
      if (watch === undefined) continue;
      watch.touched = false;
      const book = this.#book(touched[i]);
      if (book !== undefined) watch.quote(bestOf(book, Side.Buy), bestOf(book, Side.Sell), this.#timeUs);
    }
    touched.length = 0;
  }
}

/** The best price of a side in ticks; 0 = the side is empty. */
export function bestOf({ levels }: BookMirror, side: Side): number {
  const level = levels.best(side);
  return level === -1 ? 0 : levels.price[level];
}
