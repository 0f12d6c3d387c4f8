import type { PriceTicks } from '../units.ts';
import type { OffsetHeap } from './offset-heap.ts';
import type { OrderSlab } from './order-slab.ts';
import { StopHeap } from './stop-heap.ts';
import type { TrailGroups } from './trail-groups.ts';

const NIL = -1;
const FIRST_CAPACITY = 16;
/** Level of a trailing stop that follows and is not the first of its group. */
export const FOLLOWS = -(2 ** 31);

/** What the trailing stops of all symbols share. */
export interface TrailMemory {
  readonly slab: OrderSlab;
  readonly groups: TrailGroups;
  readonly offsets: OffsetHeap;
  /** The present stop price of the pending stop in `slot`. */
  stopPrice(slot: number): PriceTicks;
}

/**
 * The trailing stops of one symbol, side, trigger, and unit of offset. Those that
 * follow are in groups of equal extreme, oldest first: the best price since an
 * earlier time is as good or better, so the extremes of the groups get worse. A
 * new best price makes the newest groups that it reaches one, and no order is
 * touched for it. Only the first order of a group is in the heap of stops, with
 * its present stop price: of one group, the smallest offset triggers first.
 * Each step is O(log n), amortised over the groups. One thread owns it.
 */
export class TrailBook {
  /** Those that do not follow yet, by activation price. */
  readonly waiting: StopHeap;
  /** Best price since {@link follow}; 0 = none. */
  best: PriceTicks = 0;
  /** Whether stop prices have changed since a reader last reset it. */
  changed = false;
  /** Orders that follow and are not the first of their group. */
  behind = 0;
  readonly #memory: TrailMemory;
  readonly #stops: StopHeap;
  /** 1 for sells, which follow the highest price; -1 for buys. */
  readonly #sign: number;
  /** Groups, oldest first. */
  #stack = new Int32Array(FIRST_CAPACITY);
  #depth = 0;
  /** Groups among them that have no order left. */
  #empty = 0;

  /** @param stops the heap in which the first orders of the groups are @param side 0 = buy, 1 = sell */
  constructor(memory: TrailMemory, stops: StopHeap, side: number) {
    this.#memory = memory;
    this.#stops = stops;
    this.#sign = side === 0 ? -1 : 1;
    this.waiting = new StopHeap(memory.slab, 1 - side);
  }

  /** Orders in all. */
  get count(): number {
    return this.waiting.count + this.behind + this.#depth - this.#empty;
  }

  /** The trigger price was `price`. */
  saw(price: PriceTicks): void {
    if (this.count === 0) return;
    if (this.best === 0 || this.#isBetter(price, this.best)) this.best = price;
  }

  /**
   * The orders that follow reach the best price that was seen; if that makes more than `most` groups one with another, a price on the way to it.
   * Returns how many groups it made one with another.
   */
  raise(most: number): number {
    return this.#raise(this.best, most);
  }

  /** Call it when all have reached the best price. Returns the slot of an order that this price activates, which the caller adds again; -1 when there is none: nothing is left to follow then. */
  activate(): number {
    const { first } = this.waiting;
    if (first === NIL || this.#isBetter(this.#memory.slab.next(first), this.best)) {
      this.best = 0;
      return NIL;
    }
    this.waiting.remove(first);
    this.changed = true;
    return first;
  }

  /** The order in `slot` waits for its activation price, which is its `next`. */
  addWaiting(slot: number): void {
    this.waiting.add(slot);
  }

  /** The order in `slot` follows from `extreme`, as the newest: no other order follows from a worse price. */
  addFollowing(slot: number, extreme: PriceTicks): void {
    const { groups } = this.#memory;
    const newest = this.#depth === 0 ? 0 : this.#stack[this.#depth - 1];
    this.#join(newest !== 0 && groups.extreme(newest) === extreme ? newest : this.addGroup(extreme), slot);
  }

  /** The order in `slot` follows from `extreme`, which its group had when it left it. Nothing was followed since. */
  addAgain(slot: number, extreme: PriceTicks): void {
    const { groups } = this.#memory;
    const at = this.#placeOf(extreme);
    if (at === this.#depth || groups.extreme(this.#stack[at]) !== extreme) {
      this.#push(0);
      this.#stack.copyWithin(at + 1, at, this.#depth - 1);
      this.#stack[at] = groups.create(extreme);
      this.#empty++;
    }
    this.#join(this.#stack[at], slot);
  }

  /** Adds the newest group, which has no order yet. Returns it. */
  addGroup(extreme: PriceTicks): number {
    const group = this.#memory.groups.create(extreme);
    this.#push(group);
    this.#empty++;
    return group;
  }

  #push(group: number): void {
    if (this.#depth === this.#stack.length) {
      const larger = new Int32Array(2 * this.#depth);
      larger.set(this.#stack);
      this.#stack = larger;
    }
    this.#stack[this.#depth++] = group;
  }

  remove(slot: number): void {
    if (this.#memory.groups.group[slot] === 0) this.waiting.remove(slot);
    else this.#leave(slot);
    if (this.count === 0) this.best = 0;
  }

  #leave(slot: number): void {
    const { groups, offsets, slab } = this.#memory;
    const group = groups.find(slot);
    const first = groups.first(group);
    groups.leave(slot);
    if (first === slot) {
      this.#stops.remove(slot);
      const next = offsets.removeRoot(slot);
      groups.setFirst(group, next);
      if (next === NIL) return this.#noteEmpty();
      this.#lead(next);
    } else {
      offsets.remove(slot, first);
      slab.setLevel(slot, NIL);
    }
    this.behind--;
  }

  /** Extremes of the groups that have orders, oldest first. Cold. */
  extremes(): PriceTicks[] {
    const { groups } = this.#memory;
    return this.#groups()
      .filter((group) => groups.first(group) !== NIL)
      .map((group) => groups.extreme(group));
  }

  /** Slots of the orders that are in no heap of stops, in no particular order. Cold. */
  slots(): number[] {
    const { groups, offsets } = this.#memory;
    const behind = (first: number): number[] => offsets.slots(first).filter((slot) => slot !== first);
    return [...this.waiting.slots(), ...this.#groups().flatMap((group) => behind(groups.first(group)))];
  }

  #groups(): number[] {
    return [...this.#stack.subarray(0, this.#depth)];
  }

  /** The groups that `price` reaches become one, with this extreme: the newest, and up to `most` others. If more are left, its extreme is that of the last one so far. */
  #raise(price: PriceTicks, most: number): number {
    const { groups, offsets, slab } = this.#memory;
    const stack = this.#stack;
    let one = 0;
    let reached = price;
    let merged = 0;
    while (this.#depth > 0) {
      const newest = stack[this.#depth - 1];
      const extreme = groups.extreme(newest);
      if (this.#isBetter(extreme, price) || (extreme === price && one === 0)) break;
      const first = groups.first(newest);
      if (first !== NIL && merged === most) return this.#endRaise(one, reached, merged);
      this.#depth--;
      if (first === NIL) {
        this.#empty--;
        groups.drop(newest);
        continue;
      }
      reached = extreme;
      this.#stops.remove(first);
      slab.setLevel(first, FOLLOWS);
      if (one === 0) one = newest;
      else {
        const heap = offsets.meld(groups.first(one), first);
        one = groups.unite(one, newest);
        groups.setFirst(one, heap);
        this.behind++;
        merged++;
      }
    }
    return one === 0 ? 0 : this.#endRaise(one, price, merged);
  }

  /** The groups that were made one are the newest. */
  #endRaise(group: number, extreme: PriceTicks, merged: number): number {
    const { groups } = this.#memory;
    this.changed = true;
    groups.setExtreme(group, extreme);
    this.#push(group);
    this.#lead(groups.first(group));
    return merged;
  }

  #join(group: number, slot: number): void {
    const { groups, offsets, slab } = this.#memory;
    const before = groups.first(group);
    groups.join(slot, group);
    offsets.single(slot);
    const first = offsets.meld(before, slot);
    groups.setFirst(group, first);
    if (before === NIL) this.#empty--;
    else this.behind++;
    if (first !== slot) return slab.setLevel(slot, FOLLOWS);
    if (before !== NIL) {
      // Its place is found by its level; its `next`, the stop price so far, is another word now.
      this.#stops.remove(before);
      slab.setLevel(before, FOLLOWS);
    }
    this.#lead(slot);
  }

  /** The order in `slot` is the first of its group. */
  #lead(slot: number): void {
    this.#memory.slab.setNext(slot, this.#memory.stopPrice(slot));
    this.#stops.add(slot);
  }

  /** A group has lost its last order. Of the groups, at most half are empty. */
  #noteEmpty(): void {
    const { groups } = this.#memory;
    if (++this.#empty * 2 <= this.#depth) return;
    const stack = this.#stack;
    let kept = 0;
    for (let i = 0; i < this.#depth; i++) {
      if (groups.first(stack[i]) === NIL) groups.drop(stack[i]);
      else stack[kept++] = stack[i];
    }
    this.#depth = kept;
    this.#empty = 0;
  }

  /** Place of the first group whose extreme is not better than this one. */
  #placeOf(extreme: PriceTicks): number {
    const { groups } = this.#memory;
    let low = 0;
    let high = this.#depth;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#isBetter(groups.extreme(this.#stack[middle]), extreme)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isBetter(one: PriceTicks, other: PriceTicks): boolean {
    return this.#sign * (one - other) > 0;
  }
}
