import { MarketEventKind, type MarketEventSlots, MarketEventView } from '../wire/market-event.ts';
import { badName } from './embed-error.ts';
import type { EmbeddedNames } from './embedded-names.ts';
import { BookEvent, type EventName, type EventTypes, PhaseEvent, ReportEvent, TradeEvent } from './events.ts';
import { checkFunction } from './known-names.ts';

type Listener<Name extends EventName> = (event: EventTypes[Name]) => void;

const NAMES: readonly EventName[] = ['report', 'trade', 'book', 'phase'];

/** Calls back with the outputs of the state machine. A callback that throws delays no other one: the first error is thrown when the command is complete. */
export class EventDelivery {
  /** Whether a callback takes reports, and one of the events of books. */
  wantsReports = false;
  wantsMarket = false;
  /** A callback has thrown. */
  failed = false;
  #error: unknown;
  readonly #slots: MarketEventSlots;
  readonly #view = new MarketEventView();
  #report: ReportEvent | undefined;
  #trade: TradeEvent | undefined;
  #book: BookEvent | undefined;
  #phase: PhaseEvent | undefined;
  readonly #listeners: { [Name in EventName]: Listener<Name>[] } = { report: [], trade: [], book: [], phase: [] };

  constructor(slots: MarketEventSlots) {
    this.#slots = slots;
  }

  named(names: EmbeddedNames): void {
    this.#report = new ReportEvent(names);
    this.#trade = new TradeEvent(this.#view, names);
    this.#book = new BookEvent(this.#view, names);
    this.#phase = new PhaseEvent(this.#view, names);
  }

  /** @returns what removes the callback @throws EmbedError BAD_ENUM, BAD_OPTION */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void {
    if (!NAMES.includes(name)) badName('event', name, NAMES);
    checkFunction('a callback', listener);
    // A copy, because a callback may add or remove one.
    const set = (listeners: Listener<Name>[]): void => {
      (this.#listeners as Record<Name, Listener<Name>[]>)[name] = listeners;
      this.wantsReports = this.#listeners.report.length > 0;
      this.wantsMarket = this.#listeners.trade.length + this.#listeners.book.length + this.#listeners.phase.length > 0;
    };
    set([...this.#listeners[name], listener]);
    return () => set(this.#listeners[name].filter((other) => other !== listener));
  }

  report(words: Int32Array, at: number): void {
    if (this.#report !== undefined) this.#call(this.#listeners.report, this.#report.wrap(words, at));
  }

  market(slot: number): void {
    const view = this.#view.wrap(this.#slots, slot);
    switch (view.kind) {
      case MarketEventKind.Trade:
        if (this.#trade !== undefined) this.#call(this.#listeners.trade, this.#trade);
        if (this.#book !== undefined) this.#call(this.#listeners.book, this.#book);
        return;
      case MarketEventKind.Add:
      case MarketEventKind.Reduce:
      case MarketEventKind.Remove:
        if (this.#book !== undefined) this.#call(this.#listeners.book, this.#book);
        return;
      case MarketEventKind.Phase:
        if (this.#phase !== undefined) this.#call(this.#listeners.phase, this.#phase);
    }
  }

  /** Throws the first error of a callback since the last call. */
  rethrow(): void {
    if (!this.failed) return;
    const error = this.#error;
    this.failed = false;
    this.#error = undefined;
    throw error;
  }

  #call<Event>(listeners: readonly ((event: Event) => void)[], event: Event): void {
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        if (this.failed) continue;
        this.failed = true;
        this.#error = error;
      }
    }
  }
}
