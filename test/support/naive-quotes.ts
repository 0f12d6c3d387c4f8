import { Code } from '../../engine/codes.ts';
import { ReportKind, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { SYMBOL } from './exchange-fixture.ts';

/** A side of a quote: an order with client order id 0. */
interface Order {
  id: number;
  client: number;
  account: number;
  side: number;
  price: number;
  open: number;
  filled: number;
  tag: number;
  tif: number;
  postOnly: boolean;
  session: number;
}

/** What quotes need of the naive exchange. */
interface Venue<O extends Order> {
  readonly resting: readonly O[];
  readonly isContinuous: boolean;
  newSide(account: number, side: number): O;
  nextId(): number;
  /** The controls of the account, for a command that counts; and the limits of positions, for lots more to buy and to sell. */
  controls(account: number, symbol: number, moreBuys: number, moreSells: number): number;
  count(account: number): void;
  phase(): number;
  /** The symbol's limits of quantity and price. */
  limits(o: O): number;
  /** What the order needs, and what is available to its side without its own reservation. */
  needed(o: O): number;
  available(o: O): number;
  held(o: O): number;
  room(account: number, more: number): number;
  answer(kind: number, code: number, o: O, price: number, quantity: number, leaves: number, filled: number, flags?: number): void;
  leave(o: O): void;
  /** The rates in force, for a side that loses its place. */
  renew(o: O): void;
  /** The order, which is in no book, trades and rests. It is cancelled if it may not. */
  place(o: O): void;
}

export interface QuoteCommand {
  account: number;
  symbol: number;
  tag: number;
  timeInForce: number;
  price: number;
  quantity: number;
  clientOrderId: number;
  orderId: number;
  session?: number;
}

/** Quotes of the naive exchange: both sides are checked, then both leave the book, then both are placed. */
export class NaiveQuotes<O extends Order> {
  readonly #venue: Venue<O>;

  constructor(venue: Venue<O>) {
    this.#venue = venue;
  }

  do(f: QuoteCommand): void {
    const venue = this.#venue;
    const sides = [
      { side: Side.Buy, price: f.price, quantity: f.quantity },
      { side: Side.Sell, price: f.clientOrderId, quantity: f.orderId },
    ].map(({ side, price, quantity }) => {
      const live = f.symbol === SYMBOL ? this.of(f.account, side) : undefined;
      const order = live ?? venue.newSide(f.account, side);
      const keeps = quantity === 0 || (live !== undefined && live.price === price && quantity <= live.open);
      const wanted: O = {
        ...order,
        price,
        open: quantity,
        tag: f.tag,
        tif: f.timeInForce,
        session: f.session ?? 0,
        postOnly: f.timeInForce === TimeInForce.PostOnly,
      };
      if (!keeps) venue.renew(wanted);
      return { live, order, keeps, wanted, quantity, isLess: live !== undefined && quantity < live.open };
    });
    const [code, failed] = this.#check(f, sides);
    if (code !== Code.OK) {
      for (const side of sides) {
        const its = failed === undefined || failed === side ? code : Code.QUOTE_OTHER_SIDE;
        venue.answer(ReportKind.Rejected, its, { ...side.wanted, id: 0 }, side.wanted.price, side.quantity, side.live?.open ?? 0, 0);
      }
      return;
    }
    for (const { live, order, keeps, quantity } of sides) {
      if (quantity === 0) {
        const { price, open, filled } = live ?? { price: 0, open: 0, filled: 0 };
        venue.answer(ReportKind.Cancelled, Code.CANCELLED_BY_CLIENT, order, price, open, 0, filled);
      }
      if (live !== undefined && (quantity === 0 || !keeps)) venue.leave(live);
    }
    for (const { live, order, keeps, wanted, quantity } of sides) {
      if (quantity === 0) continue;
      Object.assign(order, wanted);
      if (live === undefined) order.id = venue.nextId();
      const kind = live === undefined ? ReportKind.Accepted : ReportKind.Amended;
      venue.answer(kind, Code.OK, order, order.price, quantity, quantity, order.filled, keeps ? 4 : 0);
      if (!keeps) venue.place(order);
    }
  }

  of(account: number, side: number): O | undefined {
    return this.#venue.resting.find((o) => o.client === 0 && o.account === account && o.side === side);
  }

  #check<S extends { live: O | undefined; keeps: boolean; wanted: O; quantity: number; isLess: boolean }>(
    f: QuoteCommand,
    sides: S[],
  ): [number, S?] {
    const venue = this.#venue;
    const [bid, ask] = sides;
    const unknown = f.symbol === SYMBOL ? Code.OK : Code.UNKNOWN_SYMBOL;
    if (bid.quantity + ask.quantity === 0) {
      venue.count(f.account);
      return [unknown];
    }
    const [moreBuys, moreSells] = sides.map(({ quantity, live }) => quantity - (live?.open ?? 0));
    const code = venue.controls(f.account, f.symbol, moreBuys, moreSells) || unknown;
    if (code !== Code.OK) return [code];
    if (bid.quantity > 0 && ask.quantity > 0 && bid.wanted.price >= ask.wanted.price) return [Code.QUOTE_CROSSED];
    const loses = sides.filter(({ keeps }) => !keeps);
    if (loses.length > 0 && venue.phase() !== Code.OK) return [venue.phase()];
    for (const side of sides) {
      const wrong = side.keeps ? Code.OK : venue.limits(side.wanted);
      if (wrong !== Code.OK) return [wrong, side];
    }
    for (const side of loses) {
      const free = venue.available(side.wanted) + (side.live === undefined ? 0 : venue.held(side.live));
      if (venue.needed(side.wanted) > free) return [Code.INSUFFICIENT_FUNDS, side];
    }
    for (const side of loses) {
      const others = venue.resting.filter((o) => o.side !== side.wanted.side && !sides.some(({ live }) => live === o));
      const isBuy = side.wanted.side === Side.Buy;
      const trades = others.some(({ price }) => (isBuy ? price <= side.wanted.price : price >= side.wanted.price));
      if (side.wanted.postOnly && venue.isContinuous && trades) return [Code.POST_ONLY_WOULD_TRADE, side];
    }
    const more = sides.filter(({ quantity }) => quantity > 0).length - sides.filter(({ live }) => live !== undefined).length;
    return [more > 0 ? venue.room(f.account, more) : Code.OK];
  }
}
