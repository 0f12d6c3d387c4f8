import { Code } from '../codes.ts';
import { CANCEL_AFTER_RANGE, MASS_CANCEL_SELLS, MAX_PRICE_TICKS } from '../params.ts';
import { getI64, isU53 } from '../units.ts';
import { displayedOf, expiryOf, hasMinimum, longOrderKind, minQuantityOf, stopPriceOf } from './command-extension.ts';
import {
  Command,
  CommandExtension,
  CommandFlag,
  CommandKind,
  Instruction,
  OrderType,
  QuoteAction,
  SelfTradeMode,
  Side,
  TimeInForce,
  Trigger,
} from './layout.ts';
import { isLink, linkTermOf } from './list-link.ts';
import {
  INSTRUCTIONS,
  illegalPair,
  isShort,
  isStop,
  isTrailing,
  KIND_INSTRUCTIONS,
  KIND_NEEDS_PRICE,
  KIND_ORDER_TYPE,
  KIND_TIME_IN_FORCE,
  LAST_SHORT_TIME_IN_FORCE,
  MAX_TRAIL_PPM,
  NO_KIND,
  ORDER_TYPES,
  OrderKind,
  shortKindOf,
  withoutShortForms,
} from './order-kinds.ts';

const WORDS = Command.bytes / 4;
/** Window of a protection: a millisecond to a day. */
const MIN_PROTECTION_US = 1000;
const MAX_PROTECTION_US = 86_400_000_000;
/** The numbers of an extension, in words. */
const NUMBERS = [
  CommandExtension.stopPrice / 4,
  CommandExtension.displayedQuantity / 4,
  CommandExtension.minQuantity / 4,
  CommandExtension.expiryUs / 4,
];

/**
 * Verifies the order-entry command in a slot of 64 bytes, and makes it
 * canonical: account 0 becomes the session's account, and fields that a client
 * does not set are zeroed (`parameter`; the sequencer sets `seq` and `time_us`),
 * so that equal requests have equal bytes in the log.
 *
 * @param u8 @param words views of the same slots
 * @param account the session's account
 * @returns OK or the code of the rejection
 */
export function checkCommand(u8: Uint8Array, words: Int32Array, slot: number, account: number): Code {
  const timeInForce = u8[slot * Command.bytes + Command.timeInForce];
  const code = checkFields(u8, words, slot, account, shortKindOf(timeInForce), false);
  // An order until a time, or of an auction, needs an extension.
  return code === Code.OK && timeInForce > LAST_SHORT_TIME_IN_FORCE && u8[slot * Command.bytes] === CommandKind.New ? Code.BAD_RANGE : code;
}

function checkFields(u8: Uint8Array, words: Int32Array, slot: number, account: number, orderKind: number, extended: boolean): Code {
  const byte = slot * Command.bytes;
  const word = slot * WORDS;
  const kind = u8[byte + Command.kind];
  if (isOfAccount(kind)) return checkOfAccount(u8, words, slot, account);
  if (kind < CommandKind.New || kind > CommandKind.Amend) {
    if (kind === CommandKind.Quote) return checkQuote(u8, words, slot, account);
    const ofOperator = kind >= CommandKind.DefineAsset && kind <= CommandKind.SetReference;
    return ofOperator ? Code.ADMIN_ONLY : Code.UNKNOWN_KIND;
  }
  const timeInForce = u8[byte + Command.timeInForce];
  if (u8[byte + Command.side] > Side.Sell || timeInForce > TimeInForce.AtTheClose) return Code.BAD_ENUM;
  const owner = words[word + Command.account / 4] >>> 0;
  if (owner !== 0 && owner !== account) return Code.FOREIGN_ACCOUNT;
  const clientOrderId = word + Command.clientOrderId / 4;
  const orderId = word + Command.orderId / 4;
  const price = word + Command.price / 4;
  const quantity = word + Command.quantity / 4;
  if (!isU53(words, clientOrderId) || !isU53(words, orderId) || !isU53(words, price) || !isU53(words, quantity)) return Code.BAD_RANGE;
  if (kind === CommandKind.New) {
    if (isZero(words, clientOrderId)) return Code.BAD_CLIENT_ORDER_ID;
    if (!hasNewTerms(orderKind, !isZero(words, price), !isZero(words, quantity))) return Code.BAD_RANGE;
  } else {
    if (!hasTarget(!isZero(words, clientOrderId), !isZero(words, orderId))) return Code.BAD_RANGE;
    if (kind === CommandKind.Amend && !hasAmendTerms(!isZero(words, price), !isZero(words, quantity), extended)) return Code.BAD_RANGE;
  }
  u8[byte + Command.parameter] = 0;
  words[word + Command.account / 4] = account;
  return Code.OK;
}

/** Whether a new order has the numbers of its kind, and no price if its kind has none. */
function hasNewTerms(orderKind: number, hasPrice: boolean, hasQuantity: boolean): boolean {
  return hasPrice === (KIND_NEEDS_PRICE[orderKind] === 1) && hasQuantity;
}

/** Whether a cancel or an amend names its order. */
function hasTarget(hasClientOrderId: boolean, hasOrderId: boolean): boolean {
  return hasClientOrderId || hasOrderId;
}

/** A stop order without a limit is amended without a price, and with an extension. */
function hasAmendTerms(hasPrice: boolean, hasQuantity: boolean, extended: boolean): boolean {
  return (hasPrice || extended) && hasQuantity;
}

/**
 * The answer of {@link checkCommand} for a caller in this process that encodes the command of a new order itself: with a known side, a short time
 * in force, its own account, a client order id above 0, and numbers in [0, 2^53). These have been checked before; what is left are the rules.
 */
export function checkOwnNew(timeInForce: number, price: number, quantity: number): Code {
  return hasNewTerms(shortKindOf(timeInForce), price !== 0, quantity !== 0) ? Code.OK : Code.BAD_RANGE;
}

/** The same for a cancel, or for an amend without an extension. */
export function checkOwnTarget(clientOrderId: number, orderId: number): Code {
  return hasTarget(clientOrderId !== 0, orderId !== 0) ? Code.OK : Code.BAD_RANGE;
}

export function checkOwnAmend(clientOrderId: number, orderId: number, price: number, quantity: number): Code {
  const hasAll = hasTarget(clientOrderId !== 0, orderId !== 0) && hasAmendTerms(price !== 0, quantity !== 0, false);
  return hasAll ? Code.OK : Code.BAD_RANGE;
}

/** A side without a quantity has no price: that of the command is dropped. */
function checkQuote(u8: Uint8Array, words: Int32Array, slot: number, account: number): Code {
  const byte = slot * Command.bytes;
  const word = slot * WORDS;
  const timeInForce = u8[byte + Command.timeInForce];
  const action = u8[byte + Command.side];
  if (action > QuoteAction.Reset || timeInForce > TimeInForce.GoodTillDate) return Code.BAD_ENUM;
  if (timeInForce !== TimeInForce.GoodTillCancel && timeInForce !== TimeInForce.PostOnly) return Code.ILLEGAL_COMBINATION;
  const owner = words[word + Command.account / 4] >>> 0;
  if (owner !== 0 && owner !== account) return Code.FOREIGN_ACCOUNT;
  const code = action === QuoteAction.Quote ? checkSides(words, word) : checkProtection(words, word, action, timeInForce);
  if (code !== Code.OK) return code;
  u8[byte + Command.parameter] = 0;
  words[word + Command.account / 4] = account;
  return Code.OK;
}

function checkSides(words: Int32Array, word: number): Code {
  const ask = checkSide(words, word + Command.clientOrderId / 4, word + Command.orderId / 4);
  return checkSide(words, word + Command.price / 4, word + Command.quantity / 4) || ask;
}

/** A window has a limit, and a limit a window. */
function checkProtection(words: Int32Array, word: number, action: number, timeInForce: number): Code {
  const limits = [Command.clientOrderId, Command.orderId, Command.price].map((at) => word + at / 4);
  const window = word + Command.quantity / 4;
  if (words[word + Command.symbol / 4] !== 0 || timeInForce !== 0) return Code.BAD_RANGE;
  if (![window, ...limits].every((at) => isU53(words, at))) return Code.BAD_RANGE;
  const isOff = limits.every((at) => isZero(words, at));
  const windowUs = getI64(words, window);
  if (isOff || action === QuoteAction.Reset) return isOff && windowUs === 0 ? Code.OK : Code.BAD_RANGE;
  return windowUs >= MIN_PROTECTION_US && windowUs <= MAX_PROTECTION_US ? Code.OK : Code.BAD_RANGE;
}

function checkSide(words: Int32Array, price: number, quantity: number): Code {
  if (!isU53(words, price) || !isU53(words, quantity)) return Code.BAD_RANGE;
  if (!isZero(words, quantity)) return isZero(words, price) ? Code.BAD_RANGE : Code.OK;
  words[price] = 0;
  words[price + 1] = 0;
  return Code.OK;
}

/**
 * Verifies a command that has flags, in slot `command`, with its extension in
 * slot `extension` if it announces one, and makes both canonical. If a Command
 * alone can express the order, flag Extended is cleared. The caller must drop
 * the extension then, so that equal orders have equal bytes in the log.
 *
 * @param u8 @param words views of the same slots
 * @param account the session's account
 * @returns OK or the code of the rejection; both slots may have changed in either case
 */
export function checkLongCommand(u8: Uint8Array, words: Int32Array, extension: number, command: number, account: number): Code {
  const byte = command * Command.bytes;
  // The kind is checked first, the same as without flags.
  const kind = u8[byte + Command.kind];
  if (kind === CommandKind.Quote) return Code.UNSUPPORTED_TERM;
  if (kind < CommandKind.New || kind > CommandKind.Amend) return checkCommand(u8, words, command, account);
  if (u8[byte + Command.parameter] !== CommandFlag.Extended || kind === CommandKind.Cancel) return Code.UNSUPPORTED_TERM;
  if (kind === CommandKind.Amend) return checkLongAmend(u8, words, extension, command, account);
  const timeInForce = u8[byte + Command.timeInForce];
  if (timeInForce > TimeInForce.AtTheClose) return Code.BAD_ENUM;
  const termsCode = checkTerms(u8, words, extension);
  if (termsCode !== Code.OK) return termsCode;
  const orderKind = longOrderKind(u8, words, extension, command);
  if (orderKind === NO_KIND) return Code.ILLEGAL_COMBINATION;
  const linked = words[extension * WORDS + CommandExtension.link / 4] !== 0;
  if (linked && !canLink(u8, words, extension, command)) return Code.ILLEGAL_COMBINATION;
  if ((expiryOf(words, extension) !== 0) !== (timeInForce === TimeInForce.GoodTillDate)) return Code.BAD_RANGE;
  const orderType = u8[extension * CommandExtension.bytes + CommandExtension.orderType];
  const stop = isStop(orderType);
  if (isTrailing(orderType)) {
    const instructions = words[extension * WORDS + CommandExtension.instructions / 4];
    if (!isOffset(minQuantityOf(words, extension), instructions)) return Code.BAD_RANGE;
  } else if ((stopPriceOf(words, extension) !== 0) !== stop) return Code.BAD_RANGE;
  if (!stop && u8[extension * CommandExtension.bytes + CommandExtension.trigger] !== 0) return Code.BAD_RANGE;
  const pegged = orderKind === OrderKind.Pegged;
  if (pegged && minQuantityOf(words, extension) > MAX_PRICE_TICKS) return Code.BAD_RANGE;
  if (stop || pegged) expandShortForm(u8, words, extension, command);
  else if (timeInForce < TimeInForce.Day) u8[byte + Command.timeInForce] = KIND_TIME_IN_FORCE[orderKind];
  const code = checkFields(u8, words, command, account, orderKind, true);
  if (code !== Code.OK) return code;
  const quantity = getI64(words, command * WORDS + Command.quantity / 4);
  const displayed = displayedOf(words, extension);
  if (displayed > quantity || (hasMinimum(u8, words, extension) && minQuantityOf(words, extension) > quantity)) return Code.BAD_RANGE;
  const selfTradeMode = u8[extension * CommandExtension.bytes + CommandExtension.selfTradeMode];
  const hidden = words[extension * WORDS + CommandExtension.instructions / 4] & Instruction.Hidden;
  if (!stop && !linked && isShort(orderKind, timeInForce) && selfTradeMode === 0 && displayed === 0 && hidden === 0) return Code.OK;
  u8[byte + Command.parameter] = CommandFlag.Extended;
  if (pegged && minQuantityOf(words, extension) === 0)
    words[extension * WORDS + CommandExtension.instructions / 4] &= ~Instruction.PegTowards;
  if (stop || pegged) return Code.OK;
  u8[extension * CommandExtension.bytes + CommandExtension.orderType] = KIND_ORDER_TYPE[orderKind];
  words[extension * WORDS + CommandExtension.instructions / 4] = KIND_INSTRUCTIONS[orderKind] | hidden;
  return Code.OK;
}

/** Whether a legal order can be linked with others. */
function canLink(u8: Uint8Array, words: Int32Array, extension: number, command: number): boolean {
  const orderType = u8[extension * CommandExtension.bytes + CommandExtension.orderType];
  const instructions = words[extension * WORDS + CommandExtension.instructions / 4];
  const timeInForce = u8[command * Command.bytes + Command.timeInForce];
  const hasDisplayed = displayedOf(words, extension) !== 0;
  const link = words[extension * WORDS + CommandExtension.link / 4];
  return illegalPair(orderType, timeInForce, instructions, hasMinimum(u8, words, extension), hasDisplayed, linkTermOf(link)) === '';
}

/** The extension of an amend has the new stop or activation price, the new offset of a trailing stop, or both; or the new displayed quantity; and nothing else. */
function checkLongAmend(u8: Uint8Array, words: Int32Array, extension: number, command: number, account: number): Code {
  const code = checkTerms(u8, words, extension);
  if (code !== Code.OK) return code;
  const byte = extension * CommandExtension.bytes;
  const terms = u8[byte + CommandExtension.orderType] | u8[byte + CommandExtension.trigger] | u8[byte + CommandExtension.selfTradeMode];
  const instructions = words[extension * WORDS + CommandExtension.instructions / 4];
  const offset = minQuantityOf(words, extension);
  if (terms !== 0 || (instructions & ~Instruction.TrailPpm) !== 0 || expiryOf(words, extension) !== 0) return Code.UNSUPPORTED_TERM;
  if (words[extension * WORDS + CommandExtension.link / 4] !== 0) return Code.UNSUPPORTED_TERM;
  const displayed = displayedOf(words, extension);
  const stopPrice = stopPriceOf(words, extension);
  if (offset === 0 ? (stopPrice === 0) === (displayed === 0) || instructions !== 0 : !isOffset(offset, instructions) || displayed !== 0)
    return Code.BAD_RANGE;
  if (displayed > getI64(words, command * WORDS + Command.quantity / 4)) return Code.BAD_RANGE;
  const fields = checkFields(u8, words, command, account, OrderKind.GoodTillCancel, true);
  if (fields === Code.OK) u8[command * Command.bytes + Command.parameter] = CommandFlag.Extended;
  return fields;
}

/** Whether a trailing stop can have this offset. */
function isOffset(offset: number, instructions: number): boolean {
  return offset > 0 && offset <= ((instructions & Instruction.TrailPpm) === 0 ? MAX_PRICE_TICKS : MAX_TRAIL_PPM);
}

/** A stop, like a pegged order, has time in force and instructions in their long form: the order that a stop becomes may have no short one. */
function expandShortForm(u8: Uint8Array, words: Int32Array, extension: number, command: number): void {
  const at = extension * WORDS + CommandExtension.instructions / 4;
  const plain = withoutShortForms(u8[command * Command.bytes + Command.timeInForce], words[at]);
  u8[command * Command.bytes + Command.timeInForce] = plain.timeInForce;
  words[at] = plain.instructions;
}

/** Checks an extension alone: this release must support its terms. */
function checkTerms(u8: Uint8Array, words: Int32Array, slot: number): Code {
  const byte = slot * CommandExtension.bytes;
  const word = slot * WORDS;
  if (u8[byte + CommandExtension.kind] !== CommandKind.Extension) return Code.UNKNOWN_KIND;
  const orderType = u8[byte + CommandExtension.orderType];
  if (orderType > OrderType.TrailingStopLimit) return Code.BAD_ENUM;
  if (orderType >= ORDER_TYPES) return Code.UNSUPPORTED_TERM;
  if (u8[byte + CommandExtension.selfTradeMode] > SelfTradeMode.Decrement) return Code.BAD_ENUM;
  if (u8[byte + CommandExtension.trigger] > Trigger.ReferencePrice) return Code.BAD_ENUM;
  const link = words[word + CommandExtension.link / 4];
  if (words[word + CommandExtension.reserved / 4] !== 0 || (link !== 0 && !isLink(link))) return Code.UNSUPPORTED_TERM;
  if ((words[word + CommandExtension.instructions / 4] & ~INSTRUCTIONS) !== 0) return Code.UNSUPPORTED_TERM;
  for (const at of NUMBERS) if (!isU53(words, word + at)) return Code.BAD_RANGE;
  return Code.OK;
}

/** Whether a command names no order, but the account's orders. */
function isOfAccount(kind: number): boolean {
  return kind === CommandKind.MassCancel || kind === CommandKind.CancelAfter;
}

function checkOfAccount(u8: Uint8Array, words: Int32Array, slot: number, account: number): Code {
  const byte = slot * Command.bytes;
  const word = slot * WORDS;
  const owner = words[word + Command.account / 4] >>> 0;
  if (owner !== 0 && owner !== account) return Code.FOREIGN_ACCOUNT;
  for (const field of [Command.clientOrderId, Command.orderId, Command.price]) if (!isZero(words, word + field / 4)) return Code.BAD_RANGE;
  const quantity = word + Command.quantity / 4;
  if (!isU53(words, quantity)) return Code.BAD_RANGE;
  const value = getI64(words, quantity);
  if (u8[byte + Command.kind] === CommandKind.MassCancel) {
    if (value > MASS_CANCEL_SELLS) return Code.BAD_RANGE;
  } else {
    const [shortest, longest] = CANCEL_AFTER_RANGE;
    if (words[word + Command.symbol / 4] !== 0 || (value !== 0 && (value < shortest || value > longest))) return Code.BAD_RANGE;
  }
  u8[byte + Command.side] = 0;
  u8[byte + Command.timeInForce] = 0;
  u8[byte + Command.parameter] = 0;
  words[word + Command.account / 4] = account;
  return Code.OK;
}

function isZero(words: Int32Array, at: number): boolean {
  return words[at] === 0 && words[at + 1] === 0;
}
