import type { AlertEvent } from '../client/alert-types.ts';
import type { Alert } from './alert.ts';
import { AlertLink, type AlertStats } from './alert-link.ts';
import { hasAlerts } from './alert-paths.ts';
import { AlertState, type AlertStateOptions, type NewAlert } from './alert-state.ts';
import type { Commit, Loaded } from './commit.ts';
import type { AlertCounters } from './event-maker.ts';

/** Between two ticks, ms: alerts are armed again, accounts and feeds are looked at, events are stored. */
const TICK_MS = 100;
/** Values without an event are stored so often, ms: an edge over a crash is one between the stored value and that after it. */
const STORE_VALUES_MS = 5000;
/** Until a commit that failed is tried again, ms. */
const AGAIN_MS = 1000;

export interface AlertsOptions extends AlertStateOptions {
  readonly dataDir: string;
  /** Endpoints of webhooks on this host are allowed. */
  readonly loopback: boolean;
  /** Resolves when market data has taken all events so far. */
  readonly published: () => Promise<void>;
}

/**
 * Alerts of accounts: their conditions are evaluated on this thread, their store and the delivery to webhooks have a thread of their own. The thread
 * begins with the first alert or webhook of the data directory. Without any, nothing here costs time. I/O thread.
 *
 * ```
 *  trades, quotes, fills, values ─▶ evaluator ─▶ events ──tick──▶ thread: one transaction ─┬─▶ streams, queries
 *                                                                                         └─▶ webhooks
 * ```
 *
 * An event is shown and delivered once it is stored, together with the state that it is the consequence of. So a crash before that repeats the
 * edge and not the event, and numbers never change their meaning.
 */
export class Alerts {
  readonly #options: AlertsOptions;
  readonly #state: AlertState;
  readonly #listeners = new Map<number, Set<() => void>>();
  #commit: Commit | undefined;
  #sending: Promise<void> | undefined;
  #againMs = 0;
  #valuesMs = 0;
  #link: AlertLink | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failing = false;
  /** What is stored is being taken up. A commit meanwhile would take what is not followed yet for ended, and remove it from the store. */
  #isResuming = false;

  constructor(options: AlertsOptions) {
    this.#options = options;
    this.#state = new AlertState(options);
  }

  /** Takes up the alerts of the data directory, if it has any. Call it when the engine has recovered. @throws AlertsVersionError, and errors of the disk */
  async start(): Promise<void> {
    if (!hasAlerts(this.#options.dataDir)) return;
    this.#isResuming = true;
    const loaded = await this.#load();
    // A book that is not whole yet has other spreads.
    await this.#options.published();
    await this.#state.resume(loaded);
    this.#isResuming = false;
  }

  /** @throws the thread's error: a later attempt would not succeed either */
  async #load(): Promise<Loaded> {
    const link = this.#open();
    try {
      return await link.ask('load');
    } catch (error) {
      clearInterval(this.#timer);
      await link.stop();
      throw (error as Error).cause ?? error;
    }
  }

  get counters(): AlertCounters {
    return this.#state.events.counters;
  }

  get size(): number {
    return this.#state.size;
  }

  /** Events that are not stored yet. */
  get unstored(): number {
    return this.#state.events.waiting + this.#committing;
  }

  /** Events or results cannot be stored: most likely a full disk. */
  get failing(): boolean {
    return this.#failing || (this.#link?.stats.failing ?? false);
  }

  get webhookStats(): AlertStats | undefined {
    return this.#link?.stats;
  }

  /** The alerts of an account, by id. */
  list(account: number): Alert[] {
    return this.#state.list(account);
  }

  /** Sets an alert. Resolves when it is on the disk and armed. @throws AlertError */
  add(alert: NewAlert): Promise<Alert> {
    return this.#state.add(alert, () => this.#open());
  }

  /** Deletes an alert. Resolves when that is on the disk. @throws AlertError UNKNOWN_ALERT: the account has none of this id */
  async remove(account: number, id: number): Promise<void> {
    await this.#state.remove(account, id, () => this.#open());
    // A commit that failed is tried again: it must not bring the alert back.
    if (this.#commit !== undefined) this.#commit = { ...this.#commit, alerts: this.#commit.alerts.filter((other) => other.id !== id) };
  }

  /** Number of an account's last event, which may not be stored yet; 0: it has none. */
  lastEventNo(account: number): number {
    return this.#state.events.eventNo(account);
  }

  /** Events of an account that are stored, behind a number, oldest first. */
  async events(account: number, after: number, limit: number): Promise<readonly AlertEvent[]> {
    if (this.#link === undefined) return [];
    return this.#link.ask('events', account, after, limit);
  }

  /** Calls the listener after each commit with events of the account. @returns ends it */
  follow(account: number, listener: () => void): () => void {
    const listeners = this.#listeners.get(account) ?? new Set();
    this.#listeners.set(account, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(account);
    };
  }

  /** The thread, for requests about webhooks; undefined: there are none, and `begin` is false. @param begin starts it */
  link(begin: boolean): AlertLink | undefined {
    return begin ? this.#open() : this.#link;
  }

  /** Stores what has fired and ends the thread. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#link === undefined) return;
    try {
      await this.#sending;
      this.#state.end(this.#committing);
      // One that failed before, and one with what came after it.
      for (let i = 0; i < 2; i++) {
        this.#commit ??= this.#state.take(true);
        if (this.#commit === undefined) break;
        await this.#link.ask('commit', this.#commit);
        this.#commit = undefined;
      }
    } catch (error) {
      this.#options.log.error({ err: error }, 'alerts could not be stored; their edges are found again by the next start');
    }
    await this.#link.stop();
  }

  get #committing(): number {
    return this.#commit?.events.length ?? 0;
  }

  #open(): AlertLink {
    if (this.#link !== undefined) return this.#link;
    const { dataDir, loopback, log } = this.#options;
    this.#link = new AlertLink(dataDir, loopback, (err) => log.error({ err }, 'the thread of the alerts ended; it is started again'));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    return this.#link;
  }

  #tick(): void {
    if (this.#isResuming) return;
    this.#state.tick(this.#committing);
    this.#store();
  }

  /** Sends the next commit, if there is something to store and none is under way. */
  #store(): void {
    const nowMs = performance.now();
    if (this.#sending !== undefined || nowMs < this.#againMs || this.#link === undefined) return;
    if (this.#commit === undefined) {
      const values = nowMs - this.#valuesMs >= STORE_VALUES_MS;
      if (values) this.#valuesMs = nowMs;
      this.#commit = this.#state.take(values);
    }
    if (this.#commit === undefined) return;
    const commit = this.#commit;
    this.#sending = this.#link.ask('commit', commit).then(
      () => this.#stored(commit),
      (error: Error) => this.#notStored(error),
    );
  }

  #stored({ events }: Commit): void {
    this.#sending = undefined;
    this.#commit = undefined;
    if (this.#failing) this.#options.log.info('alerts are stored again');
    this.#failing = false;
    for (const account of new Set(events.map((event) => event.account)))
      for (const listener of this.#listeners.get(account) ?? []) listener();
  }

  #notStored(error: Error): void {
    this.#sending = undefined;
    this.#againMs = performance.now() + AGAIN_MS;
    if (!this.#failing) this.#options.log.error({ err: error }, 'alerts cannot be stored; they wait, and are tried again');
    this.#failing = true;
  }
}
