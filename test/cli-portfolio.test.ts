/** The command, the client and a kill: what openbell portfolio shows is in the history, and is that of the log. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Position } from '../feeds/analysis/average-cost.ts';
import { connect } from '../gateway/client/index.ts';
import { openHistory } from '../gateway/taps/history/store.ts';
import { putPosition } from '../gateway/taps/positions/position-store.ts';
import { ExchangeProcess, openbell, openbellLines } from './support/exchange-process.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-cli-portfolio-'));
after(() => rmSync(base, { recursive: true, force: true }));

test('openbell portfolio: now, followed, after a kill, and from the log', async (t) => {
  const data = join(base, 'data');
  let exchange = await ExchangeProcess.start(data);
  t.after(() => exchange.end('SIGKILL'));
  const client = await connect({ grpcPort: exchange.ports.grpc, httpPort: exchange.ports.http, account: 1 });
  t.after(() => client.close());
  const trade = async (price: string): Promise<void> => {
    await client.orders.place({ symbol: 'BTC-USD', side: 'sell', price, quantity: '0.01' });
    await openbell(['order', 'buy', '0.01', 'BTC-USD', price, '--account', '2', '--tif', 'ioc', ...exchange.flags]);
  };
  await trade('59000.00');
  const follow = openbellLines(['portfolio', '--account', '2', '--follow', '--interval', '0.1', ...exchange.flags]);
  t.after(() => follow.child.kill('SIGKILL'));
  assert.match(await follow.next(), /^symbol +position +average/);
  assert.match(await follow.next(), /^BTC-USD +0\.0100 +59000\.000000 +59000\.00 +590\.000000 +0\.000000 /);
  await trade('59100.00');
  let line = '';
  while (!line.startsWith('BTC-USD  0.0200  59050.000000  59100.00')) line = await follow.next();
  follow.child.kill('SIGINT');
  assert.equal(await follow.ended, 0);
  const before = await client.portfolio();
  assert.equal(before.positions[0].position, '-0.0200');
  await client.close();
  await exchange.end('SIGKILL');
  const inUse = async (): Promise<string> => (await openbell(['portfolio', '--from-log', data, '--json'])).stdout;
  exchange = await ExchangeProcess.start(data);
  const { stdout } = await openbell(['portfolio', '--json', ...exchange.flags]);
  assert.deepEqual(JSON.parse(stdout).positions, before.positions);
  assert.match(await inUse(), /in use by process .*next: .*`openbell backup DIR/);
  assert.equal(await exchange.end('SIGTERM'), 0);
  const fromLog = await openbell(['portfolio', '--from-log', data, '--json']);
  const computed = JSON.parse(fromLog.stdout);
  assert.deepEqual([fromLog.code, computed.compared, computed.differences, computed.notCompared], [0, true, [], []]);
  assert.deepEqual(computed.positions, before.positions);
  const store = openHistory(data);
  store.root.transactionSync(() => putPosition(store.positions, 2, 1, new Position()));
  await store.root.close();
  const differs = await openbell(['portfolio', '--from-log', data]);
  assert.equal(differs.code, 1);
  assert.match(differs.stdout, /1 position of the history is NOT that of the log: account 2 symbol 1\./);
});
