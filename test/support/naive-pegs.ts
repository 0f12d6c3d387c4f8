import { Code } from '../../engine/codes.ts';
import { PEGS_LOOKED_AT, REPRICES_PER_COMMAND } from '../../engine/machine/peg-orders.ts';
import { SymbolParam } from '../../engine/params.ts';
import { PEGS_PER_ACCOUNT } from '../../engine/rules/peg-checks.ts';
import { Instruction, Phase, Side } from '../../engine/wire/layout.ts';
import type { LongCommandFields } from './exchange-fixture.ts';

/** What a pegged order has besides its terms. Its price is 0 while it is parked. */
export interface NaivePeg {
  /** 1 = its own side, 2 = the other side, 3 = the middle. */
  readonly kind: number;
  /** Away from the other side; below 0: towards it. */
  readonly offset: number;
  limit: number;
  parked: boolean;
}

interface Order {
  id: number;
  account: number;
  side: number;
  price: number;
  hidden?: boolean;
  peg?: NaivePeg;
}

/** The exchange that the pegged orders are in. */
interface Host<O extends Order> {
  readonly phase: number;
  readonly params: readonly number[];
  readonly seen: Set<string>;
  readonly massCancels: { ends(order: O): boolean };
  queue(side: number): O[];
  room(order: O, price: number): number;
  rest(order: O): void;
  leavePlace(order: O): void;
  end(order: O, code: number): void;
}

/** The peg of an order with these terms. */
export function pegOf({ extension, price = 0 }: Pick<LongCommandFields, 'extension' | 'price'>): { peg?: NaivePeg } {
  const { instructions = 0, minQuantity = 0 } = extension ?? {};
  const kind = (instructions >> 8) & 3;
  const offset = (instructions & Instruction.PegTowards) === 0 ? minQuantity : -minQuantity;
  return kind === 0 ? {} : { peg: { kind, offset, limit: price, parked: true } };
}

/** Pegged orders in an array, which is searched from the start. */
export class NaivePegs<O extends Order> {
  /** In the order of their entry. */
  all: O[] = [];
  /** Most of an account. */
  perAccount = PEGS_PER_ACCOUNT;
  /** A command moves so many at most, and looks at so many. */
  perCommand = REPRICES_PER_COMMAND;
  lookedAt = PEGS_LOOKED_AT;
  readonly #host: Host<O>;
  /** What they were looked at for. */
  #seen = [0, 0, 0, 0, 0];
  /** The next one of the round, and how many there are. */
  #next: O | undefined;
  #left = 0;
  #goesOn = false;

  constructor(host: Host<O>) {
    this.#host = host;
  }

  get parked(): O[] {
    return this.all.filter((o) => o.peg?.parked);
  }

  /** A batch goes on with the next command. */
  get goesOn(): boolean {
    return this.#goesOn;
  }

  isOffset({ peg }: O): boolean {
    return peg?.kind !== 2 || peg.offset > 0;
  }

  hasRoom({ account }: O): boolean {
    return this.all.filter((o) => o.account === account).length < this.perAccount;
  }

  add(o: O): void {
    this.all.push(o);
    if (this.#left > 0) this.#left++;
    o.price = 0;
    const price = this.price(o);
    if (price > 0) this.enterBook(o, price);
  }

  remove(o: O): void {
    const at = this.all.indexOf(o);
    if (this.#next === o) this.#next = this.all[at + 1];
    this.all.splice(at, 1);
    this.#left = Math.min(this.#left, this.all.length);
    if (this.all.length === 0) this.#seen = [0, 0, 0, 0, 0];
  }

  /** After each command. @param share what the command has left, which it lowers; returns false if a batch goes on */
  run(share = { looks: this.lookedAt, moves: this.perCommand }): boolean {
    while (share.looks > 0 && share.moves > 0) {
      const o = this.#take();
      if (o === undefined) {
        this.#goesOn = false;
        return true;
      }
      share.looks--;
      if (this.#host.massCancels.ends(o)) this.#host.seen.add('peg ended in its turn');
      else if (this.#reprice(o)) share.moves--;
    }
    this.#goesOn = true;
    if (this.#left > 0) this.#host.seen.add('batch goes on');
    return false;
  }

  /** All were parked for the auction. */
  get areParked(): boolean {
    return this.all.length === 0 || (this.#seen[0] === Phase.Auction && this.#left === 0);
  }

  /** Before the book of an auction is complete. */
  parkAll(): void {
    for (const o of this.all) if (!o.peg?.parked) this.#park(o);
  }

  /** Where the order would rest now, 0 = nowhere. */
  price({ side, peg }: O): number {
    const { phase, params } = this.#host;
    if (peg === undefined || phase !== Phase.Continuous) return 0;
    const [bid, ask] = [this.reference(Side.Buy), this.reference(Side.Sell)];
    const [own, other] = side === Side.Buy ? [bid, ask] : [ask, bid];
    const reference = [own, other, bid === 0 || ask === 0 ? 0 : (bid + ask) / 2][peg.kind - 1];
    if (reference === 0) return 0;
    const [opposite] = this.#host.queue(1 - side);
    const behind = opposite === undefined ? [] : [opposite.price + (side === Side.Buy ? -1 : 1)];
    const target = side === Side.Buy ? Math.floor(reference - peg.offset) : Math.ceil(reference + peg.offset);
    const bounds = [target, peg.limit, ...behind];
    const price = side === Side.Buy ? Math.min(...bounds) : Math.max(...bounds);
    if (price !== target) this.#host.seen.add(price === peg.limit ? 'peg at its limit' : 'peg behind the other side');
    return price < 1 || price > params[SymbolParam.MaxPrice] ? 0 : price;
  }

  /** The best price of what is displayed and not pegged. */
  reference(side: number): number {
    return this.#host.queue(side).find(({ hidden, peg }) => !hidden && !peg)?.price ?? 0;
  }

  /** Takes it out of the book, and perhaps to another price. */
  move(o: O, price: number): void {
    if (!o.peg?.parked) this.#park(o);
    if (price > 0) this.enterBook(o, price);
  }

  enterBook(o: O, price: number): void {
    o.price = price;
    const code = this.#host.room(o, price);
    if (code !== Code.OK) return this.#host.end(o, code);
    if (o.peg) o.peg.parked = false;
    this.#host.rest(o);
  }

  rows(symbol: number): number[][] {
    if (this.all.length === 0) return [];
    return [[48, symbol, ...this.#seen, this.#left, this.#next?.id ?? 0, Number(this.#goesOn)]];
  }

  #park(o: O): void {
    this.#host.leavePlace(o);
    if (o.peg) o.peg.parked = true;
    o.price = 0;
  }

  /** There are orders to look at. */
  get isDue(): boolean {
    return this.all.length > 0 && (this.#left > 0 || this.#now().some((value, i) => value !== this.#seen[i]));
  }

  /** What decides on their prices. */
  #now(): number[] {
    const { phase } = this.#host;
    return phase === Phase.Continuous ? [phase, ...this.#prices()] : [phase === Phase.Auction ? phase : -1, 0, 0, 0, 0];
  }

  #take(): O | undefined {
    if (this.all.length === 0) return undefined;
    const now = this.#now();
    if (now.some((value, i) => value !== this.#seen[i])) {
      if (this.#left === 0) this.#next = undefined;
      this.#left = now[0] === -1 ? 0 : this.all.length;
    }
    this.#seen = now;
    if (this.#left === 0) return undefined;
    const o = this.#next ?? this.all[0];
    this.#next = this.all[this.all.indexOf(o) + 1];
    this.#left--;
    return o;
  }

  #prices(): number[] {
    const best = [Side.Buy, Side.Sell].map((side) => this.#host.queue(side)[0]?.price ?? 0);
    return [this.reference(Side.Buy), this.reference(Side.Sell), ...best];
  }

  /** Returns false if its price stays. */
  #reprice(o: O): boolean {
    const price = this.price(o);
    if (price === o.price) return false;
    const how = price === 0 ? 'parked' : o.price === 0 ? 'returned' : 'repriced';
    this.#host.seen.add(`peg ${how}${this.#host.phase === Phase.Auction ? ' for an auction' : ''}`);
    this.move(o, price);
    return true;
  }
}
