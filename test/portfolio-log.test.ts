/** The portfolio from the log of an earlier release, which names no capacities and whose history has no positions. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loggedPortfolio } from '../gateway/tools/cli/portfolio-log.ts';
import { unpackOldData } from './support/old-data.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-portfolio-log-'));
after(() => rmSync(base, { recursive: true, force: true }));

test('a log without capacities is replayed with those of --config, and a message names them', async () => {
  const data = unpackOldData(base);
  const flags = { account: 1, mark: 'venue', interval: 1, grpcPort: 0, wsPort: 0, httpPort: 0, host: '' };
  const config = new URL('./fixtures/data-1.yaml', import.meta.url).pathname;
  const [given, usual] = [await loggedPortfolio(data, { ...flags, config }), await loggedPortfolio(data, flags)];
  // The exchange that wrote the log had room for 8 orders: with more, orders that it rejected would have traded.
  assert.deepEqual([given.positions[0].position, usual.positions[0].position], ['0.1500', '0.1600']);
  assert.match(given.messages[0], /^The log names no capacities, .* replayed with orders 8, /);
  assert.match(usual.messages[0], /^The log names no capacities, .* replayed with orders 1048576, /);
  assert.deepEqual([given.compared, given.differences], [false, []]);
  assert.match(given.absence ?? '', /^The history has no positions yet, because an earlier release wrote it/);
});
