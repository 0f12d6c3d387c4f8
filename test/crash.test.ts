import { test } from 'node:test';
import { crash } from './crash.ts';
import { ownStep } from './support/long-runs.ts';

/** One in each topology and durability. CI runs more of them: `npm run test:crash`. */
const CYCLES = 4;

test(`kill -9 under load, ${CYCLES} times: every acknowledged command is present exactly once`, {
  skip: ownStep('node test/crash.ts'),
}, async (t) => {
  const seed = Date.now() % 1_000_000;
  await crash({ cycles: CYCLES, seed, print: (line) => t.diagnostic(line) });
});
