import type { PriceTicks } from '../units.ts';
import type { OrderSlab } from './order-slab.ts';
import { StopHeap } from './stop-heap.ts';
import { NO_KEY, StopWaves } from './stop-waves.ts';
import { TrailBook, type TrailMemory } from './trail-book.ts';

const NIL = -1;
/** Above the keys of all stops. */
const ALL = 2 ** 31 - 1;

/**
 * The pending stops of one symbol, and the waves of them that prices have
 * crossed. What a price crossed stays crossed, wherever the price goes then: it
 * triggers when it is its turn, wave by wave: those of one side whose key is at most that of their trigger. A wave is not a list of orders but
 * the farthest price; so crossing a thousand stops takes as long as crossing one.
 * While a side has a wave, a new stop within it counts as crossed too.
 * One thread owns it.
 */
export class StopBook {
  /** By `side * 2 + Trigger`. */
  readonly heaps: readonly [StopHeap, StopHeap, StopHeap, StopHeap];
  readonly waves = new StopWaves();
  /** Trailing stops, by `(side * 2 + Trigger) * 2`, + 1 for offsets in parts per million. Undefined before the first one. */
  readonly trails: (TrailBook | undefined)[] = [];
  /** Trailing stops that do not trail yet, by side; see TrailBegins. */
  readonly begins: readonly [StopHeap, StopHeap];
  /** The farthest key of a wave, by heap. */
  readonly #crossed = new Int32Array(4).fill(NO_KEY);

  constructor(slab: OrderSlab) {
    this.heaps = [new StopHeap(slab, 0), new StopHeap(slab, 0), new StopHeap(slab, 1), new StopHeap(slab, 1)];
    this.begins = [new StopHeap(slab, 0), new StopHeap(slab, 1)];
  }

  get count(): number {
    let count = this.begins[0].count + this.begins[1].count;
    for (const heap of this.heaps) count += heap.count;
    for (const trail of this.trails) if (trail !== undefined) count += trail.behind + trail.waiting.count;
    return count;
  }

  /** @param number as in {@link trails} */
  trail(number: number, memory: TrailMemory): TrailBook {
    while (this.trails.length <= number) this.trails.push(undefined);
    const trail = this.trails[number] ?? new TrailBook(memory, this.heaps[number >> 1], number >> 2);
    this.trails[number] = trail;
    return trail;
  }

  /** Whether stops of a side are due. Ends waves of which no stop is left. */
  isDue(side: number): boolean {
    this.endEmpty();
    return this.waves.hasSide(side);
  }

  /** Whether trailing stops of a side have not followed a price yet. */
  isBehind(side: number): boolean {
    const { trails } = this;
    const end = Math.min(4 * side + 4, trails.length);
    for (let number = 4 * side; number < end; number++) if ((trails[number]?.best ?? 0) !== 0) return true;
    return false;
  }

  /** Ends the waves of which no stop is left: all have had their turn, or are cancelled. */
  endEmpty(): void {
    const { waves } = this;
    const before = waves.count;
    for (let wave = before - 1; wave >= 0; wave--) if (this.#firstOf(wave) === NIL) waves.remove(wave);
    if (waves.count === before) return;
    this.#crossed.fill(NO_KEY);
    for (let wave = 0; wave < waves.count; wave++) this.#noteCrossed(wave);
  }

  /** Slots of all stops, in no particular order. Cold. */
  slots(): number[] {
    return [
      ...[...this.heaps, ...this.begins].flatMap((heap) => [...heap.slots()]),
      ...this.trails.flatMap((trail) => trail?.slots() ?? []),
    ];
  }

  /** Whether a stop of this key waits in a wave, or would. @param heap `side * 2 + Trigger` */
  isCrossed(heap: number, key: number): boolean {
    this.endEmpty();
    return key <= this.#crossed[heap];
  }

  /**
   * Trigger prices moved from `first` to `last`, without a turn in between. The side of which a stop was crossed first is first;
   * where one price crossed both, the buys are.
   * @param triggers bit `1 << Trigger` for each price that moved
   */
  moved(first: PriceTicks, last: PriceTicks, triggers: number): void {
    this.endEmpty();
    const buysFirst = last < first || this.#crosses(0, first) || this.#crosses(1, first);
    for (let n = 0; n < 2; n++) {
      const side = buysFirst ? n : 1 - n;
      this.cross(side, side === 0 ? Math.max(first, last) : -Math.min(first, last), triggers);
    }
  }

  /** The stops of a side up to `key` are due, after those that are due already. */
  cross(side: number, key: number, triggers: number): void {
    this.endEmpty();
    const crossed = this.#crossed;
    const farthest = Math.max(crossed[side * 2], crossed[side * 2 + 1]);
    let grows = false;
    let behind = true;
    for (let trigger = 0; trigger < 2; trigger++) {
      const heap = side * 2 + trigger;
      if ((triggers & (1 << trigger)) === 0 || !this.#crosses(heap, key)) continue;
      // All that is new in this heap comes after what the wave has.
      if (crossed[heap] < farthest) behind = false;
      crossed[heap] = key;
      grows = true;
    }
    if (!grows) return;
    const { waves } = this;
    const newest = waves.count - 1;
    if (newest >= 0 && waves.side(newest) === side && behind) waves.set(newest, crossed[side * 2], crossed[side * 2 + 1]);
    else this.addWave(side, crossed[side * 2], crossed[side * 2 + 1]);
  }

  /** Adds the newest wave as it is. */
  addWave(side: number, upToLast: number, upToReference: number): void {
    this.waves.push(side, upToLast, upToReference);
    this.#noteCrossed(this.waves.count - 1);
  }

  #noteCrossed(wave: number): void {
    const { waves } = this;
    const side = waves.side(wave);
    this.#crossed[side * 2] = waves.key(wave, 0);
    this.#crossed[side * 2 + 1] = waves.key(wave, 1);
  }

  /** Slot of the stop whose turn it is; -1 if none is due. */
  nextDue(): number {
    while (this.waves.count > 0) {
      const slot = this.#firstOf(0);
      if (slot !== NIL) return slot;
      this.#endWave();
    }
    return NIL;
  }

  /** Slot of the pending stop of a side that would trigger first, if both prices moved alike; of those that do not follow or trail yet if there is no other; -1 = none. */
  first(side: number): number {
    const first = this.#first(side, ALL, ALL);
    for (let n = 4 * side; first === NIL && n < Math.min(4 * side + 4, this.trails.length); n++) {
      const waiting = this.trails[n]?.waiting.first ?? NIL;
      if (waiting !== NIL) return waiting;
    }
    return first === NIL ? this.begins[side].first : first;
  }

  #firstOf(wave: number): number {
    const { waves } = this;
    return this.#first(waves.side(wave), waves.key(wave, 0), waves.key(wave, 1));
  }

  #first(side: number, upToLast: number, upToReference: number): number {
    const ofLast = this.heaps[side * 2];
    const ofReference = this.heaps[side * 2 + 1];
    const one = this.#reaches(side * 2, upToLast) ? ofLast.first : NIL;
    const other = this.#reaches(side * 2 + 1, upToReference) ? ofReference.first : NIL;
    if (one === NIL || other === NIL) return one === NIL ? other : one;
    return ofLast.before(other, one) ? other : one;
  }

  /** Ends the oldest wave. */
  #endWave(): void {
    const side = this.waves.side(0);
    this.waves.remove(0);
    if (this.waves.hasSide(side)) return;
    this.#crossed[side * 2] = NO_KEY;
    this.#crossed[side * 2 + 1] = NO_KEY;
  }

  /** Whether a heap crosses something at this key that was not crossed before. */
  #crosses(heap: number, key: number): boolean {
    return key > this.#crossed[heap] && this.#reaches(heap, key);
  }

  /** Whether a heap has a stop up to this key. */
  #reaches(heap: number, key: number): boolean {
    const { first } = this.heaps[heap];
    return first !== NIL && this.heaps[heap].keyOf(first) <= key;
  }
}
