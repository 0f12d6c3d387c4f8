import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RULES } from '../engine/limits.ts';
import { stateHash, tradingHash } from '../engine/machine/state-rows.ts';
import { CommandKind } from '../engine/wire/layout.ts';
import { times } from './support/long-runs.ts';
import { flow } from './support/twin-flow.ts';
import { compare, copyOf, pair, setup } from './support/twin-pair.ts';
import { RARE, RARE_CONTROLLED } from './support/twin-rare.ts';

describe('the exchange against its naive twin', () => {
  for (const [name, controls, rare] of [
    ['', 0, RARE],
    [', with controls of accounts', 6, RARE_CONTROLLED],
  ] as const) {
    it(`gives the same reports and state hash, conserves money and never stays crossed${name}`, () => {
      const seen = new Set<string>();
      const same = fc.property(setup, flow(1, 250, controls), (given, commands) => compare(given, commands, RULES, seen));
      const numRuns = times(100, 250);
      fc.assert(same, { numRuns });
      // The flow reaches the rare cases; if a seed does not, further seeds do.
      const missing = (): string[] => rare.filter((each) => !seen.has(each));
      for (let round = 0; missing().length > 0 && round < times(30, 15); round++) fc.assert(same, { numRuns });
      assert.deepEqual(missing(), [], `never happened; what did: ${[...seen].sort().join(' ')}`);
    });
  }

  for (const rules of [2, 3, 4]) {
    it(`under rules ${rules}, too`, () => {
      fc.assert(
        fc.property(setup, flow(1, 250, 1), (given, commands) => compare(given, commands, rules, new Set())),
        { numRuns: times(30, 60) },
      );
    });
  }

  it('saved and loaded state is identical, also with other capacities, and continues identically', () => {
    fc.assert(
      fc.property(setup, flow(70, 200, 3), (given, commands) => {
        const half = Math.floor(commands.length * 0.7);
        const [first, second] = [commands.slice(0, half), commands.slice(half)];
        const { real } = pair(given);
        for (const fields of first) real.do(fields);
        let copy = copyOf(real.exchange, 2);
        assert.equal(stateHash(copy), stateHash(real.exchange));
        copy.timeUs++;
        assert.notEqual(stateHash(copy), stateHash(real.exchange));
        assert.equal(tradingHash(copy), tradingHash(real.exchange));
        copy.timeUs--;
        real.onRecord = (bytes, words) => {
          copy.apply(bytes, words, 0);
          // The state is also saved and loaded between the records of a command.
          if (bytes[0] === CommandKind.Extension || copy.seq % 3 === 0) copy = copyOf(copy);
        };
        for (const fields of second) real.do(fields);
        assert.equal(stateHash(copy), stateHash(real.exchange));
      }),
      { numRuns: times(20, 40) },
    );
  });
});
