import { EventEmitter } from 'node:events';
import { Client, type ClientDuplexStream, credentials, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { Code } from '../../engine/codes.ts';
import { CommandBatch, MAX_FRAME_COMMANDS, SCHEMA_VERSION } from '../../engine/wire/frames.ts';
import { CommandKind, Refusal, Report, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { ReportFrameReader } from '../../engine/wire/report-frames.ts';
import { callError, isFinal, OpenbellError, refusalError } from './errors.ts';
import { type PendingCommand, PendingCommands } from './pending-commands.ts';
import { SIDES, TIMES_IN_FORCE, viewRefusal, viewReport } from './report-view.ts';
import type { SymbolCatalog, SymbolUnits } from './symbols.ts';
import type { AmendOrder, OrderTarget, PlaceOrder, RefusalView, ReportView } from './types.ts';

const SESSION = '/openbell.OrderEntry/Session';
const SUBMIT = '/openbell.OrderEntry/Submit';
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;
const CLOSE_DEADLINE_MS = 3000;
/** Received ahead of the reader, per session. */
const RECEIVE_WINDOW = 1 << 20;

const raw = (bytes: Buffer): Buffer => bytes;

export interface OrderSessionOptions {
  readonly host: string;
  readonly port: number;
  readonly account: number;
  readonly lastReport: number | undefined;
  readonly reconnect: boolean;
  readonly symbols: SymbolCatalog;
}

interface Events {
  /** Each execution report of the account, once, in order; also of the account's other sessions. */
  report: [ReportView];
  refusal: [RefusalView];
  /** The stream is open; true when it was open before. */
  open: [boolean];
  /** The connection was lost and is sought again. */
  lost: [OpenbellError];
  /** `send` may go on. */
  drain: [];
  /** It is over: closed, or for a reason that another attempt would meet again. */
  closed: [OpenbellError | undefined];
}

/** What a unary Submit was answered: the first report of each command that was taken, and the refusals. */
export interface SubmitAnswer {
  readonly reports: ReportView[];
  readonly refusals: RefusalView[];
}

/**
 * Order entry for one account. `place`, `cancel` and `amend` resolve with the
 * exchange's answer; `send` takes whole batches for those who count
 * microseconds. When the connection is lost it comes back by itself, is sent
 * the reports it missed, and sends unanswered orders again under the same
 * client order ids, so that nothing is lost and nothing trades twice.
 */
export class OrderSession extends EventEmitter<Events> {
  readonly account: number;
  /** Sees each verified frame before anything else does; for benchmarks. The reader is valid during the call. */
  onFrame: ((frame: ReportFrameReader) => void) | undefined;
  /** Number of the last report received; undefined before the session was first open. */
  lastReport: number | undefined;
  readonly #options: OrderSessionOptions;
  readonly #client: Client;
  readonly #reader = new ReportFrameReader();
  readonly #pending = new PendingCommands();
  readonly #batch = new CommandBatch(MAX_FRAME_COMMANDS);
  readonly #ready: Promise<void>;
  #isReady: () => void = () => undefined;
  #isNotReady: (error: OpenbellError) => void = () => undefined;
  #call: ClientDuplexStream<Buffer, Buffer> | undefined;
  #open = false;
  #wasOpen = false;
  #flushing = false;
  #closing = false;
  #closed: OpenbellError | undefined;
  #retryMs = FIRST_RETRY_MS;
  #retry: NodeJS.Timeout | undefined;
  #lastClientOrderId = 0;

  constructor(options: OrderSessionOptions) {
    super();
    this.#options = options;
    this.account = options.account;
    this.lastReport = options.lastReport;
    const host = options.host.includes(':') ? `[${options.host}]` : options.host;
    this.#client = new Client(`${host}:${options.port}`, credentials.createInsecure(), {
      // gRPC would keep messages to send them again in a call of its own; this session does that, where it is right.
      'grpc.enable_retries': 0,
      'grpc.per_rpc_retry_buffer_size': 0,
      'grpc.enable_channelz': 0,
      'grpc-node.flow_control_window': RECEIVE_WINDOW,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': FIRST_RETRY_MS,
      'grpc.max_reconnect_backoff_ms': LAST_RETRY_MS,
    });
    this.#ready = new Promise((resolve, reject) => {
      this.#isReady = resolve;
      this.#isNotReady = reject;
    });
    // Who does not ask for it hears of it by `closed`.
    this.#ready.catch(() => undefined);
    this.#connect();
  }

  /** Resolves when the stream is open for the first time; rejects when it cannot be. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Commands without an answer yet. */
  get unanswered(): number {
    return this.#pending.size;
  }

  /** Sends an order; resolves with Accepted or Rejected. @throws OpenbellError when it was refused unsequenced, DecimalError */
  async place(order: PlaceOrder): Promise<ReportView> {
    const units = await this.#symbol(order.symbol);
    const name = order.timeInForce ?? (order.price === undefined ? 'market' : 'gtc');
    const timeInForce = TIMES_IN_FORCE.indexOf(name) as TimeInForce;
    if ((timeInForce === TimeInForce.Market) !== (order.price === undefined)) {
      throw new OpenbellError(
        'BAD_RANGE',
        `a ${name} order ${order.price === undefined ? 'needs a price' : 'has no price'}`,
        Code.BAD_RANGE,
      );
    }
    const price = order.price === undefined ? 0 : units.ticks(order.price);
    const clientOrderId = order.clientOrderId ?? this.nextClientOrderId();
    const side = SIDES.indexOf(order.side) as Side;
    return this.#ask(CommandKind.New, units.id, side, timeInForce, price, units.lots(order.quantity), clientOrderId, 0);
  }

  /** Resolves with Cancelled or CancelRejected. */
  async cancel(target: OrderTarget): Promise<ReportView> {
    const units = await this.#symbol(target.symbol);
    const { clientOrderId, orderId } = named(target);
    return this.#ask(CommandKind.Cancel, units.id, Side.Buy, TimeInForce.GoodTillCancel, 0, 0, clientOrderId, orderId);
  }

  /** Resolves with Amended or AmendRejected. A smaller quantity at the same price keeps its place in the queue. */
  async amend(order: AmendOrder): Promise<ReportView> {
    const units = await this.#symbol(order.symbol);
    const { clientOrderId, orderId } = named(order);
    const price = units.ticks(order.price);
    return this.#ask(
      CommandKind.Amend,
      units.id,
      Side.Buy,
      TimeInForce.GoodTillCancel,
      price,
      units.lots(order.quantity),
      clientOrderId,
      orderId,
    );
  }

  /** An id for a new order: grows, also over restarts of the client. */
  nextClientOrderId(): number {
    if (this.#lastClientOrderId === 0) this.#lastClientOrderId = clockId();
    return ++this.#lastClientOrderId;
  }

  /**
   * Sends the batch as one frame and empties it. Answers come as events (or to
   * `onFrame`) only, and nothing is sent again after a lost connection.
   * @returns false: the stream is full, wait for `drain` before the next
   * @throws OpenbellError CONNECTION_LOST while there is no stream
   */
  send(batch: CommandBatch): boolean {
    if (!this.#open || this.#call === undefined) {
      throw this.#closed ?? new OpenbellError('CONNECTION_LOST', 'the session is not open: wait for `open`, then send the batch again');
    }
    // gRPC keeps the message until it is on its way, the batch is used again at once.
    const frame = Buffer.from(batch.bytes());
    batch.clear();
    return this.#call.write(frame);
  }

  /** One unary call with the batch, which is emptied. For simple clients: slower than the session. */
  submit(batch: CommandBatch): Promise<SubmitAnswer> {
    const frame = Buffer.from(batch.bytes());
    batch.clear();
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(SUBMIT, raw, raw, frame, this.#metadata(undefined), (error, answer) => {
        if (error) {
          reject(callError(error.code, error.details));
          return;
        }
        const reader = new ReportFrameReader();
        const fault = answer === undefined ? Code.MALFORMED_FRAME : reader.open(answer);
        if (fault !== Code.OK) reject(malformed());
        else resolve(this.#viewAll(reader));
      });
    });
  }

  /** Sends what waits, has everything answered, and closes. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    clearTimeout(this.#retry);
    const call = this.#call;
    if (call !== undefined && this.#open) {
      this.#flush();
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(() => call.cancel(), CLOSE_DEADLINE_MS);
        call.once('status', () => {
          clearTimeout(deadline);
          resolve();
        });
        call.end();
      });
    } else call?.cancel();
    this.#finish(undefined);
  }

  // The stream -----------------------------------------------------------------

  #connect(): void {
    const call = this.#client.makeBidiStreamRequest(SESSION, raw, raw, this.#metadata(this.lastReport));
    this.#call = call;
    call.on('metadata', (headers: Metadata) => this.#opened(headers));
    call.on('data', (bytes: Buffer) => this.#take(bytes));
    call.on('drain', () => this.emit('drain'));
    call.on('status', (end: StatusObject) => this.#ended(call, end));
    // The status event says the same, and comes with every end.
    call.on('error', () => undefined);
  }

  #metadata(lastReport: number | undefined): Metadata {
    const metadata = new Metadata();
    metadata.set('x-openbell-account', String(this.account));
    metadata.set('x-openbell-schema', String(SCHEMA_VERSION));
    if (lastReport !== undefined) metadata.set('x-openbell-last-report', String(lastReport));
    return metadata;
  }

  #opened(headers: Metadata): void {
    const last = headers.get('x-openbell-last-report')[0];
    // A refused call has headers, too, but not this one.
    if (last === undefined) return;
    this.lastReport ??= Number(last);
    this.#open = true;
    this.#retryMs = FIRST_RETRY_MS;
    const again = this.#wasOpen;
    this.#wasOpen = true;
    this.#isReady();
    this.#flush();
    this.emit('open', again);
  }

  #ended(call: ClientDuplexStream<Buffer, Buffer>, end: StatusObject): void {
    if (call !== this.#call) return;
    this.#open = false;
    this.#call = undefined;
    if (this.#closing) return;
    const error = callError(end.code, end.code === status.OK ? 'the exchange closed the session' : end.details);
    if (isFinal(end.code) || !this.#options.reconnect) {
      this.#finish(error);
      return;
    }
    this.#pending.connectionLost();
    this.emit('lost', error);
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs * (0.5 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #finish(error: OpenbellError | undefined): void {
    if (this.#closed !== undefined) return;
    this.#closing = true;
    this.#closed = error ?? new OpenbellError('CLOSED', 'the session is closed: connect again');
    this.#pending.rejectAll(this.#closed);
    this.#isNotReady(this.#closed);
    this.#client.close();
    this.emit('closed', error);
  }

  // Commands ---------------------------------------------------------------------

  async #symbol(symbol: string | number): Promise<SymbolUnits> {
    return this.#options.symbols.get(symbol) ?? this.#options.symbols.find(symbol);
  }

  #ask(
    kind: CommandKind,
    symbol: number,
    side: Side,
    timeInForce: TimeInForce,
    price: number,
    quantity: number,
    clientOrderId: number,
    orderId: number,
  ): Promise<ReportView> {
    if (this.#closed !== undefined || this.#closing)
      throw this.#closed ?? new OpenbellError('CLOSED', 'the session is closing: connect again');
    return new Promise((resolve, reject) => {
      const tag = this.#pending.tag();
      this.#pending.add({ kind, symbol, side, timeInForce, price, quantity, clientOrderId, orderId, tag, resolve, reject, sent: false });
      if (this.#flushing) return;
      // What is asked for in one turn of the loop goes out in one frame.
      this.#flushing = true;
      setImmediate(() => {
        this.#flushing = false;
        this.#flush();
      });
    });
  }

  #flush(): void {
    if (!this.#open) return;
    let more = this.#pending.size !== 0;
    while (more) {
      more = this.#pending.fill(this.#batch);
      if (this.#batch.count !== 0) this.send(this.#batch);
    }
  }

  // Reports ----------------------------------------------------------------------

  #take(bytes: Buffer): void {
    const reader = this.#reader;
    const fault = reader.open(bytes);
    if (fault !== Code.OK) {
      this.#call?.cancel();
      this.#finish(malformed());
      return;
    }
    this.onFrame?.(reader);
    for (let i = 0; i < reader.reports; i++) {
      if (!this.#takeReport(reader, reader.reportsAt + i * Report.bytes)) return;
    }
    for (let i = 0; i < reader.refusals; i++) this.#takeRefusal(reader, reader.refusalsAt + i * Refusal.bytes);
  }

  /** False when a report is missing: the session starts again behind the last one that came. */
  #takeReport(reader: ReportFrameReader, at: number): boolean {
    const { flat } = reader;
    const no = flat.u53(at + Report.reportNo);
    const last = this.lastReport ?? no - 1;
    if (no <= last) return true;
    if (no !== last + 1) {
      this.#call?.cancel();
      return false;
    }
    this.lastReport = no;
    const command = this.#pending.size === 0 ? undefined : this.#pending.takeAnswered(flat, at);
    if (command === undefined && this.listenerCount('report') === 0) return true;
    const view = viewReport(flat, at, this.#options.symbols);
    // Another client of the account is ahead: catch up with its ids.
    if (view.code === 'CLIENT_ORDER_ID_TOO_OLD') this.#lastClientOrderId = Math.max(this.#lastClientOrderId, clockId());
    command?.resolve(view);
    this.emit('report', view);
    return true;
  }

  #takeRefusal(reader: ReportFrameReader, at: number): void {
    const command: PendingCommand | undefined = this.#pending.takeRefused(reader.flat, at);
    command?.reject(refusalError(reader.flat.u16(at + Refusal.code)));
    if (this.listenerCount('refusal') !== 0) this.emit('refusal', viewRefusal(reader.flat, at));
  }

  #viewAll(reader: ReportFrameReader): SubmitAnswer {
    const { flat } = reader;
    return {
      reports: Array.from({ length: reader.reports }, (_, i) =>
        viewReport(flat, reader.reportsAt + i * Report.bytes, this.#options.symbols),
      ),
      refusals: Array.from({ length: reader.refusals }, (_, i) => viewRefusal(flat, reader.refusalsAt + i * Refusal.bytes)),
    };
  }
}

/** Quarter microseconds since the Unix epoch: below 2^53 until 2041, and ahead of any client that started earlier. */
function clockId(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 4000) + Math.floor(Math.random() * 4);
}

function named({ clientOrderId = 0, orderId = 0 }: OrderTarget): { clientOrderId: number; orderId: number } {
  if (clientOrderId === 0 && orderId === 0)
    throw new OpenbellError('BAD_RANGE', 'name the order: give its orderId or clientOrderId', Code.BAD_RANGE);
  return { clientOrderId, orderId };
}

function malformed(): OpenbellError {
  return new OpenbellError(
    'MALFORMED_FRAME',
    'the exchange sent what is no ReportFrame of this schema version: use a client of its version',
    Code.MALFORMED_FRAME,
  );
}
