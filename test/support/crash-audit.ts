import assert from 'node:assert/strict';
import { Instruction, LinkKind, OrderType, ReportKind } from '../../engine/wire/layout.ts';
import {
  LINK_NAMES,
  PEG_NAMES,
  ReportFlag,
  SELF_TRADE_NAMES,
  SIDE_NAMES,
  TIME_IN_FORCE_NAMES,
  TRIGGER_NAMES,
} from '../../engine/wire/names.ts';
import { pegKindOf } from '../../engine/wire/peg-terms.ts';
import { type CrashClient, field } from './crash-client.ts';
import type { SentOrder } from './crash-mix.ts';

interface Trade {
  readonly price: number;
  readonly quantity: number;
  readonly orders: number[];
  /** Its first order has its own id in the report of the other side. */
  readonly plain: boolean;
}

/** What is open of an order, as its reports say. */
interface Open {
  readonly orderId: number;
  readonly clientOrderId: number;
  readonly side: number;
  price: number;
  leaves: number;
  filled: number;
  /** Of a stop that waits. */
  stopPrice: number;
  readonly trigger: number;
}

/** An order of `/v1/accounts/ID/open-orders`. */
export interface ViewedOrder {
  readonly orderId: number;
  readonly clientOrderId: number;
  readonly side: string;
  readonly timeInForce: string;
  readonly priceTicks: number;
  readonly leavesLots: number;
  readonly filledLots: number;
  readonly quote?: boolean;
  readonly type?: string;
  readonly stopPriceTicks?: number;
  readonly trigger?: string;
  readonly trailPpm?: number;
  readonly trailOffsetTicks?: number;
  readonly linked?: { readonly kind: string; readonly orderId: number };
  readonly parentOrderId?: number;
  readonly toComeLots?: number;
  readonly peg?: string;
  readonly pegOffsetTicks?: number;
  readonly hidden?: boolean;
  readonly displayedQuantityLots?: number;
  readonly endUs?: number;
  readonly selfTrade?: string;
}

/** The reports of an account, read as the story of each order. It must add up at each report. */
class Story {
  readonly open = new Map<number, Open>();
  readonly #client: CrashClient;
  readonly #trades: Map<number, Trade>;
  readonly #accepted = new Set<number>();
  /** Of lists: order ids by client order id; and those that traded, triggered or ended with the present command. */
  readonly #ids = new Map<number, number>();
  readonly #touched = new Set<number>();

  constructor(client: CrashClient, trades: Map<number, Trade>) {
    this.#client = client;
    this.#trades = trades;
    let seq = 0;
    for (const [i, report] of client.reports.entries()) {
      const where = `account ${client.account} report ${i + 1}`;
      assert.equal(field.no(report), i + 1, where);
      assert.ok(field.seq(report) >= seq, `${where}: seq goes back`);
      if (field.seq(report) > seq) this.#checkLists(where);
      seq = field.seq(report);
      if (field.orderId(report) !== 0) this.#read(report, where);
    }
    this.#checkLists('the last command');
  }

  sent({ clientOrderId }: Pick<Open, 'clientOrderId'>): SentOrder | undefined {
    return this.#client.orders.get(clientOrderId);
  }

  /** The order that is linked with it, if it is open: of a bracket, the other child. */
  partner(order: Open): Open | undefined {
    const { kind, orders } = this.sent(order)?.list ?? {};
    if (orders === undefined || kind === LinkKind.OneTriggersOther) return undefined;
    const equals = kind === LinkKind.Bracket ? orders.slice(1) : orders;
    if (!equals.some(({ clientOrderId }) => clientOrderId === order.clientOrderId)) return undefined;
    const other = equals.find(({ clientOrderId }) => clientOrderId !== order.clientOrderId);
    return other && this.open.get(this.#ids.get(other.clientOrderId) ?? 0);
  }

  /** The order whose fills it waits for, if that is open. */
  parent(order: Open): Open | undefined {
    const first = this.sent(order)?.list?.orders[0].clientOrderId ?? 0;
    return this.#isChild(order) ? this.open.get(this.#ids.get(first) ?? 0) : undefined;
  }

  #isChild(order: Open): boolean {
    const { kind = 0, orders } = this.sent(order)?.list ?? {};
    return kind >= LinkKind.OneTriggersOther && orders?.[0].clientOrderId !== order.clientOrderId;
  }

  #read(report: Int32Array, where: string): void {
    const kind = field.kind(report);
    if (kind === ReportKind.Accepted) return this.#accept(report, where);
    const orderId = field.orderId(report);
    const order = this.open.get(orderId);
    if (kind === ReportKind.Rejected || kind === ReportKind.CancelRejected || kind === ReportKind.AmendRejected) return;
    assert.ok(order !== undefined, `${where}: order ${orderId} was not open`);
    if (kind === ReportKind.Fill) {
      const left = order.leaves - field.quantity(report);
      // What an amend took off a parent that traded with its own child is reported after that trade.
      order.leaves = this.#isChild(order) ? Math.min(field.leaves(report), left) : left;
      order.filled += field.quantity(report);
      assert.deepEqual([field.leaves(report), field.filled(report)], [order.leaves, order.filled], `${where}: fill of order ${orderId}`);
      this.#countTrade(report, order, where);
    } else if (kind === ReportKind.Amended) {
      order.leaves = field.leaves(report);
      order.price = field.price(report);
      order.stopPrice = field.stopPrice(report);
    } else if (kind === ReportKind.Triggered) {
      assert.equal(field.leaves(report), order.leaves, `${where}: order ${orderId} triggered`);
      order.stopPrice = 0;
      order.price = field.price(report);
    } else if (kind === ReportKind.Cancelled) {
      // What a take-profit trades when it becomes live is in no report of its stop-loss.
      const most = this.#isChild(order) ? Math.min(field.quantity(report), order.leaves) : order.leaves;
      assert.equal(field.quantity(report), most, `${where}: cancelled order ${orderId}`);
      order.leaves = 0;
    }
    if (kind !== ReportKind.Amended) this.#touched.add(orderId);
    if (order.leaves === 0) this.open.delete(orderId);
  }

  #accept(report: Int32Array, where: string): void {
    if ((field.flags(report) & ReportFlag.Duplicate) !== 0) return;
    const clientOrderId = field.clientOrderId(report);
    const orderId = field.orderId(report);
    assert.ok(clientOrderId === 0 || !this.#accepted.has(clientOrderId), `${where}: order ${clientOrderId} was accepted twice`);
    this.#accepted.add(clientOrderId);
    if (this.sent({ clientOrderId })?.list) this.#ids.set(clientOrderId, orderId);
    const [side, price, leaves] = [field.side(report), field.price(report), field.quantity(report)];
    const [stopPrice, trigger] = [field.stopPrice(report), field.trigger(report)];
    this.open.set(orderId, { orderId, clientOrderId, side, price, leaves, filled: 0, stopPrice, trigger });
  }

  /** After each command: of two orders where one cancels the other, none is alone in having traded, triggered or ended; both have one quantity where one updates the other, as the children of a bracket do. */
  #checkLists(where: string): void {
    for (const id of this.#touched) {
      const order = this.open.get(id);
      const partner = order && this.partner(order);
      if (!partner) continue;
      const kind = this.sent(order)?.list?.kind;
      assert.notEqual(kind, LinkKind.OneCancelsOther, `${where}: order ${id} traded or triggered before, and its partner is open`);
      assert.equal(order.leaves, partner.leaves, `${where}: order ${id} and its partner`);
    }
    this.#touched.clear();
  }

  #countTrade(report: Int32Array, order: Open, where: string): void {
    const id = field.tradeId(report);
    const trade = this.#trades.get(id);
    if (trade === undefined) {
      const { instructions = 0, displayedQuantity } = this.sent(order) ?? {};
      const plain = displayedQuantity === undefined && (instructions & Instruction.Hidden) === 0;
      this.#trades.set(id, { price: field.price(report), quantity: field.quantity(report), orders: [order.orderId], plain });
      return;
    }
    assert.deepEqual([field.price(report), field.quantity(report)], [trade.price, trade.quantity], `${where}: trade ${id}`);
    if (trade.plain) assert.equal(field.contra(report), trade.orders[0], `${where}: trade ${id}`);
    trade.orders.push(order.orderId);
  }
}

/**
 * All reports of all accounts of a market, from the first: numbered without
 * gaps, no order accepted twice, each order's story adds up, links hold, and every trade
 * has its two sides, once each, at the same price and quantity.
 * @returns the trades
 */
export function auditReports(clients: readonly CrashClient[]): number {
  const trades = new Map<number, Trade>();
  for (const client of clients) new Story(client, trades);
  for (const [id, { orders }] of trades) assert.equal(orders.length, 2, `trade ${id} has ${orders.length} sides`);
  for (let id = 1; id <= trades.size; id++) assert.ok(trades.has(id), `trade ${id} is missing`);
  return trades.size;
}

/** The open orders of an account are those that its reports leave open, with the terms that they were sent with. @returns their number */
export function auditOpenOrders(client: CrashClient, viewed: readonly ViewedOrder[]): number {
  const story = new Story(client, new Map());
  const expected = [...story.open.values()].sort((a, b) => a.orderId - b.orderId);
  assert.deepEqual(
    viewed.map(({ orderId }) => orderId).sort((a, b) => a - b),
    expected.map(({ orderId }) => orderId),
    `open orders of account ${client.account}`,
  );
  const byId = new Map(viewed.map((order) => [order.orderId, order]));
  for (const order of expected) {
    const view = byId.get(order.orderId) as ViewedOrder;
    assert.deepEqual(termsOf(view, story.sent(order)), expectedTerms(story, order), `order ${order.orderId} of account ${client.account}`);
  }
  for (const side of [0, 1]) {
    const quotes = expected.filter((order) => order.clientOrderId === 0 && order.side === side);
    assert.ok(quotes.length <= 1, `account ${client.account} has ${quotes.length} quotes of a side`);
  }
  return expected.length;
}

/** What is compared of an order. */
function termsOf(view: ViewedOrder, sent: SentOrder | undefined) {
  const { clientOrderId, side, timeInForce, priceTicks, leavesLots, filledLots, quote = false, hidden = false, trigger } = view;
  // The children of a bracket are linked when they are live.
  const linked = (sent?.list?.kind ?? 0) < LinkKind.OneTriggersOther ? view.linked : undefined;
  const market = view.type === 'market';
  const trail = view.trailPpm === undefined ? view.trailOffsetTicks : -view.trailPpm;
  return {
    ...{ clientOrderId, side, leavesLots, filledLots, quote, hidden, linked, parentOrderId: view.parentOrderId },
    ...{ peg: view.peg, pegOffset: view.pegOffsetTicks },
    ...{ timeInForce: quote ? 'quote' : timeInForce, priceTicks: trail === undefined && !market && !view.peg ? priceTicks : 0 },
    // Trailing stops and pegged orders follow without reports, and a market order of an auction gets its worst price there.
    stopPriceTicks: trail === undefined ? view.stopPriceTicks : 0,
    trails: trail !== undefined,
    trigger,
    iceberg: view.displayedQuantityLots !== undefined,
    endUs: timeInForce === 'gtd' ? view.endUs : undefined,
    selfTrade: view.selfTrade,
  };
}

function expectedTerms(story: Story, order: Open): ReturnType<typeof termsOf> {
  const { clientOrderId, side, leaves, filled, price, stopPrice, trigger } = order;
  const sent = story.sent(order);
  const partner = story.partner(order);
  const waits = stopPrice !== 0;
  const trails = sent?.trailOffset !== undefined && waits;
  const { instructions = 0, timeInForce = 0, orderType = OrderType.Limit, selfTradeMode = 0, pegOffset = 0, list } = sent ?? {};
  const peg = pegKindOf(instructions);
  // In short, the time in force says it.
  const isShort = timeInForce === 0 && (instructions & Instruction.PostOnly) !== 0 && orderType === OrderType.Limit;
  return {
    ...{ clientOrderId, side: SIDE_NAMES[side], leavesLots: leaves, filledLots: filled, quote: sent === undefined },
    hidden: (instructions & Instruction.Hidden) !== 0,
    linked: partner && list?.kind !== LinkKind.Bracket ? { kind: LINK_NAMES[list?.kind ?? 0], orderId: partner.orderId } : undefined,
    parentOrderId: story.parent(order)?.orderId,
    peg: peg === 0 ? undefined : PEG_NAMES[peg],
    pegOffset: peg === 0 ? undefined : (instructions & Instruction.PegTowards) !== 0 ? -pegOffset : pegOffset,
    timeInForce: sent === undefined ? 'quote' : isShort ? 'post-only' : TIME_IN_FORCE_NAMES[timeInForce],
    priceTicks: trails || orderType === OrderType.Market || peg !== 0 ? 0 : price,
    stopPriceTicks: trails ? 0 : stopPrice || undefined,
    trails,
    trigger: waits ? TRIGGER_NAMES[trigger] : undefined,
    iceberg: sent?.displayedQuantity !== undefined,
    endUs: sent?.expiryUs,
    selfTrade: selfTradeMode === 0 ? undefined : SELF_TRADE_NAMES[selfTradeMode],
  };
}
