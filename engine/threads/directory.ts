import type { OrderSlab } from '../book/order-slab.ts';
import type { TrailGroups } from '../book/trail-groups.ts';
import { SymbolParam, type SymbolParamName, TIERS_PER_TABLE } from '../params.ts';
import { type Accounts, nameAt } from '../rules/accounts.ts';
import type { ClientIdTable } from '../rules/client-order-ids.ts';
import { ControlBit } from '../rules/control-bits.ts';
import type { OrderLinks } from '../rules/order-links.ts';
import type { Symbols } from '../rules/symbols.ts';
import { Side } from '../wire/layout.ts';
import { SELF_TRADE_NAMES } from '../wire/names.ts';
import type { Control } from './control.ts';
import type {
  AccountBalances,
  AccountInfo,
  AccountTierInfo,
  AssetInfo,
  BalanceInfo,
  DirectoryCounts,
  FeeTableInfo,
  KillSwitchesInfo,
  PositionLimitInfo,
  SymbolInfo,
} from './directory-info.ts';
import { type OpenOrderInfo, OpenOrderReader, type RestingOrderInfo } from './open-order-info.ts';

/** Slots that one step of a walk looks at: some 0.1 ms. */
const WALK_SLOTS = 16_384;
/** Walks until all orders of an account that changes meanwhile are found. */
const WALKS = 8;
/** Orders kept beyond the limit of a page. */
const SPARE = 256;
/** Attempts to read the orders found at one moment, while another thread changes them. */
const READS = 100;
/** Looks into the engine's index until an order is not there for certain. */
const PEEKS = 8;
/** Orders that one step finds there. */
const PEEKED_PER_STEP = 64;
const ABSENT = -1;
const UNSURE = -2;

/** How an order is found. */
interface OrderKey {
  /** Its slot, from an index of the engine, which may change meanwhile; -1: it is not there. */
  readonly look: () => number;
  /** Whether the order in a slot is the one. */
  readonly isNamed: (slot: number) => boolean;
}

/** The open orders of an account. */
export interface OpenOrders {
  readonly orders: OpenOrderInfo[];
  /** The orders are all (up to the limit) that rested at one moment. False: they changed too fast to be read at one moment. */
  readonly complete: boolean;
  /** Number of the account's last report at that moment, and its balances. */
  readonly at: AccountBalances | undefined;
}

const PARAM_NAMES = Object.keys(SymbolParam) as SymbolParamName[];

/** Columns that the engine's thread changes. An exchange has them. */
export interface DirectorySources {
  readonly accounts: Accounts;
  readonly symbols: Symbols;
  readonly slab: OrderSlab;
  readonly links: OrderLinks;
  readonly trailGroups: TrailGroups;
  readonly clientIdTable: ClientIdTable;
}

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
  readonly #clientIds: ClientIdTable;
  readonly #reader: OpenOrderReader;
  #seen = -1;
  #assetList: AssetInfo[] = [];
  #symbolList: SymbolInfo[] = [];

  constructor(control: Control, { accounts, symbols, slab, links, trailGroups, clientIdTable }: DirectorySources) {
    this.#control = control;
    this.#accounts = accounts;
    this.#symbols = symbols;
    this.#slab = slab;
    this.#clientIds = clientIdTable;
    this.#reader = new OpenOrderReader(slab, links, trailGroups, symbols);
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

  /** What can still be deposited of an asset, in its smallest units: all its balances together stay below 2^53. */
  depositRoom(asset: number): number {
    return Number.MAX_SAFE_INTEGER - this.#accounts.deposited[asset];
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

  /** A parameter of a symbol as it is now, without the cost of {@link symbol}. @param id of a defined symbol */
  param(id: number, name: SymbolParamName): number {
    return this.#symbols.param(id, SymbolParam[name]);
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

  /** Writes the counts into `to`, without an allocation. O(accounts + groups + symbols). */
  count(to: DirectoryCounts): void {
    const { defined, capacity, controls, killedGroups } = this.#accounts;
    to.accounts = 0;
    to.killedAccounts = 0;
    for (let id = 1; id < capacity; id++) {
      if (defined[id] === 0) continue;
      to.accounts++;
      if ((controls[id] & ControlBit.Killed) !== 0) to.killedAccounts++;
    }
    to.killedGroups = 0;
    for (let group = 1; group < killedGroups.length; group++) if (killedGroups[group] !== 0) to.killedGroups++;
    const symbols = this.#symbols;
    to.killedSymbols = 0;
    for (let id = 1; id < symbols.capacity; id++) if (symbols.defined[id] !== 0 && symbols.killed[id] !== 0) to.killedSymbols++;
    to.venueKilled = killedGroups[0] !== 0;
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
        balances: this.#balances(id, assets),
      };
    });
  }

  /** Every balance of an account that is not 0, and its last report, at one moment. @param id of an account that exists */
  balances(id: number): AccountBalances {
    const assets = this.assets();
    return this.#control.readConsistently(() => ({ balances: this.#balances(id, assets), lastReportNo: this.#accounts.reportNo[id] }));
  }

  #balances(id: number, assets: readonly AssetInfo[]): BalanceInfo[] {
    const accounts = this.#accounts;
    const balances: BalanceInfo[] = [];
    for (const asset of assets) {
      const at = accounts.balanceAt(id, asset.id);
      const available = accounts.balances[at];
      const reserved = accounts.balances[at + 1];
      if (available !== 0 || reserved !== 0) balances.push({ asset, available, reserved });
    }
    return balances;
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

  /** Those that are on. Makes no list of all accounts or groups. O(accounts + groups + symbols). */
  killSwitches(): KillSwitchesInfo {
    const { killedGroups, controls, defined, capacity } = this.#accounts;
    const groups: number[] = [];
    for (let group = 1; group < killedGroups.length; group++) if (killedGroups[group] !== 0) groups.push(group);
    const accounts: number[] = [];
    for (let id = 1; id < capacity; id++) if (defined[id] !== 0 && (controls[id] & ControlBit.Killed) !== 0) accounts.push(id);
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
        .map((slot) => this.#reader.read(slot));
    });
  }

  /**
   * The first `limit` resting orders of an account whose ids are above `after`, by order id; for the thread that takes
   * orders: it walks the slab in steps of some 0.1 ms, then reads the orders found at one moment.
   *
   * A walk may miss an order that is entered behind it. Its id is above all ids of the walk before, so what is below them is
   * complete. A further walk is made while the page needs more than that and the account has more orders than were found. A page that
   * begins above `after` does not include orders entered since the first walk.
   * @param withBalances read them at the same moment
   */
  *openOrdersInSteps(account: number, limit: number, after = 0, withBalances = false): Generator<undefined, OpenOrders> {
    const assets = withBalances ? this.assets() : [];
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
          at: withBalances ? { balances: this.#balances(account, assets), lastReportNo: this.#accounts.reportNo[account] } : undefined,
        }));
        if (read !== undefined) {
          const { orders, resting, at } = read;
          if (orders.length === resting) return { orders: orders.slice(0, limit), complete: true, at };
          const sure = orders.filter(({ orderId }) => orderId <= settled && orderId < dropped).slice(0, limit);
          const all = after > 0 && walk > 0 && dropped === Number.POSITIVE_INFINITY;
          if (all || sure.length === limit) return { orders: sure, complete: true, at };
          break;
        }
        yield;
      }
      settled = newest;
    }
    const orders = found.flatMap((slot) => this.#control.readConsistently(() => this.#readOrders([slot], account, after)));
    return { orders: orders.sort((a, b) => a.orderId - b.orderId).slice(0, limit), complete: false, at: undefined };
  }

  /**
   * A resting order of an account, for the thread that takes orders: from the engine's index. Where that changes too fast, it walks the slab in steps
   * of less than 0.1 ms. Undefined: the account has no such order. An order that is entered meanwhile may be missed.
   */
  *restingOrderInSteps(account: number, orderId: number): Generator<undefined, RestingOrderInfo | undefined> {
    return yield* this.#restingFound(account, this.#byOrderId(orderId));
  }

  /** The same by its client order id. */
  *restingOrderOfClientIdInSteps(account: number, clientOrderId: number): Generator<undefined, RestingOrderInfo | undefined> {
    return yield* this.#restingFound(account, {
      look: () => this.#clientIds.peek(this.#slab, account, clientOrderId),
      isNamed: (slot) => this.#slab.clientOrderId(slot) === clientOrderId,
    });
  }

  #byOrderId(orderId: number): OrderKey {
    return { look: () => this.#slab.peek(orderId), isNamed: (slot) => this.#slab.id[slot] === orderId };
  }

  *#restingFound(account: number, key: OrderKey): Generator<undefined, RestingOrderInfo | undefined> {
    for (let attempt = 0; attempt < PEEKS; attempt++) {
      const slot = this.#peek(account, key);
      if (slot === ABSENT) return undefined;
      if (slot !== UNSURE) return this.#restingAt(slot, account, key.isNamed);
      yield;
    }
    return yield* this.#restingInSteps(account, key.isNamed);
  }

  /** The slot of a resting order of an account, from the engine's index; ABSENT, or UNSURE while the engine changes it. */
  #peek(account: number, { look, isNamed }: OrderKey): number {
    let slot = -1;
    const isSure = this.#control.tryRead(() => {
      slot = look();
      return true;
    });
    if (slot !== -1 && isNamed(slot) && this.#rests(slot, account)) return slot;
    return isSure ? ABSENT : UNSURE;
  }

  *#restingInSteps(account: number, isNamed: (slot: number) => boolean): Generator<undefined, RestingOrderInfo | undefined> {
    const { capacity } = this.#slab;
    for (let from = 0; from < capacity; from += WALK_SLOTS) {
      const end = Math.min(capacity, from + WALK_SLOTS);
      for (let slot = from; slot < end; slot++) {
        if (isNamed(slot) && this.#rests(slot, account)) return this.#restingAt(slot, account, isNamed);
      }
      yield;
    }
    return undefined;
  }

  /** What rests in a slot now, if that is still the order. */
  #restingAt(slot: number, account: number, isNamed: (slot: number) => boolean): RestingOrderInfo | undefined {
    return this.#control.readConsistently(() => (isNamed(slot) && this.#rests(slot, account) ? this.#restingInfo(slot) : undefined));
  }

  /**
   * Those of the orders of an account with these ids that are open, by order id, each as it is when it is read; for the thread that takes
   * orders: from the engine's index, or if that changes too fast, with a walk of the slab in steps of less than 0.1 ms.
   */
  *openOrdersOfIdsInSteps(account: number, ids: ReadonlySet<number>): Generator<undefined, OpenOrderInfo[]> {
    const { capacity, id } = this.#slab;
    const orders: OpenOrderInfo[] = [];
    const unsure = new Set<number>();
    let looked = 0;
    for (const orderId of ids) {
      const slot = this.#peek(account, this.#byOrderId(orderId));
      if (slot === UNSURE) unsure.add(orderId);
      else if (slot !== ABSENT) {
        const read = this.#control.readConsistently(() => this.#readOrders([slot], account, 0));
        orders.push(...read.filter((order) => order.orderId === orderId));
      }
      if (++looked % PEEKED_PER_STEP === 0) yield;
    }
    const before = orders.length;
    for (let from = 0; from < capacity && orders.length - before < unsure.size; from += WALK_SLOTS) {
      const end = Math.min(capacity, from + WALK_SLOTS);
      for (let slot = from; slot < end; slot++) {
        if (!this.#rests(slot, account) || !unsure.has(id[slot])) continue;
        orders.push(...this.#control.readConsistently(() => this.#readOrders([slot], account, 0)));
      }
      yield;
    }
    return orders.filter(({ orderId }) => ids.has(orderId)).sort((a, b) => a.orderId - b.orderId);
  }

  #restingInfo(slot: number): RestingOrderInfo {
    const order = this.#reader.read(slot);
    const { baseAsset, quoteAsset } = this.#symbols;
    return { ...order, reserved: this.#slab.held(slot), asset: (order.side === Side.Buy ? quoteAsset : baseAsset)[order.symbol] };
  }

  readonly #byId = (a: number, b: number): number => this.#slab.id[a] - this.#slab.id[b];

  /** What rests in these slots, by order id: a slot may have another order than when it was found. */
  #readOrders(slots: Iterable<number>, account: number, after: number): OpenOrderInfo[] {
    const orders: OpenOrderInfo[] = [];
    for (const slot of slots) if (this.#rests(slot, account) && this.#slab.id[slot] > after) orders.push(this.#reader.read(slot));
    return orders.sort((a, b) => a.orderId - b.orderId);
  }

  #rests(slot: number, account: number): boolean {
    return this.#slab.level(slot) !== -1 && this.#slab.account(slot) === account;
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
