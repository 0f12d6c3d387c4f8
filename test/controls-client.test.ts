/** Kill switches, suspensions and limits of an account over HTTP, the typed client and the command line. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { KillSwitchScope } from '../gateway/client/index.ts';
import { demoExchange } from './support/demo-exchange.ts';
import { until } from './support/until.ts';

describe('controls of accounts', { timeout: 300_000 }, () => {
  const venue = demoExchange();

  const place = () => venue.client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.5', price: '50000.00' });

  const scopes: [path: string, scope: KillSwitchScope, args: string[], json: object][] = [
    ['/v1/accounts/1', { account: 1 }, ['--account', '1'], { account: 1 }],
    ['/v1/groups/7', { group: 7 }, ['--group', '7'], { group: 7 }],
    ['/v1/symbols/BTC-USD', { symbol: 'BTC-USD' }, ['--symbol', 'BTC-USD'], { symbol: 'BTC-USD' }],
    ['/v1', 'venue', ['--venue'], { venue: true }],
  ];
  for (const [path, scope, args, named] of scopes) {
    it(`${path}/kill-switch`, async () => {
      assert.equal((await venue.ask('/v1/accounts/1/limits', { group: 7 })).json.group, 7);
      await place();
      const on = await venue.ask(`${path}/kill-switch`, { on: true });
      assert.deepEqual([on.status, on.json], [200, { ...named, on: true, cancelled: 1, seq: on.json.seq }]);
      assert.equal((await place()).code, 'KILL_SWITCH');
      const key = Object.keys(named)[0];
      const all = {
        venue: false,
        groups: [],
        symbols: [],
        accounts: [],
        ...(key === 'venue' ? named : { [`${key}s`]: Object.values(named) }),
      };
      assert.deepEqual(await venue.get('/v1/kill-switches'), all);
      assert.deepEqual(await venue.client.admin.killSwitches(), all);
      assert.equal((await venue.openbell('kill-switch')).stdout, `kill switch on: ${args.join(' ').slice(2)}\n`);
      const { killed, killSwitches } = await venue.get('/v1/accounts/1');
      assert.equal(killed, key === 'account');
      const none = { account: false, group: false, venue: false, symbols: [] };
      assert.deepEqual(killSwitches, { ...none, ...(key === 'symbol' ? { symbols: ['BTC-USD'] } : { [key]: true }) });
      const { killSwitches: ofOther } = await venue.get('/v1/accounts/2');
      const concerns = key === 'symbol' || key === 'venue';
      assert.deepEqual(ofOther, concerns ? killSwitches : none, 'account 2 is of no group');
      const shown = (await venue.openbell('account', '1')).stdout.split('\n')[0];
      assert.match(shown, new RegExp(`, kill switch on: ${key === 'symbol' ? 'BTC-USD' : key}, group 7: `));
      assert.equal((await venue.ask('/v1/symbols/BTC-USD')).json.killed, key === 'symbol');
      const metrics = await (await fetch(`http://127.0.0.1:${venue.ports.http}/metrics`)).text();
      assert.match(metrics, new RegExp(`openbell_kill_switches\\{[^}]*scope="${key}"[^}]*\\} 1`));
      assert.equal((await venue.client.admin.killSwitch(scope, false)).cancelled, 0);
      const resting = await place();
      assert.deepEqual([resting.kind, (await venue.client.admin.killSwitch(scope, true)).cancelled], ['accepted', 1]);
      const off = await venue.openbell('kill-switch', 'off', ...args);
      assert.deepEqual([off.code, off.stdout, off.stderr], [0, 'kill switch off\n', '']);
      await place();
      const again = await venue.openbell('kill-switch', 'on', ...args);
      assert.deepEqual([again.code, again.stdout], [0, 'kill switch on, cancelled 1 order\n']);
      await venue.ask(`${path}/kill-switch`, { on: false });
      assert.equal((await venue.openbell('kill-switch')).stdout, 'no kill switch is on\n');
    });
  }

  it('suspend with cancel', async () => {
    const order = await place();
    const { status, json } = await venue.ask('/v1/accounts/1/suspend', { cancel: true });
    assert.deepEqual([status, json.suspended, json.cancelled, json.more, json.openOrders], [200, true, 1, undefined, 0]);
    const reports = (await venue.ask('/v1/accounts/1/open-orders')).json.orders as { orderId: number }[];
    assert.ok(!reports.some(({ orderId }) => orderId === order.orderId));
    await venue.client.admin.resume(1);
    await place();
    assert.deepEqual(await venue.client.admin.suspend(1), { cancelled: 0 });
    assert.deepEqual(await venue.client.admin.suspend(1, { cancel: true }), { cancelled: 1 });
    await venue.client.admin.resume(1);
    await place();
    const { stdout } = await venue.openbell('suspend', '1', '--cancel');
    assert.match(stdout, /^account 1 \(.+\), suspended, group 7: 0 of \d+ open orders\ncancelled 1 order\n$/);
    await venue.client.admin.resume(1);
    await assert.rejects(venue.client.admin.suspend(999), { code: 'UNKNOWN_ACCOUNT' });
  });

  const wrong: [path: string, body: object, status: number, name: string][] = [
    ['/v1/kill-switch', {}, 400, 'BAD_PARAMETER'],
    ['/v1/kill-switch', { on: 'yes' }, 400, 'BAD_PARAMETER'],
    ['/v1/kill-switch', { on: true, account: 1 }, 400, 'BAD_PARAMETER'],
    ['/v1/groups/0/kill-switch', { on: true }, 404, 'NOT_FOUND'],
    ['/v1/groups/65536/kill-switch', { on: true }, 404, 'NOT_FOUND'],
    ['/v1/accounts/999/kill-switch', { on: true }, 404, 'UNKNOWN_ACCOUNT'],
    ['/v1/symbols/XBT-USD/kill-switch', { on: true }, 404, 'UNKNOWN_SYMBOL'],
    ['/v1/accounts/1/suspend', { cancel: 'yes' }, 400, 'BAD_PARAMETER'],
    ['/v1/accounts/1/limits', {}, 400, 'BAD_PARAMETER'],
    ['/v1/accounts/1/limits', { group: 65536 }, 400, 'BAD_PARAMETER'],
  ];
  for (const [path, body, status, name] of wrong) {
    it(`HTTP: ${path} ${JSON.stringify(body)}: ${status} ${name}`, async () => {
      const answer = await venue.ask(path, body);
      assert.deepEqual([answer.status, answer.json.name], [status, name]);
    });
  }

  it('a throttled order says when to send it again: client, JSON', async () => {
    await venue.client.admin.setLimits(1, { commandsPerSecond: 1, commandBurst: 1 });
    const sent = (await Promise.all([place(), place(), place()])).find(({ code }) => code === 'THROTTLED');
    assert.ok(sent && sent.retryUs > sent.timeUs && sent.retryUs <= sent.timeUs + 1_000_000);
    await venue.client.admin.setLimits(1, { commandsPerSecond: 0, commandBurst: 0 });
    const again = await venue.client.orders.place({
      symbol: 'BTC-USD',
      side: 'buy',
      quantity: '0.5',
      price: '50000.00',
      clientOrderId: sent.clientOrderId,
    });
    assert.deepEqual([again.kind, again.retryUs, again.duplicate], ['accepted', 0, false]);
    let found: { retryUs?: number } | undefined;
    const find = async () => {
      const { json } = await venue.ask(`/v1/accounts/1/reports?from=${sent.reportNo}&limit=1`);
      [found] = json.reports as { retryUs?: number }[];
      return found !== undefined;
    };
    await until(find, 'the history has the report');
    assert.equal(found?.retryUs, sent.retryUs);
    await venue.client.admin.cancelOrders({ account: 1 });
  });

  it('rate and burst that are set together begin with a full bucket', async () => {
    await venue.client.admin.setLimits(1, { commandsPerSecond: 1, commandBurst: 2 });
    const codes = (await Promise.all([place(), place(), place()])).map(({ code }) => code);
    assert.deepEqual(codes, ['OK', 'OK', 'THROTTLED']);
    await venue.client.admin.setLimits(1, { commandsPerSecond: 0, commandBurst: 0 });
    await venue.client.admin.cancelOrders({ account: 1 });
  });

  it('a limit of position that one of exposure replaces keeps the position', async () => {
    const other = await venue.connect(2);
    const position = async () => {
      const [limit] = (await venue.ask('/v1/accounts/1')).json.positionLimits as Record<string, unknown>[];
      return [limit.position, limit.maxPosition, limit.maxExposure];
    };
    try {
      await venue.client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: 10 });
      await place();
      await other.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.5', price: '50000.00', timeInForce: 'ioc' });
      assert.deepEqual(await position(), ['0.5000', '10.0000', '0.0000']);
      await venue.client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: 0, maxExposure: 5 });
      assert.deepEqual(await position(), ['0.5000', '0.0000', '5.0000']);
      await venue.client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: 9, maxExposure: 0 });
      assert.deepEqual(await position(), ['0.5000', '9.0000', '0.0000']);
    } finally {
      await venue.client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: 0, maxExposure: 0 });
    }
  });

  it('a scope of two is none', async () => {
    await assert.rejects(venue.client.admin.killSwitch({ account: 1, symbol: 'BTC-USD' } as KillSwitchScope, true), { code: 'BAD_OPTION' });
    await assert.rejects(venue.client.admin.killSwitch({} as KillSwitchScope, true), { code: 'BAD_OPTION' });
  });

  it('limits of position and exposure: HTTP, client, command line', async () => {
    await venue.client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: '0.7', maxExposure: 2 });
    await place();
    assert.equal((await place()).code, 'POSITION_LIMIT');
    const set = await venue.ask('/v1/accounts/1/position-limit', { symbol: 'BTC-USD', maxPosition: '0' });
    const [limit] = set.json.positionLimits as Record<string, unknown>[];
    const { symbol, maxPosition, maxExposure, maxExposureLots, position, openBuys, openSells } = limit;
    assert.deepEqual(
      [symbol, maxPosition, maxExposure, maxExposureLots, position, openBuys, openSells],
      ['BTC-USD', '0.0000', '2.0000', 20_000, '0.0000', '0.5000', '0.0000'],
    );
    const { stdout } = await venue.openbell('position-limit', '1', 'BTC-USD', '--max-exposure', '0.5');
    assert.match(
      stdout,
      /\n\nsymbol +position +max position +open buys +open sells +max exposure *\nBTC-USD +0\.0000 +none +0\.5000 +0\.0000 +0\.5000 *\n$/,
    );
    assert.equal((await place()).code, 'EXPOSURE_LIMIT');
    await venue.client.admin.setPositionLimit(1, 'BTC-USD', { maxExposure: 0 });
    assert.deepEqual((await venue.ask('/v1/accounts/1')).json.positionLimits, []);
    await assert.rejects(venue.client.admin.setPositionLimit(1, 'NO-SUCH', { maxPosition: 1 }), { code: 'UNKNOWN_SYMBOL' });
    await assert.rejects(venue.client.admin.setPositionLimit(1, 'BTC-USD', {}), { code: 'BAD_PARAMETER' });
    await assert.rejects(venue.client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: '0.00000001' }), { code: 'BAD_PARAMETER' });
    await venue.client.admin.cancelOrders({ account: 1 });
  });

  it('command line: wrong use, and the parameters of an account', async () => {
    for (const args of [
      ['kill-switch', 'on'],
      ['kill-switch', 'on', '--venue', '--account', '1'],
      ['kill-switch', 'up', '--venue'],
      ['kill-switch', '--venue'],
      ['account-set', '1'],
      ['position-limit', '1', 'BTC-USD'],
    ])
      assert.equal((await venue.openbell(...args)).code, 2, args.join(' '));
    const run = async (...args: string[]) => (await venue.openbell(...args)).stdout;
    assert.match(
      await run('account-set', '2', '--group', '9', '--max-open-orders', '5'),
      /^account 2 \(.+\), group 9: 0 of 5 open orders\n$/,
    );
    await venue.client.admin.setLimits(2, { commandsPerSecond: 100, orderToTrade: 50 });
    const json = (await venue.ask('/v1/accounts/2')).json;
    assert.deepEqual([json.commandsPerSecond, json.commandBurst, json.orderToTrade, json.group], [100, 0, 50, 9]);
    assert.match(await run('account-set', '2', '--command-burst', '7'), /group 9, 100 commands\/s, 7 at once, 50 orders per fill: /);
    await run('account-set', '2', '--commands-per-second', '0', '--order-to-trade', '0');
    assert.match(await run('suspend', '2'), /^account 2 \(.+\), suspended, group 9: /);
    assert.match(await run('resume', '2'), /^account 2 \(.+\), group 9: /);
  });

  it('each is in the audit trail', async () => {
    const { json } = await venue.ask('/v1/groups/8/kill-switch', { on: true });
    await venue.running.stop();
    const dir = join(venue.data, 'audit');
    const lines = readdirSync(dir).flatMap((name) => readFileSync(join(dir, name), 'utf8').trim().split('\n'));
    const record = lines.map((line) => JSON.parse(line)).find(({ detail = '' }) => String(detail).includes(`"seqs":[${json.seq}]`));
    assert.deepEqual([record?.action, record?.outcome], ['POST /v1/groups/:group/kill-switch', 'ok']);
    assert.match(record.detail, /"group":"?8"?.*"on":true/);
  });
});
