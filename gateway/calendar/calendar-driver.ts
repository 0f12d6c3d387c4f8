import { randomInt } from 'node:crypto';
import type { VenueConfig } from '../config/config-file.ts';
import { BoundaryList, Calendar } from './calendar.ts';
import { CalendarCounters } from './calendar-counters.ts';
import { type CalendarTargets, SymbolCalendar } from './symbol-calendar.ts';

/** Symbols that cross a boundary at the same time: their commands wait for the disk together, and leave room for others. */
const MOST_AT_ONCE = 64;
/** Longest sleep: the clock of the exchange may follow the host's clock faster or slower than real time. */
const LOOK_MS = 250;
/** Zones whose sign is that of POSIX, the opposite of that of ISO 8601. */
const INVERTED = /^Etc\/GMT[+-][1-9]/i;

/**
 * Submits the phases of all symbols that have a calendar, as commands through the sequencer like those of the operator. A random end is
 * drawn here, and decides only when the commands are submitted: their stamps are in the log. One per process; the lock of
 * the data directory allows one process. I/O thread only.
 */
export class CalendarDriver {
  readonly counters = new CalendarCounters();
  readonly #nowUs: () => number;
  readonly #symbols = new Map<number, SymbolCalendar>();
  readonly #working = new Set<SymbolCalendar>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param venue whose symbols are defined */
  constructor({ calendars, symbols }: Pick<VenueConfig, 'calendars' | 'symbols'>, exchange: Omit<CalendarTargets, 'counters' | 'draw'>) {
    this.#nowUs = exchange.nowUs;
    const targets: CalendarTargets = { ...exchange, draw: (limit) => randomInt(limit), counters: this.counters };
    const nowUs = exchange.nowUs();
    for (const { name, timeZone } of calendars)
      if (INVERTED.test(timeZone))
        exchange.log.warn({ calendar: name, timeZone }, 'the sign of this time zone is inverted: Etc/GMT+1 is one hour behind UTC');
    const named = new Map(calendars.map((config) => [config.name, new BoundaryList(new Calendar(config), nowUs)]));
    for (const { id, calendar: name } of symbols) {
      const boundaries = name === undefined ? undefined : named.get(name);
      if (boundaries !== undefined) this.#symbols.set(id, new SymbolCalendar(id, boundaries, targets));
    }
  }

  /** The calendar of a symbol, if it has one. */
  calendarOf(symbol: number): Calendar | undefined {
    return this.#symbols.get(symbol)?.boundaries.calendar;
  }

  /**
   * Brings each symbol into the phase of now, before the first order, unless an operator's phase came after the last boundary.
   * Resolves after one attempt; what the exchange did not take is tried again later.
   */
  async begin(): Promise<void> {
    const all = [...this.#symbols.values()];
    while (all.length > 0) await Promise.all(all.splice(0, MOST_AT_ONCE).map((symbol) => symbol.work()));
    if (this.#symbols.size > 0) this.#look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  readonly #look = (): void => {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const nowUs = this.#nowUs();
    let wakeUs = nowUs + LOOK_MS * 1000;
    for (const symbol of this.#symbols.values()) {
      if (this.#working.has(symbol)) continue;
      if (symbol.wakeUs > nowUs) wakeUs = Math.min(wakeUs, symbol.wakeUs);
      else if (this.#working.size < MOST_AT_ONCE) this.#work(symbol);
    }
    this.#timer = setTimeout(this.#look, Math.ceil((wakeUs - nowUs) / 1000)).unref();
  };

  #work(symbol: SymbolCalendar): void {
    this.#working.add(symbol);
    void symbol.work().finally(() => {
      this.#working.delete(symbol);
      this.#look();
    });
  }
}
