/** A broken invariant. It means a bug in openbell or a damaged state, never bad input. */
export class InvariantError extends Error {
  readonly code = 'OPENBELL_INVARIANT';
}

/** Stays on in production. Keep `detail` a constant, or build it only in {@link fail}, so that the hot path allocates nothing. */
export function assert(condition: boolean, detail: string): asserts condition {
  if (!condition) fail(detail);
}

/** The cold path of a failed check. Build the message in the call to it, outside the hot function. */
export function fail(detail: string): never {
  throw new InvariantError(detail);
}
