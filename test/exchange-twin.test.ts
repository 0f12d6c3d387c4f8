import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RULES } from '../engine/limits.ts';
import { times } from './support/long-runs.ts';
import { flow } from './support/twin-flow.ts';
import { compare, continuesFromSnapshots, setup } from './support/twin-pair.ts';
import { RARE, RARE_CONTROLLED } from './support/twin-rare.ts';
import { RARE_TOGETHER } from './support/twin-states.ts';

describe('the exchange against its naive twin', () => {
  for (const [name, controls, rare] of [
    ['', 0, [...RARE, ...RARE_TOGETHER]],
    [', with controls of accounts', 6, RARE_CONTROLLED],
  ] as const) {
    it(`gives the same reports and state hash, conserves money and never stays crossed${name}`, () => {
      const seen = new Set<string>();
      const same = fc.property(setup, flow(1, 250, controls), (given, commands) => compare(given, commands, RULES, seen));
      // CI runs a million commands more: `npm run test:fuzz`.
      const numRuns = 100;
      fc.assert(same, { numRuns });
      // The flow reaches the rare cases; if a seed does not, further seeds do.
      const missing = (): string[] => rare.filter((each) => !seen.has(each));
      for (let round = 0; missing().length > 0 && round < 30; round++) fc.assert(same, { numRuns });
      assert.deepEqual(missing(), [], `never happened; what did: ${[...seen].sort().join(' ')}`);
    });
  }

  for (const rules of [2, 3, 4, 5, 6]) {
    it(`under rules ${rules}, too`, () => {
      fc.assert(
        fc.property(setup, flow(1, 250, 1), (given, commands) => compare(given, commands, rules, new Set())),
        // They have landed and do not change, so always the same flows.
        { numRuns: times(30, 40), seed: rules },
      );
    });
  }

  it('saved and loaded state is identical, also with other capacities, and continues identically', () => {
    fc.assert(fc.property(setup, flow(70, 200, 3), continuesFromSnapshots), { numRuns: times(20, 40) });
  });
});
