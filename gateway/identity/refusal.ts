import { Code, codeName } from '../../engine/codes.ts';
import { type CallFault, GrpcStatus } from '../endpoints/grpc/status.ts';

/** Why somebody is not let in, or not let do something. */
export class IdentityRefusal {
  readonly code: typeof Code.UNAUTHENTICATED | typeof Code.PERMISSION_DENIED | typeof Code.BUSY;
  /** What he is told: what to do, and nothing that helps to guess. */
  readonly message: string;
  /** What the log says. Never a token, a key or a signature. */
  readonly reason: string;
  /** Who, if his credentials were signed by somebody who is believed; else empty. */
  readonly subject: string;

  constructor(code: IdentityRefusal['code'], message: string, reason: string, subject: string = '') {
    this.code = code;
    this.message = message;
    this.reason = reason;
    this.subject = subject;
  }

  /** How a call or a session ends because of it. */
  get fault(): CallFault {
    return { code: GRPC[this.code], details: `${codeName(this.code)}: ${this.message}` };
  }

  get httpStatus(): 401 | 403 | 503 {
    return HTTP[this.code];
  }
}

const GRPC = {
  [Code.UNAUTHENTICATED]: GrpcStatus.Unauthenticated,
  [Code.PERMISSION_DENIED]: GrpcStatus.PermissionDenied,
  [Code.BUSY]: GrpcStatus.Unavailable,
} as const;
const HTTP = { [Code.UNAUTHENTICATED]: 401, [Code.PERMISSION_DENIED]: 403, [Code.BUSY]: 503 } as const;

/** @param reason for the log only */
export function unauthenticated(reason: string, subject?: string): IdentityRefusal {
  return new IdentityRefusal(Code.UNAUTHENTICATED, 'the credentials are missing, wrong or have expired', reason, subject);
}
