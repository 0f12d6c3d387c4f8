import type { Directory } from '../../engine/threads/directory.ts';
import type { Feeds } from '../../feeds/worker/feeds.ts';
import { holding, staleness } from './account-values.ts';
import { type Alert, gaugeOf } from './alert.ts';
import type { AlertEvaluator } from './evaluator.ts';

/** Accounts with alerts on positions that a poll looks at: some 0.3 ms. */
const ACCOUNTS_PER_POLL = 32;
/** Alerts on feeds are looked at by every so many polls. */
const FEEDS_EVERY = 5;
/** How long after a start a feed that had current prices before it is not stale yet, ms: it connects first. */
export const FEED_START_MS = 60_000;

export interface PolledSources {
  readonly evaluator: AlertEvaluator;
  readonly directory: Pick<Directory, 'account'>;
  readonly feeds: Feeds | undefined;
  readonly nowUs: () => number;
  /** Of a clock that does not go back. Default: performance.now. */
  readonly nowMs?: () => number;
}

/** Values whose changes no event reports: positions, exposures and the state of feeds. They are looked at in turn. I/O thread. */
export class PolledValues {
  readonly #sources: PolledSources;
  readonly #nowMs: () => number;
  /** Alerts on positions, and the one that was looked at last. */
  #positions: readonly Alert[] = [];
  #at = 0;
  #feeds: readonly Alert[] = [];
  #polls = 0;
  /** Gauges of feeds that had current prices in the process before, and not yet in this one; and until when that is not looked at. */
  readonly #starting = new Set<string>();
  #startedMs = 0;

  constructor(sources: PolledSources) {
    this.#sources = sources;
    this.#nowMs = sources.nowMs ?? (() => performance.now());
  }

  /** Takes the alerts that there are. */
  arrange(alerts: readonly Alert[]): void {
    this.#positions = alerts.filter(({ condition: { kind } }) => kind === 'position' || kind === 'exposure');
    this.#feeds = alerts.filter(({ condition: { kind } }) => kind === 'feed-stale');
    this.#at = 0;
  }

  /** The process has started: feeds that had current prices before connect now. Call it after {@link arrange}. */
  started(): void {
    this.#startedMs = this.#nowMs() + FEED_START_MS;
    for (const { account, condition } of this.#feeds) {
      const key = condition.kind === 'fill' ? '' : gaugeOf(account, condition);
      if (this.#sources.evaluator.gauge(key)?.value === 0) this.#starting.add(key);
    }
  }

  poll(): void {
    this.#pollAccounts();
    if (this.#polls++ % FEEDS_EVERY === 0) this.#pollFeeds();
  }

  #pollAccounts(): void {
    const { evaluator, directory, nowUs } = this.#sources;
    const alerts = this.#positions;
    for (let i = 0; i < Math.min(ACCOUNTS_PER_POLL, alerts.length); i++) {
      this.#at = (this.#at + 1) % alerts.length;
      const { account, condition } = alerts[this.#at];
      if (condition.kind !== 'position' && condition.kind !== 'exposure') continue;
      evaluator.set(gaugeOf(account, condition), holding(directory.account(account), condition.asset, condition.kind), nowUs());
    }
  }

  #pollFeeds(): void {
    const { evaluator, feeds, nowUs } = this.#sources;
    if (feeds === undefined) return;
    if (this.#starting.size > 0 && this.#nowMs() >= this.#startedMs) this.#starting.clear();
    for (const { account, condition } of this.#feeds) {
      if (condition.kind !== 'feed-stale') continue;
      const key = gaugeOf(account, condition);
      const value = staleness(feeds, condition.feed, condition.instrument);
      if (Number.isNaN(value)) continue;
      if (value === 0) this.#starting.delete(key);
      if (!this.#starting.has(key)) evaluator.set(key, value, nowUs());
    }
  }
}
