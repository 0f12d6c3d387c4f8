import type { Allocate } from '../allocate.ts';
import { Code } from '../codes.ts';
import { LimitParam } from '../params.ts';
import type { QtyLots } from '../units.ts';
import { Side } from '../wire/layout.ts';
import type { OrderRequest } from './order-request.ts';

const { Buy } = Side;
const { OK } = Code;
const FIRST_TABLE = 16;

/** Pairs of an account and a symbol that can have limits at a time. */
export const MAX_POSITION_LIMITS = 2 ** 16;

/**
 * Limits of position and exposure, for pairs of an account and a symbol, and
 * what they limit. The position is what the account bought less what it sold in
 * trades since the pair got its first limit. Open are the lots of its resting orders.
 * Pairs without limits are not followed.
 *
 * An order is rejected if it could take the account beyond a limit: all open
 * orders of its side and the order itself are taken to trade in full.
 *
 * The entries are dense, in the order in which they were added. Written by the
 * engine thread only; the I/O thread may read the columns.
 */
export class PositionLimits {
  /** 0 behind the last entry. */
  readonly account: Uint32Array;
  readonly symbol: Uint32Array;
  /** Lots; 0 = no limit. */
  readonly maxPosition: Float64Array;
  readonly maxExposure: Float64Array;
  /** Lots bought less lots sold. */
  readonly position: Float64Array;
  readonly openBuys: Float64Array;
  readonly openSells: Float64Array;
  readonly #room: number;
  #count = 0;
  /** Open addressing: entry + 1, 0 = empty. At most half full. */
  #table = new Int32Array(FIRST_TABLE);

  /** @param pairs of an account and a symbol that there can be; there is room for {@link MAX_POSITION_LIMITS} of them at most */
  constructor(pairs: number, allocate: Allocate) {
    this.#room = Math.min(pairs, MAX_POSITION_LIMITS);
    const doubles = (): Float64Array => new Float64Array(allocate(this.#room * 8));
    this.account = new Uint32Array(allocate((this.#room + 1) * 4));
    this.symbol = new Uint32Array(allocate(this.#room * 4));
    this.maxPosition = doubles();
    this.maxExposure = doubles();
    this.position = doubles();
    this.openBuys = doubles();
    this.openSells = doubles();
  }

  /** The entry of a pair, -1 if it has no limits. */
  find(account: number, symbol: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    for (let at = hash(account, symbol) & mask; table[at] !== 0; at = (at + 1) & mask) {
      const entry = table[at] - 1;
      if (this.account[entry] === account && this.symbol[entry] === symbol) return entry;
    }
    return -1;
  }

  /** Adds a pair that has no entry, without limits, position and orders. Returns -1 if there is no room. Cold. */
  add(account: number, symbol: number): number {
    if (this.#count === this.#room) return -1;
    const entry = this.#count++;
    this.account[entry] = account;
    this.symbol[entry] = symbol;
    for (const column of this.#columns()) column[entry] = 0;
    if (this.#count * 2 > this.#table.length) this.#rebuild(this.#table.length * 2);
    else this.#insert(entry);
    return entry;
  }

  /** @param parameter of LimitParam @param lots 0 = no limit. Without any limit, the entry and its position are gone. Cold */
  setMax(entry: number, parameter: number, lots: QtyLots): void {
    if (parameter === LimitParam.MaxPosition) this.maxPosition[entry] = lots;
    else this.maxExposure[entry] = lots;
    if (this.maxPosition[entry] === 0 && this.maxExposure[entry] === 0) this.#remove(entry);
  }

  /** True if the account has limits in any symbol. Cold. */
  has(account: number): boolean {
    return this.account.subarray(0, this.#count).includes(account);
  }

  /** The entries by account, then symbol. Cold. */
  inOrder(): number[] {
    const { account, symbol } = this;
    return [...account.subarray(0, this.#count).keys()].sort((a, b) => account[a] - account[b] || symbol[a] - symbol[b]);
  }

  /** @param open open quantity that the order replaces: of an amended order, else 0. What takes no more than that is within the limits */
  check(order: OrderRequest, open: QtyLots): Code {
    const entry = this.find(order.account, order.symbol);
    const more = order.quantity - open;
    if (entry === -1 || more <= 0) return OK;
    const buys = this.openBuys[entry];
    const sells = this.openSells[entry];
    const reached = order.side === Buy ? this.position[entry] + buys : sells - this.position[entry];
    if (this.maxPosition[entry] !== 0 && reached + more > this.maxPosition[entry]) return Code.POSITION_LIMIT;
    return this.maxExposure[entry] !== 0 && buys + sells + more > this.maxExposure[entry] ? Code.EXPOSURE_LIMIT : OK;
  }

  /** {@link check} for both sides of a quote. @param moreBuys @param moreSells lots by which its sides exceed those that they replace */
  checkQuote(account: number, symbol: number, moreBuys: QtyLots, moreSells: QtyLots): Code {
    const entry = this.find(account, symbol);
    if (entry === -1) return OK;
    const [position, buys, sells] = [this.position[entry], this.openBuys[entry] + moreBuys, this.openSells[entry] + moreSells];
    const most = this.maxPosition[entry];
    const beyond = (moreBuys > 0 && position + buys > most) || (moreSells > 0 && sells - position > most);
    if (most !== 0 && beyond) return Code.POSITION_LIMIT;
    const exposure = this.maxExposure[entry];
    return exposure !== 0 && moreBuys + moreSells > 0 && buys + sells > exposure ? Code.EXPOSURE_LIMIT : OK;
  }

  /** Lots began to rest (`lots` above 0), or rest no longer. */
  changeOpen(account: number, symbol: number, side: number, lots: QtyLots): void {
    const entry = this.find(account, symbol);
    if (entry === -1) return;
    const open = side === Buy ? this.openBuys : this.openSells;
    open[entry] += lots;
  }

  /** The account bought or sold lots. */
  trade(account: number, symbol: number, side: number, lots: QtyLots): void {
    const entry = this.find(account, symbol);
    if (entry !== -1) this.position[entry] += side === Buy ? lots : -lots;
  }

  #columns(): Float64Array[] {
    return [this.maxPosition, this.maxExposure, this.position, this.openBuys, this.openSells];
  }

  /** The last entry takes its place. */
  #remove(entry: number): void {
    const last = --this.#count;
    for (const column of [this.account, this.symbol, ...this.#columns()]) column[entry] = column[last];
    this.account[last] = 0;
    this.#rebuild(this.#table.length);
  }

  #rebuild(size: number): void {
    this.#table = new Int32Array(size);
    for (let entry = 0; entry < this.#count; entry++) this.#insert(entry);
  }

  #insert(entry: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let at = hash(this.account[entry], this.symbol[entry]) & mask;
    while (table[at] !== 0) at = (at + 1) & mask;
    table[at] = entry + 1;
  }
}

function hash(account: number, symbol: number): number {
  const mixed = Math.imul(account, 0x9e3779b1) ^ Math.imul(symbol, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
