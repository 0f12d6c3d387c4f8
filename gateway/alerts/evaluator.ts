import { fail } from '../../engine/assert.ts';
import { type Alert, type FillFields, type Firing, type GaugeCondition, gaugeOf } from './alert.ts';
import { Gauge } from './gauge.ts';
import { SymbolWatch } from './symbol-watch.ts';

/** Alerts that are armed again by one tick at most: some 0.5 ms where 10,000 alerts have one level, else far less. */
export const MOST_ARMED = 64;

/**
 * Decides when alerts fire. It has no clock and no input or output: trades, quotes, fills, values and ticks are given to it, and it gives
 * firings. Every kind but fills is an edge of a {@link Gauge}. An alert that has fired rests until the first tick after its cool-down; edges meanwhile
 * are passed over. Fill alerts that fire every time never rest. I/O thread; a trade costs the search in its gauges, and what it fires.
 */
export class AlertEvaluator {
  /** By symbol id; holes where no alert is. */
  readonly symbols: (SymbolWatch | undefined)[] = [];
  readonly #alerts = new Map<number, Alert>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #fills = new Map<number, Alert[]>();
  /** Those that have fired, in that order, and when they may fire again. */
  readonly #resting = new Map<Alert, number>();
  readonly #onFiring: (firing: Firing) => void;

  constructor(onFiring: (firing: Firing) => void) {
    this.#onFiring = onFiring;
  }

  get size(): number {
    return this.#alerts.size;
  }

  find(id: number): Alert | undefined {
    return this.#alerts.get(id);
  }

  /** All, by id. */
  alerts(): Iterable<Alert> {
    return this.#alerts.values();
  }

  /** The value of a gauge; undefined: no alert follows it. */
  gauge(key: string): Gauge | undefined {
    return this.#gauges.get(key);
  }

  gauges(): Iterable<Gauge> {
    return this.#gauges.values();
  }

  /**
   * Adds an alert.
   * @param value of its gauge, if it is the first there; NaN: not known
   * @param armed false: it does not fire before {@link arm}; not for fills
   */
  add(alert: Alert, value = Number.NaN, armed = true): void {
    this.#alerts.set(alert.id, alert);
    const { condition, account } = alert;
    if (condition.kind === 'fill') {
      this.#fills.set(account, [...(this.#fills.get(account) ?? []), alert]);
      return;
    }
    const key = gaugeOf(account, condition);
    let gauge = this.#gauges.get(key);
    if (gauge === undefined) {
      gauge = new Gauge(key, value);
      this.#gauges.set(key, gauge);
      this.#connect(condition, gauge);
    }
    gauge.alerts++;
    if (armed) gauge.arm(alert);
  }

  /** Arms an alert that was added without. */
  arm(alert: Alert): void {
    this.#gaugeOf(alert).arm(alert);
  }

  /** Removes an alert; a gauge that no other follows is forgotten. */
  remove(alert: Alert): void {
    this.#alerts.delete(alert.id);
    this.#resting.delete(alert);
    const { condition, account } = alert;
    if (condition.kind === 'fill') {
      const others = (this.#fills.get(account) ?? []).filter((other) => other !== alert);
      if (others.length === 0) this.#fills.delete(account);
      else this.#fills.set(account, others);
      return;
    }
    const gauge = this.#gaugeOf(alert);
    gauge.disarm(alert);
    if (--gauge.alerts > 0) return;
    this.#gauges.delete(gauge.key);
    this.#connect(condition, undefined);
  }

  /** Whether the account waits for fills. */
  wantsFills(account: number): boolean {
    return this.#fills.has(account);
  }

  fill(account: number, fields: FillFields, timeUs: number): void {
    for (const alert of this.#fills.get(account) ?? []) {
      const { condition } = alert;
      if (condition.kind !== 'fill' || fields.reportNo <= alert.afterReportNo) continue;
      if ((condition.symbol !== 0 && condition.symbol !== fields.symbol) || (condition.complete && fields.leaves !== 0)) continue;
      if (this.#resting.has(alert)) continue;
      this.#fire({ alert, timeUs, from: 0, to: 0, fill: fields });
    }
  }

  /** Sets a gauge that no trade or quote sets: a position, an indicator, the state of a feed. */
  set(key: string, value: number, timeUs: number): void {
    const gauge = this.#gauges.get(key);
    if (gauge !== undefined && gauge.value !== value) this.#move(gauge, value, timeUs);
  }

  /** Arms alerts whose cool-down has passed. @param nowUs µs since the Unix epoch */
  tick(nowUs: number): void {
    if (this.#resting.size === 0) return;
    let armed = 0;
    for (const [alert, readyUs] of this.#resting) {
      if (readyUs > nowUs) continue;
      this.#resting.delete(alert);
      if (alert.condition.kind !== 'fill') this.#gaugeOf(alert).arm(alert);
      if (++armed === MOST_ARMED) return;
    }
  }

  readonly #move = (gauge: Gauge, to: number, timeUs: number): void => {
    const from = gauge.value;
    const fired = gauge.move(to);
    for (let i = 0; i < fired.length; i++) this.#fire({ alert: fired[i], timeUs, from, to });
  };

  #fire(firing: Firing): void {
    const { alert, timeUs } = firing;
    alert.fired++;
    alert.firedUs = timeUs;
    if (alert.coolDownS === undefined) this.remove(alert);
    else if (alert.coolDownS > 0 || alert.condition.kind !== 'fill') this.#resting.set(alert, timeUs + alert.coolDownS * 1e6);
    this.#onFiring(firing);
  }

  #gaugeOf(alert: Alert): Gauge {
    const key = gaugeOf(alert.account, alert.condition as GaugeCondition);
    return this.#gauges.get(key) ?? fail(`alerts: alert ${alert.id} has no gauge ${key}`);
  }

  /** Joins a gauge of a symbol with its watch; undefined: removes it there. */
  #connect(condition: GaugeCondition, gauge: Gauge | undefined): void {
    if (!('symbol' in condition) || condition.kind === 'indicator') return;
    this.symbols[condition.symbol] ??= new SymbolWatch(this.#move);
    const watch = this.symbols[condition.symbol] as SymbolWatch;
    if (condition.kind === 'price') watch.price = gauge;
    else if (condition.kind === 'spread') watch.spread = gauge;
    else if (condition.kind === 'move') watch.setWindow(condition.window, condition.direction === 'up' ? 'rise' : 'fall', gauge);
    else watch.setWindow(condition.window, condition.kind === 'volume' ? 'lots' : 'ratio', gauge);
    if (watch.empty) this.symbols[condition.symbol] = undefined;
  }
}
