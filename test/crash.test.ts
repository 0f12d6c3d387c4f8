import { test } from 'node:test';
import { crash } from './crash.ts';

test('kill -9 under load, 25 times: every acknowledged command is present exactly once', async (t) => {
  const seed = Date.now() % 1_000_000;
  await crash({ cycles: 25, seed, print: (line) => t.diagnostic(line) });
});
