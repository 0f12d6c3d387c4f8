import { Code } from '../codes.ts';
import { getI64 } from '../units.ts';
import { Command, CommandExtension, LinkKind, Side } from './layout.ts';
import { linkKindOf } from './list-link.ts';
import { isStop } from './order-kinds.ts';

const WORDS = Command.bytes / 4;
const LINK = CommandExtension.link / 4;
const SYMBOL = Command.symbol / 4;
const CLIENT_ORDER_ID = Command.clientOrderId / 4;
const PRICE = Command.price / 4;
const QUANTITY = Command.quantity / 4;

/**
 * Checks that the orders of a list fit together: BAD_LIST otherwise. Each of them was verified alone. They are of one symbol, with different client order
 * ids. Two limit orders are a buy below a sell: of two on one side, the worse one could never trade. With one-updates-other, both
 * are of one side and quantity.
 *
 * @param u8 @param words views of the same slots: extension, command, extension, command
 */
export function checkList(u8: Uint8Array, words: Int32Array): Code {
  const [one, other] = [1, 3];
  const same = (at: number): boolean => getI64(words, one * WORDS + at) === getI64(words, other * WORDS + at);
  if (words[one * WORDS + SYMBOL] !== words[other * WORDS + SYMBOL] || same(CLIENT_ORDER_ID)) return Code.BAD_LIST;
  const side = u8[one * Command.bytes + Command.side];
  const oneSide = side === u8[other * Command.bytes + Command.side];
  const limits = !isStopAt(u8, 0) && !isStopAt(u8, 2);
  if (linkKindOf(words[LINK]) === LinkKind.OneUpdatesOther) return oneSide && !limits && same(QUANTITY) ? Code.OK : Code.BAD_LIST;
  if (!limits) return Code.OK;
  const [buy, sell] = side === Side.Buy ? [one, other] : [other, one];
  const below = getI64(words, buy * WORDS + PRICE) < getI64(words, sell * WORDS + PRICE);
  return !oneSide && below ? Code.OK : Code.BAD_LIST;
}

function isStopAt(u8: Uint8Array, extension: number): boolean {
  return isStop(u8[extension * CommandExtension.bytes + CommandExtension.orderType]);
}
