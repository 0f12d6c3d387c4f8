import { Code, codeName } from '../../engine/codes.ts';
import type { AuditSink } from '../audit/audit-sink.ts';
import type { Visit } from '../identity/identity.ts';
import type { Principal } from '../identity/principal.ts';

/** What the trail needs of a session at its end. */
export interface SessionEnd {
  readonly account: number;
  /** Why the exchange ended it; OK: the client or the stopping exchange did. */
  readonly endedWith: Code;
  /** Log sequences of its first and its last command; 0: it sent none. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Commands of it that were sequenced. */
  readonly commands: number;
  /** Number of the last report that it was sent. */
  readonly lastReport: number;
}

/** A session in the audit trail: two records, which `session` connects. */
export interface SessionRecord {
  readonly id: number;
  readonly subject: string;
  /** Undefined: a drop copy, which has several accounts. */
  readonly account: number | undefined;
  readonly wants: string;
  readonly peer: string;
}

/** Records the end of a stream. @param endedWith OK: the client or the stopping exchange ended it @param sent counts of what it was sent */
export type StreamEnded = (endedWith: Code, sent: Readonly<Record<string, number>>) => void;

const HOUR_MS = 3_600_000;
/** Callers of single calls that are remembered for an hour. */
const MAX_SUBMITTERS = 10_000;

/** Records who opened and closed which session of which account, its part of the log, and who sends single calls. I/O thread. */
export class SessionAudit {
  readonly #audit: AuditSink;
  readonly #seq: () => number;
  #lastId = 0;
  /** Accounts and subjects of single calls since `#since` (monotonic clock). */
  readonly #submitters = new Set<string>();
  #since = performance.now();

  /** @param seq last sequence of the log */
  constructor(audit: AuditSink, seq: () => number) {
    this.#audit = audit;
    this.#seq = seq;
  }

  /** @param lastReport number of the last report that the client has seen */
  opened(
    { subject, via }: Principal,
    { wants, peer }: Pick<Visit, 'wants' | 'peer'>,
    account: number,
    readOnly: boolean,
    lastReport: number,
  ): SessionRecord {
    const record = { id: this.nextSession(), subject, account, wants, peer };
    this.#record(record, 'open', Code.OK, { via, readOnly, seq: this.#seq(), lastReport });
    return record;
  }

  closed(record: SessionRecord, { endedWith, firstSeq, lastSeq, commands, lastReport }: SessionEnd): void {
    this.#record(record, 'close', endedWith, { seq: this.#seq(), firstSeq, lastSeq, commands, lastReport });
  }

  /** Number of a session that opens: `session` of its records. */
  nextSession(): number {
    return ++this.#lastId;
  }

  /** A drop copy begins. @param id of {@link nextSession} @returns what records its end */
  openedCopy(id: number, principal: Principal, visit: Pick<Visit, 'wants' | 'peer'>, accounts: readonly number[]): StreamEnded {
    return this.#opened(id, principal, visit, undefined, { count: accounts.length, accounts: rangesOf(accounts) });
  }

  /** A stream of one account begins: of its portfolio, or of its alerts. @returns what records its end */
  openedStream(principal: Principal, visit: Pick<Visit, 'wants' | 'peer'>, account: number): StreamEnded {
    return this.#opened(this.nextSession(), principal, visit, account, {});
  }

  #opened(
    id: number,
    { subject, via }: Principal,
    { wants, peer }: Pick<Visit, 'wants' | 'peer'>,
    account: number | undefined,
    detail: object,
  ): StreamEnded {
    const record = { id, subject, account, wants, peer };
    this.#record(record, 'open', Code.OK, { via, seq: this.#seq(), ...detail });
    return (endedWith, sent) => this.#record(record, 'close', endedWith, { seq: this.#seq(), ...sent });
  }

  /** A single call that sends orders: recorded once an hour for a subject and an account, because each may be one of thousands a second. */
  submitted({ subject, via }: Principal, { wants, peer }: Pick<Visit, 'wants' | 'peer'>, account: number): void {
    const now = performance.now();
    if (now - this.#since >= HOUR_MS || this.#submitters.size >= MAX_SUBMITTERS) {
      this.#submitters.clear();
      this.#since = now;
    }
    const key = `${account} ${subject}`;
    if (this.#submitters.has(key)) return;
    this.#submitters.add(key);
    const detail = JSON.stringify({ via, seq: this.#seq() });
    this.#audit.record({ kind: 'session', subject, account, action: wants, outcome: 'ok', peer, detail });
  }

  #record({ id, subject, account, wants, peer }: SessionRecord, what: 'open' | 'close', code: Code, detail: object): void {
    this.#audit.record({
      kind: 'session',
      subject,
      ...(account !== undefined && { account }),
      action: `${what} ${wants}`,
      outcome: code === Code.OK ? 'ok' : codeName(code),
      peer,
      detail: JSON.stringify({ session: id, ...detail }),
    });
  }
}

/** Most characters of a list of accounts: what a record has room for. */
const MAX_RANGES = 800;

/** Account ids in words: `1-40 77`, shortened with `...`. */
function rangesOf(accounts: readonly number[]): string {
  const ids = accounts.toSorted((a, b) => a - b);
  const ranges: string[] = [];
  for (let from = 0, to = 0; from < ids.length; from = to) {
    for (to = from + 1; to < ids.length && ids[to] === ids[to - 1] + 1; ) to++;
    ranges.push(to - from === 1 ? `${ids[from]}` : `${ids[from]}-${ids[to - 1]}`);
  }
  const text = ranges.join(' ');
  return text.length <= MAX_RANGES ? text : `${text.slice(0, text.lastIndexOf(' ', MAX_RANGES))} ...`;
}
