import { Code } from '../../../engine/codes.ts';
import type { OpenOrderInfo } from '../../../engine/threads/open-order-info.ts';
import type { NewCommand } from '../../client/order-commands.ts';
import { unitsOf } from './amounts.ts';
import type { Asker } from './asker.ts';
import { amendCommand, type OrderIds } from './order-commands.ts';
import { orderError } from './order-error.ts';
import type { OrderSources } from './order-sources.ts';
import type { AmendBody } from './schemas/trading.ts';
import { symbolNamed } from './symbol-named.ts';

/** The command of an amend. */
export interface Amendment {
  readonly command: NewCommand;
  /** The order as it was found; undefined: it was not looked for. */
  readonly open: OpenOrderInfo | undefined;
}

/** Whether an amend says all that its command needs: else the order has to be found. */
export function isWhole({ symbol, price, stopPx, limitOffset, trailOffset, trailPpm }: AmendBody): boolean {
  return symbol !== undefined && [price, stopPx, limitOffset, trailOffset, trailPpm].some((value) => value !== undefined);
}

/**
 * Makes the command of an amend. What it leaves out, symbol and price, is that of the order now: a price that another session changes in
 * between is set back.
 * @throws RequestError UNKNOWN_ORDER, also if the order is of another symbol
 */
export async function findAmendment(
  { directory }: Pick<OrderSources, 'directory'>,
  { inSlices }: Pick<Asker, 'inSlices'>,
  account: number,
  body: AmendBody,
  ids: OrderIds,
): Promise<Amendment> {
  const named = body.symbol === undefined ? undefined : symbolNamed(directory, body.symbol);
  if (named !== undefined && isWhole(body)) return { command: amendCommand(body, unitsOf(named), ids, undefined), open: undefined };
  const { orderId, clientOrderId } = ids;
  const search =
    orderId === 0 ? directory.restingOrderOfClientIdInSteps(account, clientOrderId) : directory.restingOrderInSteps(account, orderId);
  const open = await inSlices(search);
  const symbol = open && directory.symbol(open.symbol);
  if (open === undefined || symbol === undefined || (named !== undefined && named.id !== symbol.id)) throw orderError(Code.UNKNOWN_ORDER);
  return { command: amendCommand(body, unitsOf(symbol), ids, open), open };
}
