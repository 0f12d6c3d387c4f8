/** The entries that are remembered, in order of arrival, as their rule reads: every count is taken again. Shares no code with the engine. */
export class NaiveWindows<T extends { readonly account: number }> {
  entries: T[] = [];
  readonly #window: number;
  readonly #share: number;
  readonly #shared: boolean;

  /** @param shared as before rules 3: one window for all, without shares */
  constructor(window: number, share: number, shared = false) {
    this.#window = window;
    this.#share = shared ? window : share;
    this.#shared = shared;
  }

  /** Adds an entry, and returns the one that is forgotten for it. */
  add(entry: T): T | undefined {
    const loser = this.#loser(this.#owner(entry));
    const forgotten = this.entries.find((other) => this.#owner(other) === loser);
    if (forgotten !== undefined) this.entries.splice(this.entries.indexOf(forgotten), 1);
    this.entries.push(entry);
    return forgotten;
  }

  held(account: number): number {
    return this.entries.filter((entry) => this.#owner(entry) === account).length;
  }

  /** By account, oldest first. */
  byAccount(): T[] {
    return this.entries
      .map((entry, at) => ({ entry, at }))
      .sort((a, b) => this.#owner(a.entry) - this.#owner(b.entry) || a.at - b.at)
      .map(({ entry }) => entry);
  }

  #owner(entry: T): number {
    return this.#shared ? 0 : entry.account;
  }

  #loser(account: number): number | undefined {
    if (this.held(account) >= this.#share) return account;
    if (this.entries.length < this.#window) return undefined;
    const sizes = new Map(this.entries.map((entry) => [this.#owner(entry), size(this.held(this.#owner(entry)))]));
    const most = Math.max(...sizes.values());
    // The largest number of the next lower size.
    const large = size(most - 1);
    if ((sizes.get(account) ?? 0) >= Math.max(large, 1)) return account;
    return Math.min(...[...sizes].filter(([, held]) => held === most).map(([id]) => id));
  }
}

/** The number of entries with its four highest bits. */
function size(held: number): number {
  let unit = 1;
  while (held >= unit * 16) unit *= 2;
  return Math.floor(held / unit) * unit;
}
