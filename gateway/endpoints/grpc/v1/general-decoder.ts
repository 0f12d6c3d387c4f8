import { fromBinary } from '@bufbuild/protobuf';
import { Code } from '../../../../engine/codes.ts';
import { DecimalError, unitsToDecimal } from '../../../../engine/decimal.ts';
import { CANCEL_AFTER_RANGE } from '../../../../engine/params.ts';
import type { CommandBatch } from '../../../../engine/wire/frames.ts';
import { CommandKind, QuoteAction } from '../../../../engine/wire/layout.ts';
import { SIDE_NAMES, type SideName } from '../../../../engine/wire/names.ts';
import { OpenbellError } from '../../../client/errors.ts';
import { amendment, type NewCommand, newOrder, newProtection, newQuote, PLAIN } from '../../../client/order-commands.ts';
import { putCommand } from '../../../client/pending-commands.ts';
import { SymbolUnits } from '../../../client/symbols.ts';
import type { AmendOrder, PlaceOrder, QuoteSide } from '../../../client/types.ts';
import {
  AmendOrderRequestSchema,
  CancelAfterRequestSchema,
  CancelOrderRequestSchema,
  MassCancelRequestSchema,
  PlaceOrderRequestSchema,
  QuoteProtectionRequestSchema,
  QuoteRequestSchema,
  type SessionRequest,
  SessionRequestSchema,
} from '../../../protobuf/generated/openbell/v1/trading_pb.ts';
import { reject, rejectText } from '../../../reject.ts';
import { type Json, jsonOf } from './json-messages.ts';
import { RejectError } from './reject-error.ts';
import type { RefusedCommand } from './report-encoder.ts';
import type { SymbolEntry, SymbolTable } from './symbol-table.ts';

const MAX_ID = Number.MAX_SAFE_INTEGER;
/** Names of terms, where the typed client, whose code reads them, has another one. */
const CLIENT_NAMES: Readonly<Record<string, string>> = {
  orderQty: 'quantity',
  leavesQty: 'quantity',
  ordType: 'type',
  expireTime: 'expires',
  stopPx: 'stopPrice',
  minQty: 'minQuantity',
  displayQty: 'displayedQuantity',
  clOrdId: 'clientOrderId',
};
const FIELD_NAMES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(CLIENT_NAMES).map(([field, client]) => [client, snake(field)])),
  quantity: 'quantity',
  type: 'type',
};
const CLIENT_NAME =
  /\b(stopPrice|expires|minQuantity|displayedQuantity|trailOffset|trailPpm|activationPrice|limitOffset|pegOffset|postOnly|netLots)\b/g;

/** A command that was not added, and why. */
export interface Refused extends RefusedCommand {
  readonly text: string;
}

/**
 * Adds the command of a SessionRequest of any kind to a batch with room for a long order, with the code of the typed client.
 * @param account of the session
 * @returns undefined when it did
 */
export function takeAny(bytes: Uint8Array, account: number, batch: CommandBatch, symbols: SymbolTable): Refused | undefined {
  const refused = { tag: 0, clOrdId: 0, orderId: 0 };
  try {
    const request = decoded(bytes);
    refused.tag = request.tag;
    if (request.$unknown !== undefined) jsonOf(SessionRequestSchema, request);
    const { kind, terms } = termsOf(request);
    refused.clOrdId = idOf('cl_ord_id', terms.clOrdId);
    refused.orderId = idOf('order_id', terms.orderId);
    if (terms.account !== undefined && terms.account !== account)
      throw new RejectError(reject(Code.FOREIGN_ACCOUNT, `account is ${terms.account}, and the session is of account ${account}`));
    putCommand(batch, { ...commandOf(kind, terms, refused, symbols), tag: request.tag });
    return undefined;
  } catch (error) {
    return { ...refused, ...whyOf(error) };
  }
}

/** @throws RejectError */
function decoded(bytes: Uint8Array): SessionRequest {
  try {
    return fromBinary(SessionRequestSchema, bytes);
  } catch (error) {
    throw new RejectError(reject(Code.MALFORMED_FRAME, `the message is not a SessionRequest (${(error as Error).message})`));
  }
}

type Kind = 'placeOrder' | 'cancelOrder' | 'amendOrder' | 'massCancel' | 'cancelAfter' | 'quote' | 'quoteProtection';

/** @throws RejectError */
function termsOf({ command }: SessionRequest): { readonly kind: Kind; readonly terms: Json } {
  switch (command.case) {
    case 'placeOrder':
      return { kind: command.case, terms: jsonOf(PlaceOrderRequestSchema, command.value) };
    case 'cancelOrder':
      return { kind: command.case, terms: jsonOf(CancelOrderRequestSchema, command.value) };
    case 'amendOrder':
      return { kind: command.case, terms: jsonOf(AmendOrderRequestSchema, command.value) };
    case 'massCancel':
      return { kind: command.case, terms: jsonOf(MassCancelRequestSchema, command.value) };
    case 'cancelAfter':
      return { kind: command.case, terms: jsonOf(CancelAfterRequestSchema, command.value) };
    case 'quote':
      return { kind: command.case, terms: jsonOf(QuoteRequestSchema, command.value) };
    case 'quoteProtection':
      return { kind: command.case, terms: jsonOf(QuoteProtectionRequestSchema, command.value) };
    default:
      throw new RejectError(reject(Code.UNKNOWN_KIND, 'the message has no command'));
  }
}

/** @throws RejectError, OpenbellError, DecimalError */
function commandOf(kind: Kind, terms: Json, ids: { readonly clOrdId: number; readonly orderId: number }, symbols: SymbolTable): NewCommand {
  const named = { clientOrderId: ids.clOrdId, orderId: ids.orderId };
  if (kind === 'massCancel') {
    const symbol = terms.symbol === undefined ? 0 : symbolOf(terms.symbol, symbols).id;
    const quantity = terms.side === undefined ? 0 : SIDE_NAMES.indexOf(terms.side as SideName) + 1;
    return { ...PLAIN, kind: CommandKind.MassCancel, symbol, quantity, clientOrderId: 0, orderId: 0 };
  }
  if (kind === 'cancelAfter') {
    const { timeoutMs = 0 } = terms as { readonly timeoutMs?: number };
    const [least, most] = CANCEL_AFTER_RANGE.map((us) => us / 1000);
    if (timeoutMs !== 0 && (timeoutMs < least || timeoutMs > most))
      throw new RejectError(reject(Code.BAD_RANGE, `timeout_ms is ${least} to ${most}, or 0`));
    return { ...PLAIN, ...named, kind: CommandKind.CancelAfter, symbol: 0, quantity: timeoutMs * 1000 };
  }
  if (kind === 'quoteProtection') return protectionOf(terms);
  const symbol = symbolOf(terms.symbol, symbols);
  if (kind === 'quote') return quoteOf(terms, symbol);
  if (kind !== 'placeOrder' && named.clientOrderId === 0 && named.orderId === 0)
    throw new RejectError(reject(Code.BAD_RANGE, 'name the order: give order_id or cl_ord_id'));
  if (kind === 'cancelOrder') return { ...PLAIN, kind: CommandKind.Cancel, symbol: symbol.id, ...named };
  const { account: _account, ...order } = clientTerms(terms);
  if (kind === 'amendOrder') {
    if (order.quantity === undefined) throw new RejectError(reject(Code.BAD_RANGE, 'leaves_qty must be given'));
    return amendment({ ...order, ...named } as unknown as AmendOrder, unitsOf(symbol));
  }
  if (named.clientOrderId === 0) throw new RejectError(reject(Code.BAD_RANGE, 'cl_ord_id must be given in a session, from 1'));
  if (order.quantity === undefined) throw new RejectError(reject(Code.BAD_RANGE, 'order_qty must be given'));
  if (order.side === undefined) throw new RejectError(reject(Code.BAD_ENUM, 'side must be given'));
  return newOrder(order as unknown as PlaceOrder, unitsOf(symbol), named.clientOrderId);
}

/** @throws RejectError, OpenbellError, DecimalError */
function quoteOf({ bidPx, bidSize, offerPx, offerSize, postOnly = false }: Json, symbol: SymbolEntry): NewCommand {
  const bid = quoteSide('bid', bidPx, bidSize);
  const ask = quoteSide('offer', offerPx, offerSize);
  const sides = { ...(bid !== undefined && { bid }), ...(ask !== undefined && { ask }) };
  return newQuote({ symbol: symbol.id, ...sides, postOnly: postOnly === true }, unitsOf(symbol));
}

/** @throws RejectError, OpenbellError */
function protectionOf({ windowMs = 0, fills = 0, lots = 0, netLots = 0, reset = false }: Json): NewCommand {
  const limits = { windowMs: Number(windowMs), fills: Number(fills), lots: Number(lots), netLots: Number(netLots) };
  if (reset !== true) return newProtection(limits);
  if (Object.values(limits).some((limit) => limit !== 0))
    throw new RejectError(reject(Code.BAD_RANGE, 'reset: give it alone, or window_ms with its limits'));
  return { ...PLAIN, kind: CommandKind.Quote, action: QuoteAction.Reset, symbol: 0, clientOrderId: 0, orderId: 0 };
}

function quoteSide(name: string, price: unknown, quantity: unknown): QuoteSide | undefined {
  if ((price === undefined) !== (quantity === undefined))
    throw new RejectError(reject(Code.BAD_RANGE, `${name}_px and ${name}_size: give both, or none of them`));
  return price === undefined ? undefined : { price: String(price), quantity: String(quantity) };
}

function clientTerms(terms: Json): Record<string, unknown> {
  const order: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(terms)) order[CLIENT_NAMES[key] ?? key] = value;
  if (order.expires !== undefined) order.expires = new Date(order.expires as string);
  return order;
}

/** @throws RejectError */
function symbolOf(name: unknown, symbols: SymbolTable): SymbolEntry {
  if (name === undefined) throw new RejectError(reject(Code.UNKNOWN_SYMBOL, 'symbol must be given'));
  const symbol = symbols.byName(String(name));
  if (symbol === undefined) throw new RejectError(reject(Code.UNKNOWN_SYMBOL, `there is no symbol ${String(name).slice(0, 64)}`));
  return symbol;
}

function unitsOf({ id, name, tickMantissa, tickDecimals, lotMantissa, lotDecimals }: SymbolEntry): SymbolUnits {
  return new SymbolUnits({
    id,
    name,
    tickSize: unitsToDecimal(1, tickMantissa, tickDecimals),
    lotSize: unitsToDecimal(1, lotMantissa, lotDecimals),
  });
}

/** 0: it is not there. @throws RejectError */
function idOf(name: string, value: unknown): number {
  const id = value === undefined ? 0 : Number(value);
  if (id <= MAX_ID) return id;
  throw new RejectError(reject(Code.BAD_RANGE, `${name} is at most ${MAX_ID}`));
}

function whyOf(error: unknown): { readonly code: Code; readonly text: string } {
  if (error instanceof RejectError) return { code: error.reject.code, text: rejectText(error.reject) };
  if (error instanceof DecimalError || error instanceof RangeError) return { code: Code.BAD_RANGE, text: error.message };
  if (!(error instanceof OpenbellError) || error.number === undefined) throw error;
  const text = error.message.replace(`${error.code}: `, '').replace(CLIENT_NAME, (name) => FIELD_NAMES[name] ?? snake(name));
  return { code: error.number as Code, text };
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
