import { Code } from '../../engine/codes.ts';
import type { Identity, Visit } from '../identity/identity.ts';
import type { Principal } from '../identity/principal.ts';
import { type Reject, reject } from '../reject.ts';
import type { SessionAudit } from '../sessions/session-audit.ts';
import type { Slices } from '../slices.ts';
import { HistoryBusyError } from '../taps/history/history.ts';
import type { PositionPage } from '../taps/positions/position-queries.ts';
import { type Marking, MOST_POSITIONS, type Portfolios, portfolioView } from './portfolios.ts';

/** Time between two looks at the positions and their marks, ms. */
export const INTERVAL_MS = { least: 100, usual: 1000, most: 60_000 } as const;
const MOST_STREAMS = 64;
const MOST_OF_CALLER = 8;

/** Sends the messages of one stream. */
export interface PortfolioTransport {
  /** Sends a JSON text. @returns false: it waits in a buffer; {@link PortfolioStream.onWritten} is called when it is gone */
  write(text: string): boolean;
  /** The exchange is stopping. */
  end(): void;
  fail(why: Reject): void;
}

/** An admitted caller. */
export interface PortfolioAdmission {
  readonly principal: Principal;
  readonly visit: Pick<Visit, 'peer' | 'wants'>;
  /** The subject; without authentication, the address. */
  readonly caller: string;
  readonly account: number;
  readonly marking: Marking;
  readonly intervalMs: number;
}

export interface PortfolioStreamsOptions {
  readonly portfolios: Portfolios;
  readonly identity: Identity;
  readonly audit: SessionAudit;
  readonly slices: Slices;
  /** The exchange is stopping. */
  readonly draining: () => boolean;
  /** Microseconds since the Unix epoch, by the bounded clock. */
  readonly nowUs: () => number;
  /** Time in which a reader must take a message, ms. Default 10,000. */
  readonly lateMs?: number;
  /** A portfolio that does not change is sent again after this time, ms, so that its reader knows that the connection works. Default 10,000. */
  readonly repeatMs?: number;
}

export class PortfolioCounters {
  /** Streams now. */
  open = 0;
  /** Rejected, or cut because of their reader. */
  cut = 0;
}

/** All streams of portfolios, independent of the transport: admission, limits and end. I/O thread. */
export class PortfolioStreams {
  readonly counters = new PortfolioCounters();
  readonly #options: PortfolioStreamsOptions;
  readonly #streams = new Map<PortfolioStream, PortfolioAdmission>();

  constructor(options: PortfolioStreamsOptions) {
    this.#options = options;
  }

  /** Admits a caller, or returns the reject, which is counted. `open` follows in the same turn of the loop. */
  admit(query: URLSearchParams, principal: Principal, visit: Visit): PortfolioAdmission | Reject {
    const admission = this.#admit(query, principal, visit);
    if ('code' in admission) this.counters.cut++;
    return admission;
  }

  /** Starts the stream of an admission that `admit` just returned. */
  open(transport: PortfolioTransport, admission: PortfolioAdmission): PortfolioStream {
    const { portfolios, slices, audit, nowUs, lateMs = 10_000, repeatMs = 10_000 } = this.#options;
    const { principal, visit, account } = admission;
    const ended = audit.openedStream(principal, visit, account);
    const stream = new PortfolioStream(transport, admission, {
      portfolios,
      slices,
      lateMs,
      repeatMs,
      // Both clocks must agree, as for order sessions.
      isExpired: () => principal.expiresAt <= Math.min(Date.now(), nowUs() / 1000),
      onCut: () => this.counters.cut++,
      onGone: (endedWith, messages) => {
        this.#streams.delete(stream);
        this.counters.open = this.#streams.size;
        ended(endedWith, { messages });
      },
    });
    this.#streams.set(stream, admission);
    this.counters.open = this.#streams.size;
    stream.start();
    return stream;
  }

  /** Ends each stream; a client connects again when the exchange is back. */
  end(): void {
    for (const stream of [...this.#streams.keys()]) stream.end();
  }

  #admit(query: URLSearchParams, principal: Principal, visit: Visit): PortfolioAdmission | Reject {
    const { portfolios, identity, draining } = this.#options;
    if (draining()) return reject(Code.DRAINING, 'the exchange is stopping: connect again when it is back');
    const account = numberOf(query.get('account') ?? '', 1, 0xffff_ffff);
    if (account === undefined) return reject(Code.BAD_PARAMETER, 'account must be the id of an account');
    // Authorization is checked before existence: unauthorised callers must not learn whether an account exists.
    const forbidden = identity.forbid(principal, 'account:read', visit, account);
    if (forbidden !== undefined) return forbidden;
    if (!portfolios.accountExists(account)) return reject(Code.UNKNOWN_ACCOUNT, `there is no account ${account}`);
    const { least, usual, most } = INTERVAL_MS;
    const intervalMs = numberOf(query.get('interval') ?? String(usual), least, most);
    if (intervalMs === undefined) return reject(Code.BAD_PARAMETER, `interval must be a whole number of milliseconds, ${least} to ${most}`);
    const marking = portfolios.marking(query.get('mark') ?? undefined, query.get('instruments') ?? undefined);
    if ('code' in marking) return marking;
    if (this.#streams.size >= MOST_STREAMS)
      return reject(Code.BUSY, `all ${MOST_STREAMS} streams of portfolios are taken: close one, or try again later`);
    const caller = identity.open ? visit.peer : principal.subject;
    let own = 0;
    for (const other of this.#streams.values()) if (other.caller === caller) own++;
    if (own >= MOST_OF_CALLER) return reject(Code.BUSY, `${own} streams of portfolios of yours are open, the most that one may have`);
    const { peer, wants } = visit;
    return { principal, visit: { peer, wants }, caller, account, marking, intervalMs };
  }
}

interface StreamParts {
  readonly portfolios: Portfolios;
  readonly slices: Slices;
  readonly lateMs: number;
  readonly repeatMs: number;
  readonly isExpired: () => boolean;
  readonly onCut: () => void;
  /** @param endedWith why the exchange ended it; OK: its reader or the stopping exchange did */
  readonly onGone: (endedWith: Code, messages: number) => void;
}

/**
 * The portfolio of one account as a stream: the whole portfolio when it or its marks have changed, at most once per interval. A slow
 * reader gets the newest one later; what was between is not kept.
 */
export class PortfolioStream {
  readonly #transport: PortfolioTransport;
  readonly #admission: PortfolioAdmission;
  readonly #parts: StreamParts;
  #page: PositionPage | undefined;
  #sent = '';
  #sentAt = 0;
  #messages = 0;
  #waiting = false;
  #gone = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(transport: PortfolioTransport, admission: PortfolioAdmission, parts: StreamParts) {
    this.#transport = transport;
    this.#admission = admission;
    this.#parts = parts;
  }

  /** The first message follows in a later turn of the loop. */
  start(): void {
    this.#timer = setTimeout(() => void this.#look(), 0);
  }

  /** The last message has left. */
  onWritten(): void {
    this.#waiting = false;
  }

  /** The client has gone. */
  leave(endedWith: Code = Code.OK): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#timer);
    this.#parts.onGone(endedWith, this.#messages);
  }

  /** Ends it because of a reject. */
  cut(why: Reject): void {
    if (this.#gone) return;
    this.leave(why.code);
    this.#parts.onCut();
    this.#transport.fail(why);
  }

  end(): void {
    if (this.#gone) return;
    this.leave();
    this.#transport.end();
  }

  async #look(): Promise<void> {
    try {
      if (this.#parts.isExpired()) return this.cut(expired);
      if (!this.#waiting) await this.#send();
      else if (performance.now() - this.#sentAt >= this.#parts.lateMs) return this.cut(late);
    } catch (error) {
      // With a full queue, the next look tries again.
      if (!(error instanceof HistoryBusyError)) return this.cut(unavailable);
    }
    if (!this.#gone) this.#timer = setTimeout(() => void this.#look(), this.#admission.intervalMs);
  }

  async #send(): Promise<void> {
    const { portfolios, slices } = this.#parts;
    const { account, caller, marking } = this.#admission;
    if (this.#page === undefined || this.#page.reportNo < portfolios.lastReportNo(account))
      this.#page = await portfolios.readNow(account, 0, MOST_POSITIONS, caller);
    const page = this.#page;
    const { positions, totals } = await slices.run(caller, portfolios.inSteps(page, marking));
    if (this.#gone) return;
    const body = JSON.stringify({ totals, positions });
    const now = performance.now();
    if (body === this.#sent && now - this.#sentAt < this.#parts.repeatMs) return;
    this.#sent = body;
    this.#sentAt = now;
    this.#messages++;
    const head = JSON.stringify(portfolioView(account, marking, page));
    this.#waiting = !this.#transport.write(`${head.slice(0, -1)},${body.slice(1)}`);
  }
}

function numberOf(text: string, least: number, most: number): number | undefined {
  const value = Number(text);
  return /^\d{1,10}$/.test(text) && value >= least && value <= most ? value : undefined;
}

const expired = reject(Code.UNAUTHENTICATED, 'the credentials of this stream have expired: connect again with new ones');
const late = reject(Code.BUSY, 'a message was not read in time: connect again, and read faster');
const unavailable = reject(Code.BUSY, 'the history cannot be read now: connect again later', 'unavailable');
