import type { Directory } from '../../engine/threads/directory.ts';
import type { MarketHandler } from '../../engine/threads/pumps.ts';
import type { Candles } from '../../feeds/analysis/candles.ts';
import type { Feeds } from '../../feeds/worker/feeds.ts';
import type { Logger } from '../log.ts';
import type { BookMirror } from '../market/book-mirror.ts';
import type { ReportArchive } from '../sessions/report-cursor.ts';
import type { ReportHub } from '../sessions/report-hub.ts';
import { type Alert, type Condition, type Firing, gaugeOf, WINDOW_NAMES } from './alert.ts';
import { AlertCounts } from './alert-counts.ts';
import { AlertError } from './alert-error.ts';
import type { AlertLink } from './alert-link.ts';
import type { ReadCandles } from './bar-follower.ts';
import type { Commit, Loaded } from './commit.ts';
import { AlertEvaluator } from './evaluator.ts';
import { EventMaker } from './event-maker.ts';
import { FillWatch } from './fill-watch.ts';
import { type GaugeSources, gaugeValue } from './gauge-values.ts';
import { IndicatorWatch } from './indicator-watch.ts';
import { MarketWatch } from './market-watch.ts';
import type { ReadTrades } from './missed-trades.ts';
import { PolledValues } from './polled-values.ts';
import { resumeSymbol } from './resume-symbol.ts';
import { barKey, tradedSymbol, tradeKey, windowKey } from './stored-keys.ts';
import { StoredState } from './stored-state.ts';

/** Firings of which a tick makes events: some 1 ms. */
const FIRINGS_PER_TICK = 200;

export interface AlertStateOptions {
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
  readonly feeds: Feeds | undefined;
  readonly nowUs: () => number;
  readonly log: Logger;
}

/** What a new alert is made of. */
export type NewAlert = Pick<Alert, 'account' | 'condition' | 'coolDownS' | 'note'>;

/** Stores an alert, or removes it. */
export type StoreAlert = Pick<AlertLink, 'ask'>;

/**
 * The alerts that are set, what evaluates them, and what is to be stored of them. It has no thread and no timer: its owner calls {@link tick},
 * stores what {@link take} gives, and shows events once they are stored. I/O thread.
 */
export class AlertState {
  readonly events: EventMaker;
  readonly #options: AlertStateOptions;
  readonly #evaluator: AlertEvaluator;
  readonly #fills: FillWatch;
  readonly #market: MarketWatch;
  readonly #indicators: IndicatorWatch;
  readonly #polled: PolledValues;
  readonly #stored: StoredState;
  readonly #gauges: GaugeSources;
  readonly #counts = new AlertCounts();
  #watching = false;
  #arranging = false;

  constructor(options: AlertStateOptions) {
    this.#options = options;
    const { directory, hub, archive, market, candles, closedCandles, readCandles, book, feeds, nowUs, log } = options;
    const evaluator = new AlertEvaluator((firing) => this.#fired(firing));
    this.#evaluator = evaluator;
    this.#market = new MarketWatch(market, evaluator.symbols, book);
    const indicators = new IndicatorWatch({
      evaluator,
      symbol: (id) => directory.symbol(id),
      candles: closedCandles,
      read: readCandles,
      onFailed: (err, symbol) => log.warn({ err, symbol }, 'alerts on indicators wait for bars that cannot be read'),
    });
    this.#indicators = indicators;
    const fills = new FillWatch(
      hub,
      archive,
      (account, fill, timeUs) => evaluator.fill(account, fill, timeUs),
      (account, err) => log.warn({ err, account }, 'alerts on fills pass over reports that cannot be read'),
    );
    this.#fills = fills;
    this.#polled = new PolledValues({ evaluator, directory, feeds, nowUs });
    this.events = new EventMaker({
      names: directory,
      exists: (alert) => evaluator.find(alert.id) === alert,
      onEnded: (alert) => this.#ended(alert),
    });
    const lastReportNo = (account: number) => hub.lastReportNo(account);
    this.#stored = new StoredState({ evaluator, indicators, fills, events: this.events, candles, lastReportNo });
    this.#gauges = { directory, candles, book, feeds, evaluator, indicators };
  }

  get size(): number {
    return this.#evaluator.size;
  }

  /** The alerts of an account, by id. */
  list(account: number): Alert[] {
    return [...this.#evaluator.alerts()].filter((alert) => alert.account === account).sort((a, b) => a.id - b.id);
  }

  /** Takes up what is stored. Edges since then fire. */
  async resume(loaded: Loaded): Promise<void> {
    const { alerts } = loaded;
    const values = new Map(loaded.gauges);
    const rows = new Map(loaded.accounts);
    for (const [account, { eventNo }] of rows) this.events.resume(account, eventNo);
    this.#stored.load(loaded);
    for (const { account } of alerts) this.#counts.add(account, 1);
    const ofSymbols = Map.groupBy(alerts, ({ condition }) => tradedSymbol(condition) ?? 0);
    for (const alert of ofSymbols.get(0) ?? []) {
      const { account, condition } = alert;
      if (condition.kind === 'fill') {
        this.#evaluator.add(alert);
        this.#followFills(account, rows.get(account)?.reportNo ?? alert.afterReportNo);
      } else if (condition.kind === 'indicator') {
        const key = gaugeOf(account, condition);
        this.#indicators.resume(alert, condition, values.get(key), values.get(barKey(key)));
      } else this.#add(alert, values);
    }
    for (const [symbol, list] of ofSymbols) if (symbol !== 0) await this.#resumeSymbol(symbol, list, values, loaded.windows);
    this.#arrange();
    this.#polled.started();
    this.#evaluator.tick(this.#options.nowUs(), Number.POSITIVE_INFINITY);
    // Where trades are not known, and spreads: an edge lies between the stored value and that of now.
    for (const { account, condition } of alerts) {
      if (condition.kind !== 'price' && condition.kind !== 'spread') continue;
      const value = gaugeValue(this.#gauges, account, condition);
      if (!Number.isNaN(value)) this.#evaluator.set(gaugeOf(account, condition), value, this.#options.nowUs());
    }
  }

  /** Sets an alert. Resolves when it is on the disk and armed. @throws AlertError */
  async add(made: NewAlert, store: () => StoreAlert): Promise<Alert> {
    const { account, condition } = made;
    this.#counts.demandRoom(account);
    // Counted before it is stored: requests that come meanwhile count it, too.
    this.#counts.add(account, 1);
    let follows = false;
    try {
      if (condition.kind === 'indicator') {
        await this.#indicators.follow(account, condition);
        follows = true;
      }
      const { hub, nowUs } = this.#options;
      const reportNo = hub.lastReportNo(account);
      const afterBarUs = condition.kind === 'indicator' ? { afterBarUs: this.#indicators.barOf(account, condition) } : {};
      const none = { fired: 0, firedUs: 0, suppressed: 0 };
      const unstored = this.#stored.unstored(account, condition, this.#valueOf(account, condition));
      const alert = await store().ask(
        'addAlert',
        { ...made, createdUs: nowUs(), afterReportNo: reportNo, ...afterBarUs, ...none },
        unstored,
      );
      this.#stored.added(unstored);
      this.#evaluator.add(alert, this.#valueOf(account, condition));
      if (condition.kind === 'fill') this.#followFills(account, reportNo);
      this.#arrange();
      return alert;
    } catch (error) {
      this.#counts.add(account, -1);
      if (follows && condition.kind === 'indicator') this.#indicators.release(account, condition);
      throw error;
    }
  }

  /** Deletes an alert. Resolves when that is on the disk. @throws AlertError UNKNOWN_ALERT: the account has none of this id */
  async remove(account: number, id: number, store: () => StoreAlert): Promise<void> {
    const alert = this.#evaluator.find(id);
    if (alert === undefined || alert.account !== account)
      throw new AlertError('UNKNOWN_ALERT', `account ${account} has no alert ${id}; list them with: openbell alerts ls`);
    const key = alert.condition.kind === 'fill' ? '' : gaugeOf(account, alert.condition);
    const isLast = this.#evaluator.gauge(key)?.alerts === 1;
    await store().ask('removeAlert', id, isLast ? key : undefined);
    // It may have fired for the last time meanwhile.
    if (this.#evaluator.find(id) !== alert) return;
    this.#evaluator.remove(alert);
    this.events.forget(alert);
    this.#ended(alert);
    this.#arrange();
  }

  /** Reads fills, looks at values, arms alerts, and makes events of what has fired. @param committing events that are being stored */
  tick(committing: number): void {
    const { nowUs, passTime } = this.#options;
    this.#fills.poll();
    this.#polled.poll();
    this.#evaluator.tick(nowUs());
    this.#indicators.poll();
    if (this.#indicators.isDue(nowUs())) passTime();
    this.events.make(FIRINGS_PER_TICK, committing);
  }

  /** What has changed since the last commit; undefined: nothing. @param values also without an event */
  take(values: boolean): Commit | undefined {
    if (!values && !this.events.isChanged) return undefined;
    const { events, alerts, removed, accounts: touched } = this.events.take();
    // Before the values: a symbol without windows may not be followed any more.
    const windows = this.#stored.takeWindows(values);
    const gauges = this.#stored.takeValues();
    const accounts = this.#stored.takeAccounts(touched);
    this.#followMarket();
    const rows = events.length + alerts.length + removed.length + gauges.length + windows.length + accounts.length;
    return rows === 0 ? undefined : { events, alerts, removed, gauges, windows, accounts };
  }

  /** Evaluates nothing more; makes events of all that has fired. */
  end(committing: number): void {
    this.#indicators.stop();
    this.#fills.poll();
    this.events.make(Number.POSITIVE_INFINITY, committing);
  }

  #valueOf(account: number, condition: Condition): number {
    return condition.kind === 'fill' ? Number.NaN : gaugeValue(this.#gauges, account, condition);
  }

  #add(alert: Alert, values: ReadonlyMap<string, number>): void {
    const { account, condition } = alert;
    const stored = condition.kind === 'fill' ? undefined : values.get(gaugeOf(account, condition));
    this.#evaluator.add(alert, stored ?? this.#valueOf(account, condition));
  }

  async #resumeSymbol(
    symbol: number,
    alerts: readonly Alert[],
    values: ReadonlyMap<string, number>,
    stored: Loaded['windows'],
  ): Promise<void> {
    const { trades, candles, log } = this.#options;
    const all = new Map(stored);
    const names = WINDOW_NAMES.filter((name) => alerts.some(({ condition }) => 'window' in condition && condition.window === name));
    const windows = new Map(
      names.flatMap((name) => {
        const numbers = all.get(windowKey(symbol, name));
        return numbers === undefined ? [] : [[name, numbers] as const];
      }),
    );
    const add = (alert: Alert, price: number | undefined): void => {
      if (alert.condition.kind === 'price' && price !== undefined) this.#evaluator.add(alert, price);
      else this.#add(alert, values);
    };
    const parts = { evaluator: this.#evaluator, trades, log, add };
    const evaluatedId = values.get(tradeKey(symbol));
    await resumeSymbol(parts, { symbol, alerts, evaluatedId, lastId: candles(symbol).lastTradeId, windows });
  }

  /** Within the evaluation of a trade: keeps what has fired for the next tick. */
  #fired(firing: Firing): void {
    this.events.fired(firing);
    // The lists are arranged after the loop over them that has fired.
    if (firing.alert.coolDownS !== undefined || this.#arranging) return;
    this.#arranging = true;
    queueMicrotask(() => {
      this.#arranging = false;
      this.#arrange();
    });
  }

  /** What depends on which alerts there are. */
  #arrange(): void {
    this.#polled.arrange([...this.#evaluator.alerts()]);
    this.#followMarket();
  }

  #followMarket(): void {
    const watching = this.#evaluator.symbols.some((watch) => watch !== undefined);
    if (watching === this.#watching) return;
    this.#watching = watching;
    this.#options.onMarket(watching ? this.#market : this.#options.market);
  }

  #followFills(account: number, reportNo: number): void {
    this.#fills.open(account, reportNo);
    this.#stored.followed(account, reportNo);
  }

  /** An alert that does not exist any more. */
  #ended(alert: Alert): void {
    const { account, condition } = alert;
    this.#counts.add(account, -1);
    if (condition.kind === 'indicator') this.#indicators.ended(alert, condition);
    if (this.#evaluator.wantsFills(account)) return;
    this.#fills.close(account);
    this.#stored.unfollowed(account);
  }
}
