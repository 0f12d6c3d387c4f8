import { Code } from '../codes.ts';
import { ICEBERG_BIT as ICEBERG } from '../wire/order-kinds.ts';
import type { OrderChecks } from './order-checks.ts';
import type { OrderRequest } from './order-request.ts';

const { OK } = Code;

/** One check. It returns OK or one of `codes`. */
export interface OrderCheck {
  readonly codes: readonly Code[];
  readonly check: (checks: OrderChecks, order: OrderRequest) => Code;
}

export const CONTROL_CODES: readonly Code[] = [Code.ACCOUNT_SUSPENDED, Code.KILL_SWITCH, Code.THROTTLED, Code.ORDER_TO_TRADE];

/** Of {@link OrderChecks.symbolLimits}, in sequence. */
export const LIMIT_CODES: readonly Code[] = [
  Code.QUANTITY_MIN,
  Code.QUANTITY_MAX,
  Code.LOT,
  Code.PRICE_RANGE,
  Code.TICK,
  Code.PRICE_BAND,
  Code.NOTIONAL_MIN,
  Code.NOTIONAL_MAX,
];

/**
 * The checks of a new order, in sequence. The first check that fails determines
 * the answer. docs/CODES.md lists the checks in the same sequence, which a test
 * verifies. {@link OrderChecks.newOrder} makes the same checks without a loop.
 */
export const NEW_ORDER_CHECKS: readonly OrderCheck[] = [
  { codes: [Code.BAD_CLIENT_ORDER_ID], check: (c, o) => c.clientOrderId(o) },
  { codes: [Code.CLIENT_ORDER_ID_TOO_OLD], check: (c, o) => c.clientOrderIdAge(o) },
  {
    codes: [...CONTROL_CODES, Code.POSITION_LIMIT, Code.EXPOSURE_LIMIT],
    check: (c, o) => c.controls(o),
  },
  { codes: [Code.UNKNOWN_SYMBOL, Code.SYMBOL_HALTED, Code.SYMBOL_CLOSED, Code.NOT_IN_AUCTION], check: (c, o) => c.phase(o) },
  { codes: [Code.NO_SESSION, Code.EXPIRY_PAST], check: (c, o) => c.lifetime(o) },
  { codes: [Code.NO_PRICE_LEFT], check: (c, o) => c.reprice(o) },
  {
    codes: [...LIMIT_CODES, Code.DISPLAYED_QUANTITY],
    check: (c, o) => c.symbolLimits(o) || ((o.lifetimeBits & ICEBERG) === 0 ? OK : c.displayed(o, true)),
  },
  { codes: [Code.OPEN_ORDER_LIMIT, Code.BOOK_FULL, Code.ORDER_SHARE_FULL], check: (c, o) => c.room(o) },
  {
    codes: [
      Code.NO_LIQUIDITY,
      Code.INSUFFICIENT_FUNDS,
      Code.NOTIONAL_MAX,
      Code.NOTIONAL_MIN,
      Code.FOK_NOT_FILLABLE,
      Code.MIN_QUANTITY_NOT_FILLABLE,
    ],
    check: (c, o) => c.marketFunds(o),
  },
  { codes: [Code.INSUFFICIENT_FUNDS], check: (c, o) => c.limitFunds(o) },
  { codes: [Code.FOK_NOT_FILLABLE, Code.MIN_QUANTITY_NOT_FILLABLE, Code.POST_ONLY_WOULD_TRADE], check: (c, o) => c.liquidity(o) },
];

/**
 * The codes of the checks of an amend, in sequence, after UNKNOWN_ACCOUNT and UNKNOWN_ORDER. docs/CODES.md lists them in the same
 * sequence, which a test verifies. {@link OrderChecks.amend} makes the checks.
 */
export const AMEND_CHECKS: readonly (readonly Code[])[] = [
  [...CONTROL_CODES, Code.POSITION_LIMIT, Code.EXPOSURE_LIMIT],
  [Code.SYMBOL_HALTED, Code.SYMBOL_CLOSED, Code.NOT_IN_AUCTION],
  [Code.QUANTITY_MIN, Code.QUANTITY_MAX, Code.LOT, Code.PRICE_RANGE, Code.TICK, Code.PRICE_BAND, Code.NOTIONAL_MIN, Code.NOTIONAL_MAX],
  [Code.INSUFFICIENT_FUNDS],
  [Code.POST_ONLY_WOULD_TRADE],
  [Code.LEVELS_FULL, Code.LEVEL_SHARE_FULL],
];

/** The same for an amend to less at the same price; see {@link OrderChecks.lower}. */
export const LOWER_CHECKS: readonly (readonly Code[])[] = [CONTROL_CODES, [Code.QUANTITY_MIN, Code.LOT, Code.NOTIONAL_MIN]];
