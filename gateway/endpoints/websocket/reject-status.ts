import { Code } from '../../../engine/codes.ts';
import type { Reject, RejectCause } from '../../reject.ts';

/** RFC 6455, 7.4.1: the server goes away. */
export const GOING_AWAY = 1001;
/** A message is too long. */
export const TOO_LONG = 1009;
/** Maximum length of a close frame's reason, bytes (RFC 6455, 5.5). */
export const MAX_REASON_BYTES = 123;

/** Close codes are private ones of openbell; each is 4000 above the number of gRPC's status for the same reject. */
const CLOSE_BY_CODE = new Map<Code, number>([
  [Code.WRONG_SCHEMA_VERSION, 4009],
  [Code.FRAME_TOO_LARGE, 4008],
  [Code.REPORTS_GONE, 4011],
  [Code.UNAUTHENTICATED, 4016],
  [Code.PERMISSION_DENIED, 4007],
  [Code.BUSY, 4008],
  [Code.DRAINING, 4014],
  [Code.UNKNOWN_ACCOUNT, 4005],
  [Code.UNKNOWN_SYMBOL, 4005],
]);
const CLOSE_BY_CAUSE: Readonly<Record<RejectCause, number>> = { unavailable: 4014, 'beyond-end': 4011 };
/** The frame or the query is wrong. */
const CLOSE_INVALID = 4003;

/** The close code of a session that ends because of a reject. */
export function closeCodeOf({ code, cause }: Reject): number {
  return cause === undefined ? (CLOSE_BY_CODE.get(code) ?? CLOSE_INVALID) : CLOSE_BY_CAUSE[cause];
}

export const TOO_MANY = '429 Too Many Requests';
export const UNAVAILABLE = '503 Service Unavailable';
export const FORBIDDEN = '403 Forbidden';
export const UNAUTHORIZED = '401 Unauthorized';

const UPGRADE_BY_CODE = new Map<Code, string>([
  [Code.FRAME_TOO_LARGE, TOO_MANY],
  [Code.REPORTS_GONE, '410 Gone'],
  [Code.UNAUTHENTICATED, UNAUTHORIZED],
  [Code.PERMISSION_DENIED, FORBIDDEN],
  [Code.BUSY, TOO_MANY],
  [Code.DRAINING, UNAVAILABLE],
  [Code.UNKNOWN_ACCOUNT, '404 Not Found'],
]);

/** The HTTP status line of a rejected upgrade. */
export function upgradeStatusOf({ code, cause }: Reject): string {
  if (cause === 'unavailable') return UNAVAILABLE;
  return UPGRADE_BY_CODE.get(code) ?? '400 Bad Request';
}
