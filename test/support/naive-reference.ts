import { SourceCondition, type SourceReading } from '../../gateway/reference/reference-choice.ts';

export interface NaiveLook {
  readonly nowUs: number;
  readonly base: number;
  readonly readings: readonly SourceReading[];
}

export interface NaiveLimits {
  readonly maxAgeUs: number;
  readonly maxStepPpm: number;
  readonly confirmAfterUs: number;
}

/** The choice of a reference source from the definition: every question is answered from the list of all looks. */
export class NaiveReference {
  readonly #looks: NaiveLook[] = [];
  readonly #limits: NaiveLimits;
  readonly #startUs: number;

  constructor(limits: NaiveLimits, startUs: number) {
    this.#limits = limits;
    this.#startUs = startUs;
  }

  look(look: NaiveLook): void {
    this.#looks.push({ ...look, readings: look.readings.map((reading) => ({ ...reading })) });
  }

  /** Conditions of all sources at the last look. */
  conditions(upTo = this.#looks.length - 1): SourceCondition[] {
    const { readings, nowUs } = this.#looks[upTo];
    const plain = readings.map((_, source) => this.#plain(source, upTo));
    if (plain.includes(SourceCondition.Usable)) return plain;
    return plain.map((condition, source) => {
      if (condition !== SourceCondition.Jump) return condition;
      const sinceUs = this.#jumpSince(source, upTo);
      return this.#updatedUs(source, upTo) - (sinceUs ?? nowUs) >= this.#limits.confirmAfterUs ? SourceCondition.Usable : condition;
    });
  }

  chosen(): number {
    return this.conditions().indexOf(SourceCondition.Usable);
  }

  /** When a source was usable last: the time of its update. */
  usableUs(): number {
    let us = this.#startUs;
    this.#looks.forEach((_, look) => {
      this.conditions(look).forEach((condition, source) => {
        if (condition === SourceCondition.Usable) us = Math.max(us, this.#updatedUs(source, look));
      });
    });
    return us;
  }

  isStale(): boolean {
    const { nowUs } = this.#looks[this.#looks.length - 1];
    return this.chosen() === -1 && nowUs - this.usableUs() > this.#limits.maxAgeUs;
  }

  /** Without confirmation. */
  #plain(source: number, look: number): SourceCondition {
    const { readings, base, nowUs } = this.#looks[look];
    const { condition, price } = readings[source];
    if (condition !== SourceCondition.Usable) return condition;
    if (nowUs - this.#updatedUs(source, look) > this.#limits.maxAgeUs) return SourceCondition.Old;
    return base !== 0 && this.#isFar(price, base) ? SourceCondition.Jump : condition;
  }

  #updatedUs(source: number, look: number): number {
    for (let i = look; i >= 0; i--) {
      const before = i === 0 ? 0 : this.#looks[i - 1].readings[source].stamp;
      if (this.#looks[i].readings[source].stamp !== before) return this.#looks[i].nowUs;
    }
    return this.#startUs;
  }

  /** Since when nothing has contradicted the present jump: its first look, or the last one with a usable source. */
  #jumpSince(source: number, look: number): number | undefined {
    let run = look;
    while (run > 0 && this.#plain(source, run - 1) === SourceCondition.Jump) run--;
    let first = this.#looks[run].readings[source].price;
    let sinceUs: number | undefined;
    for (let i = run; i <= look; i++) {
      const { readings, nowUs } = this.#looks[i];
      const { price } = readings[source];
      const isAnother = this.#isFar(price, first);
      if (isAnother) first = price;
      const isContradicted = readings.some((_, other) => this.#plain(other, i) === SourceCondition.Usable);
      if (sinceUs === undefined || isAnother || isContradicted) sinceUs = nowUs;
    }
    return sinceUs;
  }

  #isFar(price: number, base: number): boolean {
    const distance = Math.abs(price - base);
    return distance > 1 && distance > (base * this.#limits.maxStepPpm) / 1e6;
  }
}
