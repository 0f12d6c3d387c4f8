import type { RingSlots } from '../../../engine/rings/ring.ts';
import { putI64 } from '../../../engine/units.ts';
import { tradesWire } from '../../../engine/wire/channels/trades.ts';
import { Side, Trade } from '../../../engine/wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketEventKind, MarketField, TRADE_IN_AUCTION } from '../../../engine/wire/market-event.ts';
import { type ChannelDescriptor, Conflation, MAX_PENDING, neverDeep, nothing, shallow } from './channel.ts';

const SLOT_DOUBLES = MARKET_EVENT_BYTES / 8;

/** Trades, numbered by trade id. A snapshot has no trades, unless the reader asks for the last ones. */
export const trades: ChannelDescriptor = {
  wire: tradesWire,
  conflation: Conflation.None,
  maxPending: MAX_PENDING,
  stateDoubles: 0,
  events: [MarketEventKind.Trade, MarketEventKind.Phase],
  onEvent: (channel, kind, slots, slot) => {
    if (kind === MarketEventKind.Phase) {
      // Published at the start too, so that trade numbers continue.
      channel.number = channel.mirror.lastTradeId;
      return;
    }
    channel.number = slots.f64[slot * SLOT_DOUBLES + MarketField.extra];
    const { trades: recent } = channel.past;
    if (recent !== undefined) {
      const to = recent.claim();
      recent.words.fill(0, to, to + Trade.bytes / 4);
      put(slots, slot, recent.words, to);
    }
    if (!channel.wanted) return;
    const at = channel.append();
    if (at !== -1) put(slots, slot, channel.pending.words, at);
  },
  onTime: nothing,
  followsOrders: false,
  onOrder: nothing,
  onWanted: nothing,
  onFlush: nothing,
  ready: ({ past }, last) => last === 0 || past.ready,
  depth: shallow,
  deepSnapshot: neverDeep,
  snapshot: ({ past }, list, last) => {
    if (past.trades !== undefined) past.trades.copy(last, list);
  },
};

/** Reads the slot without a view: trades are on the hot path. */
function put({ f64, u8 }: RingSlots, slot: number, words: Int32Array, at: number): void {
  const event = slot * SLOT_DOUBLES;
  const aggressor = u8[slot * MARKET_EVENT_BYTES + MarketField.side];
  const auction = u8[slot * MARKET_EVENT_BYTES + MarketField.flags] & TRADE_IN_AUCTION;
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
