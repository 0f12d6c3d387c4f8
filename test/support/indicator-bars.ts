import type { Bar } from '../../feeds/analysis/indicators/indicator.ts';
import { Prng } from '../../feeds/simulator/prng.ts';

const MINUTE_US = 60 * 1e6;

/**
 * Seeded bars of a minute whose price moves around 60,000, in whole cents; volumes in thousandths. Some do not move.
 * @param scale of prices: 1 = in cents, whose sums are exact
 */
export function seededBars(count: number, seed: number, scale = 100): Bar[] {
  const prng = new Prng(seed);
  let close = 6_000_000;
  return Array.from({ length: count }, (_, i) => {
    const open = close + prng.between(-300, 300);
    if (prng.below(9) !== 0) close = open + prng.between(-5000, 5000);
    const high = Math.max(open, close) + prng.below(2000);
    const low = Math.min(open, close) - prng.below(2000);
    const volume = prng.between(1, 100_000);
    const cents = (units: number) => units / scale;
    return {
      startUs: i * MINUTE_US,
      open: cents(open),
      high: cents(high),
      low: cents(low),
      close: cents(close),
      volume: volume / 1000,
      notional: (((high + low + close) / 3) * volume) / (1000 * scale),
    };
  });
}
