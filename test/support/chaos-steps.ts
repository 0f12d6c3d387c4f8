import type { PlayStep } from '../../feeds/lines/play-script.ts';
import { Prng } from '../../feeds/simulator/prng.ts';

/** How many of each fault a run had, so that a test can show that they occurred. */
export interface ChaosCounts {
  dropped: number;
  doubled: number;
  swapped: number;
  torn: number;
  ended: number;
}

export function newChaosCounts(): ChaosCounts {
  return { dropped: 0, doubled: 0, swapped: 0, torn: 0, ended: 0 };
}

/**
 * A recorded connection as a bad network and a bad venue would give it: frames missing, twice, in another order, cut in
 * half, and an early end. The same seed gives the same faults.
 */
export function disturbed(steps: readonly PlayStep[], seed: number, counts: ChaosCounts): PlayStep[] {
  const random = new Prng(seed);
  const result: PlayStep[] = [];
  const end = 1 + random.below(steps.length);
  // Some connections have many faults, others few.
  const rarity = [20, 100, 400][random.below(3)];
  for (let i = 0; i < end; i++) {
    const step = steps[i];
    if (step.kind !== 'frame' || random.below(rarity) !== 0) {
      result.push(step);
      continue;
    }
    switch (random.below(4)) {
      case 0:
        counts.dropped++;
        break;
      case 1:
        counts.doubled++;
        result.push(step, step);
        break;
      case 2:
        counts.swapped++;
        if (i + 1 < end) result.push(steps[++i]);
        result.push(step);
        break;
      default:
        counts.torn++;
        result.push({ ...step, text: wholeCharacters(step.text, random.below(step.text.length)) });
    }
  }
  counts.ended++;
  result.push({ kind: random.below(2) === 0 ? 'cut' : 'half-close', atUs: steps[end - 1].atUs });
  return result;
}

/** The beginning of a text, not ended inside a character: WebSocket would refuse that. */
function wholeCharacters(text: Buffer, length: number): Buffer {
  let end = length;
  while (end > 0 && (text[end] & 0xc0) === 0x80) end--;
  return text.subarray(0, end);
}
