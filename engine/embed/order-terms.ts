import { type ExtensionFields, encodeExtension } from '../wire/command-extension.ts';
import { Instruction, OrderType, TimeInForce } from '../wire/layout.ts';
import { ORDER_TYPE_NAMES, type OrderTypeName, PEG_NAMES, SELF_TRADE_NAMES, TIME_IN_FORCE_NAMES, TRIGGER_NAMES } from '../wire/names.ts';
import { isStop, isTrailing } from '../wire/order-kinds.ts';
import { type PegKind, pegInstructions } from '../wire/peg-terms.ts';
import { badName, badRange } from './embed-error.ts';
import type { AmendOrder, OrderTerms } from './orders.ts';
import { countOf, type Price, type Quantity, type SymbolUnits } from './symbol-units.ts';

/** Result of {@link shortTerms}: the order needs an extension. */
export const LONG = -1;

type Terms = Omit<OrderTerms, 'side' | 'quantity'>;

/** The time in force of an order that a Command alone can express, which is most; {@link LONG} for any other, and for one that is not known. No allocation. */
export function shortTerms(order: Terms): number {
  return hasRareTerms(order) ? LONG : plainTerms(order);
}

/** {@link shortTerms} of an order that has no terms but type, time in force, price and postOnly. */
export function plainTerms(order: Terms): number {
  const { type, timeInForce, postOnly } = order;
  if (type === 'market')
    return postOnly !== true && (timeInForce === undefined || timeInForce === 'ioc' || timeInForce === 'market')
      ? TimeInForce.Market
      : LONG;
  if (type !== undefined && type !== 'limit') return LONG;
  switch (timeInForce) {
    case undefined:
      if (order.price === undefined && type === undefined) return postOnly === true ? LONG : TimeInForce.Market;
      return postOnly === true ? TimeInForce.PostOnly : TimeInForce.GoodTillCancel;
    case 'gtc':
      return postOnly === true ? TimeInForce.PostOnly : TimeInForce.GoodTillCancel;
    case 'ioc':
      return postOnly === true ? LONG : TimeInForce.ImmediateOrCancel;
    case 'fok':
      return postOnly === true ? LONG : TimeInForce.FillOrKill;
    case 'day':
      return postOnly === true ? LONG : TimeInForce.Day;
    case 'market':
      return type === 'limit' || postOnly === true ? LONG : TimeInForce.Market;
    case 'post-only':
      return postOnly === false ? LONG : TimeInForce.PostOnly;
    default:
      return LONG;
  }
}

function hasRareTerms(order: Terms): boolean {
  return (
    order.stopPrice !== undefined ||
    order.trailOffset !== undefined ||
    order.trailPpm !== undefined ||
    order.peg !== undefined ||
    order.displayedQuantity !== undefined ||
    order.hidden !== undefined ||
    order.minQuantity !== undefined ||
    order.expiresUs !== undefined ||
    order.selfTrade !== undefined ||
    order.reprice !== undefined ||
    order.triggerNow !== undefined ||
    order.trigger !== undefined ||
    order.activationPrice !== undefined ||
    order.limitOffset !== undefined ||
    order.reportTrail !== undefined ||
    order.pegOffset !== undefined
  );
}

/** What {@link writeLongTerms} puts into the command itself. */
export interface LongTerms {
  readonly timeInForce: TimeInForce;
  /** Ticks: the limit, or the distance of the limit of a trailing stop; 0 = none. */
  readonly price: number;
}

/** Writes the extension of an order into a slot. @param link of an order of a list, else 0 @throws EmbedError for terms that the wire has no place for */
export function writeLongTerms(u8: Uint8Array, words: Int32Array, slot: number, order: Terms, units: SymbolUnits, link: number): LongTerms {
  const type = typeOf(order);
  const orderType = numberOf('order type', type, ORDER_TYPE_NAMES) as OrderType;
  const name = order.timeInForce ?? (order.expiresUs === undefined ? (type === 'market' ? 'market' : 'gtc') : 'gtd');
  const timeInForce = numberOf('time in force', name, TIME_IN_FORCE_NAMES) as TimeInForce;
  if (name === 'post-only' && order.postOnly === false) badRange('time in force post-only contradicts postOnly false');
  checkTrail(order, type, orderType);
  if (!isStop(orderType) && order.trigger !== undefined) badRange(`a trigger is for stops, not for ${type} orders`);
  if (order.peg === undefined && order.pegOffset !== undefined) badRange('a pegOffset is for pegged orders: name a peg');
  const towards = isTowards(order.pegOffset);
  const fields: ExtensionFields = {
    orderType,
    instructions: instructionsOf(order, towards),
    selfTradeMode: numberOf('self-trade mode', order.selfTrade ?? 'default', SELF_TRADE_NAMES),
    trigger: numberOf('trigger', order.trigger ?? 'last', TRIGGER_NAMES),
    stopPrice: stopTicks(order, units),
    minQuantity: minimumOrOffset(order, units, towards),
    displayedQuantity: order.displayedQuantity === undefined ? 0 : positive(units.lots(order.displayedQuantity), 'displayedQuantity'),
    expiryUs: order.expiresUs === undefined ? 0 : countOf(order.expiresUs, 'expiresUs'),
    link,
  };
  encodeExtension(u8, words, slot, fields);
  const price = order.price === undefined ? ticksOf(units, order.limitOffset, 'limitOffset') : units.ticks(order.price);
  return { timeInForce, price };
}

/** Writes the extension of an amend, if it needs one. @returns whether it does @throws EmbedError */
export function writeAmendTerms(
  u8: Uint8Array,
  words: Int32Array,
  slot: number,
  order: AmendOrder,
  units: SymbolUnits | undefined,
): boolean {
  const { trailPpm, displayedQuantity } = order;
  if (order.stopPrice !== undefined && (order.activationPrice !== undefined || order.trailOffset !== undefined || trailPpm !== undefined))
    badRange('a trailing stop has no stopPrice to amend: it follows');
  const stopPrice = ticksOf(units, order.stopPrice ?? order.activationPrice, 'stop price');
  const offset = trailPpm === undefined ? ticksOf(units, order.trailOffset, 'trailOffset') : trailPpmOf(order);
  const displayed = displayedQuantity === undefined ? 0 : positive(countOrLots(units, displayedQuantity), 'displayedQuantity');
  if (stopPrice === 0 && offset === 0 && displayed === 0) return false;
  const instructions = trailPpm === undefined ? 0 : Instruction.TrailPpm;
  encodeExtension(u8, words, slot, { stopPrice, minQuantity: offset, displayedQuantity: displayed, instructions });
  return true;
}

/** Ticks of a price of an amend, whose symbol is needed for decimal text only. */
export function ticksOf(units: SymbolUnits | undefined, price: Price | undefined, what: string): number {
  if (price === undefined) return 0;
  return positive(units === undefined ? countOf(price as number, what) : units.ticks(price), what);
}

/** The same of a quantity, which may be 0. */
export function countOrLots(units: SymbolUnits | undefined, quantity: Quantity): number {
  return units === undefined ? countOf(quantity as number, 'quantity') : units.lots(quantity);
}

function instructionsOf(order: Terms, towards: boolean): number {
  const peg = order.peg === undefined ? 0 : numberOf('peg', order.peg, PEG_NAMES);
  if (order.peg !== undefined && peg === 0) badName('peg', order.peg, PEG_NAMES.slice(1));
  return (
    (order.postOnly === true ? Instruction.PostOnly : 0) |
    (order.reprice === true ? Instruction.Reprice : 0) |
    (order.hidden === true ? Instruction.Hidden : 0) |
    (order.triggerNow === true ? Instruction.TriggerNow : 0) |
    (order.trailPpm === undefined ? 0 : Instruction.TrailPpm) |
    (order.reportTrail === true ? Instruction.ReportTrail : 0) |
    (peg === 0 ? 0 : pegInstructions(peg as PegKind)) |
    (towards ? Instruction.PegTowards : 0)
  );
}

/** One field of the wire has the minimum quantity, the offset of a trailing stop, or that of a pegged order. */
function minimumOrOffset(order: Terms, units: SymbolUnits, towards: boolean): number {
  const { minQuantity, trailOffset, trailPpm, peg, pegOffset } = order;
  if (minQuantity !== undefined && (trailOffset ?? trailPpm ?? peg) !== undefined)
    badRange('a minQuantity is for ioc orders, not for trailing stops and pegged orders');
  if (trailPpm !== undefined) return trailPpmOf(order);
  if (trailOffset !== undefined) return ticksOf(units, trailOffset, 'trailOffset');
  if (pegOffset !== undefined) return units.ticks(towards ? away(pegOffset) : pegOffset);
  return minQuantity === undefined ? 0 : positive(units.lots(minQuantity), 'minQuantity');
}

/** Of a trailing stop, its activation price. */
function stopTicks({ stopPrice, activationPrice }: Terms, units: SymbolUnits): number {
  return stopPrice === undefined ? ticksOf(units, activationPrice, 'activationPrice') : units.ticks(stopPrice);
}

function isTowards(pegOffset: Price | undefined): boolean {
  return typeof pegOffset === 'number' ? pegOffset < 0 : pegOffset?.startsWith('-') === true;
}

function away(pegOffset: Price): Price {
  return typeof pegOffset === 'number' ? -pegOffset : pegOffset.slice(1);
}

/** Of an order, or of an amend, which may wrongly name both. */
function trailPpmOf({ trailOffset, trailPpm }: Pick<OrderTerms, 'trailOffset' | 'trailPpm'>): number {
  if (trailOffset !== undefined) badRange('an offset is a trailOffset or a trailPpm, not both');
  return positive(countOf(trailPpm ?? 0, 'trailPpm'), 'trailPpm');
}

/** Terms of trailing stops are for them only, and they have no others: their limit and stop price follow. */
function checkTrail(order: Terms, type: OrderTypeName, orderType: OrderType): void {
  const { price, stopPrice, trailOffset, trailPpm, activationPrice, limitOffset } = order;
  if (!isTrailing(orderType)) {
    if ((trailOffset ?? trailPpm ?? activationPrice ?? limitOffset) !== undefined)
      badRange(`trailOffset, trailPpm, activationPrice and limitOffset are for trailing stops, not for ${type} orders`);
    return;
  }
  if ((trailOffset === undefined) === (trailPpm === undefined)) badRange(`a ${type} order needs a trailOffset or a trailPpm, one of them`);
  if ((price ?? stopPrice) !== undefined) badRange(`a ${type} order has no price and no stopPrice: they follow`);
  const limited = orderType === OrderType.TrailingStopLimit;
  if (limited !== (limitOffset !== undefined)) badRange(`a ${type} order ${limited ? 'needs a' : 'has no'} limitOffset`);
}

/** An order with a limit time in force and a missing price is not turned into a market order: its type must say so. */
function typeOf({ type, timeInForce, price, postOnly, stopPrice, trailOffset, trailPpm, limitOffset }: Terms): OrderTypeName {
  if (type !== undefined) return type;
  if ((trailOffset ?? trailPpm) !== undefined) return limitOffset === undefined ? 'trailing-stop' : 'trailing-stop-limit';
  if (stopPrice !== undefined) return price === undefined ? 'stop' : 'stop-limit';
  return timeInForce === 'market' || (timeInForce === undefined && price === undefined && postOnly !== true) ? 'market' : 'limit';
}

function numberOf(what: string, name: string, names: readonly string[]): number {
  const index = names.indexOf(name);
  return index === -1 ? badName(what, name, names) : index;
}

function positive(value: number, what: string): number {
  return value > 0 ? value : notPositive(what);
}

function notPositive(what: string): never {
  badRange(`a ${what} is above 0`);
}
