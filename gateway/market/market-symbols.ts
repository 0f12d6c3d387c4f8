import { Code } from '../../engine/codes.ts';
import { Channel, MarketOp } from '../../engine/wire/layout.ts';
import type { ChannelFeed } from './channel-feed.ts';
import type { LiveCandles } from './live-candles.ts';
import { type MarketConnection, subscriptionKey } from './market-connection.ts';
import { MirrorOrders } from './mirror-orders.ts';
import { SymbolFeed } from './symbol-feed.ts';

/** The symbol directory that market data needs; implemented by the engine's Directory. */
export interface SymbolNames {
  /** Changes when a definition changes. */
  readonly version: number;
  symbols(): readonly { readonly id: number; readonly name: string }[];
}

/** The feeds of all symbols, and their subscriptions. Follows the symbol definitions. */
export class MarketSymbols {
  readonly #names: SymbolNames;
  readonly #candles: LiveCandles;
  readonly #maxSubscriptions: number;
  readonly #orders: MirrorOrders;
  #version = -1;
  /** By symbol id; holes where no symbol is. */
  readonly #feeds: (SymbolFeed | undefined)[] = [];
  readonly #byName = new Map<string, SymbolFeed>();
  /** Connections with a subscription to every symbol. */
  readonly #everything = new Set<MarketConnection>();
  /** Called when a connection has subscriptions that wait for snapshots. */
  readonly #onWanted: (connection: MarketConnection) => void;

  constructor(
    names: SymbolNames,
    orders: number,
    candles: LiveCandles,
    maxSubscriptions: number,
    onWanted: (connection: MarketConnection) => void,
  ) {
    this.#candles = candles;
    this.#names = names;
    this.#maxSubscriptions = maxSubscriptions;
    this.#orders = new MirrorOrders(orders);
    this.#onWanted = onWanted;
  }

  /** The feed of a symbol, undefined when there is none. */
  find(symbol: number): SymbolFeed | undefined {
    return this.#feeds[symbol];
  }

  /** The feed of a symbol that the engine knows. */
  at(symbol: number): SymbolFeed {
    return this.#feeds[symbol] ?? this.#define(symbol);
  }

  /** Id of a name or `*`; -1 when there is none. */
  idOf(name: string): number {
    return name === '*' ? 0 : (this.#byName.get(name)?.symbol ?? -1);
  }

  /** Orders that rest in all books. */
  get restingOrders(): number {
    return this.#orders.count;
  }

  /** Symbol name for an answer; never text from a client. */
  nameOf(symbol: number): string {
    return symbol === 0 ? '*' : (this.#feeds[symbol]?.name ?? '?');
  }

  /** Closes the candles of all symbols whose buckets have ended by `timeUs`. @param onClosed called with each feed that has closed ones */
  advance(timeUs: number, onClosed: (feed: SymbolFeed) => void): void {
    for (const feed of this.#feeds) if (feed !== undefined && feed.candles.dueUs <= timeUs && feed.advance(timeUs)) onClosed(feed);
  }

  /** Whether a candle that a reader has subscribed to has ended by `timeUs`, if nothing traded since. */
  candlesDue(timeUs: number): boolean {
    return this.#feeds.some((feed) => feed !== undefined && feed.candles.dueUs <= timeUs && feed.channels.some(isWantedCandle));
  }

  /** Adds symbols defined since the last call. Cheap when there are none. */
  follow(): void {
    if (this.#names.version === this.#version) return;
    this.#version = this.#names.version;
    for (const { id, name } of this.#names.symbols()) {
      const feed = this.#feeds[id] ?? this.#add(id, name);
      if (feed.name === name) continue;
      this.#byName.delete(feed.name);
      this.#byName.set(name, feed);
      feed.name = name;
    }
  }

  /**
   * Subscribes (again: a fresh snapshot), unsubscribes or asks for a snapshot.
   *
   * @param symbol 0 = every symbol
   * @returns OK, UNKNOWN_SYMBOL or BAD_SUBSCRIPTION
   */
  apply(connection: MarketConnection, op: number, channel: number, symbol: number): Code {
    const feed = this.#feeds[symbol];
    if (symbol !== 0 && feed === undefined) return Code.UNKNOWN_SYMBOL;
    const targets = feed === undefined ? this.#feeds.filter((each) => each !== undefined) : [feed];
    const bit = 1 << channel;
    if (op === MarketOp.Subscribe) {
      const fresh = targets.filter((target) => !connection.subscriptions.has(subscriptionKey(channel, target.symbol)));
      if (connection.subscriptions.size + fresh.length > this.#maxSubscriptions) return Code.BAD_SUBSCRIPTION;
      if (symbol === 0) {
        connection.allChannels |= bit;
        this.#everything.add(connection);
      }
      for (const target of targets) connection.subscribe(target.channels[channel]);
      this.#onWanted(connection);
      return Code.OK;
    }
    const all = symbol === 0 && (connection.allChannels & bit) !== 0;
    let found = 0;
    for (const target of targets) {
      const subscription = connection.subscriptions.get(subscriptionKey(channel, target.symbol));
      if (subscription === undefined) continue;
      found++;
      if (op === MarketOp.Resnapshot) connection.want(subscription);
      else connection.unsubscribe(subscription);
    }
    if (found === 0 && !all) return Code.BAD_SUBSCRIPTION;
    if (op === MarketOp.Resnapshot) this.#onWanted(connection);
    else if (symbol === 0) {
      connection.allChannels &= ~bit;
      if (connection.allChannels === 0) this.#everything.delete(connection);
    }
    return Code.OK;
  }

  /** The connection has closed. */
  forget(connection: MarketConnection): void {
    this.#everything.delete(connection);
    for (const subscription of [...connection.subscriptions.values()]) connection.unsubscribe(subscription);
  }

  #define(symbol: number): SymbolFeed {
    this.follow();
    // The engine's events may be ahead of its directory; the name is set by the next directory change.
    return this.#feeds[symbol] ?? this.#add(symbol, `#${symbol}`);
  }

  #add(symbol: number, name: string): SymbolFeed {
    const feed = new SymbolFeed(symbol, name, this.#orders, this.#candles.of(symbol));
    this.#feeds[symbol] = feed;
    this.#byName.set(name, feed);
    for (const connection of this.#everything) {
      for (const channel of feed.channels) {
        if ((connection.allChannels & (1 << channel.channel)) !== 0) connection.subscribe(channel);
      }
      this.#onWanted(connection);
    }
    return feed;
  }
}

function isWantedCandle({ wanted, channel }: ChannelFeed): boolean {
  return wanted && channel >= Channel.Candles1s;
}
