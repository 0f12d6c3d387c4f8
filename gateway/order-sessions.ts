import { Code } from '../engine/codes.ts';
import { type CallFault, GrpcStatus } from './grpc/status.ts';
import { type CommandSequencer, OrderEntryCounters, OrderIntake } from './order-intake.ts';
import { OrderSession, type SessionContext, type SessionTransport } from './order-session.ts';
import { type CallerClaims, fault, readCaller } from './order-status.ts';
import type { ReportHub } from './report-hub.ts';
import { ResidenceClock } from './residence.ts';

export interface OrderSessionsOptions {
  readonly sequencer: CommandSequencer;
  readonly hub: ReportHub;
  readonly accountExists: (account: number) => boolean;
  /** Runs after the frames that came together, if they gave the engine something to do: topology `compact` lets the engine run there. */
  readonly onPublished: () => void;
  /** Most sessions. Default 1024. */
  readonly maxSessions?: number;
}

/** Who was let in, and where his account's reports stand. */
export interface Admission {
  readonly account: number;
  /** Number of the last report that the client has seen. */
  readonly sent: number;
  /** Number of the account's last report. */
  readonly last: number;
}

/** All order-entry sessions of the process, whatever carries them: who gets in, and how they end. I/O thread. */
export class OrderSessions {
  readonly counters = new OrderEntryCounters();
  readonly residence: ResidenceClock;
  readonly intake: OrderIntake;
  readonly hub: ReportHub;
  readonly #options: OrderSessionsOptions;
  readonly #sessions = new Set<OrderSession>();
  readonly #context: SessionContext;

  constructor(options: OrderSessionsOptions) {
    const { sequencer, hub, onPublished } = options;
    this.#options = options;
    this.hub = hub;
    this.residence = new ResidenceClock(() => sequencer.nowUs());
    this.intake = new OrderIntake(sequencer, this.counters, onPublished);
    this.#context = {
      hub,
      intake: this.intake,
      counters: this.counters,
      residence: this.residence,
      onGone: (session) => {
        this.#sessions.delete(session);
        this.counters.sessions = this.#sessions.size;
      },
    };
  }

  /** Whose claims are good for a session now, or why not; a refusal is counted. */
  admit(claims: CallerClaims): Admission | CallFault {
    const admission = this.#admit(claims);
    if ('code' in admission) this.counters.sessionsCut++;
    return admission;
  }

  /** Begins the session of an admission that was just given. */
  open(transport: SessionTransport, { account, sent }: Admission): OrderSession {
    const session = new OrderSession(transport, account, sent, this.#context);
    this.#sessions.add(session);
    this.counters.sessions = this.#sessions.size;
    this.counters.sessionsTotal++;
    session.begin();
    return session;
  }

  /** The caller of a unary call. */
  caller(claims: CallerClaims): { readonly account: number } | CallFault {
    return readCaller(claims, this.#options.accountExists);
  }

  /** Commands are refused with DRAINING from now on, and new sessions too; reports go on. */
  drain(): void {
    this.intake.draining = true;
  }

  /** Lets each session have the reports of what it sent, and go. */
  end(): void {
    for (const session of this.#sessions) session.end();
  }

  #admit(claims: CallerClaims): Admission | CallFault {
    const { accountExists, maxSessions = 1024 } = this.#options;
    if (this.intake.draining) return draining;
    const caller = readCaller(claims, accountExists);
    if ('code' in caller) return caller;
    if (this.#sessions.size >= maxSessions) {
      return fault(GrpcStatus.ResourceExhausted, Code.BUSY, `all ${maxSessions} sessions are taken: close one, or try again later`);
    }
    const { account } = caller;
    const last = this.hub.lastReportNo(account);
    const sent = caller.lastReport ?? last;
    if (sent <= last) return { account, sent, last };
    return fault(
      GrpcStatus.OutOfRange,
      Code.BAD_RANGE,
      `x-openbell-last-report is ${sent}, but the last report of account ${account} is ${last}: reports were lost with the exchange's data, start again without it`,
    );
  }
}

const draining = fault(GrpcStatus.Unavailable, Code.DRAINING, 'the exchange is stopping: connect again when it is back');
