import type { Bar } from '../../feeds/analysis/indicators/indicator.ts';
import type { OpenbellError } from './errors.ts';

/** A bar with what decides whether it is news. */
export interface SeenBar extends Bar {
  readonly closed: boolean;
  /** Grows while the bar forms; a state with less is older. Infinity: nothing follows. */
  readonly progress: number;
}

export interface BarEvents {
  readonly onBar: (bar: SeenBar) => void;
  /** Bars are missing: the history has them. */
  readonly onGap: () => void;
  readonly onLost: (error: OpenbellError, final: boolean) => void;
}

export interface BarPage {
  readonly bars: readonly SeenBar[];
  /** `from` of the next page; 0: there is none. */
  readonly next: number;
}

/** Where the bars of one interval come from: the past in pages, and live. */
export interface BarSource {
  /** The last `limit` bars before `to`, or, with `from`, the first from then on. Microseconds. @throws OpenbellError */
  page(range: { readonly from?: number; readonly to?: number; readonly limit: number }): Promise<BarPage>;
  /** Begins to follow. @throws OpenbellError */
  follow(events: BarEvents): Promise<{ close(): void }>;
}
