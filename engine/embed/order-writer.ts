import type { Code } from '../codes.ts';
import { putU53Even } from '../units.ts';
import { checkCommand, checkLongCommand, checkOwnNew } from '../wire/check-command.ts';
import { Command, CommandFlag, CommandKind, Side } from '../wire/layout.ts';
import { COMMAND_SLOT, type CommandRunner } from './command-runner.ts';
import { badName, badRange } from './embed-error.ts';
import { LONG, plainTerms, shortTerms, writeLongTerms } from './order-terms.ts';
import type { OrderTerms } from './orders.ts';
import type { SymbolUnits } from './symbol-units.ts';

const WORDS = Command.bytes / 4;
const { New: NEW } = CommandKind;
const { Buy: BUY, Sell: SELL } = Side;
const { Extended: EXTENDED } = CommandFlag;
const SYMBOL = Command.symbol / 4;
const ACCOUNT = Command.account / 4;
const TAG = Command.tag / 4;
const CLIENT_ORDER_ID = Command.clientOrderId / 4;
const ORDER_ID = Command.orderId / 4;
const PRICE = Command.price / 4;
const QUANTITY = Command.quantity / 4;
/** First word of the command of a single order. */
const AT = COMMAND_SLOT * WORDS;
export const EXTENSION_SLOT: number = COMMAND_SLOT - 1;
/** Client order ids that the exchange makes begin here; those of callers are below. */
export const FIRST_OWN_ID: number = 2 ** 52;

// V8 inlines functions below 28 bytecodes in any case, and longer ones while a budget lasts, which the functions of a call exceed. So the usual path of the
// small ones is short, and what is rare has a function of its own, the text of an error included.

/** Writes commands of accounts into the runner's slots, and verifies them as a frame of the wire is verified. */
export class OrderWriter {
  readonly #runner: CommandRunner;

  constructor(runner: CommandRunner) {
    this.#runner = runner;
  }

  /** A new order; its extension, if it needs one, is in the slot before. @param link see linkWord; 0: of no list @returns OK, or why it cannot be sent */
  writeNew(
    order: Omit<OrderTerms, 'side' | 'quantity'>,
    side: number,
    quantity: number,
    units: SymbolUnits,
    account: number,
    clientOrderId: number,
    slot: number,
    link: number,
  ): Code {
    const { u8, words } = this.#runner;
    let price = 0;
    let timeInForce = link === 0 ? shortTerms(order) : LONG;
    const long = timeInForce === LONG;
    if (long) {
      const terms = writeLongTerms(u8, words, slot - 1, order, units, link);
      price = terms.price;
      timeInForce = terms.timeInForce;
    } else if (order.price !== undefined) price = units.ticks(order.price);
    const at = slot * WORDS;
    words[at] = NEW | (side << 8) | (timeInForce << 16) | (long ? EXTENDED << 24 : 0);
    words[at | SYMBOL] = units.id;
    words[at | ACCOUNT] = account;
    words[at | TAG] = order.tag === undefined ? 0 : tagOf(order.tag);
    putU53Even(words, at | CLIENT_ORDER_ID, clientOrderId);
    putU53Even(words, at | ORDER_ID, 0);
    putU53Even(words, at | PRICE, price);
    putU53Even(words, at | QUANTITY, quantity);
    return long ? checkLongCommand(u8, words, slot - 1, slot, account) : checkOwnNew(timeInForce, price, quantity);
  }

  /** {@link writeNew} in {@link COMMAND_SLOT}, of an order without rare terms. */
  writePlain(
    order: Omit<OrderTerms, 'side' | 'quantity'>,
    side: number,
    quantity: number,
    units: SymbolUnits,
    account: number,
    clientOrderId: number,
  ): Code {
    const timeInForce = plainTerms(order);
    if (timeInForce === LONG) return this.writeNew(order, side, quantity, units, account, clientOrderId, COMMAND_SLOT, 0);
    const price = order.price === undefined ? 0 : units.ticks(order.price);
    this.write(NEW | (side << 8) | (timeInForce << 16), units.id, account, order.tag, clientOrderId, 0, price, quantity);
    return checkOwnNew(timeInForce, price, quantity);
  }

  /**
   * A command without the terms of an order, in {@link COMMAND_SLOT}. @param terms kind, what has the place of the side, time in force and flags, a byte each
   * @param tag undefined: 0
   */
  write(
    terms: number,
    symbol: number,
    account: number,
    tag: number | undefined,
    clientOrderId: number,
    orderId: number,
    price: number,
    quantity: number,
  ): void {
    const { words } = this.#runner;
    words[AT] = terms;
    words[AT | SYMBOL] = symbol;
    words[AT | ACCOUNT] = account;
    words[AT | TAG] = tag === undefined ? 0 : tagOf(tag);
    putU53Even(words, AT | CLIENT_ORDER_ID, clientOrderId);
    putU53Even(words, AT | ORDER_ID, orderId);
    putU53Even(words, AT | PRICE, price);
    putU53Even(words, AT | QUANTITY, quantity);
  }

  /** Verifies the command in {@link COMMAND_SLOT}. @returns OK, or why it cannot be sent */
  check(long: boolean, account: number): Code {
    const { u8, words } = this.#runner;
    return long ? checkLongCommand(u8, words, EXTENSION_SLOT, COMMAND_SLOT, account) : checkCommand(u8, words, COMMAND_SLOT, account);
  }

  /** Where the command in a slot begins: at its extension, if it still has one after the check. */
  firstSlot(slot: number): number {
    return this.#runner.words[slot * WORDS] >>> 24 === 0 ? slot : slot - 1;
  }

  /** The caller's id, or the next one of the exchange. @param offset of an order of a list @throws EmbedError */
  clientOrderIdOf(given: number | undefined, offset: number): number {
    if (given === undefined) return FIRST_OWN_ID + this.#runner.exchange.seq + offset;
    if (Number.isSafeInteger(given) && given > 0 && given < FIRST_OWN_ID) return given;
    badRange(`a clientOrderId is an integer from 1 to 2^52 - 1, not ${given}`);
  }
}

/** @throws EmbedError */
export function sideOf(side: string): Side {
  if (side === 'buy') return BUY;
  return side === 'sell' ? SELL : badName('side', side, ['buy', 'sell']);
}

/** An id that names an order; 0: none was given. @throws EmbedError */
export function idOf(id: number | undefined): number {
  if (id === undefined) return 0;
  return id >>> 0 === id ? id : largeId(id);
}

function largeId(id: number): number {
  if (Number.isSafeInteger(id) && id >= 0) return id;
  badRange(`an id is an integer in [0, 2^53), not ${id}`);
}

function tagOf(tag: number): number {
  if (Number.isInteger(tag) && tag >= 0 && tag < 2 ** 32) return tag;
  badRange(`a tag is an integer in [0, 2^32), not ${tag}`);
}
