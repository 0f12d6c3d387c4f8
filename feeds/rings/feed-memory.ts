/** Shared memory of feeds that this release cannot read. */
export class FeedMemoryError extends Error {
  readonly code = 'OPENBELL_FEED_MEMORY';

  /** @param what the memory should be @param found what it is */
  constructor(what: string, found: string) {
    super(`this is not ${what}, but ${found}: use the same release of openbell in all threads`);
  }
}
