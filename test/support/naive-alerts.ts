import type { Alert, Condition, FillFields, WindowName } from '../../gateway/alerts/alert.ts';

const LENGTHS: Readonly<Record<WindowName, number>> = {
  '10s': 10,
  '1m': 60,
  '5m': 300,
  '15m': 900,
  '1h': 3600,
  '4h': 14_400,
  '1d': 86_400,
};

interface Trade {
  readonly price: number;
  readonly lots: number;
  readonly timeUs: number;
}

interface Held {
  readonly alert: Alert;
  armed: boolean;
  readyUs: number;
}

/**
 * The rules of docs/ALERTS.md as they are written: each alert looks at everything, each window at all trades. Values are whole numbers, compared
 * as fractions in bigint.
 */
export class NaiveAlerts {
  /** Ids of alerts that the last step fired. */
  fired: number[] = [];
  #held: Held[] = [];
  /** Those that have fired, in that order. */
  #resting: Held[] = [];
  /** Value of each gauge; the alerts on it have this value before. */
  readonly #values = new Map<string, number>();
  /** Trades by symbol and window, from the first alert on that window on. */
  readonly #trades = new Map<string, Trade[]>();
  /** Windows without alerts stay until {@link forgetWindows}. */
  readonly #keepsWindows: boolean;

  constructor(keepsWindows = false) {
    this.#keepsWindows = keepsWindows;
  }

  add(alert: Alert, value: number): void {
    this.#held.push({ alert, armed: true, readyUs: 0 });
    const { condition } = alert;
    if (condition.kind === 'fill') return;
    const key = keyOf(alert.account, condition);
    const trades = 'window' in condition ? this.#trades.get(windowKey(condition)) : undefined;
    if (!this.#values.has(key)) this.#values.set(key, this.#keepsWindows ? (this.#windowValue(condition, trades) ?? value) : value);
    if ('window' in condition && !this.#trades.has(windowKey(condition))) this.#trades.set(windowKey(condition), []);
  }

  /** @param others alerts that have fired, and whose end is not stored */
  forgetWindows(others: readonly Alert[] = []): void {
    const alerts = [...others, ...this.#held.map(({ alert }) => alert)];
    const windows = new Set(alerts.flatMap(({ condition }) => ('window' in condition ? [windowKey(condition)] : [])));
    for (const key of [...this.#trades.keys()]) if (!windows.has(key)) this.#trades.delete(key);
  }

  remove(id: number): void {
    this.#drop(this.#held.find(({ alert }) => alert.id === id) as Held);
  }

  trade(symbol: number, trade: Trade): void {
    this.fired = [];
    const { price, timeUs } = trade;
    this.#set(`price ${symbol}`, price, timeUs);
    for (const [key, trades] of [...this.#trades]) {
      if (!key.startsWith(`${symbol} `)) continue;
      const window = key.split(' ')[1] as WindowName;
      const before = trades.at(-1);
      trades.push(trade);
      const lengthUs = LENGTHS[window] * 1e6;
      this.#set(`rise ${key}`, rise(trades, lengthUs), timeUs);
      this.#set(`fall ${key}`, fall(trades, lengthUs), timeUs);
      const numberOf = ({ timeUs }: Trade) => Math.floor(timeUs / lengthUs);
      // Each window begins with 0, so an alert fires in each.
      if (before !== undefined && numberOf(before) !== numberOf(trade))
        for (const kind of ['volume', 'volume-ratio']) if (this.#values.has(`${kind} ${key}`)) this.#values.set(`${kind} ${key}`, 0);
      const { volume, ratio } = volumes(trades, lengthUs);
      this.#set(`volume ${key}`, volume, timeUs);
      this.#set(`volume-ratio ${key}`, ratio, timeUs);
    }
  }

  #windowValue(condition: Condition, trades: readonly Trade[] | undefined): number | undefined {
    if (!('window' in condition)) return undefined;
    if (trades === undefined || trades.length === 0) return 0;
    const lengthUs = LENGTHS[condition.window] * 1e6;
    if (condition.kind === 'move') return condition.direction === 'up' ? rise(trades, lengthUs) : fall(trades, lengthUs);
    const { volume, ratio } = volumes(trades, lengthUs);
    return condition.kind === 'volume' ? volume : ratio;
  }

  quote(symbol: number, bid: number, ask: number, timeUs: number): void {
    this.fired = [];
    if (bid === 0 || ask === 0) return;
    const ppm = Number((BigInt(Math.max(0, ask - bid)) * 2_000_000n) / BigInt(ask + bid));
    this.#set(`spread ${symbol}`, ppm, timeUs);
  }

  position(account: number, asset: number, units: number, timeUs: number): void {
    this.fired = [];
    this.#set(`position ${account} ${asset}`, units, timeUs);
  }

  fill(account: number, fill: FillFields, timeUs: number): void {
    this.fired = [];
    for (const held of [...this.#held]) {
      const { alert } = held;
      const { condition } = alert;
      if (condition.kind !== 'fill' || alert.account !== account || timeUs < held.readyUs || fill.reportNo <= alert.afterReportNo) continue;
      if (condition.symbol !== 0 && condition.symbol !== fill.symbol) continue;
      if (condition.complete && fill.leaves > 0) continue;
      this.#fire(held, timeUs);
    }
  }

  /** At most `most` alerts, the ones that fired first. */
  tick(nowUs: number, most: number): void {
    const ready = this.#resting.filter(({ readyUs }) => readyUs <= nowUs).slice(0, most);
    for (const held of ready) held.armed = true;
    this.#resting = this.#resting.filter(({ armed }) => !armed);
  }

  #set(key: string, to: number, timeUs: number): void {
    const from = this.#values.get(key);
    if (from === undefined) return;
    this.#values.set(key, to);
    for (const held of [...this.#held]) {
      const { alert, armed } = held;
      const { condition } = alert;
      if (condition.kind === 'fill' || keyOf(alert.account, condition) !== key || !armed) continue;
      const direction = condition.kind === 'move' || !('direction' in condition) ? 'up' : condition.direction;
      const up = from < condition.level && to >= condition.level;
      const down = from > condition.level && to <= condition.level;
      if ((up && direction !== 'down') || (down && direction !== 'up')) this.#fire(held, timeUs);
    }
  }

  #fire(held: Held, timeUs: number): void {
    const { id, coolDownS, condition } = held.alert;
    this.fired.push(id);
    if (coolDownS === undefined) {
      this.#drop(held);
      return;
    }
    held.readyUs = timeUs + coolDownS * 1e6;
    if (condition.kind === 'fill') return;
    held.armed = false;
    this.#resting.push(held);
  }

  #drop(held: Held): void {
    this.#held = this.#held.filter((other) => other !== held);
    this.#resting = this.#resting.filter((other) => other !== held);
    const keys = new Set(
      this.#held.flatMap(({ alert }) => (alert.condition.kind === 'fill' ? [] : [keyOf(alert.account, alert.condition)])),
    );
    for (const key of [...this.#values.keys()]) if (!keys.has(key)) this.#values.delete(key);
    if (!this.#keepsWindows) this.forgetWindows();
  }
}

function keyOf(account: number, condition: Exclude<Condition, { kind: 'fill' }>): string {
  switch (condition.kind) {
    case 'price':
    case 'spread':
      return `${condition.kind} ${condition.symbol}`;
    case 'move':
      return `${condition.direction === 'up' ? 'rise' : 'fall'} ${windowKey(condition)}`;
    case 'volume':
    case 'volume-ratio':
      return `${condition.kind} ${windowKey(condition)}`;
    case 'feed-stale':
      return `feed ${condition.feed} ${condition.instrument}`;
    case 'indicator':
      return `indicator ${condition.symbol} ${condition.interval} ${condition.indicator} ${condition.crosses}`;
    default:
      return `${condition.kind} ${account} ${condition.asset}`;
  }
}

function windowKey({ symbol, window }: { readonly symbol: number; readonly window: WindowName }): string {
  return `${symbol} ${window}`;
}

/** The volume of the window of the last trade, and its ratio to the average of the 20 before, ppm. */
function volumes(trades: readonly Trade[], lengthUs: number): { readonly volume: number; readonly ratio: number } {
  const numberOf = ({ timeUs }: Trade) => Math.floor(timeUs / lengthUs);
  const last = numberOf(trades[trades.length - 1]);
  const volumeOf = (number: number) => trades.filter((each) => numberOf(each) === number).reduce((sum, { lots }) => sum + lots, 0);
  const volume = volumeOf(last);
  const averaged = Array.from({ length: 20 }, (_, i) => volumeOf(last - 1 - i)).reduce((sum, lots) => sum + lots, 0);
  const whole = last - 20 > numberOf(trades[0]);
  return { volume, ratio: whole && averaged > 0 ? Number((BigInt(volume) * 20n * 1_000_000n) / BigInt(averaged)) : 0 };
}

/** Prices of the step of the last trade, and of the 60 steps before. */
function recent(trades: readonly Trade[], lengthUs: number): number[] {
  const stepOf = ({ timeUs }: Trade) => Math.floor(timeUs / Math.floor(lengthUs / 60));
  const last = stepOf(trades[trades.length - 1]);
  return trades.filter((trade) => stepOf(trade) >= last - 60).map(({ price }) => price);
}

function rise(trades: readonly Trade[], lengthUs: number): number {
  const [low, price] = [Math.min(...recent(trades, lengthUs)), trades[trades.length - 1].price];
  return Number((BigInt(price - low) * 1_000_000n) / BigInt(low));
}

function fall(trades: readonly Trade[], lengthUs: number): number {
  const [high, price] = [Math.max(...recent(trades, lengthUs)), trades[trades.length - 1].price];
  return Number((BigInt(high - price) * 1_000_000n) / BigInt(high));
}
