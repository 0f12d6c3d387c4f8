/** Sends what is written during a turn of the engine, all of a connection at once. I/O thread. */
export interface Outlet {
  /** A turn begins: what is written waits for `release`, which costs less than a tick of Node. */
  hold(): void;
  /** The reports of the turn are with their sessions: sends what they have written. Does nothing without `hold`. */
  release(): void;
  /** The market events of the turn are with market data, and its reports have left. */
  publish(): void;
}

export const NO_OUTLET: Outlet = { hold: () => undefined, release: () => undefined, publish: () => undefined };
