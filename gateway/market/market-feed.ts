import type { RingSlots } from '../../engine/rings/ring.ts';
import { putI64 } from '../../engine/units.ts';
import { Bbo, Channel, LevelUpdate, type OrderAction, OrderUpdate, Side, Status, Trade } from '../../engine/wire/layout.ts';
import { MarketEventKind, MarketField, TRADE_IN_AUCTION } from '../../engine/wire/market-event.ts';
import { CHANNEL_NAMES, STRUCT_BYTES, StructList } from '../../engine/wire/market-frames.ts';
import { BookMirror, type OrderSink } from './book-mirror.ts';
import type { MarketConnection } from './market-connection.ts';
import type { MirrorOrders } from './mirror-orders.ts';

/** Index into the subscribers of a channel, and whether a message is binary. */
export const Format = { Json: 0, Binary: 1 } as const;
export type Format = (typeof Format)[keyof typeof Format];

export const SubscriptionState = {
  /** Waits for a snapshot; deltas are not for it. */
  Waiting: 0,
  InStep: 1,
  Gone: 2,
} as const;
export type SubscriptionState = (typeof SubscriptionState)[keyof typeof SubscriptionState];

/** One connection on one channel of one symbol. */
export class Subscription {
  readonly connection: MarketConnection;
  readonly feed: ChannelFeed;
  state: SubscriptionState = SubscriptionState.Waiting;
  /** In the connection's list of wanted snapshots. */
  queued = false;
  /** Position in `feed.subscribers[format]`. */
  at: number;

  constructor(connection: MarketConnection, feed: ChannelFeed, at: number) {
    this.connection = connection;
    this.feed = feed;
    this.at = at;
  }
}

/** Updates that are kept between two flushes; beyond that the channel's readers are re-synced instead. */
const MAX_PENDING = 65_536;

/** One channel of one symbol: its number, what is to be sent, and to whom. */
export class ChannelFeed {
  readonly channel: Channel;
  readonly owner: SymbolFeed;
  /** Number of the last update that was taken; a snapshot of now carries it. */
  number = 0;
  readonly pending: StructList;
  /** More than MAX_PENDING updates came between two flushes: what is pending has a hole. */
  overflown = false;
  /** By Format. */
  readonly subscribers: readonly [Subscription[], Subscription[]] = [[], []];
  /** The frames of this flush's snapshot, by Format; made when first asked for. */
  readonly snapshots: [Uint8Array | undefined, Uint8Array | undefined] = [undefined, undefined];

  constructor(channel: Channel, owner: SymbolFeed) {
    this.channel = channel;
    this.owner = owner;
    this.pending = new StructList(STRUCT_BYTES[channel]);
  }

  get wanted(): boolean {
    return this.subscribers[0].length + this.subscribers[1].length !== 0;
  }

  subscribe(connection: MarketConnection, format: Format): Subscription {
    const list = this.subscribers[format];
    const subscription = new Subscription(connection, this, list.length);
    list.push(subscription);
    this.owner.wantedChanged();
    return subscription;
  }

  unsubscribe(subscription: Subscription, format: Format): void {
    const list = this.subscribers[format];
    const last = list.pop() as Subscription;
    if (last !== subscription) {
      list[subscription.at] = last;
      last.at = subscription.at;
    }
    subscription.state = SubscriptionState.Gone;
    this.owner.wantedChanged();
  }

  /** Word index of one more pending update, -1 when there are too many. */
  append(): number {
    if (this.pending.count < MAX_PENDING) return this.pending.add();
    this.overflown = true;
    return -1;
  }
}

/** Everything that market data keeps of one symbol. Turns its events into pending wire structs, for the channels that somebody wants. */
export class SymbolFeed implements OrderSink {
  readonly symbol: number;
  name: string;
  readonly mirror: BookMirror;
  readonly channels: readonly ChannelFeed[];
  /** Something may be pending. */
  dirty = false;
  #wantsOrders = false;
  #wantsTrades = false;
  #wantsStatus = false;
  /** The last pending status may be overwritten: nothing but the indication changed since. */
  #lastStatusIsIndication = false;
  /** Best bid and offer: price, quantity, orders of each side; now, and as last told. */
  readonly #best = new Float64Array(6);
  readonly #lastBbo = new Float64Array(6);

  constructor(symbol: number, name: string, orders: MirrorOrders) {
    this.symbol = symbol;
    this.name = name;
    this.mirror = new BookMirror(symbol, orders, this);
    this.channels = CHANNEL_NAMES.map((_, channel) => new ChannelFeed(channel as Channel, this));
  }

  /** Who is subscribed has changed. */
  wantedChanged(): void {
    this.#wantsOrders = this.channels[Channel.BookL3].wanted;
    this.#wantsTrades = this.channels[Channel.Trades].wanted;
    this.#wantsStatus = this.channels[Channel.Status].wanted;
    this.mirror.levels.trackTouched = this.channels[Channel.Book].wanted;
  }

  apply(slots: RingSlots, slot: number): void {
    const kind = this.mirror.apply(slots, slot);
    if (kind === MarketEventKind.Trade) this.#trade(slots, slot);
    else if (kind === MarketEventKind.Phase) {
      // Told at the start too, so the numbers of trades go on where they were.
      this.channels[Channel.Trades].number = this.mirror.lastTradeId;
      this.#status(false);
    } else if (kind === MarketEventKind.Indicative) this.#status(true);
  }

  /** A resting order changed: book-l3 is never conflated. Counted even when nobody listens, so a number means one state. */
  onOrder(action: OrderAction, order: number): void {
    const feed = this.channels[Channel.BookL3];
    feed.number++;
    if (!this.#wantsOrders) return;
    const at = feed.append();
    if (at !== -1) this.#putOrder(feed.pending.words, at, action, order);
  }

  /** Completes `pending` of a channel with what is only known at a flush. Its updates end with `number`. */
  complete(feed: ChannelFeed): void {
    if (feed.channel === Channel.Book) {
      const { levels } = this.mirror;
      for (let i = 0; i < levels.touchedCount; i++) this.#putLevel(feed.pending, levels.touched[i]);
      feed.number += levels.touchedCount;
      levels.clearTouched();
    } else if (feed.channel === Channel.Bbo && feed.wanted && this.#bboChanged()) {
      feed.number++;
      this.#putBbo(feed.pending);
    }
    this.#lastStatusIsIndication = false;
  }

  /** Fills `list` with the whole state of a channel. Cold: sorts. */
  snapshot(channel: Channel, list: StructList): void {
    list.clear();
    const { mirror } = this;
    if (channel === Channel.Book) {
      for (const side of [Side.Buy, Side.Sell]) for (const level of mirror.levels.sorted(side)) this.#putLevel(list, level);
    } else if (channel === Channel.BookL3) {
      const visit = (order: number) => {
        const at = list.add();
        this.#putOrder(list.words, at, 0, order);
      };
      mirror.ordersInPriority(Side.Buy, visit);
      mirror.ordersInPriority(Side.Sell, visit);
    } else if (channel === Channel.Bbo) {
      // Remembered as told: the state may come back to what was told before this snapshot.
      this.#bboChanged();
      this.#putBbo(list);
    } else if (channel === Channel.Status) {
      const at = list.add();
      this.#putStatus(list.words, at);
    }
  }

  #putOrder(words: Int32Array, at: number, action: OrderAction, order: number): void {
    const { orders } = this.mirror;
    words[at] = action | (orders.side[order] << 8);
    putI64(words, at + OrderUpdate.orderId / 4, orders.id[order]);
    putI64(words, at + OrderUpdate.price / 4, orders.price[order]);
    putI64(words, at + OrderUpdate.quantity / 4, orders.open[order]);
    putI64(words, at + OrderUpdate.seq / 4, this.mirror.seq);
  }

  #putLevel(list: StructList, level: number): void {
    const { levels } = this.mirror;
    const at = list.add();
    const { words } = list;
    words[at] = levels.side[level];
    words[at + LevelUpdate.orders / 4] = levels.orders[level];
    putI64(words, at + LevelUpdate.price / 4, levels.price[level]);
    putI64(words, at + LevelUpdate.quantity / 4, levels.quantity[level]);
    putI64(words, at + LevelUpdate.seq / 4, this.mirror.seq);
  }

  /** Whether best bid or offer differ from the last time this was asked. */
  #bboChanged(): boolean {
    const best = this.#best;
    const last = this.#lastBbo;
    this.#readBest(Side.Buy, best, 0);
    this.#readBest(Side.Sell, best, 3);
    let changed = false;
    for (let i = 0; i < best.length; i++) {
      if (last[i] !== best[i]) changed = true;
      last[i] = best[i];
    }
    return changed;
  }

  #readBest(side: Side, to: Float64Array, at: number): void {
    const { levels } = this.mirror;
    const level = levels.best(side);
    to[at] = level === -1 ? 0 : levels.price[level];
    to[at + 1] = level === -1 ? 0 : levels.quantity[level];
    to[at + 2] = level === -1 ? 0 : levels.orders[level];
  }

  /** Writes what `#bboChanged` read last. */
  #putBbo(list: StructList): void {
    const best = this.#best;
    const at = list.add();
    const { words } = list;
    putI64(words, at + Bbo.bidPrice / 4, best[0]);
    putI64(words, at + Bbo.bidQuantity / 4, best[1]);
    words[at + Bbo.bidOrders / 4] = best[2];
    putI64(words, at + Bbo.askPrice / 4, best[3]);
    putI64(words, at + Bbo.askQuantity / 4, best[4]);
    words[at + Bbo.askOrders / 4] = best[5];
    putI64(words, at + Bbo.seq / 4, this.mirror.seq);
    putI64(words, at + Bbo.timeUs / 4, this.mirror.timeUs);
  }

  #trade(slots: RingSlots, slot: number): void {
    const feed = this.channels[Channel.Trades];
    const { f64, u8 } = slots;
    const event = slot * 8;
    feed.number = f64[event + MarketField.extra];
    if (!this.#wantsTrades) return;
    const at = feed.append();
    if (at === -1) return;
    const { words } = feed.pending;
    const aggressor = u8[slot * 64 + MarketField.side];
    const auction = u8[slot * 64 + MarketField.flags] & TRADE_IN_AUCTION;
    const makerBuys = auction === 1 || aggressor === Side.Sell;
    words[at] = aggressor | (auction << 8);
    putI64(words, at + Trade.tradeId / 4, f64[event + MarketField.extra]);
    putI64(words, at + Trade.price / 4, f64[event + MarketField.price]);
    putI64(words, at + Trade.quantity / 4, f64[event + MarketField.quantity]);
    putI64(words, at + (makerBuys ? Trade.buyOrderId : Trade.sellOrderId) / 4, f64[event + MarketField.orderId]);
    putI64(words, at + (makerBuys ? Trade.sellOrderId : Trade.buyOrderId) / 4, f64[event + MarketField.otherId]);
    putI64(words, at + Trade.seq / 4, f64[event + MarketField.seq]);
    putI64(words, at + Trade.timeUs / 4, f64[event + MarketField.time]);
  }

  /** Phases are never conflated; of the indications between two flushes the last one wins. */
  #status(indication: boolean): void {
    const feed = this.channels[Channel.Status];
    const overwrite = indication && this.#lastStatusIsIndication && feed.pending.count > 0;
    if (!overwrite) feed.number++;
    if (!this.#wantsStatus) return;
    const at = overwrite ? (feed.pending.count - 1) * (Status.bytes / 4) : feed.append();
    if (at === -1) return;
    this.#lastStatusIsIndication = indication;
    this.#putStatus(feed.pending.words, at);
  }

  #putStatus(words: Int32Array, at: number): void {
    const { mirror } = this;
    words[at] = mirror.phase | (mirror.surplusSide << 8);
    putI64(words, at + Status.indicativePrice / 4, mirror.indicativePrice);
    putI64(words, at + Status.indicativeVolume / 4, mirror.indicativeVolume);
    putI64(words, at + Status.surplus / 4, mirror.surplus);
    putI64(words, at + Status.referencePrice / 4, mirror.referencePrice);
    putI64(words, at + Status.lastPrice / 4, mirror.lastPrice);
    putI64(words, at + Status.seq / 4, mirror.seq);
    putI64(words, at + Status.timeUs / 4, mirror.timeUs);
  }
}
