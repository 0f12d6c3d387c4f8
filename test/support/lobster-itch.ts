import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ItchEncoder } from './itch-encoder.ts';

const LOCATE = 13;
const STOCK = 'AAPL';
/** Ids of orders that stand for all that was at a level and has no known id. */
const FIRST_ANONYMOUS = 1n << 40n;

type Side = 'B' | 'S';

/** A day of LOBSTER as ITCH. */
export interface LobsterAsItch {
  readonly file: ItchEncoder;
  /** Messages up to each event. */
  readonly after: readonly number[];
  /** Rows of the book file. */
  readonly states: readonly string[];
}

/**
 * Writes the events of a day of LOBSTER as ITCH: A, F, E, C, X, D and P. What was there before the first event, and
 * what comes into view from beyond the last level, is one anonymous order for each level.
 */
export function lobsterToItch(messagePath: string, bookPath: string): LobsterAsItch {
  const events = rows(messagePath);
  const states = rows(bookPath);
  const market = new Market();
  const after: number[] = [];
  for (const [index, [time, type, id, size, price, direction]] of events.entries()) {
    market.ns = nanoseconds(time);
    const side = direction === '1' ? 'B' : 'S';
    if (index === 0) market.seed(states[0], type === '1' ? `${side}${price}` : '', Number(size));
    market.event(type, BigInt(id), side, Number(size), Number(price));
    if (index > 0) market.comeIntoView(states[index - 1], states[index]);
    after.push(market.file.count);
  }
  return { file: market.file, after, states: states.map((row) => row.join(',')) };
}

class Market {
  readonly file = new ItchEncoder();
  ns = 0;
  /** Shares of each order by id, by side and price. */
  readonly #levels = new Map<string, Map<bigint, number>>();
  #nextAnonymous = FIRST_ANONYMOUS;
  #match = 0n;

  constructor() {
    this.file.systemEvent(0, 'O');
    this.file.directory(LOCATE, 1, STOCK);
    this.file.tradingAction(LOCATE, 2, STOCK, 'T');
  }

  /** The first state, without the order of the first event. */
  seed(state: readonly string[], own: string, size: number): void {
    for (const [level, shares] of levelsOf(state)) {
      const rest = level === own ? shares - size : shares;
      if (rest > 0) this.#add(this.#nextAnonymous++, level, rest);
    }
  }

  event(type: string, id: bigint, side: Side, size: number, price: number): void {
    const level = `${side}${price}`;
    if (type === '1') return this.#add(id, level, size);
    if (type === '5') return this.file.trade(LOCATE, this.ns, side, size, STOCK, price, ++this.#match);
    assert.match(type, /[234]/);
    const orders = this.#levels.get(level);
    assert.ok(orders, `an order at ${level}`);
    const order = orders.has(id) ? id : ([...orders.keys()].find((each) => each >= FIRST_ANONYMOUS) ?? -1n);
    const left = (orders.get(order) ?? 0) - size;
    assert.ok(left >= 0, `${size} shares of an order at ${level}`);
    if (type === '4' && size % 2 === 0) this.file.executedAt(LOCATE, this.ns, order, size, ++this.#match, true, price);
    else if (type === '4') this.file.executed(LOCATE, this.ns, order, size, ++this.#match);
    else if (left > 0) this.file.cancel(LOCATE, this.ns, order, size);
    else this.file.delete(LOCATE, this.ns, order);
    if (left > 0) orders.set(order, left);
    else orders.delete(order);
    if (orders.size === 0) this.#levels.delete(level);
  }

  /** Levels that the state before did not show become what the state has: what happened to them was not in view. */
  comeIntoView(before: readonly string[], state: readonly string[]): void {
    const known = new Map(levelsOf(before));
    const shown = new Map(levelsOf(state));
    const worst = { S: Number(state.at(-4)), B: Number(state.at(-2)) };
    const inView = (level: string) => (level[0] === 'S' ? Number(level.slice(1)) <= worst.S : Number(level.slice(1)) >= worst.B);
    for (const level of new Set([...shown.keys(), ...[...this.#levels.keys()].filter(inView)])) {
      const orders = this.#levels.get(level) ?? new Map<bigint, number>();
      const shares = shown.get(level) ?? 0;
      if (known.has(level) || [...orders.values()].reduce((sum, each) => sum + each, 0) === shares) continue;
      for (const id of orders.keys()) this.file.delete(LOCATE, this.ns, id);
      this.#levels.delete(level);
      if (shares > 0) this.#add(this.#nextAnonymous++, level, shares);
    }
  }

  #add(id: bigint, level: string, shares: number): void {
    const orders = this.#levels.get(level) ?? new Map<bigint, number>();
    this.#levels.set(level, orders.set(id, shares));
    const mpid = shares % 2 === 0 ? 'GSCO' : undefined;
    this.file.add(LOCATE, this.ns, id, level[0] as Side, shares, STOCK, Number(level.slice(1)), mpid);
  }
}

/** Levels of a row of the book file: ask price, ask shares, bid price, bid shares, and so on. */
function levelsOf(state: readonly string[]): [level: string, shares: number][] {
  const levels: [string, number][] = [];
  for (let at = 0; at < state.length; at += 2) levels.push([`${at % 4 === 0 ? 'S' : 'B'}${state[at]}`, Number(state[at + 1])]);
  return levels;
}

function rows(path: string): string[][] {
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(','));
}

function nanoseconds(seconds: string): number {
  const [whole, fraction = ''] = seconds.split('.');
  return Number(`${whole}${fraction.padEnd(9, '0')}`);
}
