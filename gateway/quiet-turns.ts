/** Slices never wait for less or more than that, ms, if orders come without a pause. */
const LEAST_PATIENCE_MS = 0.1;
const MOST_PATIENCE_MS = 1;
/** Patience per duration of the last slice: a third of the thread is left to slices, whatever orders come. */
const PATIENCE = 2;

/** The order processing of the thread, as Engine counts it. */
export interface OrderTurns {
  /** Turns of the event loop with order processing so far. */
  readonly turns: number;
  /** Orders wait for their processing in this turn. */
  readonly scheduled: boolean;
}

/** No order is ever processed. */
export const NO_ORDERS: OrderTurns = { turns: 0, scheduled: false };

/**
 * Orders first: the slices of all background work of the order thread run one in a turn of the event loop, and only in a turn without
 * orders. So an order that has arrived is processed, and its reports are sent, before the next slice. If orders come
 * without a pause, slices still get a third of the time. Prompt slices also run in turns with orders,
 * within that third. I/O thread.
 */
export class QuietTurns {
  readonly #waiting: (() => void)[] = [];
  /** Whether each of them is prompt. */
  readonly #prompt: boolean[] = [];
  #orders = NO_ORDERS;
  /** A slice is due, or runs. */
  #active = false;
  /** The next look, in the next turn of the event loop. */
  #immediate: NodeJS.Immediate | undefined;
  #seen = 0;
  /** When the next slice is due even in a turn with orders, ms of the monotonic clock. */
  #due = 0;
  #patience = LEAST_PATIENCE_MS;
  /** End of the last slice, ms of the monotonic clock. */
  #ended = 0;
  readonly #nowMs: () => number;

  /** @param nowMs the monotonic clock */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Makes slices wait for these orders. */
  after(orders: OrderTurns): void {
    this.#orders = orders;
  }

  /** Runs a slice in one of the next turns; slices run in the sequence of the calls. */
  next(slice: () => void): void {
    this.#request(slice, false);
  }

  /**
   * The same for a short slice that others wait for: it also runs in a turn with orders, unless slices have had their third of the time since the last one.
   */
  promptly(slice: () => void): void {
    this.#request(slice, true);
  }

  /**
   * Runs the next slice now if it is prompt, and slices have not had their third of the time. Call it when the orders of a turn are
   * processed, and their reports sent. Orders that arrive meanwhile wait for one slice, as they do in the next turn.
   */
  atTurnEnd(): void {
    if (!this.#active || this.#prompt.length === 0 || !this.#prompt[0]) return;
    const now = this.#nowMs();
    if (now < this.#due) return;
    this.#run(now);
    if (this.#active) return;
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
  }

  #request(slice: () => void, isPrompt: boolean): void {
    this.#waiting.push(slice);
    this.#prompt.push(isPrompt);
    if (this.#active) return;
    this.#active = true;
    this.#await();
  }

  #await(): void {
    this.#seen = this.#orders.turns;
    this.#due = (this.#prompt[0] ? this.#ended : this.#nowMs()) + this.#patience;
    this.#immediate ??= setImmediate(this.#look);
  }

  readonly #look = (): void => {
    this.#immediate = undefined;
    const { turns, scheduled } = this.#orders;
    const now = this.#nowMs();
    if ((scheduled || turns !== this.#seen) && now < this.#due) {
      this.#seen = turns;
      this.#immediate = setImmediate(this.#look);
      return;
    }
    this.#run(now);
  };

  #run(now: number): void {
    try {
      this.#prompt.shift();
      (this.#waiting.shift() as () => void)();
    } finally {
      this.#ended = this.#nowMs();
      this.#patience = Math.min(MOST_PATIENCE_MS, Math.max(LEAST_PATIENCE_MS, PATIENCE * (this.#ended - now)));
      this.#active = this.#waiting.length !== 0;
      if (this.#active) this.#await();
    }
  }
}
