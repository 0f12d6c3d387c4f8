import { statfs } from 'node:fs/promises';
import { unitsToDecimal } from '../../engine/decimal.ts';
import type { Limits } from '../../engine/limits.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import type { DirectoryCounts, SymbolInfo } from '../../engine/threads/directory-info.ts';
import { PHASE_NAMES } from '../../engine/wire/names.ts';
import type { BookMirror } from '../market/book-mirror.ts';

/** Symbols that have series of their own, those with the lowest ids: each series costs the monitoring memory. */
export const MAX_SYMBOL_SERIES = 100;

/** The state of one symbol, as of its last durable event. Prices and quantities are decimal numbers, rounded to a double. */
export interface SymbolGauges {
  readonly symbol: string;
  /** Trades since the symbol was defined. */
  readonly trades: number;
  readonly restingOrders: number;
  readonly lastPrice: number;
  /** In an auction, what an uncross would trade now; 0 = nothing. */
  readonly auction: { readonly price: number; readonly volume: number } | undefined;
}

/**
 * The venue in numbers, for metrics: read from the market data's mirrors and from
 * lists that are made again only when a definition changes, so a scrape costs the
 * thread that takes orders little. I/O thread.
 */
export class VenueGauges {
  readonly #directory: Directory;
  readonly #book: (symbol: number) => BookMirror | undefined;
  readonly #restingOrders: () => number;
  readonly #limits: Limits;
  readonly #dataDir: string;
  #version = -1;
  #symbols: readonly SymbolInfo[] = [];
  readonly #counts: DirectoryCounts = { accounts: 0, killedAccounts: 0, killedGroups: 0, killedSymbols: 0, venueKilled: false };
  #killSwitches: readonly { readonly scope: string; readonly on: number }[] = [];

  constructor(
    directory: Directory,
    book: (symbol: number) => BookMirror | undefined,
    restingOrders: () => number,
    limits: Limits,
    dataDir: string,
  ) {
    this.#directory = directory;
    this.#book = book;
    this.#restingOrders = restingOrders;
    this.#limits = limits;
    this.#dataDir = dataDir;
  }

  /** In use and capacity of each resource that is fixed at the start. The engine's limits count id 0, which names nothing. */
  capacities(): readonly { readonly resource: string; readonly used: number; readonly capacity: number }[] {
    this.#follow();
    const { orders, accounts, symbols, assets } = this.#limits;
    return [
      { resource: 'orders', used: this.#restingOrders(), capacity: orders },
      { resource: 'accounts', used: this.#counts.accounts, capacity: accounts - 1 },
      { resource: 'symbols', used: this.#symbols.length, capacity: symbols - 1 },
      { resource: 'assets', used: this.#directory.assets().length, capacity: assets - 1 },
    ];
  }

  /** Number of symbols in each phase. */
  phases(): readonly { readonly phase: string; readonly symbols: number }[] {
    this.#follow();
    const counts = new Array<number>(PHASE_NAMES.length).fill(0);
    for (const { id, phase } of this.#symbols) counts[this.#book(id)?.phase ?? phase]++;
    return PHASE_NAMES.map((phase, i) => ({ phase, symbols: counts[i] }));
  }

  /** Symbols in a volatility auction. */
  interrupted(): number {
    this.#follow();
    return this.#symbols.filter(({ id }) => (this.#book(id)?.interruptedUntilUs ?? 0) !== 0).length;
  }

  /** Kill switches that are on, by scope. */
  killSwitches(): readonly { readonly scope: string; readonly on: number }[] {
    this.#follow();
    return this.#killSwitches;
  }

  /** The first {@link MAX_SYMBOL_SERIES} symbols. */
  symbols(): readonly SymbolGauges[] {
    this.#follow();
    return this.#symbols.slice(0, MAX_SYMBOL_SERIES).map((symbol) => {
      const { name, tickMantissa, tickDecimals, lotMantissa, lotDecimals } = symbol;
      const mirror = this.#book(symbol.id);
      const price = (ticks: number): number => Number(unitsToDecimal(ticks, tickMantissa, tickDecimals));
      const inAuction = mirror !== undefined && PHASE_NAMES[mirror.phase] === 'auction';
      return {
        symbol: name,
        trades: mirror?.lastTradeId ?? symbol.tradeId,
        restingOrders: mirror?.restingOrders ?? 0,
        lastPrice: price(mirror?.lastPrice ?? symbol.lastPrice),
        auction: inAuction
          ? {
              price: price(mirror.indicativePrice),
              volume: Number(unitsToDecimal(mirror.indicativeVolume, lotMantissa, lotDecimals)),
            }
          : undefined,
      };
    });
  }

  /** Symbols without series of their own. */
  omittedSymbols(): number {
    this.#follow();
    return Math.max(0, this.#symbols.length - MAX_SYMBOL_SERIES);
  }

  /**
   * The volume of the data directory: bytes that this process may still write, and its size; undefined when it cannot be
   * read. Not on this thread, because a volume may be slow to answer.
   */
  async disk(): Promise<{ readonly free: number; readonly size: number } | undefined> {
    try {
      const { bavail, blocks, bsize } = await statfs(this.#dataDir);
      return { free: bavail * bsize, size: blocks * bsize };
    } catch {
      return undefined;
    }
  }

  #follow(): void {
    const { version } = this.#directory;
    if (version === this.#version) return;
    this.#version = version;
    this.#symbols = this.#directory.symbols();
    const counts = this.#counts;
    this.#directory.count(counts);
    this.#killSwitches = [
      { scope: 'account', on: counts.killedAccounts },
      { scope: 'group', on: counts.killedGroups },
      { scope: 'symbol', on: counts.killedSymbols },
      { scope: 'venue', on: Number(counts.venueKilled) },
    ];
  }
}
