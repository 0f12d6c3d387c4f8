import { NumberQueue } from '../book/number-queue.ts';
import type { MachineState } from './state.ts';

const NIL = -1;

/** Children of a symbol whose lots became due, the oldest first. Some have ended since, or had their turn. */
interface Arrivals {
  readonly ids: number[];
  /** Number of each entry; it grows over all symbols. */
  readonly numbers: number[];
  at: number;
  end: number;
}

/**
 * The children with lots that are due, in the order of their turns: those of a symbol in the order of the fills, and
 * symbols in turn, a list each. So one symbol with many does not hold up the others. Before rules 7, all are in the order of the fills.
 * Siblings become live together, with the turn of the first. Owned by the engine thread.
 */
export class DueChildren {
  readonly #state: MachineState;
  readonly #slab: MachineState['slab'];
  readonly #links: MachineState['links'];
  /** Symbols with lots that are due, in the order of their turns. */
  readonly #turns = new NumberQueue();
  readonly #arrivals: (Arrivals | undefined)[] = [];
  /** By slot: number of its entry. */
  readonly #numberOf: Float64Array;
  #number = 0;
  /** Number of the entry whose turn it is. */
  #its = 0;
  /** The turns are those of rules 7. */
  #takeTurns = false;

  constructor(state: MachineState) {
    this.#state = state;
    this.#slab = state.slab;
    this.#links = state.links;
    this.#numberOf = new Float64Array(state.slab.capacity);
  }

  /** The order in `slot`, of which no lots are due, is last of its symbol. */
  push(slot: number): void {
    const symbol = this.#slab.symbol(slot);
    while (this.#arrivals.length <= symbol) this.#arrivals.push(undefined);
    const its = this.#arrivals[symbol] ?? { ids: [], numbers: [], at: 0, end: 0 };
    this.#arrivals[symbol] = its;
    if (this.#links.dueIn[symbol] === 0) this.#turns.push(symbol);
    this.#numberOf[slot] = ++this.#number;
    its.ids[its.end] = this.#slab.id[slot];
    its.numbers[its.end++] = this.#number;
  }

  /** Call it when lots of an order are no longer due. */
  cleared(symbol: number): void {
    const its = this.#arrivals[symbol];
    if (its === undefined || its.at === its.end || this.#links.dueIn[symbol] !== 0) return;
    its.at = 0;
    its.end = 0;
    this.#turns.remove(symbol);
  }

  /** Slot of the order whose turn it is. Some lots are due. */
  next(): number {
    this.#takeTurnsByRules();
    const its = this.#arrivals[this.#turns.first] as Arrivals;
    this.#skipEnded(its);
    this.#its = its.numbers[its.at];
    return this.#slab.find(its.ids[its.at]);
  }

  /** The order of a symbol that `next` returned has had its turn. @param sibling id, 0 = none */
  passTurn(symbol: number, sibling: number): void {
    const turns = this.#turns;
    if (this.#takeTurns) {
      if (turns.first === symbol) turns.push(turns.shift());
      return;
    }
    const its = this.#arrivals[symbol] as Arrivals;
    if (its.at === its.end || its.numbers[its.at] !== this.#its) return;
    its.at += its.at + 1 < its.end && its.ids[its.at + 1] === sibling ? 2 : 1;
  }

  /** Slots of all, by symbol in the order of their turns. Cold. */
  inOrder(): number[] {
    this.#takeTurnsByRules();
    const entries: { slot: number; number: number }[] = [];
    for (let turn = 0; turn < this.#turns.length; turn++) {
      const its = this.#arrivals[this.#turns.at(turn)] as Arrivals;
      for (let i = its.at; i < its.end; i++) {
        const slot = this.#slab.find(its.ids[i]);
        if (this.#isDue(slot, its.numbers[i])) entries.push({ slot, number: its.numbers[i] });
      }
    }
    if (!this.#takeTurns) entries.sort((a, b) => a.number - b.number);
    return entries.map(({ slot }) => slot);
  }

  /** Before rules 7 the symbol of the oldest entry is first. At the step, and after a snapshot, the turns begin in this order. */
  #takeTurnsByRules(): void {
    const takeTurns = this.#state.rules >= 7;
    if (this.#takeTurns && takeTurns) return;
    this.#takeTurns = takeTurns;
    const oldest = (symbol: number): number => {
      const its = this.#arrivals[symbol] as Arrivals;
      this.#skipEnded(its);
      return its.numbers[its.at];
    };
    const symbols: number[] = [];
    while (this.#turns.length > 0) symbols.push(this.#turns.shift());
    for (const symbol of symbols.sort((a, b) => oldest(a) - oldest(b))) this.#turns.push(symbol);
  }

  /** The symbol has lots that are due. */
  #skipEnded(its: Arrivals): void {
    while (!this.#isDue(this.#slab.find(its.ids[its.at]), its.numbers[its.at])) its.at++;
    // Of a queue that never gets empty, the part that was used goes.
    if (its.at < 1024 || its.at * 2 < its.end) return;
    its.ids.copyWithin(0, its.at, its.end);
    its.numbers.copyWithin(0, its.at, its.end);
    its.end -= its.at;
    its.at = 0;
  }

  /** Before rules 7, an entry counts also if a later one of the order does. */
  #isDue(slot: number, number: number): boolean {
    return slot !== NIL && this.#links.dueOf(slot) !== 0 && (!this.#takeTurns || this.#numberOf[slot] === number);
  }
}
