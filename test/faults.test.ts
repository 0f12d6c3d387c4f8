import { test } from 'node:test';
import { faults } from './faults.ts';
import { noDiskFaults } from './support/faults/disk-faults.ts';
import { ownStep } from './support/long-runs.ts';

/** CI injects more of them, and limits their time more while no other tests run: `npm run test:faults`. */
const FAULTS = 2;

test(`disk faults under load, ${FAULTS} of those in faults.ts: it ends or recovers, and nothing acknowledged is lost`, {
  timeout: 300_000,
  skip: noDiskFaults() ?? ownStep('node test/faults.ts'),
}, async (t) => {
  await faults({ faults: FAULTS, seed: Date.now() % 1_000_000, limitMs: 60_000, print: (line) => t.diagnostic(line) });
});
