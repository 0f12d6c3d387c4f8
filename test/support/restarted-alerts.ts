import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RingSlots } from '../../engine/rings/ring.ts';
import type { MarketHandler } from '../../engine/threads/pumps.ts';
import { putI64 } from '../../engine/units.ts';
import { Trade } from '../../engine/wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketEventKind, MarketField } from '../../engine/wire/market-event.ts';
import { Candles, Taker } from '../../feeds/analysis/candles.ts';
import type { Alert } from '../../gateway/alerts/alert.ts';
import { AlertState, type AlertStateOptions, type NewAlert, type StoreAlert } from '../../gateway/alerts/alert-state.ts';
import { AlertStore } from '../../gateway/alerts/alert-store.ts';
import { AlertThread } from '../../gateway/alerts/alert-thread.ts';
import { Webhooks } from '../../gateway/alerts/webhooks.ts';
import { createLogger } from '../../gateway/log.ts';
import { ReportHub } from '../../gateway/sessions/report-hub.ts';

interface MadeTrade {
  readonly tradeId: number;
  readonly price: number;
  readonly lots: number;
  readonly timeUs: number;
}

/** As of the process before, and so lost with it. */
const ARCHIVE = { read: async () => new Uint8Array() };

/**
 * Alerts on trades, with their real store, and without threads and timers: the test says when they tick, when they store, and when
 * the process is killed. The trades survive: they are in the log.
 */
export class RestartedAlerts {
  state!: AlertState;
  thread!: AlertThread;
  nowUs: number;
  readonly #dir = mkdtempSync(join(tmpdir(), 'openbell-restarted-alerts-'));
  readonly #candles = new Map<number, Candles>();
  readonly #trades = new Map<number, MadeTrade[]>();
  readonly #slots: RingSlots;
  #store!: AlertStore;
  #handler!: MarketHandler;

  constructor(nowUs: number) {
    this.nowUs = nowUs;
    const buffer = new ArrayBuffer(MARKET_EVENT_BYTES);
    const views = { u8: new Uint8Array(buffer), u32: new Uint32Array(buffer), f64: new Float64Array(buffer) };
    this.#slots = views as unknown as RingSlots;
  }

  async start(): Promise<void> {
    this.#store ??= new AlertStore(this.#dir);
    const webhooks = new Webhooks(this.#store, { send: () => new Promise(() => undefined) });
    this.thread = new AlertThread(this.#store, webhooks);
    this.state = new AlertState(this.options());
    await this.state.resume(this.thread.load());
  }

  /** Of alerts over these trades. */
  options(): AlertStateOptions {
    const market: MarketHandler = { onMarketEvent: () => undefined, onMarketEnd: () => undefined };
    this.#handler = market;
    return {
      directory: { account: () => undefined, symbol: () => undefined, asset: () => undefined },
      hub: new ReportHub({ archive: ARCHIVE, retained: 2, lastReportNo: () => 0 }),
      archive: ARCHIVE,
      trades: async (symbol, limit, before = Number.POSITIVE_INFINITY) => this.#page(symbol, limit, before),
      market,
      candles: (symbol) => this.#candlesOf(symbol),
      closedCandles: (symbol) => this.#candlesOf(symbol),
      readCandles: async () => [],
      passTime: () => undefined,
      book: () => undefined,
      onMarket: (handler) => {
        this.#handler = handler;
      },
      feeds: undefined,
      nowUs: () => this.nowUs,
      log: createLogger('silent'),
    };
  }

  /** Removes the stored windows: releases before them had none. */
  removeWindows(): void {
    const { windows } = this.#store;
    this.#store.write(10, () => {
      for (const key of [...windows.getKeys()]) windows.removeSync(key);
    });
  }

  /** Closes the store, for another process to open it. */
  async closeStore(): Promise<string> {
    await this.#store.close();
    return this.#dir;
  }

  /** What is in memory is lost. */
  kill(): Promise<void> {
    return this.start();
  }

  add(alert: NewAlert): Promise<Alert> {
    return this.state.add(alert, () => this.#link);
  }

  remove({ account, id }: Alert): Promise<void> {
    return this.state.remove(account, id, () => this.#link);
  }

  trade(symbol: number, price: number, lots: number): void {
    const trades = this.#trades.get(symbol) ?? [];
    this.#trades.set(symbol, trades);
    const tradeId = trades.length + 1;
    trades.push({ tradeId, price, lots, timeUs: this.nowUs });
    this.#candlesOf(symbol).trade(this.nowUs, price, lots, Taker.Buy, tradeId, tradeId);
    const { u8, u32, f64 } = this.#slots;
    u8[MarketField.kind] = MarketEventKind.Trade;
    u32[MarketField.symbol] = symbol;
    f64[MarketField.price] = price;
    f64[MarketField.quantity] = lots;
    f64[MarketField.time] = this.nowUs;
    this.#handler.onMarketEvent(this.#slots, 0);
    this.#handler.onMarketEnd();
  }

  /** Stores what has changed. @param values also what has changed without an event */
  commit(values: boolean): void {
    const commit = this.state.take(values);
    if (commit !== undefined) this.thread.commit(structuredClone(commit));
  }

  async remains(): Promise<void> {
    await this.#store.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  get #link(): StoreAlert {
    const { thread } = this;
    const ask = async (method: keyof AlertThread, ...args: unknown[]) => {
      const run = thread[method] as (...args: unknown[]) => unknown;
      return structuredClone(run.apply(thread, structuredClone(args)));
    };
    return { ask: ask as StoreAlert['ask'] };
  }

  #candlesOf(symbol: number): Candles {
    const candles = this.#candles.get(symbol) ?? new Candles();
    this.#candles.set(symbol, candles);
    return candles;
  }

  #page(symbol: number, limit: number, before: number) {
    const found = (this.#trades.get(symbol) ?? []).filter(({ tradeId }) => tradeId < before);
    const page = found.slice(-limit).reverse();
    const words = new Int32Array((page.length * Trade.bytes) / 4);
    for (const [i, { tradeId, price, lots, timeUs }] of page.entries()) {
      const put = (field: number, value: number) => putI64(words, (i * Trade.bytes + field) >> 2, value);
      put(Trade.tradeId, tradeId);
      put(Trade.price, price);
      put(Trade.quantity, lots);
      put(Trade.timeUs, timeUs);
    }
    return { records: new Uint8Array(words.buffer), next: found.length > limit ? (page.at(-1)?.tradeId ?? 0) : 0 };
  }
}
