/** A cancel or an amend names an order of its account and symbol. Another symbol is UNKNOWN_ORDER, by either id, at every endpoint. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { codeName } from '../engine/codes.ts';
import { CommandBatch } from '../engine/wire/frames.ts';
import { ReportFrameReader } from '../engine/wire/report-frames.ts';
import { viewReport } from '../gateway/client/report-view.ts';
import type { OrderTarget, ReportView } from '../gateway/client/types.ts';
import { demoExchange } from './support/demo-exchange.ts';
import { Harness, runLedger, SMALL_LIMITS, tidyLedger } from './support/exchange-fixture.ts';
import { Opcode, RawWebSocket } from './support/raw-websocket.ts';

describe('the symbol of a cancel or an amend', () => {
  const rows: [name: string, rules: number, ledger: string][] = [
    [
      'rules 3: another symbol names no order, its own and none do',
      3,
      `1 new 1 buy 5 @ 100
       > 1 Accepted 1 5@100 leaves 5
       1 cancel 1 of 2
       > 1 CancelRejected 1 0@0 leaves 0 UNKNOWN_ORDER
       1 amend 1 3 @ 99 of 2
       > 1 AmendRejected 1 3@99 leaves 0 UNKNOWN_ORDER
       1 amend 1 3 @ 100 of 1
       > 1 Amended 1 3@100 leaves 3 kept
       1 amend 1 2 @ 100
       > 1 Amended 1 2@100 leaves 2 kept
       1 cancel 1 of 1
       > 1 Cancelled 1 2@100 leaves 0 CANCELLED_BY_CLIENT`,
    ],
    [
      'rules 2: it is ignored',
      2,
      `1 new 1 buy 5 @ 100
       > 1 Accepted 1 5@100 leaves 5
       1 amend 1 3 @ 99 of 2
       > 1 Amended 1 3@99 leaves 3
       1 cancel 1 of 2
       > 1 Cancelled 1 3@99 leaves 0 CANCELLED_BY_CLIENT`,
    ],
  ];
  for (const [name, rules, ledger] of rows) {
    it(name, () => assert.equal(runLedger(new Harness(SMALL_LIMITS, rules).setUp(), ledger), tidyLedger(ledger)));
  }
});

describe('another symbol at each endpoint', () => {
  const venue = demoExchange();
  let order: ReportView;

  before(async () => {
    order = await venue.client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.5', price: '50000.00' });
    assert.equal(order.kind, 'accepted');
  });

  /** Cancels and amends of the order by either id, in the symbol with id 2. */
  function wrong(): CommandBatch {
    const batch = new CommandBatch(4);
    for (const [id, clientId] of [
      [order.orderId, 0],
      [0, order.clientOrderId],
    ]) {
      batch.cancel(2, clientId, id);
      batch.amend(2, clientId, id, 150_000, 100);
    }
    return batch;
  }
  const REJECTS = ['cancel-rejected', 'amend-rejected', 'cancel-rejected', 'amend-rejected'].map((kind) => [kind, 'UNKNOWN_ORDER']);
  const outcome = ({ kind, code }: ReportView): string[] => [kind, code];

  it('gRPC: Submit', async () => {
    const { reports } = await venue.client.orders.submit(wrong());
    assert.deepEqual(reports.map(outcome), REJECTS);
  });

  it('WebSocket', async () => {
    const socket = await RawWebSocket.open(venue.ports.ws, { path: '/v1/orders?account=1' });
    const reader = new ReportFrameReader();
    const reports: ReportView[] = [];
    const done = new Promise<void>((resolve) => {
      socket.onMessage = ({ opcode, data: frame }) => {
        if (opcode !== Opcode.Binary) return;
        assert.equal(codeName(reader.open(frame)), 'OK');
        for (let i = 0; i < reader.reports; i++) reports.push(viewReport(reader.flat, reader.reportsAt + i * 128, venue.client.symbols));
        if (reports.length === 4) resolve();
      };
    });
    socket.send(Opcode.Binary, wrong().bytes());
    await done;
    socket.destroy();
    assert.deepEqual(reports.map(outcome), REJECTS);
  });

  it('typed client', async () => {
    const targets: OrderTarget[] = [
      { symbol: 'ETH-USD', orderId: order.orderId },
      { symbol: 'ETH-USD', clientOrderId: order.clientOrderId },
    ];
    for (const target of targets) {
      assert.deepEqual(outcome(await venue.client.orders.cancel(target)), REJECTS[0]);
      assert.deepEqual(outcome(await venue.client.orders.amend({ ...target, price: '1500.00', quantity: '1' })), REJECTS[1]);
    }
  });

  it('command line', async () => {
    for (const id of [[`${order.orderId}`], [`${order.clientOrderId}`, '--client-id']]) {
      for (const args of [
        ['cancel', 'ETH-USD', ...id],
        ['amend', 'ETH-USD', id[0], '1', '1500.00', ...id.slice(1)],
      ]) {
        const { code, stdout } = await venue.openbell(...args);
        assert.deepEqual([code, /^rejected {2}UNKNOWN_ORDER/.test(stdout)], [1, true], `${args}: ${stdout}`);
      }
    }
  });

  it('the order is unchanged, and its own symbol names it', async () => {
    const { kind, leaves, price } = await venue.client.orders.amend({
      symbol: 'BTC-USD',
      orderId: order.orderId,
      price: '50000.00',
      quantity: '0.4',
    });
    assert.deepEqual([kind, leaves, price], ['amended', '0.4000', '50000.00']);
    assert.equal((await venue.client.orders.cancel({ symbol: 'BTC-USD', clientOrderId: order.clientOrderId })).code, 'CANCELLED_BY_CLIENT');
  });
});
