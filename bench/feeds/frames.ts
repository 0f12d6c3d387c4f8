import { Prng } from '../../feeds/simulator/prng.ts';

/** Book levels that a frame changes. With the end of the update, a frame gives one record more. */
export const LEVELS_PER_FRAME = 3;
export const RECORDS_PER_FRAME = LEVELS_PER_FRAME + 1;
export const INSTRUMENT = 'BTCUSDT';
/** Venue time of frame 0, ms; frame i has i ms more, so that a reader knows the frame of a record. */
export const FIRST_TIME_MS = 1_700_000_000_000;

const DEPTH = 50;
const MIDDLE = 6_000_000;

/**
 * Frames as Bybit v5 sends them: a snapshot of 50 levels a side, then changes of three levels each, that never cross.
 * @returns the snapshot, and the bytes of `count` changes
 */
export function makeFrames(count: number, seed = 1): { snapshot: Uint8Array; deltas: Uint8Array[] } {
  const prng = new Prng(seed);
  const encoder = new TextEncoder();
  const level = (side: number): readonly [string, string] => {
    const distance = 1 + prng.below(DEPTH);
    const price = side === 0 ? MIDDLE - distance : MIDDLE + distance;
    return [(price / 100).toFixed(2), ((1 + prng.below(5_000_000)) / 1e6).toFixed(6)];
  };
  const frame = (type: string, u: number, b: readonly (readonly string[])[], a: readonly (readonly string[])[]): Uint8Array => {
    const ts = FIRST_TIME_MS + u - 2;
    const data = { s: INSTRUMENT, b, a, u, seq: 7_961_638_724 + u };
    return encoder.encode(JSON.stringify({ topic: `orderbook.50.${INSTRUMENT}`, type, ts, data, cts: ts }));
  };
  const side = (sign: number): string[][] =>
    Array.from({ length: DEPTH }, (_, i) => [((MIDDLE + sign * (i + 1)) / 100).toFixed(2), '1.000001']);
  return {
    snapshot: frame('snapshot', 1, side(-1), side(1)),
    deltas: Array.from({ length: count }, (_, i) => {
      const bids = prng.below(LEVELS_PER_FRAME + 1);
      const sides = [0, 1].map((which) => {
        const levels = new Map<string, string>();
        while (levels.size < (which === 0 ? bids : LEVELS_PER_FRAME - bids)) levels.set(...level(which));
        return [...levels];
      });
      return frame('delta', i + 2, sides[0], sides[1]);
    }),
  };
}
