import { test } from 'node:test';
import { faults } from './faults.ts';
import { noDiskFaults } from './support/faults/disk-faults.ts';

test('disk faults under load, 4 of those in faults.ts: it ends or recovers, and nothing acknowledged is lost', {
  timeout: 180_000,
  skip: noDiskFaults() ?? false,
}, async (t) => {
  await faults({ faults: 4, seed: Date.now() % 1_000_000, print: (line) => t.diagnostic(line) });
});
