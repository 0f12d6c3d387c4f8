/** Groups and kill switches: what they reject and cancel, how they are lifted, over HTTP, the typed client and the command line. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { codeName } from '../engine/codes.ts';
import { CANCELS_PER_COMMAND } from '../engine/machine/operator-cancel.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { CommandKind } from '../engine/wire/layout.ts';
import { connect, type KillSwitchScope, type OpenbellClient } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { type RunningExchange, startExchange } from '../gateway/main.ts';
import { BTC, Harness, parseCommand, runLedger, SMALL_LIMITS, tidyLedger, USD } from './support/exchange-fixture.ts';
import { openbell } from './support/exchange-process.ts';
import { copyOf, follow, sameFromAnySnapshot } from './support/snapshot-at-any.ts';
import { until } from './support/until.ts';

/** Accounts 1 and 2 of group 7, account 3 of none, each with a buy at 100, 101 and 99. */
const VENUE = `set 1 Group 7
  > 0 Accepted
  set 2 Group 7
  > 0 Accepted
  1 new 1 buy 5 @ 100
  > 1 Accepted 1 5@100 leaves 5
  2 new 1 buy 5 @ 101
  > 2 Accepted 1 5@101 leaves 5
  3 new 1 buy 5 @ 99
  > 3 Accepted 1 5@99 leaves 5`;

function venue(rules?: number): Harness {
  const harness = new Harness(SMALL_LIMITS, rules).setUp(3);
  for (const line of tidyLedger(VENUE).split('\n')) if (!line.startsWith('>')) harness.do(parseCommand(line));
  return harness;
}

const LEDGERS: [name: string, ledger: string][] = [
  [
    'account: its orders go, its new ones are rejected, the others trade on',
    `kill account 1 on
     > 1 Cancelled 1 5@100 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 1@0
     1 new 2 buy 1 @ 98
     > 1 Rejected 2 1@98 leaves 0 KILL_SWITCH
     2 new 2 buy 1 @ 98
     > 2 Accepted 2 1@98 leaves 1
     kill account 1 off
     > 0 Accepted
     1 new 2 buy 1 @ 98
     > 1 Rejected 2 1@98 leaves 0 KILL_SWITCH again
     1 new 3 buy 1 @ 98
     > 1 Accepted 3 1@98 leaves 1`,
  ],
  [
    'group: the orders of its accounts by order id',
    `kill group 7 on
     > 1 Cancelled 1 5@100 leaves 0 CANCELLED_KILL_SWITCH
     > 2 Cancelled 1 5@101 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 2@0
     2 new 2 buy 1 @ 98
     > 2 Rejected 2 1@98 leaves 0 KILL_SWITCH
     3 new 2 buy 1 @ 98
     > 3 Accepted 2 1@98 leaves 1`,
  ],
  [
    'symbol: its book in order',
    `kill symbol 1 on
     > 2 Cancelled 1 5@101 leaves 0 CANCELLED_KILL_SWITCH
     > 1 Cancelled 1 5@100 leaves 0 CANCELLED_KILL_SWITCH
     > 3 Cancelled 1 5@99 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 3@0
     3 new 2 buy 1 @ 98
     > 3 Rejected 2 1@98 leaves 0 KILL_SWITCH`,
  ],
  [
    'venue',
    `kill venue on
     > 2 Cancelled 1 5@101 leaves 0 CANCELLED_KILL_SWITCH
     > 1 Cancelled 1 5@100 leaves 0 CANCELLED_KILL_SWITCH
     > 3 Cancelled 1 5@99 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 3@0
     3 new 2 buy 1 @ 98
     > 3 Rejected 2 1@98 leaves 0 KILL_SWITCH
     kill venue off
     > 0 Accepted
     3 new 3 buy 1 @ 98
     > 3 Accepted 3 1@98 leaves 1`,
  ],
  [
    'a lift of one leaves the others',
    `kill venue on
     > 2 Cancelled 1 5@101 leaves 0 CANCELLED_KILL_SWITCH
     > 1 Cancelled 1 5@100 leaves 0 CANCELLED_KILL_SWITCH
     > 3 Cancelled 1 5@99 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 3@0
     kill symbol 1 on
     > 0 Accepted
     kill group 7 on
     > 0 Accepted
     kill account 1 on
     > 0 Accepted
     kill venue off
     > 0 Accepted
     1 new 2 buy 1 @ 98
     > 1 Rejected 2 1@98 leaves 0 KILL_SWITCH
     kill symbol 1 off
     > 0 Accepted
     1 new 3 buy 1 @ 98
     > 1 Rejected 3 1@98 leaves 0 KILL_SWITCH
     kill account 1 off
     > 0 Accepted
     1 new 4 buy 1 @ 98
     > 1 Rejected 4 1@98 leaves 0 KILL_SWITCH
     kill group 7 off
     > 0 Accepted
     1 new 5 buy 1 @ 98
     > 1 Accepted 5 1@98 leaves 1`,
  ],
  [
    'an account that joins a group is stopped, and its order goes when the switch is sent again; cancels work',
    `kill group 9 on
     > 0 Accepted
     3 new 2 buy 1 @ 98
     > 3 Accepted 2 1@98 leaves 1
     set 3 Group 9
     > 0 Accepted
     3 amend 1 4 @ 99
     > 3 AmendRejected 1 4@99 leaves 5 KILL_SWITCH
     3 amend 1 6 @ 99
     > 3 AmendRejected 1 6@99 leaves 5 KILL_SWITCH
     3 cancel 2
     > 3 Cancelled 2 1@98 leaves 0 CANCELLED_BY_CLIENT
     kill group 9 on
     > 3 Cancelled 1 5@99 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 1@0
     set 3 Group 0
     > 0 Accepted
     3 new 3 buy 1 @ 98
     > 3 Accepted 3 1@98 leaves 1`,
  ],
  [
    'a suspension is named first, and is another thing',
    `kill account 3 on
     > 3 Cancelled 1 5@99 leaves 0 CANCELLED_KILL_SWITCH
     > 0 Accepted 1@0
     set 3 Suspended 1
     > 0 Accepted
     3 new 2 buy 1 @ 98
     > 3 Rejected 2 1@98 leaves 0 ACCOUNT_SUSPENDED
     set 3 Suspended 0
     > 0 Accepted
     3 new 3 buy 1 @ 98
     > 3 Rejected 3 1@98 leaves 0 KILL_SWITCH`,
  ],
];

describe('a suspension', () => {
  const SUSPENSIONS: [name: string, ledger: string][] = [
    [
      'without cancel: what rests still trades',
      `set 1 Suspended 1
       > 0 Accepted
       1 new 2 buy 1 @ 98
       > 1 Rejected 2 1@98 leaves 0 ACCOUNT_SUSPENDED
       3 new 2 sell 6 @ 100
       > 3 Accepted 2 6@100 leaves 6
       > 2 Fill 1 5@101 leaves 0 maker
       > 3 Fill 2 5@101 leaves 1 taker
       > 1 Fill 1 1@100 leaves 4 maker
       > 3 Fill 2 1@100 leaves 0 taker`,
    ],
    [
      'with cancel: what rests is not in the next uncross',
      `phase auction
       > 0 Accepted
       1 new 2 buy 5 @ 103
       > 1 Accepted 2 5@103 leaves 5
       3 new 2 sell 5 @ 98
       > 3 Accepted 2 5@98 leaves 5
       set 1 Suspended 2
       > 1 Cancelled 1 5@100 leaves 0 CANCELLED_SUSPENDED
       > 1 Cancelled 2 5@103 leaves 0 CANCELLED_SUSPENDED
       > 0 Accepted 2@0
       uncross
       > 2 Fill 1 5@100 leaves 0 auction
       > 3 Fill 2 5@100 leaves 0 auction
       > 0 Accepted 5@100
       set 1 Suspended 2
       > 0 Accepted
       set 1 Suspended 0
       > 0 Accepted
       phase continuous
       > 0 Accepted
       1 new 3 buy 1 @ 98
       > 1 Accepted 3 1@98 leaves 1`,
    ],
  ];
  for (const [name, ledger] of SUSPENSIONS) {
    it(name, () => assert.equal(runLedger(new Harness().setUp(3), `${VENUE}\n${ledger}`), tidyLedger(`${VENUE}\n${ledger}`)));
  }

  it('before rules 4 it cannot cancel', () => {
    const harness = venue(3);
    assert.equal(codeName(harness.do(parseCommand('set 1 Suspended 2')).reports[0].code), 'BAD_PARAMETER');
    assert.equal(codeName(harness.do(parseCommand('1 new 9 buy 1 @ 98')).reports[0].code), 'OK');
  });
});

describe('kill switches', () => {
  for (const [name, ledger] of LEDGERS) {
    it(name, () => {
      const harness = new Harness().setUp(3);
      assert.equal(runLedger(harness, `${VENUE}\n${ledger}`), tidyLedger(`${VENUE}\n${ledger}`));
      for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
    });
  }

  for (const [name, ledger] of LEDGERS) {
    it(`${name}: the same from a snapshot at any command`, () => sameFromAnySnapshot(new Harness().setUp(3), `${VENUE}\n${ledger}`));
  }

  it('when all are lifted, an order pays for one test again', () => {
    const harness = venue();
    const scopes = ['venue', 'symbol 1', 'group 9'];
    for (const line of scopes.flatMap((scope) => [`kill ${scope} on`, `kill ${scope} on`])) harness.do(parseCommand(line));
    assert.notEqual(harness.exchange.accounts.controls[3], 0);
    for (const scope of scopes) harness.do(parseCommand(`kill ${scope} off`));
    assert.equal(harness.exchange.accounts.controls[3], 0);
  });

  it('an account that is defined while the venue is stopped is stopped', () => {
    const harness = venue();
    harness.do(parseCommand('kill venue on'));
    harness.must({ kind: CommandKind.DefineAccount, account: 9, name: 'late' });
    assert.equal(codeName(harness.do(parseCommand('9 new 1 buy 1 @ 98')).reports[0].code), 'KILL_SWITCH');
  });

  const rejects: [line: string, fields: object, code: string][] = [
    ['kill account 9 on', {}, 'UNKNOWN_ACCOUNT'],
    ['kill account 0 on', {}, 'UNKNOWN_ACCOUNT'],
    ['kill symbol 7 on', {}, 'UNKNOWN_SYMBOL'],
    ['kill group 0 on', {}, 'BAD_PARAMETER'],
    ['kill group 65536 on', {}, 'BAD_PARAMETER'],
    ['kill venue on', { account: 1 }, 'BAD_PARAMETER'],
    ['kill account 1 on', { symbol: 1 }, 'BAD_PARAMETER'],
    ['kill symbol 1 on', { tag: 7 }, 'BAD_PARAMETER'],
    ['kill venue on', { parameter: 4 }, 'BAD_PARAMETER'],
    ['kill venue on', { quantity: 2 }, 'BAD_PARAMETER'],
    ['set 1 Group 65536', {}, 'BAD_PARAMETER'],
    ['set 1 Suspended 3', {}, 'BAD_PARAMETER'],
    ['set 9 Group 1', {}, 'UNKNOWN_ACCOUNT'],
  ];
  for (const [line, fields, code] of rejects) {
    it(`${line} ${JSON.stringify(fields)}: ${code}, and nothing changes`, () => {
      const harness = venue();
      const { reports } = harness.do({ ...parseCommand(line), ...fields });
      assert.deepEqual([reports.length, codeName(reports[0].code), harness.exchange.slab.count], [1, code, 3]);
      assert.equal(codeName(harness.do(parseCommand('1 new 9 buy 1 @ 98')).reports[0].code), 'OK');
    });
  }

  it('rules 3 have neither', () => {
    const harness = venue(3);
    assert.equal(codeName(harness.do(parseCommand('set 1 Group 7')).reports[0].code), 'BAD_PARAMETER');
    assert.equal(codeName(harness.do(parseCommand('kill venue on')).reports[0].code), 'UNKNOWN_KIND');
    assert.equal(harness.exchange.slab.count, 3);
  });

  for (const scope of ['account 1', 'group 7', 'symbol 1', 'venue']) {
    it(`${scope}: one command cancels ${CANCELS_PER_COMMAND} at most and blocks new orders at once; groups may change meanwhile`, () => {
      const harness = new Harness({ ...SMALL_LIMITS, orders: 2 ** 14, rememberedOrders: 2 ** 14 }).setUp(3);
      runLedger(harness, 'set 1 Group 7\nset 2 Group 8');
      const orders = CANCELS_PER_COMMAND + 10;
      for (let id = 1; id <= 20; id++) harness.do(parseCommand(`2 new ${id} buy 1 @ ${1 + (id % 50)}`));
      for (let id = 1; id <= orders; id++) harness.do(parseCommand(`1 new ${id} buy 1 @ ${1 + (id % 50)}`));
      const first = harness.do(parseCommand(`kill ${scope} on`)).reports.at(-1);
      assert.deepEqual([first?.quantity, first?.leaves], [CANCELS_PER_COMMAND, 1]);
      assert.equal(codeName(harness.do(parseCommand('1 new 9999 buy 1 @ 98')).reports[0].code), 'KILL_SWITCH');
      harness.must(parseCommand('set 2 Group 7'));
      const copy = copyOf(harness.exchange);
      const left = harness.exchange.slab.count - (scope === 'account 1' ? 20 : 0);
      const { reports } = harness.do(parseCommand(`kill ${scope} on`));
      const answer = reports.pop();
      assert.deepEqual([answer?.quantity, answer?.leaves, reports.length], [left, 0, left]);
      // As in an exchange that has not seen the command before: by order id, also of an account that has come to the group since.
      const ids = reports.map(({ orderId }) => orderId);
      if (/account|group/.test(scope))
        assert.deepEqual(
          ids,
          ids.toSorted((x, y) => x - y),
        );
      follow(copy, harness.exchange, `kill ${scope} on`);
      assert.equal(stateHash(copy), stateHash(harness.exchange));
    });
  }
});

describe('over HTTP, client and command line', { timeout: 120_000 }, () => {
  const data = mkdtempSync(join(tmpdir(), 'openbell-kill-'));
  let exchange: RunningExchange;
  let client: OpenbellClient;
  let flags: string[];

  before(async () => {
    const ports = { 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact' };
    exchange = await startExchange(loadConfig({ flags: { data, ...ports }, env: {} }), { log: createLogger('silent') });
    const { grpc, http, ws } = exchange.ports;
    flags = ['--grpc-port', `${grpc}`, '--ws-port', `${ws}`, '--http-port', `${http}`];
    client = await connect({ grpcPort: grpc, httpPort: http, wsPort: ws, account: 1 });
  });
  after(async () => {
    await client?.close();
    await exchange?.stop();
    rmSync(data, { recursive: true, force: true });
  });

  const place = () => client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.5', price: '50000.00' });
  async function ask(path: string, body?: object): Promise<{ status: number; json: Record<string, unknown> }> {
    const response = await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`, {
      ...(body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  }

  const scopes: [path: string, scope: KillSwitchScope, args: string[], json: object][] = [
    ['/v1/accounts/1', { account: 1 }, ['--account', '1'], { account: 1 }],
    ['/v1/groups/7', { group: 7 }, ['--group', '7'], { group: 7 }],
    ['/v1/symbols/BTC-USD', { symbol: 'BTC-USD' }, ['--symbol', 'BTC-USD'], { symbol: 'BTC-USD' }],
    ['/v1', 'venue', ['--venue'], { venue: true }],
  ];
  for (const [path, scope, args, named] of scopes) {
    it(`${path}/kill-switch`, async () => {
      assert.equal((await ask('/v1/accounts/1/limits', { group: 7 })).json.group, 7);
      await place();
      const on = await ask(`${path}/kill-switch`, { on: true });
      assert.deepEqual([on.status, on.json], [200, { ...named, on: true, cancelled: 1, seq: on.json.seq }]);
      assert.equal((await place()).code, 'KILL_SWITCH');
      const { json: all } = await ask('/v1/kill-switches');
      const key = Object.keys(named)[0];
      assert.deepEqual(all, {
        venue: false,
        groups: [],
        accounts: [],
        symbols: [],
        ...(key === 'venue' ? named : { [`${key}s`]: Object.values(named) }),
      });
      assert.equal((await ask('/v1/accounts/1')).json.killed, key === 'account');
      assert.equal((await ask('/v1/symbols/BTC-USD')).json.killed, key === 'symbol');
      const metrics = await (await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`)).text();
      assert.match(metrics, new RegExp(`openbell_kill_switches\\{[^}]*scope="${key}"[^}]*\\} 1`));
      assert.equal((await client.admin.killSwitch(scope, false)).cancelled, 0);
      const resting = await place();
      assert.deepEqual([resting.kind, (await client.admin.killSwitch(scope, true)).cancelled], ['accepted', 1]);
      const off = await openbell(['kill-switch', 'off', ...args, ...flags]);
      assert.deepEqual([off.code, off.stdout, off.stderr], [0, 'kill switch off\n', '']);
      await place();
      const again = await openbell(['kill-switch', 'on', ...args, ...flags]);
      assert.deepEqual([again.code, again.stdout], [0, 'kill switch on, cancelled 1 order\n']);
      await ask(`${path}/kill-switch`, { on: false });
    });
  }

  it('suspend with cancel', async () => {
    const order = await place();
    const { status, json } = await ask('/v1/accounts/1/suspend', { cancel: true });
    assert.deepEqual([status, json.suspended, json.cancelled, json.more, json.openOrders], [200, true, 1, undefined, 0]);
    const reports = (await ask('/v1/accounts/1/open-orders')).json.orders as { orderId: number }[];
    assert.ok(!reports.some(({ orderId }) => orderId === order.orderId));
    await client.admin.resume(1);
    await place();
    assert.deepEqual(await client.admin.suspend(1), { cancelled: 0 });
    assert.deepEqual(await client.admin.suspend(1, { cancel: true }), { cancelled: 1 });
    await client.admin.resume(1);
    await place();
    const { stdout } = await openbell(['suspend', '1', '--cancel', ...flags]);
    assert.match(stdout, /^account 1 \(.+\), suspended, group 7: 0 of \d+ open orders\ncancelled 1 order\n$/);
    await client.admin.resume(1);
    await assert.rejects(client.admin.suspend(999), { code: 'UNKNOWN_ACCOUNT' });
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
      const answer = await ask(path, body);
      assert.deepEqual([answer.status, answer.json.name], [status, name]);
    });
  }

  it('a throttled order says when to send it again: client, JSON', async () => {
    await client.admin.setLimits(1, { commandsPerSecond: 1, commandBurst: 1 });
    const sent = (await Promise.all([place(), place(), place()])).find(({ code }) => code === 'THROTTLED');
    assert.ok(sent && sent.retryUs > sent.timeUs && sent.retryUs <= sent.timeUs + 1_000_000);
    await client.admin.setLimits(1, { commandsPerSecond: 0, commandBurst: 0 });
    const again = await client.orders.place({
      symbol: 'BTC-USD',
      side: 'buy',
      quantity: '0.5',
      price: '50000.00',
      clientOrderId: sent.clientOrderId,
    });
    assert.deepEqual([again.kind, again.retryUs, again.duplicate], ['accepted', 0, false]);
    let found: { retryUs?: number } | undefined;
    const find = async () => {
      const { json } = await ask(`/v1/accounts/1/reports?from=${sent.reportNo}&limit=1`);
      [found] = json.reports as { retryUs?: number }[];
      return found !== undefined;
    };
    await until(find, 'the history has the report');
    assert.equal(found?.retryUs, sent.retryUs);
    await client.admin.cancelOrders({ account: 1 });
  });

  it('rate and burst that are set together begin with a full bucket', async () => {
    await client.admin.setLimits(1, { commandsPerSecond: 1, commandBurst: 2 });
    const codes = (await Promise.all([place(), place(), place()])).map(({ code }) => code);
    assert.deepEqual(codes, ['OK', 'OK', 'THROTTLED']);
    await client.admin.setLimits(1, { commandsPerSecond: 0, commandBurst: 0 });
    await client.admin.cancelOrders({ account: 1 });
  });

  it('a limit of position that one of exposure replaces keeps the position', async () => {
    const { grpc, http, ws } = exchange.ports;
    const other = await connect({ grpcPort: grpc, httpPort: http, wsPort: ws, account: 2 });
    const position = async () => {
      const [limit] = (await ask('/v1/accounts/1')).json.positionLimits as Record<string, unknown>[];
      return [limit.position, limit.maxPosition, limit.maxExposure];
    };
    try {
      await client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: 10 });
      await place();
      await other.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.5', price: '50000.00', timeInForce: 'ioc' });
      assert.deepEqual(await position(), ['0.5000', '10.0000', '0.0000']);
      await client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: 0, maxExposure: 5 });
      assert.deepEqual(await position(), ['0.5000', '0.0000', '5.0000']);
      await client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: 9, maxExposure: 0 });
      assert.deepEqual(await position(), ['0.5000', '9.0000', '0.0000']);
    } finally {
      await client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: 0, maxExposure: 0 });
      await other.close();
    }
  });

  it('a scope of two is none', async () => {
    await assert.rejects(client.admin.killSwitch({ account: 1, symbol: 'BTC-USD' } as KillSwitchScope, true), { code: 'BAD_OPTION' });
    await assert.rejects(client.admin.killSwitch({} as KillSwitchScope, true), { code: 'BAD_OPTION' });
  });

  it('limits of position and exposure: HTTP, client, command line', async () => {
    await client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: '0.7', maxExposure: 2 });
    await place();
    assert.equal((await place()).code, 'POSITION_LIMIT');
    const set = await ask('/v1/accounts/1/position-limit', { symbol: 'BTC-USD', maxPosition: '0' });
    const [limit] = set.json.positionLimits as Record<string, unknown>[];
    const { symbol, maxPosition, maxExposure, maxExposureLots, position, openBuys, openSells } = limit;
    assert.deepEqual(
      [symbol, maxPosition, maxExposure, maxExposureLots, position, openBuys, openSells],
      ['BTC-USD', '0.0000', '2.0000', 20_000, '0.0000', '0.5000', '0.0000'],
    );
    const { stdout } = await openbell(['position-limit', '1', 'BTC-USD', '--max-exposure', '0.5', ...flags]);
    assert.match(
      stdout,
      /\n\nsymbol +position +max position +open buys +open sells +max exposure *\nBTC-USD +0\.0000 +none +0\.5000 +0\.0000 +0\.5000 *\n$/,
    );
    assert.equal((await place()).code, 'EXPOSURE_LIMIT');
    await client.admin.setPositionLimit(1, 'BTC-USD', { maxExposure: 0 });
    assert.deepEqual((await ask('/v1/accounts/1')).json.positionLimits, []);
    await assert.rejects(client.admin.setPositionLimit(1, 'NO-SUCH', { maxPosition: 1 }), { code: 'UNKNOWN_SYMBOL' });
    await assert.rejects(client.admin.setPositionLimit(1, 'BTC-USD', {}), { code: 'BAD_PARAMETER' });
    await assert.rejects(client.admin.setPositionLimit(1, 'BTC-USD', { maxPosition: '0.00000001' }), { code: 'BAD_PARAMETER' });
    await client.admin.cancelOrders({ account: 1 });
  });

  it('command line: wrong use, and the parameters of an account', async () => {
    for (const args of [
      ['kill-switch', 'on'],
      ['kill-switch', 'on', '--venue', '--account', '1'],
      ['kill-switch', 'up', '--venue'],
      ['account-set', '1'],
      ['position-limit', '1', 'BTC-USD'],
    ])
      assert.equal((await openbell([...args, ...flags])).code, 2, args.join(' '));
    const run = async (...args: string[]) => (await openbell([...args, ...flags])).stdout;
    assert.match(
      await run('account-set', '2', '--group', '9', '--max-open-orders', '5'),
      /^account 2 \(.+\), group 9: 0 of 5 open orders\n$/,
    );
    await client.admin.setLimits(2, { commandsPerSecond: 100, orderToTrade: 50 });
    const json = (await ask('/v1/accounts/2')).json;
    assert.deepEqual([json.commandsPerSecond, json.commandBurst, json.orderToTrade, json.group], [100, 0, 50, 9]);
    assert.match(await run('account-set', '2', '--command-burst', '7'), /group 9, 100 commands\/s, 7 at once, 50 orders per fill: /);
    await run('account-set', '2', '--commands-per-second', '0', '--order-to-trade', '0');
    assert.match(await run('suspend', '2'), /^account 2 \(.+\), suspended, group 9: /);
    assert.match(await run('resume', '2'), /^account 2 \(.+\), group 9: /);
  });

  it('each is in the audit trail', async () => {
    const { json } = await ask('/v1/groups/8/kill-switch', { on: true });
    await exchange.stop();
    const dir = join(data, 'audit');
    const lines = readdirSync(dir).flatMap((name) => readFileSync(join(dir, name), 'utf8').trim().split('\n'));
    const record = lines.map((line) => JSON.parse(line)).find(({ detail = '' }) => String(detail).includes(`"seqs":[${json.seq}]`));
    assert.deepEqual([record?.action, record?.outcome], ['POST /v1/groups/:group/kill-switch', 'ok']);
    assert.match(record.detail, /"group":"?8"?.*"on":true/);
  });
});
