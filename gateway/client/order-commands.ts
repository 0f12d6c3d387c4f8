import { Code } from '../../engine/codes.ts';
import { CommandKind, QuoteAction, Side } from '../../engine/wire/layout.ts';
import { SIDE_NAMES } from '../../engine/wire/names.ts';
import type { LinkTerm } from '../../engine/wire/order-kinds.ts';
import { OpenbellError } from './errors.ts';
import { checkOptions } from './known-options.ts';
import { limitTicks, pegTicks, stopTicks, trailOf } from './order-numbers.ts';
import { QUOTE_SIDE_OPTIONS } from './order-options.ts';
import { AMENDED_TERM, NO_TERMS, orderTerms } from './order-terms.ts';
import type { PendingCommand } from './pending-commands.ts';
import type { SymbolUnits } from './symbols.ts';
import type { AmendOrder, Decimal, OrderTarget, PlaceOrder, PlaceQuote, QuoteProtection } from './types.ts';

/** Commands of a session, from what its caller names. */

export type NewCommand = Omit<PendingCommand, 'tag' | 'resolve' | 'reject' | 'list'>;

/** Fields that a cancel or an amend does not have. */
export const PLAIN = {
  side: Side.Buy,
  terms: NO_TERMS,
  price: 0,
  quantity: 0,
  minQuantity: 0,
  displayedQuantity: 0,
  stopPrice: 0,
  trailOffset: 0,
  pegOffset: 0,
};

/** A new order. @param link of an order of a list @throws OpenbellError, DecimalError */
export function newOrder(order: PlaceOrder, units: SymbolUnits, clientOrderId: number, link: LinkTerm = ''): NewCommand {
  const terms = orderTerms(order, link);
  const price = limitTicks(units, order);
  const minQuantity = order.minQuantity === undefined ? 0 : units.lots(order.minQuantity);
  const quantity = units.lots(order.quantity);
  const displayedQuantity = displayedLots(units, order.displayedQuantity, quantity);
  const stopPrice = stopTicks(units, order.stopPrice ?? order.activationPrice);
  const trailOffset = trailOf(units, order);
  const pegOffset = pegTicks(units, order);
  if (order.minQuantity !== undefined && !(minQuantity >= 1 && minQuantity <= quantity)) {
    const text = `a minimum quantity is above 0 and at most the quantity: ${order.minQuantity} of ${order.quantity}`;
    throw new OpenbellError('BAD_RANGE', text, Code.BAD_RANGE);
  }
  const side = SIDE_NAMES.indexOf(order.side) as Side;
  // A caller in JavaScript may pass anything.
  if (!SIDE_NAMES.includes(order.side)) throw new OpenbellError('BAD_ENUM', `there is no side ${order.side}`, Code.BAD_ENUM);
  const numbers = { price, quantity, minQuantity, displayedQuantity, stopPrice, trailOffset, pegOffset };
  return { kind: CommandKind.New, symbol: units.id, side, terms, ...numbers, clientOrderId, orderId: 0 };
}

/** @throws OpenbellError, DecimalError */
export function amendment(order: AmendOrder, units: SymbolUnits): NewCommand {
  const { clientOrderId, orderId } = named(order);
  const stopPrice = stopTicks(units, order.stopPrice ?? order.activationPrice);
  const trailOffset = trailOf(units, order);
  const price = limitTicks(units, order);
  if (price === 0 && stopPrice === 0 && trailOffset === 0)
    throw new OpenbellError('BAD_RANGE', 'an amend names a price, or the stopPrice or offset of a stop', Code.BAD_RANGE);
  if (order.stopPrice !== undefined && (order.activationPrice !== undefined || trailOffset !== 0))
    throw new OpenbellError('BAD_RANGE', 'a trailing stop has no stopPrice to amend: it follows', Code.BAD_RANGE);
  const quantity = units.lots(order.quantity);
  const displayedQuantity = displayedLots(units, order.displayedQuantity, quantity);
  if ((stopPrice !== 0 || trailOffset !== 0) && displayedQuantity !== 0)
    throw new OpenbellError('BAD_RANGE', 'an amend names terms of a stop or a displayedQuantity, not both', Code.BAD_RANGE);
  const terms = stopPrice === 0 && trailOffset === 0 && displayedQuantity === 0 ? NO_TERMS : AMENDED_TERM;
  return {
    ...PLAIN,
    kind: CommandKind.Amend,
    symbol: units.id,
    terms,
    price,
    quantity,
    displayedQuantity,
    stopPrice,
    trailOffset,
    clientOrderId,
    orderId,
  };
}

/** Both sides; a side that is left out has quantity 0. @throws OpenbellError, DecimalError */
export function newQuote(quote: PlaceQuote, units: SymbolUnits): NewCommand {
  const [bid, ask] = [quote.bid, quote.ask].map((side) => {
    if (side === undefined) return { price: 0, quantity: 0 };
    checkOptions('quote', side, QUOTE_SIDE_OPTIONS);
    return { price: units.ticks(side.price), quantity: units.lots(side.quantity) };
  });
  const { postOnly = false } = quote;
  const sides = { clientOrderId: ask.price, orderId: ask.quantity, action: QuoteAction.Quote, postOnly };
  return { ...PLAIN, kind: CommandKind.Quote, symbol: units.id, ...bid, ...sides };
}

const PROTECTION_RULE =
  'the window of a protection is 1 to 86400000 ms with one or more of fills, lots and netLots, or 0 ms without them: off';
const MAX_PROTECTION_US = 86_400_000_000;

/** @throws OpenbellError */
export function newProtection(protection: QuoteProtection): NewCommand {
  const { windowMs = 0, fills = 0, lots = 0, netLots = 0 } = protection;
  const limits = { clientOrderId: fills, orderId: lots, price: netLots, quantity: Math.round(windowMs * 1000) };
  for (const [name, value] of Object.entries({ windowMs: limits.quantity, fills, lots, netLots }))
    if (!(Number.isSafeInteger(value) && value >= 0))
      throw new OpenbellError('BAD_RANGE', `${name} is a whole number from 0, not ${value}`, Code.BAD_RANGE);
  const isOff = fills === 0 && lots === 0 && netLots === 0;
  if (isOff ? limits.quantity !== 0 : limits.quantity < 1000 || limits.quantity > MAX_PROTECTION_US)
    throw new OpenbellError('BAD_RANGE', PROTECTION_RULE, Code.BAD_RANGE);
  return { ...PLAIN, kind: CommandKind.Quote, action: QuoteAction.Protection, symbol: 0, ...limits };
}

export function named({ clientOrderId = 0, orderId = 0 }: OrderTarget): { clientOrderId: number; orderId: number } {
  if (clientOrderId === 0 && orderId === 0)
    throw new OpenbellError('BAD_RANGE', 'name the order: give its orderId or clientOrderId', Code.BAD_RANGE);
  return { clientOrderId, orderId };
}

/** 0: none was given. */
function displayedLots(units: SymbolUnits, displayed: Decimal | undefined, quantity: number): number {
  if (displayed === undefined) return 0;
  const lots = units.lots(displayed);
  if (lots === 0 || lots > quantity)
    throw new OpenbellError('BAD_RANGE', 'a displayed quantity is above 0 and at most the quantity', Code.BAD_RANGE);
  return lots;
}
