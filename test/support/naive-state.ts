import { Code } from '../../engine/codes.ts';
import { type Limits, RULES } from '../../engine/limits.ts';
import { PARTS_PER_COMMAND } from '../../engine/machine/state.ts';
import { SymbolParam } from '../../engine/params.ts';
import { Phase, ReportKind, Side, SubPhase, Trigger } from '../../engine/wire/layout.ts';
import { BTC, SYMBOL, USD } from './exchange-fixture.ts';
import { NaiveAuctions } from './naive-auctions.ts';
import { NaiveControls } from './naive-controls.ts';
import { NaiveFeeTiers } from './naive-fee-tiers.ts';
import { type FeeAccount, newFeeAccount, reservedFee } from './naive-fees.ts';
import { firstPart, shownOf } from './naive-icebergs.ts';
import { NaiveLinks } from './naive-links.ts';
import { NaiveMassCancels } from './naive-mass-cancel.ts';
import type { Children, NaiveOrder, NaiveReport, Remembered, StopOrder } from './naive-order.ts';
import { NaivePegs } from './naive-pegs.ts';
import { NaiveProtections } from './naive-protections.ts';
import { NaiveStops } from './naive-stops.ts';
import { NaiveTrailReports } from './naive-trail-reports.ts';
import { NaiveVolatility } from './naive-volatility.ts';
import { NaiveWindows } from './naive-windows.ts';

/** Kinds of reports that say that an order is pegged. */
const PEGGED_KINDS: ReadonlySet<number> = new Set([ReportKind.Accepted, ReportKind.Amended, ReportKind.Cancelled]);

/** The state of the naive exchange, and what every part of it asks of it and does to it. */
export abstract class NaiveState {
  /** In order of arrival at their place. */
  resting: NaiveOrder[] = [];
  readonly stops = new NaiveStops<StopOrder>();
  readonly trailReports = new NaiveTrailReports<StopOrder>((o) =>
    this.answer(ReportKind.StopPriceChanged, Code.OK, o, o.price, this.leaves(o), this.leaves(o), 0),
  );
  readonly auctions = new NaiveAuctions<NaiveOrder>(this, {
    enter: (o) => this.enterBook(o),
    end: (o) => this.end(o, Code.CANCELLED_AUCTION_OVER),
    isOpen: (o) => this.open.includes(o),
  });
  readonly pegs = new NaivePegs<NaiveOrder>(this);
  readonly links: NaiveLinks<NaiveOrder>;
  abstract readonly children: Children;
  /** Orders of a list that count as open while the next ones are checked. */
  assumed: NaiveOrder[] = [];
  readonly feeTiers = new NaiveFeeTiers();
  free = new Map<string, number>();
  fees = 0;
  deposited = new Map<number, number>([
    [USD, 0],
    [BTC, 0],
  ]);
  reportNo = new Map<number, number>();
  /** By account, from rules 3 on also by bit length: the highest id that was forgotten. */
  forgotten = new Map<string, number>();
  /** Orders that pay for the level page of their side and price. */
  payers = new Set<NaiveOrder>();
  accounts: number[] = [];
  readonly controls: NaiveControls;
  phase: number = Phase.Halted;
  subPhase: number = SubPhase.None;
  boundaryUs = 0;
  lastOrderId = 0;
  partsPerCommand = PARTS_PER_COMMAND;
  /** Parts of icebergs that the command has used up. */
  parts = 0;
  /** With which the rest of an order is cancelled whose match was not allowed to go on. */
  refusal: number = Code.OK;
  lastPrice = 0;
  tradeId = 0;
  params: number[];
  readonly volatility: NaiveVolatility;
  seq = 0;
  timeUs = 0;
  readonly protections = new NaiveProtections();
  /** Rare states that it came to. */
  readonly seen = new Set<string>();
  readonly limits: Limits;
  /** From 2 on. */
  readonly rules: number;
  /** Orders that ended. */
  readonly windows: NaiveWindows<Remembered>;
  /** Reports of the present command. */
  out: NaiveReport[] = [];
  /** Of the trades of the current order. */
  prices: number[] = [];
  readonly massCancels = new NaiveMassCancels<NaiveOrder>(
    this,
    (o, code) => this.end(o, code),
    (account, named) => this.beginMassCancel(account, Code.CANCELLED_AFTER, named),
  );
  arrivals = 0;

  constructor(params: number[], limits: Limits, rules = RULES) {
    this.params = params;
    this.volatility = new NaiveVolatility(params);
    this.rules = rules;
    this.controls = new NaiveControls(this.accounts, rules, this.feeTiers);
    this.links = new NaiveLinks({
      cancel: (o, code) => this.end(o, code),
      lowered: (o) => {
        if (o.iceberg) this.seen.add('iceberg reduced with its partner');
        this.answer(ReportKind.Amended, Code.CANCELLED_LINKED, o, o.price, this.leaves(o), this.leaves(o), o.filled, 4);
      },
      comes: (o) => this.children.comes(o),
      parentChanged: (o) => this.children.parentChanged(o),
      parentEnded: (o) => this.children.parentEnded(o),
      childTriggered: (o) => this.children.triggered(o),
      forget: (o) => this.children.forget(o),
      need: (o) => this.need(o),
      available: (account, asset) => this.available(account, asset === 'quote' ? USD : BTC),
    });
    // Before rules 3, all accounts had one share: all there is.
    this.limits = rules >= 3 ? limits : { ...limits, ordersPerAccount: limits.orders, pagesPerAccount: limits.pages };
    this.windows = new NaiveWindows(limits.rememberedOrders, limits.rememberedOrdersPerAccount, rules < 3);
  }

  get remembered(): readonly Remembered[] {
    return this.windows.entries;
  }

  money(account: number, asset: number): number {
    return this.free.get(`${account}/${asset}`) ?? 0;
  }

  pay(account: number, asset: number, amount: number): void {
    this.free.set(`${account}/${asset}`, this.money(account, asset) + amount);
  }

  /** Resting orders and pending stops. */
  get open(): NaiveOrder[] {
    return [...this.resting, ...this.stops.pending, ...this.auctions.waiting, ...this.children.waiting, ...this.pegs.parked];
  }

  /** Lots that are open, or may become live yet. */
  leaves(o: NaiveOrder): number {
    return o.open + this.children.later(o);
  }

  /** What the order reserves alone. */
  need({ side, price, open, fees, stop, peg }: NaiveOrder): number {
    const cost = (peg?.limit ?? stop?.unit ?? price) * open;
    return side === Side.Sell ? open : cost + reservedFee(fees, cost);
  }

  get counted(): NaiveOrder[] {
    return [...this.open, ...this.assumed];
  }

  /** Fees of an order that is accepted now; without an account, those of tier 0. */
  newFees(account?: number): FeeAccount {
    const { maker, taker } = this.rates(account);
    return newFeeAccount(maker, taker, this.rules >= 4);
  }

  rates(account?: number): { maker: number; taker: number } {
    const tier = account === undefined ? undefined : this.feeTiers.of(account, this.timeUs);
    if (account !== undefined && this.feeTiers.isGiven(account)) this.seen.add('order with a given fee tier');
    return tier ?? { maker: this.params[SymbolParam.MakerFeePpm], taker: this.params[SymbolParam.TakerFeePpm] };
  }

  /** The balance minus the reservations of resting orders. */
  available(account: number, asset: number): number {
    return this.money(account, asset) - this.reserved(account, asset);
  }

  reserved(account: number, asset: number): number {
    const side = asset === USD ? Side.Buy : Side.Sell;
    return this.open.filter((o) => o.account === account && o.side === side).reduce((sum, o) => sum + this.links.reservation(o), 0);
  }

  /** The resting orders of a side as they would trade. */
  queue(side: number): NaiveOrder[] {
    const better = (a: NaiveOrder, b: NaiveOrder): number =>
      (side === Side.Buy ? b.price - a.price : a.price - b.price) ||
      Number(b.market) - Number(a.market) ||
      Number(a.hidden ?? false) - Number(b.hidden ?? false);
    return this.resting.filter((o) => o.side === side).sort(better);
  }

  /** The same as an uncross fills them: each order has the place of its arrival. */
  auctionQueue(side: number): NaiveOrder[] {
    return this.queue(side).sort((a, b) => (a.price === b.price ? Number(b.market) - Number(a.market) || a.arrived - b.arrived : 0));
  }

  /** The live side of an account's quote. */
  quoteOf(account: number, side: number): NaiveOrder | undefined {
    return this.resting.find((o) => o.client === 0 && o.account === account && o.side === side);
  }

  /** What market data shows of a side, best price first: id, price and quantity. */
  shown(side: number): [id: number, price: number, lots: number][] {
    return this.queue(side)
      .filter((o) => !o.hidden)
      .map((o) => [shownOf(o)[0], o.price, shownOf(o)[1]]);
  }

  say(report: Omit<NaiveReport, 'reportNo' | 'retryUs'>): void {
    const reportNo = (this.reportNo.get(report.account) ?? 0) + 1;
    this.reportNo.set(report.account, reportNo);
    const waits = report.code === Code.THROTTLED || report.code === Code.ORDER_TO_TRADE;
    this.out.push({ ...report, reportNo, retryUs: waits ? this.controls.retryUs : 0 });
  }

  answer(
    kind: number,
    code: number,
    o: { account: number; client: number; id: number; stop?: { price: number; trigger: number }; peg?: object },
    price: number,
    quantity: number,
    leaves: number,
    filled: number,
    flags = 0,
    money: { readonly fee: number; readonly tradeId: number } = { fee: 0, tradeId: 0 },
  ): void {
    const stopPrice = kind === ReportKind.Rejected || kind === ReportKind.AmendRejected ? 0 : (o.stop?.price ?? 0);
    const trigger = stopPrice === 0 ? 0 : (o.stop?.trigger ?? 0);
    const rest = { ...money, contraOrderId: 0, stopPrice, trigger };
    const isPeg = o.peg !== undefined && PEGGED_KINDS.has(kind);
    this.say({
      kind,
      flags: flags + (isPeg ? 32 : 0),
      code,
      account: o.account,
      clientOrderId: o.client,
      orderId: o.id,
      price,
      quantity,
      leaves,
      filled,
      ...rest,
    });
  }

  admin(code: number, price = 0, quantity = 0, leaves = 0): void {
    this.answer(
      code === Code.OK ? ReportKind.Accepted : ReportKind.Rejected,
      code,
      { account: 0, client: 0, id: 0 },
      price,
      quantity,
      leaves,
      0,
    );
  }

  /** A deposit: the amount, the account's last report before it, and its balance after it. */
  deposit(account: number, asset: number, amount: number): void {
    this.pay(account, asset, amount);
    this.deposited.set(asset, (this.deposited.get(asset) ?? 0) + amount);
    const money = { fee: amount, tradeId: this.reportNo.get(account) ?? 0 };
    this.answer(ReportKind.Accepted, Code.OK, { account: 0, client: 0, id: 0 }, 0, 0, 0, this.money(account, asset), 0, money);
  }

  limit(o: NaiveOrder): number {
    if (!o.market) return o.price;
    const reference = this.params[SymbolParam.ReferencePrice];
    const band = this.params[SymbolParam.PriceBandPpm];
    const max = this.params[SymbolParam.MaxPrice];
    if (band === 0 || reference === 0) return o.side === Side.Buy ? max : 1;
    const distance = Math.floor((reference * band) / 1e6);
    return o.side === Side.Buy ? Math.min(max, reference + distance) : Math.max(1, reference - distance);
  }

  crosses(side: number, limit: number, price: number): boolean {
    return side === Side.Buy ? price <= limit : price >= limit;
  }

  /** An order that waited enters the book. */
  enterBook(o: NaiveOrder): void {
    if (this.massCancels.ends(o)) return;
    this.auctions.waiting = this.auctions.waiting.filter((other) => other !== o);
    const price = o.market ? this.limit(o) : o.price;
    const asset = o.side === Side.Buy ? USD : BTC;
    const room = this.need({ ...o, price }) <= this.available(o.account, asset) ? this.room(o, price) : Code.INSUFFICIENT_FUNDS;
    delete o.waits;
    if (room === Code.OK || room !== Code.INSUFFICIENT_FUNDS) o.price = price;
    if (room === Code.OK) return this.rest(o);
    this.answer(ReportKind.Cancelled, room, o, o.price, o.open, 0, 0);
    this.remember(o, o.open, Code.OK);
  }

  beginMassCancel(account: number, code: number, named: NaiveOrder[]): void {
    const later = this.massCancels.later(named.length);
    this.answer(ReportKind.MassCancelled, code, { account, client: 0, id: 0 }, 0, named.length, later, 0);
    this.massCancels.step(named);
  }

  /** The resting orders of the level page of a side and price: 64 prices. */
  page(side: number, price: number): NaiveOrder[] {
    return this.queue(side).filter((o) => o.price >> 6 === price >> 6);
  }

  /** Whether an order, which may rest already, can rest at a price. */
  room(o: NaiveOrder, price: number): number {
    if (this.page(o.side, price).length > 0) return Code.OK;
    // An order that is alone in its page takes the page along.
    if (this.resting.includes(o) && this.page(o.side, o.price).length === 1) return Code.OK;
    if (this.payers.size >= this.limits.pages) return Code.LEVELS_FULL;
    const charged = [...this.payers].filter(({ account }) => account === o.account).length;
    return charged >= this.limits.pagesPerAccount ? Code.LEVEL_SHARE_FULL : Code.OK;
  }

  /** @param id of its first part, if it is an iceberg */
  rest(o: NaiveOrder, id?: number): void {
    if (o.iceberg) firstPart(o, id ?? ++this.lastOrderId);
    else if (o.arrivalId === undefined && (id !== undefined || o.client === 0)) o.arrivalId = o.id;
    else if (o.hidden || this.resting.some(({ hidden }) => hidden)) o.arrivalId = ++this.lastOrderId;
    o.arrived = this.arrivals++;
    this.takePlace(o);
  }

  takePlace(o: NaiveOrder): void {
    if (this.page(o.side, o.price).length === 0) this.payers.add(o);
    this.resting.push(o);
  }

  leave(o: NaiveOrder): void {
    if (o.stop) {
      this.stops.pending = this.stops.pending.filter((other) => other !== o);
      this.trailReports.remove(o as StopOrder);
      delete o.stop;
      return;
    }
    if (o.waits) {
      this.auctions.waiting = this.auctions.waiting.filter((other) => other !== o);
      delete o.waits;
      return;
    }
    if (o.peg) this.pegs.remove(o);
    if (!o.peg?.parked) this.leavePlace(o);
  }

  leavePlace(o: NaiveOrder): void {
    this.resting.splice(this.resting.indexOf(o), 1);
    if (!this.payers.delete(o)) return;
    const next = this.page(o.side, o.price).at(-1);
    if (next) this.payers.add(next);
  }

  gone(o: NaiveOrder): void {
    this.leave(o);
    if (this.children.parks(o)) return;
    if (o.client !== 0) this.remember(o, o.filled + o.open, Code.OK);
    this.links.ended(o);
  }

  /** Cancels and reports an open order. */
  end(o: NaiveOrder, code: number): void {
    if (this.children.waiting.includes(o)) return this.children.cancel(o, code);
    this.answer(ReportKind.Cancelled, code, o, o.price, this.leaves(o), 0, o.filled);
    this.gone(o);
  }

  /** An order that was in no place ends; a child may wait for more. */
  finish(o: NaiveOrder): void {
    if (this.children.parks(o)) return;
    this.remember(o, o.filled + o.open, Code.OK);
    this.links.ended(o);
  }

  remember(o: NaiveOrder, quantity: number, code: number): void {
    const forgotten = this.windows.add({
      account: o.account,
      client: o.client,
      orderId: o.id,
      code,
      side: o.side,
      tif: o.tif,
      price: o.price,
      quantity,
      filled: this.rules >= 3 ? o.filled : 0,
      terms: o.terms,
      symbol: SYMBOL,
    });
    if (forgotten === undefined) return;
    const ids = this.idClass(forgotten);
    this.forgotten.set(ids, Math.max(this.forgotten.get(ids) ?? 0, forgotten.client));
  }

  /** The ids that a forgotten one makes too old, if they are below it: of the account and the length in bits; before rules 3 of the account. */
  idClass({ account, client }: { account: number; client: number }): string {
    return this.rules >= 3 ? `${account}/${client.toString(2).length}` : `${account}`;
  }

  /** The triggers whose price a trade moves. */
  get movedByTrades(): number[] {
    return this.params[SymbolParam.ReferenceSource] === 0 ? [Trigger.LastTrade, Trigger.ReferencePrice] : [Trigger.LastTrade];
  }

  priceOf(trigger: number): number {
    return trigger === Trigger.LastTrade ? this.lastPrice : this.params[SymbolParam.ReferencePrice];
  }
}
