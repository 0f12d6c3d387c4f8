import { createHash } from 'node:crypto';
import { Code } from '../../engine/codes.ts';
import { type Limits, RULES } from '../../engine/limits.ts';
import { WAITING_PER_COMMAND } from '../../engine/machine/auction-orders.ts';
import type { CommandFields } from '../../engine/machine/command.ts';
import { PARTS_PER_COMMAND } from '../../engine/machine/state.ts';
import { ROW_FIELDS } from '../../engine/machine/state-rows.ts';
import { TRIGGERS_PER_COMMAND } from '../../engine/machine/triggers.ts';
import { SymbolParam } from '../../engine/params.ts';
import {
  CommandKind,
  Instruction,
  LinkKind,
  OrderType,
  Phase,
  QuoteAction,
  ReportKind,
  SelfTradeMode,
  Side,
  SubPhase,
  TimeInForce,
  Trigger,
} from '../../engine/wire/layout.ts';
import { BTC, type LongCommandFields, SYMBOL, USD } from './exchange-fixture.ts';
import { NaiveAuctions } from './naive-auctions.ts';
import { type ControlCommand, NaiveControls } from './naive-controls.ts';
import { NaiveFeeTiers } from './naive-fee-tiers.ts';
import { carryOf, type FeeAccount, newFeeAccount, payFee, reservedFee } from './naive-fees.ts';
import { canDisplay, firstPart, icebergRows, type NaiveIceberg, shownOf, shrink, tradedPart } from './naive-icebergs.ts';
import { NaiveLinks } from './naive-links.ts';
import { NaiveMassCancels } from './naive-mass-cancel.ts';
import { NaiveProtections } from './naive-protections.ts';
import { NaiveQuotes } from './naive-quotes.ts';
import { type NaiveStop, NaiveStops } from './naive-stops.ts';
import { activates, type NaiveTrail, reprice } from './naive-trails.ts';
import { NaiveVolatility } from './naive-volatility.ts';
import { NaiveWindows } from './naive-windows.ts';

/**
 * A second implementation of the exchange, slow and simple: one symbol (the fixture's),
 * orders in an array in order of arrival, every sum computed from scratch. It uses no
 * slabs, ladders or rings; it defines the expected results.
 */
interface NaiveOrder {
  /** At the open or at the close, outside the book. */
  waits?: boolean;
  /** Of a stop, as long as it waits. */
  stop?: NaiveStop['stop'];
  link?: { partner: NaiveOrder; kind: number };
  unreserved?: boolean;
  iceberg?: NaiveIceberg;
  /** Market data shows nothing of it. */
  hidden?: boolean;
  /** Id of the arrival at its price, if it lost its place. */
  arrivalId?: number;
  /** When it came to its price; a further part does not count. */
  arrived: number;
  fees: FeeAccount;
  id: number;
  client: number;
  account: number;
  side: number;
  tif: number;
  /** Also by an instruction. */
  postOnly: boolean;
  /** It rests behind the other side instead of being rejected. */
  reprice: boolean;
  /** SelfTradeMode that it was sent with. */
  selfTrade: number;
  /** Time at which it expires; infinite if it does not. */
  end: number;
  tag: number;
  market: boolean;
  /** Minimum quantity that must trade at once. */
  least: number;
  price: number;
  open: number;
  filled: number;
  /** All terms that it was sent with. */
  terms: string;
}

interface Remembered {
  account: number;
  client: number;
  orderId: number;
  code: number;
  side: number;
  tif: number;
  price: number;
  quantity: number;
  filled: number;
  terms: string;
  symbol: number;
}

export interface NaiveReport {
  kind: number;
  flags: number;
  code: number;
  account: number;
  clientOrderId: number;
  orderId: number;
  price: number;
  quantity: number;
  leaves: number;
  filled: number;
  fee: number;
  tradeId: number;
  contraOrderId: number;
  retryUs: number;
  stopPrice: number;
  trigger: number;
  reportNo: number;
}

/** An order that waits for its trigger. */
type StopOrder = NaiveOrder & { stop: NaiveStop['stop'] };

type NewFields = Required<Pick<CommandFields, 'account' | 'side' | 'price' | 'quantity' | 'symbol' | 'tag'>> & {
  clientOrderId: number;
  timeInForce: number;
  extension?: LongCommandFields['extension'];
};

function termsOf({ symbol, side, timeInForce, price, quantity, extension }: NewFields): string {
  return JSON.stringify([symbol, side, timeInForce, price, quantity, extension]);
}

function trailOf({ price, extension }: NewFields): NaiveTrail {
  const { stopPrice = 0, minQuantity = 0, instructions = 0 } = extension ?? {};
  const offset = (instructions & Instruction.TrailPpm) !== 0 ? -minQuantity : minQuantity;
  return { offset, distance: price, activation: stopPrice, extreme: 0 };
}

interface Amend {
  orderId: number;
  clientOrderId: number;
  account: number;
  symbol: number;
  price: number;
  quantity: number;
  extension?: LongCommandFields['extension'];
}

const RESTING: ReadonlySet<number> = new Set([TimeInForce.GoodTillCancel, TimeInForce.PostOnly, TimeInForce.Day, TimeInForce.GoodTillDate]);

export class NaiveExchange {
  /** In order of arrival at their place. */
  resting: NaiveOrder[] = [];
  readonly stops = new NaiveStops<StopOrder>();
  readonly auctions = new NaiveAuctions<NaiveOrder>(this, {
    enter: (o) => this.#enterBook(o),
    end: (o) => this.#end(o, Code.CANCELLED_AUCTION_OVER),
  });
  readonly links: NaiveLinks<NaiveOrder>;
  /** Orders of a list that count as open while the next ones are checked. */
  #assumed: NaiveOrder[] = [];
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
  #parts = 0;
  lastPrice = 0;
  tradeId = 0;
  params: number[];
  readonly volatility: NaiveVolatility;
  seq = 0;
  timeUs = 0;
  readonly protections = new NaiveProtections();
  readonly #quotes = new NaiveQuotes<NaiveOrder>(this.#forQuotes());
  /** Rare states that it came to. */
  readonly seen = new Set<string>();
  readonly #limits: Limits;
  /** From 2 on. */
  readonly #rules: number;
  readonly #remembered: NaiveWindows<Remembered>;
  #out: NaiveReport[] = [];
  /** Of the trades of the current order. */
  #prices: number[] = [];
  readonly massCancels = new NaiveMassCancels<NaiveOrder>(
    this,
    (o, code) => this.#end(o, code),
    (account, named) => this.#beginMassCancel(account, Code.CANCELLED_AFTER, named),
  );
  #arrivals = 0;

  constructor(params: number[], limits: Limits, rules = RULES) {
    this.params = params;
    this.volatility = new NaiveVolatility(params);
    this.#rules = rules;
    this.controls = new NaiveControls(this.accounts, rules);
    this.links = new NaiveLinks({
      cancel: (o, code) => this.#end(o, code),
      lowered: (o) => this.#answer(ReportKind.Amended, Code.CANCELLED_LINKED, o, o.price, o.open, o.open, o.filled, 4),
      need: (o) => this.need(o),
      available: (account, asset) => this.available(account, asset === 'quote' ? USD : BTC),
    });
    // Before rules 3, all accounts had one share: all there is.
    this.#limits = rules >= 3 ? limits : { ...limits, ordersPerAccount: limits.orders, pagesPerAccount: limits.pages };
    this.#remembered = new NaiveWindows(limits.rememberedOrders, limits.rememberedOrdersPerAccount, rules < 3);
  }

  get remembered(): readonly Remembered[] {
    return this.#remembered.entries;
  }

  money(account: number, asset: number): number {
    return this.free.get(`${account}/${asset}`) ?? 0;
  }

  pay(account: number, asset: number, amount: number): void {
    this.free.set(`${account}/${asset}`, this.money(account, asset) + amount);
  }

  /** Resting orders and pending stops. */
  get open(): NaiveOrder[] {
    return [...this.resting, ...this.stops.pending, ...this.auctions.waiting];
  }

  /** What the order reserves alone. */
  need({ side, price, open, fees, stop }: NaiveOrder): number {
    const cost = (stop?.unit ?? price) * open;
    return side === Side.Sell ? open : cost + reservedFee(fees, cost);
  }

  get #counted(): NaiveOrder[] {
    return [...this.open, ...this.#assumed];
  }

  /** Fees of an order that is accepted now; without an account, those of tier 0. */
  #newFees(account?: number): FeeAccount {
    const { maker, taker } = this.#rates(account);
    return newFeeAccount(maker, taker, this.#rules >= 4);
  }

  #rates(account?: number): { maker: number; taker: number } {
    const tier = account === undefined ? undefined : this.feeTiers.of(account, this.timeUs);
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

  /** What market data shows of a side, best price first: id, price and quantity. */
  shown(side: number): [id: number, price: number, lots: number][] {
    return this.queue(side)
      .filter((o) => !o.hidden)
      .map((o) => [shownOf(o)[0], o.price, shownOf(o)[1]]);
  }

  do(c: LongCommandFields): NaiveReport[] {
    this.#out = [];
    this.timeUs = c.timeUs ?? 0;
    const due = this.open.filter((o) => o.end <= this.timeUs).sort((a, b) => a.end - b.end || a.id - b.id);
    for (const o of due) if (this.open.includes(o)) this.#end(o, Code.EXPIRED);
    this.controls.nowUs = this.timeUs;
    this.protections.nowUs = this.timeUs;
    for (const each of c.legs ?? [c]) {
      this.#parts = 0;
      this.auctions.left = WAITING_PER_COMMAND;
      this.seq += each.extension === undefined ? 1 : 2;
      this.massCancels.continue(each, () => {
        this.auctions.continue();
        const random = c.kind === CommandKind.Tick ? (c.quantity ?? 0) / 2 ** 32 : undefined;
        if (this.volatility.isOver(this.timeUs, random)) this.#endInterruption();
      });
      this.stops.left = TRIGGERS_PER_COMMAND;
      this.#trigger();
      this.massCancels.clearFor(each);
    }
    const f = {
      side: 0,
      parameter: 0,
      timeInForce: 0,
      price: 0,
      quantity: 0,
      clientOrderId: 0,
      orderId: 0,
      account: 0,
      tag: 0,
      symbol: 0,
      ...c,
    };
    if (c.legs) this.#newList(c.legs as readonly NewFields[]);
    else if (f.kind === CommandKind.New) this.#new(f);
    else if (f.kind === CommandKind.Cancel) this.#cancel(f);
    else if (f.kind === CommandKind.Amend) this.#amend(f);
    else if (f.kind === CommandKind.Quote && f.side !== QuoteAction.Quote) {
      this.protections.do(f);
      this.controls.count(f.account);
      this.#answer(ReportKind.Accepted, Code.OK, { account: f.account, client: 0, id: 0 }, f.price, f.quantity, 0, 0);
    } else if (f.kind === CommandKind.Quote) this.#quotes.do(f);
    else if (f.kind === CommandKind.SetPhase) this.#setPhase(f.parameter, f.side, f.quantity);
    else if (f.kind === CommandKind.Uncross) this.#uncross();
    else if (f.kind === CommandKind.SetSymbol && f.parameter === SymbolParam.SessionEnd) this.#setSessionEnd(f.quantity);
    else if (f.kind === CommandKind.SetSymbol && f.parameter === SymbolParam.ReferencePrice) this.#setReference(f.quantity);
    else if (f.kind === CommandKind.SetSymbol && f.parameter >= SymbolParam.StaticBandPpm) this.#setBand(f.parameter, f.quantity);
    else if (f.kind === CommandKind.SetSymbol && f.parameter === SymbolParam.FeeTierTable) this.#admin(this.feeTiers.use(f.quantity));
    else if (f.kind === CommandKind.SetFeeTier) {
      const maker = f.side === 1 ? 0 - f.price : f.price;
      this.#admin(this.feeTiers.set(f.parameter, f.symbol, f.tag, f.quantity, maker, f.clientOrderId));
    } else if (f.kind === CommandKind.SetSymbol) this.#setFee(f.parameter, f.side === 1 ? -f.quantity : f.quantity);
    else if (f.kind === CommandKind.CancelOrders) this.#cancelOrders(f);
    else if (f.kind === CommandKind.SetAccount || f.kind === CommandKind.KillSwitch || f.kind === CommandKind.SetLimit) this.#control(f);
    else if (f.kind === CommandKind.MassCancel) this.#massCancel(f);
    else if (f.kind === CommandKind.CancelAfter) this.#cancelAfter(f);
    else if (f.kind === CommandKind.CancelOnDisconnect) this.#cancelOnDisconnect(f.account);
    else if (f.kind === CommandKind.CancelGroup) this.#cancelGroup(f);
    else if (f.kind === CommandKind.Deposit) {
      this.pay(f.account, f.symbol, f.quantity);
      this.deposited.set(f.symbol, (this.deposited.get(f.symbol) ?? 0) + f.quantity);
      this.#admin(Code.OK);
    } else if (f.kind !== CommandKind.Tick) throw new Error(`the naive exchange has no command ${f.kind}`);
    this.#trigger();
    return this.#out;
  }

  #say(report: Omit<NaiveReport, 'reportNo' | 'retryUs'>): void {
    const reportNo = (this.reportNo.get(report.account) ?? 0) + 1;
    this.reportNo.set(report.account, reportNo);
    const waits = report.code === Code.THROTTLED || report.code === Code.ORDER_TO_TRADE;
    this.#out.push({ ...report, reportNo, retryUs: waits ? this.controls.retryUs : 0 });
  }

  #answer(
    kind: number,
    code: number,
    o: { account: number; client: number; id: number; stop?: { price: number; trigger: number } },
    price: number,
    quantity: number,
    leaves: number,
    filled: number,
    flags = 0,
  ): void {
    const stopPrice = kind === ReportKind.Rejected || kind === ReportKind.AmendRejected ? 0 : (o.stop?.price ?? 0);
    const trigger = stopPrice === 0 ? 0 : (o.stop?.trigger ?? 0);
    const rest = { fee: 0, tradeId: 0, contraOrderId: 0, stopPrice, trigger };
    this.#say({ kind, flags, code, account: o.account, clientOrderId: o.client, orderId: o.id, price, quantity, leaves, filled, ...rest });
  }

  #admin(code: number, price = 0, quantity = 0, leaves = 0): void {
    this.#answer(
      code === Code.OK ? ReportKind.Accepted : ReportKind.Rejected,
      code,
      { account: 0, client: 0, id: 0 },
      price,
      quantity,
      leaves,
      0,
    );
  }

  #new(f: NewFields): void {
    if (this.#again(f)) return;
    const order = this.#orderOf(f);
    const now = ((f.extension?.instructions ?? 0) & Instruction.TriggerNow) !== 0;
    const auction = f.timeInForce >= TimeInForce.AtTheOpen;
    let code: number;
    if (auction) code = this.#checkAuction(order, f.symbol);
    else code = order.stop ? this.#checkStop(order as StopOrder, undefined, now) : this.#checkNew(order, f.symbol);
    if (code !== Code.OK) {
      order.price = f.price;
      this.#answer(ReportKind.Rejected, code, order, f.price, f.quantity, 0, 0);
      const forgotten: number[] = [Code.CLIENT_ORDER_ID_TOO_OLD, Code.THROTTLED, Code.ORDER_TO_TRADE, Code.TRAIL_UNAVAILABLE];
      if (!forgotten.includes(code)) this.#remember(order, f.quantity, code);
      return;
    }
    this.#accept(order);
    if (order.stop) return this.#wait(order as StopOrder, now);
    if (auction) {
      order.waits = true;
      return this.auctions.add(order);
    }
    this.#enter(order);
  }

  #accept(order: NaiveOrder): void {
    order.id = ++this.lastOrderId;
    this.#answer(ReportKind.Accepted, 0, order, order.price, order.open, order.open, 0);
  }

  /** Trades and rests an accepted order. */
  #enter(order: NaiveOrder): void {
    const quantity = order.open;
    const allowed = this.phase !== Phase.Continuous || this.#trade(order, this.#limit(order));
    let full: number = RESTING.has(order.tif) ? this.#room(order, order.price) : this.#remainder();
    if (!allowed) full = Code.CANCELLED_SELF_TRADE;
    if (order.open > 0 && full === Code.OK) return this.#rest(order, order.id);
    if (order.open > 0) this.#answer(ReportKind.Cancelled, full, order, order.price, order.open, 0, order.filled);
    this.#remember(order, quantity, Code.OK);
  }

  #known(f: NewFields): NaiveOrder | Remembered | undefined {
    const same = (o: { account: number; client: number }): boolean => o.account === f.account && o.client === f.clientOrderId;
    return this.open.find(same) ?? this.remembered.find(same);
  }

  /** Answers an order that was sent before. */
  #again(f: NewFields): boolean {
    const who = { account: f.account, client: f.clientOrderId, id: 0 };
    const known = this.#known(f);
    if (known === undefined) return false;
    this.controls.count(f.account);
    if (this.#rules >= 3 && known.terms !== termsOf(f)) {
      this.#answer(ReportKind.Rejected, Code.CLIENT_ORDER_ID_REUSED, who, f.price, f.quantity, 0, 0);
    } else if ('open' in known) {
      this.#answer(ReportKind.Accepted, 0, known, known.price, known.open + known.filled, known.open, known.filled, 2);
    } else {
      const kind = known.orderId ? ReportKind.Accepted : ReportKind.Rejected;
      this.#answer(kind, known.code, { ...who, id: known.orderId }, known.price, known.quantity, 0, known.filled, 2);
    }
    return true;
  }

  #orderOf(f: NewFields): NaiveOrder {
    const { stopPrice = 0, trigger = 0, orderType = 0, displayedQuantity = 0 } = f.extension ?? {};
    return {
      ...(displayedQuantity > 0 && { iceberg: { display: displayedQuantity, shown: 0, id: 0, first: 0 } }),
      arrived: 0,
      ...(stopPrice > 0 && { stop: { price: stopPrice, trigger, unit: 0 } }),
      ...(orderType >= OrderType.TrailingStop && { stop: { price: 0, trigger, unit: 0, trail: trailOf(f) } }),
      id: 0,
      fees: this.#newFees(f.account),
      client: f.clientOrderId,
      account: f.account,
      side: f.side,
      tif: f.timeInForce,
      hidden: ((f.extension?.instructions ?? 0) & Instruction.Hidden) !== 0,
      postOnly: f.timeInForce === TimeInForce.PostOnly || ((f.extension?.instructions ?? 0) & Instruction.PostOnly) !== 0,
      reprice: ((f.extension?.instructions ?? 0) & Instruction.Reprice) !== 0,
      selfTrade: f.extension?.selfTradeMode ?? 0,
      end: this.#endOf(f.timeInForce, f.extension?.expiryUs ?? 0),
      tag: f.tag,
      market:
        f.timeInForce === TimeInForce.Market ||
        [OrderType.Market, OrderType.Stop, OrderType.TrailingStop].some((type) => type === f.extension?.orderType),
      least: f.timeInForce === TimeInForce.FillOrKill ? f.quantity : (f.extension?.minQuantity ?? 0),
      price: f.price,
      open: f.quantity,
      filled: 0,
      terms: termsOf(f),
    };
  }

  /** Two orders that are linked: both are accepted, or none. */
  #newList(legs: readonly NewFields[]): void {
    const fields = legs.map((leg) => ({ ...leg, tag: leg.tag ?? 0 }));
    const reject = (o: { account: number; client: number; id: number }, f: NewFields, code: number): void =>
      this.#answer(ReportKind.Rejected, code, o, f.price, f.quantity, 0, 0);
    if (fields.some((f) => this.#known(f))) {
      for (const f of fields) {
        if (this.#again(f)) continue;
        this.controls.count(f.account);
        reject({ account: f.account, client: f.clientOrderId, id: 0 }, f, Code.LIST_REJECTED);
      }
      return;
    }
    const orders = fields.map((f) => this.#orderOf(f));
    let code: number = Code.OK;
    for (const [i, o] of orders.entries()) {
      if (code === Code.OK) code = o.stop ? this.#checkStop(o as StopOrder, undefined, false) : this.#checkNew(o, fields[i].symbol);
      if (code === Code.OK) this.#assumed.push(o);
    }
    const failed = this.#assumed.length;
    this.#assumed = [];
    if (code !== Code.OK) {
      const early = code === Code.THROTTLED || code === Code.ORDER_TO_TRADE;
      for (const [i, o] of orders.entries()) {
        const its = i === failed ? code : Code.LIST_REJECTED;
        reject(o, fields[i], its);
        if (!early && o.client > (this.forgotten.get(this.#idClass(o)) ?? 0)) this.#remember(o, fields[i].quantity, its);
      }
      return;
    }
    for (const o of orders) this.#accept(o);
    this.#enterList(orders, (fields[0].extension?.link ?? 0) & 0xff);
  }

  #enterList(orders: NaiveOrder[], kind: number): void {
    const [one, other] = orders;
    for (const o of orders) if (o.stop) this.stops.pending.push(o as StopOrder);
    const limits = orders.filter((o) => !o.stop);
    for (const o of limits) {
      const [partner] = orders.filter((each) => each !== o);
      const isIn = this.open.includes(partner);
      this.#enter(o);
      if (this.open.includes(o) && (o.filled === 0 || kind === LinkKind.OneUpdatesOther)) continue;
      if (isIn) this.#end(partner, Code.CANCELLED_LINKED);
      else {
        this.#answer(ReportKind.Cancelled, Code.CANCELLED_LINKED, partner, partner.price, partner.open, 0, 0);
        this.#remember(partner, partner.open, Code.OK);
      }
      return;
    }
    this.links.link(one, other, kind);
    for (const o of limits) this.links.reduced(o);
  }

  #checkAuction(o: NaiveOrder, symbol: number): number {
    if (o.client <= (this.forgotten.get(this.#idClass(o)) ?? 0)) return Code.CLIENT_ORDER_ID_TOO_OLD;
    const basic =
      this.controls.check(o.account, symbol) ||
      this.controls.positions.check(o, o.open, this.open) ||
      (this.phase === Phase.Halted ? Code.SYMBOL_HALTED : this.phase === Phase.Closed ? Code.SYMBOL_CLOSED : Code.OK) ||
      (this.auctions.isOver(o.tif) ? Code.AUCTION_OVER : Code.OK) ||
      this.#checkTerms(o);
    if (basic !== Code.OK) return basic;
    if (this.open.length >= this.#limits.orders) return Code.BOOK_FULL;
    if (this.open.filter(({ account }) => account === o.account).length >= this.#limits.ordersPerAccount) return Code.ORDER_SHARE_FULL;
    if (o.market) o.price = this.#limit(o);
    return this.need(o) > this.available(o.account, o.side === Side.Buy ? USD : BTC) ? Code.INSUFFICIENT_FUNDS : Code.OK;
  }

  /** An order that waited enters the book. */
  #enterBook(o: NaiveOrder): void {
    if (this.massCancels.ends(o)) return;
    this.auctions.waiting = this.auctions.waiting.filter((other) => other !== o);
    const price = o.market ? this.#limit(o) : o.price;
    const asset = o.side === Side.Buy ? USD : BTC;
    const room = this.need({ ...o, price }) <= this.available(o.account, asset) ? this.#room(o, price) : Code.INSUFFICIENT_FUNDS;
    delete o.waits;
    if (room === Code.OK || room !== Code.INSUFFICIENT_FUNDS) o.price = price;
    if (room === Code.OK) return this.#rest(o);
    this.#answer(ReportKind.Cancelled, room, o, o.price, o.open, 0, 0);
    this.#remember(o, o.open, Code.OK);
  }

  #checkNew(o: NaiveOrder, symbol: number): number {
    if (o.client <= (this.forgotten.get(this.#idClass(o)) ?? 0)) return Code.CLIENT_ORDER_ID_TOO_OLD;
    const basic =
      this.controls.check(o.account, symbol) ||
      (symbol === SYMBOL ? this.controls.positions.check(o, o.open, this.#counted) : 0) ||
      this.#reprice(o) ||
      this.#check(o) ||
      (o.iceberg && !canDisplay(o.iceberg.display, o.open, this.params[SymbolParam.MinDisplayed]) ? Code.DISPLAYED_QUANTITY : 0);
    if (basic === Code.OK && RESTING.has(o.tif)) {
      if (this.#counted.length >= this.#limits.orders) return Code.BOOK_FULL;
      if (this.#counted.filter(({ account }) => account === o.account).length >= this.#limits.ordersPerAccount)
        return Code.ORDER_SHARE_FULL;
    }
    return basic || this.#checkOrder(o);
  }

  /** Moves an order that may be repriced behind the other side. */
  #reprice(o: NaiveOrder): number {
    const max = this.params[SymbolParam.MaxPrice];
    const best = this.queue(1 - o.side)[0];
    if (!o.reprice || this.#checkEntry(o) !== Code.OK || o.price > max || !best || !this.#crosses(o.side, o.price, best.price))
      return Code.OK;
    const behind = o.side === Side.Buy ? best.price - 1 : best.price + 1;
    if (behind < 1 || behind > max) return Code.NO_PRICE_LEFT;
    o.price = behind;
    return Code.OK;
  }

  /** The checks that a stop has again when it triggers. */
  #checkOrder(o: NaiveOrder): number {
    const basic = this.#check(o);
    if (basic !== Code.OK) return basic;
    const reach = this.queue(1 - o.side).filter((m) => this.#crosses(o.side, this.#limit(o), m.price));
    const { lots: there, cost: toPay } = this.controls.selfTrade.trades(o, reach, this.protections.trial());
    if (o.market && reach.length === 0) return Code.NO_LIQUIDITY;
    const cost = o.market ? toPay : o.price * o.open;
    // Money is checked before the book's part of the time in force.
    const needed = o.side === Side.Buy ? cost + reservedFee(o.fees, cost) : o.open;
    if (needed > this.available(o.account, o.side === Side.Buy ? USD : BTC)) return Code.INSUFFICIENT_FUNDS;
    if (Math.min(there, this.controls.selfTrade.trades(o, this.volatility.inside(reach), this.protections.trial()).lots) < o.least)
      return o.tif === TimeInForce.FillOrKill ? Code.FOK_NOT_FILLABLE : Code.MIN_QUANTITY_NOT_FILLABLE;
    return o.postOnly && reach.length > 0 ? Code.POST_ONLY_WOULD_TRADE : Code.OK;
  }

  #checkEntry(o: NaiveOrder): number {
    if (this.phase === Phase.Halted) return Code.SYMBOL_HALTED;
    if (this.phase === Phase.Closed) return Code.SYMBOL_CLOSED;
    if (this.phase === Phase.Auction && (o.postOnly || (!RESTING.has(o.tif) && o.tif < TimeInForce.AtTheOpen))) return Code.NOT_IN_AUCTION;
    if (o.end <= this.timeUs) return o.tif === TimeInForce.Day ? Code.NO_SESSION : Code.EXPIRY_PAST;
    return Code.OK;
  }

  #check(o: NaiveOrder): number {
    return this.#checkEntry(o) || this.#checkTerms(o);
  }

  #checkTerms(o: NaiveOrder): number {
    if (o.open < this.params[SymbolParam.MinQuantity]) return Code.QUANTITY_MIN;
    if (o.market) return Code.OK;
    if (o.price < 1 || o.price > this.params[SymbolParam.MaxPrice]) return Code.PRICE_RANGE;
    const reference = this.params[SymbolParam.ReferencePrice];
    const band = this.params[SymbolParam.PriceBandPpm];
    const worse = o.side === Side.Buy ? o.price - reference : reference - o.price;
    return band > 0 && reference > 0 && worse * 1e6 > reference * band ? Code.PRICE_BAND : Code.OK;
  }

  #limit(o: NaiveOrder): number {
    if (!o.market) return o.price;
    const reference = this.params[SymbolParam.ReferencePrice];
    const band = this.params[SymbolParam.PriceBandPpm];
    const max = this.params[SymbolParam.MaxPrice];
    if (band === 0 || reference === 0) return o.side === Side.Buy ? max : 1;
    const distance = Math.floor((reference * band) / 1e6);
    return o.side === Side.Buy ? Math.min(max, reference + distance) : Math.max(1, reference - distance);
  }

  #crosses(side: number, limit: number, price: number): boolean {
    return side === Side.Buy ? price <= limit : price >= limit;
  }

  /** Returns false if self-trade prevention cancels the rest. */
  #trade(taker: NaiveOrder, limit: number): boolean {
    const allowed = this.#tradeAll(taker, limit);
    this.stops.swept(this.#prices, [Trigger.LastTrade, Trigger.ReferencePrice]);
    this.#prices = [];
    return allowed;
  }

  /** The symbol is in an auction only if the order's next trade would have left a band. */
  #remainder(): number {
    return this.phase === Phase.Continuous ? Code.CANCELLED_REMAINDER : Code.CANCELLED_VOLATILITY;
  }

  #interrupt(): void {
    this.phase = Phase.Auction;
    this.volatility.begin(this.timeUs);
    this.#nameInterruption();
  }

  #nameInterruption(): void {
    this.subPhase = this.volatility.limitState ? SubPhase.LimitState : SubPhase.VolatilityAuction;
  }

  #endInterruption(): void {
    this.massCancels.clearBook();
    if (this.volatility.extend(this.timeUs, this.auctionPrice().price)) return this.#nameInterruption();
    this.#uncrossAll();
    this.volatility.stop();
    this.phase = Phase.Continuous;
    this.subPhase = SubPhase.None;
  }

  #tradeAll(taker: NaiveOrder, limit: number): boolean {
    const within = this.volatility.bands();
    const { selfTrade } = this.controls;
    const mode = selfTrade.mode(taker);
    for (let [maker] = this.queue(1 - taker.side); maker !== undefined; [maker] = this.queue(1 - taker.side)) {
      if (taker.open === 0 || !this.#crosses(taker.side, limit, maker.price)) break;
      if (mode !== SelfTradeMode.None && selfTrade.own(taker, maker)) {
        if (mode === SelfTradeMode.CancelNewest) return false;
        if (mode === SelfTradeMode.Decrement) this.#decrement(taker, maker);
        else this.#prevent(maker, maker.open);
        if (mode === SelfTradeMode.CancelBoth) return false;
        continue;
      }
      if (!within(maker.price)) {
        this.#interrupt();
        break;
      }
      const [makerId, part] = shownOf(maker);
      if (maker.hidden) this.seen.add('hidden order traded');
      if (maker.iceberg && this.resting.some((o) => o.hidden && o.side === maker.side && o.price === maker.price))
        this.seen.add('hidden order behind an iceberg');
      const quantity = Math.min(taker.open, part);
      const [buyer, seller] = taker.side === Side.Buy ? [taker, maker] : [maker, taker];
      const takerFee = payFee(taker.fees, maker.price * quantity, taker.fees.taker);
      // A rebate is at most what the taker pays.
      const makerFee = payFee(maker.fees, maker.price * quantity, Math.max(maker.fees.maker, -taker.fees.taker));
      this.#settle(buyer, seller, maker.price, quantity, buyer === taker ? takerFee : makerFee, buyer === taker ? makerFee : takerFee);
      this.#fill(maker, taker.id, maker.price, quantity, makerFee, 1);
      this.#fill(taker, makerId, maker.price, quantity, takerFee, 0);
      this.links.filled(maker, quantity);
      const nextId = (): number => ++this.lastOrderId;
      const least = (): number => (++this.#parts > this.partsPerCommand && mode <= SelfTradeMode.None ? taker.open : 0);
      if (tradedPart(maker, quantity, nextId, least)) {
        this.seen.add(this.#parts > this.partsPerCommand ? 'iceberg has one more part' : 'iceberg refreshed');
        this.#leavePlace(maker);
        this.#takePlace(maker);
      } else if (maker.open === 0) this.#gone(maker);
      if (this.protections.filled(maker, quantity)) this.#pull(maker.account);
    }
    return true;
  }

  /** Cancels the quotes of an account, the bid first. */
  #pull(account: number): void {
    for (const side of [Side.Buy, Side.Sell]) {
      const o = this.#quotes.of(account, side);
      if (o !== undefined) this.#end(o, Code.CANCELLED_PROTECTION);
    }
  }

  #decrement(taker: NaiveOrder, maker: NaiveOrder): void {
    const lots = Math.min(taker.open, maker.open);
    this.#prevent(maker, lots);
    taker.open -= lots;
    const [kind, quantity] = taker.open > 0 ? [ReportKind.Amended, taker.open] : [ReportKind.Cancelled, lots];
    this.#answer(kind, Code.CANCELLED_SELF_TRADE, taker, taker.price, quantity, taker.open, taker.filled);
  }

  /** Takes lots off a resting order. */
  #prevent(maker: NaiveOrder, lots: number): void {
    if (maker.hidden) this.seen.add('own hidden order prevented');
    const { price, filled } = maker;
    if (lots === maker.open) {
      return this.#end(maker, Code.CANCELLED_SELF_TRADE);
    }
    maker.open -= lots;
    if (maker.iceberg) this.seen.add('iceberg decremented');
    shrink(maker);
    this.#answer(ReportKind.Amended, Code.CANCELLED_SELF_TRADE, maker, price, maker.open, maker.open, filled, 4);
    this.links.reduced(maker);
  }

  #settle(buyer: NaiveOrder, seller: NaiveOrder, price: number, quantity: number, buyerFee: number, sellerFee: number): void {
    this.pay(buyer.account, USD, -price * quantity - buyerFee);
    this.pay(buyer.account, BTC, quantity);
    this.pay(seller.account, USD, price * quantity - sellerFee);
    this.pay(seller.account, BTC, -quantity);
    this.fees += buyerFee + sellerFee;
    for (const o of [buyer, seller]) {
      o.open -= quantity;
      o.filled += quantity;
    }
    this.tradeId++;
    this.lastPrice = price;
    this.params[SymbolParam.ReferencePrice] = price;
    this.#prices.push(price);
  }

  #fill(o: NaiveOrder, contra: number, price: number, quantity: number, paid: number, flags: number): void {
    this.controls.filled(o.account);
    this.feeTiers.note(o.account, price * quantity, this.timeUs);
    this.controls.positions.traded(o.account, o.side, quantity);
    this.#say({
      kind: ReportKind.Fill,
      flags,
      code: 0,
      account: o.account,
      clientOrderId: o.client,
      orderId: o.id,
      price,
      quantity,
      leaves: o.open,
      filled: o.filled,
      fee: paid,
      tradeId: this.tradeId,
      contraOrderId: contra,
      stopPrice: 0,
      trigger: 0,
    });
  }

  #target(f: { orderId: number; clientOrderId: number; account: number; symbol: number }): NaiveOrder | undefined {
    if (this.#rules >= 3 && f.symbol !== 0 && f.symbol !== SYMBOL) return undefined;
    return this.open.find(
      (o) => o.account === f.account && (f.orderId ? o.id === f.orderId : o.client === f.clientOrderId && o.client !== 0),
    );
  }

  #cancel(f: { orderId: number; clientOrderId: number; account: number; symbol: number }): void {
    const o = this.#target(f);
    this.controls.count(f.account);
    if (!o)
      return this.#answer(
        ReportKind.CancelRejected,
        Code.UNKNOWN_ORDER,
        { account: f.account, client: f.clientOrderId, id: f.orderId },
        0,
        0,
        0,
        0,
      );
    this.#end(o, Code.CANCELLED_BY_CLIENT);
  }

  #cancelOrders(f: { orderId: number; clientOrderId: number; account: number; symbol: number }): void {
    if (this.#rules < 3) return this.#admin(Code.UNKNOWN_KIND);
    if (f.symbol !== 0 && f.symbol !== SYMBOL) return this.#admin(Code.UNKNOWN_SYMBOL);
    const named = this.open.filter(
      (o) => (f.account === 0 || o.account === f.account) && [0, o.id].includes(f.orderId) && [0, o.client].includes(f.clientOrderId),
    );
    if (f.orderId + f.clientOrderId !== 0 && named.length === 0) return this.#admin(Code.UNKNOWN_ORDER);
    const count = this.#sweep(named, Code.CANCELLED_BY_OPERATOR, f.account === 0);
    this.#admin(Code.OK, 0, count);
  }

  #control(f: ControlCommand): void {
    const { code, cancels } = this.controls.do(f);
    const named = cancels ? this.open.filter((o) => cancels.concerns(o.account)) : [];
    const count = cancels ? this.#sweep(named, cancels.code, cancels.byBook) : 0;
    this.#admin(code, 0, count);
  }

  #sweep(named: NaiveOrder[], code: number, inOrderOfBook: boolean): number {
    const sides = [Side.Buy, Side.Sell];
    const stops = sides.flatMap((side) => this.stops.queue(side));
    const book = [...sides.flatMap((side) => this.queue(side)), ...stops, ...this.auctions.queue()];
    named.sort((a, b) => (inOrderOfBook ? book.indexOf(a) - book.indexOf(b) : a.id - b.id));
    let count = 0;
    for (const o of named) {
      if (!this.open.includes(o)) continue;
      this.#end(o, code);
      count++;
    }
    return count;
  }

  #massCancel({ account, symbol, quantity }: { account: number; symbol: number; quantity: number }): void {
    this.controls.count(account);
    const code = symbol === 0 || symbol === SYMBOL ? Code.OK : Code.UNKNOWN_SYMBOL;
    const named = code === Code.OK ? this.massCancels.begin({ account }, symbol, quantity, Code.CANCELLED_BY_MASS_CANCEL) : [];
    if (code === Code.OK) return this.#beginMassCancel(account, code, named);
    this.#answer(ReportKind.MassCancelled, code, { account, client: 0, id: 0 }, 0, 0, 0, 0);
  }

  #beginMassCancel(account: number, code: number, named: NaiveOrder[]): void {
    const later = this.massCancels.later(named.length);
    this.#answer(ReportKind.MassCancelled, code, { account, client: 0, id: 0 }, 0, named.length, later, 0);
    this.massCancels.step(named);
  }

  #cancelAfter({ account, quantity }: { account: number; quantity: number }): void {
    this.controls.count(account);
    const deadline = quantity === 0 ? 0 : this.timeUs + quantity;
    this.massCancels.setAfter(account, deadline);
    this.#answer(ReportKind.CancelAfterSet, Code.OK, { account, client: 0, id: 0 }, 0, deadline, 0, 0);
  }

  #cancelOnDisconnect(account: number): void {
    const code = Code.CANCELLED_ON_DISCONNECT;
    const named = this.massCancels.begin({ account }, 0, 0, code);
    this.#beginMassCancel(account, code, named);
    this.#admin(Code.OK, 0, named.length);
  }

  #cancelGroup({ tag: group, symbol, quantity: sides }: { tag: number; symbol: number; quantity: number }): void {
    if (group === 0 || sides > 2) return this.#admin(Code.BAD_PARAMETER);
    if (symbol !== 0 && symbol !== SYMBOL) return this.#admin(Code.UNKNOWN_SYMBOL);
    const named = this.massCancels.begin({ account: 0, group }, symbol, sides, Code.CANCELLED_BY_OPERATOR);
    this.massCancels.step(named);
    this.#admin(Code.OK, 0, named.length, this.massCancels.later(named.length));
  }

  #amend(f: Amend): void {
    const o = this.#target(f);
    const stranger = { account: f.account, client: f.clientOrderId, id: f.orderId };
    if (!o) this.controls.count(f.account);
    if (!o) return this.#answer(ReportKind.AmendRejected, Code.UNKNOWN_ORDER, stranger, f.price, f.quantity, 0, 0);
    if (this.links.forbids(o, f.price, f.quantity)) {
      this.controls.count(f.account);
      return this.#answer(ReportKind.AmendRejected, Code.LINKED_AMEND, o, f.price, f.quantity, o.open, o.filled);
    }
    const { filled } = o;
    this.#amendAlone(o, f);
    if (o.filled > filled && o.link?.kind === LinkKind.OneCancelsOther) this.links.ended(o);
    else this.links.reduced(o);
  }

  #amendAlone(o: NaiveOrder, f: Amend): void {
    if (o.stop) return this.#amendStop(o as StopOrder, f);
    if (o.waits && f.extension === undefined) return this.#amendWaiting(o, f);
    const { stopPrice = 0, minQuantity: offset = 0, displayedQuantity: named = 0 } = f.extension ?? {};
    if (stopPrice + offset > 0 || (named > 0 && !o.iceberg) || o.client === 0) {
      this.controls.count(f.account);
      let code: number = named > 0 ? Code.DISPLAYED_QUANTITY : Code.QUOTE_AMEND;
      if (stopPrice + offset > 0) code = offset > 0 ? Code.TRAIL_OFFSET : Code.STOP_PRICE;
      return this.#answer(ReportKind.AmendRejected, code, o, f.price, f.quantity, o.open, o.filled);
    }
    const wanted: NaiveOrder = { ...o, price: f.price, open: f.quantity };
    const display = named || (o.iceberg?.display ?? 0);
    const keeps = f.price === o.price && f.quantity < o.open + (this.#rules >= 3 ? 1 : 0) && (!o.iceberg || display <= o.iceberg.display);
    const lowers = keeps && this.#rules >= 3;
    let code = this.controls.check(o.account, SYMBOL) || this.controls.positions.check(o, f.quantity - o.open, this.open);
    if (code !== Code.OK) return this.#answer(ReportKind.AmendRejected, code, o, f.price, f.quantity, o.open, o.filled);
    if (!lowers) code = o.tif >= TimeInForce.AtTheOpen && o.market ? this.#checkMarketAmend() : this.#check(wanted);
    else if (f.quantity < o.open && f.quantity < this.params[SymbolParam.MinQuantity]) code = Code.QUANTITY_MIN;
    const asset = o.side === Side.Buy ? USD : BTC;
    if (!lowers && code === Code.OK && this.need(wanted) > this.available(o.account, asset) + this.links.shared(o))
      code = Code.INSUFFICIENT_FUNDS;
    if (!lowers && code === Code.OK && o.postOnly && this.queue(1 - o.side).some((m) => this.#crosses(o.side, f.price, m.price)))
      code = Code.POST_ONLY_WOULD_TRADE;
    if (this.#rules >= 3 && code === Code.OK && f.price !== o.price && !this.#tradesInFull(wanted)) code = this.#room(o, f.price);
    const least = this.params[SymbolParam.MinDisplayed];
    if (code === Code.OK && o.iceberg && (named > 0 ? !canDisplay(named, f.quantity, least) : !keeps && display * 100 < f.quantity))
      code = Code.DISPLAYED_QUANTITY;
    if (code !== Code.OK) return this.#answer(ReportKind.AmendRejected, code, o, f.price, f.quantity, o.open, o.filled);
    if (!keeps) this.#leave(o);
    o.price = f.price;
    o.open = f.quantity;
    if (o.iceberg) {
      this.seen.add(`iceberg ${named > 0 ? 'display' : 'total'} amended, place ${keeps ? 'kept' : 'lost'}`);
      o.iceberg.display = display;
      o.iceberg.shown = Math.min(o.iceberg.shown, display);
      shrink(o);
    }
    this.#answer(ReportKind.Amended, 0, o, o.price, o.open, o.open, o.filled, keeps ? 4 : 0);
    if (keeps) return;
    const allowed = this.phase !== Phase.Continuous || this.#trade(o, o.price);
    let full: number = o.open > 0 && this.#rules < 3 ? this.#room(o, o.price) : Code.OK;
    if (o.open > 0 && !allowed) full = Code.CANCELLED_SELF_TRADE;
    if (full === Code.OK && o.open > 0) return this.#rest(o);
    if (full !== Code.OK) this.#answer(ReportKind.Cancelled, full, o, o.price, o.open, 0, o.filled);
    this.#remember(o, o.filled + o.open, Code.OK);
    this.links.ended(o);
  }

  /** A market order of an auction cannot get another price or a larger quantity. */
  #checkMarketAmend(): number {
    if (this.phase === Phase.Halted) return Code.SYMBOL_HALTED;
    return this.phase === Phase.Closed ? Code.SYMBOL_CLOSED : Code.NOT_IN_AUCTION;
  }

  #amendWaiting(o: NaiveOrder, f: Amend): void {
    const wanted: NaiveOrder = { ...o, price: f.price, open: f.quantity };
    const keeps = f.price === o.price && f.quantity <= o.open;
    let code = this.controls.check(o.account, SYMBOL) || this.controls.positions.check(o, f.quantity - o.open, this.open);
    if (code === Code.OK && keeps && f.quantity < o.open && f.quantity < this.params[SymbolParam.MinQuantity]) code = Code.QUANTITY_MIN;
    if (code === Code.OK && !keeps) {
      const phase = this.phase === Phase.Halted ? Code.SYMBOL_HALTED : this.phase === Phase.Closed ? Code.SYMBOL_CLOSED : Code.OK;
      code = phase || (o.market ? Code.NOT_IN_AUCTION : this.#checkTerms(wanted));
      const free = this.available(o.account, o.side === Side.Buy ? USD : BTC) + this.need(o);
      if (code === Code.OK && this.need(wanted) > free) code = Code.INSUFFICIENT_FUNDS;
    }
    if (code !== Code.OK) return this.#answer(ReportKind.AmendRejected, code, o, f.price, f.quantity, o.open, 0);
    o.price = f.price;
    o.open = f.quantity;
    if (!keeps) this.auctions.waiting = [...this.auctions.waiting.filter((other) => other !== o), o];
    this.#answer(ReportKind.Amended, 0, o, o.price, o.open, o.open, 0, keeps ? 4 : 0);
  }

  /** The resting orders of the level page of a side and price: 64 prices. */
  #page(side: number, price: number): NaiveOrder[] {
    return this.queue(side).filter((o) => o.price >> 6 === price >> 6);
  }

  /** Whether an order, which may rest already, can rest at a price. */
  #room(o: NaiveOrder, price: number): number {
    if (this.#page(o.side, price).length > 0) return Code.OK;
    // An order that is alone in its page takes the page along.
    if (this.resting.includes(o) && this.#page(o.side, o.price).length === 1) return Code.OK;
    if (this.payers.size >= this.#limits.pages) return Code.LEVELS_FULL;
    const charged = [...this.payers].filter(({ account }) => account === o.account).length;
    return charged >= this.#limits.pagesPerAccount ? Code.LEVEL_SHARE_FULL : Code.OK;
  }

  #tradesInFull(o: NaiveOrder): boolean {
    const reach = this.queue(1 - o.side).filter((m) => this.#crosses(o.side, o.price, m.price));
    return (
      this.phase === Phase.Continuous &&
      this.controls.selfTrade.trades(o, this.volatility.inside(reach), this.protections.trial()).lots >= o.open
    );
  }

  /** @param id of its first part, if it is an iceberg */
  #rest(o: NaiveOrder, id?: number): void {
    if (o.iceberg) firstPart(o, id ?? ++this.lastOrderId);
    else if (o.arrivalId === undefined && (id !== undefined || o.client === 0)) o.arrivalId = o.id;
    else if (o.hidden || this.resting.some(({ hidden }) => hidden)) o.arrivalId = ++this.lastOrderId;
    o.arrived = this.#arrivals++;
    this.#takePlace(o);
  }

  #takePlace(o: NaiveOrder): void {
    if (this.#page(o.side, o.price).length === 0) this.payers.add(o);
    this.resting.push(o);
  }

  #leave(o: NaiveOrder): void {
    if (o.stop) {
      this.stops.pending = this.stops.pending.filter((other) => other !== o);
      delete o.stop;
      return;
    }
    if (o.waits) {
      this.auctions.waiting = this.auctions.waiting.filter((other) => other !== o);
      delete o.waits;
      return;
    }
    this.#leavePlace(o);
  }

  #leavePlace(o: NaiveOrder): void {
    this.resting.splice(this.resting.indexOf(o), 1);
    if (!this.payers.delete(o)) return;
    const next = this.#page(o.side, o.price).at(-1);
    if (next) this.payers.add(next);
  }

  #gone(o: NaiveOrder): void {
    this.#leave(o);
    if (o.client !== 0) this.#remember(o, o.filled + o.open, Code.OK);
    this.links.ended(o);
  }

  /** Cancels and reports an open order. */
  #end(o: NaiveOrder, code: number): void {
    this.#answer(ReportKind.Cancelled, code, o, o.price, o.open, 0, o.filled);
    this.#gone(o);
  }

  #remember(o: NaiveOrder, quantity: number, code: number): void {
    const forgotten = this.#remembered.add({
      account: o.account,
      client: o.client,
      orderId: o.id,
      code,
      side: o.side,
      tif: o.tif,
      price: o.price,
      quantity,
      filled: this.#rules >= 3 ? o.filled : 0,
      terms: o.terms,
      symbol: SYMBOL,
    });
    if (forgotten === undefined) return;
    const ids = this.#idClass(forgotten);
    this.forgotten.set(ids, Math.max(this.forgotten.get(ids) ?? 0, forgotten.client));
  }

  /** The ids that a forgotten one makes too old, if they are below it: of the account and the length in bits; before rules 3 of the account. */
  #idClass({ account, client }: { account: number; client: number }): string {
    return this.#rules >= 3 ? `${account}/${client.toString(2).length}` : `${account}`;
  }

  /** Checks a stop that would wait, and sets what it holds back. @param old the stop that an amend would replace @param now it may trigger at once */
  #checkStop(o: StopOrder, old: StopOrder | undefined, now: boolean): number {
    if (old === undefined && o.client <= (this.forgotten.get(this.#idClass(o)) ?? 0)) return Code.CLIENT_ORDER_ID_TOO_OLD;
    const controlled = this.controls.check(o.account, SYMBOL) || this.controls.positions.check(o, o.open - (old?.open ?? 0), this.#counted);
    if (controlled !== Code.OK) return controlled;
    if (this.phase === Phase.Halted) return Code.SYMBOL_HALTED;
    if (this.phase === Phase.Closed) return Code.SYMBOL_CLOSED;
    if (old === undefined && o.end <= this.timeUs) return o.tif === TimeInForce.Day ? Code.NO_SESSION : Code.EXPIRY_PAST;
    const trailCode = o.stop.trail ? this.#checkTrail(o, old) : Code.OK;
    if (trailCode !== Code.OK) return trailCode;
    if (o.open < this.params[SymbolParam.MinQuantity]) return Code.QUANTITY_MIN;
    const highest = this.params[SymbolParam.MaxPrice];
    const { price, trigger } = o.stop;
    if (price < 1 || price > highest) return Code.STOP_PRICE;
    if (o.market !== (o.price === 0) || o.price > highest) return Code.PRICE_RANGE;
    const band = Math.floor((price * this.params[SymbolParam.PriceBandPpm]) / 1e6);
    const worst = o.side === Side.Buy ? Math.min(highest, price + band) : Math.max(1, price - band);
    if (!o.market && this.params[SymbolParam.PriceBandPpm] > 0 && (o.side === Side.Buy ? o.price > worst : o.price < worst))
      return Code.PRICE_BAND;
    if (old === undefined && this.#counted.length >= this.#limits.orders) return Code.BOOK_FULL;
    if (old === undefined && this.#counted.filter(({ account }) => account === o.account).length >= this.#limits.ordersPerAccount)
      return Code.ORDER_SHARE_FULL;
    const cost = (o.market ? worst : o.price) * o.open;
    o.stop.unit = cost / o.open;
    const free = this.available(o.account, o.side === Side.Buy ? USD : BTC) + (old ? this.links.shared(old) : 0);
    if (this.need(o) > free) return Code.INSUFFICIENT_FUNDS;
    if (now || (o.stop.trail ? old && !this.#moves(o, old) : price === old?.stop.price)) return Code.OK;
    if (o.stop.trail?.extreme === 0) return Code.OK;
    return this.stops.holds(o.side, trigger, price, this.#priceOf(trigger)) ? Code.STOP_WOULD_TRIGGER : Code.OK;
  }

  #checkTrail(o: StopOrder, old: StopOrder | undefined): number {
    const { trigger, trail } = o.stop;
    if (trail === undefined) return Code.OK;
    const price = this.#priceOf(trigger);
    if (old === undefined && activates(o.side, price, trail.activation)) trail.extreme = price;
    const stands = this.stops.isDue(o.side) && (old === undefined || this.#moves(o, old));
    if (stands || (price + trail.activation === 0 && old === undefined)) return Code.TRAIL_UNAVAILABLE;
    reprice(o);
    if (o.stop.price < 1 || o.stop.price > this.params[SymbolParam.MaxPrice]) return Code.TRAIL_OFFSET;
    return o.market || (trail.distance > 0 && o.price > 0) ? Code.OK : Code.PRICE_RANGE;
  }

  /** Whether an amend changes what a trailing stop follows, or how far. */
  #moves(o: StopOrder, old: StopOrder): boolean {
    const [now, before] = [o.stop.trail, old.stop.trail];
    return now?.offset !== before?.offset || now?.activation !== before?.activation;
  }

  #priceOf(trigger: number): number {
    return trigger === Trigger.LastTrade ? this.lastPrice : this.params[SymbolParam.ReferencePrice];
  }

  #wait(o: StopOrder, now: boolean): void {
    const { price, trigger } = o.stop;
    const holds = now && this.stops.holds(o.side, trigger, price, this.#priceOf(trigger));
    this.stops.pending.push(o);
    if (holds) this.stops.cross(o.side, price, [trigger]);
  }

  #amendStop(o: StopOrder, f: Amend): void {
    if (f.extension?.displayedQuantity)
      return this.#answer(ReportKind.AmendRejected, Code.DISPLAYED_QUANTITY, o, f.price, f.quantity, o.open, 0);
    const { stopPrice = 0, minQuantity = 0, instructions = 0 } = f.extension ?? {};
    const { trail } = o.stop;
    if (minQuantity > 0 && !trail) return this.#rejectStop(Code.TRAIL_OFFSET, o, f);
    if (stopPrice > 0 && trail && trail.extreme > 0) return this.#rejectStop(Code.STOP_PRICE, o, f);
    const price = stopPrice > 0 && !trail ? stopPrice : o.stop.price;
    const wanted: StopOrder = { ...o, price: f.price, open: f.quantity, stop: { ...o.stop, price } };
    if (trail) {
      const offset = (instructions & Instruction.TrailPpm) !== 0 ? -minQuantity : minQuantity;
      const terms = { offset: offset || trail.offset, activation: stopPrice || trail.activation, distance: o.market ? 0 : f.price };
      wanted.stop.trail = { ...trail, ...terms };
    }
    const code = this.#checkStop(wanted, o, false);
    if (code !== Code.OK) return this.#answer(ReportKind.AmendRejected, code, o, f.price, f.quantity, o.open, 0);
    const keeps = trail ? !this.#moves(wanted, o) : price === o.stop.price;
    Object.assign(o, wanted);
    if (!keeps) this.stops.pending = [...this.stops.pending.filter((other) => other !== o), o];
    this.#answer(ReportKind.Amended, 0, o, o.price, o.open, o.open, 0, keeps ? 4 : 0);
  }

  #forQuotes(): ConstructorParameters<typeof NaiveQuotes<NaiveOrder>>[0] {
    const exchange = this;
    return {
      get resting() {
        return exchange.resting;
      },
      get isContinuous() {
        return exchange.phase === Phase.Continuous;
      },
      newSide: (account, side) => ({
        ...{
          id: 0,
          arrived: 0,
          client: 0,
          account,
          side,
          tif: 0,
          postOnly: false,
          reprice: false,
          selfTrade: 0,
          end: Infinity,
          tag: 0,
          market: false,
          least: 0,
        },
        ...{ fees: this.#newFees(account), price: 0, open: 0, filled: 0, terms: '' },
      }),
      nextId: () => ++this.lastOrderId,
      controls: (account, symbol, buys, sells) =>
        this.controls.check(account, symbol) ||
        (symbol === SYMBOL ? this.controls.positions.checkBoth(account, buys, sells, this.open) : Code.OK) ||
        (this.protections.isTriggered(account) ? Code.PROTECTION_TRIGGERED : Code.OK),
      count: (account) => this.controls.count(account),
      phase: () => {
        if (this.phase === Phase.Halted) return Code.SYMBOL_HALTED;
        return this.phase === Phase.Closed ? Code.SYMBOL_CLOSED : Code.OK;
      },
      limits: (o) => this.#check({ ...o, postOnly: false, tif: TimeInForce.GoodTillCancel }),
      needed: (o) => this.need(o),
      available: (o) => this.available(o.account, o.side === Side.Buy ? USD : BTC),
      held: (o) => this.need(o),
      room: (account, more) => {
        if (this.open.length + more > this.#limits.orders) return Code.BOOK_FULL;
        const own = this.open.filter((o) => o.account === account).length;
        return own + more > this.#limits.ordersPerAccount ? Code.ORDER_SHARE_FULL : Code.OK;
      },
      answer: (...report) => this.#answer(...report),
      leave: (o) => this.#leave(o),
      renew: (o) => {
        const { maker, taker } = this.#rates(o.account);
        o.fees = { ...o.fees, maker, taker };
      },
      place: (o) => {
        const allowed = this.phase !== Phase.Continuous || this.#trade(o, o.price);
        if (o.open === 0) return;
        const code = allowed ? this.#room(o, o.price) : Code.CANCELLED_SELF_TRADE;
        if (code === Code.OK) this.#rest(o);
        else this.#answer(ReportKind.Cancelled, code, o, o.price, o.open, 0, o.filled);
      },
    };
  }

  #rejectStop(code: number, o: StopOrder, f: Amend): void {
    this.controls.count(o.account);
    this.#answer(ReportKind.AmendRejected, code, o, f.price, f.quantity, o.open, 0);
  }

  /** Triggers what is due, up to the share of the command; then trailing stops follow. */
  #trigger(): void {
    this.#triggerDue();
    this.stops.follow((trigger) => this.#priceOf(trigger));
  }

  #triggerDue(): void {
    while (this.phase === Phase.Continuous && this.stops.left > 0) {
      const o = this.stops.next();
      if (o === undefined) return;
      this.stops.left--;
      if (this.massCancels.endsTriggered(o) || !this.open.includes(o)) continue;
      this.#answer(ReportKind.Triggered, 0, o, o.price, o.open, o.open, 0);
      const partner = this.links.triggered(o);
      this.#leave(o);
      const tif = o.market && o.tif !== TimeInForce.FillOrKill ? TimeInForce.Market : o.tif;
      const order = { ...o, tif, least: o.tif === TimeInForce.FillOrKill ? o.open : 0 };
      const { controls } = this;
      let code = controls.standing(o.account, SYMBOL) || controls.positions.check(o, o.open, this.open) || this.#checkOrder(order);
      if (code === Code.OK) {
        const allowed = this.#trade(o, this.#limit(o));
        code = !o.market && RESTING.has(o.tif) ? this.#room(o, o.price) : this.#remainder();
        if (!allowed) code = Code.CANCELLED_SELF_TRADE;
        if (this.phase !== Phase.Continuous && this.stops.hasDue) this.volatility.reached.add('cascade interrupted');
      }
      if (o.open > 0 && code === Code.OK) this.#rest(o);
      else {
        if (o.open > 0) this.#answer(ReportKind.Cancelled, code, o, o.price, o.open, 0, o.filled);
        this.#remember(o, o.filled + o.open, Code.OK);
      }
      if (partner) this.links.afterTrigger(o, partner, this.open.includes(o));
    }
  }

  #setReference(price: number): void {
    this.params[SymbolParam.ReferencePrice] = price;
    this.volatility.setMiddle(price);
    if (price > 0) this.stops.swept([price], [Trigger.ReferencePrice]);
    this.#admin(Code.OK);
  }

  /** A fee of the symbol, for orders from now on. */
  #setFee(param: number, value: number): void {
    const other = param === SymbolParam.MakerFeePpm ? SymbolParam.TakerFeePpm : SymbolParam.MakerFeePpm;
    if (param === SymbolParam.TakerFeePpm && value < 0) return this.#admin(Code.BAD_PARAMETER);
    if (this.#rules < 4 && this.resting.length > 0) return this.#admin(Code.BOOK_NOT_EMPTY);
    if (value + this.params[other] < 0) return this.#admin(Code.BAD_PARAMETER);
    this.params[param] = value;
    this.#admin(Code.OK);
  }

  #setSessionEnd(end: number): void {
    if (this.#rules < 4) return this.#admin(Code.BAD_PARAMETER);
    this.params[SymbolParam.SessionEnd] = end;
    this.#admin(Code.OK);
  }

  #setBand(param: number, value: number): void {
    if (this.#rules < 5) return this.#admin(Code.BAD_PARAMETER);
    this.volatility.set(param, value);
    this.#admin(Code.OK);
  }

  #endOf(timeInForce: number, expiryUs: number): number {
    if (timeInForce === TimeInForce.Day) return this.params[SymbolParam.SessionEnd];
    return timeInForce === TimeInForce.GoodTillDate ? expiryUs : Infinity;
  }

  #setPhase(phase: number, subPhase: number, boundaryUs: number): void {
    if (this.#rules >= 4 && subPhase > 0 && (phase !== Phase.Auction || subPhase > 3)) return this.#admin(Code.BAD_PARAMETER);
    const [bid] = this.queue(Side.Buy);
    const [ask] = this.queue(Side.Sell);
    const crossed = bid && ask && bid.price >= ask.price;
    if (phase === Phase.Continuous && crossed) return this.#admin(Code.BOOK_CROSSED);
    if (this.#rules >= 5) this.auctions.beforePhase();
    this.phase = phase;
    this.volatility.stop();
    if (this.#rules >= 4) {
      this.subPhase = subPhase;
      this.boundaryUs = boundaryUs || this.boundaryUs;
    }
    const sides = [Side.Buy, Side.Sell];
    if (this.#rules >= 5) this.auctions.afterPhase(sides.flatMap((side) => this.queue(side)));
    this.#admin(Code.OK);
  }

  /** Tries every price: most volume, then least surplus, then pressure, then nearest the reference, then the higher. */
  auctionPrice(): { price: number; volume: number } {
    const limits = this.resting.map((o) => o.price);
    const reference = this.params[SymbolParam.ReferencePrice];
    const rows = [];
    const [lowest, highest] = [Math.min(...limits), Math.max(...limits)];
    // Demand and supply change only here.
    const prices = new Set([...limits.flatMap((price) => [price - 1, price, price + 1]), reference, reference - 1, reference + 1]);
    for (const price of [...prices].filter((each) => each >= lowest && each <= highest).sort((a, b) => a - b)) {
      const buys = this.queue(Side.Buy)
        .filter((o) => o.price >= price)
        .reduce((sum, o) => sum + o.open, 0);
      const sells = this.queue(Side.Sell)
        .filter((o) => o.price <= price)
        .reduce((sum, o) => sum + o.open, 0);
      rows.push({ price, volume: Math.min(buys, sells), surplus: buys - sells });
    }
    const most = Math.max(0, ...rows.map((row) => row.volume));
    if (most === 0) return { price: 0, volume: 0 };
    let best = rows.filter((row) => row.volume === most);
    const least = Math.min(...best.map((row) => Math.abs(row.surplus)));
    best = best.filter((row) => Math.abs(row.surplus) === least);
    const pressure =
      least > 0 && best.every(({ surplus }) => surplus > 0) ? 1 : least > 0 && best.every(({ surplus }) => surplus < 0) ? -1 : 0;
    if (this.resting.some(({ market }) => market)) {
      const at = best.map(({ price }) => price);
      const price = NaiveAuctions.price(at, pressure, this.resting, reference);
      return { price, volume: price === 0 ? 0 : most };
    }
    if (least > 0 && best.every((row) => row.surplus > 0)) return best[best.length - 1];
    if (least > 0 && best.every((row) => row.surplus < 0)) return best[0];
    const nearest = Math.min(...best.map((row) => Math.abs(row.price - reference)));
    return best.filter((row) => Math.abs(row.price - reference) === nearest)[
      best.length > 1 ? best.filter((row) => Math.abs(row.price - reference) === nearest).length - 1 : 0
    ];
  }

  #uncross(): void {
    if (this.phase !== Phase.Auction || this.subPhase === SubPhase.PreOpen) return this.#admin(Code.WRONG_PHASE);
    const { price, volume } = this.#uncrossAll();
    this.#admin(Code.OK, price, volume);
  }

  #uncrossAll(): { price: number; volume: number } {
    if (this.#rules >= 5) this.auctions.beforeUncross();
    const { price, volume } = this.auctionPrice();
    if (volume > 0) this.volatility.setMiddle(price);
    let left = volume;
    const done: NaiveOrder[] = [];
    const tripped: number[] = [];
    while (left > 0) {
      const [buy] = this.auctionQueue(Side.Buy).filter((o) => o.open > 0);
      const [sell] = this.auctionQueue(Side.Sell).filter((o) => o.open > 0);
      for (const o of [buy, sell])
        if (o !== this.queue(o.side).find(({ open }) => open > 0))
          this.seen.add(o.hidden ? 'hidden order before a displayed one in an auction' : 'refreshed iceberg first in an auction');
      const quantity = Math.min(left, buy.open, sell.open);
      const [buyFee, sellFee] = [buy, sell].map(({ fees }) => payFee(fees, price * quantity, fees.taker));
      this.#settle(buy, sell, price, quantity, buyFee, sellFee);
      const flags = this.#rules >= 4 && this.controls.selfTrade.own(buy, sell) ? 24 : 8;
      const [[buyId], [sellId]] = [shownOf(buy), shownOf(sell)];
      this.#fill(buy, sellId, price, quantity, buyFee, flags);
      this.#fill(sell, buyId, price, quantity, sellFee, flags);
      for (const o of [buy, sell]) shrink(o);
      for (const o of [buy, sell]) this.links.filled(o, quantity);
      left -= quantity;
      for (const o of [buy, sell]) if (o.open === 0) done.push(o);
      for (const o of [buy, sell]) if (this.protections.filled(o, quantity)) tripped.push(o.account);
    }
    for (const o of done) this.#gone(o);
    for (const account of tripped) this.#pull(account);
    this.stops.swept(this.#prices, [Trigger.LastTrade, Trigger.ReferencePrice]);
    this.#prices = [];
    if (this.#rules >= 5) this.auctions.afterUncross(() => [Side.Buy, Side.Sell].flatMap((side) => this.queue(side)));
    return { price, volume };
  }

  #lifetime(o: NaiveOrder): number {
    const bit = (o.postOnly && o.tif !== TimeInForce.PostOnly) || (o.tif >= TimeInForce.AtTheOpen && o.market);
    return o.tif | (o.selfTrade << 4) | (bit ? 0x80 : 0);
  }

  /** The canonical rows that this exchange has, in their form; see engine/machine/state-rows.ts. */
  hash(): string {
    const rows: number[][] = [];
    for (const account of this.accounts) {
      const suspended = Number(this.controls.suspended.has(account));
      rows.push([6, account, this.reportNo.get(account) ?? 0, this.forgotten.get(`${account}`) ?? 0, suspended]);
      for (const asset of [USD, BTC]) rows.push([7, account, asset, this.available(account, asset), this.reserved(account, asset)]);
    }
    rows.push([3, this.phase, this.lastPrice, this.tradeId, this.fees, this.lastOrderId]);
    if (this.subPhase + this.boundaryUs > 0) rows.push([22, SYMBOL, this.subPhase, this.boundaryUs]);
    const ahead = Number(this.auctions.openingAhead) + 2 * Number(this.auctions.closingOver);
    if (ahead > 0) rows.push([40, SYMBOL, ahead]);
    rows.push(...this.volatility.rows(SYMBOL));
    rows.push(...this.controls.rows(), ...this.feeTiers.rows(this.accounts));
    rows.push(...this.protections.rows());
    for (const side of [Side.Buy, Side.Sell]) {
      for (const o of this.queue(side)) {
        rows.push([8, o.id, o.client, o.price, o.open, o.filled, o.account, SYMBOL, o.hidden ? side + 16 : side, this.#lifetime(o), o.tag]);
        const { maker, taker } = this.#newFees();
        const carry = carryOf(o.fees);
        if (this.#rules >= 4 && (carry !== 0 || o.fees.maker !== maker || o.fees.taker !== taker))
          rows.push([17, o.id, carry, o.fees.maker, o.fees.taker]);
        if (o.end < Infinity) rows.push([18, o.id, o.end]);
        rows.push(...icebergRows(o, this.resting));
      }
    }
    for (const side of [Side.Buy, Side.Sell]) {
      for (const o of this.queue(side))
        if (this.#rules >= 3 && this.payers.has(o) && this.#page(side, o.price)[0] !== o) rows.push([16, o.id]);
    }
    rows.push(...this.stops.trails.rows(this.stops.pending, SYMBOL));
    for (const o of this.stops.pending) {
      const { trail } = o.stop;
      if (trail) rows.push([28, o.id, trail.offset, trail.extreme]);
      const bits = o.side + o.stop.trigger * 2 + (trail ? 4 : 0) + 256 * (o.tif | (o.selfTrade << 4) | (o.postOnly ? 0x80 : 0));
      const [limit, stopPrice] = trail ? [trail.distance, trail.extreme > 0 ? 0 : trail.activation] : [o.price, o.stop.price];
      rows.push([23, o.id, o.client, limit, o.open, stopPrice, o.account, SYMBOL, bits, o.tag, 0, this.links.reservation(o)]);
      const { maker, taker } = this.#newFees();
      const carry = carryOf(o.fees);
      if (carry !== 0 || o.fees.maker !== maker || o.fees.taker !== taker) rows.push([17, o.id, carry, o.fees.maker, o.fees.taker]);
      if (o.end < Infinity) rows.push([18, o.id, o.end]);
    }
    for (const o of this.auctions.queue()) {
      rows.push([39, o.id, o.client, o.price, o.open, 0, o.account, SYMBOL, o.side + 256 * this.#lifetime(o), o.tag]);
      const { maker, taker } = this.#newFees();
      if (o.fees.maker !== maker || o.fees.taker !== taker) rows.push([17, o.id, carryOf(o.fees), o.fees.maker, o.fees.taker]);
    }
    rows.push(...this.links.rows(this.open));
    rows.push(...this.controls.positions.rows(this.open));
    for (const r of this.#remembered.byAccount())
      rows.push([9, r.account, r.client, r.orderId, r.code, r.symbol, r.side, r.tif, r.price, r.quantity, r.filled]);
    for (const account of this.accounts) {
      for (let bits = 1; bits <= 53; bits++) {
        const mark = this.forgotten.get(`${account}/${bits}`);
        if (mark !== undefined) rows.push([15, account, mark]);
      }
    }
    rows.push(...this.massCancels.rows());
    return hashRows(rows);
  }
}

export function hashRows(rows: number[][]): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(new Float64Array([...row, ...new Array(ROW_FIELDS - row.length).fill(0)]));
  return hash.digest('hex');
}
