import { Code } from '../../../engine/codes.ts';
import type { AccountInfo, SymbolInfo } from '../../../engine/threads/directory-info.ts';
import type { CommandBatch } from '../../../engine/wire/frames.ts';
import { ReportKind } from '../../../engine/wire/layout.ts';
import { type FrameMemory, type RefusalList, ReportFrameWriter } from '../../../engine/wire/report-frames.ts';
import { ReportView } from '../../../engine/wire/report-view.ts';
import type { NewCommand } from '../../client/order-commands.ts';
import type { FairTurns, TurnOwner } from '../../fair-turns.ts';
import type { Identity } from '../../identity/identity.ts';
import type { Logger } from '../../log.ts';
import type { RequestQueue } from '../../market/request-queue.ts';
import { type Reject, reject } from '../../reject.ts';
import type { OrderSession, SessionTransport } from '../../sessions/order-session.ts';
import type { Admission, OrderSessions } from '../../sessions/order-sessions.ts';
import type { ReportHub } from '../../sessions/report-hub.ts';
import type { SessionCodec } from '../../sessions/session-codec.ts';
import type { Slices } from '../../slices.ts';
import type { WorkBudget } from '../../work-budget.ts';
import type { Asker } from './asker.ts';
import { brokenLimit } from './broken-limit.ts';
import { executionReport, type LimitLookup } from './execution-report.ts';
import type { KnownSymbols } from './known-symbols.ts';
import { findAmendment } from './order-amend.ts';
import { type OrderAnswers, type QueryRequest, queryError } from './order-answers.ts';
import { orderError } from './order-error.ts';
import { type Asked, type ReadRequest, readRequests } from './order-requests.ts';
import type { OrderSources } from './order-sources.ts';
import { type ChannelSources, PrivateChannels } from './private-channels.ts';
import { refusedCommands, refusedMessage } from './refused-message.ts';
import { addCommand, addFound, amendBody, isCommand, orderIdsOf } from './request-commands.ts';
import { RequestError } from './request-error.ts';
import type { OrderRequest, PrivateChannel, RequestOf } from './schemas/order-messages.ts';

/** Reports of one message, some 0.1 ms of work. */
const FRAME_REPORTS = 32;
/** Queries of a session that are not answered yet. */
const MAX_QUERIES = 4;
/** Bytes of answers that wait for a client, beyond which it gets no further query answered, and is cut. */
const MAX_UNREAD_BYTES = 64 * 1024;
const CUT_AT_BYTES = 1024 * 1024;

/** Where a session writes its texts to. */
export interface TextSocket {
  /** Sends a text message. @returns whether it has passed it on; if not, it calls `onDrain` of the session when all has been */
  send(text: string | Buffer): boolean;
  /** Bytes that it has not passed on. */
  buffered(): number;
  /** Ends normally, after what was sent. */
  end(): void;
  /** Ends with a reject, after what was sent. */
  fail(why: Reject): void;
}

/** A query that waits for reports. */
interface Waiting {
  readonly isDue: () => boolean;
  readonly resolve: () => void;
}

/** An amend whose order was looked for. The requests of its message after it, and later messages, waited for that. */
interface Searched {
  readonly asked: Asked;
  /** Undefined: `error` says why. */
  readonly command: NewCommand | undefined;
  readonly error: RequestError | undefined;
  readonly rest: readonly ReadRequest[];
}

/** What the sessions are made from. */
export interface PrivateSources extends OrderSources, ChannelSources {
  readonly sessions: Pick<OrderSessions, 'open'>;
  readonly hub: Pick<ReportHub, 'seenSeq' | 'lastReportNo' | 'open' | 'close'>;
  readonly identity: Identity;
  readonly slices: Slices;
  /** Microseconds since the Unix epoch, by the bounded clock. */
  readonly nowUs: () => number;
  readonly log: Pick<Logger, 'error'>;
}

/** What the sessions of a process share. */
export interface SharedParts {
  readonly sources: PrivateSources;
  readonly symbols: KnownSymbols;
  readonly answers: OrderAnswers;
  /** The commands of the message that is being read. */
  readonly batch: CommandBatch;
  /** Bounds the time in which reports become text, per turn of the event loop. */
  readonly turns: FairTurns;
  /** Bounds the time in which messages are read. */
  /** Of an account's sessions together. */
  budgetOf(account: number): WorkBudget;
  readonly inbox: Pick<RequestQueue<PrivateSession>, 'take' | 'hold' | 'resume' | 'forget'>;
}

/** The reports of all sessions, one at a time. */
const frame = new ReportFrameWriter(FRAME_REPORTS);
const report = new ReportView();

/**
 * An order-entry session in JSON, and the private stream of its account: docs/JSON.md. The session itself is that of every
 * other client. This turns texts into its frames of commands, and its reports into texts; further messages, which have no
 * number, go to the socket at once, and are bounded. I/O thread.
 */
export class PrivateSession implements SessionTransport, SessionCodec, TurnOwner {
  readonly headroom = 0;
  /** See {@link read}. */
  readonly budget: WorkBudget;
  readonly frame = frame;
  readonly #server: SharedParts;
  readonly #socket: TextSocket;
  readonly #admission: Admission;
  readonly #asker: Asker;
  /** Undefined while it is being opened. */
  readonly #session: OrderSession | undefined;
  readonly #channels: PrivateChannels;
  #open = true;
  /** Texts that reading a message has sent, queries that it has begun, batches that were refused whole: what became no command. */
  #others = 0;
  /** A message of reports is in the socket's buffer. */
  #writing = false;
  /** A snapshot is asked for. */
  #snapshot = false;
  /** It is being made: reports wait, so that none of those that it may lack is sent before it. */
  #holding = false;
  /** Queries that wait for reports. */
  #waiting: Waiting[] = [];
  #queries = 0;
  /** Its turn comes next. */
  #searched: Searched | undefined;
  /** Of the message that is being made. */
  #account: AccountInfo | undefined;
  readonly #limitSymbols = new Map<number, SymbolInfo | undefined>();

  constructor(server: SharedParts, socket: TextSocket, admission: Admission, channels: readonly PrivateChannel[]) {
    const { sessions, slices, identity } = server.sources;
    const { account, last, readOnly, grace, session, principal, visit } = admission;
    const caller = identity.open ? visit.peer : principal.subject;
    this.#server = server;
    this.budget = server.budgetOf(account);
    this.#socket = socket;
    this.#admission = admission;
    this.#asker = { caller, inSlices: (work) => slices.run(caller, work) };
    const asked = grace === undefined ? {} : { cancelOnDisconnect: grace, sessionNumber: session };
    this.#answer({ kind: 'session', account, lastReportNo: last, readOnly, ...asked });
    this.#session = sessions.open(this, admission, this);
    this.#channels = new PrivateChannels(server.sources, admission, {
      answer: (message) => this.#answer(message),
      send: (text) => this.#send(text),
      isFree: () => this.#open && socket.buffered() === 0,
      lastReport: () => this.#session?.lastReport ?? 0,
      takeTurn: () => {
        if (server.turns.now(this)) this.#channels.push();
      },
    });
    for (const channel of channels) this.#attempt({}, () => this.#channels.subscribe(channel, undefined, {}));
    this.onTurn();
  }

  /** Takes a message, at once or in its turn. `bytes` need to be valid during the call only. */
  onMessage(bytes: Uint8Array, isBinary: boolean): void {
    if (!this.#server.inbox.take(this, bytes, isBinary))
      this.cut(reject(Code.BUSY, 'too many messages wait: send fewer, and wait for answers'));
  }

  /**
   * Reads a message whose turn it is, or goes on with one that waited for an order.
   * @returns whether its time counts against the budget: not if all of it became commands, which the engine's throttle bounds
   */
  read(bytes: Uint8Array, isBinary: boolean): boolean {
    if (!this.#open) return false;
    this.#others = 0;
    const searched = this.#searched;
    if (searched !== undefined) this.#amend(searched);
    else if (isBinary)
      this.#refuse({}, new RequestError(Code.MALFORMED_FRAME, 'MALFORMED_FRAME', 'a message of this session is JSON text'));
    else {
      this.#server.batch.clear();
      this.#process(readRequests(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()));
    }
    return this.#others !== 0;
  }

  /** The socket has passed on all that was sent. */
  onDrain(): void {
    if (this.#writing) {
      this.#writing = false;
      this.#session?.onWritten();
    }
    this.#channels.onDrain();
  }

  onClose(): void {
    this.#leave();
    this.#session?.leave();
  }

  cut(why: Reject): void {
    this.#session?.cut(why);
  }

  onTurn(): void {
    if (!this.#open) return;
    this.#session?.onReportsReady();
    this.#channels.push();
  }

  // What the session calls.

  mayWrite(): boolean {
    this.#releaseWaiting();
    return this.#session !== undefined && !this.#holding && this.#server.turns.now(this);
  }

  encode(refusals: RefusalList, _headroom: number, _schema: number, memory: FrameMemory): Buffer | undefined {
    const { account } = this.#admission;
    for (const message of refusedCommands(refusals, account, this.#limitOf)) this.#answer(message);
    const text = this.#reports();
    frame.count = 0;
    this.#account = undefined;
    this.#limitSymbols.clear();
    this.#channels.balancesChanged();
    if (text === undefined) {
      this.#channels.push();
      return undefined;
    }
    const bytes = memory.take(Buffer.byteLength(text));
    bytes.write(text);
    return bytes;
  }

  write(message: Buffer): boolean {
    if (!this.#open) return true;
    this.#writing = !this.#socket.send(message);
    this.#channels.push();
    return !this.#writing;
  }

  pause(): void {
    // A WebSocket has no flow-control window: until it is resumed, the session answers BUSY.
  }

  resume(): void {
    // Nothing was stopped.
  }

  end(): void {
    if (this.#leave()) this.#socket.end();
  }

  fail(why: Reject): void {
    if (this.#leave()) this.#socket.fail(why);
  }

  /** @returns whether it was open */
  #leave(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    this.#server.inbox.forget(this);
    this.#server.turns.forget(this);
    this.#channels.leave();
    this.#releaseWaiting();
    return true;
  }

  // Reports.

  /** The text of the reports in the frame that the client has subscribed to; undefined: there are none. */
  #reports(): string | undefined {
    const { symbols } = this.#server;
    const all = this.#channels.has('orders');
    const fills = this.#channels.has('fills');
    const reports: object[] = [];
    for (let i = 0; i < frame.count; i++) {
      report.wrap(frame.words, frame.wordOf(i));
      if (all || (fills && report.kind === ReportKind.Fill)) reports.push(executionReport(report, symbols, this.#limitOf));
    }
    // The view is at the last report.
    return reports.length === 0 ? undefined : JSON.stringify({ kind: 'reports', lastReportNo: report.reportNo, reports });
  }

  /** Reads the account and a symbol once for a message. */
  readonly #limitOf: LimitLookup = (code, symbol, account, order) => {
    const { directory } = this.#server.sources;
    const known = this.#limitSymbols;
    if (!known.has(symbol)) known.set(symbol, directory.symbol(symbol));
    this.#account ??= directory.account(account);
    return brokenLimit(code, known.get(symbol), this.#account, order);
  };

  // Requests.

  /** Takes requests after what the batch has, up to one that has to wait for its order. */
  #process(requests: readonly ReadRequest[]): void {
    for (const [i, { asked, request, error }] of requests.entries()) {
      if (error !== undefined) this.#refuse(asked, error);
      else if (request.op === 'amend' && !isCommand(request)) {
        this.#sendBatch();
        // The commands may have cut the session.
        if (this.#open) void this.#search(asked, request, requests.slice(i + 1));
        return;
      } else this.#take(asked, request);
    }
    this.#sendBatch();
  }

  #sendBatch(): void {
    const session = this.#session;
    const { batch } = this.#server;
    if (session === undefined) return;
    if (batch.count !== 0) {
      const commands = batch.bytes();
      const before = session.commands;
      session.onFrame(commands, 0, commands.length);
      if (session.commands === before) this.#others++;
    }
    // Also after a cut: commands taken before must reach the engine.
    session.onFramesEnd();
  }

  /** Looks for the order of an amend, which may be one that the session has just placed. What comes later waits. */
  async #search(asked: Asked, request: RequestOf<'amend'>, rest: readonly ReadRequest[]): Promise<void> {
    const { inbox, sources } = this.#server;
    const { account, readOnly } = this.#admission;
    inbox.hold(this);
    let command: NewCommand | undefined;
    let error: RequestError | undefined;
    try {
      if (readOnly) throw orderError(Code.PERMISSION_DENIED);
      const ids = orderIdsOf(request);
      const sent = this.#session?.lastSeq ?? 0;
      await this.#until(() => sources.hub.seenSeq >= sent);
      ({ command } = await findAmendment(sources, this.#asker, account, amendBody(request), ids));
    } catch (reason) {
      error = this.#known(reason, request.op);
    }
    this.#searched = { asked, command, error, rest };
    inbox.resume(this);
  }

  #amend({ asked, command, error, rest }: Searched): void {
    const { batch } = this.#server;
    this.#searched = undefined;
    batch.clear();
    if (error !== undefined) this.#refuse(asked, error);
    if (command !== undefined) this.#attempt(asked, () => addFound(batch, command, asked.tag));
    this.#process(rest);
  }

  #take(asked: Asked, request: OrderRequest): void {
    this.#attempt(asked, () => {
      if (isCommand(request)) addCommand(this.#server.batch, request, (name) => this.#server.symbols.units(name));
      else if (request.op === 'ping') this.#answer({ kind: 'pong', ...tagOf(asked), timeUs: this.#server.sources.nowUs() });
      else if (request.op === 'subscribe') this.#channels.subscribe(request.channel, request.after, tagOf(asked));
      else if (request.op === 'unsubscribe') this.#channels.unsubscribe(request.channel, tagOf(asked));
      else if (request.op !== 'amend') this.#query(asked, request);
    });
  }

  /** Does what a request asks for, or says why not. */
  #attempt(asked: Asked, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#refuse(asked, error);
    }
  }

  #refuse(asked: Asked, error: RequestError): void {
    this.#answer(refusedMessage(asked, error));
  }

  #answer(message: object): void {
    this.#others++;
    this.#send(JSON.stringify(message));
  }

  /** Sends what has no number. @returns as TextSocket does */
  #send(text: string | Buffer): boolean {
    if (!this.#open) return true;
    const sent = this.#socket.send(text);
    if (!sent && this.#socket.buffered() > CUT_AT_BYTES) this.cut(reject(Code.BUSY, 'answers are not read: read them, or ask for less'));
    return sent;
  }

  /** @throws RequestError BUSY */
  #query(asked: Asked, request: QueryRequest): void {
    if (this.#queries >= MAX_QUERIES || this.#socket.buffered() > MAX_UNREAD_BYTES)
      throw new RequestError(Code.BUSY, 'BUSY', `read the answers first: ${MAX_QUERIES} queries may be unanswered`);
    if (request.op === 'snapshot' && this.#snapshot) throw new RequestError(Code.BUSY, 'BUSY', 'a snapshot is being made: wait for it');
    this.#snapshot ||= request.op === 'snapshot';
    this.#queries++;
    this.#others++;
    void this.#ask(asked, request);
  }

  async #ask(asked: Asked, request: QueryRequest): Promise<void> {
    const { hub } = this.#server.sources;
    const { account } = this.#admission;
    const holds = request.op === 'snapshot';
    try {
      // What the client sent before is in the answer, and so are the commands of the same message, which are taken next.
      await undefined;
      const sent = this.#session?.lastSeq ?? 0;
      await this.#until(() => hub.seenSeq >= sent);
      if (holds) await this.#server.answers.prepareSnapshot(account, this.#asker);
      this.#holding ||= holds;
      const shown = (reportNo: number) => this.#until(() => hub.lastReportNo(account) >= reportNo);
      this.#send(await this.#server.answers.answer(request, account, this.#asker, shown));
    } catch (error) {
      this.#refuse(asked, this.#known(error, request.op));
    }
    this.#queries--;
    if (!holds) return;
    this.#snapshot = false;
    this.#holding = false;
    this.onTurn();
  }

  /** What a request failed with, for its caller. */
  #known(error: unknown, op: string): RequestError {
    const known = queryError(error);
    if (known !== undefined) return known;
    // The exchange may be stopping.
    if (this.#open) this.#server.sources.log.error({ err: error, op }, 'a request of a JSON session failed');
    return new RequestError(0, 'INTERNAL', 'the request failed inside the exchange; see its log for the reason');
  }

  /** Resolves when it is due, which reports of the account bring about, or when the connection has ended. */
  #until(isDue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ isDue, resolve });
      this.#releaseWaiting();
    });
  }

  #releaseWaiting(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ isDue }) => this.#open && !isDue());
    for (const each of waiting) if (!this.#waiting.includes(each)) each.resolve();
  }
}

/** The tag of a request, for its answer. */
function tagOf({ tag }: Asked): { readonly tag?: number } {
  return tag === undefined ? {} : { tag };
}
