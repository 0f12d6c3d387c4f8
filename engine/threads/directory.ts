import { ICEBERG_SHIFT, type OrderSlab, PegNumber } from '../book/order-slab.ts';
import type { TrailGroups } from '../book/trail-groups.ts';
import { SymbolParam, type SymbolParamName, TIERS_PER_TABLE } from '../params.ts';
import { type Accounts, nameAt } from '../rules/accounts.ts';
import { ControlBit } from '../rules/control-bits.ts';
import type { OrderLinks } from '../rules/order-links.ts';
import { triggerOf } from '../rules/pending-stops.ts';
import type { Symbols } from '../rules/symbols.ts';
import { StopPrices } from '../rules/trail-prices.ts';
import type { Money, PriceTicks, QtyLots, TimeUs } from '../units.ts';
import { Side, TimeInForce } from '../wire/layout.ts';
import { SELF_TRADE_NAMES, type SelfTradeName } from '../wire/names.ts';
import { isAuctionMarket, isAuctionOnly, selfTradeModeOf } from '../wire/order-kinds.ts';
import type { Control } from './control.ts';

export interface AssetInfo {
  readonly id: number;
  readonly name: string;
  /** Its smallest unit is 10^-decimals. */
  readonly decimals: number;
}

export interface SymbolInfo {
  readonly id: number;
  readonly name: string;
  readonly baseAsset: AssetInfo;
  readonly quoteAsset: AssetInfo;
  /** A tick is tickMantissa x 10^-tickDecimals of the quote asset. */
  readonly tickMantissa: number;
  readonly tickDecimals: number;
  /** A lot is lotMantissa x 10^-lotDecimals of the base asset. */
  readonly lotMantissa: number;
  readonly lotDecimals: number;
  /** Quote units of one tick times one lot; base units of one lot. */
  readonly quotePerTickLot: number;
  readonly basePerLot: number;
  /** A Phase of the wire schema. */
  readonly phase: number;
  /** A SubPhase of the wire schema. */
  readonly subPhase: number;
  /** Time of the last boundary of its calendar that was applied, µs since the epoch; 0 = none. */
  readonly boundaryUs: number;
  /** Its kill switch is on. */
  readonly killed: boolean;
  readonly params: Readonly<Record<SymbolParamName, number>>;
  /** Middle of the static band, ticks; 0 = none. */
  readonly staticPrice: number;
  /** Earliest end of its volatility interruption, microseconds since the epoch; 0 = there is none. */
  readonly interruptedUntilUs: number;
  readonly lastPrice: PriceTicks;
  readonly referencePrice: PriceTicks;
  /** Number of the last trade. */
  readonly tradeId: number;
}

export interface BalanceInfo {
  readonly asset: AssetInfo;
  readonly available: Money;
  readonly reserved: Money;
}

export interface AccountInfo {
  readonly id: number;
  readonly name: string;
  readonly suspended: boolean;
  /** Its own kill switch is on. */
  readonly killed: boolean;
  /** The kill switches that are on and concern it: `account` is its own, `symbols` has ids. */
  readonly killSwitches: {
    readonly account: boolean;
    readonly group: boolean;
    readonly venue: boolean;
    readonly symbols: readonly number[];
  };
  /** 0 = none. */
  readonly group: number;
  /** 0 = no limit; burst 0 = as many as in a second. */
  readonly commandsPerSecond: number;
  readonly commandBurst: number;
  readonly orderToTrade: number;
  /** Mode of its orders that do not name one. */
  readonly selfTrade: SelfTradeName;
  readonly maxOpenOrders: number;
  readonly openOrders: number;
  readonly positionLimits: readonly PositionLimitInfo[];
  /** Market-maker protection, if it has one. */
  readonly protection?: {
    readonly windowUs: TimeUs;
    readonly fills: number;
    readonly lots: QtyLots;
    readonly netLots: QtyLots;
    readonly triggered: boolean;
  };
  readonly feeTiers: readonly AccountTierInfo[];
  readonly lastReportNo: number;
  readonly balances: readonly BalanceInfo[];
}

/** A fee tier table: volumes in the asset's smallest unit, rates in millionths. */
export interface FeeTableInfo {
  readonly table: number;
  readonly asset: AssetInfo;
  readonly tiers: readonly { readonly volume: Money; readonly makerPpm: number; readonly takerPpm: number }[];
}

/** The fee tier of an account: the one that the operator gave, or the one that its last order of a day in a symbol of the table found. */
export interface AccountTierInfo {
  readonly table: number;
  /** Id. */
  readonly asset: number;
  readonly tier: number;
  /** The operator gave it. */
  readonly given: boolean;
  /** Of the 30 days before `day`, in the asset's smallest unit. */
  readonly volume: Money;
  /** Days since the epoch; 0 = it has not been found since the table or the tier was set. */
  readonly day: number;
}

/** Limits of an account in a symbol, and what they limit, lots; see PositionLimits. */
export interface PositionLimitInfo {
  /** Id. */
  readonly symbol: number;
  /** 0 = no limit. */
  readonly maxPosition: QtyLots;
  readonly maxExposure: QtyLots;
  /** Below 0: sold. */
  readonly position: QtyLots;
  readonly openBuys: QtyLots;
  readonly openSells: QtyLots;
}

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

/** The kill switches that are on. */
export interface KillSwitchesInfo {
  readonly venue: boolean;
  /** Ids. */
  readonly groups: readonly number[];
  readonly symbols: readonly number[];
  readonly accounts: readonly number[];
}

/** Slots that one step of a walk looks at: some 0.1 ms. */
const WALK_SLOTS = 16_384;
/** Walks until all orders of an account that changes meanwhile are found. */
const WALKS = 8;
/** Orders kept beyond the limit of a page. */
const SPARE = 256;
/** Attempts to read the orders found at one moment, while another thread changes them. */
const READS = 100;

/** The open orders of an account. */
export interface OpenOrders {
  readonly orders: OpenOrderInfo[];
  /** The orders are all (up to the limit) that rested at one moment. False: they changed too fast to be read at one moment. */
  readonly complete: boolean;
}

const PARAM_NAMES = Object.keys(SymbolParam) as SymbolParamName[];

/**
 * Assets, symbols and accounts, read from the engine's shared columns by the I/O
 * thread. Balances and open orders are as of the last command applied, which may
 * not be durable yet. Cold: it allocates.
 */
export class Directory {
  readonly #control: Control;
  readonly #accounts: Accounts;
  readonly #symbols: Symbols;
  readonly #slab: OrderSlab;
  readonly #links: OrderLinks;
  readonly #stopPrices: StopPrices;
  #seen = -1;
  #assetList: AssetInfo[] = [];
  #symbolList: SymbolInfo[] = [];

  constructor(control: Control, accounts: Accounts, symbols: Symbols, slab: OrderSlab, links: OrderLinks, trailGroups: TrailGroups) {
    this.#links = links;
    this.#control = control;
    this.#accounts = accounts;
    this.#symbols = symbols;
    this.#slab = slab;
    this.#stopPrices = new StopPrices(slab, trailGroups, symbols);
  }

  /** Changes with every administrative command applied. */
  get version(): number {
    return this.#control.definitions;
  }

  assets(): readonly AssetInfo[] {
    if (this.#seen !== this.version) this.#refresh();
    return this.#assetList;
  }

  asset(id: number): AssetInfo | undefined {
    return this.assets().find((asset) => asset.id === id);
  }

  assetByName(name: string): AssetInfo | undefined {
    return this.assets().find((asset) => asset.name === name);
  }

  /** Prices change without a new `version`, so they are read at each call. */
  symbols(): readonly SymbolInfo[] {
    this.assets();
    return this.#symbolList.map((symbol) => this.#symbolInfo(symbol.id));
  }

  symbolIds(): number[] {
    this.assets();
    return this.#symbolList.map(({ id }) => id);
  }

  symbol(id: number): SymbolInfo | undefined {
    return id < this.#symbols.capacity && this.#symbols.defined[id] !== 0 ? this.#symbolInfo(id) : undefined;
  }

  symbolByName(name: string): SymbolInfo | undefined {
    this.assets();
    const found = this.#symbolList.find((symbol) => symbol.name === name);
    return found && this.#symbolInfo(found.id);
  }

  accountExists(id: number): boolean {
    return id > 0 && id < this.#accounts.capacity && this.#accounts.defined[id] !== 0;
  }

  accountIds(): number[] {
    const ids: number[] = [];
    for (let id = 1; id < this.#accounts.capacity; id++) if (this.#accounts.defined[id] !== 0) ids.push(id);
    return ids;
  }

  /** Number of the account's last report; account 0 is the operator's. */
  lastReportNo(account: number): number {
    return this.#accounts.reportNo[account];
  }

  account(id: number): AccountInfo | undefined {
    if (!this.accountExists(id)) return undefined;
    const accounts = this.#accounts;
    const assets = this.assets();
    return this.#control.readConsistently(() => {
      const balances: BalanceInfo[] = [];
      for (const asset of assets) {
        const at = accounts.balanceAt(id, asset.id);
        const available = accounts.balances[at];
        const reserved = accounts.balances[at + 1];
        if (available !== 0 || reserved !== 0) balances.push({ asset, available, reserved });
      }
      return {
        id,
        name: nameAt(accounts.names, id),
        suspended: (accounts.controls[id] & ControlBit.Suspended) !== 0,
        killed: (accounts.controls[id] & ControlBit.Killed) !== 0,
        killSwitches: this.#killSwitchesOf(id),
        group: accounts.group[id],
        commandsPerSecond: accounts.commandsPerSecond[id],
        commandBurst: accounts.commandBurst[id],
        orderToTrade: accounts.orderToTrade[id],
        selfTrade: SELF_TRADE_NAMES[accounts.selfTradeMode[id]],
        maxOpenOrders: accounts.maxOpenOrders[id],
        openOrders: accounts.openOrders[id],
        positionLimits: this.#positionLimits(id),
        ...this.#protection(id),
        feeTiers: this.#feeTiers(id),
        lastReportNo: accounts.reportNo[id],
        balances,
      };
    });
  }

  #protection(id: number): Pick<AccountInfo, 'protection'> {
    const { protectionUs, protectionFills, protectionLots, protectionNetLots, protectionTriggered } = this.#accounts;
    if (protectionUs[id] === 0) return {};
    const limits = { fills: protectionFills[id], lots: protectionLots[id], netLots: protectionNetLots[id] };
    return { protection: { windowUs: protectionUs[id], ...limits, triggered: protectionTriggered[id] !== 0 } };
  }

  /** The fee tier tables that are defined. */
  feeTables(): FeeTableInfo[] {
    const { asset, count, volume, makerPpm, takerPpm } = this.#accounts.feeTables;
    return this.#control.readConsistently(() =>
      [...asset.keys()]
        .filter((table) => asset[table] !== 0)
        .map((table) => {
          const tiers = [...Array(count[table]).keys()].map((tier) => table * TIERS_PER_TABLE + tier);
          return {
            table,
            asset: this.#assetOf(asset[table]),
            tiers: tiers.map((at) => ({ volume: volume[at], makerPpm: makerPpm[at], takerPpm: takerPpm[at] })),
          };
        }),
    );
  }

  #feeTiers(id: number): AccountTierInfo[] {
    const { asset, count, givenTier, knownTier, knownVolume, knownDay } = this.#accounts.feeTables;
    const tables = [...asset.keys()].map((table) => ({ table, at: table * this.#accounts.capacity + id }));
    return tables
      .filter(({ table, at }) => asset[table] !== 0 && (knownDay[at] !== 0 || givenTier[at] !== 0))
      .map(({ table, at }) => {
        const given = givenTier[at] !== 0;
        const tier = given ? Math.min(givenTier[at] - 1, count[table]) : knownTier[at];
        return { table, asset: asset[table], tier, given, volume: knownVolume[at], day: knownDay[at] };
      });
  }

  #positionLimits(id: number): PositionLimitInfo[] {
    const { account, symbol, maxPosition, maxExposure, position, openBuys, openSells } = this.#accounts.positionLimits;
    const found: PositionLimitInfo[] = [];
    if ((this.#accounts.controls[id] & ControlBit.Limited) === 0) return found;
    for (let i = 0; account[i] !== 0; i++) {
      if (account[i] !== id) continue;
      found.push({
        symbol: symbol[i],
        maxPosition: maxPosition[i],
        maxExposure: maxExposure[i],
        position: position[i],
        openBuys: openBuys[i],
        openSells: openSells[i],
      });
    }
    return found.sort((a, b) => a.symbol - b.symbol);
  }

  killSwitches(): KillSwitchesInfo {
    const { killedGroups, controls } = this.#accounts;
    const groups = [...killedGroups.keys()].filter((group) => group !== 0 && killedGroups[group] !== 0);
    const accounts = this.accountIds().filter((id) => (controls[id] & ControlBit.Killed) !== 0);
    return { venue: killedGroups[0] !== 0, groups, symbols: this.#killedSymbols(), accounts };
  }

  #killSwitchesOf(id: number): AccountInfo['killSwitches'] {
    const { killedGroups, controls, group } = this.#accounts;
    return {
      account: (controls[id] & ControlBit.Killed) !== 0,
      group: group[id] !== 0 && killedGroups[group[id]] !== 0,
      venue: killedGroups[0] !== 0,
      symbols: this.#killedSymbols(),
    };
  }

  #killedSymbols(): number[] {
    return this.symbolIds().filter((id) => this.#symbols.killed[id] !== 0);
  }

  /** The first `limit` resting orders of an account by order id. Walks the slab. */
  openOrders(account: number, limit: number): OpenOrderInfo[] {
    const slab = this.#slab;
    return this.#control.readConsistently(() => {
      const slots: number[] = [];
      for (let slot = 0, left = this.#accounts.openOrders[account]; slot < slab.capacity && left > 0; slot++) {
        if (!this.#rests(slot, account)) continue;
        left--;
        slots.push(slot);
      }
      return slots
        .sort(this.#byId)
        .slice(0, limit)
        .map((slot) => this.#orderInfo(slot));
    });
  }

  /**
   * The first `limit` resting orders of an account whose ids are above `after`, by order id; for the thread that takes
   * orders: it walks the slab in steps of some 0.1 ms, then reads the orders found at one moment.
   *
   * A walk may miss an order that is entered behind it. Its id is above all ids of the walk before, so what is below them is
   * complete. A further walk is made while the page needs more than that and the account has more orders than were found. A page that
   * begins above `after` does not include orders entered since the first walk.
   */
  *openOrdersInSteps(account: number, limit: number, after = 0): Generator<undefined, OpenOrders> {
    const slab = this.#slab;
    /** Some more than the limit, as orders of the page may go while it is read. */
    const most = limit + SPARE;
    let found: number[] = [];
    /** No order with an id up to this one was entered since the walk began. */
    let settled = 0;
    for (let walk = 0; walk < WALKS; walk++) {
      found = [];
      let passed = 0;
      let newest = settled;
      /** Lowest id that was found and not kept. */
      let dropped = Number.POSITIVE_INFINITY;
      const keep = (): void => {
        found.sort(this.#byId);
        if (found.length > most) dropped = Math.min(dropped, slab.id[found[most]]);
        found.length = Math.min(found.length, most);
      };
      for (let from = 0; from < slab.capacity && passed < this.#accounts.openOrders[account]; from += WALK_SLOTS) {
        const end = Math.min(slab.capacity, from + WALK_SLOTS);
        for (let slot = from; slot < end; slot++) {
          if (slab.level(slot) === -1) continue;
          const id = slab.id[slot];
          if (id > newest) newest = id;
          if (slab.account(slot) !== account) continue;
          passed++;
          if (id <= after) continue;
          found.push(slot);
          if (found.length < 2 * most) continue;
          keep();
          yield;
        }
        yield;
      }
      keep();
      for (let attempt = 0; attempt < READS; attempt++) {
        const read = this.#control.tryRead(() => ({
          orders: this.#readOrders(found, account, after),
          resting: this.#accounts.openOrders[account],
        }));
        if (read !== undefined) {
          const { orders, resting } = read;
          if (orders.length === resting) return { orders: orders.slice(0, limit), complete: true };
          const sure = orders.filter(({ orderId }) => orderId <= settled && orderId < dropped).slice(0, limit);
          const all = after > 0 && walk > 0 && dropped === Number.POSITIVE_INFINITY;
          if (all || sure.length === limit) return { orders: sure, complete: true };
          break;
        }
        yield;
      }
      settled = newest;
    }
    const orders = found.flatMap((slot) => this.#control.readConsistently(() => this.#readOrders([slot], account, after)));
    return { orders: orders.sort((a, b) => a.orderId - b.orderId).slice(0, limit), complete: false };
  }

  /**
   * A resting order of an account, for the thread that takes orders: it walks the slab in steps of less than 0.1 ms. Undefined:
   * the account has no such order. An order that is entered meanwhile may be missed.
   */
  *restingOrderInSteps(account: number, orderId: number): Generator<undefined, RestingOrderInfo | undefined> {
    const { capacity, id } = this.#slab;
    const rests = (slot: number): boolean => id[slot] === orderId && this.#rests(slot, account);
    for (let from = 0; from < capacity; from += WALK_SLOTS) {
      const end = Math.min(capacity, from + WALK_SLOTS);
      for (let slot = from; slot < end; slot++) {
        if (rests(slot)) return this.#control.readConsistently(() => (rests(slot) ? this.#restingInfo(slot) : undefined));
      }
      yield;
    }
    return undefined;
  }

  #restingInfo(slot: number): RestingOrderInfo {
    const order = this.#orderInfo(slot);
    const { baseAsset, quoteAsset } = this.#symbols;
    return { ...order, reserved: this.#slab.held(slot), asset: (order.side === Side.Buy ? quoteAsset : baseAsset)[order.symbol] };
  }

  readonly #byId = (a: number, b: number): number => this.#slab.id[a] - this.#slab.id[b];

  /** What rests in these slots, by order id: a slot may have another order than when it was found. */
  #readOrders(slots: Iterable<number>, account: number, after: number): OpenOrderInfo[] {
    const orders: OpenOrderInfo[] = [];
    for (const slot of slots) if (this.#rests(slot, account) && this.#slab.id[slot] > after) orders.push(this.#orderInfo(slot));
    return orders.sort((a, b) => a.orderId - b.orderId);
  }

  #rests(slot: number, account: number): boolean {
    return this.#slab.level(slot) !== -1 && this.#slab.account(slot) === account;
  }

  #orderInfo(slot: number): OpenOrderInfo {
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
      ...(waits && (slab.next(slot) !== 0 || this.#stopPrices.isTrailing(slot)) && { stop: this.#stopInfo(slot) }),
      ...this.#displayInfo(slot, pending),
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

  #stopInfo(slot: number): PendingStopInfo {
    const slab = this.#slab;
    const prices = this.#stopPrices;
    const stop = { price: prices.stopPrice(slot), trigger: triggerOf(slab, slot) };
    if (!prices.isTrailing(slot)) return stop;
    return { ...stop, trail: { offset: slab.prev(slot), activationPrice: prices.activationPrice(slot), limitOffset: slab.price(slot) } };
  }

  #refresh(): void {
    this.#seen = this.version;
    const accounts = this.#accounts;
    this.#assetList = [];
    for (let id = 1; id < accounts.assets; id++) {
      if (accounts.assetDefined[id] === 0) continue;
      this.#assetList.push({ id, name: nameAt(accounts.assetNames, id), decimals: accounts.assetDecimals[id] });
    }
    this.#symbolList = [];
    for (let id = 1; id < this.#symbols.capacity; id++) {
      if (this.#symbols.defined[id] !== 0) this.#symbolList.push(this.#symbolInfo(id));
    }
  }

  #symbolInfo(id: number): SymbolInfo {
    const s = this.#symbols;
    const params = Object.fromEntries(PARAM_NAMES.map((name) => [name, s.param(id, SymbolParam[name])])) as Record<SymbolParamName, number>;
    return {
      id,
      name: nameAt(s.names, id),
      baseAsset: this.#assetOf(s.baseAsset[id]),
      quoteAsset: this.#assetOf(s.quoteAsset[id]),
      tickMantissa: s.tickMantissa[id],
      tickDecimals: s.tickDecimals[id],
      lotMantissa: s.lotMantissa[id],
      lotDecimals: s.lotDecimals[id],
      quotePerTickLot: s.quotePerTickLot[id],
      basePerLot: s.basePerLot[id],
      phase: s.phase[id],
      subPhase: s.subPhase[id],
      boundaryUs: s.boundaryUs[id],
      killed: s.killed[id] !== 0,
      params,
      staticPrice: s.staticPrice[id],
      interruptedUntilUs: s.interruptedUntilUs[id],
      lastPrice: s.lastPrice[id],
      referencePrice: params.ReferencePrice,
      tradeId: s.tradeId[id],
    };
  }

  #assetOf(id: number): AssetInfo {
    return { id, name: nameAt(this.#accounts.assetNames, id), decimals: this.#accounts.assetDecimals[id] };
  }
}
