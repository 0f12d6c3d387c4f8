import type { FlatReader } from '../../engine/wire/flat.ts';
import { type CommandBatch, FIRST_WITH_EXTENSIONS, type LongOrder } from '../../engine/wire/frames.ts';
import { CommandKind, type LinkKind, QuoteAction, Refusal, Report, ReportKind, Side } from '../../engine/wire/layout.ts';
import { exchangeTooOld, OpenbellError, rejectError } from './errors.ts';
import type { OrderTerms } from './order-terms.ts';
import type { ReportView } from './types.ts';

/** A command that waits for its answer. */
export interface PendingCommand {
  readonly kind: CommandKind;
  readonly symbol: number;
  readonly side: Side;
  readonly terms: OrderTerms;
  readonly price: number;
  readonly quantity: number;
  /** Lots; 0 = none. */
  readonly minQuantity: number;
  /** Lots; 0 = none. */
  readonly displayedQuantity: number;
  /** Ticks; 0 = none. Of a trailing stop: the activation price. */
  readonly stopPrice: number;
  /** Of a trailing stop: ticks, below 0 parts per million; 0 = none. */
  readonly trailOffset: number;
  /** Of a pegged order: ticks. */
  readonly pegOffset: number;
  /** Of a quote: the price of the ask in ticks, and its quantity in lots. Of a protection: most fills and lots. */
  readonly clientOrderId: number;
  readonly orderId: number;
  /** Of a quote. */
  readonly action?: QuoteAction;
  readonly postOnly?: boolean;
  /** Distinguishes answers to this session's commands from those to other sessions of the account. */
  readonly tag: number;
  /** The list of which it is an order. */
  readonly list?: PendingList;
  readonly resolve: (report: ReportView) => void;
  readonly reject: (error: OpenbellError) => void;
}

/** What is sent of a command. */
export type SentCommand = Omit<PendingCommand, 'resolve' | 'reject'>;

/** Orders that are sent together. */
export interface PendingList {
  readonly kind: LinkKind;
  readonly commands: PendingCommand[];
}

/** By ReportKind: the kind of command it answers. A Fill answers none. */
const ANSWERED: CommandKind[] = [];
ANSWERED[ReportKind.Accepted] = CommandKind.New;
ANSWERED[ReportKind.Rejected] = CommandKind.New;
ANSWERED[ReportKind.Cancelled] = CommandKind.Cancel;
ANSWERED[ReportKind.CancelRejected] = CommandKind.Cancel;
ANSWERED[ReportKind.Amended] = CommandKind.Amend;
ANSWERED[ReportKind.AmendRejected] = CommandKind.Amend;
ANSWERED[ReportKind.MassCancelled] = CommandKind.MassCancel;
ANSWERED[ReportKind.CancelAfterSet] = CommandKind.CancelAfter;

/** Kinds of reports that answer a side of a quote. */
const ANSWERS_QUOTE: ReadonlySet<number> = new Set([ReportKind.Accepted, ReportKind.Rejected, ReportKind.Amended, ReportKind.Cancelled]);
/** Added to the tag of a quote, under which its bid waits for an answer, for the ask. */
const ASK = 2 ** 32;

/** By CommandKind: commands that are not sent again after the connection was lost, because they could act twice. */
const ACTS_TWICE: string[] = [];
ACTS_TWICE[CommandKind.Amend] = 'amend was answered: look at the reports, then amend';
ACTS_TWICE[CommandKind.Quote] = 'quote was answered: look at the reports, then quote';
ACTS_TWICE[CommandKind.MassCancel] = 'mass cancel was answered: look at the reports, then cancel';

/** The commands that wait for their answers, in the order in which they were made. */
export class PendingCommands {
  readonly #byTag = new Map<number, PendingCommand>();
  #unsent: PendingCommand[] = [];
  // A random start, because sessions of one account see each other's answers.
  #nextTag = Math.floor(Math.random() * 2 ** 32);

  get size(): number {
    return this.#byTag.size;
  }

  /** A tag that no pending command has. */
  tag(): number {
    while (this.#byTag.has(this.#nextTag)) this.#nextTag = (this.#nextTag + 1) >>> 0;
    const tag = this.#nextTag;
    this.#nextTag = (tag + 1) >>> 0;
    return tag;
  }

  add(command: PendingCommand): void {
    this.#byTag.set(command.tag, command);
    this.#unsent.push(command);
  }

  /** Adds the ask of a quote, whose bid was added and is sent for both. */
  addAsk(command: PendingCommand): void {
    this.#byTag.set(command.tag + ASK, command);
  }

  /** Removes the command that the report at `at` answers; of a quote, its side. */
  takeAnswered(flat: FlatReader, at: number): PendingCommand | undefined {
    if (flat.u53(at + Report.clientOrderId) === 0) {
      const quote = this.#takeQuote(flat.u32(at + Report.tag), flat.u8(at + Report.side), flat.u8(at + Report.kind));
      if (quote !== undefined) return quote;
    }
    const kind = ANSWERED[flat.u8(at + Report.kind)];
    return this.#take(flat.u32(at + Report.tag), kind, flat.u53(at + Report.clientOrderId), flat.u53(at + Report.orderId));
  }

  /** Removes the command that the reject at `at` concerns. */
  takeRejected(flat: FlatReader, at: number): PendingCommand | undefined {
    const kind = flat.u8(at + Refusal.kind);
    if (kind === CommandKind.Quote) {
      const tag = flat.u32(at + Refusal.tag);
      // The ask first: its promise is not the one that the caller reads first.
      this.#takeQuote(tag, Side.Sell, ReportKind.Rejected)?.reject(rejectError(flat.u16(at + Refusal.code)));
      return this.#takeQuote(tag, Side.Buy, ReportKind.Rejected);
    }
    return this.#take(flat.u32(at + Refusal.tag), kind, flat.u53(at + Refusal.clientOrderId), flat.u53(at + Refusal.orderId));
  }

  /**
   * Moves commands that are to be sent into the empty batch, as many as it
   * holds; false when there are none.
   * @param schema newest wire schema that the exchange supports; a command that needs a newer one is rejected
   */
  fill(batch: CommandBatch, schema: number): boolean {
    let taken = 0;
    const lists = new Set<PendingList>();
    for (const command of this.#unsent) {
      const { list } = command;
      const { long } = command.terms;
      // A list is sent as a whole, also when only one of its orders has no answer.
      const isSent = list !== undefined && lists.has(list);
      if (!isSent && (list !== undefined ? !batch.fitsListOf(list.commands.length) : long ? !batch.fitsLong : batch.full)) break;
      taken++;
      if (isSent) continue;
      if (list !== undefined) lists.add(list);
      if (!long || schema >= FIRST_WITH_EXTENSIONS) putCommand(batch, command);
      else {
        for (const each of list?.commands ?? [command]) {
          this.#byTag.delete(each.tag);
          each.reject(exchangeTooOld());
        }
      }
    }
    this.#unsent.splice(0, taken);
    return batch.count !== 0;
  }

  /**
   * The connection was lost. New orders will be sent again, under the same
   * client order id, and cancels: neither acts twice. An amend could (it sets
   * the open quantity, which fills have changed since), and a mass cancel (it names what is open then), so their promises reject
   * and the caller decides.
   */
  connectionLost(): void {
    const unsent = new Set(this.#unsent);
    for (const command of this.#byTag.values()) {
      const text = ACTS_TWICE[command.kind];
      const bid = this.#byTag.get(command.tag);
      if (text === undefined || unsent.has(command) || (bid !== undefined && unsent.has(bid))) continue;
      this.#byTag.delete(keyOf(command));
      command.reject(new OpenbellError('CONNECTION_LOST', `the connection was lost before the ${text} again`));
    }
    this.#unsent = [...this.#byTag.values()].filter((command) => keyOf(command) === command.tag);
  }

  /**
   * The exchange continues from an older copy of its data, where an order id may name another order: what names one is
   * rejected. New orders and what names a client order id will be sent again.
   */
  reportsLost(): void {
    for (const command of this.#byTag.values()) {
      if (command.kind === CommandKind.New || command.kind === CommandKind.Quote || command.orderId === 0) continue;
      this.#byTag.delete(command.tag);
      const text =
        'the exchange continues from an older copy of its data, where the order id may name another order: see the event `resync`';
      command.reject(new OpenbellError('REPORTS_LOST', text));
    }
    this.#unsent = this.#unsent.filter(({ tag }) => this.#byTag.has(tag));
  }

  rejectAll(error: OpenbellError): void {
    for (const command of this.#byTag.values()) command.reject(error);
    this.#byTag.clear();
    this.#unsent = [];
  }

  #takeQuote(tag: number, side: number, kind: number): PendingCommand | undefined {
    const key = side === Side.Sell ? tag + ASK : tag;
    const command = this.#byTag.get(key);
    if (command?.kind !== CommandKind.Quote || !ANSWERS_QUOTE.has(kind)) return undefined;
    this.#byTag.delete(key);
    return command;
  }

  #take(tag: number, kind: number | undefined, clientOrderId: number, orderId: number): PendingCommand | undefined {
    const command = this.#byTag.get(tag);
    if (command === undefined || command.kind !== kind) return undefined;
    const same = command.orderId !== 0 ? command.orderId === orderId : command.clientOrderId === clientOrderId;
    if (!same) return undefined;
    this.#byTag.delete(tag);
    return command;
  }
}

/** Where the command waits for its answer. */
function keyOf({ kind, side, tag }: PendingCommand): number {
  return kind === CommandKind.Quote && side === Side.Sell ? tag + ASK : tag;
}

function putQuote(batch: CommandBatch, command: SentCommand): void {
  const { action, symbol, price, quantity, clientOrderId, orderId, postOnly, tag } = command;
  if (action === QuoteAction.Reset) batch.resetProtection(tag);
  else if (action === QuoteAction.Protection) batch.protectQuotes(quantity, clientOrderId, orderId, price, tag);
  else batch.quote(symbol, price, quantity, clientOrderId, orderId, postOnly, tag);
}

/** An order as a batch takes it. */
export function longOrder({ symbol, side, terms, price, quantity, ...rest }: SentCommand): LongOrder {
  const { minQuantity, displayedQuantity, stopPrice, pegOffset, clientOrderId, tag } = rest;
  const trailOffset = Math.abs(rest.trailOffset);
  const numbers = { price, quantity, minQuantity, displayedQuantity, stopPrice, trailOffset, pegOffset };
  return { ...terms, ...numbers, clientOrderId, symbol, side, tag };
}

/** Adds a command to a batch, which has room for it. */
export function putCommand(batch: CommandBatch, command: SentCommand): void {
  const { kind, symbol, price, quantity, displayedQuantity, stopPrice, trailOffset, clientOrderId, orderId, tag, list } = command;
  if (list !== undefined) batch.placeList(list.kind, list.commands.map(longOrder));
  else if (kind === CommandKind.New) batch.placeLong(longOrder(command));
  else if (kind === CommandKind.Cancel) batch.cancel(symbol, clientOrderId, orderId, tag);
  else if (kind === CommandKind.Quote) putQuote(batch, command);
  else if (displayedQuantity !== 0) batch.amendDisplayed(symbol, clientOrderId, orderId, price, quantity, displayedQuantity, tag);
  else if (stopPrice !== 0 || trailOffset !== 0)
    batch.amendStop(symbol, clientOrderId, orderId, price, quantity, stopPrice, tag, trailOffset);
  else if (kind === CommandKind.MassCancel) batch.massCancel(symbol, quantity === 0 ? undefined : ((quantity - 1) as Side), tag);
  else if (kind === CommandKind.CancelAfter) batch.cancelAfter(quantity, tag);
  else batch.amend(symbol, clientOrderId, orderId, price, quantity, tag);
}
