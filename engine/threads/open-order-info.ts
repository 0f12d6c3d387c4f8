import { ICEBERG_SHIFT, type OrderSlab, PegNumber } from '../book/order-slab.ts';
import type { TrailGroups } from '../book/trail-groups.ts';
import type { OrderLinks } from '../rules/order-links.ts';
import { triggerOf } from '../rules/pending-stops.ts';
import type { Symbols } from '../rules/symbols.ts';
import { StopPrices } from '../rules/trail-prices.ts';
import type { Money, PriceTicks, QtyLots, TimeUs } from '../units.ts';
import { TimeInForce } from '../wire/layout.ts';
import { isAuctionMarket, isAuctionOnly, selfTradeModeOf } from '../wire/order-kinds.ts';

export interface OpenOrderInfo {
  readonly orderId: number;
  readonly clientOrderId: number;
  readonly symbol: number;
  readonly side: number;
  readonly timeInForce: number;
  readonly price: PriceTicks;
  readonly leaves: QtyLots;
  readonly filled: QtyLots;
  /** Market data shows nothing of it. */
  readonly hidden?: boolean;
  /** Of an iceberg: lots that it displays at a time; while it rests also now, and the id of that part in market data. */
  readonly iceberg?: { readonly display: QtyLots; readonly displayed?: QtyLots; readonly publicId?: number };
  /** Of a pegged order. Its `price` is its present one, 0 while it is parked. */
  readonly peg?: PegInfo;
  /** Of a stop that waits for its trigger. */
  readonly stop?: PendingStopInfo;
  /** Of a linked order: a LinkKind, and the id of its partner. */
  readonly link?: { readonly kind: number; readonly orderId: number };
  /** Of an order that waits for fills of another one. */
  readonly child?: ChildInfo;
  /** Of a parent: ids of its children that are open. */
  readonly children?: readonly number[];
  /** Its end, if it has one. */
  readonly endUs?: TimeUs;
  /** SelfTradeMode; 0 = the account's. */
  readonly selfTradeMode: number;
  /** Number of the session whose end cancels it. */
  readonly session?: number;
  /** True of an order at the open or at the close that is outside the book until its auction. */
  readonly waits?: true;
  /** True of a market order of an auction: its price is the worst one that it can get. */
  readonly market?: true;
}

export interface PegInfo {
  /** A PegKind. */
  readonly kind: number;
  /** Ticks away from the other side, below 0: towards it. */
  readonly offset: number;
  readonly limit: PriceTicks;
  /** It is outside the book. */
  readonly parked: boolean;
}

export interface ChildInfo {
  /** Id; undefined: its parent has ended, and what it filled is not live yet. */
  readonly parentId?: number;
  /** Lots that may become live; the order's `leaves` has them too. */
  readonly later: QtyLots;
  /** Nothing of it is live. */
  readonly waits: boolean;
}

export interface PendingStopInfo {
  /** Ticks, at present. Of a trailing stop that does not follow yet: at its activation price. */
  readonly price: PriceTicks;
  /** A Trigger. */
  readonly trigger: number;
  /** Of a trailing stop. */
  readonly trail?: TrailInfo;
}

export interface TrailInfo {
  /** Ticks; below 0: parts per million. */
  readonly offset: number;
  /** Ticks; 0 = it follows. */
  readonly activationPrice: PriceTicks;
  /** Distance of the limit from the stop price, ticks; 0 = it becomes a market order. */
  readonly limitOffset: PriceTicks;
}

export interface RestingOrderInfo extends OpenOrderInfo {
  /** What it reserves, in the smallest unit of `asset`. */
  readonly reserved: Money;
  /** Id of the asset that it pays with. */
  readonly asset: number;
}

/** Reads open orders from the engine's shared columns. Cold: it allocates. */
export class OpenOrderReader {
  readonly #slab: OrderSlab;
  readonly #links: OrderLinks;
  readonly #stopPrices: StopPrices;

  constructor(slab: OrderSlab, links: OrderLinks, trailGroups: TrailGroups, symbols: Symbols) {
    this.#slab = slab;
    this.#links = links;
    this.#stopPrices = new StopPrices(slab, trailGroups, symbols);
  }

  /** @param slot of an open order */
  read(slot: number): OpenOrderInfo {
    const slab = this.#slab;
    const pegged = slab.isPegged(slot);
    const links = this.#links;
    const waits = links.isWaiting(slot);
    const pending = slab.level(slot) < -1 && !waits && !pegged;
    const partner = links.partnerOf(slot);
    const isChild = links.comes(slot);
    // Of an order without an end, the column has what an earlier order left there.
    const timeInForce = slab.timeInForce(slot);
    const ends = timeInForce === TimeInForce.Day || timeInForce === TimeInForce.GoodTillDate;
    return {
      orderId: slab.id[slot],
      clientOrderId: slab.clientOrderId(slot),
      symbol: slab.symbol(slot),
      side: slab.side(slot),
      timeInForce,
      price: pending || waits ? this.#stopPrices.limit(slot) : slab.price(slot),
      leaves: slab.total(slot) + (isChild ? links.later(slot) : 0),
      filled: pending ? 0 : slab.filled(slot),
      ...(partner !== -1 && { link: { kind: links.kindOf(slot), orderId: slab.id[partner] } }),
      ...(isChild && { child: this.#childInfo(slot) }),
      ...this.#childrenOf(slot),
      ...(waits && (slab.next(slot) !== 0 || this.#stopPrices.isTrailing(slot)) && { stop: this.#stopInfo(slot) }),
      ...this.#displayInfo(slot, pending || waits),
      ...(pegged && { peg: this.#pegInfo(slot) }),
      ...(pending && (isAuctionOnly(slab.timeInForce(slot)) ? { waits: true } : { stop: this.#stopInfo(slot) })),
      ...(isAuctionMarket(slab.lifetime(slot)) && { market: true }),
      ...(slab.session[slot] !== 0 && { session: slab.session[slot] }),
      ...(ends && { endUs: slab.endUs[slot] }),
      selfTradeMode: selfTradeModeOf(slab.lifetime(slot)),
    };
  }

  #pegInfo(slot: number): PegInfo {
    const { icebergs } = this.#slab;
    const at = slot << ICEBERG_SHIFT;
    const [kind, offset, limit] = [icebergs[at + PegNumber.kind], icebergs[at + PegNumber.offset], icebergs[at + PegNumber.limit]];
    return { kind, offset, limit, parked: this.#slab.level(slot) < -1 };
  }

  /** A hidden stop that waits is one that will display nothing. */
  #displayInfo(slot: number, pending: boolean): Pick<OpenOrderInfo, 'hidden' | 'iceberg'> {
    const slab = this.#slab;
    const display = slab.display(slot);
    if (slab.isHidden(slot) || (pending && slab.isIceberg(slot) && display === 0)) return { hidden: true };
    if (!slab.isIceberg(slot) || display < 0) return {};
    return { iceberg: pending ? { display } : { display, displayed: slab.open(slot), publicId: slab.publicId(slot) } };
  }

  #childInfo(slot: number): ChildInfo {
    const links = this.#links;
    const parent = links.parentOf(slot);
    return { ...(parent !== -1 && { parentId: this.#slab.id[parent] }), later: links.later(slot), waits: links.isWaiting(slot) };
  }

  #childrenOf(slot: number): Pick<OpenOrderInfo, 'children'> {
    const links = this.#links;
    const first = links.childOf(slot);
    if (first === -1) return {};
    const other = links.siblingOf(first);
    const slots = other === -1 ? [first] : [first, other];
    return { children: slots.map((child) => this.#slab.id[child]).sort((a, b) => a - b) };
  }

  #stopInfo(slot: number): PendingStopInfo {
    const slab = this.#slab;
    const prices = this.#stopPrices;
    const stop = { price: prices.stopPrice(slot), trigger: triggerOf(slab, slot) };
    if (!prices.isTrailing(slot)) return stop;
    return { ...stop, trail: { offset: slab.prev(slot), activationPrice: prices.activationPrice(slot), limitOffset: slab.price(slot) } };
  }
}
