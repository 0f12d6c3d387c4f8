import { Code } from '../../engine/codes.ts';
import type { Identity, Visit } from '../identity/identity.ts';
import { type Action, may } from '../identity/permissions.ts';
import type { Principal } from '../identity/principal.ts';
import { type Reject, reject } from '../reject.ts';
import { accountOf, type Caller, type CallerClaims, readCaller } from './order-caller.ts';
import { type CommandSequencer, OrderEntryCounters, OrderIntake } from './order-intake.ts';
import { OrderSession, type SessionContext, type SessionTransport } from './order-session.ts';
import type { ReportHub } from './report-hub.ts';
import { ServiceTime } from './service-time.ts';

/** How often sessions are looked through for those whose credentials have expired, ms. */
const EXPIRY_MS = 1000;

export interface OrderSessionsOptions {
  readonly sequencer: CommandSequencer;
  readonly hub: ReportHub;
  readonly accountExists: (account: number) => boolean;
  readonly identity: Identity;
  /** Runs after the frames that came together, if they gave the engine something to do: topology `compact` lets the engine run there. */
  readonly onPublished: () => void;
  /** Most sessions. Default 1024. */
  readonly maxSessions?: number;
  /** Most sessions of one account, so that one account cannot take them all. Default 64. */
  readonly maxAccountSessions?: number;
}

/** An admitted caller, and where the account's reports stand. */
export interface Admission {
  readonly account: number;
  /** Number of the last report that the client has seen. */
  readonly sent: number;
  /** Number of the account's last report. */
  readonly last: number;
  /** They may have reports, and send nothing. */
  readonly readOnly: boolean;
  /** ms since the Unix epoch, or Infinity. */
  readonly expiresAt: number;
  /** Wire schema of the answers; undefined: that of the client's first frame. */
  readonly schema: number | undefined;
}

/** All order-entry sessions of the process, whatever carries them: how they are admitted, and how they end. I/O thread. */
export class OrderSessions {
  readonly counters = new OrderEntryCounters();
  readonly serviceTime: ServiceTime;
  readonly intake: OrderIntake;
  readonly hub: ReportHub;
  readonly #options: OrderSessionsOptions;
  /** Each with the time when its credentials expire. */
  readonly #sessions = new Map<OrderSession, number>();
  #watch: NodeJS.Timeout | undefined;
  readonly #context: SessionContext;

  constructor(options: OrderSessionsOptions) {
    const { sequencer, hub, onPublished } = options;
    this.#options = options;
    this.hub = hub;
    this.serviceTime = new ServiceTime(() => sequencer.nowUs());
    this.intake = new OrderIntake(sequencer, this.counters, onPublished);
    this.#context = {
      hub,
      intake: this.intake,
      counters: this.counters,
      serviceTime: this.serviceTime,
      onGone: (session) => {
        this.#sessions.delete(session);
        this.counters.sessions = this.#sessions.size;
      },
    };
  }

  /** What the claims are good for now, or why for nothing; a reject is counted. @param visit for the log of rejects */
  admit(claims: CallerClaims, principal: Principal, visit: Visit): Admission | Reject {
    const admission = this.#admit(claims, principal, visit);
    if ('code' in admission) this.counters.sessionsCut++;
    return admission;
  }

  /** Counts a session that was refused before `admit`. */
  rejected(): void {
    this.counters.sessionsCut++;
  }

  /** Begins the session of an admission that was just given. */
  open(transport: SessionTransport, { account, sent, readOnly, expiresAt, schema }: Admission): OrderSession {
    const session = new OrderSession(transport, account, sent, readOnly, schema, this.#context);
    this.#sessions.set(session, expiresAt);
    if (expiresAt !== Number.POSITIVE_INFINITY) this.#watch ??= setInterval(() => this.#expire(), EXPIRY_MS).unref();
    this.counters.sessions = this.#sessions.size;
    this.counters.sessionsTotal++;
    session.begin();
    return session;
  }

  /** The caller of a unary call, which sends orders. */
  caller(claims: CallerClaims, principal: Principal, visit: Visit): { readonly account: number } | Reject {
    return this.#caller(claims, 'order:send', principal, visit);
  }

  /** Commands are refused with DRAINING from now on, and new sessions too; reports go on. */
  drain(): void {
    this.intake.draining = true;
  }

  /** Lets each session have the reports of what it sent, and go. */
  end(): void {
    clearInterval(this.#watch);
    for (const session of this.#sessions.keys()) session.end();
  }

  #expire(): void {
    const now = Date.now();
    for (const [session, expiresAt] of this.#sessions) if (expiresAt <= now) session.expire(expired);
  }

  /** Authorization comes before existence: callers who may not see an account do not learn whether it exists. */
  #caller(claims: CallerClaims, action: Action, principal: Principal, visit: Visit): Caller | Reject {
    const account = accountOf(claims);
    return this.#options.identity.forbid(principal, action, visit, account) ?? readCaller(claims, this.#options.accountExists);
  }

  #admit(claims: CallerClaims, principal: Principal, visit: Visit): Admission | Reject {
    const { maxSessions = 1024, maxAccountSessions = 64 } = this.#options;
    if (this.intake.draining) return draining;
    const caller = this.#caller(claims, 'session:open', principal, visit);
    if ('code' in caller) return caller;
    if (this.#sessions.size >= maxSessions) {
      return reject(Code.BUSY, `all ${maxSessions} sessions are taken: close one, or try again later`);
    }
    const { account, schema } = caller;
    let own = 0;
    for (const session of this.#sessions.keys()) if (session.account === account) own++;
    if (own >= maxAccountSessions) {
      return reject(Code.BUSY, `account ${account} has ${own} sessions, the most that one may have: close one`);
    }
    const last = this.hub.lastReportNo(account);
    const sent = caller.lastReport ?? last;
    if (sent <= last)
      return { account, sent, last, readOnly: !may(principal, 'order:send', account), expiresAt: principal.expiresAt, schema };
    return reject(
      Code.BAD_RANGE,
      `x-openbell-last-report is ${sent}, but the last report of account ${account} is ${last}: reports were lost with the exchange's data, start again without it`,
      'beyond-end',
    );
  }
}

const expired = reject(Code.UNAUTHENTICATED, 'the credentials of this session have expired: connect again with new ones');
const draining = reject(Code.DRAINING, 'the exchange is stopping: connect again when it is back');
