import { type IndicatorSpec, openIndicators } from './catalog.ts';
import type { Bar, Indicator } from './indicator.ts';

/** The value of an indicator at one bar, or its values by name; null: there are too few bars. */
export type IndicatorValue = number | null | { readonly [output: string]: number | null };

/** Several indicators over one series of bars. Not for use by two threads. */
export class IndicatorSeries {
  readonly #specs: readonly IndicatorSpec[];
  readonly #indicators: readonly Indicator[];
  #startUs = -1;

  private constructor(specs: readonly IndicatorSpec[], indicators: readonly Indicator[]) {
    this.#specs = specs;
    this.#indicators = indicators;
  }

  static async of(specs: readonly IndicatorSpec[]): Promise<IndicatorSeries> {
    return new IndicatorSeries(specs, await openIndicators(specs));
  }

  /** Begin of the last bar, microseconds since the Unix epoch; -1: there is none. */
  get startUs(): number {
    return this.#startUs;
  }

  /** Adds a bar, or puts it in place of the last one if both begin at one time. @returns false: it is older than the last one, and ignored */
  add(bar: Bar): boolean {
    if (bar.startUs < this.#startUs) return false;
    const replace = bar.startUs === this.#startUs;
    this.#startUs = bar.startUs;
    for (const indicator of this.#indicators) indicator.update(bar, replace);
    return true;
  }

  /** At the last bar, by the text of the indicator. Those with several values have an object. */
  values(): Record<string, IndicatorValue> {
    return Object.fromEntries(
      this.#specs.map(({ text, definition: { outputs } }, i) => {
        const { values } = this.#indicators[i];
        if (outputs.length === 1) return [text, finite(values[0])];
        return [text, Object.fromEntries(outputs.map((output, at) => [output, finite(values[at])]))];
      }),
    );
  }
}

/** JSON has no NaN. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
