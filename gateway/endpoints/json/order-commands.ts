import type { OpenOrderInfo } from '../../../engine/threads/open-order-info.ts';
import { CommandKind, type Side } from '../../../engine/wire/layout.ts';
import type { LinkTerm } from '../../../engine/wire/order-kinds.ts';
import { amendment, type NewCommand, newOrder, PLAIN } from '../../client/order-commands.ts';
import type { SymbolUnits } from '../../client/symbols.ts';
import type { AmendOrder, PlaceOrder } from '../../client/types.ts';
import { termsError } from './order-error.ts';
import type { AmendBody, OrderBody } from './schemas/trading.ts';

/** Commands from the bodies of orders, with the code of the typed client. */

/** How a path names an order: by one of its ids; the other one is 0. */
export interface OrderIds {
  readonly orderId: number;
  readonly clientOrderId: number;
}

/** @throws RequestError */
export function placeCommand(body: OrderBody, units: SymbolUnits, clientOrderId: number, link: LinkTerm = ''): NewCommand {
  const { orderQty, ordType, expireTime, stopPx, minQty, displayQty, account: _account, clOrdId: _id, ...same } = body;
  const order = {
    ...same,
    quantity: orderQty,
    ...(ordType !== undefined && { type: ordType }),
    ...(expireTime !== undefined && { expires: new Date(expireTime) }),
    ...(stopPx !== undefined && { stopPrice: stopPx }),
    ...(minQty !== undefined && { minQuantity: minQty }),
    ...(displayQty !== undefined && { displayedQuantity: displayQty }),
  };
  return read(() => newOrder(order as PlaceOrder, units, clientOrderId, link));
}

/** @param open the order, if it was found: gives the price that the body leaves out @throws RequestError */
export function amendCommand(body: AmendBody, units: SymbolUnits, ids: OrderIds, open: OpenOrderInfo | undefined): NewCommand {
  const { leavesQty, stopPx, displayQty, account: _account, symbol: _symbol, ...same } = body;
  const keepsPrice = body.price === undefined && body.limitOffset === undefined && open !== undefined;
  const own = open?.peg?.limit ?? open?.price ?? 0;
  const amend = {
    ...same,
    ...ids,
    symbol: units.name,
    quantity: leavesQty,
    ...(keepsPrice && own !== 0 && open.stop?.trail === undefined && { price: units.price(own) }),
    ...(stopPx !== undefined && { stopPrice: stopPx }),
    ...(displayQty !== undefined && { displayedQuantity: displayQty }),
  };
  return read(() => amendment(amend as AmendOrder, units));
}

export function cancelCommand(symbol: number, ids: OrderIds): NewCommand {
  return { ...PLAIN, kind: CommandKind.Cancel, symbol, ...ids };
}

/** @param symbol 0 = all @param side undefined: both */
export function massCancelCommand(symbol: number, side: Side | undefined): NewCommand {
  return { ...PLAIN, kind: CommandKind.MassCancel, symbol, quantity: side === undefined ? 0 : side + 1, clientOrderId: 0, orderId: 0 };
}

function read(make: () => NewCommand): NewCommand {
  try {
    return make();
  } catch (error) {
    throw termsError(error);
  }
}
