import { Code } from '../../engine/codes.ts';
import type { Identity, Visit } from '../identity/identity.ts';
import type { Principal } from '../identity/principal.ts';
import { type Reject, reject } from '../reject.ts';
import { ENDED_BY_OPERATOR, type SessionInfo, type SessionOwner, type SessionSource } from '../session-info.ts';
import type { Slices } from '../slices.ts';
import { type CopyTransport, DropCopy, DropCopyCounters } from './drop-copy.ts';
import { FramePool } from './frame-pool.ts';
import { readSchema } from './order-caller.ts';
import { ownerOf } from './order-sessions.ts';
import type { ReportArchive } from './report-cursor.ts';
import type { ReportHub } from './report-hub.ts';
import type { SessionAudit, StreamEnded } from './session-audit.ts';

/** Interval of the check for slow readers and expired credentials, ms. */
const WATCH_MS = 1000;
/** Time for which a frame has not been taken when the list of sessions calls a drop copy slow, ms. */
const SLOW_MS = 1000;

export interface DropCopiesOptions {
  readonly hub: ReportHub;
  /** Reads of the past, which take turns by caller; not the one of order sessions, which must not wait for a drop copy. */
  readonly archiveOf: (caller: string) => ReportArchive;
  readonly accountExists: (account: number) => boolean;
  readonly identity: Identity;
  readonly audit: SessionAudit;
  readonly slices: Slices;
  /** The exchange is stopping. */
  readonly draining: () => boolean;
  /** Microseconds since the Unix epoch, by the bounded clock. */
  readonly nowUs: () => number;
  /** Maximum drop copies. Default 64. */
  readonly maxCopies?: number;
  /** Maximum of one caller, so that one cannot use them all. Default 8. */
  readonly maxCallerCopies?: number;
  /** Time in which a client must send its subscription, and take a frame, ms. Default 10,000. */
  readonly lateMs?: number;
}

/** An admitted caller. */
export interface CopyAdmission {
  readonly principal: Principal;
  readonly visit: Pick<Visit, 'peer' | 'wants'>;
  /** The subject; without authentication, the address. */
  readonly caller: string;
  /** Wire schema of the answers; undefined: that of the client's message. */
  readonly schema: number | undefined;
}

/** What is kept of an open drop copy. */
interface OpenCopy {
  readonly admission: CopyAdmission;
  /** Number in the audit trail. */
  readonly number: number;
  readonly owner: SessionOwner;
}

/**
 * All drop copies of the process, independent of the transport: admission, limits and end. They share the I/O thread
 * with order entry, so all their work is done in slices, in which callers take turns.
 */
export class DropCopies implements SessionSource {
  readonly kind = 'drop-copy';
  readonly counters = new DropCopyCounters();
  readonly #options: DropCopiesOptions;
  /** In the order of opening. */
  readonly #copies = new Map<DropCopy, OpenCopy>();
  readonly #frames = new FramePool();
  #watch: NodeJS.Timeout | undefined;

  constructor(options: DropCopiesOptions) {
    this.#options = options;
  }

  /** Admits a caller, or returns the reject, which is counted. `open` follows in the same turn of the loop. */
  admit(schema: string | undefined, principal: Principal, visit: Visit): CopyAdmission | Reject {
    const admission = this.#admit(schema, principal, visit);
    if ('code' in admission) this.counters.cut++;
    return admission;
  }

  /** Counts a caller who was rejected before `admit`. */
  rejected(): void {
    this.counters.cut++;
  }

  /** Starts the drop copy of an admission that `admit` just returned. */
  open(transport: CopyTransport, admission: CopyAdmission): DropCopy {
    const { hub, archiveOf, slices, audit, lateMs = 10_000 } = this.#options;
    const { counters } = this;
    const { principal, visit, caller, schema } = admission;
    const number = audit.nextSession();
    let closed: StreamEnded | undefined;
    const copy = new DropCopy(transport, schema, {
      hub,
      archive: archiveOf(caller),
      counters,
      frames: this.#frames,
      inTurns: (piece) => void slices.run(caller, turns(piece)),
      check: (account) => this.#check(admission, account),
      onSubscribed: (accounts) => {
        closed = audit.openedCopy(number, principal, visit, accounts);
      },
      onGone: () => {
        closed?.(copy.endedWith, { reports: copy.reports });
        this.#copies.delete(copy);
        counters.open = this.#copies.size;
      },
    });
    this.#copies.set(copy, { admission, number, owner: ownerOf(principal, visit) });
    counters.open = this.#copies.size;
    counters.total++;
    this.#watch ??= setInterval(() => this.#look(lateMs), Math.min(WATCH_MS, lateMs / 2)).unref();
    return copy;
  }

  *openSessions(above: number): Generator<SessionInfo> {
    const { kind } = this;
    const now = performance.now();
    for (const [copy, { number, owner }] of this.#copies) {
      if (number <= above) continue;
      const { accounts, reports, dueSince } = copy;
      yield { kind, number, ...owner, accounts, readOnly: true, reports, slow: now - dueSince >= SLOW_MS };
    }
  }

  endSession(number: number): boolean {
    for (const [copy, open] of this.#copies) {
      if (open.number !== number) continue;
      copy.cut(ended);
      return true;
    }
    return false;
  }

  /** Ends each drop copy; a client resumes when the exchange is back. */
  end(): void {
    clearInterval(this.#watch);
    for (const copy of [...this.#copies.keys()]) copy.end();
  }

  #look(lateMs: number): void {
    const now = performance.now();
    // Both clocks must agree, as for order sessions.
    const time = Math.min(Date.now(), this.#options.nowUs() / 1000);
    for (const [copy, { admission }] of [...this.#copies]) {
      if (admission.principal.expiresAt <= time) copy.cut(expired);
      else copy.cutLate(now, lateMs);
    }
  }

  #admit(schema: string | undefined, principal: Principal, visit: Visit): CopyAdmission | Reject {
    const { identity, draining, maxCopies = 64, maxCallerCopies = 8 } = this.#options;
    if (draining()) return stopping;
    const forbidden = identity.forbid(principal, 'copy:open', visit);
    if (forbidden !== undefined) return forbidden;
    const version = readSchema(schema);
    if (typeof version === 'object') return version;
    if (this.#copies.size >= maxCopies) return reject(Code.BUSY, `all ${maxCopies} drop copies are taken: close one, or try again later`);
    const caller = identity.open ? visit.peer : principal.subject;
    let own = 0;
    for (const { admission } of this.#copies.values()) if (admission.caller === caller) own++;
    if (own >= maxCallerCopies) return reject(Code.BUSY, `${own} drop copies of yours are open, the most that one may have: close one`);
    const { peer, wants } = visit;
    return { principal, visit: { peer, wants }, caller, schema: version };
  }

  /** Authorization is checked before existence: unauthorised callers must not learn whether an account exists. */
  #check({ principal, visit }: CopyAdmission, account: number): Reject | undefined {
    const { identity, accountExists } = this.#options;
    const forbidden = identity.forbid(principal, 'copy:read', visit, account);
    if (forbidden !== undefined || accountExists(account)) return forbidden;
    return reject(Code.UNKNOWN_ACCOUNT, `there is no account ${account}: the operator defines accounts`);
  }
}

function* turns(piece: () => boolean): Generator<undefined, void> {
  while (piece()) yield;
}

const ended = reject(Code.PERMISSION_DENIED, ENDED_BY_OPERATOR);
const expired = reject(Code.UNAUTHENTICATED, 'the credentials of this drop copy have expired: connect again with new ones');
const stopping = reject(Code.DRAINING, 'the exchange is stopping: connect again when it is back');
