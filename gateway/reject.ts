import { type Code, codeName } from '../engine/codes.ts';

/**
 * The cause of a reject, for codes with more than one:
 * - `unavailable`: BUSY because the exchange, or something that it needs, is unavailable, not because the caller
 *   has reached a limit.
 * - `beyond-end`: BAD_RANGE because a position lies after the last existing one, not because it is malformed.
 */
export type RejectCause = 'unavailable' | 'beyond-end';

/**
 * Why a request is rejected or a session ends, independent of the protocol. Each
 * endpoint maps code and cause to its own status.
 */
export interface Reject {
  readonly code: Code;
  readonly cause?: RejectCause | undefined;
  /** For the caller: what is wrong and what to do. */
  readonly details: string;
}

/** What an endpoint answers between listening and the end of the recovery. */
export const RECOVERING = 'the exchange is recovering; wait until /health/ready answers 200';

/** `details` begins with the code's name. */
export function reject(code: Code, text: string, cause?: RejectCause): Reject {
  return { code, cause, details: `${codeName(code)}: ${text}` };
}

/** What is wrong, without the code's name: for an answer that has a field for it. */
export function rejectText({ code, details }: Reject): string {
  return details.slice(`${codeName(code)}: `.length);
}
