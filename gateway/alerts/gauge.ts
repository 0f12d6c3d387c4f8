import { type Alert, crossingOf, type GaugeCondition } from './alert.ts';

/** Alerts by level, those that are equal in the order of their arrival. */
class Levels {
  readonly #levels: number[] = [];
  readonly #alerts: Alert[] = [];

  get size(): number {
    return this.#levels.length;
  }

  add(level: number, alert: Alert): void {
    const at = this.#upTo(level);
    this.#levels.splice(at, 0, level);
    this.#alerts.splice(at, 0, alert);
  }

  remove(level: number, alert: Alert): void {
    for (let at = this.#upTo(level) - 1; at >= 0 && this.#levels[at] === level; at--) {
      if (this.#alerts[at] !== alert) continue;
      this.#levels.splice(at, 1);
      this.#alerts.splice(at, 1);
      return;
    }
  }

  /** Removes several in one pass: one by one, many at one level would cost a search each. */
  removeAll(alerts: ReadonlySet<Alert>): void {
    let kept = 0;
    for (let at = 0; at < this.#alerts.length; at++) {
      if (alerts.has(this.#alerts[at])) continue;
      this.#levels[kept] = this.#levels[at];
      this.#alerts[kept++] = this.#alerts[at];
    }
    this.#levels.length = this.#alerts.length = kept;
  }

  /** Takes out those whose level is above `low` and at most `high`. */
  takeRising(low: number, high: number): readonly Alert[] {
    const from = this.#upTo(low);
    return this.#take(from, this.#upTo(high) - from);
  }

  /** Takes out those whose level is at least `low` and below `high`. */
  takeFalling(low: number, high: number): readonly Alert[] {
    const from = this.#below(low);
    return this.#take(from, this.#below(high) - from);
  }

  #take(from: number, count: number): readonly Alert[] {
    if (count <= 0) return NONE;
    this.#levels.splice(from, count);
    return this.#alerts.splice(from, count);
  }

  /** How many levels are at most `level`. */
  #upTo(level: number): number {
    let [low, high] = [0, this.#levels.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#levels[middle] <= level) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** How many levels are below `level`. */
  #below(level: number): number {
    let [low, high] = [0, this.#levels.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#levels[middle] < level) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const NONE: readonly Alert[] = [];
/** Up to so many alerts are removed one by one. */
const FEW = 4;

/**
 * A number that alerts follow, such as the last price of a symbol. An alert fires on an edge: its level lies between the value before
 * and the value after. `up`: it was below the level and is not any more; `down`: it was above. All alerts of a gauge have one value before, so they
 * are kept in the order of their levels: a change costs a search, and what it crosses. An alert that has fired is taken out until it is armed again, so that a
 * value that swings around many levels does not cost them each time.
 */
export class Gauge {
  readonly key: string;
  /** NaN: not known yet. The first value crosses nothing. */
  value: number;
  /** Alerts that follow it, those that rest included. */
  alerts = 0;
  readonly #ups = new Levels();
  readonly #downs = new Levels();

  constructor(key: string, value = Number.NaN) {
    this.key = key;
    this.value = value;
  }

  /** Arms an alert: the next edge fires it. */
  arm(alert: Alert): void {
    const condition = alert.condition as GaugeCondition;
    const direction = crossingOf(condition);
    if (direction !== 'down') this.#ups.add(condition.level, alert);
    if (direction !== 'up') this.#downs.add(condition.level, alert);
  }

  disarm(alert: Alert): void {
    const condition = alert.condition as GaugeCondition;
    this.#ups.remove(condition.level, alert);
    this.#downs.remove(condition.level, alert);
  }

  /** Sets the value. @returns the alerts that this fires; they are not armed any more */
  move(to: number): readonly Alert[] {
    const from = this.value;
    this.value = to;
    if (from < to) return this.#ups.size === 0 ? NONE : this.#fired(this.#ups.takeRising(from, to), this.#downs);
    if (from > to) return this.#downs.size === 0 ? NONE : this.#fired(this.#downs.takeFalling(to, from), this.#ups);
    return NONE;
  }

  /** Alerts of either direction stand in both lists. */
  #fired(alerts: readonly Alert[], other: Levels): readonly Alert[] {
    const both = alerts.filter(({ condition }) => crossingOf(condition as GaugeCondition) === 'either');
    if (both.length > FEW) other.removeAll(new Set(both));
    else for (const alert of both) other.remove((alert.condition as GaugeCondition).level, alert);
    return alerts;
  }
}
