import { Code } from '../codes.ts';
import { getI64, type PriceTicks } from '../units.ts';
import { Command, CommandExtension, LinkKind, Side } from './layout.ts';
import { hasChildren, linkKindOf } from './list-link.ts';
import { isStop, isTrailing } from './order-kinds.ts';

const WORDS = Command.bytes / 4;
const LINK = CommandExtension.link / 4;
const SYMBOL = Command.symbol / 4;
const CLIENT_ORDER_ID = Command.clientOrderId / 4;
const PRICE = Command.price / 4;
const QUANTITY = Command.quantity / 4;
const STOP_PRICE = CommandExtension.stopPrice / 4;

/**
 * Checks that the orders of a list fit together: BAD_LIST otherwise. Each of them was verified alone. They are of one symbol, with different client order
 * ids. Two limit orders that are linked are a buy below a sell: of two on one side, the worse one could never trade. With one-updates-other, both
 * are of one side and quantity. A parent and its children are of one quantity. The children of a bracket are of the other side than their
 * parent: first a limit order, at a better price than the limit of its parent, or than its stop price if it has none, then a stop, at a worse one.
 *
 * @param u8 @param words views of the same slots: extension, command, extension, command, and once more in a list of three
 */
export function checkList(u8: Uint8Array, words: Int32Array): Code {
  return listFault(u8, words) === ListFault.None ? Code.OK : Code.BAD_LIST;
}

/** What does not fit, of several things the first one. */
export const ListFault = {
  None: 0,
  Symbols: 1,
  ClientOrderIds: 2,
  Quantities: 3,
  Sides: 4,
  OneSide: 5,
  NoStop: 6,
  LimitPrices: 7,
  TakeProfitType: 8,
  StopLossType: 9,
  TakeProfitPrice: 10,
  StopLossPrice: 11,
} as const;
export type ListFault = (typeof ListFault)[keyof typeof ListFault];

/** By ListFault: what the orders lack, in words. */
const FAULT_TEXTS: readonly string[] = [
  '',
  'all of them must be of one symbol',
  'each of them must have a client order id of its own',
  'their quantities must be equal',
  'the take-profit and the stop-loss must be on the other side than the parent',
  'both of them must be on one side',
  'one of them must be a stop',
  'two limit orders must be a buy and a sell, the buy at the lower price',
  'the take-profit must be a limit order',
  'the stop-loss must be a stop or a stop-limit order',
  'the price of the take-profit must be better than the entry: above it for a buy, below it for a sell',
  'the stop price of the stop-loss must be worse than the entry, and than the take-profit: below it for a buy, above it for a sell',
];

/** What {@link ListFault} means. */
export function listFaultText(fault: ListFault): string {
  return FAULT_TEXTS[fault];
}

/** Checks as {@link checkList}, and says what is wrong. */
export function listFault(u8: Uint8Array, words: Int32Array): ListFault {
  return linkKindOf(words[LINK]) === LinkKind.Bracket ? bracketFault(u8, words) : pairFault(u8, words);
}

function pairFault(u8: Uint8Array, words: Int32Array): ListFault {
  const one = 1;
  const other = 3;
  const kind = linkKindOf(words[LINK]);
  if (words[one * WORDS + SYMBOL] !== words[other * WORDS + SYMBOL]) return ListFault.Symbols;
  if (same(words, one, other, CLIENT_ORDER_ID)) return ListFault.ClientOrderIds;
  const equal = same(words, one, other, QUANTITY);
  if (hasChildren(kind)) return equal ? ListFault.None : ListFault.Quantities;
  const side = u8[one * Command.bytes + Command.side];
  const oneSide = side === u8[other * Command.bytes + Command.side];
  const limits = !isStopAt(u8, 0) && !isStopAt(u8, 2);
  if (kind === LinkKind.OneUpdatesOther) {
    if (!oneSide) return ListFault.OneSide;
    if (limits) return ListFault.NoStop;
    return equal ? ListFault.None : ListFault.Quantities;
  }
  if (!limits) return ListFault.None;
  const buy = side === Side.Buy ? one : other;
  return !oneSide && priceAt(words, buy) < priceAt(words, one + other - buy) ? ListFault.None : ListFault.LimitPrices;
}

function bracketFault(u8: Uint8Array, words: Int32Array): ListFault {
  const parent = 1;
  const profit = 3;
  const loss = 5;
  const child = childFault(u8, words, parent, profit) || childFault(u8, words, parent, loss);
  if (child !== ListFault.None) return child;
  if (same(words, profit, loss, CLIENT_ORDER_ID)) return ListFault.ClientOrderIds;
  if (isStopAt(u8, profit - 1)) return ListFault.TakeProfitType;
  if (!isStopAt(u8, loss - 1)) return ListFault.StopLossType;
  const sign = u8[parent * Command.bytes + Command.side] === Side.Sell ? -1 : 1;
  // What a trailing stop has there is its activation price.
  const stopPrice = isTrailingAt(u8, loss - 1) ? 0 : getI64(words, (loss - 1) * WORDS + STOP_PRICE);
  const price = entryPriceAt(u8, words, parent);
  const limit = priceAt(words, profit);
  if (price !== 0 && sign * (limit - price) <= 0) return ListFault.TakeProfitPrice;
  // A market order has no price to compare.
  const above = price === 0 ? limit : price;
  return stopPrice === 0 || sign * (above - stopPrice) > 0 ? ListFault.None : ListFault.StopLossPrice;
}

/** A child is of the symbol and quantity of its parent, of the other side, and has another client order id. */
function childFault(u8: Uint8Array, words: Int32Array, parent: number, child: number): ListFault {
  if (words[child * WORDS + SYMBOL] !== words[parent * WORDS + SYMBOL]) return ListFault.Symbols;
  if (same(words, parent, child, CLIENT_ORDER_ID)) return ListFault.ClientOrderIds;
  if (u8[child * Command.bytes + Command.side] === u8[parent * Command.bytes + Command.side]) return ListFault.Sides;
  return same(words, parent, child, QUANTITY) ? ListFault.None : ListFault.Quantities;
}

function same(words: Int32Array, one: number, other: number, field: number): boolean {
  return getI64(words, one * WORDS + field) === getI64(words, other * WORDS + field);
}

function priceAt(words: Int32Array, slot: number): PriceTicks {
  return getI64(words, slot * WORDS + PRICE);
}

/** The price at which a parent begins to trade, at best or at worst: its limit, or its stop price; 0 = it has none, as a trailing stop. */
function entryPriceAt(u8: Uint8Array, words: Int32Array, parent: number): PriceTicks {
  if (isTrailingAt(u8, parent - 1)) return 0;
  const limit = priceAt(words, parent);
  return limit === 0 && isStopAt(u8, parent - 1) ? getI64(words, (parent - 1) * WORDS + STOP_PRICE) : limit;
}

function isTrailingAt(u8: Uint8Array, extension: number): boolean {
  return isTrailing(u8[extension * CommandExtension.bytes + CommandExtension.orderType]);
}

function isStopAt(u8: Uint8Array, extension: number): boolean {
  return isStop(u8[extension * CommandExtension.bytes + CommandExtension.orderType]);
}
