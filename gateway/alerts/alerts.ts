import type { Directory } from '../../engine/threads/directory.ts';
import type { MarketHandler } from '../../engine/threads/pumps.ts';
import { Side } from '../../engine/wire/layout.ts';
import { CANDLE_INTERVALS, CandleField, type Candles } from '../../feeds/analysis/candles.ts';
import type { Feeds } from '../../feeds/worker/feeds.ts';
import type { Logger } from '../log.ts';
import type { BookMirror } from '../market/book-mirror.ts';
import { Rates } from '../rate.ts';
import type { ReportArchive } from '../sessions/report-cursor.ts';
import type { ReportHub } from '../sessions/report-hub.ts';
import { holding, staleness } from './account-values.ts';
import { type Alert, type Condition, type Firing, gaugeOf, type IndicatorCondition } from './alert.ts';
import { AlertError } from './alert-error.ts';
import type { AlertEvent } from './alert-event.ts';
import { AlertLink, type AlertStats } from './alert-link.ts';
import { hasAlerts } from './alert-paths.ts';
import type { AccountRow } from './alert-store.ts';
import type { Commit, Loaded } from './alert-thread.ts';
import { firingView, timeText } from './alert-words.ts';
import type { ReadCandles } from './bar-follower.ts';
import { AlertEvaluator } from './evaluator.ts';
import { FillWatch } from './fill-watch.ts';
import { IndicatorWatch } from './indicator-watch.ts';
import { EVENT_BURST, EVENTS_PER_SECOND, MAX_ALERTS, MAX_ALERTS_PER_ACCOUNT, MAX_UNSTORED } from './limits.ts';
import { bestOf, MarketWatch } from './market-watch.ts';
import { missedTrades, type ReadTrades } from './missed-trades.ts';
import { spreadPpm } from './symbol-watch.ts';

/** Between two ticks, ms: alerts are armed again, accounts and feeds are looked at, events are stored. */
const TICK_MS = 100;
/** Accounts with alerts on positions that a tick looks at: some 0.3 ms. */
const ACCOUNTS_PER_TICK = 32;
/** Firings of which a tick makes events: some 1 ms. */
const FIRINGS_PER_TICK = 200;
/** Alerts on feeds are looked at every so many ticks. */
const FEEDS_EVERY = 5;
/** Values without an event are stored so often, ms: an edge over a crash is one between the stored value and that after it. */
const STORE_VALUES_MS = 5000;
/** Until a commit that failed is tried again, ms. */
const AGAIN_MS = 1000;
const DAY = CANDLE_INTERVALS.indexOf('1d');

export interface AlertsOptions {
  readonly dataDir: string;
  /** Endpoints of webhooks on this host are allowed. */
  readonly loopback: boolean;
  readonly directory: Pick<Directory, 'account' | 'symbol' | 'asset'>;
  readonly hub: ReportHub;
  readonly archive: ReportArchive;
  readonly trades: ReadTrades;
  readonly market: MarketHandler;
  /** Candles of a symbol as of the last event that market data has taken. */
  readonly candles: (symbol: number) => Candles;
  /** The same, closed by the engine's time. */
  readonly closedCandles: (symbol: number) => Candles;
  readonly readCandles: ReadCandles;
  /** Logs that time has passed: a candle that an alert follows has ended, and no command shows it. */
  readonly passTime: () => void;
  readonly book: (symbol: number) => BookMirror | undefined;
  /** Installs a handler of market events: that of the alerts while they need it, else market data itself. */
  readonly onMarket: (handler: MarketHandler) => void;
  /** Resolves when market data has taken all events so far. */
  readonly published: () => Promise<void>;
  readonly feeds: Feeds | undefined;
  readonly nowUs: () => number;
  readonly log: Logger;
}

/** What a new alert is made of. */
export type NewAlert = Pick<Alert, 'account' | 'condition' | 'coolDownS' | 'note'>;

/** Counters since the start. */
export interface AlertCounters {
  events: number;
  suppressed: number;
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
  readonly counters: AlertCounters = { events: 0, suppressed: 0 };
  readonly #options: AlertsOptions;
  readonly #evaluator: AlertEvaluator;
  readonly #fills: FillWatch;
  readonly #market: MarketWatch;
  readonly #indicators: IndicatorWatch;
  readonly #rates = new Rates(EVENTS_PER_SECOND, EVENT_BURST);
  readonly #countOf = new Map<number, number>();
  readonly #eventNo = new Map<number, number>();
  readonly #listeners = new Map<number, Set<() => void>>();
  /** Alerts that have fired and have no event yet. Values and report numbers are not stored meanwhile: a crash must find these edges again. */
  #firings: Firing[] = [];
  /** What the next commit stores. */
  #events: AlertEvent[] = [];
  readonly #changed = new Set<Alert>();
  readonly #removed = new Set<number>();
  readonly #touched = new Set<number>();
  /** Values of gauges, and numbers of reports, as they are stored. */
  readonly #storedValues = new Map<string, number>();
  readonly #storedReports = new Map<number, number>();
  #commit: Commit | undefined;
  #sending: Promise<void> | undefined;
  #againMs = 0;
  #valuesMs = 0;
  #link: AlertLink | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  /** Alerts on positions, of which the first is the next to be looked at. */
  #positions: Alert[] = [];
  #positionsAt = 0;
  #watching = false;
  #arranging = false;
  #failing = false;

  constructor(options: AlertsOptions) {
    this.#options = options;
    this.#evaluator = new AlertEvaluator((firing) => this.#fired(firing));
    this.#market = new MarketWatch(options.market, this.#evaluator.symbols, options.book);
    const { directory, closedCandles, readCandles, log } = options;
    this.#indicators = new IndicatorWatch({
      evaluator: this.#evaluator,
      symbol: (id) => directory.symbol(id),
      candles: closedCandles,
      read: readCandles,
      onFailed: (err, symbol) => log.warn({ err, symbol }, 'alerts on indicators wait for bars that cannot be read'),
    });
    this.#fills = new FillWatch(
      options.hub,
      options.archive,
      (account, fill, timeUs) => this.#evaluator.fill(account, fill, timeUs),
      (account, err) => options.log.warn({ err, account }, 'alerts on fills pass over reports that cannot be read'),
    );
  }

  /** Takes up the alerts of the data directory, if it has any. Call it when the engine has recovered. @throws AlertsVersionError, and errors of the disk */
  async start(): Promise<void> {
    if (!hasAlerts(this.#options.dataDir)) return;
    const { alerts, gauges, accounts } = await this.#load();
    // A book that is not whole yet has other spreads.
    await this.#options.published();
    const values = new Map(gauges);
    const rows = new Map(accounts);
    for (const [account, { eventNo }] of rows) this.#eventNo.set(account, eventNo);
    for (const [key, value] of values) this.#storedValues.set(key, value);
    const ofSymbols = Map.groupBy(alerts, ({ condition }) => tradedSymbol(condition) ?? 0);
    for (const { account } of alerts) this.#count(account, 1);
    for (const alert of ofSymbols.get(0) ?? []) {
      const { account, condition } = alert;
      const key = condition.kind === 'fill' ? '' : gaugeOf(account, condition);
      if (condition.kind === 'indicator') this.#indicators.resume(alert, condition, values.get(key), values.get(barKey(key)));
      else this.#resume(alert, values);
      if (condition.kind === 'fill') this.#followFills(account, rows.get(account)?.reportNo ?? alert.afterReportNo);
    }
    for (const [symbol, list] of ofSymbols) if (symbol !== 0) await this.#resumeSymbol(symbol, list, values);
    this.#arranged();
    // Where trades are not known, and spreads: an edge lies between the stored value and that of now.
    for (const { account, condition } of alerts) {
      if (condition.kind !== 'price' && condition.kind !== 'spread') continue;
      const value = this.#valueOf(account, condition);
      if (!Number.isNaN(value)) this.#evaluator.set(gaugeOf(account, condition), value, this.#options.nowUs());
    }
  }

  #resume(alert: Alert, values: ReadonlyMap<string, number>): void {
    const { account, condition } = alert;
    const stored = condition.kind === 'fill' ? undefined : values.get(gaugeOf(account, condition));
    this.#evaluator.add(alert, stored ?? this.#valueOf(account, condition));
  }

  /** Evaluates the trades of a symbol that came after the last commit, each alert from the time on at which it was set. */
  async #resumeSymbol(symbol: number, alerts: readonly Alert[], values: ReadonlyMap<string, number>): Promise<void> {
    const { trades: read, candles, log } = this.#options;
    const waiting = [...alerts].sort((a, b) => b.createdUs - a.createdUs);
    const resume = (timeUs: number): void => {
      for (let last = waiting.at(-1); last !== undefined && last.createdUs < timeUs; last = waiting.at(-1)) {
        this.#resume(last, values);
        waiting.pop();
      }
    };
    const after = values.get(tradeKey(symbol));
    try {
      const missed = after === undefined ? [] : await missedTrades(read, symbol, after, candles(symbol).lastTradeId);
      for (const { price, quantity, timeUs } of missed) {
        resume(timeUs);
        this.#evaluator.symbols[symbol]?.trade(price, quantity, timeUs);
      }
    } catch (err) {
      log.warn({ err, symbol }, 'alerts pass over trades that cannot be read');
    }
    resume(Number.POSITIVE_INFINITY);
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

  get size(): number {
    return this.#evaluator.size;
  }

  /** Events that are not stored yet. */
  get unstored(): number {
    return this.#firings.length + this.#events.length + (this.#commit?.events.length ?? 0);
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
    return [...this.#evaluator.alerts()].filter((alert) => alert.account === account).sort((a, b) => a.id - b.id);
  }

  /** Sets an alert. Resolves when it is on the disk and armed. @throws AlertError */
  async add({ account, condition, coolDownS, note }: NewAlert): Promise<Alert> {
    const own = this.#countOf.get(account) ?? 0;
    if (own >= MAX_ALERTS_PER_ACCOUNT)
      throw new AlertError('ALERT_LIMIT', `the account has ${own} alerts, the most it may have: delete one`);
    if (this.#total() >= MAX_ALERTS)
      throw new AlertError('ALERT_LIMIT', `all accounts together have ${MAX_ALERTS} alerts, the most there may be`);
    // Counted before it is stored: requests that come meanwhile count it, too.
    this.#count(account, 1);
    let follows: IndicatorCondition | undefined;
    try {
      if (condition.kind === 'indicator') {
        await this.#indicators.follow(account, condition);
        follows = condition;
      }
      const { hub, nowUs } = this.#options;
      const reportNo = hub.lastReportNo(account);
      const made = {
        account,
        note,
        condition,
        coolDownS,
        createdUs: nowUs(),
        afterReportNo: reportNo,
        ...(follows !== undefined && { afterBarUs: this.#indicators.barOf(account, follows) }),
        fired: 0,
        firedUs: 0,
        suppressed: 0,
      };
      const values = this.#unstoredValues(account, condition);
      const alert = await this.#open().ask('addAlert', made, values, this.#unstoredReport(condition, account));
      for (const [key, value] of values) if (!this.#storedValues.has(key)) this.#storedValues.set(key, value);
      this.#evaluator.add(alert, this.#valueOf(account, condition));
      if (condition.kind === 'fill') this.#followFills(account, reportNo);
      this.#arranged();
      return alert;
    } catch (error) {
      this.#count(account, -1);
      if (follows !== undefined) this.#indicators.release(account, follows);
      throw error;
    }
  }

  /** Deletes an alert. Resolves when that is on the disk. @throws AlertError UNKNOWN_ALERT: the account has none of this id */
  async remove(account: number, id: number): Promise<void> {
    const alert = this.#evaluator.find(id);
    if (alert === undefined || alert.account !== account)
      throw new AlertError('UNKNOWN_ALERT', `account ${account} has no alert ${id}; list them with: openbell alerts ls`);
    const { condition } = alert;
    const key = condition.kind === 'fill' ? undefined : gaugeOf(account, condition);
    const last = key !== undefined && this.#evaluator.gauge(key)?.alerts === 1;
    await this.#open().ask('removeAlert', id, last ? key : undefined);
    // It may have fired for the last time meanwhile.
    if (this.#evaluator.find(id) !== alert) return;
    this.#evaluator.remove(alert);
    this.#changed.delete(alert);
    // A commit that failed is tried again: it must not bring the alert back.
    if (this.#commit !== undefined) this.#commit = { ...this.#commit, alerts: this.#commit.alerts.filter((other) => other.id !== id) };
    this.#ended(alert);
    this.#arranged();
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
    this.#indicators.stop();
    if (this.#link === undefined) return;
    try {
      await this.#sending;
      this.#fills.poll();
      this.#makeEvents(this.#firings.length);
      // One that failed before, and one with what came after it.
      for (let i = 0; i < 2; i++) {
        this.#commit ??= this.#take(true);
        if (this.#commit === undefined) break;
        await this.#link.ask('commit', this.#commit);
        this.#commit = undefined;
      }
    } catch (error) {
      this.#options.log.error({ err: error }, 'alerts could not be stored; their edges are found again by the next start');
    }
    await this.#link.stop();
  }

  #open(): AlertLink {
    if (this.#link !== undefined) return this.#link;
    const { dataDir, loopback, log } = this.#options;
    this.#link = new AlertLink(dataDir, loopback, (err) => log.error({ err }, 'the thread of the alerts ended; it is started again'));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    return this.#link;
  }

  #tick(): void {
    this.#fills.poll();
    this.#lookAtAccounts();
    if (this.#ticks++ % FEEDS_EVERY === 0) this.#lookAtFeeds();
    this.#evaluator.tick(this.#options.nowUs());
    this.#indicators.poll();
    if (this.#indicators.isDue(this.#options.nowUs())) this.#options.passTime();
    this.#makeEvents(FIRINGS_PER_TICK);
    this.#store();
  }

  #lookAtAccounts(): void {
    const { directory, nowUs } = this.#options;
    const alerts = this.#positions;
    for (let i = 0; i < Math.min(ACCOUNTS_PER_TICK, alerts.length); i++) {
      this.#positionsAt = (this.#positionsAt + 1) % alerts.length;
      const { account, condition } = alerts[this.#positionsAt];
      if (condition.kind !== 'position' && condition.kind !== 'exposure') continue;
      this.#evaluator.set(gaugeOf(account, condition), holding(directory.account(account), condition.asset, condition.kind), nowUs());
    }
  }

  #lookAtFeeds(): void {
    const { feeds } = this.#options;
    if (feeds === undefined) return;
    for (const { account, condition } of [...this.#evaluator.alerts()]) {
      if (condition.kind !== 'feed-stale') continue;
      const value = staleness(feeds, condition.feed, condition.instrument);
      if (!Number.isNaN(value)) this.#evaluator.set(gaugeOf(account, condition), value, Date.now() * 1000);
    }
  }

  /** Within the evaluation of a trade: keeps what has fired for the next tick. */
  #fired(firing: Firing): void {
    this.#firings.push(firing);
    // The lists are arranged after the loop over them that has fired.
    if (firing.alert.coolDownS === undefined && !this.#arranging) {
      this.#arranging = true;
      queueMicrotask(() => {
        this.#arranging = false;
        this.#arranged();
      });
    }
  }

  /** Makes events of a bounded number of firings: they may be many at once, and happen while market data is served. */
  #makeEvents(most: number): void {
    for (const firing of this.#firings.splice(0, most)) this.#makeEvent(firing);
  }

  #makeEvent(firing: Firing): void {
    const { alert, timeUs } = firing;
    const { account, id, note, condition } = alert;
    const once = alert.coolDownS === undefined;
    if (once) {
      this.#removed.add(id);
      this.#ended(alert);
    } else if (this.#evaluator.find(id) === alert) this.#changed.add(alert);
    // Those that fire once are as many as requests that set them.
    if (!once && (!this.#rates.take(String(account)) || this.unstored >= MAX_UNSTORED)) {
      alert.suppressed++;
      this.counters.suppressed++;
      return;
    }
    const no = (this.#eventNo.get(account) ?? 0) + 1;
    this.#eventNo.set(account, no);
    this.#touched.add(account);
    this.counters.events++;
    const { text, details } = firingView(firing, this.#options.directory);
    const { suppressed } = alert;
    const head = { no, account, alert: id, kind: condition.kind, note, time: timeText(timeUs), timeUs, text };
    this.#events.push({ ...head, ...details, ...(suppressed > 0 && { suppressed }) });
  }

  /** Sends the next commit, if there is something to store and none is under way. */
  #store(): void {
    const nowMs = performance.now();
    if (this.#sending !== undefined || nowMs < this.#againMs || this.#link === undefined) return;
    this.#commit ??= this.#take(nowMs - this.#valuesMs >= STORE_VALUES_MS);
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

  /** What has changed since the last commit; undefined: nothing. @param values also those without an event */
  #take(values: boolean): Commit | undefined {
    if (this.#events.length === 0 && this.#removed.size === 0 && this.#changed.size === 0 && !values) return undefined;
    this.#valuesMs = performance.now();
    const commit: Commit = {
      events: this.#events,
      alerts: [...this.#changed].map((alert) => ({ ...alert })),
      removed: [...this.#removed],
      gauges: this.#changedValues(),
      accounts: this.#changedAccounts(),
    };
    this.#events = [];
    this.#changed.clear();
    this.#removed.clear();
    this.#touched.clear();
    const { events, alerts, removed, gauges, accounts } = commit;
    return events.length + alerts.length + removed.length + gauges.length + accounts.length === 0 ? undefined : commit;
  }

  #changedValues(): [string, number | undefined][] {
    const changed: [string, number | undefined][] = [];
    if (this.#firings.length > 0) return changed;
    for (const { key, value } of this.#evaluator.gauges()) {
      if (!isKept(key) || Number.isNaN(value) || this.#storedValues.get(key) === value) continue;
      this.#storedValues.set(key, value);
      changed.push([key, value]);
    }
    for (const symbol of this.#evaluator.symbols.keys()) {
      if (this.#evaluator.symbols[symbol] === undefined) continue;
      const { lastTradeId } = this.#options.candles(symbol);
      if (this.#storedValues.get(tradeKey(symbol)) === lastTradeId) continue;
      this.#storedValues.set(tradeKey(symbol), lastTradeId);
      changed.push([tradeKey(symbol), lastTradeId]);
    }
    for (const [gauge, barUs] of this.#indicators.bars()) {
      const key = barKey(gauge);
      if (this.#evaluator.gauge(gauge) === undefined || this.#storedValues.get(key) === barUs) continue;
      this.#storedValues.set(key, barUs);
      changed.push([key, barUs]);
    }
    for (const key of this.#storedValues.keys()) {
      const symbol = symbolOf(key);
      const isFollowed =
        symbol === undefined ? this.#evaluator.gauge(gaugeOfBar(key) ?? key) !== undefined : this.#evaluator.symbols[symbol] !== undefined;
      if (isFollowed) continue;
      this.#storedValues.delete(key);
      changed.push([key, undefined]);
    }
    return changed;
  }

  #changedAccounts(): [number, AccountRow][] {
    for (const account of this.#fills.accounts())
      if (this.#storedReports.get(account) !== this.#fills.readUpTo(account)) this.#touched.add(account);
    return [...this.#touched].map((account) => {
      const stored = this.#storedReports.get(account);
      const reportNo = this.#firings.length > 0 && stored !== undefined ? stored : this.#fills.readUpTo(account);
      this.#storedReports.set(account, reportNo);
      return [account, { eventNo: this.#eventNo.get(account) ?? 0, reportNo }];
    });
  }

  /** The lists that depend on which alerts there are. */
  #arranged(): void {
    const alerts = [...this.#evaluator.alerts()];
    this.#positions = alerts.filter(({ condition }) => condition.kind === 'position' || condition.kind === 'exposure');
    this.#positionsAt = 0;
    const watching = this.#evaluator.symbols.some((watch) => watch !== undefined);
    if (watching === this.#watching) return;
    this.#watching = watching;
    this.#options.onMarket(watching ? this.#market : this.#options.market);
  }

  #followFills(account: number, reportNo: number): void {
    this.#fills.open(account, reportNo);
    if (!this.#storedReports.has(account)) this.#storedReports.set(account, reportNo);
  }

  /** An alert that does not exist any more. */
  #ended(alert: Alert): void {
    const { account, condition } = alert;
    this.#count(account, -1);
    if (condition.kind === 'indicator') this.#indicators.ended(alert, condition);
    if (this.#evaluator.wantsFills(account)) return;
    this.#fills.close(account);
    this.#storedReports.delete(account);
  }

  #count(account: number, by: number): void {
    const count = (this.#countOf.get(account) ?? 0) + by;
    if (count === 0) this.#countOf.delete(account);
    else this.#countOf.set(account, count);
  }

  #total(): number {
    let total = 0;
    for (const count of this.#countOf.values()) total += count;
    return total;
  }

  /** The value of the gauge of a condition now; NaN: it is not known. */
  #valueOf(account: number, condition: Condition): number {
    const { directory, book, candles, feeds } = this.#options;
    switch (condition.kind) {
      case 'price':
        return lastPrice(candles(condition.symbol)) || Number.NaN;
      case 'spread': {
        const mirror = book(condition.symbol);
        const [bid, ask] = mirror === undefined ? [0, 0] : [bestOf(mirror, Side.Buy), bestOf(mirror, Side.Sell)];
        return bid === 0 || ask === 0 ? Number.NaN : spreadPpm(bid, ask);
      }
      case 'indicator':
        return this.#indicators.valueOf(account, condition);
      case 'position':
      case 'exposure':
        return holding(directory.account(account), condition.asset, condition.kind);
      case 'feed-stale':
        return staleness(feeds, condition.feed, condition.instrument);
      default:
        return 0;
    }
  }

  /** Values that a new alert needs over a restart and that no other alert has stored. Those of others must stay: edges behind them may not be stored yet. */
  #unstoredValues(account: number, condition: Condition): [string, number][] {
    if (condition.kind === 'fill') return [];
    const values: [string, number][] = [];
    const key = gaugeOf(account, condition);
    const value = this.#valueOf(account, condition);
    if (condition.kind === 'indicator') {
      // The gauge of an alert that has fired is gone, and may be needed again: it may have fired at a bar behind the stored one.
      if (this.#storedValues.has(barKey(key))) return [];
      const barUs = this.#indicators.barOf(account, condition);
      if (barUs !== undefined && this.#evaluator.gauge(key) === undefined) values.push([barKey(key), barUs]);
    }
    if (isKept(key) && this.#evaluator.gauge(key) === undefined && !Number.isNaN(value)) values.push([key, value]);
    const symbol = tradedSymbol(condition);
    if (symbol !== undefined && this.#evaluator.symbols[symbol] === undefined)
      values.push([tradeKey(symbol), this.#options.candles(symbol).lastTradeId]);
    return values;
  }

  /** The same of the reports of an account. */
  #unstoredReport({ kind }: Condition, account: number): number | undefined {
    return kind === 'fill' && !this.#storedReports.has(account) ? this.#options.hub.lastReportNo(account) : undefined;
  }
}

/**
 * The price of the last trade that was published; 0: there is none. Not that of the directory, which is ahead of it: its trades come yet, and would look like
 * a step back.
 */
function lastPrice(candles: Candles): number {
  const { state } = candles;
  const [forming, closed] = [candles.formingAt(DAY), candles.closedAt(DAY)];
  return state[(state[forming + CandleField.trades] === 0 ? closed : forming) + CandleField.close];
}

/** The symbol whose trades and quotes set the gauge of a condition; undefined: they do not. */
function tradedSymbol(condition: Condition): number | undefined {
  return condition.kind !== 'fill' && condition.kind !== 'indicator' && 'symbol' in condition ? condition.symbol : undefined;
}

/** Where the last bar that was evaluated for a gauge is stored, among the values. */
function barKey(gauge: string): string {
  return `bar:${gauge}`;
}

/** The gauge of such a key. */
function gaugeOfBar(key: string): string | undefined {
  return key.startsWith('bar:') ? key.slice('bar:'.length) : undefined;
}

/** Where the last trade of a symbol that was evaluated is stored, among the values. */
function tradeKey(symbol: number): string {
  return `trade:${symbol}`;
}

/** The symbol of such a key. */
function symbolOf(key: string): number | undefined {
  return key.startsWith('trade:') ? Number(key.slice('trade:'.length)) : undefined;
}

/** Whether a value is stored, so that an edge over a restart is found. Windows of time and feeds begin anew. */
function isKept(key: string): boolean {
  return /^(price|spread|indicator|position|exposure):/.test(key);
}
