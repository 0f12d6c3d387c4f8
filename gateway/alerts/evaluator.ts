import { fail } from '../../engine/assert.ts';
import { type Alert, type FillFields, type Firing, type GaugeCondition, gaugeOf } from './alert.ts';
import { Gauge } from './gauge.ts';
import { SymbolWatch } from './symbol-watch.ts';

/** Alerts that are armed again by one tick at most: some 0.5 ms where 10,000 alerts have one level, else far less. */
export const MOST_ARMED = 64;

/**
 * Decides when alerts fire. It has no clock and no input or output: trades, quotes, fills, values and ticks are given to it, and it gives
 * firings. Every kind but fills is an edge of a {@link Gauge}. An alert that has fired rests until the first tick after its cool-down; edges meanwhile
 * are passed over. Fill alerts do not rest: their cool-down ends with the time of a fill. I/O thread; a trade costs the search in its gauges, and
 * what it fires.
 *
 * An alert of an earlier process is armed at once. What it has fired for is not fired for again: its edges up to its last firing, and within the
 * cool-down of that, are passed over by their times.
 */
export class AlertEvaluator {
  /** By symbol id; holes where no alert is. */
  readonly symbols: (SymbolWatch | undefined)[] = [];
  readonly #alerts = new Map<number, Alert>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #fills = new Map<number, Alert[]>();
  /** Those that have fired, in that order, and when they may fire again. */
  readonly #resting = new Map<Alert, number>();
  /** The last firing of alerts of an earlier process, until they fire again. */
  readonly #firedBefore = new Map<Alert, number>();
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
   * Adds an alert, new or of an earlier process.
   * @param value of its gauge, if it is the first there; NaN: not known
   * @param armed false: it does not fire before {@link arm}; not for fills
   */
  add(alert: Alert, value = Number.NaN, armed = true): void {
    this.#alerts.set(alert.id, alert);
    const { condition, account } = alert;
    if (alert.fired > 0) this.#firedBefore.set(alert, alert.firedUs);
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
    this.#firedBefore.delete(alert);
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
      if (timeUs < readyUsOf(alert)) continue;
      this.#fire({ alert, timeUs, from: 0, to: 0, fill: fields, fired: alert.fired + 1 });
    }
  }

  /** Sets a gauge that no trade or quote sets: a position, an indicator, the state of a feed. */
  set(key: string, value: number, timeUs: number): void {
    const gauge = this.#gauges.get(key);
    if (gauge !== undefined && gauge.value !== value) this.#move(gauge, value, timeUs);
  }

  /** The watch of a symbol, which is empty if no alert needs it yet. */
  watch(symbol: number): SymbolWatch {
    this.symbols[symbol] ??= new SymbolWatch(this.#move);
    return this.symbols[symbol] as SymbolWatch;
  }

  /**
   * Removes windows that no alert follows any more. They live until it is stored that these alerts have ended, because a crash before
   * that brings them back: so an alert that is set meanwhile has the same window in both cases.
   */
  forgetWindows(): void {
    for (const [symbol, watch] of this.symbols.entries()) {
      watch?.forgetWindows();
      if (watch?.empty) this.symbols[symbol] = undefined;
    }
  }

  /** Arms alerts whose cool-down has passed. @param nowUs µs since the Unix epoch @param most of them */
  tick(nowUs: number, most = MOST_ARMED): void {
    if (this.#resting.size === 0) return;
    let armed = 0;
    for (const [alert, readyUs] of this.#resting) {
      if (readyUs > nowUs) continue;
      this.#resting.delete(alert);
      this.#gaugeOf(alert).arm(alert);
      if (++armed === most) return;
    }
  }

  readonly #move = (gauge: Gauge, to: number, timeUs: number): void => {
    const from = gauge.value;
    const fired = gauge.move(to);
    for (let i = 0; i < fired.length; i++) {
      const alert = fired[i];
      if (timeUs < readyUsOf(alert) || timeUs <= (this.#firedBefore.get(alert) ?? -1)) this.#resting.set(alert, readyUsOf(alert));
      else this.#fire({ alert, timeUs, from, to, fired: alert.fired + 1 });
    }
  };

  #fire(firing: Firing): void {
    const { alert, timeUs } = firing;
    alert.fired = firing.fired;
    alert.firedUs = timeUs;
    this.#firedBefore.delete(alert);
    if (alert.coolDownS === undefined) this.remove(alert);
    else if (alert.condition.kind !== 'fill') this.#resting.set(alert, readyUsOf(alert));
    this.#onFiring(firing);
  }

  #gaugeOf(alert: Alert): Gauge {
    const key = gaugeOf(alert.account, alert.condition as GaugeCondition);
    return this.#gauges.get(key) ?? fail(`alerts: alert ${alert.id} has no gauge ${key}`);
  }

  /** Joins a gauge of a symbol with its watch; undefined: removes it there. */
  #connect(condition: GaugeCondition, gauge: Gauge | undefined): void {
    if (!('symbol' in condition) || condition.kind === 'indicator') return;
    const watch = this.watch(condition.symbol);
    if (condition.kind === 'price') watch.price = gauge;
    else if (condition.kind === 'spread') watch.spread = gauge;
    else watch.setWindow(condition, gauge);
    if (watch.empty) this.symbols[condition.symbol] = undefined;
  }
}

/** When an alert may fire again, µs since the Unix epoch; 0: it has not fired yet. */
function readyUsOf({ fired, firedUs, coolDownS = 0 }: Alert): number {
  return fired === 0 ? 0 : firedUs + coolDownS * 1e6;
}
