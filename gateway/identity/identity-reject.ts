import { Code, codeName } from '../../engine/codes.ts';
import type { Reject, RejectCause } from '../reject.ts';

/** Why a caller is not authenticated or not authorized. BUSY: this cannot be decided now. */
export class IdentityReject implements Reject {
  readonly code: typeof Code.UNAUTHENTICATED | typeof Code.PERMISSION_DENIED | typeof Code.BUSY;
  readonly cause: RejectCause | undefined;
  /** For the caller: what to do. Contains nothing that helps to guess credentials. */
  readonly message: string;
  /** For the log. Never a token, a key or a signature. */
  readonly reason: string;
  /** The caller's subject if a trusted party signed the credentials; else empty. */
  readonly subject: string;

  constructor(code: IdentityReject['code'], message: string, reason: string, subject: string = '') {
    this.code = code;
    this.cause = code === Code.BUSY ? 'unavailable' : undefined;
    this.message = message;
    this.reason = reason;
    this.subject = subject;
  }

  get details(): string {
    return `${codeName(this.code)}: ${this.message}`;
  }
}

/** @param reason for the log only */
export function unauthenticated(reason: string, subject?: string): IdentityReject {
  return new IdentityReject(Code.UNAUTHENTICATED, 'the credentials are missing, wrong or have expired', reason, subject);
}
