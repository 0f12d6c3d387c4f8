import type { AuditEvent } from './audit-sink.ts';

/** Kinds of refusals told apart in a second's sum. */
const MAX_GROUPS = 64;
const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
/** Of those that seconds would let through, an hour lets this many seconds' worth through: about 30 MB a day, not 3 GB. */
const HOUR_SECONDS = 36;

/** Lets so many refusals a second, and 36 times as many an hour, through one by one, and sums the others up: whoever knocks cannot fill disk or memory. */
export class FloodGuard {
  readonly #max: number;
  readonly #tell: (sum: AuditEvent) => void;
  /** How many were not told one by one in this second, by action and outcome. */
  readonly #groups = new Map<string, { event: AuditEvent; count: number }>();
  #admitted = 0;
  /** In the hour that began then, on the monotonic clock. */
  #admittedInHour = 0;
  #hourBegan = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #summarised = 0;

  /** @param tell gets a sum per action and outcome at the end of a second that had too many */
  constructor(max: number, tell: (sum: AuditEvent) => void) {
    this.#max = max;
    this.#tell = tell;
  }

  get summarised(): number {
    return this.#summarised;
  }

  /** False: it will be in the second's sum. */
  admits(event: AuditEvent): boolean {
    if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#end(), SECOND_MS);
      this.#timer.unref();
    }
    const now = performance.now();
    if (now - this.#hourBegan >= HOUR_MS) {
      this.#hourBegan = now;
      this.#admittedInHour = 0;
    }
    if (this.#admitted < this.#max && this.#admittedInHour < HOUR_SECONDS * this.#max) {
      this.#admitted++;
      this.#admittedInHour++;
      return true;
    }
    this.#summarised++;
    const name = `${event.action} ${event.outcome}`;
    const key = this.#groups.has(name) || this.#groups.size < MAX_GROUPS ? name : '';
    const group = this.#groups.get(key);
    if (group !== undefined) group.count++;
    else this.#groups.set(key, { event: key === '' ? { ...event, action: 'others', outcome: 'refused' } : event, count: 1 });
    return false;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#end();
  }

  #end(): void {
    this.#timer = undefined;
    this.#admitted = 0;
    for (const { event, count } of this.#groups.values()) {
      const { kind, action, outcome, peer } = event;
      this.#tell({ kind, subject: '', action, outcome, peer: '', detail: `${count} more within a second, the first of them from ${peer}` });
    }
    this.#groups.clear();
  }
}
