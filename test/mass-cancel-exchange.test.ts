/** Mass cancels through a running exchange: client, command line, frames, and kill -9 in the middle of a long one. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Code } from '../engine/codes.ts';
import { resolveLimits } from '../engine/limits.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { checkCommand } from '../engine/wire/check-command.ts';
import { CommandBatch } from '../engine/wire/frames.ts';
import { Command, CommandKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { connect } from '../gateway/client/index.ts';
import type { ReportView } from '../gateway/client/types.ts';
import { demoExchange } from './support/demo-exchange.ts';
import { ExchangeProcess } from './support/exchange-process.ts';
import { TestExchange } from './support/order-entry-fixture.ts';
import { until } from './support/until.ts';

describe('the frame of a mass cancel', () => {
  const bytes = new Uint8Array(64);
  const words = new Int32Array(bytes.buffer);
  const check = (fields: object): number => {
    encodeCommand(bytes, words, 0, { kind: CommandKind.MassCancel, ...fields });
    return checkCommand(bytes, words, 0, 7);
  };
  it('has the account of the session, a symbol and a side, and nothing else', () => {
    assert.equal(check({ symbol: 3, quantity: 2, tag: 9, side: 1, timeInForce: 200, parameter: 3 }), Code.OK);
    assert.deepEqual([bytes[Command.side], bytes[Command.timeInForce], bytes[Command.parameter], words[Command.account / 4]], [0, 0, 0, 7]);
    assert.equal(check({ account: 7 }), Code.OK);
    assert.equal(check({ account: 8 }), Code.FOREIGN_ACCOUNT);
    for (const wrong of [{ quantity: 3 }, { quantity: 2 ** 31 }, { quantity: 2 ** 32 }, { price: 1 }, { orderId: 1 }, { clientOrderId: 1 }])
      assert.equal(check(wrong), Code.BAD_RANGE, JSON.stringify(wrong));
  });
});

describe('a running exchange', () => {
  const venue = demoExchange();

  const buy = (price: string) => venue.client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.001', price });
  const sell = (price: string) => venue.client.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.001', price });

  it('cancelAll cancels by side and symbol, and all; its report counts orders', async () => {
    const reports: ReportView[] = [];
    const heard = (report: ReportView): number => reports.push(report);
    await Promise.all([buy('50000.00'), buy('50001.00'), sell('70000.00')]);
    venue.client.orders.on('report', heard);
    const sells = await venue.client.orders.cancelAll({ symbol: 'BTC-USD', side: 'sell' });
    assert.deepEqual(
      [sells.kind, sells.code, sells.quantityLots, sells.quantity, sells.symbol],
      ['mass-cancelled', 'OK', 1, '1', 'BTC-USD'],
    );
    const all = await venue.client.orders.cancelAll();
    assert.deepEqual([all.quantityLots, all.leavesLots], [2, 0]);
    await until(() => reports.filter(({ code }) => code === 'CANCELLED_BY_MASS_CANCEL').length === 3, 'three orders are cancelled');
    assert.deepEqual((await venue.client.orders.cancelAll()).quantityLots, 0);
    venue.client.orders.off('report', heard);
    await assert.rejects(() => venue.client.orders.cancelAll({ account: 2 } as object), { code: 'BAD_OPTION' });
    await assert.rejects(() => venue.client.orders.cancelAll({ side: 'both' as 'buy' }), { code: 'BAD_ENUM' });
  });

  it('the command line: cancel --all', async () => {
    await Promise.all([buy('50000.00'), sell('70000.00')]);
    const side = await venue.openbell('cancel', '--all', '--symbol', 'BTC-USD', '--side', 'buy');
    assert.deepEqual([side.code, side.stdout], [0, 'cancelled 1 order\n']);
    const json = await venue.openbell('cancel', '--all', '--json');
    assert.deepEqual([json.code, JSON.parse(json.stdout).quantityLots], [0, 1]);
    for (const wrong of [['BTC-USD', '1', '--all'], ['--all', '--client-id'], ['BTC-USD', '1', '--side', 'buy'], ['BTC-USD'], []])
      assert.equal((await venue.openbell('cancel', ...wrong)).code, 2, wrong.join(' '));
  });

  it("cancelAllAfter sets the dead man's switch and switches it off, from the client and the command line", async () => {
    await buy('50000.00');
    const set = await venue.client.orders.cancelAllAfter(3600);
    assert.deepEqual([set.kind, set.deadlineUs - set.timeUs], ['cancel-after-set', 3_600_000_000]);
    assert.equal((await venue.client.orders.cancelAllAfter(0)).deadlineUs, 0);
    for (const wrong of [0.5, -1, 86_401, Number.NaN])
      await assert.rejects(() => venue.client.orders.cancelAllAfter(wrong), { code: 'BAD_RANGE' }, String(wrong));
    const line = await venue.openbell('cancel', '--all-after', '60');
    assert.match(line.stdout, /^set {7}all orders are cancelled at 20\d\d-.*Z\n$/);
    assert.equal((await venue.openbell('cancel', '--all-after', '0')).stdout, 'off       the orders stay\n');
    for (const wrong of [
      ['--all-after', '86401'],
      ['--all-after', '1.5'],
      ['--all-after', '5', '--all'],
      ['BTC-USD', '1', '--all-after', '5'],
    ])
      assert.equal((await venue.openbell('cancel', ...wrong)).code, 2, wrong.join(' '));
    assert.equal((await venue.client.orders.cancelAll()).quantityLots, 1);
  });

  it('one account sends no more than its rate; others do not notice', async () => {
    const other = await venue.connect(2);
    const results = await Promise.allSettled(Array.from({ length: 60 }, () => venue.client.orders.cancelAll()));
    const refused = results.filter((result) => result.status === 'rejected');
    assert.ok(refused.length > 0 && refused.every(({ reason }) => reason.code === 'MASS_CANCEL_RATE'));
    assert.ok(results.length - refused.length >= 1);
    assert.equal((await other.orders.cancelAll()).code, 'OK');
    assert.equal((await buy('50000.00')).kind, 'accepted');
  });
});

const ORDERS = 6000;

for (const topology of ['compact', 'pinned']) {
  it(`kill -9 in the middle of a long mass cancel: it goes on after the restart (${topology})`, async (t) => {
    const data = mkdtempSync(join(tmpdir(), 'openbell-mass-cancel-kill-'));
    t.after(() => rmSync(data, { recursive: true, force: true }));
    const start = () => ExchangeProcess.start(data, ['--topology', topology, '--log-level', 'warn']);
    let exchange = await start();
    t.after(() => exchange.end('SIGKILL').catch(() => undefined));
    const open = (lastReport: number) =>
      connect({
        grpcPort: exchange.ports.grpc,
        wsPort: exchange.ports.ws,
        httpPort: exchange.ports.http,
        account: 1,
        lastReport,
        reconnect: false,
      });
    let client = await open(0);
    const reports: ReportView[] = [];
    const hear = (): void => {
      client.orders.on('closed', () => undefined);
      client.orders.on('report', (report) => reports.push(report));
    };
    hear();
    await client.orders.ready();
    const batch = new CommandBatch(1000);
    for (let i = 1; i <= ORDERS; i++) {
      batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 100_000 + (i % 300), 10, i);
      if (batch.full) client.orders.send(batch);
    }
    const rests = (report: ReportView): boolean => report.kind === 'accepted';
    await until(() => reports.length === ORDERS, 'all are answered');
    assert.deepEqual(
      reports.find((report) => !rests(report)),
      undefined,
    );
    batch.massCancel();
    client.orders.send(batch);
    await until(() => reports.some(({ kind }) => kind === 'mass-cancelled'), 'the mass cancel is acknowledged');
    await exchange.end('SIGKILL');
    const answer = reports.find(({ kind }) => kind === 'mass-cancelled');
    assert.equal(answer?.quantityLots, ORDERS);
    await client.close();

    exchange = await start();
    client = await open(reports.length);
    hear();
    const cancelled = (): ReportView[] => reports.filter(({ code }) => code === 'CANCELLED_BY_MASS_CANCEL');
    await until(() => cancelled().length === ORDERS, 'the rest is cancelled');
    assert.equal(new Set(cancelled().map(({ orderId }) => orderId)).size, ORDERS);
    assert.deepEqual(
      reports.map(({ reportNo }) => reportNo),
      reports.map((_, i) => i + 1),
    );
    await client.close();
    assert.equal(await exchange.end('SIGTERM'), 0, exchange.stderr);
    const limits = resolveLimits();
    const [all, late] = [false, true].map((fromSnapshot) => verifyDataDirectory(data, { limits, fromSnapshot }));
    assert.deepEqual([all.stateHash, all.imbalances], [late.stateHash, []]);
  });
}

it('Submit is answered with the answer of each command, not with orders that ended before it', async () => {
  const exchange = await TestExchange.start();
  const client = exchange.client(1);
  try {
    await client.ready();
    let rest = 0;
    client.on('report', ({ kind }) => {
      if (kind === 'accepted') rest++;
    });
    const batch = new CommandBatch(1000);
    for (let i = 1; i <= 3000; i++) {
      batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 100, 1, i);
      if (batch.full) client.send(batch);
    }
    await until(() => rest === 3000, 'the orders rest');
    batch.massCancel();
    batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 50, 1, 4000);
    const { reports } = await client.submit(batch);
    assert.deepEqual(
      reports.map(({ kind, code, clientOrderId }) => [kind, code, clientOrderId]),
      [
        ['mass-cancelled', 'OK', 0],
        ['accepted', 'OK', 4000],
      ],
    );
  } finally {
    await client.close();
    await exchange.stop();
  }
});
