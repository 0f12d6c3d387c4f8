import type { AlertEvent } from '../client/alert-types.ts';
import { Rates } from '../rate.ts';
import type { Alert, Firing } from './alert.ts';
import { firingView, type Names, timeText } from './alert-words.ts';
import { EVENT_BURST, EVENTS_PER_SECOND, MAX_UNSTORED } from './limits.ts';

/** Counters since the start. */
export interface AlertCounters {
  events: number;
  suppressed: number;
}

/** What events have changed, for one transaction. */
export interface MadeEvents {
  readonly events: AlertEvent[];
  /** Alerts as of their last event. */
  readonly alerts: Alert[];
  /** Ids of those that have fired for the last time. */
  readonly removed: number[];
  readonly accounts: ReadonlySet<number>;
}

/** What is stored of an alert with an event of it: a later firing of it has no event yet, and must be found again after a crash. */
type AtEvent = Pick<Alert, 'fired' | 'firedUs' | 'afterReportNo'>;

export interface EventMakerOptions {
  readonly names: Names;
  /** Whether the alert still exists. */
  readonly exists: (alert: Alert) => boolean;
  /** An alert has fired for the last time. */
  readonly onEnded: (alert: Alert) => void;
}

/** Makes events of firings. They are numbered per account; those of alerts that repeat are bounded. I/O thread. */
export class EventMaker {
  readonly counters: AlertCounters = { events: 0, suppressed: 0 };
  readonly #options: EventMakerOptions;
  readonly #rates = new Rates(EVENTS_PER_SECOND, EVENT_BURST);
  readonly #eventNo = new Map<number, number>();
  /** Without an event yet. */
  readonly #firings: Firing[] = [];
  #events: AlertEvent[] = [];
  #changed = new Map<Alert, AtEvent>();
  #removed = new Set<number>();
  #accounts = new Set<number>();

  constructor(options: EventMakerOptions) {
    this.#options = options;
  }

  /** Firings that have no event yet. Values are not stored meanwhile: a crash must find these edges again. */
  get firings(): number {
    return this.#firings.length;
  }

  /** Firings and events that were not taken yet. */
  get waiting(): number {
    return this.#firings.length + this.#events.length;
  }

  /** Whether there is something to take. */
  get isChanged(): boolean {
    return this.#events.length > 0 || this.#removed.size > 0 || this.#changed.size > 0;
  }

  /** Number of the account's last event. */
  eventNo(account: number): number {
    return this.#eventNo.get(account) ?? 0;
  }

  /** Takes the number of the last event that is stored. */
  resume(account: number, eventNo: number): void {
    this.#eventNo.set(account, eventNo);
  }

  /** Keeps a firing for {@link make}: this may be within the evaluation of a trade. */
  fired(firing: Firing): void {
    this.#firings.push(firing);
  }

  /** Makes events of a bounded number of firings: they may be many at once, and happen while market data is served. @param committing events that are being stored */
  make(most: number, committing: number): void {
    for (const firing of this.#firings.splice(0, most)) this.#make(firing, committing);
  }

  /** An alert was deleted by its owner: nothing of it is to be stored. */
  forget(alert: Alert): void {
    this.#changed.delete(alert);
  }

  take(): MadeEvents {
    const alerts = Array.from(this.#changed, ([alert, atEvent]) => ({ ...alert, ...atEvent }));
    const made = { events: this.#events, alerts, removed: [...this.#removed], accounts: this.#accounts };
    this.#events = [];
    this.#changed = new Map();
    this.#removed = new Set();
    this.#accounts = new Set();
    return made;
  }

  #make(firing: Firing, committing: number): void {
    const { alert, timeUs, fired, fill } = firing;
    const { account, id, note, condition } = alert;
    const once = alert.coolDownS === undefined;
    if (once) {
      this.#removed.add(id);
      this.#options.onEnded(alert);
    } else if (this.#options.exists(alert))
      this.#changed.set(alert, { fired, firedUs: timeUs, afterReportNo: fill?.reportNo ?? alert.afterReportNo });
    // Those that fire once are as many as requests that set them.
    if (!once && (!this.#rates.take(String(account)) || this.waiting + committing >= MAX_UNSTORED)) {
      alert.suppressed++;
      this.counters.suppressed++;
      return;
    }
    const no = this.eventNo(account) + 1;
    this.#eventNo.set(account, no);
    this.#accounts.add(account);
    this.counters.events++;
    const { text, details } = firingView(firing, this.#options.names);
    const { suppressed } = alert;
    const head = { no, account, alert: id, kind: condition.kind, note, time: timeText(timeUs), timeUs, text };
    this.#events.push({ ...head, ...details, ...(suppressed > 0 && { suppressed }) });
  }
}
