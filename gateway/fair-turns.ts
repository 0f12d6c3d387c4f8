/** Time for the work of all owners together per turn of the event loop, ms. */
const TURN_MS = 0.5;

/** Whose work is bounded. */
export interface TurnOwner {
  /** Called when it is the owner's turn, once for each `now` that was false. */
  onTurn(): void;
}

/**
 * Bounds the time that work of one kind takes per turn of the event loop. Beyond it owners wait, and then take turns, so
 * that none delays the others or the orders that arrive. I/O thread.
 */
export class FairTurns {
  /** Who waits. The one whose turn is next comes first. */
  readonly #waiting = new Set<TurnOwner>();
  /** End of this turn's time, ms of the monotonic clock; 0 until its first work. */
  #end = 0;
  /** Whose turn it is, until its piece of work. */
  #turnOf: TurnOwner | undefined;

  /** Whether the owner may do a piece of work now. If not, its turn comes later. */
  now(owner: TurnOwner): boolean {
    this.#begin();
    const granted = this.#turnOf === owner;
    this.#turnOf = undefined;
    if (granted || (this.#waiting.size === 0 && performance.now() < this.#end)) return true;
    this.#waiting.add(owner);
    return false;
  }

  /** The owner has gone. */
  forget(owner: TurnOwner): void {
    this.#waiting.delete(owner);
  }

  #begin(): void {
    if (this.#end !== 0) return;
    this.#end = performance.now() + TURN_MS;
    setImmediate(this.#next);
  }

  readonly #next = (): void => {
    this.#end = 0;
    if (this.#waiting.size === 0) return;
    this.#begin();
    for (const owner of this.#waiting) {
      if (performance.now() >= this.#end) break;
      // Before its work: it may wait again, behind the others.
      this.#waiting.delete(owner);
      this.#turnOf = owner;
      owner.onTurn();
    }
    this.#turnOf = undefined;
  };
}
