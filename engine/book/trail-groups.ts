import { type Allocate, allocateLocal } from '../allocate.ts';

/** Groups per order that may be open: a group outlives its orders while one that was merged into it has some. */
const GROUPS_PER_ORDER = 2;
/** In the word of a group's first order: slot + 1 in the lower bits, above them its rank. */
const RANK_SHIFT = 26;
const SLOT_MASK = (1 << RANK_SHIFT) - 1;
/** More steps than there are from an order to its group: their number grows by one when twice as many groups become one. */
const MOST_STEPS = 64;

/**
 * Groups of trailing stops that follow from the same extreme price. Groups that
 * reach the same extreme become one; a member finds its group along the parents
 * (a disjoint-set forest, so a few steps). The columns that say the extreme of
 * an order are shared: the views of orders read them. One thread writes.
 */
export class TrailGroups {
  /** By slot: group that the order joined; 0 = it does not follow yet. */
  readonly group: Int32Array;
  /** By group: its extreme, ticks; of one that was merged into another: minus the number of that. */
  readonly #extreme: Int32Array;
  /** By group: orders and groups that name it, and one while it is in use as a whole. In a free group: the next free one. */
  #uses = new Int32Array(0);
  /** By group that is in use as a whole: slot of its first order + 1, 0 = it has none; and its rank, the steps that there may be from a member to it. */
  #first = new Int32Array(0);
  /** Free groups, and the lowest number that was never used. */
  #free = 0;
  #unused = 1;

  constructor(orders: number, allocate: Allocate = allocateLocal) {
    this.group = new Int32Array(allocate(orders * 4));
    this.#extreme = new Int32Array(allocate((GROUPS_PER_ORDER * orders + 2) * 4));
  }

  /** A new group, which is used as a whole until {@link drop}. */
  create(extreme: number): number {
    if (this.#uses.length === 0) {
      this.#uses = new Int32Array(this.#extreme.length);
      this.#first = new Int32Array(this.#extreme.length);
    }
    if (this.#free === 0 && this.#unused === this.#extreme.length) this.#flatten();
    let group = this.#free;
    if (group !== 0) this.#free = this.#uses[group];
    else group = this.#unused++;
    this.#extreme[group] = extreme;
    this.#uses[group] = 1;
    this.#first[group] = 0;
    return group;
  }

  /** A group without orders is no longer used as a whole. */
  drop(group: number): void {
    this.#release(group);
  }

  extreme(group: number): number {
    return this.#extreme[group];
  }

  setExtreme(group: number, extreme: number): void {
    this.#extreme[group] = extreme;
  }

  /** Slot of the order of a group that triggers first; -1 = it has none. */
  first(group: number): number {
    return (this.#first[group] & SLOT_MASK) - 1;
  }

  setFirst(group: number, slot: number): void {
    this.#first[group] = (this.#first[group] & ~SLOT_MASK) | (slot + 1);
  }

  join(slot: number, group: number): void {
    this.group[slot] = group;
    this.#uses[group]++;
  }

  leave(slot: number): void {
    const group = this.group[slot];
    this.group[slot] = 0;
    this.#release(group);
  }

  /** The group of an order that follows. */
  find(slot: number): number {
    let group = this.group[slot];
    for (let at = this.#extreme[group]; at < 0; at = this.#extreme[group]) group = -at;
    return group;
  }

  /** Extreme of the order in `slot`, ticks; 0 = it does not follow yet. Any thread: where groups change meanwhile, it ends too. */
  extremeOf(slot: number): number {
    let at = this.#extreme[this.group[slot]];
    for (let left = MOST_STEPS; at < 0 && left > 0; left--) at = this.#extreme[-at];
    return Math.max(0, at);
  }

  /** Makes two groups that are used as a whole one. The one of the higher rank stays, so that the way to it stays short. Returns it. */
  unite(one: number, other: number): number {
    const first = this.#first;
    const to = first[one] >> RANK_SHIFT < first[other] >> RANK_SHIFT ? other : one;
    const from = to === one ? other : one;
    if (first[to] >> RANK_SHIFT === first[from] >> RANK_SHIFT) first[to] += 1 << RANK_SHIFT;
    this.#extreme[from] = -to;
    this.#uses[to]++;
    this.#release(from);
    return to;
  }

  #release(group: number): void {
    for (let at = group; at !== 0 && --this.#uses[at] === 0; ) {
      const parent = Math.max(0, -this.#extreme[at]);
      this.#uses[at] = this.#free;
      this.#free = at;
      at = parent;
    }
  }

  /** All groups are in use, most of them only as a step on the way to another: each order gets its group itself. */
  #flatten(): void {
    const { group } = this;
    for (let slot = 0; slot < group.length; slot++) {
      if (group[slot] === 0) continue;
      const root = this.find(slot);
      if (root === group[slot]) continue;
      this.#uses[root]++;
      this.leave(slot);
      group[slot] = root;
    }
  }
}
