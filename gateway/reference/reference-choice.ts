import { MILLION } from '../../engine/params.ts';

/** Why a source is not usable, or that it is. */
export const SourceCondition = {
  Usable: 0,
  /** The feed has no such instrument, so far. */
  Missing: 1,
  /** The instrument is not live: no connection, no whole book, or a fault. */
  NotLive: 2,
  /** It is live, but has no such price: a side without orders, a crossed book, no trade yet. */
  NoPrice: 3,
  /** The price is below a tick, or above the symbol's highest price. */
  OutOfRange: 4,
  /** Its last update is older than the maximum age. */
  Old: 5,
  /** The price is farther from the reference price than one update may be, and not confirmed. */
  Jump: 6,
} as const;
export type SourceCondition = (typeof SourceCondition)[keyof typeof SourceCondition];

export const CONDITIONS = Object.keys(SourceCondition).length;
const WORDS = ['usable', 'missing', 'not-live', 'no-price', 'out-of-range', 'old', 'jump'] as const;

/** The condition in JSON and metrics: `not-live`. */
export function conditionName(condition: SourceCondition): string {
  return WORDS[condition];
}

/** What the table of latest values says of a source at one look. */
export interface SourceReading {
  /** Usable, or one of Missing, NotLive, NoPrice and OutOfRange. */
  condition: SourceCondition;
  /** Ticks. */
  price: number;
  /** Changes with each update of the price, also one to the same price. */
  stamp: number;
}

export interface ChoiceLimits {
  readonly maxAgeUs: number;
  readonly maxStepPpm: number;
  readonly confirmAfterUs: number;
}

interface SourceState {
  condition: SourceCondition;
  /** Ticks, of the last reading. */
  price: number;
  stamp: number;
  /** When the stamp changed last. */
  updatedUs: number;
  /** First price of a jump that is not over, 0 = none; and since when it counts. */
  jump: number;
  jumpUs: number;
}

/**
 * Which outside source gives a symbol's reference price: the first one of the list that is usable. Pure: time is a
 * monotonic clock that the caller reads, so a step of the wall clock makes no price old.
 *
 * A source whose price jumps, that is, is farther from the present reference price than the largest step, is not usable
 * until the new level is confirmed: for `confirmAfterUs` no source is usable, prices of this one stay within the largest
 * step of the first price of the jump, and an update comes after that time. So one wrong trade moves nothing, however
 * long no other follows, and a source that all others contradict moves nothing. A step of one tick is never a jump.
 */
export class ReferenceChoice {
  /** Number of the chosen source; -1: none is usable. */
  chosen = -1;
  /** When a source was usable last: the time of its update; before the first one, of the construction. */
  usableUs: number;
  readonly sources: readonly Readonly<SourceState>[];
  readonly #sources: SourceState[];
  readonly #limits: ChoiceLimits;

  /** @param count sources, in the order of preference */
  constructor(count: number, limits: ChoiceLimits, nowUs: number) {
    this.#limits = limits;
    this.usableUs = nowUs;
    this.#sources = Array.from({ length: count }, () => ({
      ...{ condition: SourceCondition.Missing, price: 0, stamp: 0, updatedUs: nowUs },
      ...{ jump: 0, jumpUs: 0 },
    }));
    this.sources = this.#sources;
  }

  /** The chosen price, ticks; 0 = none. */
  get price(): number {
    return this.chosen === -1 ? 0 : this.#sources[this.chosen].price;
  }

  /** True if no source has been usable for longer than the maximum age. */
  isStale(nowUs: number): boolean {
    return this.chosen === -1 && nowUs - this.usableUs > this.#limits.maxAgeUs;
  }

  /**
   * A look at all sources.
   * @param readings one for each source
   * @param base present reference price, ticks; 0 = none: any price is taken
   * @param nowUs not before that of the last look
   */
  look(readings: readonly SourceReading[], base: number, nowUs: number): void {
    const sources = this.#sources;
    for (let i = 0; i < sources.length; i++) this.#read(sources[i], readings[i], base, nowUs);
    const isContradicted = sources.some(isUsable);
    for (const source of sources) if (source.condition === SourceCondition.Jump) this.#confirm(source, isContradicted, nowUs);
    this.chosen = sources.findIndex(isUsable);
    for (const source of sources) if (isUsable(source)) this.usableUs = Math.max(this.usableUs, source.updatedUs);
  }

  #read(source: SourceState, { condition, price, stamp }: SourceReading, base: number, nowUs: number): void {
    if (stamp !== source.stamp) source.updatedUs = nowUs;
    source.stamp = stamp;
    source.price = price;
    source.condition = condition;
    if (condition === SourceCondition.Usable && nowUs - source.updatedUs > this.#limits.maxAgeUs) source.condition = SourceCondition.Old;
    if (source.condition !== SourceCondition.Usable || base === 0 || this.#isNear(price, base)) {
      source.jump = 0;
      return;
    }
    if (source.jump === 0 || !this.#isNear(price, source.jump)) {
      source.jump = price;
      source.jumpUs = nowUs;
    }
    source.condition = SourceCondition.Jump;
  }

  #confirm(source: SourceState, isContradicted: boolean, nowUs: number): void {
    if (isContradicted) source.jumpUs = nowUs;
    else if (source.updatedUs - source.jumpUs >= this.#limits.confirmAfterUs) source.condition = SourceCondition.Usable;
  }

  #isNear(price: number, base: number): boolean {
    return Math.abs(price - base) <= Math.max(1, Math.floor((base * this.#limits.maxStepPpm) / MILLION));
  }
}

function isUsable({ condition }: Readonly<SourceState>): boolean {
  return condition === SourceCondition.Usable;
}
