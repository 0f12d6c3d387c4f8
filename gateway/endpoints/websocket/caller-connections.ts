/** Counts the connections of each caller, and bounds them. I/O thread. */
export class CallerConnections {
  readonly #byCaller = new Map<string, number>();
  readonly #most: number;

  /** @param most connections of one caller */
  constructor(most: number) {
    this.#most = most;
  }

  /** @returns a function to call once when the connection has closed; undefined: the caller has as many as it may */
  enter(caller: string): (() => void) | undefined {
    const own = this.#byCaller.get(caller) ?? 0;
    if (own >= this.#most) return undefined;
    this.#byCaller.set(caller, own + 1);
    return () => this.#leave(caller);
  }

  #leave(caller: string): void {
    const own = this.#byCaller.get(caller) ?? 0;
    if (own > 1) this.#byCaller.set(caller, own - 1);
    else this.#byCaller.delete(caller);
  }
}
