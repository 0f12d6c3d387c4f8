/** `openbell alerts` and `openbell webhooks` at a process that is killed while an endpoint fails. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { ExchangeProcess, openbell } from './support/exchange-process.ts';
import { HookServer } from './support/hook-server.ts';
import { until } from './support/until.ts';

test('alerts and webhooks on the command line, across a kill', { timeout: 240_000 }, async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'openbell-cli-alerts-'));
  const hooks = await HookServer.start();
  let exchange = await ExchangeProcess.start(data, ['--webhook-loopback']);
  t.after(async () => {
    await exchange.end('SIGKILL');
    hooks.stop();
    rmSync(data, { recursive: true, force: true });
  });
  const run = async (...args: string[]): Promise<string> => {
    const { grpc, ws, http } = exchange.ports;
    const result = await openbell([...args, '--grpc-port', `${grpc}`, '--ws-port', `${ws}`, '--http-port', `${http}`]);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };

  hooks.status = 500;
  const { secret } = JSON.parse(await run('webhooks', 'add', hooks.url, '--json'));
  assert.match(await run('alerts', 'set', '--kind', 'fill', '--every', '--note', 'desk'), /^alert 1 is set: fill, every\n$/);
  assert.match(await run('alerts', 'ls'), /^id {2}kind {2}condition {2}repeat {2}fired {2}note\n1 {3}fill +every +0 +desk\n$/);
  const move = ['--kind', 'move', '--symbol', 'BTC-USD', '--direction', 'up', '--percent', '1%', '--window', '1d'];
  assert.match(await run('alerts', 'set', ...move), /^alert 2 is set: move BTC-USD 1d up 1%, once\n$/);
  await run('order', 'sell', '0.1', 'BTC-USD', '60000.00', '--account', '2');
  await run('order', 'buy', '0.1', 'BTC-USD', '60000.00');
  await until(() => hooks.received.length > 0, 'the first attempt');
  await exchange.end('SIGKILL');

  hooks.status = 200;
  const attempts = hooks.received.length;
  exchange = await ExchangeProcess.start(data, ['--webhook-loopback']);
  await until(() => hooks.received.length > attempts, 'another attempt of the next start');
  const [first, last] = [hooks.received[0], hooks.received.at(-1)];
  assert.equal(last?.headers['webhook-id'], 'alert_1_1');
  assert.equal(last?.body, first.body, 'the same event with the same id');
  for (const { body, headers } of hooks.received) new Webhook(secret).verify(body, headers as Record<string, string>);

  assert.match(
    await run('alerts', 'events', '--after', '0'),
    /^1 {2}\S+Z {2}alert 1 {2}buy 0\.1000 BTC-USD at 60000\.00, the order is filled {2}\(desk\)\n$/,
  );
  await run('order', 'sell', '0.1', 'BTC-USD', '60600.00', '--account', '2');
  await run('order', 'buy', '0.1', 'BTC-USD', '60600.00');
  await until(
    async () => (await run('alerts', 'events', '--after', '1')).split('\n').length === 3,
    'the move from the price before the kill',
  );
  await until(async () => (await run('webhooks', 'ls', '1')) === 'no messages wait, and none is dead\n', 'the result of the attempt');
  assert.equal(await run('webhooks', 'replay', '1'), '0 sent again\n');
  assert.equal(await run('alerts', 'delete', '1'), 'alert 1 is deleted\n');
  const onIndicator = ['--kind', 'indicator', '--symbol', 'BTC-USD', '--interval', '1m', '--indicator', 'sma:20', '--crosses', 'sma:50'];
  assert.equal(
    await run('alerts', 'set', ...onIndicator, '--direction', 'up', '--cool-down', '60'),
    'alert 3 is set: indicator BTC-USD 1m sma:20 crosses sma:50 up, cool-down 60 s\n',
  );
  assert.match(await run('alerts', 'ls'), /^3 +indicator +BTC-USD 1m sma:20 crosses sma:50 up +cool-down 60 s +0$/m);
  assert.ok(!exchange.stderr.includes(secret) && !exchange.startStderr.includes(secret));
});
