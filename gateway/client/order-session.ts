import { EventEmitter } from 'node:events';
import { Code } from '../../engine/codes.ts';
import { CANCEL_AFTER_RANGE } from '../../engine/params.ts';
import { LIMIT_53 } from '../../engine/units.ts';
import { CommandBatch, MAX_FRAME_COMMANDS } from '../../engine/wire/frames.ts';
import { CommandKind, LinkKind, QuoteAction, Refusal, Report, Side } from '../../engine/wire/layout.ts';
import { isLink, linkTermOf, linkWord } from '../../engine/wire/list-link.ts';
import { SIDE_NAMES } from '../../engine/wire/names.ts';
import type { ReportFrameReader } from '../../engine/wire/report-frame-reader.ts';
import { exchangeTooOld, OpenbellError, rejectError } from './errors.ts';
import { checkOptions } from './known-options.ts';
import { afterTurn } from './network.ts';
import { amendment, type NewCommand, named, newOrder, newProtection, newQuote, PLAIN } from './order-commands.ts';
import {
  AMEND_OPTIONS,
  BRACKET_OPTIONS,
  CANCEL_ALL_OPTIONS,
  LIST_OPTIONS,
  type OrderList,
  PLACE_OPTIONS,
  PROTECTION_OPTIONS,
  QUOTE_OPTIONS,
  TARGET_OPTIONS,
} from './order-options.ts';
import type { OpenOrderStream, OrderStream } from './order-stream.ts';
import { PendingCommands, type PendingList } from './pending-commands.ts';
import { viewRefusal, viewReport, viewWords } from './report-view.ts';
import { ordersInDoubt, Resume, type ResumeStep, reportsLost } from './resume.ts';
import type { SymbolCatalog, SymbolUnits } from './symbols.ts';
import type {
  AmendOrder,
  BracketOrders,
  CancelAll,
  LinkedOrders,
  ListedOrder,
  OrderTarget,
  PlaceOrder,
  PlaceQuote,
  QuoteAnswer,
  QuoteProtection,
  RefusalView,
  ReportView,
  ResyncView,
  TriggeringOrders,
} from './types.ts';

export interface OrderSessionOptions {
  readonly account: number;
  readonly symbols: SymbolCatalog;
  /** Default throw. */
  readonly onLoss?: 'throw' | 'resync';
}

interface Events {
  /** Each execution report of the account, once, in order; also of the account's other sessions. */
  report: [ReportView];
  refusal: [RefusalView];
  /** The stream is open; true when it was open before. */
  open: [boolean];
  /** The connection was lost and a reconnect has begun. */
  lost: [OpenbellError];
  /** The exchange continues from an older copy of its data: reports that came before no longer hold. Only with `onLoss: 'resync'`. */
  resync: [ResyncView];
  /** `send` may go on. */
  drain: [];
  /** The session has ended: it was closed, or a retry is pointless. */
  closed: [OpenbellError | undefined];
}

/** Time for the exchange to send the reports that are compared after a reconnect. */
const COMPARE_MS = 5000;

/** The answer to a unary Submit: the first report of each accepted command, and the rejects. */
export interface SubmitAnswer {
  readonly reports: ReportView[];
  readonly refusals: RefusalView[];
}

/**
 * Order entry for one account. `place`, `cancel` and `amend` resolve with the
 * exchange's answer; `send` takes whole batches, for the lowest
 * latency. When the connection is lost, the session reconnects, receives the
 * missed reports, and sends unanswered orders again under the same client order
 * ids, so that nothing is lost and nothing trades twice.
 */
export class OrderSession extends EventEmitter<Events> {
  readonly account: number;
  /** Called first with each verified frame; for benchmarks. The reader is valid during the call. */
  onFrame: ((frame: ReportFrameReader) => void) | undefined;
  readonly #symbols: SymbolCatalog;
  readonly #stream: OrderStream;
  readonly #pending = new PendingCommands();
  readonly #batch = new CommandBatch(MAX_FRAME_COMMANDS);
  readonly #ready = Promise.withResolvers<void>();
  readonly #onLoss: 'throw' | 'resync';
  readonly #resume: Resume;
  /** The stream is open, and its reports continue those that came before. */
  #open = false;
  /** The stream was open before. */
  #again = false;
  /** Limit of the comparison with the exchange's reports. */
  #comparison: ReturnType<typeof setTimeout> | undefined;
  #flushing = false;
  /** Why the session takes no more commands. */
  #closed: OpenbellError | undefined;
  #lastClientOrderId = 0;

  constructor(options: OrderSessionOptions, open: OpenOrderStream) {
    super();
    this.account = options.account;
    this.#symbols = options.symbols;
    this.#onLoss = options.onLoss ?? 'throw';
    this.#resume = new Resume(this.#onLoss);
    // Callers that do not await it get the `closed` event.
    this.#ready.promise.catch(() => undefined);
    this.#stream = open({
      resumeAfter: (last) => this.#resume.after(last),
      onOpen: (again, theirs) => {
        this.#again = again;
        const step = this.#resume.opened(this.#stream.lastReport, theirs);
        this.#stream.lastReport ??= theirs;
        this.#resumed(step);
      },
      onBeyondEnd: () => {
        if (this.#onLoss === 'throw') return false;
        this.#resume.beyondEnd();
        return true;
      },
      onFrame: (frame) => this.#take(frame),
      onDrain: () => this.emit('drain'),
      isAnswered: () => this.#pending.size === 0,
      onLost: (error) => {
        this.#open = false;
        this.#endComparison();
        this.#pending.connectionLost();
        this.emit('lost', error);
      },
      onFinished: (error) => {
        this.#open = false;
        this.#endComparison();
        this.#closed = error ?? closed();
        this.#pending.rejectAll(this.#closed);
        this.#ready.reject(this.#closed);
        this.emit('closed', error);
      },
    });
  }

  /** Number of the last report received; undefined before the session was first open. */
  get lastReport(): number | undefined {
    return this.#stream.lastReport;
  }

  /** Resolves when the stream is open for the first time; rejects when it cannot be. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Commands without an answer yet. */
  get unanswered(): number {
    return this.#pending.size;
  }

  /**
   * Sends an order; resolves with Accepted or Rejected.
   * @throws OpenbellError when it was rejected before sequencing, BAD_OPTION for an unknown option, ILLEGAL_COMBINATION, WRONG_SCHEMA_VERSION when the
   * exchange is older than a term of it; DecimalError
   */
  async place(order: PlaceOrder): Promise<ReportView> {
    checkOptions('place', order, PLACE_OPTIONS);
    return this.#command(newOrder(order, await this.#symbol(order.symbol), this.#idOf(order)));
  }

  /**
   * Sends two orders of which one cancels the other: a fill, also a partial one, the trigger or the end of one cancels the other. Both are accepted or
   * neither. Resolves with their answers, in their order: Accepted or Rejected.
   * @throws OpenbellError as `place`, and BAD_LIST for orders that do not fit together
   */
  oco(list: LinkedOrders): Promise<[ReportView, ReportView]> {
    return this.#list('oco', LinkKind.OneCancelsOther, list) as Promise<[ReportView, ReportView]>;
  }

  /** As `oco`, but a fill of one reduces the other by the same quantity. Both are of one side and quantity, and at least one of them is a stop. */
  ouo(list: LinkedOrders): Promise<[ReportView, ReportView]> {
    return this.#list('ouo', LinkKind.OneUpdatesOther, list) as Promise<[ReportView, ReportView]>;
  }

  /**
   * Sends an order, the parent, and one that waits for its fills: as many lots of it become live. Each needs its side. Otherwise as `oco`.
   * docs/TRADING-RULES.md#orders-that-wait-for-another
   */
  oto(list: TriggeringOrders): Promise<[ReportView, ReportView]> {
    return this.#list('oto', LinkKind.OneTriggersOther, list) as Promise<[ReportView, ReportView]>;
  }

  /**
   * Sends an order with a take-profit and a stop-loss on the other side, which become live with its fills, and of which one updates the other. Resolves with the
   * answers of the order, the take-profit and the stop-loss. Otherwise as `oco`.
   */
  async bracket(list: BracketOrders): Promise<[ReportView, ReportView, ReportView]> {
    checkOptions('bracket', list, BRACKET_OPTIONS);
    const { symbol, side, quantity, parent, takeProfit, stopLoss } = list;
    const other = side === 'buy' ? 'sell' : 'buy';
    const orders = [
      { side, ...parent },
      { side: other, ...takeProfit },
      { side: other, ...stopLoss },
    ] as const;
    return (await this.#list('bracket', LinkKind.Bracket, { symbol, quantity, orders })) as [ReportView, ReportView, ReportView];
  }

  async #list(method: string, kind: LinkKind, list: OrderList): Promise<ReportView[]> {
    checkOptions(method, list, LIST_OPTIONS);
    const { symbol, side, quantity, orders } = list;
    // A caller in JavaScript may pass anything.
    if (!Array.isArray(orders) || !isLink(linkWord(kind, 1, orders.length)))
      throw new OpenbellError('BAD_LIST', `${method} has two orders: give them as orders`, Code.BAD_LIST);
    const units = await this.#symbol(symbol);
    const commands = orders.map((each: ListedOrder, i: number) => {
      const order = { symbol, ...(side && { side }), ...(quantity !== undefined && { quantity }), ...each } as PlaceOrder;
      checkOptions(method, order, PLACE_OPTIONS);
      if (order.quantity === undefined)
        throw new OpenbellError('BAD_RANGE', 'give the quantity of the list, or of each order', Code.BAD_RANGE);
      return newOrder(order, units, this.#idOf(order), linkTermOf(linkWord(kind, i + 1, orders.length)));
    });
    return this.#commands(kind, commands);
  }

  /** Resolves with Cancelled or CancelRejected. @param target or a report of the order */
  async cancel(target: OrderTarget): Promise<ReportView> {
    if (!('reportNo' in target)) checkOptions('cancel', target, TARGET_OPTIONS);
    const units = await this.#symbol(target.symbol);
    const { clientOrderId, orderId } = named(target);
    return this.#command({ ...PLAIN, kind: CommandKind.Cancel, symbol: units.id, clientOrderId, orderId });
  }

  /**
   * Cancels all open orders of the account, resting orders and stops that wait, or those of a symbol or a side. Resolves with MassCancelled, whose `quantityLots` is
   * their number, or, if `code` is not OK, says why none is; a report per order follows.
   * @throws OpenbellError MASS_CANCEL_RATE for too many at once, CONNECTION_LOST when it is not known whether it was done
   */
  async cancelAll(which: CancelAll = {}): Promise<ReportView> {
    checkOptions('cancelAll', which, CANCEL_ALL_OPTIONS);
    const symbol = which.symbol === undefined ? 0 : (await this.#symbol(which.symbol)).id;
    if (which.side !== undefined && !SIDE_NAMES.includes(which.side))
      throw new OpenbellError('BAD_ENUM', `there is no side ${which.side}`, Code.BAD_ENUM);
    const quantity = which.side === undefined ? 0 : SIDE_NAMES.indexOf(which.side) + 1;
    return this.#command({ ...PLAIN, kind: CommandKind.MassCancel, symbol, quantity, clientOrderId: 0, orderId: 0 });
  }

  /**
   * Dead man's switch: the exchange cancels all open orders of the account in that time, unless it is called again before. The
   * exchange counts the time, also while this client is not connected. Resolves with CancelAfterSet, whose `deadlineUs` is the time of the cancel.
   * @param seconds 1 to 86,400; 0 switches it off
   * @throws OpenbellError BAD_RANGE
   */
  async cancelAllAfter(seconds: number): Promise<ReportView & { readonly deadlineUs: number }> {
    const quantity = Math.round(seconds * 1e6);
    const [shortest, longest] = CANCEL_AFTER_RANGE;
    if (quantity !== 0 && !(quantity >= shortest && quantity <= longest))
      throw new OpenbellError('BAD_RANGE', `the time is 1 to 86400 seconds, or 0 for off, not ${seconds}`, Code.BAD_RANGE);
    const report = await this.#command({ ...PLAIN, kind: CommandKind.CancelAfter, symbol: 0, quantity, clientOrderId: 0, orderId: 0 });
    return { ...report, deadlineUs: report.quantityLots };
  }

  /**
   * Replaces the account's quote in a symbol; both sides, or none if one is left out. Resolves with the answers: of each side Accepted, Amended, Cancelled (left out) or Rejected.
   * Quotes of one turn of the event loop are sent in one frame: a mass quote is `Promise.all(quotes.map((quote) => orders.quote(quote)))`.
   * @throws OpenbellError CONNECTION_LOST when it is not known whether the quote was replaced
   */
  async quote(quote: PlaceQuote): Promise<QuoteAnswer> {
    checkOptions('quote', quote, QUOTE_OPTIONS);
    const units = await this.#symbol(quote.symbol);
    const [bidAnswer, askAnswer] = await this.#quote(newQuote(quote, units));
    return { bid: bidAnswer, ask: askAnswer };
  }

  /**
   * Market-maker protection: what the quotes of the account may trade in a window, in all its symbols. Beyond it, all its quotes are cancelled, and new ones are
   * PROTECTION_TRIGGERED until `resetProtection`. An empty object ends the protection. @throws OpenbellError BAD_RANGE
   */
  async protectQuotes(protection: QuoteProtection): Promise<ReportView> {
    checkOptions('protectQuotes', protection, PROTECTION_OPTIONS);
    return this.#command(newProtection(protection));
  }

  /** Accepts quotes again after the protection has triggered, with an empty window. */
  async resetProtection(): Promise<ReportView> {
    return this.#command({ ...PLAIN, kind: CommandKind.Quote, action: QuoteAction.Reset, symbol: 0, clientOrderId: 0, orderId: 0 });
  }

  /** Resolves with Amended or AmendRejected. An iceberg that shall display less, or have less behind it, keeps its place. A stop that waits keeps its place among stops of its stop price unless that changes. The same or a smaller quantity at the same price keeps its place in the queue, and is accepted in every phase. */
  async amend(order: AmendOrder): Promise<ReportView> {
    checkOptions('amend', order, AMEND_OPTIONS);
    return this.#command(amendment(order, await this.#symbol(order.symbol)));
  }

  #idOf({ clientOrderId }: PlaceOrder): number {
    return clientOrderId ?? this.nextClientOrderId();
  }

  /** An id for a new order. Ids increase, also across restarts of the client. */
  nextClientOrderId(): number {
    if (this.#lastClientOrderId === 0) this.#lastClientOrderId = clockId();
    return ++this.#lastClientOrderId;
  }

  /**
   * Sends the batch as one frame and empties it. Answers come as events (or to
   * `onFrame`) only, and nothing is sent again after a lost connection.
   * @returns false: the stream is full, wait for `drain` before the next
   * @throws OpenbellError CONNECTION_LOST while there is no stream, WRONG_SCHEMA_VERSION for a long order to an exchange without schema 2
   */
  send(batch: CommandBatch): boolean {
    if (!this.#open) {
      throw this.#closed ?? new OpenbellError('CONNECTION_LOST', 'the session is not open: wait for `open`, then send the batch again');
    }
    if (batch.version > this.#stream.schema) throw exchangeTooOld();
    return this.#write(batch);
  }

  /** One unary gRPC call with the batch, which is emptied. For simple clients: slower than the session. @throws OpenbellError BAD_OPTION over WebSocket */
  async submit(batch: CommandBatch): Promise<SubmitAnswer> {
    const { version } = batch;
    const answer = this.#stream.submit?.(batch.bytes(), version);
    if (answer === undefined) throw new OpenbellError('BAD_OPTION', 'order entry over WebSocket has no unary call: use send');
    batch.clear();
    const { flat, reports, reportsAt, refusals, refusalsAt } = await answer;
    return {
      reports: Array.from({ length: reports }, (_, i) => viewReport(flat, reportsAt + i * Report.bytes, this.#symbols)),
      refusals: Array.from({ length: refusals }, (_, i) => viewRefusal(flat, refusalsAt + i * Refusal.bytes)),
    };
  }

  /** Sends the queued commands, waits for all answers, and closes. */
  async close(): Promise<void> {
    if (this.#closed !== undefined) return;
    this.#closed = closed();
    this.#flush();
    await this.#stream.close();
  }

  // Commands ---------------------------------------------------------------------

  async #symbol(symbol: string | number): Promise<SymbolUnits> {
    return this.#symbols.get(symbol) ?? this.#symbols.find(symbol);
  }

  /** Resolves with the answers of the orders of a list. If they are refused, the code of the order in error counts, not that of the others. */
  async #commands(kind: LinkKind, commands: readonly NewCommand[]): Promise<ReportView[]> {
    const list: PendingList = { kind, commands: [] };
    const answers = await Promise.allSettled(commands.map((command) => this.#command(command, list)));
    const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as OpenbellError] : []));
    if (errors.length > 0) throw errors.find(({ code }) => code !== 'LIST_REJECTED') ?? errors[0];
    return answers.map((answer) => (answer as PromiseFulfilledResult<ReportView>).value);
  }

  #command(command: NewCommand, list?: PendingList): Promise<ReportView> {
    if (this.#closed !== undefined) throw this.#closed;
    checkId('a client order id', command.clientOrderId);
    checkId('an order id', command.orderId);
    return new Promise((resolve, reject) => {
      const pending = { ...command, ...(list && { list }), tag: this.#pending.tag(), resolve, reject };
      list?.commands.push(pending);
      this.#pending.add(pending);
      this.#flushSoon();
    });
  }

  /** Sends a quote; resolves with the answers of bid and ask. */
  #quote(command: NewCommand): Promise<ReportView[]> {
    if (this.#closed !== undefined) throw this.#closed;
    const tag = this.#pending.tag();
    const bid = new Promise<ReportView>((resolve, reject) => this.#pending.add({ ...command, tag, resolve, reject }));
    const ask = new Promise<ReportView>((resolve, reject) => this.#pending.addAsk({ ...command, side: Side.Sell, tag, resolve, reject }));
    this.#flushSoon();
    return Promise.all([bid, ask]);
  }

  /** Commands of one turn of the event loop are sent in one frame. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    afterTurn(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#open && this.#pending.fill(this.#batch, this.#stream.schema)) this.#write(this.#batch);
  }

  /** Sends the batch as one frame and empties it. */
  #write(batch: CommandBatch): boolean {
    const more = this.#stream.write(batch.bytes());
    batch.clear();
    return more;
  }

  // Reports ----------------------------------------------------------------------

  #take(frame: ReportFrameReader): void {
    // What still comes of a call that is made again.
    if (!this.#open && !this.#resume.comparing) return;
    this.onFrame?.(frame);
    for (let i = 0; i < frame.reports; i++) {
      if (!this.#takeReport(frame, frame.reportsAt + i * Report.bytes)) return;
    }
    for (let i = 0; i < frame.refusals; i++) this.#takeReject(frame, frame.refusalsAt + i * Refusal.bytes);
  }

  /** False when a report is missing: the session reconnects after the last report received. */
  #takeReport(frame: ReportFrameReader, at: number): boolean {
    const { flat } = frame;
    const stream = this.#stream;
    const no = flat.u53(at + Report.reportNo);
    const last = stream.lastReport ?? no - 1;
    if (no <= last) {
      if (!this.#resume.comparing) return true;
      this.#resumed(this.#resume.compare(no, last, flat, at));
      // A lost report: the exchange has another one under its number.
      if (no !== (stream.lastReport ?? 0) + 1) return this.#open || this.#resume.comparing;
      return this.#takeReport(frame, at);
    }
    if (no !== last + 1) {
      stream.restart();
      return false;
    }
    stream.lastReport = no;
    this.#resume.memory.take(no, flat, at);
    const command = this.#pending.size === 0 ? undefined : this.#pending.takeAnswered(flat, at);
    if (command === undefined && this.listenerCount('report') === 0) return true;
    const view = viewReport(flat, at, this.#symbols);
    // Another client of the account uses higher ids: continue after them.
    if (view.code === 'CLIENT_ORDER_ID_TOO_OLD') this.#lastClientOrderId = Math.max(this.#lastClientOrderId, clockId());
    command?.resolve(view);
    this.emit('report', view);
    return true;
  }

  #resumed(step: ResumeStep): void {
    if (step === 'repeated') {
      this.#comparison ??= setTimeout(() => this.#stream.restart(), COMPARE_MS);
      return;
    }
    this.#endComparison();
    if (step === 'current') return this.#begin();
    if (this.#onLoss === 'throw') return this.#stream.fail(reportsLost(this.account, this.lastReport));
    if (step === 'ask-again') return this.#stream.restart();
    const { common, exact, memory } = this.#resume;
    const lost = memory.takeFrom(exact ? common + 1 : 0, (report) => viewWords(report, this.#symbols));
    this.#stream.lastReport = common;
    this.#pending.reportsLost();
    this.emit('resync', { lastReport: common, exact, lost, inDoubt: ordersInDoubt(lost) });
    this.#begin();
  }

  #endComparison(): void {
    clearTimeout(this.#comparison);
    this.#comparison = undefined;
  }

  /** The reports continue those that came before: commands may be sent. */
  #begin(): void {
    this.#open = true;
    this.#ready.resolve();
    this.#flush();
    this.emit('open', this.#again);
  }

  #takeReject({ flat }: ReportFrameReader, at: number): void {
    this.#pending.takeRejected(flat, at)?.reject(rejectError(flat.u16(at + Refusal.code)));
    if (this.listenerCount('refusal') !== 0) this.emit('refusal', viewRefusal(flat, at));
  }
}

/** Quarter microseconds since the Unix epoch: below 2^53 until 2041, and ahead of any client that started earlier. */
function clockId(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 4000) + Math.floor(Math.random() * 4);
}

/** 0 passes: for a target it means that the other id names the order, and a new order without an id is BAD_CLIENT_ORDER_ID. */
function checkId(what: string, id: number): void {
  if (Number.isInteger(id) && id >= 0 && id < LIMIT_53) return;
  // The ids of queries are text.
  const given = typeof (id as unknown) === 'string' ? `the text "${id}": convert it with Number()` : id;
  throw new OpenbellError('BAD_RANGE', `${what} is an integer from 1 to 2^53 - 1, not ${given}`, Code.BAD_RANGE);
}

function closed(): OpenbellError {
  return new OpenbellError('CLOSED', 'the session is closed: connect again');
}
