import { WINDOWS, type WindowName } from './alert.ts';
import type { Gauge } from './gauge.ts';
import { MoveWindow, VolumeWindow } from './windows.ts';

const MILLION = 1e6;

/** Sets a gauge. */
export type Move = (gauge: Gauge, to: number, timeUs: number) => void;

interface Followed {
  readonly move: MoveWindow;
  readonly volume: VolumeWindow;
  rise: Gauge | undefined;
  fall: Gauge | undefined;
  lots: Gauge | undefined;
  ratio: Gauge | undefined;
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

  /** Sets or removes a gauge of a window. */
  setWindow(name: WindowName, which: 'rise' | 'fall' | 'lots' | 'ratio', gauge: Gauge | undefined): void {
    let followed = this.#windows.get(name);
    if (followed === undefined) {
      const length = WINDOWS[name];
      followed = {
        move: new MoveWindow(length),
        volume: new VolumeWindow(length),
        rise: undefined,
        fall: undefined,
        lots: undefined,
        ratio: undefined,
      };
      this.#windows.set(name, followed);
    }
    followed[which] = gauge;
    if (followed.rise === undefined && followed.fall === undefined && followed.lots === undefined && followed.ratio === undefined)
      this.#windows.delete(name);
    this.#followed = [...this.#windows.values()];
  }

  /** Takes a trade: ticks, lots, µs since the Unix epoch. */
  trade(price: number, lots: number, timeUs: number): void {
    if (this.price !== undefined && this.price.value !== price) this.#move(this.price, price, timeUs);
    const followed = this.#followed;
    for (let i = 0; i < followed.length; i++) {
      const { move, volume, rise, fall, lots: traded, ratio } = followed[i];
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
