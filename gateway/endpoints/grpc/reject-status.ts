import { Code } from '../../../engine/codes.ts';
import type { Reject, RejectCause } from '../../reject.ts';
import { type CallFault, GrpcStatus } from './status.ts';

/** Every other code concerns the frame or the metadata: INVALID_ARGUMENT. */
const BY_CODE = new Map<Code, GrpcStatus>([
  [Code.WRONG_SCHEMA_VERSION, GrpcStatus.FailedPrecondition],
  [Code.FRAME_TOO_LARGE, GrpcStatus.ResourceExhausted],
  [Code.REPORTS_GONE, GrpcStatus.OutOfRange],
  [Code.UNAUTHENTICATED, GrpcStatus.Unauthenticated],
  [Code.PERMISSION_DENIED, GrpcStatus.PermissionDenied],
  [Code.BUSY, GrpcStatus.ResourceExhausted],
  [Code.DRAINING, GrpcStatus.Unavailable],
  [Code.UNKNOWN_ACCOUNT, GrpcStatus.NotFound],
  [Code.UNKNOWN_SYMBOL, GrpcStatus.NotFound],
]);

const BY_CAUSE: Readonly<Record<RejectCause, GrpcStatus>> = {
  unavailable: GrpcStatus.Unavailable,
  'beyond-end': GrpcStatus.OutOfRange,
};

/** The status that a call ends with because of a reject. */
export function statusOf({ code, cause, details }: Reject): CallFault {
  return { code: cause === undefined ? (BY_CODE.get(code) ?? GrpcStatus.InvalidArgument) : BY_CAUSE[cause], details };
}
