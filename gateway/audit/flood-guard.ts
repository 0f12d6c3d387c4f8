import type { AuditEvent } from './audit-sink.ts';

/** Kinds of rejects that one second's summary distinguishes. */
const MAX_GROUPS = 64;
const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
/** The limit per hour, in seconds' worth of the limit per second: about 30 MB a day, not 3 GB. */
const HOUR_SECONDS = 36;

/** Subjects that are counted separately; further ones share the count of the last. */
const MAX_SUBJECTS = 10_000;

/** Passes up to `max` events a second, and 36 times as many an hour, and summarises the others: a flood cannot fill disk or memory. */
export class FloodGuard {
  readonly #max: number;
  readonly #publish: (sum: AuditEvent) => void;
  /** Rejects summarised in this second, by action and outcome. */
  readonly #groups = new Map<string, { event: AuditEvent; count: number }>();
  #admitted = 0;
  /** Rejects passed in the hour since `#hourBegan` (monotonic clock). */
  #admittedInHour = 0;
  #hourBegan = performance.now();
  /** Events passed in the hour, by subject. */
  readonly #bySubject = new Map<string, number>();
  readonly #maxOfSubject: number;
  #timer: NodeJS.Timeout | undefined;
  #summarised = 0;

  /**
   * @param publish called with a summary per action and outcome at the end of a second with too many events
   * @param maxOfSubject passed per hour and subject, so that one caller cannot use up the limit of all; its summaries name it
   */
  constructor(max: number, publish: (sum: AuditEvent) => void, maxOfSubject: number = Number.POSITIVE_INFINITY) {
    this.#max = max;
    this.#maxOfSubject = maxOfSubject;
    this.#publish = publish;
  }

  get summarised(): number {
    return this.#summarised;
  }

  /** False: the event is counted in the second's summary. */
  admits(event: AuditEvent): boolean {
    if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#end(), SECOND_MS);
      this.#timer.unref();
    }
    const now = performance.now();
    if (now - this.#hourBegan >= HOUR_MS) {
      this.#hourBegan = now;
      this.#admittedInHour = 0;
      this.#bySubject.clear();
    }
    if (this.#admitted < this.#max && this.#admittedInHour < HOUR_SECONDS * this.#max && this.#admitsSubject(event.subject)) {
      this.#admitted++;
      this.#admittedInHour++;
      return true;
    }
    this.#summarised++;
    const name =
      this.#maxOfSubject === Number.POSITIVE_INFINITY
        ? `${event.action} ${event.outcome}`
        : `${event.subject} ${event.action} ${event.outcome}`;
    const key = this.#groups.has(name) || this.#groups.size < MAX_GROUPS ? name : '';
    const group = this.#groups.get(key);
    if (group !== undefined) group.count++;
    else this.#groups.set(key, { event: key === '' ? { ...event, subject: '', action: 'others', outcome: 'refused' } : event, count: 1 });
    return false;
  }

  #admitsSubject(subject: string): boolean {
    if (this.#maxOfSubject === Number.POSITIVE_INFINITY) return true;
    const key = this.#bySubject.has(subject) || this.#bySubject.size < MAX_SUBJECTS ? subject : '';
    const passed = this.#bySubject.get(key) ?? 0;
    if (passed >= this.#maxOfSubject) return false;
    this.#bySubject.set(key, passed + 1);
    return true;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#end();
  }

  #end(): void {
    this.#timer = undefined;
    this.#admitted = 0;
    for (const { event, count } of this.#groups.values()) {
      const { kind, subject, action, outcome, peer } = event;
      this.#publish({
        kind,
        // A reject's subject may be anybody's; that of a session was verified.
        subject: this.#maxOfSubject === Number.POSITIVE_INFINITY ? '' : subject,
        action,
        outcome,
        peer: '',
        detail: `${count} more within a second, the first of them from ${peer}`,
      });
    }
    this.#groups.clear();
  }
}
