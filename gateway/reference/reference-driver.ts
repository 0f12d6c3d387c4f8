import { ReferenceSourceId } from '../../engine/params.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import type { AnySource } from '../../feeds/lines/file-source.ts';
import type { VenueConfig } from '../config/config-file.ts';
import { Rate } from '../rate.ts';
import { LatestSource, type LatestTable } from './latest-source.ts';
import { LOOK_US, type ReferenceTargets, SymbolReference } from './symbol-reference.ts';
import { TickScale } from './tick-scale.ts';

/** Updates of all symbols together, per second and at once: a small part of what the exchange takes. */
const UPDATES_PER_SECOND = 1000;
const UPDATE_BURST = 100;
/** After a change woke this thread, the next one does not for so long at least. */
const REARM_US = 2_000;
/** Between two rounds, at least so long; and so long for each symbol, of which a look takes less than a microsecond. */
const REST_US = 1_000;
const REST_PER_SYMBOL_US = 10;
/** Symbols that are looked at in one turn of the event loop: about a tenth of a millisecond. */
const MOST_AT_ONCE = 256;
/** Symbols that a warning names. */
const NAMES = 10;

/** The feeds, as the driver needs them. */
export interface ReferenceFeeds extends LatestTable {
  /** The next change of a watched row calls {@link ReferenceDriver.wake}. */
  arm(): void;
}

/**
 * The reference prices of all symbols that have outside sources. It looks at all of them, in a round, when a price has changed, when
 * a symbol may send its next one, and four times a second in any case. However often prices change, the pauses between the
 * rounds keep them to a small part of the thread. One per process; I/O thread.
 */
export class ReferenceDriver {
  readonly symbols: readonly SymbolReference[];
  readonly #directory: Pick<Directory, 'symbol' | 'symbolIds' | 'param'>;
  readonly #feeds: ReferenceFeeds | undefined;
  readonly #ids: ReadonlySet<number>;
  readonly #restUs: number;
  /** The symbol that was looked at last, and how many are left in the round that is under way. */
  #at = 0;
  #left = 0;
  /** When the next round begins, unless a change wakes the thread before. */
  #nextUs = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param venue whose symbols are defined @param sources in the order of their numbers in `feeds` @param feeds undefined if there are no sources */
  constructor(
    { symbols }: Pick<VenueConfig, 'symbols'>,
    sources: readonly AnySource[],
    feeds: ReferenceFeeds | undefined,
    exchange: Omit<ReferenceTargets, 'takeUpdate' | 'directory'> & {
      readonly directory: ReferenceTargets['directory'] & Pick<Directory, 'symbolIds'>;
    },
  ) {
    this.#directory = exchange.directory;
    this.#feeds = feeds;
    const rate = new Rate(UPDATES_PER_SECOND, UPDATE_BURST);
    const targets = { ...exchange, takeUpdate: () => rate.take() };
    const numbers = new Map(sources.map(({ name }, number) => [name, number]));
    const nowUs = monotonicUs();
    this.symbols = symbols.flatMap(({ id, reference, tickMantissa, tickDecimals }) => {
      if (reference === undefined || feeds === undefined) return [];
      const latest = reference.sources.map(({ feed, instrument, value }) => {
        return new LatestSource(feeds, numbers.get(feed) ?? -1, instrument, value, new TickScale(tickMantissa, tickDecimals));
      });
      return [new SymbolReference(id, reference, latest, targets, nowUs)];
    });
    this.#restUs = Math.max(REST_US, this.symbols.length * REST_PER_SYMBOL_US);
    this.#ids = new Set(this.symbols.map(({ id }) => id));
  }

  start(): void {
    for (const symbol of this.symbols) symbol.begin();
    if (this.symbols.length > 0) this.#rearm();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** A watched row has changed. */
  wake(): void {
    this.#begin(REARM_US);
  }

  /** Symbols that stand still because their sources are stale, or are not configured, or that an operator must resume; for health checks. */
  warnings(): string[] {
    const stale = this.symbols.filter(({ state }) => state === 'stale').map(({ id }) => id);
    const halted = this.symbols.filter(({ haltedBefore }) => haltedBefore).map(({ id }) => id);
    const isOutside = (id: number): boolean => this.#directory.param(id, 'ReferenceSource') === ReferenceSourceId.Outside;
    const orphans = this.#directory.symbolIds().filter((id) => isOutside(id) && !this.#ids.has(id));
    const warnings: string[] = [];
    if (stale.length > 0) warnings.push(`REFERENCE_STALE: no source of the reference price is usable: ${this.#names(stale)}`);
    if (halted.length > 0)
      warnings.push(`REFERENCE_HALTED: halted before the start; an operator must resume them (openbell phase): ${this.#names(halted)}`);
    if (orphans.length > 0)
      warnings.push(`REFERENCE_WITHOUT_SOURCE: the reference price stands still, no source is configured: ${this.#names(orphans)}`);
    return warnings;
  }

  #names(ids: readonly number[]): string {
    const names = ids.slice(0, NAMES).map((id) => this.#directory.symbol(id)?.name ?? String(id));
    return ids.length > NAMES ? `${names.join(', ')} and ${ids.length - NAMES} more` : names.join(', ');
  }

  readonly #rearm = (): void => {
    // Before the round: what changes during it wakes again.
    this.#feeds?.arm();
    this.#begin(LOOK_US);
  };

  /** @param atMostUs until the next round */
  #begin(atMostUs: number): void {
    const nextUs = monotonicUs() + atMostUs;
    // In the middle of a round, the next one looks at what this one has passed.
    this.#nextUs = this.#left > 0 ? Math.min(this.#nextUs, nextUs) : nextUs;
    if (this.#left > 0) return;
    this.#left = this.symbols.length;
    // Another symbol is first each time: if updates run out, none goes without.
    this.#at++;
    this.#look();
  }

  readonly #look = (): void => {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const { symbols } = this;
    const nowUs = monotonicUs();
    for (const end = Math.max(0, this.#left - MOST_AT_ONCE); this.#left > end; this.#left--) {
      this.#at = (this.#at + 1) % symbols.length;
      this.#nextUs = Math.min(this.#nextUs, symbols[this.#at].look(nowUs));
    }
    if (this.#left > 0) setImmediate(this.#look);
    else this.#timer = setTimeout(this.#rearm, Math.ceil(Math.max(this.#nextUs - nowUs, this.#restUs) / 1000)).unref();
  };
}

/** A clock that no change of the wall clock moves. */
export function monotonicUs(): number {
  return performance.now() * 1000;
}
