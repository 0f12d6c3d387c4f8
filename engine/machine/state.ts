import { type Allocate, allocateLocal } from '../allocate.ts';
import type { OrderBook } from '../book/order-book.ts';
import { OrderSlab } from '../book/order-slab.ts';
import { LevelPages } from '../book/price-ladder.ts';
import { TrailGroups } from '../book/trail-groups.ts';
import { type Capacities, capacitiesOf, type Limits, RULES, type Shares, sharesOf } from '../limits.ts';
import type { SpillingProducer } from '../rings/spilling-producer.ts';
import { Accounts } from '../rules/accounts.ts';
import { CashModel } from '../rules/cash-model.ts';
import { ClientIdTable, ClientOrderIds } from '../rules/client-order-ids.ts';
import { DeadlineHeap } from '../rules/deadline-heap.ts';
import { FeeSchedules } from '../rules/fee-schedules.ts';
import { FeeTiers } from '../rules/fee-tiers.ts';
import { IdempotencyKeys } from '../rules/idempotency-keys.ts';
import { KillSwitches } from '../rules/kill-switches.ts';
import { LiveQuotes } from '../rules/live-quotes.ts';
import type { CheckedState } from '../rules/order-checks.ts';
import { OrderLinks } from '../rules/order-links.ts';
import { OrderRequest } from '../rules/order-request.ts';
import { OrderToTrade } from '../rules/order-to-trade.ts';
import { PeggedOrders } from '../rules/pegged-orders.ts';
import { PendingStops } from '../rules/pending-stops.ts';
import { Protections } from '../rules/protections.ts';
import { RiskModels } from '../rules/risk-model.ts';
import { SelfTrade } from '../rules/self-trade.ts';
import { SymbolSet } from '../rules/symbol-set.ts';
import { Symbols } from '../rules/symbols.ts';
import { Throttles } from '../rules/throttles.ts';
import { TrackedModel } from '../rules/tracked-model.ts';
import { VolatilityBands } from '../rules/volatility-bands.ts';
import { WaitingOrders } from '../rules/waiting-orders.ts';
import type { QtyLots, TimeUs } from '../units.ts';
import { MarketWriter } from './market-writer.ts';
import { ReportWriter } from './report-writer.ts';

export interface ExchangeOutputs {
  readonly reports: SpillingProducer;
  readonly market: SpillingProducer;
}

/** The incoming order while it trades: a new or an amended order. */
export class Aggressor {
  orderId = 0;
  /** Open and filled quantity. */
  open: QtyLots = 0;
  filled: QtyLots = 0;
  /** What its fills paid in advance; see FeeSchedules. */
  feeCarry = 0;
  /** Of a child while it trades: lots that may become live later; see OrderLinks.later. Its reports count them as open. */
  later: QtyLots = 0;
}

/**
 * Parts of icebergs that one command uses up at most. An iceberg that it meets after them has one more part, as large as it needs: so a command causes
 * no more fills than these and two for each order.
 */
export const PARTS_PER_COMMAND = 1024;
/**
 * Stops that trigger with one command at most, from rules 6 on. An order of another account, and its reports, wait for as many: with {@link OLD_TRIGGERS_PER_COMMAND}
 * the orders behind a cascade came faster than they were applied.
 */
export const TRIGGERS_PER_COMMAND = 32;
/** A command that triggered as many is followed by a pause of this length, from rules 7 on, in which no stop triggers. It bounds the work of a cascade per time: commands of others that arrive meanwhile are not each delayed by a share of it. */
export const TRIGGER_PAUSE_US = 500;
/** Stops that trigger with one command at most before rules 6. */
export const OLD_TRIGGERS_PER_COMMAND = 256;

/**
 * The whole state of a shard, and the current command. The parts of the state
 * machine share one object. Owned by the engine thread.
 */
export class MachineState implements CheckedState {
  /** Sizes of the memory. */
  readonly limits: Limits;
  /** Rules and capacities in force. Until a command sets them: the rules of this build and the capacities of its memory. See {@link setRules}. */
  rules: number = RULES;
  readonly capacities: Capacities;
  /** Shares of one account that are in force; without effect before rules 3. */
  readonly shares: Shares;
  readonly accounts: Accounts;
  readonly feeSchedules: FeeSchedules;
  readonly feeTiers: FeeTiers;
  readonly expiries: DeadlineHeap;
  readonly trailGroups: TrailGroups;
  readonly stops: PendingStops;
  readonly quotes: LiveQuotes;
  readonly waiting: WaitingOrders;
  readonly pegs: PeggedOrders;
  readonly protections: Protections;
  readonly symbols: Symbols;
  readonly slab: OrderSlab;
  readonly links: OrderLinks;
  readonly pages: LevelPages;
  readonly clientIdTable: ClientIdTable;
  readonly clientOrderIds: ClientOrderIds;
  readonly idempotencyKeys: IdempotencyKeys;
  /** Books by symbol id; undefined for a symbol that is not defined. */
  readonly books: (OrderBook | undefined)[] = [];
  readonly risks: RiskModels;
  readonly kills: KillSwitches;
  readonly selfTrade: SelfTrade;
  readonly bands: VolatilityBands;
  readonly throttles: Throttles;
  readonly orderToTrade: OrderToTrade;
  readonly reports: ReportWriter;
  readonly market: MarketWriter;
  /** Sequence and time of the last command applied. */
  seq = 0;
  timeUs = 0;
  lastOrderId = 0;
  /** End of the last pause of triggers, see TRIGGER_PAUSE_US. */
  triggersFromUs: TimeUs = 0;
  /**
   * Times from which on a command finds something due before it, infinite = nothing: the first order that expires, what is due of accounts and
   * auctions (it may be too early; see DueEnds), the end of an interruption; and the first dead man's switch. In one array, because each command
   * compares them, and so that none is boxed.
   */
  readonly wakes = new Float64Array(4).fill(Number.POSITIVE_INFINITY);
  /** See PARTS_PER_COMMAND; tests lower it. */
  partsPerCommand: number = PARTS_PER_COMMAND;
  /** See TRIGGERS_PER_COMMAND; tests lower it. */
  triggersPerCommand: number = TRIGGERS_PER_COMMAND;
  /** The current command. */
  readonly order = new OrderRequest();
  readonly aggressor = new Aggressor();
  /** Symbols whose auction book changed since the end of the last batch. */
  readonly changedAuctions: SymbolSet;

  constructor(limits: Limits, outputs?: ExchangeOutputs, allocate: Allocate = allocateLocal) {
    this.limits = limits;
    this.capacities = capacitiesOf(limits);
    this.shares = sharesOf(limits);
    this.accounts = new Accounts(limits.accounts, limits.assets, limits.symbols, allocate);
    this.symbols = new Symbols(limits.symbols, allocate);
    this.changedAuctions = new SymbolSet(limits.symbols);
    this.slab = new OrderSlab(limits.orders, allocate);
    this.links = new OrderLinks(this.slab, limits.symbols, allocate);
    this.trailGroups = new TrailGroups(limits.orders, allocate);
    this.feeSchedules = new FeeSchedules(limits.symbols, this.slab);
    this.feeTiers = new FeeTiers(this.accounts.feeTables, this.feeSchedules, this.symbols, limits.accounts);
    this.expiries = new DeadlineHeap(this.slab.id, this.slab.endUs, this.wakes.subarray(0, 1));
    this.stops = new PendingStops(this.symbols, this.slab, this.trailGroups);
    this.quotes = new LiveQuotes(this.slab);
    this.waiting = new WaitingOrders(this.slab);
    this.pegs = new PeggedOrders(this.slab, this.symbols, this.books, limits.accounts);
    this.protections = new Protections(this.slab, this.accounts, this);
    this.pages = new LevelPages(limits.pages, allocateLocal, limits.accounts);
    const seed = (Math.random() * 2 ** 32) | 0;
    const { rememberedOrders } = limits;
    this.clientIdTable = new ClientIdTable(limits.orders, rememberedOrders, allocate);
    const { forgottenId } = this.accounts;
    this.clientOrderIds = new ClientOrderIds(this.slab, rememberedOrders, forgottenId, seed, allocateLocal, this.clientIdTable);
    this.idempotencyKeys = new IdempotencyKeys(limits.rememberedKeys, limits.accounts, seed, allocateLocal);
    this.selfTrade = new SelfTrade(this.slab, this.accounts, this.protections, this.quotes);
    this.bands = new VolatilityBands(this.symbols);
    this.kills = new KillSwitches(this.accounts, this.symbols);
    this.throttles = new Throttles(this.accounts, allocateLocal);
    this.orderToTrade = new OrderToTrade(this.accounts, allocateLocal);
    const cash = new CashModel(this.accounts, this.symbols, this.feeSchedules, this.slab);
    this.risks = new RiskModels(
      this.symbols,
      [cash],
      [new TrackedModel(cash, this.accounts, this.slab, this.orderToTrade, this.feeTiers, this)],
    );
    this.reports = new ReportWriter(this.accounts, outputs?.reports);
    this.market = new MarketWriter(this.slab, outputs?.market);
    this.enforce();
  }

  /** Puts `capacities` and `shares` in force in the parts that have a copy of them. */
  enforce(): void {
    const { capacities, shares } = this;
    this.pages.limit = capacities.pages;
    this.pages.share = this.rules < 3 ? capacities.pages : shares.pagesPerAccount;
    this.clientOrderIds.setWindow(capacities.rememberedOrders, shares.rememberedOrdersPerAccount);
    this.idempotencyKeys.setWindow(capacities.rememberedKeys, shares.rememberedKeysPerAccount);
  }

  /**
   * Puts rules in force. Parts that read the rules for each order have a copy, so that reading it needs no other object. The step to rules 3
   * gives each account what it has of the shared memory; the result depends only on the state that a snapshot has.
   */
  setRules(rules: number): void {
    const toShares = this.rules < 3 && rules >= 3;
    const toLists = this.rules < 6 && rules >= 6;
    this.rules = rules;
    this.pages.rules = rules;
    this.feeSchedules.setRules(rules);
    this.selfTrade.setRules(rules);
    this.stops.endsWaves = rules >= 7;
    this.pages.share = rules < 3 ? this.capacities.pages : this.shares.pagesPerAccount;
    if (toShares) for (const book of this.books) book?.resetPayers();
    if (toLists) for (const book of this.books) if (book !== undefined) this.#sortAuction(book);
    this.clientOrderIds.setRules(rules);
    this.idempotencyKeys.setRules(rules, (account) => this.accounts.exists(account));
  }

  #sortAuction(book: OrderBook): void {
    const slots: number[] = [];
    for (const side of [0, 1]) book.ordersInPriority(side, (slot) => slots.push(slot));
    this.waiting.sortAsBook(slots);
  }
}
