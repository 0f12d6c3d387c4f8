import { Code } from '../../../engine/codes.ts';
import type { CommandBatch } from '../../../engine/wire/frames.ts';
import { CommandKind, type LinkKind, QuoteAction, type Side } from '../../../engine/wire/layout.ts';
import { linkTermOf, linkWord } from '../../../engine/wire/list-link.ts';
import { LINK_NAMES, SIDE_NAMES, type SideName } from '../../../engine/wire/names.ts';
import { type NewCommand, newProtection, newQuote, PLAIN } from '../../client/order-commands.ts';
import { longOrder, putCommand } from '../../client/pending-commands.ts';
import type { SymbolUnits } from '../../client/symbols.ts';
import { isWhole } from './order-amend.ts';
import { amendCommand, cancelCommand, massCancelCommand, type OrderIds, placeCommand } from './order-commands.ts';
import { termsError } from './order-error.ts';
import { idNumber, madeClientOrderId } from './order-ids.ts';
import { checkOrderList } from './order-list-check.ts';
import { RequestError } from './request-error.ts';
import type { OrderRequest, RequestOf } from './schemas/order-messages.ts';
import type { AmendBody } from './schemas/trading.ts';

/** Most slots of a batch that one request takes: a bracket has three orders with an extension each. */
export const SLOTS_OF_REQUEST = 6;

type AmendRequest = RequestOf<'amend'>;

/** The requests that are commands as they stand. An amend whose order has to be found is none yet. */
export type CommandRequest =
  | Extract<OrderRequest, { op: 'place' | 'place-list' | 'cancel' | 'cancel-all' | 'cancel-after' | 'quote' | 'quote-protection' }>
  | (AmendRequest & { readonly symbol: string });

const COMMAND_OPS: ReadonlySet<string> = new Set([
  'place',
  'place-list',
  'amend',
  'cancel',
  'cancel-all',
  'cancel-after',
  'quote',
  'quote-protection',
]);

export function isCommand(request: OrderRequest): request is CommandRequest {
  return request.op === 'amend' ? isWhole(request) : COMMAND_OPS.has(request.op);
}

/** Finds the units of a symbol. @throws RequestError UNKNOWN_SYMBOL */
export type UnitsByName = (symbol: string) => SymbolUnits;

/**
 * Adds the command of a request to a batch, which has room for it.
 * @param made gets the client order ids that the request does not have, and that are made for it
 * @throws RequestError, and then adds nothing
 */
export function addCommand(batch: CommandBatch, request: CommandRequest, units: UnitsByName, made: Set<number>): void {
  attempt(() => {
    if (request.op === 'place-list') addList(batch, request, units(request.symbol), made);
    else putCommand(batch, { ...commandOf(request, units, made), tag: request.tag ?? 0 });
  });
}

/** Adds the command of an amend whose order was found. @throws RequestError, and then adds nothing */
export function addFound(batch: CommandBatch, command: NewCommand, tag = 0): void {
  attempt(() => putCommand(batch, { ...command, tag }));
}

function attempt(add: () => void): void {
  try {
    add();
  } catch (error) {
    // The batch checks the numbers that it takes.
    throw error instanceof RangeError ? new RequestError(Code.BAD_RANGE, 'BAD_RANGE', error.message) : termsError(error);
  }
}

function commandOf(request: Exclude<CommandRequest, { op: 'place-list' }>, units: UnitsByName, made: Set<number>): NewCommand {
  switch (request.op) {
    case 'place': {
      const { op: _op, tag: _tag, clOrdId, ...body } = request;
      return placeCommand(body, units(request.symbol), clientOrderIdOf(clOrdId, made));
    }
    case 'amend':
      return amendCommand(amendBody(request), units(request.symbol), orderIdsOf(request), undefined);
    case 'cancel':
      return cancelCommand(request.symbol === undefined ? 0 : units(request.symbol).id, orderIdsOf(request));
    case 'cancel-all':
      return massCancelCommand(request.symbol === undefined ? 0 : units(request.symbol).id, sideOf(request.side));
    case 'cancel-after':
      return { ...PLAIN, kind: CommandKind.CancelAfter, symbol: 0, quantity: request.timeoutMs * 1000, clientOrderId: 0, orderId: 0 };
    case 'quote':
      return quoteCommand(request, units(request.symbol));
    case 'quote-protection':
      return protectionCommand(request);
  }
}

/** What an amend changes. */
export function amendBody({ op: _op, tag: _tag, orderId: _orderId, clOrdId: _clOrdId, ...body }: AmendRequest): AmendBody {
  return body;
}

function addList(
  batch: CommandBatch,
  { tag = 0, kind, side, orderQty, orders, symbol }: RequestOf<'place-list'>,
  units: SymbolUnits,
  made: Set<number>,
): void {
  const link = LINK_NAMES.indexOf(kind) as LinkKind;
  const legs = kind === 'bracket' ? 3 : 2;
  if (orders.length !== legs) throw bad(`orders: ${kind} has ${legs} of them, not ${orders.length}`);
  const commands = orders.map(({ clOrdId, ...order }, i) => {
    const its = order.side ?? (kind === 'bracket' && i > 0 ? otherSide(side) : side);
    const quantity = order.orderQty ?? orderQty;
    if (its === undefined) throw bad(`orders[${i}].side: is missing; give it here, or the side of the list`);
    if (quantity === undefined) throw bad(`orders[${i}].orderQty: is missing; give it here, or that of the list`);
    const body = { ...order, symbol, side: its, orderQty: quantity };
    return placeCommand(body, units, clientOrderIdOf(clOrdId, made), linkTermOf(linkWord(link, i + 1, legs)));
  });
  const list = commands.map((command) => longOrder({ ...command, tag }));
  checkOrderList(link, list);
  batch.placeList(link, list);
}

function quoteCommand({ symbol, bidPx, bidSize, offerPx, offerSize, postOnly }: RequestOf<'quote'>, units: SymbolUnits): NewCommand {
  if ((bidPx === undefined) !== (bidSize === undefined)) throw bad('bidPx and bidSize: give both, or none of them');
  if ((offerPx === undefined) !== (offerSize === undefined)) throw bad('offerPx and offerSize: give both, or none of them');
  const quote = {
    symbol,
    ...(bidPx !== undefined && bidSize !== undefined && { bid: { price: bidPx, quantity: bidSize } }),
    ...(offerPx !== undefined && offerSize !== undefined && { ask: { price: offerPx, quantity: offerSize } }),
    ...(postOnly !== undefined && { postOnly }),
  };
  return newQuote(quote, units);
}

function protectionCommand({ windowMs, fills = 0, lots = 0, netLots = 0, reset }: RequestOf<'quote-protection'>): NewCommand {
  const limits = fills + lots + netLots;
  if (reset ? windowMs !== undefined || limits !== 0 : windowMs === undefined)
    throw bad('windowMs and reset: give the window with its limits, or reset alone');
  if (reset) return { ...PLAIN, kind: CommandKind.Quote, action: QuoteAction.Reset, symbol: 0, clientOrderId: 0, orderId: 0 };
  return newProtection({ windowMs: windowMs ?? 0, fills, lots, netLots });
}

/** How a request names an order. @throws RequestError for none, and for both of its ids */
export function orderIdsOf({ orderId, clOrdId }: { readonly orderId?: string | number; readonly clOrdId?: string | number }): OrderIds {
  if ((orderId === undefined) === (clOrdId === undefined)) throw bad('name the order: give its orderId or its clOrdId, one of them');
  return {
    orderId: orderId === undefined ? 0 : idNumber(orderId, 'orderId'),
    clientOrderId: clOrdId === undefined ? 0 : idNumber(clOrdId, 'clOrdId'),
  };
}

function clientOrderIdOf(clOrdId: string | number | undefined, made: Set<number>): number {
  if (clOrdId !== undefined) return idNumber(clOrdId, 'clOrdId');
  const id = madeClientOrderId();
  made.add(id);
  return id;
}

function sideOf(side: SideName | undefined): Side | undefined {
  return side === undefined ? undefined : (SIDE_NAMES.indexOf(side) as Side);
}

function otherSide(side: SideName | undefined): SideName | undefined {
  return side === undefined ? undefined : side === 'buy' ? 'sell' : 'buy';
}

function bad(message: string): RequestError {
  return new RequestError(Code.BAD_PARAMETER, 'BAD_PARAMETER', message);
}
