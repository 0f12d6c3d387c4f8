import { Code } from '../codes.ts';
import { getI64, type PriceTicks } from '../units.ts';
import { Command, CommandExtension, LinkKind, Side } from './layout.ts';
import { hasChildren, linkKindOf } from './list-link.ts';
import { isStop } from './order-kinds.ts';

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
 * parent: first a limit order, at a better price than a parent with a limit, then a stop, at a worse one.
 *
 * @param u8 @param words views of the same slots: extension, command, extension, command, and once more in a list of three
 */
export function checkList(u8: Uint8Array, words: Int32Array): Code {
  return (linkKindOf(words[LINK]) === LinkKind.Bracket ? isBracket(u8, words) : isPair(u8, words)) ? Code.OK : Code.BAD_LIST;
}

function isPair(u8: Uint8Array, words: Int32Array): boolean {
  const [one, other] = [1, 3];
  const kind = linkKindOf(words[LINK]);
  const same = (at: number): boolean => getI64(words, one * WORDS + at) === getI64(words, other * WORDS + at);
  if (words[one * WORDS + SYMBOL] !== words[other * WORDS + SYMBOL] || same(CLIENT_ORDER_ID)) return false;
  if (hasChildren(kind)) return same(QUANTITY);
  const side = u8[one * Command.bytes + Command.side];
  const oneSide = side === u8[other * Command.bytes + Command.side];
  const limits = !isStopAt(u8, 0) && !isStopAt(u8, 2);
  if (kind === LinkKind.OneUpdatesOther) return oneSide && !limits && same(QUANTITY);
  if (!limits) return true;
  const [buy, sell] = side === Side.Buy ? [one, other] : [other, one];
  return !oneSide && priceAt(words, buy) < priceAt(words, sell);
}

function isBracket(u8: Uint8Array, words: Int32Array): boolean {
  const slots = [1, 3, 5];
  const [parent, profit, loss] = slots;
  const ids = slots.map((slot) => getI64(words, slot * WORDS + CLIENT_ORDER_ID));
  if (new Set(ids).size < ids.length) return false;
  for (const slot of [profit, loss]) {
    if (words[slot * WORDS + SYMBOL] !== words[parent * WORDS + SYMBOL]) return false;
    if (getI64(words, slot * WORDS + QUANTITY) !== getI64(words, parent * WORDS + QUANTITY)) return false;
    if (u8[slot * Command.bytes + Command.side] === u8[parent * Command.bytes + Command.side]) return false;
  }
  if (isStopAt(u8, profit - 1) || !isStopAt(u8, loss - 1)) return false;
  const stopPrice = getI64(words, (loss - 1) * WORDS + STOP_PRICE);
  // A market order has no price to compare.
  const prices = [stopPrice, priceAt(words, parent), priceAt(words, profit)].filter((price) => price !== 0);
  if (u8[parent * Command.bytes + Command.side] === Side.Sell) prices.reverse();
  return prices.every((price, i) => i === 0 || price > prices[i - 1]);
}

function priceAt(words: Int32Array, slot: number): PriceTicks {
  return getI64(words, slot * WORDS + PRICE);
}

function isStopAt(u8: Uint8Array, extension: number): boolean {
  return isStop(u8[extension * CommandExtension.bytes + CommandExtension.orderType]);
}
