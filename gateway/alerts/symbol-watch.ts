import { type Condition, WINDOWS, type WindowName } from './alert.ts';
import type { Gauge } from './gauge.ts';
import { TradeWindow } from './windows.ts';

const MILLION = 1e6;

/** Sets a gauge. */
export type Move = (gauge: Gauge, to: number, timeUs: number) => void;

/** The number of a window that a gauge follows. */
export type WindowNumber = 'rise' | 'fall' | 'lots' | 'ratio';
export type WindowCondition = Extract<Condition, { kind: 'move' | 'volume' | 'volume-ratio' }>;

interface Followed extends Record<WindowNumber, Gauge | undefined> {
  readonly window: TradeWindow;
}

/** The gauges of one symbol, and what they are calculated from. I/O thread. */
export class SymbolWatch {
  price: Gauge | undefined;
  spread: Gauge | undefined;
  /** The book has changed since the spread was calculated. */
  touched = false;
  readonly #windows = new Map<WindowName, Followed>();
  /** The same as a list: a trade passes it without an iterator. */
  #followed: readonly Followed[] = [];
  readonly #move: Move;

  constructor(move: Move) {
    this.#move = move;
  }

  get empty(): boolean {
    return this.price === undefined && this.spread === undefined && this.#windows.size === 0;
  }

  /** The windows that are followed. */
  *windows(): Iterable<readonly [WindowName, TradeWindow]> {
    for (const [name, { window }] of this.#windows) yield [name, window];
  }

  /** A window, without trades if it is not followed yet. */
  window(name: WindowName): TradeWindow {
    return this.#follow(name).window;
  }

  /** What the window of a condition says now; 0: it is not followed. */
  windowValue(condition: WindowCondition): number {
    const window = this.#windows.get(condition.window)?.window;
    if (window === undefined) return 0;
    const { move, volume } = window;
    return { rise: move.rise, fall: move.fall, lots: volume.volume, ratio: volume.ratio }[numberOf(condition)];
  }

  /** Sets or removes the gauge of a condition. A window without gauges stays until {@link forgetWindows}. */
  setWindow(condition: WindowCondition, gauge: Gauge | undefined): void {
    this.#follow(condition.window)[numberOf(condition)] = gauge;
  }

  /** Removes the windows without gauges. */
  forgetWindows(): void {
    for (const [name, { rise, fall, lots, ratio }] of this.#windows)
      if ((rise ?? fall ?? lots ?? ratio) === undefined) this.#windows.delete(name);
    this.#followed = [...this.#windows.values()];
  }

  #follow(name: WindowName): Followed {
    let followed = this.#windows.get(name);
    if (followed !== undefined) return followed;
    followed = { window: new TradeWindow(WINDOWS[name]), rise: undefined, fall: undefined, lots: undefined, ratio: undefined };
    this.#windows.set(name, followed);
    this.#followed = [...this.#windows.values()];
    return followed;
  }

  /** Takes a trade: ticks, lots, µs since the Unix epoch. */
  trade(price: number, lots: number, timeUs: number): void {
    if (this.price !== undefined && this.price.value !== price) this.#move(this.price, price, timeUs);
    const followed = this.#followed;
    for (let i = 0; i < followed.length; i++) {
      const { window, rise, fall, lots: traded, ratio } = followed[i];
      const { move, volume } = window;
      move.trade(price, timeUs);
      // A new window begins with 0: the edge is reached in each window anew.
      if (volume.advance(timeUs)) {
        if (traded !== undefined) this.#move(traded, 0, timeUs);
        if (ratio !== undefined) this.#move(ratio, 0, timeUs);
      }
      volume.trade(lots);
      if (rise !== undefined && rise.value !== move.rise) this.#move(rise, move.rise, timeUs);
      if (fall !== undefined && fall.value !== move.fall) this.#move(fall, move.fall, timeUs);
      if (traded !== undefined) this.#move(traded, volume.volume, timeUs);
      if (ratio !== undefined && ratio.value !== volume.ratio) this.#move(ratio, volume.ratio, timeUs);
    }
  }

  /** Takes the best prices in ticks; 0: the side is empty, and there is no spread. */
  quote(bid: number, ask: number, timeUs: number): void {
    if (this.spread === undefined || bid === 0 || ask === 0) return;
    const spread = spreadPpm(bid, ask);
    if (spread !== this.spread.value) this.#move(this.spread, spread, timeUs);
  }
}

/** Best offer less best bid in millionths of the middle, rounded down; 0 if they cross, as in an auction. */
export function spreadPpm(bid: number, ask: number): number {
  return Math.max(0, Math.floor(((ask - bid) * 2 * MILLION) / (ask + bid)));
}

function numberOf(condition: WindowCondition): WindowNumber {
  if (condition.kind === 'move') return condition.direction === 'up' ? 'rise' : 'fall';
  return condition.kind === 'volume' ? 'lots' : 'ratio';
}
