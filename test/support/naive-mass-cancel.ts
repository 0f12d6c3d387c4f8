import { Code } from '../../engine/codes.ts';
import { CommandKind, Phase, Side } from '../../engine/wire/layout.ts';
import { type LongCommandFields, SYMBOL } from './exchange-fixture.ts';
import { type NaiveIceberg, shownOf } from './naive-icebergs.ts';

/** What a mass cancel needs of an order and of the naive exchange. */
interface Order {
  readonly id: number;
  readonly client: number;
  readonly account: number;
  readonly side: number;
  readonly price: number;
  readonly open: number;
  readonly stop?: { readonly price: number; readonly trail?: object | undefined };
  /** For its auction, outside the book. */
  readonly waits?: boolean;
  readonly peg?: { readonly parked: boolean };
  readonly family?: object;
  readonly hidden?: boolean;
  readonly iceberg?: NaiveIceberg;
  readonly session: number;
}

interface Book<O> {
  readonly open: O[];
  readonly lastOrderId: number;
  readonly phase: number;
  readonly rules: number;
  readonly auctions: { isEnding(o: O): boolean };
  readonly controls: {
    readonly groups: ReadonlyMap<number, number>;
    readonly selfTrade: { own(a: { account: number }, b: { account: number }): boolean };
  };
  readonly timeUs: number;
  readonly protections: { protects(o: O): boolean };
  queue(side: number): O[];
}

/** Of an account, or of the accounts that are in a group. */
type Owner = { readonly account: number; readonly group?: undefined } | { readonly account: 0; readonly group: number };

interface MassCancel {
  readonly owner: Owner;
  readonly symbol: number;
  readonly sides: number;
  /** 0 = all. */
  readonly session: number;
  readonly lastOrderId: number;
  readonly code: number;
  /** Commands that only sort. */
  sorts: number;
}

/** Mass cancels of the naive exchange: each time, all open orders are asked whether it names them. */
export class NaiveMassCancels<O extends Order> {
  perCommand = 512;
  sortedPerCommand = 4096;
  readonly #exchange: Book<O>;
  readonly #end: (o: O, code: number) => void;
  #underWay: MassCancel[] = [];
  #begun: MassCancel | undefined;
  /** Dead man's switches by account. */
  readonly #after = new Map<number, number>();
  readonly #fired: (account: number, named: O[]) => void;

  /** @param fired reports the mass cancel of an account whose switch fired, and calls `step` */
  constructor(exchange: Book<O>, end: (o: O, code: number) => void, fired: (account: number, named: O[]) => void) {
    this.#fired = fired;
    this.#exchange = exchange;
    this.#end = end;
  }

  /** The orders that it will cancel, in order. */
  begin(owner: Owner, symbol: number, sides: number, code: number, session = 0): O[] {
    this.#begun = { owner, symbol, sides, session, lastOrderId: this.#exchange.lastOrderId, code, sorts: 0 };
    return this.#left(this.#begun);
  }

  /** How many of `count` orders later commands cancel. */
  later(count: number): number {
    return count > this.sortedPerCommand ? count : Math.max(0, count - this.perCommand);
  }

  /** Cancels the first of what began. */
  step(named: O[]): void {
    const begun = this.#begun as MassCancel;
    if (named.length > this.sortedPerCommand) {
      begun.sorts = Math.ceil(named.length / this.sortedPerCommand);
      this.#underWay.push(begun);
      return;
    }
    this.#cancel(named, begun.code, this.perCommand);
    if (this.#left(begun).length > 0) this.#underWay.push(begun);
  }

  /** Before command `c` and the triggers before it. @param then after each of its records: the extension is a command of its own */
  continue(c: LongCommandFields, then: () => void): void {
    for (let commands = c.extension === undefined ? 1 : 2; commands > 0; commands--) {
      this.#slice();
      this.#fireDue(commands === 1 && (c.kind ?? 0) <= CommandKind.CancelAfter ? (c.account ?? 0) : 0);
      then();
    }
  }

  /** @param own account of the command, 0 = none: its end does not wait for its turn */
  #fireDue(own: number): void {
    const [first] = this.#due().sort(([a, at], [b, bt]) => at - bt || a - b);
    if (first === undefined) return;
    this.#fire(first[0]);
    if (this.#due().some(([account]) => account === own)) this.#fire(own);
  }

  /** Ends what command `c` would reach. */
  clearFor(c: LongCommandFields): void {
    if (c.kind === CommandKind.New && c.symbol === SYMBOL) this.#clear(c.account ?? 0, c.side ?? 0, c.price ?? 0, c.quantity ?? 0);
    if (c.kind === CommandKind.Cancel || c.kind === CommandKind.Amend) this.#target(c);
    if (c.kind === CommandKind.Quote && c.symbol === SYMBOL) {
      const live = this.#exchange.open.filter((o) => o.client === 0 && o.account === c.account).sort((a, b) => a.side - b.side);
      for (const o of live) this.#endNamed(o);
      this.#clear(c.account ?? 0, Side.Buy, c.price ?? 0, c.quantity ?? 0);
      this.#clear(c.account ?? 0, Side.Sell, c.clientOrderId ?? 0, c.orderId ?? 0);
    }
    if (c.kind === CommandKind.Uncross && c.symbol === SYMBOL && this.#exchange.phase === Phase.Auction && this.#exchange.rules < 6)
      this.clearBook();
  }

  /** Whether orders are named that have not ended yet. */
  get isBusy(): boolean {
    return this.#underWay.length > 0 || this.#due().length > 0;
  }

  /** Ends what is in the book, before an uncross. */
  clearBook(): void {
    for (const o of [...this.#exchange.queue(Side.Buy), ...this.#exchange.queue(Side.Sell)]) {
      // The end of a linked order may have ended it.
      if (this.#exchange.open.includes(o)) this.#endNamed(o);
    }
  }

  /** An order enters the book that waited for its auction. Returns true if it ends instead. */
  ends(o: O): boolean {
    return this.#endNamed(o);
  }

  /** A stop triggers. Returns true if it ends instead. */
  endsTriggered(o: O): boolean {
    if (this.#endNamed(o)) return true;
    this.#clear(o.account, o.side, o.price, o.open);
    return false;
  }

  /** Ends what so many lots of an order would trade with. */
  clearWay({ account, side, price }: O, lots: number): void {
    this.#clear(account, side, price, lots);
  }

  rows(): number[][] {
    return [
      ...this.#underWay.map(({ owner, symbol, sides, session, code, lastOrderId, sorts }) => [
        25,
        owner.account,
        symbol,
        sides,
        code,
        lastOrderId,
        owner.group ?? 0,
        sorts,
        session,
      ]),
      ...[...this.#after].sort(([a], [b]) => a - b).map((row) => [26, ...row]),
    ];
  }

  /** Sets the switch of an account; 0 = off. */
  setAfter(account: number, deadline: number): void {
    if (deadline === 0) this.#after.delete(account);
    else this.#after.set(account, deadline);
  }

  #due(): [number, number][] {
    return [...this.#after].filter(([, at]) => at <= this.#exchange.timeUs);
  }

  #fire(account: number): void {
    this.#after.delete(account);
    this.#fired(account, this.begin({ account }, 0, 0, Code.CANCELLED_AFTER));
  }

  #slice(): void {
    let room = this.perCommand;
    while (room > 0 && this.#underWay.length > 0) {
      const [first] = this.#underWay;
      if (first.sorts > 0) {
        first.sorts--;
        return;
      }
      room -= this.#cancel(this.#left(first), first.code, room);
      if (this.#left(first).length === 0) this.#underWay.shift();
    }
  }

  /** Cancels the first of the orders that are open; another one may end with one of them. */
  #cancel(named: readonly O[], code: number, most: number): number {
    let count = 0;
    for (const o of named) {
      if (count === most || !this.#exchange.open.includes(o)) continue;
      this.#end(o, code);
      count++;
    }
    return count;
  }

  /** What it names and no earlier one does. */
  #left(its: MassCancel): O[] {
    const at = this.#underWay.indexOf(its);
    const earlier = at === -1 ? this.#underWay : this.#underWay.slice(0, at);
    return this.#exchange.open.filter((o) => this.#names(its, o) && !earlier.some((each) => this.#names(each, o))).sort(inOrder);
  }

  #names({ owner, sides, session, lastOrderId }: MassCancel, o: O): boolean {
    const of = owner.group === undefined ? owner.account === o.account : this.#exchange.controls.groups.get(o.account) === owner.group;
    return of && [0, o.session].includes(session) && o.id <= lastOrderId && [0, o.side + 1].includes(sides);
  }

  #codeOf(o: O): number {
    return this.#underWay.find((each) => this.#names(each, o))?.code ?? Code.OK;
  }

  #endNamed(o: O): boolean {
    // It may have ended with its partner.
    if (!this.#exchange.open.includes(o)) return false;
    const named = this.#codeOf(o);
    const after = this.#due().some(([account]) => account === o.account) ? Code.CANCELLED_AFTER : Code.OK;
    const code = named || after || (this.#exchange.auctions.isEnding(o) ? Code.CANCELLED_AUCTION_OVER : Code.OK);
    if (code !== Code.OK) this.#end(o, code);
    return code !== Code.OK;
  }

  /** Ends what the order would trade with, whether it is accepted or not. Self-trade prevention may pass its own. */
  #clear(account: number, side: number, price: number, quantity: number): void {
    let left = quantity;
    // What icebergs do not display follows all orders of their price.
    let behind = 0;
    let at = 0;
    for (const o of this.#exchange.queue(1 - side)) {
      if (o.price !== at || o.hidden) {
        left -= behind;
        behind = 0;
        at = o.price;
      }
      if (left <= 0 || (price !== 0 && (side === Side.Buy ? o.price > price : o.price < price))) return;
      if (this.#endNamed(o) || this.#exchange.controls.selfTrade.own({ account }, o) || this.#exchange.protections.protects(o)) continue;
      const [, shown] = shownOf(o);
      left -= shown;
      behind += o.open - shown;
    }
  }

  #target(c: LongCommandFields): void {
    if (![0, SYMBOL].includes(c.symbol ?? 0)) return;
    const o = this.#exchange.open.find((r) => r.account === c.account && (c.orderId ? r.id === c.orderId : r.client === c.clientOrderId));
    if (
      o === undefined ||
      this.#endNamed(o) ||
      c.kind === CommandKind.Cancel ||
      o.stop !== undefined ||
      o.waits ||
      o.open === 0 ||
      o.peg !== undefined
    )
      return;
    this.#clear(o.account, o.side, c.price ?? 0, c.quantity ?? 0);
  }
}

function inOrder(a: Order, b: Order): number {
  const place = ({ side, price, stop, waits, peg, family, open }: Order): number =>
    waits || peg?.parked || stop?.trail !== undefined || (family !== undefined && open === 0)
      ? Number.MAX_VALUE
      : (stop === undefined ? price : -stop.price) * (side === Side.Buy ? -1 : 1);
  const outside = ({ stop, waits, peg, family, open }: Order): number =>
    Number(stop !== undefined || waits === true || peg?.parked === true || (family !== undefined && open === 0));
  return outside(a) - outside(b) || a.side - b.side || place(a) - place(b) || a.id - b.id;
}
