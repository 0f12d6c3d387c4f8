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
  return (linkKindOf(words[LINK]) === LinkKind.Bracket ? isBracket(u8, words) : isPair(u8, words)) ? Code.OK : Code.BAD_LIST;
}

function isPair(u8: Uint8Array, words: Int32Array): boolean {
  const one = 1;
  const other = 3;
  const kind = linkKindOf(words[LINK]);
  if (words[one * WORDS + SYMBOL] !== words[other * WORDS + SYMBOL] || same(words, one, other, CLIENT_ORDER_ID)) return false;
  if (hasChildren(kind)) return same(words, one, other, QUANTITY);
  const side = u8[one * Command.bytes + Command.side];
  const oneSide = side === u8[other * Command.bytes + Command.side];
  const limits = !isStopAt(u8, 0) && !isStopAt(u8, 2);
  if (kind === LinkKind.OneUpdatesOther) return oneSide && !limits && same(words, one, other, QUANTITY);
  if (!limits) return true;
  const buy = side === Side.Buy ? one : other;
  return !oneSide && priceAt(words, buy) < priceAt(words, one + other - buy);
}

function isBracket(u8: Uint8Array, words: Int32Array): boolean {
  const parent = 1;
  const profit = 3;
  const loss = 5;
  if (!isChild(u8, words, parent, profit) || !isChild(u8, words, parent, loss) || same(words, profit, loss, CLIENT_ORDER_ID)) return false;
  if (isStopAt(u8, profit - 1) || !isStopAt(u8, loss - 1)) return false;
  const sign = u8[parent * Command.bytes + Command.side] === Side.Sell ? -1 : 1;
  // What a trailing stop has there is its activation price.
  const stopPrice = isTrailingAt(u8, loss - 1) ? 0 : getI64(words, (loss - 1) * WORDS + STOP_PRICE);
  const price = entryPriceAt(u8, words, parent);
  const limit = priceAt(words, profit);
  // A market order has no price to compare.
  const above = price === 0 ? limit : price;
  return (stopPrice === 0 || sign * (above - stopPrice) > 0) && (price === 0 || sign * (limit - price) > 0);
}

/** Of the symbol and quantity of its parent, of the other side, and with another client order id. */
function isChild(u8: Uint8Array, words: Int32Array, parent: number, child: number): boolean {
  return (
    words[child * WORDS + SYMBOL] === words[parent * WORDS + SYMBOL] &&
    same(words, parent, child, QUANTITY) &&
    !same(words, parent, child, CLIENT_ORDER_ID) &&
    u8[child * Command.bytes + Command.side] !== u8[parent * Command.bytes + Command.side]
  );
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
