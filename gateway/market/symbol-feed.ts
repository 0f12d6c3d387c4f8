import type { RingSlots } from '../../engine/rings/ring.ts';
import { type SymbolScale, UNSCALED } from '../../engine/wire/json-bytes.ts';
import type { OrderAction } from '../../engine/wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketEventKind, MarketField, TRADE_IN_AUCTION } from '../../engine/wire/market-event.ts';
import { type Candles, Taker } from '../../feeds/analysis/candles.ts';
import { BookMirror, type OrderSink } from './book-mirror.ts';
import { ChannelFeed, type FeedSymbol } from './channel-feed.ts';
import type { ChannelDescriptor } from './channels/channel.ts';
import { DESCRIPTORS, ORDER_FOLLOWERS, REACTIONS, REACTIONS_FROM } from './channels/channels.ts';
import type { MirrorOrders } from './mirror-orders.ts';
import { SymbolPast } from './symbol-past.ts';

/** The market data of one symbol. Turns its events into pending wire structs for the channels with readers. */
export class SymbolFeed implements OrderSink, FeedSymbol {
  readonly symbol: number;
  name: string;
  scale: SymbolScale;
  /** Whether its definition is known; until then it has no readers. */
  defined = false;
  readonly mirror: BookMirror;
  readonly candles: Candles;
  readonly past = new SymbolPast();
  /** By Channel. */
  readonly channels: readonly ChannelFeed[];
  /** Whether updates may be pending. */
  dirty = false;
  /** The feed of each of REACTIONS. */
  readonly #reacting: readonly ChannelFeed[];
  /** Channels that follow each resting order. */
  readonly #following: readonly ChannelFeed[];

  constructor(symbol: number, name: string, orders: MirrorOrders, candles: Candles) {
    this.symbol = symbol;
    this.name = name;
    this.scale = UNSCALED;
    this.mirror = new BookMirror(symbol, orders, this);
    this.candles = candles;
    this.channels = DESCRIPTORS.map((descriptor) => new ChannelFeed(descriptor, this));
    const feedOf = ({ wire }: ChannelDescriptor): ChannelFeed => this.channels[wire.id];
    this.#reacting = REACTIONS.map(feedOf);
    this.#following = ORDER_FOLLOWERS.map(feedOf);
  }

  apply(slots: RingSlots, slot: number): void {
    const kind = this.mirror.apply(slots, slot);
    if (kind === MarketEventKind.Trade) this.#trade(slots, slot);
    const end = REACTIONS_FROM[kind + 1];
    for (let i = REACTIONS_FROM[kind]; i < end; i++) {
      const feed = this.#reacting[i];
      feed.descriptor.onEvent(feed, kind, slots, slot);
    }
  }

  #trade({ f64, u8 }: RingSlots, slot: number): void {
    const event = (slot * MARKET_EVENT_BYTES) / 8;
    const bytes = slot * MARKET_EVENT_BYTES;
    const taker = (u8[bytes + MarketField.flags] & TRADE_IN_AUCTION) === 0 ? u8[bytes + MarketField.side] : Taker.None;
    const [price, quantity] = [f64[event + MarketField.price], f64[event + MarketField.quantity]];
    this.candles.trade(f64[event + MarketField.time], price, quantity, taker, f64[event + MarketField.extra], f64[event + MarketField.seq]);
    this.past.onClosed(this.candles);
  }

  /** Closes the candles whose buckets have ended by `timeUs`. @returns whether there are any */
  advance(timeUs: number): boolean {
    if (this.candles.advance(timeUs) === 0) return false;
    this.past.onClosed(this.candles);
    for (const feed of this.channels) feed.descriptor.onTime(feed);
    return true;
  }

  /** Handles a change of a resting order. Counted without a reader too, so that each number stands for one state. */
  onOrder(action: OrderAction, order: number): void {
    const feeds = this.#following;
    for (let i = 0; i < feeds.length; i++) {
      const feed = feeds[i];
      feed.number++;
      if (feed.wanted) feed.descriptor.onOrder(feed, action, order);
    }
  }
}
