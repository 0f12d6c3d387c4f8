import { type Allocate, allocateLocal } from '../allocate.ts';
import { assert, fail } from '../assert.ts';
import { Code } from '../codes.ts';
import { AuctionPriceId } from '../params.ts';
import type { PriceTicks, QtyLots } from '../units.ts';
import { AUCTION_MARKET_BIT, isAuctionMarket } from '../wire/order-kinds.ts';
import { AuctionQueue } from './auction-queue.ts';
import { CallAuction } from './call-auction.ts';
import { LevelPlaces } from './level-places.ts';
import type { OrderSlab } from './order-slab.ts';
import { HIDDEN, ICEBERG_SHIFT, NO_REFERENCE, ORDER_DOUBLES_SHIFT, ORDER_WORDS_SHIFT, OrderDouble, OrderWord } from './order-slab.ts';
import {
  LEVEL_DOUBLES_SHIFT,
  LEVEL_ORDERS,
  LEVEL_PAYER,
  LEVEL_QUANTITY,
  LEVEL_TAIL,
  LEVEL_WORDS_SHIFT,
  type LevelPages,
  PriceLadder,
} from './price-ladder.ts';
import { ReferencePrices } from './reference-prices.ts';

const NIL = -1;
const BUY = 0;
// Module constants: V8 folds them, but loads an imported constant each time.
const TO_LEVEL = LEVEL_WORDS_SHIFT;
const TO_LOTS = LEVEL_DOUBLES_SHIFT;
const TAIL = LEVEL_TAIL;
const ORDERS = LEVEL_ORDERS;
const PAYER = LEVEL_PAYER;
const LOTS = LEVEL_QUANTITY;
const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const IS_HIDDEN = HIDDEN;
/** Bits of orders whose place a level keeps: hidden ones, and the last market order of an auction, which other orders may have, too; and of pegged ones. */
const HAS_PLACE = NO_REFERENCE | (AUCTION_MARKET_BIT << 24);
const IS_APART = NO_REFERENCE;
const NO_FOLLOWER = (): void => undefined;
const { open: OPEN } = OrderDouble;
const { price: PRICE, next: NEXT, prev: PREV, level: LEVEL, account: ACCOUNT, terms: TERMS } = OrderWord;

/** Receives the events of a book as they happen. A listener may read the book, but must not change it. */
export interface BookListener {
  /** A resting order (the maker) trades with the incoming order of `match`. Called before the maker changes; its `open` then falls by `quantity`. */
  onTrade(book: OrderBook, maker: number, price: PriceTicks, quantity: QtyLots): void;
  /** What a resting order displays was filled in full, and it left the book. The listener must release its slot, or rest it again with its next part. */
  onMakerGone(book: OrderBook, maker: number): void;
  /** Two resting orders trade in an uncross. Called before either order changes. */
  onAuctionTrade(book: OrderBook, buy: number, sell: number, price: PriceTicks, quantity: QtyLots): void;
}

/**
 * The book of one symbol: price-time priority over the slots of a shared slab.
 * The book handles orders, prices and quantities. The listener handles accounts,
 * time and messages. Every operation takes a bounded number of steps per order
 * or level that it touches, and allocates nothing.
 *
 * Prices are ticks from 1 to the book's highest price, quantities lots. One
 * thread owns the book, its slab and its pages.
 */
export class OrderBook {
  declare readonly symbol: number;
  declare readonly slab: OrderSlab;
  declare readonly pages: LevelPages;
  declare readonly maxPrice: number;
  declare readonly bids: PriceLadder;
  declare readonly asks: PriceLadder;
  declare readonly auction: CallAuction;
  /** Places of hidden orders, and of market orders of an auction. */
  declare readonly places: LevelPlaces;
  /** The auction price is a multiple of this many ticks. The limits of all orders in the auction must be, too; otherwise an uncross may leave the book crossed. */
  priceStep = 1;
  /** Resting orders because of which each maker is asked about: a match of this book is a guarded one while it has any. */
  guards = 0;
  /** Set with the first iceberg. */
  hasIcebergs = false;
  /** Hidden orders, which stand behind all others of their price; counted by who enters and ends them. */
  hiddenOrders = 0;
  /** Of the next `sweep`, in ticks x lots. A field, because as an argument it would be boxed. */
  mostNotional = Number.POSITIVE_INFINITY;
  /** 1 from the first pegged order on: its reference prices are followed. */
  followed = 0;
  /** Results of `sweep`: lots, and the sum of price x lots. */
  sweptQuantity = 0;
  sweptNotional = 0;
  private declare readonly listener: BookListener;
  #references: ReferencePrices | undefined;
  /** Called when what rests in a followed book has changed. */
  #onChange: (symbol: number) => void = NO_FOLLOWER;

  /** @param maxPrice highest price in ticks, 1 to 2^26 */
  constructor(
    symbol: number,
    slab: OrderSlab,
    pages: LevelPages,
    maxPrice: number,
    listener: BookListener,
    allocate: Allocate = allocateLocal,
  ) {
    this.symbol = symbol;
    this.slab = slab;
    this.pages = pages;
    this.maxPrice = maxPrice;
    this.bids = new PriceLadder(0, pages, maxPrice, allocate);
    this.asks = new PriceLadder(1, pages, maxPrice, allocate);
    this.places = new LevelPlaces(slab, pages);
    this.auction = new CallAuction(this.bids, this.asks, (ladder, price) => this.#hasLimit(ladder, price));
    this.listener = listener;
  }

  /**
   * Trades an incoming order with the other side while the prices cross.
   * @param side of the incoming order, 0 = buy, 1 = sell
   * @param limitPrice 0 to `maxPrice`
   * @returns the remainder of `quantity`
   */
  match(side: number, limitPrice: PriceTicks, quantity: QtyLots): QtyLots {
    const ladder = side === BUY ? this.asks : this.bids;
    const limit = limitPrice ^ ladder.flip;
    if (ladder.best > limit) return quantity;
    if (this.auction.pivot !== NIL) this.auction.forget();
    if (this.followed !== 0) this.#onChange(this.symbol);
    let left = quantity;
    do left = this.#matchLevel(ladder, left);
    while (left > 0 && ladder.best <= limit);
    return left;
  }

  /** Trades `quantity`, up to its open quantity, of the order that is first on the other side. For callers that ask about each order; `match` is faster. */
  take(maker: number, quantity: QtyLots): void {
    if (this.auction.pivot !== NIL) this.auction.forget();
    this.listener.onTrade(this, maker, this.slab.price(maker), quantity);
    if (this.#fill(maker, quantity)) this.listener.onMakerGone(this, maker);
  }

  /** Trades with the orders of the best level, oldest first. Returns the remaining quantity. */
  #matchLevel(ladder: PriceLadder, quantity: number): number {
    const { words: orders, doubles: lotsOf } = this.slab;
    const { words, doubles } = this.pages;
    const listener = this.listener;
    const key = ladder.best;
    const price = key ^ ladder.flip;
    const at = ladder.levelOf(key) << TO_LEVEL;
    const lots = (at >> 1) | LOTS;
    const apart = this.hiddenOrders | this.followed;
    let left = quantity;
    let slot = words[at];
    while (left > 0) {
      const open = (slot << TO_DOUBLES) | OPEN;
      const has = lotsOf[open];
      if (left < has) {
        listener.onTrade(this, slot, price, left);
        lotsOf[open] = has - left;
        doubles[lots] -= left;
        return 0;
      }
      listener.onTrade(this, slot, price, has);
      left -= has;
      const order = slot << TO_WORDS;
      const following = orders[order | NEXT];
      if (apart !== 0 && (orders[order | TERMS] & IS_APART) !== 0) this.pages.quiet[orders[order | LEVEL]]--;
      lotsOf[open] = 0;
      orders[order | LEVEL] = NIL;
      doubles[lots] -= has;
      words[at | ORDERS]--;
      words[at] = following;
      if (following === NIL) {
        ladder.vacate(key);
        if (words[at | PAYER] !== 0) this.#passOn(slot, at);
        listener.onMakerGone(this, slot);
        return left;
      }
      orders[(following << TO_WORDS) | PREV] = NIL;
      if (words[at | PAYER] === slot + 1) this.#passOn(slot, at);
      listener.onMakerGone(this, slot);
      // The next one, unless an iceberg stands before it again.
      slot = words[at];
    }
    return 0;
  }

  /** Whether `match` would trade anything. */
  crosses(side: number, limitPrice: PriceTicks): boolean {
    const ladder = side === BUY ? this.asks : this.bids;
    return ladder.best <= (limitPrice ^ ladder.flip);
  }

  /** Whether `match` would trade all of `quantity`. */
  fillable(side: number, limitPrice: PriceTicks, quantity: QtyLots): boolean {
    const ladder = side === BUY ? this.asks : this.bids;
    const limit = limitPrice ^ ladder.flip;
    let left = quantity;
    for (let key = ladder.best; key <= limit && left > 0; key = ladder.next(key + 1)) {
      left -= ladder.totalAt(key);
    }
    return left <= 0;
  }

  /**
   * Sets `sweptQuantity` and `sweptNotional` to the quantity and the notional that `match` would trade. Ends after the level at which
   * the notional exceeds {@link mostNotional}.
   */
  sweep(side: number, limitPrice: PriceTicks, quantity: QtyLots): void {
    const { mostNotional } = this;
    const ladder = side === BUY ? this.asks : this.bids;
    const limit = limitPrice ^ ladder.flip;
    let left = quantity;
    let notional = 0;
    for (let key = ladder.best; key <= limit && left > 0 && notional <= mostNotional; key = ladder.next(key + 1)) {
      const traded = Math.min(left, ladder.totalAt(key));
      notional += traded * (key ^ ladder.flip);
      left -= traded;
    }
    this.sweptQuantity = quantity - left;
    this.sweptNotional = notional;
  }

  /**
   * Queues an order last at its price. Its account, `side`, `price` (1 to `maxPrice`) and `open` (from 1) must be set. The order must
   * not cross the other side, except during an auction. Returns false, and changes nothing, if it needs a new level page and there is none
   * (LEVELS_FULL), or its account has `most` pages (LEVEL_SHARE_FULL); see {@link noRoomCode}.
   */
  rest(slot: number, most: number = this.pages.share): boolean {
    const { words: orders, doubles: lotsOf } = this.slab;
    const { words, doubles } = this.pages;
    const order = slot << TO_WORDS;
    const price = orders[order | PRICE];
    const open = lotsOf[(slot << TO_DOUBLES) | OPEN];
    const terms = orders[order | TERMS];
    const side = (terms >>> 16) & 1;
    const ladder = side === BUY ? this.bids : this.asks;
    const key = price ^ ladder.flip;
    const level = ladder.enter(key, slot, orders[order | ACCOUNT], most);
    if (level === NIL) return false;
    const at = level << TO_LEVEL;
    const lots = (at >> 1) | LOTS;
    const count = words[at | ORDERS];
    words[at | ORDERS] = count + 1;
    orders[order | NEXT] = NIL;
    orders[order | LEVEL] = level;
    if (count === 0) {
      ladder.occupy(key);
      orders[order | PREV] = NIL;
      words[at] = slot;
      doubles[lots] = open;
    } else {
      const tail = words[at | TAIL];
      orders[order | PREV] = tail;
      orders[(tail << TO_WORDS) | NEXT] = slot;
      doubles[lots] += open;
    }
    words[at | TAIL] = slot;
    if (((terms & IS_APART) | this.hiddenOrders | this.followed) !== 0) this.#restApart(slot, level, terms);
    if (this.auction.pivot !== NIL) this.auction.shift(side, price, open);
    return true;
  }

  /** The order in `slot` was queued last at its level; it is pegged or hidden, or there may be such orders in the book. */
  #restApart(slot: number, level: number, terms: number): void {
    const { pages } = this;
    if ((terms & IS_APART) !== 0) {
      pages.keepQuiet();
      pages.quiet[level]++;
    } else this.#references?.add((terms >>> 16) & 1, this.slab.price(slot));
    if (((terms & IS_HIDDEN) | this.hiddenOrders) !== 0) this.places.restBesideHidden(slot, level);
    if (this.followed !== 0) this.#onChange(this.symbol);
  }

  /** Follows the reference prices from now on. @param onChange is called, possibly more than once, with each change of what rests; it must not change the book */
  follow(onChange: (symbol: number) => void): void {
    this.followed = 1;
    this.#onChange = onChange;
    this.#references = new ReferencePrices(this.bids, this.asks);
  }

  /** The best price of a side of what is displayed and not pegged, in a followed book; ticks, 0 = none. */
  referencePrice(side: number): PriceTicks {
    return this.#references?.best(side) ?? 0;
  }

  /** A hidden order, or perhaps a market order of an auction, leaves its level; its links are as they were. */
  #leavePlace(slot: number, level: number, terms: number): void {
    const { firstHidden, lastMarket, quiet } = this.pages;
    if (this.followed !== 0) this.#onChange(this.symbol);
    if ((terms & IS_APART) !== 0) quiet[level]--;
    if ((terms & IS_HIDDEN) !== 0) {
      if (firstHidden[level] === slot + 1) firstHidden[level] = this.slab.next(slot) + 1;
    } else if (lastMarket[level] === slot + 1) lastMarket[level] = this.slab.prev(slot) + 1;
  }

  /** Call it when a hidden order is at its end. If `match` filled it, all before it at its price had been filled. */
  hiddenGone(slot: number): void {
    const { slab, pages } = this;
    this.hiddenOrders--;
    const ladder = slab.side(slot) === BUY ? this.bids : this.asks;
    const key = slab.price(slot) ^ ladder.flip;
    if (!ladder.isOccupied(key)) return;
    const level = ladder.levelOf(key);
    if (pages.firstHidden[level] === slot + 1) pages.firstHidden[level] = pages.words[level << TO_LEVEL] + 1;
  }

  /** Whether a limit order rests at a price: the last order of its level is one, because market orders are before them. */
  #hasLimit(ladder: PriceLadder, price: PriceTicks): boolean {
    if (price < 1 || price > this.maxPrice) return false;
    const key = price ^ ladder.flip;
    if (!ladder.isOccupied(key)) return false;
    return !isAuctionMarket(this.slab.lifetime(this.pages.words[(ladder.levelOf(key) << TO_LEVEL) | TAIL]));
  }

  /** Lowers the open quantity of a resting order to `open`, from 1 to its present open quantity. The order keeps its priority. */
  reduce(slot: number, open: QtyLots): void {
    const slab = this.slab;
    const less = slab.open(slot) - open;
    assert(open > 0 && less >= 0 && slab.level(slot) !== NIL, 'order book: reduce is of a resting order, to less');
    slab.setOpen(slot, open);
    this.pages.doubles[(slab.level(slot) << TO_LOTS) | LOTS] -= less;
    if (this.auction.pivot !== NIL) this.auction.shift(slab.side(slot), slab.price(slot), -less);
  }

  /** The resting order in `slot` displays `lots` less, or more if it is below 0; they stay open in its reserve. */
  hide(slot: number, lots: QtyLots): void {
    const { slab, pages } = this;
    const level = slab.level(slot);
    this.hasIcebergs = true;
    pages.keepReserves();
    slab.setOpen(slot, slab.open(slot) - lots);
    slab.icebergs[slot << ICEBERG_SHIFT] += lots;
    pages.doubles[(level << TO_LOTS) | LOTS] -= lots;
    pages.reserves[level] += lots;
  }

  /** Lowers the reserve of the resting iceberg in `slot` by `lots`. It keeps its priority. */
  takeReserve(slot: number, lots: QtyLots): void {
    const { slab } = this;
    slab.icebergs[slot << ICEBERG_SHIFT] -= lots;
    this.pages.reserves[slab.level(slot)] -= lots;
    if (this.auction.pivot !== NIL) this.auction.shift(slab.side(slot), slab.price(slot), -lots);
  }

  /**
   * The iceberg in `slot`, whose displayed part was filled and left the book, displays its next part, last at its price. Nothing else may have
   * happened in the book since: the level has its place again, even if its page was given back.
   * @param least lots that the part has, if there are so many
   */
  refresh(slot: number, least: QtyLots): void {
    const { slab, pages } = this;
    const part = Math.min(Math.max(slab.display(slot), least), slab.total(slot));
    slab.setOpen(slot, part);
    assert(this.rest(slot, pages.capacity), 'order book: an iceberg rests again where it rested');
    slab.icebergs[slot << ICEBERG_SHIFT] -= part;
    pages.reserves[slab.level(slot)] -= part;
  }

  /** Removes a resting order from the book. `open` does not change. The caller owns the slot then, and releases it or rests it again. */
  remove(slot: number): void {
    const { words: orders, doubles: lotsOf } = this.slab;
    const { words, doubles } = this.pages;
    const order = slot << TO_WORDS;
    const level = orders[order | LEVEL];
    if (level === NIL) fail('order book: remove is of a resting order');
    const terms = orders[order | TERMS];
    const side = (terms >>> 16) & 1;
    const open = lotsOf[(slot << TO_DOUBLES) | OPEN];
    if (((terms & HAS_PLACE) | this.followed) !== 0) this.#leavePlace(slot, level, terms);
    if (this.auction.pivot !== NIL) this.auction.shift(side, orders[order | PRICE], -open);
    const at = level << TO_LEVEL;
    orders[order | LEVEL] = NIL;
    doubles[(at >> 1) | LOTS] -= open;
    const left = words[at | ORDERS] - 1;
    words[at | ORDERS] = left;
    if (left === 0) {
      const ladder = side === BUY ? this.bids : this.asks;
      ladder.vacate(orders[order | PRICE] ^ ladder.flip);
      if (words[at | PAYER] !== 0) this.#passOn(slot, at);
      return;
    }
    const later = orders[order | NEXT];
    const earlier = orders[order | PREV];
    if (earlier === NIL) words[at] = later;
    else orders[(earlier << TO_WORDS) | NEXT] = later;
    if (later === NIL) words[at | TAIL] = earlier;
    else orders[(later << TO_WORDS) | PREV] = earlier;
    if (words[at | PAYER] === slot + 1) this.#passOn(slot, at);
  }

  /** The order in `slot`, the payer of its page, left the level at `at`. Its account is charged no more; that of the last order in priority that remains in the page is. */
  #passOn(slot: number, at: number): void {
    const { slab } = this;
    const { words, held } = this.pages;
    held[slab.account(slot)]--;
    words[at | PAYER] = 0;
    const ladder = slab.side(slot) === BUY ? this.bids : this.asks;
    const last = ladder.lastInPage(slab.price(slot) ^ ladder.flip);
    if (last === NIL) return;
    const payer = words[(last << TO_LEVEL) | TAIL];
    words[(last << TO_LEVEL) | PAYER] = payer + 1;
    held[slab.account(payer)]++;
  }

  /** True if the page of a resting order is charged to its account because of it. */
  isPayer(slot: number): boolean {
    return this.pages.words[(this.slab.level(slot) << TO_LEVEL) | PAYER] === slot + 1;
  }

  /** Makes a resting order the payer of its page. Cold. */
  setPayer(slot: number): void {
    const { words, held } = this.pages;
    const page = this.slab.level(slot) & ~63;
    for (let level = page; level < page + 64; level++) {
      const payer = (level << TO_LEVEL) | PAYER;
      if (words[payer] === 0) continue;
      held[this.slab.account(words[payer] - 1)]--;
      words[payer] = 0;
    }
    words[(this.slab.level(slot) << TO_LEVEL) | PAYER] = slot + 1;
    held[this.slab.account(slot)]++;
  }

  /** Makes the first order in priority of each page its payer. Cold. */
  resetPayers(): void {
    for (const ladder of [this.bids, this.asks]) {
      for (let key = ladder.best; key !== ladder.none; key = ladder.next((key | 63) + 1)) {
        this.setPayer(this.pages.words[ladder.levelOf(key) << TO_LEVEL]);
      }
    }
  }

  /**
   * Whether the resting order in `slot` could rest in a page that is not in use yet: OK, or the code of what is full. An order that is alone in
   * its page always can, also if its account is charged for more than its share: it takes the page along.
   */
  roomForMove(slot: number): Code {
    const { slab, pages } = this;
    const ladder = slab.side(slot) === BUY ? this.bids : this.asks;
    const key = slab.price(slot) ^ ladder.flip;
    if (pages.words[(slab.level(slot) << TO_LEVEL) | ORDERS] === 1 && ladder.occupiedInPage(key) === 1) return Code.OK;
    if (pages.count >= pages.limit) return Code.LEVELS_FULL;
    return pages.held[slab.account(slot)] >= pages.share ? Code.LEVEL_SHARE_FULL : Code.OK;
  }

  /** Why `rest` returned false. */
  noRoomCode(): Code {
    return this.pages.count >= this.pages.limit ? Code.LEVELS_FULL : Code.LEVEL_SHARE_FULL;
  }

  /** Ticks, 0 = none. */
  bestBid(): PriceTicks {
    const { best, none, flip } = this.bids;
    return best === none ? 0 : best ^ flip;
  }

  /** Ticks, 0 = none. */
  bestAsk(): PriceTicks {
    const { best, none } = this.asks;
    return best === none ? 0 : best;
  }

  /** Open lots at a price, 0 to `maxPrice`. */
  levelQuantity(side: number, price: PriceTicks): QtyLots {
    const ladder = side === BUY ? this.bids : this.asks;
    return ladder.quantityAt(price ^ ladder.flip);
  }

  /** Orders at a price, 0 to `maxPrice`. */
  levelOrders(side: number, price: number): number {
    const ladder = side === BUY ? this.bids : this.asks;
    const key = price ^ ladder.flip;
    return ladder.isOccupied(key) ? this.pages.words[(ladder.levelOf(key) << TO_LEVEL) | ORDERS] : 0;
  }

  // The call auction: `rest` adds orders, which may cross. ---------------------

  /** Ticks; 0 = nothing would trade. This and the next three values are as of the last `indicate`. */
  get indicativePrice(): number {
    return this.auction.price;
  }

  /** Lots that would trade. */
  get indicativeVolume(): number {
    return this.auction.volume;
  }

  /** Lots that could trade at the indicative price but have no counterparty; and their side. */
  get indicativeSurplus(): number {
    return this.auction.surplus;
  }

  get indicativeSurplusSide(): 0 | 1 {
    return this.auction.surplusSide;
  }

  /** Computes the price at which an uncross would trade now. Cheap enough to call after every order. @param referencePrice ticks, 0 = none @param rule AuctionPriceId */
  indicate(referencePrice: number, rule: number = AuctionPriceId.Nearest): void {
    this.auction.indicate(referencePrice, this.priceStep, rule);
  }

  /** Trades all orders that can trade at the indicative price, in price-time priority on both sides. The book is not crossed afterwards. */
  uncross(referencePrice: number, rule: number = AuctionPriceId.Nearest): void {
    this.indicate(referencePrice, rule);
    const { slab, bids, asks } = this;
    const price = this.auction.price;
    let left = this.auction.volume;
    let firstGone = NIL;
    let lastGone = NIL;
    this.auction.forget();
    const buys = new AuctionQueue(this, bids, price);
    const sells = new AuctionQueue(this, asks, price);
    while (left > 0) {
      const buy = buys.first;
      const sell = sells.first;
      // Never more than the remaining volume: one side has no more than the volume at or inside the price.
      const quantity = Math.min(slab.total(buy), slab.total(sell));
      this.listener.onAuctionTrade(this, buy, sell, price, quantity);
      left -= quantity;
      for (let side = 0; side < 2; side++) {
        const slot = side === BUY ? buy : sell;
        const reserved = slab.isIceberg(slot) ? Math.min(quantity, slab.total(slot) - slab.open(slot)) : 0;
        if (reserved > 0) this.takeReserve(slot, reserved);
        if (reserved === quantity || !this.#fill(slot, quantity - reserved)) continue;
        // The slot is out of the book, so its `next` can link the list of filled orders.
        slab.setNext(slot, NIL);
        if (firstGone === NIL) firstGone = slot;
        else slab.setNext(lastGone, slot);
        lastGone = slot;
      }
    }
    while (firstGone !== NIL) {
      const slot = firstGone;
      firstGone = slab.next(slot);
      this.listener.onMakerGone(this, slot);
    }
  }

  /** The order of a side that trades first, -1 if there is none. */
  first(side: number): number {
    const ladder = side === BUY ? this.bids : this.asks;
    return ladder.best === ladder.none ? NIL : this.#first(ladder);
  }

  /** The order that trades after the resting order in `slot`, -1 if it is the last one. */
  following(slot: number): number {
    const { slab } = this;
    const next = slab.next(slot);
    if (next !== NIL) return next;
    const ladder = slab.side(slot) === BUY ? this.bids : this.asks;
    const key = ladder.next((slab.price(slot) ^ ladder.flip) + 1);
    return key === ladder.none ? NIL : this.pages.words[ladder.levelOf(key) << TO_LEVEL];
  }

  #first(ladder: PriceLadder): number {
    return this.pages.words[ladder.levelOf(ladder.best) << TO_LEVEL];
  }

  /** Returns true if the order was filled in full and left the book. */
  #fill(slot: number, quantity: number): boolean {
    const slab = this.slab;
    const left = slab.open(slot) - quantity;
    if (left === 0) {
      this.remove(slot);
      slab.setOpen(slot, 0);
      return true;
    }
    slab.setOpen(slot, left);
    this.pages.doubles[(slab.level(slot) << TO_LOTS) | LOTS] -= quantity;
    return false;
  }

  /** Calls back for each resting order of a side, best price first, then oldest first. The book must not change meanwhile. */
  ordersInPriority(side: number, visit: (slot: number) => void): void {
    const ladder = side === BUY ? this.bids : this.asks;
    for (let key = ladder.best; key !== ladder.none; key = ladder.next(key + 1)) {
      let slot = this.pages.words[ladder.levelOf(key) << TO_LEVEL];
      for (; slot !== NIL; slot = this.slab.next(slot)) visit(slot);
    }
  }
}
