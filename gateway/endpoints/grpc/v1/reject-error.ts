import type { Reject } from '../../../reject.ts';

/** A reject that is thrown. */
export class RejectError extends Error {
  readonly reject: Reject;

  constructor(reject: Reject) {
    super(reject.details);
    this.reject = reject;
  }
}
