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
  [Code.BUSY, 503],
  [Code.DISK_FULL, 503],
  [Code.DRAINING, 503],
]);

/** The HTTP status of a reject. */
export function statusOf({ code }: { readonly code: Code }): number {
  return BY_CODE.get(code) ?? 409;
}
