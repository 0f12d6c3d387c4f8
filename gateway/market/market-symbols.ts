import { Code } from '../../engine/codes.ts';
import type { SymbolScale } from '../../engine/wire/json-bytes.ts';
import { Channel, MarketOp } from '../../engine/wire/layout.ts';
import type { ChannelFeed } from './channel-feed.ts';
import { TICKER_DUE } from './channels/ticker.ts';
import type { LiveCandles } from './live-candles.ts';
import { type MarketConnection, subscriptionKey } from './market-connection.ts';
import { MirrorOrders } from './mirror-orders.ts';
import { SymbolFeed } from './symbol-feed.ts';

/** Turns in which the tickers of all symbols are sent. */
export const TICKER_TURNS = 10;

/** What market data needs of a symbol's definition. */
export interface SymbolDefinition extends SymbolScale {
  readonly id: number;
  readonly name: string;
}

/** The symbol directory that market data needs; implemented by the engine's Directory. */
export interface SymbolNames {
  /** Changes when a definition changes. */
  readonly version: number;
  symbols(): readonly SymbolDefinition[];
}

/** The feeds of all symbols, and their subscriptions. Follows the symbol definitions. */
export class MarketSymbols {
  readonly #names: SymbolNames;
  readonly #candles: LiveCandles;
  readonly #orders: MirrorOrders;
  #version = -1;
  /** By symbol id; holes where no symbol is. */
  readonly #feeds: (SymbolFeed | undefined)[] = [];
  readonly #byName = new Map<string, SymbolFeed>();
  /** Connections with a subscription to every symbol. */
  readonly #everything = new Set<MarketConnection>();
  /** Called when a connection has subscriptions that wait for snapshots. */
  readonly #onWanted: (connection: MarketConnection) => void;

  constructor(names: SymbolNames, orders: number, candles: LiveCandles, onWanted: (connection: MarketConnection) => void) {
    this.#candles = candles;
    this.#names = names;
    this.#orders = new MirrorOrders(orders);
    this.#onWanted = onWanted;
  }

  /** The feed of a symbol, undefined when there is none. */
  find(symbol: number): SymbolFeed | undefined {
    return this.#feeds[symbol];
  }

  /** The feed of a symbol that the engine knows. */
  at(symbol: number): SymbolFeed {
    return this.#feeds[symbol] ?? this.#follow(symbol);
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

  /** Whether by `timeUs` a candle has ended, or a 24-hour window has changed, that a reader has subscribed to, if nothing traded since. */
  timeDue(timeUs: number): boolean {
    return this.#feeds.some((feed) => feed !== undefined && (isCandleDue(feed, timeUs) || isTickerDue(feed, timeUs)));
  }

  /**
   * Lets the tickers of every tenth symbol be sent, of which a reader has subscribed to.
   * @param turn from 0 to 9 @param onTicker called with each of these feeds
   */
  advanceTickers(turn: number, timeUs: number, onTicker: (feed: SymbolFeed) => void): void {
    for (let symbol = turn; symbol < this.#feeds.length; symbol += TICKER_TURNS) {
      const feed = this.#feeds[symbol];
      if (feed === undefined || !feed.past.ready) continue;
      feed.past.advance(timeUs);
      const channel = feed.channels[Channel.Ticker];
      if (!channel.wanted) continue;
      channel.state[TICKER_DUE] = 1;
      onTicker(feed);
    }
  }

  /** Feeds of all symbols that are defined. */
  *defined(): Generator<SymbolFeed> {
    for (const feed of this.#feeds) if (feed?.defined) yield feed;
  }

  /** Adds symbols defined since the last call. Cheap when there are none. */
  follow(): void {
    if (this.#names.version === this.#version) return;
    this.#version = this.#names.version;
    for (const definition of this.#names.symbols()) {
      const { id, name } = definition;
      const feed = this.#feeds[id] ?? this.#add(id, name);
      if (feed.name !== name) {
        this.#byName.delete(feed.name);
        this.#byName.set(name, feed);
        feed.name = name;
      }
      if (!feed.defined) this.#define(feed, definition);
    }
  }

  /**
   * Subscribes (again: a fresh snapshot), unsubscribes or asks for a snapshot.
   *
   * @param symbol 0 = every symbol
   * @param last trades that snapshots of the subscription have, at most
   * @returns OK, UNKNOWN_SYMBOL or BAD_SUBSCRIPTION
   */
  apply(connection: MarketConnection, op: number, channel: number, symbol: number, last: number): Code {
    const feed = this.#feeds[symbol];
    if (symbol !== 0 && !feed?.defined) return Code.UNKNOWN_SYMBOL;
    const targets = feed === undefined ? [...this.defined()] : [feed];
    const bit = 1 << channel;
    if (op === MarketOp.Subscribe) {
      const fresh = targets.filter((target) => !connection.subscriptions.has(subscriptionKey(channel, target.symbol)));
      if (connection.subscriptions.size + fresh.length > connection.maxSubscriptions) return Code.BAD_SUBSCRIPTION;
      if (symbol === 0) {
        connection.allChannels |= bit;
        if (channel === Channel.Trades) connection.lastOfAll = last;
        this.#everything.add(connection);
      }
      for (const target of targets) connection.subscribe(target.channels[channel], last);
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

  #follow(symbol: number): SymbolFeed {
    this.follow();
    // The engine's events may be ahead of its directory; the definition comes with the next directory change.
    return this.#feeds[symbol] ?? this.#add(symbol, `#${symbol}`);
  }

  #add(symbol: number, name: string): SymbolFeed {
    const feed = new SymbolFeed(symbol, name, this.#orders, this.#candles.of(symbol));
    this.#feeds[symbol] = feed;
    this.#byName.set(name, feed);
    return feed;
  }

  /** Takes what never changes of a definition, and gives the symbol to the readers of all symbols: frames need it. */
  #define(feed: SymbolFeed, { tickMantissa, tickDecimals, lotMantissa, lotDecimals }: SymbolDefinition): void {
    feed.scale = { tickMantissa, tickDecimals, lotMantissa, lotDecimals };
    feed.defined = true;
    for (const connection of this.#everything) {
      for (const channel of feed.channels) {
        if ((connection.allChannels & (1 << channel.channel)) !== 0)
          connection.subscribe(channel, channel.channel === Channel.Trades ? connection.lastOfAll : 0);
      }
      this.#onWanted(connection);
    }
  }
}

function isCandleDue({ candles, channels }: SymbolFeed, timeUs: number): boolean {
  return candles.dueUs <= timeUs && channels.some(isWantedCandle);
}

function isTickerDue({ past, channels }: SymbolFeed, timeUs: number): boolean {
  return past.day !== undefined && past.day.dueUs <= timeUs && channels[Channel.Ticker].wanted;
}

function isWantedCandle({ wanted, channel }: ChannelFeed): boolean {
  return wanted && channel >= Channel.Candles1s && channel <= Channel.Candles1d;
}
