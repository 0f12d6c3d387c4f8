import { Code, codeName } from '../codes.ts';
import type { TimeUs } from '../units.ts';
import { checkOwnAmend, checkOwnTarget } from '../wire/check-command.ts';
import { CommandFlag, CommandKind, QuoteAction, ReportKind, Side, TimeInForce } from '../wire/layout.ts';
import { AccountAnswer, actionOf } from './admin-answer.ts';
import { withRest } from './amend-rest.ts';
import { COMMAND_SLOT, type CommandRunner } from './command-runner.ts';
import type { EmbeddedNames } from './embedded-names.ts';
import type { EventName, EventTypes } from './events.ts';
import { checkAmend, checkCancel, checkMassCancel, checkPlace, checkProtection, checkQuote } from './known-names.ts';
import { OperatorActions } from './operator-actions.ts';
import { OrderAnswer, Sent } from './order-answer.ts';
import { sendList } from './order-list.ts';
import { type ActionResult, type ListResult, type MassCancelResult, OrderResult, type QuoteResult } from './order-result.ts';
import { countOrLots, ticksOf, writeAmendTerms } from './order-terms.ts';
import { EXTENSION_SLOT, idOf, OrderWriter, sideOf } from './order-writer.ts';
import type { AmendOrder, CancelAll, OrderTarget, PlaceList, PlaceOrder, PlaceQuote, QuoteProtection } from './orders.ts';
import { type SnapshotBytes, writeSnapshot } from './snapshot.ts';
import { countOf, type SymbolUnits } from './symbol-units.ts';

const NIL = -1;
const { Cancel: CANCEL, Amend: AMEND, Quote: QUOTE } = CommandKind;
/** In the first word of a command. */
const EXTENDED = CommandFlag.Extended << 24;
const { Buy: BUY, Sell: SELL } = Side;

/**
 * An exchange inside a program: orders in by name, results out, callbacks for what happens. It is synchronous, owns no thread, and reads no
 * clock unless it was given one. One thread owns it.
 *
 * A call that is written wrongly (an unknown name, a malformed number) throws an {@link EmbedError}. What the exchange decides is a result with a code.
 * Create one with `createExchange`.
 */
export class EmbeddedExchange extends OperatorActions {
  readonly #answer: OrderAnswer;
  readonly #writer: OrderWriter;

  constructor(runner: CommandRunner, names: EmbeddedNames) {
    super(runner, names);
    this.#writer = new OrderWriter(runner);
    this.#answer = new OrderAnswer(names, new OrderResult());
  }

  /** The time that the next command has, microseconds since the Unix epoch. */
  get nowUs(): TimeUs {
    return this.runner.nowUs;
  }

  /** Moves the time on. What is due until then (orders that expire, auctions that end) happens before, each at its own time. @throws EmbedError TIME_BACK */
  advanceTo(timeUs: TimeUs): void {
    this.runner.advanceTo(timeUs);
  }

  /**
   * Calls back with each event of a kind, while the command that causes it runs: first all its reports, then what it changed in books. Without a callback,
   * events of books are not written. A callback sends no commands; see {@link afterwards}. What it throws comes out of the call, when the command is complete.
   * @returns what removes the callback
   */
  on<Name extends EventName>(name: Name, callback: (event: EventTypes[Name]) => void): () => void {
    return this.runner.on(name, callback as never);
  }

  /** Calls back as soon as no command runs: how a callback of an event answers it with an order. */
  afterwards(callback: () => void): void {
    this.runner.afterwards(callback);
  }

  /** @param into a result to write to, instead of a new one: then only trades allocate @throws EmbedError */
  place(order: PlaceOrder, into?: OrderResult): OrderResult {
    const plain = checkPlace(order);
    const { names, runner } = this;
    const writer = this.#writer;
    const units = names.symbol(order.symbol);
    const account = names.sender(order.account);
    runner.begin();
    const clientOrderId = writer.clientOrderIdOf(order.clientOrderId, 0);
    const lots = units.lots(order.quantity);
    const side = sideOf(order.side);
    const code = plain
      ? writer.writePlain(order, side, lots, units, account, clientOrderId)
      : writer.writeNew(order, side, lots, units, account, clientOrderId, COMMAND_SLOT, 0);
    if (code !== Code.OK) return this.#notSent(into, code, units.id, 0, clientOrderId);
    return this.#send(writer.firstSlot(COMMAND_SLOT), Sent.New, account, 0, clientOrderId, into);
  }

  /** Linked orders, a parent and what waits for its fills, or a bracket. @throws EmbedError */
  placeList(list: PlaceList): ListResult {
    return sendList(this.runner, this.#writer, this.names, list);
  }

  /** What is left out stays as it is; an unchanged price and a lower quantity keep the order's place. @param into as of {@link place} @throws EmbedError */
  amend(order: AmendOrder, into?: OrderResult): OrderResult {
    const plain = checkAmend(order);
    const { names } = this;
    const account = names.sender(order.account);
    const orderId = idOf(order.orderId);
    const clientOrderId = idOf(order.clientOrderId);
    const units = order.symbol === undefined ? undefined : names.symbol(order.symbol);
    const { price, quantity } = order;
    this.runner.begin();
    // Text means nothing without a symbol.
    if (!plain || price === undefined || quantity === undefined || (units === undefined && (isText(price) || isText(quantity))))
      return this.#amendOpen(order, account, orderId, clientOrderId, units, into);
    const symbol = units === undefined ? 0 : units.id;
    const ticks = ticksOf(units, price, 'price');
    const lots = countOrLots(units, quantity);
    this.#writer.write(AMEND, symbol, account, order.tag, clientOrderId, orderId, ticks, lots);
    const code = checkOwnAmend(clientOrderId, orderId, ticks, lots);
    if (code !== Code.OK) return this.#notSent(into, code, symbol, orderId, clientOrderId);
    return this.#send(COMMAND_SLOT, Sent.Amend, account, orderId, clientOrderId, into);
  }

  /** An amend with terms that need an extension, or without what the wire must have: that is taken from the open order, as is its symbol. */
  #amendOpen(
    order: AmendOrder,
    account: number,
    orderId: number,
    clientOrderId: number,
    named: SymbolUnits | undefined,
    into: OrderResult | undefined,
  ): OrderResult {
    const { names, runner } = this;
    const writer = this.#writer;
    let units = named;
    let given = order;
    const text = named === undefined && hasText(order);
    if (text || needsRest(order)) {
      const slot = this.slotOf(account, orderId, clientOrderId);
      if (text && slot === NIL) return this.#notSent(into, Code.UNKNOWN_ORDER, 0, orderId, clientOrderId);
      if (slot !== NIL) {
        units = names.symbol(this.machine.slab.symbol(slot));
        if (needsRest(order)) given = withRest(order, this.read(slot));
      }
    }
    const long = isLongAmend(given) && writeAmendTerms(runner.u8, runner.words, EXTENSION_SLOT, given, units);
    const price = given.price ?? given.limitOffset;
    const symbol = named === undefined || units === undefined ? 0 : units.id;
    const ticks = price === undefined ? 0 : ticksOf(units, price, 'price');
    const lots = given.quantity === undefined ? 0 : countOrLots(units, given.quantity);
    writer.write(long ? AMEND | EXTENDED : AMEND, symbol, account, order.tag, clientOrderId, orderId, ticks, lots);
    const code = long ? writer.check(long, account) : checkOwnAmend(clientOrderId, orderId, ticks, lots);
    if (code !== Code.OK) return this.#notSent(into, code, symbol, orderId, clientOrderId);
    return this.#send(writer.firstSlot(COMMAND_SLOT), Sent.Amend, account, orderId, clientOrderId, into);
  }

  /** @param into as of {@link place} @throws EmbedError */
  cancel(order: OrderTarget, into?: OrderResult): OrderResult {
    checkCancel(order);
    const { names } = this;
    const account = names.sender(order.account);
    const orderId = idOf(order.orderId);
    const clientOrderId = idOf(order.clientOrderId);
    const symbol = order.symbol === undefined ? 0 : names.symbol(order.symbol).id;
    this.runner.begin();
    this.#writer.write(CANCEL, symbol, account, order.tag, clientOrderId, orderId, 0, 0);
    const code = checkOwnTarget(clientOrderId, orderId);
    if (code !== Code.OK) return this.#notSent(into, code, symbol, orderId, clientOrderId);
    return this.#send(COMMAND_SLOT, Sent.Cancel, account, orderId, clientOrderId, into);
  }

  /** Cancels the open orders of an account: resting ones, stops, and those that wait. @throws EmbedError */
  massCancel(selection: CancelAll): MassCancelResult {
    checkMassCancel(selection);
    const { account, symbol, side } = selection;
    const id = this.names.account(account);
    const answer = new AccountAnswer(id, [ReportKind.MassCancelled]);
    const quantity = side === undefined ? 0 : sideOf(side) + 1;
    this.runner.submit(
      { kind: CommandKind.MassCancel, account: id, symbol: symbol === undefined ? 0 : this.names.symbol(symbol).id, quantity },
      answer,
    );
    return { ...actionOf(answer.code), count: answer.quantity };
  }

  /** Dead man's switch: all orders of the account are cancelled in so many microseconds, a second to a day, unless it is called again; 0 = off. @throws EmbedError */
  cancelAfter(account: string | number, us: number): ActionResult {
    const id = this.names.account(account);
    this.runner.begin();
    this.#writer.write(CommandKind.CancelAfter, 0, id, 0, 0, 0, 0, countOf(us, 'time'));
    return this.#sendOfAccount(id, [ReportKind.CancelAfterSet]);
  }

  /** @throws EmbedError */
  quote(quote: PlaceQuote): QuoteResult {
    checkQuote(quote);
    const { runner } = this;
    const units = this.names.symbol(quote.symbol);
    const account = this.names.account(quote.account);
    runner.begin();
    const timeInForce = quote.postOnly === true ? TimeInForce.PostOnly : TimeInForce.GoodTillCancel;
    const { bid, ask } = quote;
    const [askTicks, askLots] = ask === undefined ? [0, 0] : [units.ticks(ask.price), units.lots(ask.quantity)];
    const [bidTicks, bidLots] = bid === undefined ? [0, 0] : [units.ticks(bid.price), units.lots(bid.quantity)];
    this.#writer.write(QUOTE | (timeInForce << 16), units.id, account, quote.tag, askTicks, askLots, bidTicks, bidLots);
    const sides = [BUY, SELL].map((side) => {
      const result = new OrderResult();
      const answer = new OrderAnswer(this.names, result);
      answer.expectSide(account, units.id, side);
      result.named(this.names, units.id);
      return { result, answer };
    });
    const code = this.#writer.check(false, account);
    const [buy, sell] = sides.map(({ result }) => result);
    if (code === Code.OK) {
      const take = (words: Int32Array, at: number): void => {
        for (const { answer } of sides) answer.take(words, at);
      };
      runner.run({ take }, COMMAND_SLOT, COMMAND_SLOT);
    } else for (const { result } of sides) result.code = code;
    // The other side of a rejected one has a code that says so.
    const failed = buy.code === Code.QUOTE_OTHER_SIDE ? sell.code : buy.code;
    const worst = failed === Code.OK ? sell.code : failed;
    return { accepted: worst === Code.OK, code: worst, reason: codeName(worst), bid: buy, ask: sell };
  }

  /** Market-maker protection of the account's quotes; without a limit: none. @throws EmbedError */
  protectQuotes(account: string | number, protection: QuoteProtection): ActionResult {
    checkProtection(protection);
    const { windowUs = 0, fills = 0, lots = 0, netLots = 0 } = protection;
    const id = this.names.account(account);
    this.runner.begin();
    const limits = [countOf(fills, 'fills'), countOf(lots, 'lots'), countOf(netLots, 'netLots'), countOf(windowUs, 'windowUs')] as const;
    this.#writer.write(QUOTE | (QuoteAction.Protection << 8), 0, id, 0, ...limits);
    return this.#sendOfAccount(id, [ReportKind.Accepted, ReportKind.Rejected]);
  }

  /** Accepts quotes again after the protection has triggered. @throws EmbedError */
  resetProtection(account: string | number): ActionResult {
    const id = this.names.account(account);
    this.runner.begin();
    this.#writer.write(QUOTE | (QuoteAction.Reset << 8), 0, id, 0, 0, 0, 0, 0);
    return this.#sendOfAccount(id, [ReportKind.Accepted, ReportKind.Rejected]);
  }

  /** The whole state, for `restoreExchange`. */
  snapshot(): SnapshotBytes {
    return writeSnapshot(this.machine);
  }

  #sendOfAccount(account: number, kinds: readonly number[]): ActionResult {
    const answer = new AccountAnswer(account, kinds);
    const code = this.#writer.check(false, account);
    if (code !== Code.OK) return actionOf(code);
    this.runner.run(answer, COMMAND_SLOT, COMMAND_SLOT);
    return actionOf(answer.code);
  }

  /** Applies the command that was written to {@link COMMAND_SLOT}. @param first slot of its extension, if it has one, else its own */
  #send(first: number, sent: Sent, account: number, orderId: number, clientOrderId: number, into: OrderResult | undefined): OrderResult {
    const { runner } = this;
    const answer = this.#answer;
    answer.expect(sent, account, orderId, clientOrderId);
    runner.apply(answer, first, COMMAND_SLOT);
    // What has waited may send commands, whose answers are read by the same object.
    const result = answer.result(into);
    runner.complete();
    return result;
  }

  #notSent(into: OrderResult | undefined, code: Code, symbol: number, orderId: number, clientOrderId: number): OrderResult {
    const result = into ?? new OrderResult();
    result.reset();
    result.named(this.names, symbol);
    result.code = code;
    result.orderId = orderId;
    result.clientOrderId = clientOrderId;
    return result;
  }
}

/** Whether an amend leaves out what the wire must have. */
function needsRest(order: AmendOrder): boolean {
  return order.quantity === undefined || (order.price === undefined && order.limitOffset === undefined);
}

/** Whether a number of an amend is text. */
function hasText(order: AmendOrder): boolean {
  return isText(order.price) || isText(order.quantity) || (isLongAmend(order) && hasTextTerms(order));
}

function hasTextTerms({ stopPrice, trailOffset, activationPrice, limitOffset, displayedQuantity }: AmendOrder): boolean {
  return isText(stopPrice) || isText(trailOffset) || isText(activationPrice) || isText(limitOffset) || isText(displayedQuantity);
}

function isText(value: string | number | undefined): boolean {
  return typeof value === 'string';
}

function isLongAmend(order: AmendOrder): boolean {
  return (
    order.stopPrice !== undefined ||
    order.trailOffset !== undefined ||
    order.trailPpm !== undefined ||
    order.activationPrice !== undefined ||
    order.limitOffset !== undefined ||
    order.displayedQuantity !== undefined
  );
}
