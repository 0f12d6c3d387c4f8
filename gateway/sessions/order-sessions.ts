import { Code } from '../../engine/codes.ts';
import { type AuditSink, SILENT } from '../audit/audit-sink.ts';
import type { Identity, Visit } from '../identity/identity.ts';
import { type Action, may } from '../identity/permissions.ts';
import type { Principal } from '../identity/principal.ts';
import type { Logger } from '../log.ts';
import type { OrderTurns } from '../quiet-turns.ts';
import { type Reject, reject } from '../reject.ts';
import { ENDED_BY_OPERATOR, type SessionInfo, type SessionOwner, type SessionSource } from '../session-info.ts';
import { CancelOnDisconnect, type CancelSession } from './cancel-on-disconnect.ts';
import { FramePool } from './frame-pool.ts';
import { type Caller, type CallerClaims, type ClaimNames, readAccount, readCaller } from './order-caller.ts';
import { type CommandSequencer, OrderEntryCounters, OrderIntake } from './order-intake.ts';
import { OrderSession, type SessionContext, type SessionTransport } from './order-session.ts';
import type { ReportHub } from './report-hub.ts';
import { ServiceTime } from './service-time.ts';
import { SessionAudit, type SessionRecord } from './session-audit.ts';
import { FLATBUFFERS, type SessionCodec } from './session-codec.ts';

/** Interval of the check for expired credentials, ms. */
const EXPIRY_MS = 1000;

export interface OrderSessionsOptions {
  readonly sequencer: CommandSequencer;
  readonly hub: ReportHub;
  readonly accountExists: (account: number) => boolean;
  readonly identity: Identity;
  /** Cancels the orders of a session that is gone. */
  readonly cancelSession: CancelSession;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Receives who opened and closed which session. Default: nothing does. */
  readonly audit?: AuditSink;
  /** Called after the frames that arrived together, if any command was published: topology `compact` runs the engine there. */
  readonly onPublished: () => void;
  /** Those of the engine, see OrderIntake. */
  readonly turns?: OrderTurns;
  /** Maximum sessions. Default 1024. */
  readonly maxSessions?: number;
  /** Maximum sessions of one account that may send commands, so that one account cannot use them all. Default 64. */
  readonly maxAccountSessions?: number;
  /** Maximum read-only sessions of one account, besides: they take no place from those that may send. Default 32. */
  readonly maxAccountReaders?: number;
}

/** An admitted caller, and the position in the account's reports. */
export interface Admission {
  readonly account: number;
  /** Number of the last report that the client has seen. */
  readonly sent: number;
  /** Number of the account's last report. */
  readonly last: number;
  /** The caller may receive reports but send no commands. */
  readonly readOnly: boolean;
  /** ms since the Unix epoch, or Infinity. */
  readonly expiresAt: number;
  /** The caller, and how they came. */
  readonly principal: Principal;
  readonly visit: Pick<Visit, 'peer' | 'wants'>;
  /** Wire schema of the answers; undefined: that of the client's first frame. */
  readonly schema: number | undefined;
  /** Seconds; undefined: the session does not ask for a cancel on disconnect. */
  readonly grace: number | undefined;
  /** Number of the session, of which an account may have several; 0 if it does not ask. */
  readonly session: number;
  /** How the caller named what it asked for. */
  readonly names: ClaimNames;
}

/** What is kept of an open session. */
interface OpenSession {
  readonly expiresAt: number;
  readonly record: SessionRecord;
  readonly grace: number | undefined;
  readonly owner: SessionOwner;
  readonly readOnly: boolean;
}

/** All order-entry sessions of the process, independent of the transport: admission and end. I/O thread. */
export class OrderSessions implements SessionSource {
  readonly kind = 'orders';
  readonly counters = new OrderEntryCounters();
  readonly serviceTime: ServiceTime;
  readonly intake: OrderIntake;
  readonly hub: ReportHub;
  readonly audit: SessionAudit;
  readonly #options: OrderSessionsOptions;
  /** In the order of opening. */
  readonly #sessions = new Map<OrderSession, OpenSession>();
  readonly #onDisconnect: CancelOnDisconnect;
  #watch: NodeJS.Timeout | undefined;
  readonly #context: SessionContext;

  constructor(options: OrderSessionsOptions) {
    const { sequencer, hub, onPublished, turns } = options;
    this.#options = options;
    this.#onDisconnect = new CancelOnDisconnect(options.cancelSession, this.counters, options.log);
    this.hub = hub;
    this.serviceTime = new ServiceTime(() => sequencer.nowUs());
    this.audit = new SessionAudit(options.audit ?? SILENT, () => sequencer.seq);
    this.intake = new OrderIntake(sequencer, this.counters, onPublished, turns);
    this.#context = {
      hub,
      intake: this.intake,
      counters: this.counters,
      serviceTime: this.serviceTime,
      frames: new FramePool(),
      onGone: (session) => {
        const its = this.#sessions.get(session);
        if (its !== undefined) this.audit.closed(its.record, session);
        this.#sessions.delete(session);
        if (its?.grace !== undefined) this.#onDisconnect.closed(session.account, session.number, its.grace);
        this.counters.sessions = this.#sessions.size;
      },
    };
  }

  /** Admits a caller, or returns the reject, which is counted. @param visit for the log of rejects */
  admit(claims: CallerClaims, principal: Principal, visit: Visit): Admission | Reject {
    const admission = this.#admit(claims, principal, visit);
    if ('code' in admission) this.counters.sessionsCut++;
    return admission;
  }

  /** Counts a session that was rejected before `admit`. */
  rejected(): void {
    this.counters.sessionsCut++;
  }

  /** Starts the session of an admission that `admit` just returned. */
  open(transport: SessionTransport, admission: Admission, codec: SessionCodec = FLATBUFFERS): OrderSession {
    const { account, sent, readOnly, expiresAt, schema, principal, visit, grace, names } = admission;
    const session = new OrderSession(transport, codec, account, admission.session, sent, readOnly, schema, names, this.#context);
    const record = this.audit.opened(principal, visit, account, readOnly, sent);
    this.#sessions.set(session, { expiresAt, record, grace, owner: ownerOf(principal, visit), readOnly });
    if (grace !== undefined) this.#onDisconnect.opened(account, session.number);
    if (expiresAt !== Number.POSITIVE_INFINITY) this.#watch ??= setInterval(() => this.#expire(), EXPIRY_MS).unref();
    this.counters.sessions = this.#sessions.size;
    this.counters.sessionsTotal++;
    session.begin();
    return session;
  }

  /** The caller of a unary call, which sends orders. */
  caller(claims: CallerClaims, principal: Principal, visit: Visit): { readonly account: number } | Reject {
    const caller = this.#caller(claims, 'order:send', principal, visit);
    if (!('code' in caller)) this.audit.submitted(principal, visit, caller.account);
    return caller;
  }

  *openSessions(above: number): Generator<SessionInfo> {
    const { kind } = this;
    for (const [session, { record, grace, owner, readOnly }] of this.#sessions) {
      if (record.id <= above) continue;
      const { account, lastReport, commands, backlog, slow, number } = session;
      const disconnect = grace !== undefined && { cancelOnDisconnect: grace, sessionNumber: number };
      yield { kind, number: record.id, ...owner, account, readOnly, lastReport, commands, backlog, slow, ...disconnect };
    }
  }

  endSession(number: number): boolean {
    for (const [session, { record }] of this.#sessions) {
      if (record.id !== number) continue;
      session.endWith(ended);
      return true;
    }
    return false;
  }

  /** Rejects commands and new sessions with DRAINING from now on; reports continue. */
  drain(): void {
    this.intake.draining = true;
    this.#onDisconnect.stop();
  }

  /** Ends each session once its commands are answered. */
  end(): void {
    clearInterval(this.#watch);
    for (const session of this.#sessions.keys()) session.end();
  }

  #expire(): void {
    // Both clocks must agree: one wrong reading must not end sessions.
    const now = Math.min(Date.now(), this.#options.sequencer.nowUs() / 1000);
    for (const [session, { expiresAt }] of this.#sessions) if (expiresAt <= now) session.endWith(expired);
  }

  /**
   * Authorization is checked before existence: unauthorised callers must not learn whether an account exists. A malformed id is that of none, and
   * says what is wrong.
   */
  #caller(claims: CallerClaims, action: Action, principal: Principal, visit: Visit): Caller | Reject {
    const account = readAccount(claims);
    if (typeof account === 'object') return account;
    return this.#options.identity.forbid(principal, action, visit, account) ?? readCaller(claims, this.#options.accountExists);
  }

  #admit(claims: CallerClaims, principal: Principal, visit: Visit): Admission | Reject {
    const { maxSessions = 1024, maxAccountSessions = 64, maxAccountReaders = 32 } = this.#options;
    if (this.intake.draining) return draining;
    const caller = this.#caller(claims, 'session:open', principal, visit);
    if ('code' in caller) return caller;
    if (this.#sessions.size >= maxSessions) {
      return reject(Code.BUSY, `all ${maxSessions} sessions are taken: close one, or try again later`);
    }
    const { account, schema, grace, session } = caller;
    const readOnly = !may(principal, 'order:send', account);
    if (readOnly && grace !== undefined)
      return reject(Code.PERMISSION_DENIED, `${claims.names.cancelOnDisconnect} cancels orders, and this caller may only read`);
    let own = 0;
    for (const [session, its] of this.#sessions) if (session.account === account && its.readOnly === readOnly) own++;
    if (own >= (readOnly ? maxAccountReaders : maxAccountSessions)) {
      const what = readOnly ? 'read-only sessions' : 'sessions';
      return reject(Code.BUSY, `account ${account} has ${own} ${what}, the most that one may have: close one`);
    }
    const last = this.hub.lastReportNo(account);
    const sent = caller.lastReport ?? last;
    if (sent <= last) {
      const { expiresAt } = principal;
      const { peer, wants } = visit;
      return {
        account,
        sent,
        last,
        readOnly,
        expiresAt,
        principal,
        visit: { peer, wants },
        schema,
        grace,
        session,
        names: claims.names,
      };
    }
    const { lastReport, reportOffset } = claims.names;
    return reject(
      Code.BAD_RANGE,
      `${lastReport} is ${sent + reportOffset}, but the last report of account ${account} is ${last}: reports were lost with the exchange's data, start again without it`,
      'beyond-end',
    );
  }
}

/** What the operator sees of a caller whose session opens now. */
export function ownerOf({ subject, via }: Principal, { wants, peer }: Pick<Visit, 'wants' | 'peer'>): SessionOwner {
  return { subject, via, protocol: wants, address: peer, sinceMs: Date.now() };
}

const ended = reject(Code.PERMISSION_DENIED, ENDED_BY_OPERATOR);
const expired = reject(Code.UNAUTHENTICATED, 'the credentials of this session have expired: connect again with new ones');
const draining = reject(Code.DRAINING, 'the exchange is stopping: connect again when it is back');
