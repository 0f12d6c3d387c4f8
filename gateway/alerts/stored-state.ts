import type { Candles } from '../../feeds/analysis/candles.ts';
import { type Condition, gaugeOf, WINDOWS } from './alert.ts';
import type { AccountRow } from './alert-store.ts';
import type { Loaded, Unstored } from './commit.ts';
import type { AlertEvaluator } from './evaluator.ts';
import type { EventMaker } from './event-maker.ts';
import type { FillWatch } from './fill-watch.ts';
import type { IndicatorWatch } from './indicator-watch.ts';
import { barKey, gaugeOfBar, isKept, symbolOf, tradedSymbol, tradeKey, windowKey } from './stored-keys.ts';
import { TradeWindow } from './windows.ts';

/** Windows of one commit, 1.2 KiB each: some 0.2 ms. Those that were stored the longest time ago come first. */
const WINDOWS_PER_COMMIT = 128;

export interface StoredSources {
  readonly evaluator: AlertEvaluator;
  readonly indicators: IndicatorWatch;
  readonly fills: FillWatch;
  readonly events: EventMaker;
  readonly candles: (symbol: number) => Candles;
  readonly lastReportNo: (account: number) => number;
}

/**
 * Values of gauges, windows of trades and numbers of reports as they are stored, and what has changed since. Values are all as of one trade of
 * their symbol. A window has the id of its own last trade, which may be an earlier one: the next start adds the trades between, and
 * fires nothing for them. I/O thread.
 */
export class StoredState {
  readonly #sources: StoredSources;
  readonly #values = new Map<string, number>();
  readonly #reports = new Map<number, number>();
  /** Last trade of each window that is stored, NaN: no alert has it, -1: it is not stored yet; the one that was stored first comes first. */
  readonly #windows = new Map<string, number>();

  constructor(sources: StoredSources) {
    this.#sources = sources;
  }

  load({ alerts, gauges, windows }: Loaded): void {
    const followed = new Set(
      alerts.flatMap(({ condition }) => ('window' in condition ? [windowKey(condition.symbol, condition.window)] : [])),
    );
    for (const [key, value] of gauges) this.#values.set(key, value);
    for (const [key, numbers] of windows) this.#windows.set(key, followed.has(key) ? numbers[0] : Number.NaN);
    // A release before windows were stored has set them. They are made again of trades: a new alert must not store an empty one.
    for (const key of followed) if (!this.#windows.has(key)) this.#windows.set(key, -1);
  }

  /** What a new alert needs over a restart and no other alert has stored. What others have stored must stay: edges behind it may not be stored yet. */
  unstored(account: number, condition: Condition, value: number): Unstored {
    if (condition.kind === 'fill')
      return { values: [], windows: [], reportNo: this.#reports.has(account) ? undefined : this.#sources.lastReportNo(account) };
    const { evaluator, indicators, candles } = this.#sources;
    const values: [string, number][] = [];
    const windows: [string, Float64Array][] = [];
    const key = gaugeOf(account, condition);
    const isNew = evaluator.gauge(key) === undefined;
    // The gauge of an alert that has fired is gone, and may be needed again: it may have fired at a bar behind the stored one.
    if (condition.kind === 'indicator' && this.#values.has(barKey(key))) return { values, windows, reportNo: undefined };
    const barUs = condition.kind === 'indicator' ? indicators.barOf(account, condition) : undefined;
    if (barUs !== undefined && isNew) values.push([barKey(key), barUs]);
    if (isKept(key) && isNew && !this.#values.has(key) && !Number.isNaN(value)) values.push([key, value]);
    const symbol = tradedSymbol(condition);
    if (symbol !== undefined && !this.#values.has(tradeKey(symbol))) values.push([tradeKey(symbol), candles(symbol).lastTradeId]);
    if ('window' in condition && Number.isNaN(this.#windows.get(windowKey(condition.symbol, condition.window)) ?? Number.NaN)) {
      const { window } = condition;
      windows.push([windowKey(condition.symbol, window), new TradeWindow(WINDOWS[window]).save(candles(condition.symbol).lastTradeId)]);
    }
    return { values, windows, reportNo: undefined };
  }

  /** It is stored. */
  added({ values, windows }: Unstored): void {
    for (const [key, value] of values) if (!this.#values.has(key)) this.#values.set(key, value);
    for (const [key, numbers] of windows) this.#windows.set(key, numbers[0]);
  }

  /** The reports of an account are followed from that number on. */
  followed(account: number, reportNo: number): void {
    if (!this.#reports.has(account)) this.#reports.set(account, reportNo);
  }

  unfollowed(account: number): void {
    this.#reports.delete(account);
  }

  takeValues(): [string, number | undefined][] {
    const { evaluator, indicators, candles, events } = this.#sources;
    const changed: [string, number | undefined][] = [];
    if (events.firings > 0) return changed;
    const put = (key: string, value: number): void => {
      if (this.#values.get(key) === value) return;
      this.#values.set(key, value);
      changed.push([key, value]);
    };
    for (const { key, value } of evaluator.gauges()) if (isKept(key) && !Number.isNaN(value)) put(key, value);
    for (const symbol of evaluator.symbols.keys())
      if (evaluator.symbols[symbol] !== undefined) put(tradeKey(symbol), candles(symbol).lastTradeId);
    for (const [gauge, barUs] of indicators.bars()) if (evaluator.gauge(gauge) !== undefined) put(barKey(gauge), barUs);
    for (const key of this.#values.keys()) {
      const symbol = symbolOf(key);
      const isFollowed =
        symbol === undefined ? evaluator.gauge(gaugeOfBar(key) ?? key) !== undefined : evaluator.symbols[symbol] !== undefined;
      if (isFollowed) continue;
      this.#values.delete(key);
      changed.push([key, undefined]);
    }
    return changed;
  }

  /** @param save also the numbers of windows, not only which of them are not followed any more */
  takeWindows(save: boolean): [string, Float64Array | undefined][] {
    const { evaluator, candles, events } = this.#sources;
    const changed: [string, Float64Array | undefined][] = [];
    if (events.firings > 0) return changed;
    evaluator.forgetWindows();
    const followed = new Map<string, readonly [TradeWindow, tradeId: number]>();
    for (const [symbol, watch] of evaluator.symbols.entries())
      for (const [name, window] of watch?.windows() ?? []) {
        const key = windowKey(symbol, name);
        followed.set(key, [window, candles(symbol).lastTradeId]);
        if (!this.#windows.has(key)) this.#windows.set(key, -1);
      }
    for (const [key, storedId] of [...this.#windows]) {
      const [window, tradeId] = followed.get(key) ?? [];
      if (tradeId === storedId || (tradeId !== undefined && !save)) continue;
      if (changed.length === WINDOWS_PER_COMMIT) break;
      this.#windows.delete(key);
      if (tradeId !== undefined) this.#windows.set(key, tradeId);
      changed.push([key, tradeId === undefined ? undefined : window?.save(tradeId)]);
    }
    return changed;
  }

  /** @param touched accounts with new events */
  takeAccounts(touched: ReadonlySet<number>): [number, AccountRow][] {
    const { fills, events } = this.#sources;
    const accounts = new Set(touched);
    for (const account of fills.accounts()) if (this.#reports.get(account) !== fills.readUpTo(account)) accounts.add(account);
    return Array.from(accounts, (account) => {
      const stored = this.#reports.get(account);
      const reportNo = events.firings > 0 && stored !== undefined ? stored : fills.readUpTo(account);
      if (this.#reports.has(account)) this.#reports.set(account, reportNo);
      return [account, { eventNo: events.eventNo(account), reportNo }];
    });
  }
}
