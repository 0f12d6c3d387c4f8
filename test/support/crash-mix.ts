import type { CommandBatch, LongOrder } from '../../engine/wire/frames.ts';
import { Instruction, LinkKind, OrderType, Side, TimeInForce, Trigger } from '../../engine/wire/layout.ts';
import { PegKind, pegInstructions } from '../../engine/wire/peg-terms.ts';
import type { Prng } from '../../feeds/simulator/prng.ts';

export const SYMBOL = 1;
const MIDDLE = 6_000_000;
const AROUND = 12;
/** Ends are up to so many microseconds away, so that some come while the exchange is down. */
const LONGEST_US = 5_000_000;
/** Commands of a mix of which one cancels all orders, or will. */
const RARE = 1200;

/** An order as it was sent: alone, or with the other ones of its list. */
export interface SentOrder extends LongOrder {
  readonly list?: { readonly kind: LinkKind; readonly orders: readonly LongOrder[] };
}

type Terms = Omit<LongOrder, 'symbol' | 'side' | 'quantity' | 'clientOrderId'>;

const { GoodTillCancel, ImmediateOrCancel, FillOrKill, Market, PostOnly, Day, GoodTillDate, AtTheOpen, AtTheClose } = TimeInForce;

/** Random commands of every kind, around one price. */
export class CrashMix {
  /** Every order ever sent, by client order id. */
  readonly orders = new Map<number, SentOrder>();
  readonly #prng: Prng;
  readonly #nowUs: () => number;
  #lastId = 0;

  constructor(prng: Prng, nowUs = () => Date.now() * 1000) {
    this.#prng = prng;
    this.#nowUs = nowUs;
  }

  /** Adds one command, or one list, with the tag. The batch has room for a list. */
  add(batch: CommandBatch, tag: number): void {
    const prng = this.#prng;
    const choice = prng.below(100);
    const target = this.#lastId - prng.below(Math.min(this.#lastId, 80) || 1);
    if (prng.below(RARE) === 0) this.#all(batch, tag);
    else if (choice < 15 && target > 0) batch.cancel(SYMBOL, target, 0, tag);
    else if (choice < 25 && target > 0) this.#amend(batch, target, tag);
    else if (choice < 31) batch.quote(SYMBOL, this.#near(-4), prng.below(20), this.#near(4), 1 + prng.below(20), prng.chance(500), tag);
    else if (choice < 32) this.#protect(batch, tag);
    else if (choice < 36) this.#list(batch, tag);
    else if (choice < 42) this.#family(batch, tag);
    else this.send(batch, this.#remember(this.#order(this.#terms())), tag);
  }

  /** Adds the order, or its list, once more. */
  send(batch: CommandBatch, order: SentOrder, tag: number): void {
    const { list } = order;
    if (list) {
      batch.placeList(
        list.kind,
        list.orders.map((each) => ({ ...each, tag })),
      );
    } else batch.placeLong({ ...order, tag });
  }

  #remember(order: LongOrder, list?: SentOrder['list']): SentOrder {
    const sent = { ...order, ...(list && { list }) };
    this.orders.set(order.clientOrderId, sent);
    return sent;
  }

  #order(terms: Terms): LongOrder {
    const side = this.#prng.chance(500) ? Side.Buy : Side.Sell;
    return { symbol: SYMBOL, side, quantity: this.#prng.between(1, 50), ...terms, clientOrderId: ++this.#lastId };
  }

  #near(by = 0): number {
    return MIDDLE + by + this.#prng.between(-AROUND, AROUND);
  }

  #pick<T>(...of: readonly T[]): T {
    return of[this.#prng.below(of.length)];
  }

  /** An end soon, or none. */
  #lifetime(): Pick<LongOrder, 'timeInForce' | 'expiryUs'> {
    const timeInForce = this.#pick(GoodTillCancel, GoodTillCancel, Day, GoodTillDate);
    return { timeInForce, ...(timeInForce === GoodTillDate && { expiryUs: this.#nowUs() + 1000 + this.#prng.below(LONGEST_US) }) };
  }

  #terms(): Terms {
    const prng = this.#prng;
    const limit = { orderType: OrderType.Limit, price: this.#near() };
    const selfTradeMode = prng.chance(200) ? (prng.below(6) as LongOrder['selfTradeMode']) : undefined;
    const own = selfTradeMode === undefined ? {} : { selfTradeMode };
    switch (prng.below(15)) {
      case 0:
        return { ...this.#stop(), ...own };
      case 1:
        return { ...this.#trailing(), ...own };
      case 2:
        return { ...limit, ...this.#lifetime(), displayedQuantity: 1, ...own };
      case 3:
        return { ...limit, ...this.#lifetime(), instructions: Instruction.Hidden | this.#pick(0, 0, Instruction.PostOnly), ...own };
      case 4:
        return { ...limit, ...this.#lifetime(), instructions: Instruction.PostOnly | Instruction.Reprice, ...own };
      case 5: {
        const timeInForce = this.#pick(AtTheOpen, AtTheClose);
        return prng.chance(700) ? { ...limit, timeInForce } : { orderType: OrderType.Market, timeInForce };
      }
      case 6:
        if (prng.chance(300)) return { orderType: OrderType.Market, timeInForce: FillOrKill, ...own };
        return { ...limit, timeInForce: ImmediateOrCancel, minQuantity: 1, ...own };
      case 7:
        return { ...limit, timeInForce: this.#pick(ImmediateOrCancel, FillOrKill, PostOnly), ...own };
      case 8:
        return { orderType: OrderType.Market, timeInForce: Market, ...own };
      case 9:
        return { ...limit, ...this.#lifetime(), ...this.#peg(), ...own };
      default:
        return { ...limit, ...this.#lifetime(), ...own };
    }
  }

  /** What a pegged order follows, and how far from it. */
  #peg(): Pick<LongOrder, 'instructions' | 'pegOffset'> {
    const kind = this.#pick(PegKind.Primary, PegKind.Market, PegKind.Midpoint);
    const pegOffset = this.#prng.below(5) + Number(kind === PegKind.Market);
    const towards = kind !== PegKind.Market && pegOffset > 0 && this.#prng.chance(300) ? Instruction.PegTowards : 0;
    return { instructions: pegInstructions(kind) | towards, pegOffset };
  }

  #stop(): Terms {
    const orderType = this.#pick(OrderType.Stop, OrderType.StopLimit);
    const trigger = this.#pick(Trigger.LastTrade, Trigger.LastTrade, Trigger.ReferencePrice);
    const price = orderType === OrderType.StopLimit ? { price: this.#near() } : {};
    return {
      orderType,
      trigger,
      stopPrice: this.#near(),
      ...price,
      ...this.#lifetime(),
      instructions: this.#pick(0, 0, Instruction.TriggerNow),
    };
  }

  #trailing(): Terms {
    const orderType = this.#pick(OrderType.TrailingStop, OrderType.TrailingStopLimit);
    const ppm = this.#prng.chance(300);
    return {
      orderType,
      ...(orderType === OrderType.TrailingStopLimit && { price: this.#prng.between(1, 5) }),
      ...(ppm && { instructions: Instruction.TrailPpm }),
      trailOffset: ppm ? this.#prng.between(1, 3) : this.#prng.between(1, 12),
      ...(this.#prng.chance(300) && { stopPrice: this.#near() }),
      ...this.#lifetime(),
    };
  }

  /** A take-profit and a stop of one side, or two limit orders of both sides. */
  #list(batch: CommandBatch, tag: number): void {
    const kind = this.#pick(LinkKind.OneCancelsOther, LinkKind.OneUpdatesOther, LinkKind.OneUpdatesOther);
    const gtc = { timeInForce: GoodTillCancel };
    const one = this.#order({ orderType: OrderType.Limit, price: this.#near(), ...gtc });
    const bySide = kind === LinkKind.OneCancelsOther && this.#prng.chance(400);
    const away = this.#prng.between(1, 15);
    const sign = one.side === Side.Buy ? 1 : -1;
    const pair = bySide
      ? { ...one, side: (1 - one.side) as Side, price: (one.price as number) + sign * away }
      : { ...one, orderType: OrderType.Stop, price: 0, stopPrice: MIDDLE + sign * away };
    const other = { ...pair, clientOrderId: ++this.#lastId };
    const list = { kind, orders: [one, other] as const };
    for (const order of list.orders) this.#remember(order, list);
    this.send(batch, this.orders.get(one.clientOrderId) as SentOrder, tag);
  }

  /** A parent and a child, or a bracket. */
  #family(batch: CommandBatch, tag: number): void {
    const kind = this.#pick(LinkKind.OneTriggersOther, LinkKind.Bracket, LinkKind.Bracket);
    const parent = this.#order({ orderType: OrderType.Limit, price: this.#near(), ...this.#parentTerms() });
    const sign = parent.side === Side.Buy ? 1 : -1;
    // Prices of a bracket are on both sides of its parent's.
    const middle = parent.price ?? MIDDLE;
    const child = { symbol: SYMBOL, side: (1 - parent.side) as Side, quantity: parent.quantity };
    const takeProfit = { ...child, orderType: OrderType.Limit, price: middle + sign * this.#prng.between(1, 8), ...this.#lifetime() };
    const stopPrice = middle - sign * this.#prng.between(1, 8);
    const limit = this.#prng.chance(300) && { orderType: OrderType.StopLimit, price: stopPrice - sign * this.#prng.below(4) };
    const stopLoss = { ...child, orderType: OrderType.Stop, stopPrice, ...this.#lifetime(), ...limit };
    const children =
      kind === LinkKind.Bracket ? [takeProfit, stopLoss] : [this.#pick<Omit<LongOrder, 'clientOrderId'>>(takeProfit, stopLoss)];
    const list = { kind, orders: [parent, ...children.map((order) => ({ ...order, clientOrderId: ++this.#lastId }))] };
    for (const order of list.orders) this.#remember(order, list);
    this.send(batch, this.orders.get(parent.clientOrderId) as SentOrder, tag);
  }

  /** Most parents rest. */
  #parentTerms(): Omit<Terms, 'orderType'> {
    switch (this.#prng.below(8)) {
      case 0:
        return { timeInForce: ImmediateOrCancel };
      case 1:
        return { timeInForce: GoodTillCancel, instructions: Instruction.PostOnly };
      default:
        return this.#lifetime();
    }
  }

  #amend(batch: CommandBatch, target: number, tag: number): void {
    const quantity = this.#prng.between(1, 50);
    const { orderType, trailOffset, displayedQuantity } = this.orders.get(target) as SentOrder;
    if (trailOffset !== undefined) {
      const distance = orderType === OrderType.TrailingStopLimit ? this.#prng.between(1, 5) : 0;
      batch.amendStop(SYMBOL, target, 0, distance, quantity, 0, tag, this.#prng.between(1, 12));
    } else if (orderType === OrderType.Stop || orderType === OrderType.StopLimit)
      batch.amendStop(SYMBOL, target, 0, orderType === OrderType.Stop ? 0 : this.#near(), quantity, this.#near(), tag);
    else if (displayedQuantity !== undefined)
      batch.amendDisplayed(SYMBOL, target, 0, this.#near(), quantity, this.#prng.between(1, quantity), tag);
    else batch.amend(SYMBOL, target, 0, this.#near(), quantity, tag);
  }

  #protect(batch: CommandBatch, tag: number): void {
    if (this.#prng.chance(500)) batch.resetProtection(tag);
    else
      batch.protectQuotes(
        ...this.#pick<[number, number, number, number]>([0, 0, 0, 0], [1_000_000, 20, 0, 0], [500_000, 0, 900, 100]),
        tag,
      );
  }

  /** Cancels all orders, or a side, at once or soon. */
  #all(batch: CommandBatch, tag: number): void {
    if (this.#prng.chance(500)) batch.massCancel(this.#pick(0, SYMBOL), this.#pick(undefined, Side.Buy, Side.Sell), tag);
    else batch.cancelAfter(this.#pick(0, 1_000_000, 2_000_000), tag);
  }
}
