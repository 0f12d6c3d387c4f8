import { Code } from '../../../engine/codes.ts';

/** Every other code: the exchange's state does not allow it, 409. */
const BY_CODE = new Map<Code, number>([
  [Code.UNAUTHENTICATED, 401],
  [Code.PERMISSION_DENIED, 403],
  [Code.UNKNOWN_ACCOUNT, 404],
  [Code.UNKNOWN_SYMBOL, 404],
  [Code.UNKNOWN_ASSET, 404],
  [Code.UNKNOWN_ORDER, 404],
  [Code.BAD_PARAMETER, 400],
  [Code.CAPACITY, 400],
  [Code.BAD_RANGE, 400],
  [Code.BAD_ENUM, 400],
  [Code.BAD_CLIENT_ORDER_ID, 400],
  [Code.ILLEGAL_COMBINATION, 400],
  [Code.UNSUPPORTED_TERM, 400],
  [Code.THROTTLED, 429],
  [Code.ORDER_TO_TRADE, 429],
  [Code.MASS_CANCEL_RATE, 429],
  [Code.REPORTS_GONE, 410],
  [Code.BUSY, 503],
  [Code.DISK_FULL, 503],
  [Code.DRAINING, 503],
]);

/** The HTTP status of a reject. */
export function statusOf({ code }: { readonly code: Code }): number {
  return BY_CODE.get(code) ?? 409;
}
