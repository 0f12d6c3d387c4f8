/** The life of an order across restarts, in the other topology, and without its beginning. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect, type OpenbellClient } from '../gateway/client/index.ts';
import type { RunningExchange } from '../gateway/main.ts';
import { accountReports } from '../gateway/taps/history/queries.ts';
import { openHistory } from '../gateway/taps/history/store.ts';
import { HistoryTrimmer } from '../gateway/taps/history/trimmer.ts';
import { column } from './support/report-source.ts';
import { withSmallExchange } from './support/small-venue.ts';
import { until } from './support/until.ts';

const dir = mkdtempSync(join(tmpdir(), 'openbell-order-explain-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** One life of the exchange, with a client of its only account. */
function life(
  topology: string,
  work: (client: OpenbellClient, explain: (order: string | number) => Promise<Answer>) => Promise<void>,
): Promise<void> {
  return withSmallExchange(
    dir,
    async (exchange) => {
      const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
      const client = await connect({ grpcPort, httpPort, wsPort, account: 1 });
      try {
        await work(client, (order) => ask(exchange, order));
      } finally {
        await client.close();
      }
    },
    { topology },
  );
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of several shapes
  readonly json: any;
}

async function ask({ ports, engine, history }: RunningExchange, order: string | number): Promise<Answer> {
  const { seq } = engine.sequencer;
  await until(() => history.stats().watermark >= seq, 'the history has all reports');
  const response = await fetch(`http://127.0.0.1:${ports.http}/v1/accounts/1/orders/${order}`);
  return { status: response.status, json: await response.json() };
}

const names = ({ json }: Answer) => json.steps.map(({ step }: { step: string }) => step);
const order = { symbol: 'BTC-USD', price: '100.00', quantity: '5' };

test('after restarts, in both topologies; then without the beginning', async () => {
  let orderId = 0;
  let clientOrderId = 0;
  let before: unknown;
  await life('compact', async (client, explain) => {
    ({ orderId, clientOrderId } = await client.orders.place({ ...order, side: 'buy' }));
    const { json } = await explain(orderId);
    before = { ...json.resting, seq: 0 };
    assert.equal(json.status, 'open');
  });
  await life('pinned', async (client, explain) => {
    const { json } = await explain(orderId);
    assert.deepEqual([json.steps.length, json.status, { ...json.resting, seq: 0 }], [1, 'open', before]);
    await client.orders.amend({ symbol: 'BTC-USD', orderId, price: '100.00', quantity: '3' });
    const { json: lower } = await explain(orderId);
    assert.deepEqual([lower.steps.length, lower.resting.leaves], [2, '3']);
    assert.ok(lower.resting.reserved.amountUnits > 0);
  });
  const store = openHistory(join(dir, 'data'));
  // The first life had one report of the account; its run is removed as the retention would.
  const runs = Array.from(store.reports.getKeys({ start: [1, 0], end: [1, 100] }));
  assert.deepEqual(runs, [
    [1, 1],
    [1, 2],
  ]);
  const [time] = column(accountReports(store, 1, 2, 1), 'timeUs');
  new HistoryTrimmer(store, join(dir, 'data'), 0).step(time);
  await store.root.close();
  await life('compact', async (client, explain) => {
    await client.orders.place({ ...order, side: 'sell', quantity: '2' });
    await client.orders.cancel({ symbol: 'BTC-USD', orderId });
    const whole = await explain(orderId);
    assert.deepEqual([names(whole), whole.json.lost, whole.json.status], [['amended', 'fill', 'cancelled'], 1, 'cancelled']);
    assert.deepEqual((await explain(`by-client-order-id/${clientOrderId}`)).json, whole.json);
    const younger = await client.orders.place({ ...order, side: 'buy' });
    const { json } = await explain(younger.orderId);
    assert.deepEqual([json.steps.length, json.lost], [1, undefined]);
    const unknown = await explain('by-client-order-id/4711');
    assert.deepEqual([unknown.status, unknown.json.name], [404, 'UNKNOWN_ORDER']);
    assert.match(unknown.json.message, /reports up to number 1 are no longer kept/);
    assert.doesNotMatch((await explain(younger.orderId + 1)).json.message, /kept/, 'it cannot be of an earlier time');
  });
});
