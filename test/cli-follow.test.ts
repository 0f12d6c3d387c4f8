import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ExchangeProcess, openbellUntil } from './support/exchange-process.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-follow-'));
after(() => rmSync(base, { recursive: true, force: true }));

test('trades --follow shows past and new trades, each once', async (t) => {
  const config = join(base, 'busy.yaml');
  const example = readFileSync(new URL('../docs/openbell.example.yaml', import.meta.url), 'utf8');
  writeFileSync(config, example.replace('rate: 500', 'rate: 5000'));
  const exchange = await ExchangeProcess.start(join(base, 'data'), ['--simulate', '--config', config]);
  t.after(() => exchange.end('SIGKILL'));
  const lines = await openbellUntil(['trades', 'BTC-USD', '--follow', '--json', '--limit', '5', ...exchange.flags], (count) => count >= 50);
  const ids = lines.map((line) => JSON.parse(line).tradeId as number);
  assert.deepEqual(
    ids,
    ids.map((_, i) => ids[0] + i),
  );
  assert.equal(await exchange.end('SIGTERM'), 0);
});
