import { Code } from '../../engine/codes.ts';
import type { Identity, Visit } from '../identity/identity.ts';
import type { Principal } from '../identity/principal.ts';
import { type Reject, reject } from '../reject.ts';
import type { SessionAudit } from '../sessions/session-audit.ts';
import type { Alerts } from './alerts.ts';

/** Events of one read of the store, and the most that is in transit to a reader. */
const PAGE = 64;
/** Until a read that failed is tried again, ms. */
const AGAIN_MS = 1000;
/** How often readers are looked at: whether their credentials have expired, and whether they read; ms. */
const LOOK_MS = 1000;
/** Time in which a reader must read what was sent, ms. */
const LATE_MS = 10_000;
/** Streams of one caller, and of all. */
const MAX_PER_CALLER = 8;
const MAX_STREAMS = 1024;
const MAX_NO = Number.MAX_SAFE_INTEGER;

/** Where a stream writes to. */
export interface StreamTransport {
  /** Sends a text message. @returns whether the transport has passed it on; if not, it calls {@link AlertStream.onWritten} later */
  write(text: string): boolean;
  fail(why: Reject): void;
  end(): void;
}

/** A caller who may open a stream. */
export interface StreamAdmission {
  readonly principal: Principal;
  readonly visit: Pick<Visit, 'peer' | 'wants'>;
  readonly caller: string;
  readonly account: number;
  readonly after: number;
}

export interface StreamOptions {
  readonly alerts: Alerts;
  readonly identity: Identity;
  readonly audit: SessionAudit;
  readonly accountExists: (account: number) => boolean;
  readonly draining: () => boolean;
}

/** The streams of events. Each is a number: the last event that was sent. So nothing is queued for a slow reader, and one that comes back names its number. I/O thread. */
export class AlertStreams {
  readonly #options: StreamOptions;
  readonly #streams = new Map<AlertStream, StreamAdmission>();
  #watch: NodeJS.Timeout | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  get open(): number {
    return this.#streams.size;
  }

  /** Admits a caller, or returns the reject. @param query `account`, and `after`, the number of the last event that the caller has */
  admit(
    query: { readonly account: string | undefined; readonly after: string | undefined },
    principal: Principal,
    visit: Pick<Visit, 'peer' | 'wants'>,
  ): StreamAdmission | Reject {
    const { alerts, identity, accountExists, draining } = this.#options;
    if (draining()) return stopping;
    const account = numberOf(query.account);
    const after = query.after === undefined ? 0 : numberOf(query.after);
    if (Number.isNaN(account) || Number.isNaN(after))
      return reject(Code.BAD_PARAMETER, 'give ?account=ID, and &after=NUMBER of the last event that you have, or 0');
    const forbidden = identity.forbid(principal, 'alert:read', visit, account);
    if (forbidden !== undefined) return forbidden;
    if (!accountExists(account)) return reject(Code.UNKNOWN_ACCOUNT, `there is no account ${account}: the operator defines accounts`);
    const last = alerts.lastEventNo(account);
    if (after > last) {
      const text = `after is ${after}, but the last event of account ${account} is ${last}: events were lost with the exchange's data, start again with after=0`;
      return reject(Code.BAD_RANGE, text, 'beyond-end');
    }
    if (this.#streams.size >= MAX_STREAMS) return reject(Code.BUSY, `all ${MAX_STREAMS} streams of alerts are taken: try again later`);
    const caller = identity.open ? visit.peer : principal.subject;
    let own = 0;
    for (const other of this.#streams.values()) if (other.caller === caller) own++;
    if (own >= MAX_PER_CALLER)
      return reject(Code.BUSY, `${own} streams of alerts of yours are open, the most that one may have: close one`);
    const { peer, wants } = visit;
    return { principal, visit: { peer, wants }, caller, account, after };
  }

  /** Starts the stream of an admission. */
  begin(transport: StreamTransport, admission: StreamAdmission): AlertStream {
    const { alerts, audit } = this.#options;
    const { principal, visit, account } = admission;
    const ended = audit.openedStream(principal, visit, account);
    const stream = new AlertStream(transport, alerts, admission, (endedWith, events) => {
      this.#streams.delete(stream);
      ended(endedWith, { events });
    });
    this.#streams.set(stream, admission);
    this.#watch ??= setInterval(() => this.#look(), LOOK_MS).unref();
    return stream;
  }

  /** Ends all streams. */
  end(): void {
    clearInterval(this.#watch);
    for (const stream of [...this.#streams.keys()]) stream.end();
  }

  #look(): void {
    for (const [stream, { principal }] of [...this.#streams]) {
      if (principal.expiresAt <= Date.now()) stream.cut(expired);
      else stream.cutLate(performance.now());
    }
  }
}

/** A stream has ended. @param endedWith why the exchange ended it; OK: its reader or the stopping exchange did @param events how many were sent */
type OnGone = (endedWith: Code, events: number) => void;

/** The events of an account, from a number on, to one reader. */
export class AlertStream {
  readonly #transport: StreamTransport;
  readonly #alerts: Alerts;
  readonly #account: number;
  readonly #onGone: OnGone;
  readonly #unfollow: () => void;
  #sent: number;
  #events = 0;
  /** A read of the store is under way; if there is news meanwhile, another follows. */
  #reading = false;
  #news = false;
  /** Since when the transport has not passed on what was written, ms; 0: it has. */
  #waitingSince = 0;
  #open = true;

  constructor(transport: StreamTransport, alerts: Alerts, { account, after }: StreamAdmission, onGone: OnGone) {
    this.#transport = transport;
    this.#alerts = alerts;
    this.#account = account;
    this.#sent = after;
    this.#onGone = onGone;
    this.#unfollow = alerts.follow(account, () => this.#read());
    // The transport is not ready before its owner has the stream.
    queueMicrotask(() => this.#read());
  }

  /** Call when the transport has passed on what was written. */
  onWritten(): void {
    this.#waitingSince = 0;
    this.#read();
  }

  /** Call when the reader has left. */
  leave(endedWith: Code = Code.OK): void {
    if (!this.#open) return;
    this.#open = false;
    this.#unfollow();
    this.#onGone(endedWith, this.#events);
  }

  end(): void {
    if (this.#open) this.#transport.end();
    this.leave();
  }

  cut(why: Reject): void {
    if (this.#open) this.#transport.fail(why);
    this.leave(why.code);
  }

  cutLate(now: number): void {
    if (this.#waitingSince !== 0 && now - this.#waitingSince > LATE_MS) this.cut(late);
  }

  #read(): void {
    if (!this.#open || this.#waitingSince !== 0) return;
    if (this.#reading) {
      this.#news = true;
      return;
    }
    this.#reading = true;
    this.#news = false;
    this.#alerts.events(this.#account, this.#sent, PAGE).then(
      (events) => {
        this.#reading = false;
        if (!this.#open) return;
        for (const event of events) {
          this.#sent = event.no;
          this.#events++;
          if (!this.#transport.write(JSON.stringify(event)) && this.#waitingSince === 0) this.#waitingSince = performance.now();
        }
        if (this.#news || events.length === PAGE) this.#read();
      },
      () => {
        this.#reading = false;
        setTimeout(() => this.#read(), AGAIN_MS).unref();
      },
    );
  }
}

function numberOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,16}$/.test(text) && Number(text) <= MAX_NO ? Number(text) : Number.NaN;
}

const stopping = reject(Code.DRAINING, 'the exchange is stopping: connect again when it is back');
const expired = reject(Code.UNAUTHENTICATED, 'the credentials of this stream have expired: connect again with new ones');
const late = reject(Code.BUSY, `slow reader: events were not read within ${LATE_MS / 1000} s: read faster, and resume with after=NUMBER`);
