/** The entries that are remembered, in order of arrival, as their rule reads: every count is taken again. Shares no code with the engine. */
export class NaiveWindows<T extends { readonly account: number }> {
  entries: T[] = [];
  readonly #window: number;
  readonly #share: number;

  constructor(window: number, share: number) {
    this.#window = window;
    this.#share = share;
  }

  /** Adds an entry, and returns the one that is forgotten for it. */
  add(entry: T): T | undefined {
    const loser = this.#loser(entry.account);
    const forgotten = loser === undefined ? undefined : this.entries.find(({ account }) => account === loser);
    if (forgotten !== undefined) this.entries.splice(this.entries.indexOf(forgotten), 1);
    this.entries.push(entry);
    return forgotten;
  }

  held(account: number): number {
    return this.entries.filter((entry) => entry.account === account).length;
  }

  /** By account, oldest first. */
  byAccount(): T[] {
    return this.entries
      .map((entry, at) => ({ entry, at }))
      .sort((a, b) => a.entry.account - b.entry.account || a.at - b.at)
      .map(({ entry }) => entry);
  }

  #loser(account: number): number | undefined {
    if (this.held(account) >= this.#share) return account;
    if (this.entries.length < this.#window) return undefined;
    const sizes = new Map(this.entries.map((entry) => [entry.account, size(this.held(entry.account))]));
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
