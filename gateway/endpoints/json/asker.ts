/** Who asks, for the turns of queries, and how long work is done. */
export interface Asker {
  /** Whose share of the turns the request takes. */
  readonly caller: string;
  /** Runs long work in slices, in turn with that of other callers. */
  readonly inSlices: <T>(work: Generator<undefined, T>) => Promise<T>;
}
