import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { OrderFlowError, type OrderRow, readOrders, readTrades } from '../feeds/files/order-flow-csv.ts';
import { missing, sharedData } from './support/shared-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-flow-'));
after(() => rmSync(folder, { recursive: true }));

const ORDERS = 'time_ms,op,side_or_phase,order_id,price_milli,quantity\n';
const TRADES = 'phase,buy_order_id,sell_order_id,price_milli,quantity\n';

async function collect<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('every kind of row is read, plain and gzipped, with any line ending', async () => {
  const text = `${ORDERS}1,phase,auction,,,\n1,new,B,7,51200,100\n2,new,S,8,51300,5\n3,cancel,B,7,,\n4,uncross,,,51250,60\n5,phase,closed,,,`;
  const expected: OrderRow[] = [
    { line: 2, timeMs: 1, op: 'phase', phase: 'auction' },
    { line: 3, timeMs: 1, op: 'new', side: 'B', orderId: 7, priceMilli: 51200, quantity: 100 },
    { line: 4, timeMs: 2, op: 'new', side: 'S', orderId: 8, priceMilli: 51300, quantity: 5 },
    { line: 5, timeMs: 3, op: 'cancel', orderId: 7 },
    { line: 6, timeMs: 4, op: 'uncross', priceMilli: 51250, quantity: 60 },
    { line: 7, timeMs: 5, op: 'phase', phase: 'closed' },
  ];
  const crlf = text.replaceAll('\n', '\r\n');
  for (const path of [file('a.csv', text), file('b.csv', crlf), file('c.csv', `${text}\n`), file('d.csv.gz', gzipSync(text))]) {
    assert.deepEqual(await collect(readOrders(path)), expected, path);
  }
  const trades = file('t.csv', `${TRADES}auction,1,2,51250,60\ncontinuous,3,4,100,7\n`);
  assert.deepEqual(await collect(readTrades(trades)), [
    { line: 2, phase: 'auction', buyOrderId: 1, sellOrderId: 2, priceMilli: 51250, quantity: 60 },
    { line: 3, phase: 'continuous', buyOrderId: 3, sellOrderId: 4, priceMilli: 100, quantity: 7 },
  ]);
});

test('a wrong row is rejected with its file and line', async () => {
  const table: [row: string, detail: RegExp][] = [
    ['1,new,B,7,51200', /5 fields where 6 belong/],
    ['1,new,B,7,51200,1,1', /7 fields where 6 belong/],
    ['1,new,X,7,51200,1', /side "X" is none of B, S/],
    ['1,new,B,0,51200,1', /order_id "0"/],
    ['1,new,B,7,-5,1', /price_milli "-5"/],
    ['1,new,B,7,5.5,1', /price_milli "5.5"/],
    ['1,new,B,7,1e3,1', /price_milli "1e3"/],
    ['1,new,B,7,51200,0', /quantity "0"/],
    ['1,new,B,9007199254740992,51200,1', /order_id/],
    ['1,replace,B,7,51200,1', /op "replace" is none of/],
    ['1,cancel,X,7,,', /side "X"/],
    ['1,cancel,B,7,100,', /field 5 is "100"/],
    ['1,phase,lunch,,,', /phase "lunch"/],
    ['x,phase,auction,,,', /time_ms "x"/],
    ['', /1 fields where 6 belong/],
  ];
  for (const [row, detail] of table) {
    const path = file('wrong.csv', `${ORDERS}0,phase,auction,,,\n${row}\n`);
    await assert.rejects(collect(readOrders(path)), (error) => {
      assert.ok(error instanceof OrderFlowError, row);
      assert.equal(error.code, 'FLOW_ROW');
      assert.ok(error.message.startsWith(`${path}:3: `), error.message);
      assert.match(error.message, detail);
      return true;
    });
  }
  await assert.rejects(collect(readOrders(file('w.csv', `${ORDERS}5,phase,auction,,,\n4,phase,closed,,,\n`))), /:3: time_ms 4 is before/);
});

test('an invalid or incomplete file is rejected by name', async () => {
  await assert.rejects(collect(readOrders(join(folder, 'none.csv'))), { code: 'FLOW_UNREADABLE' });
  await assert.rejects(collect(readOrders(join(folder, 'none.csv.gz'))), { code: 'FLOW_UNREADABLE' });
  await assert.rejects(collect(readOrders(file('empty.csv', ''))), { code: 'FLOW_HEADER' });
  await assert.rejects(collect(readOrders(file('other.csv', TRADES))), { code: 'FLOW_HEADER' });
  await assert.rejects(collect(readTrades(file('other.csv', ORDERS))), { code: 'FLOW_HEADER' });
  await assert.rejects(collect(readOrders(file('plain.csv.gz', ORDERS))), { code: 'FLOW_UNREADABLE' });
  const whole = gzipSync(`${ORDERS}${'1,phase,auction,,,\n'.repeat(1000)}`);
  await assert.rejects(collect(readOrders(file('cut.csv.gz', whole.subarray(0, whole.length - 20)))), { code: 'FLOW_UNREADABLE' });
});

const days = ['600536', '600961', '605580'];
const paths = days.flatMap((day) => [sharedData('sse', `${day}.orders.csv.gz`), sharedData('sse', `${day}.trades.csv.gz`)]);

test('the recorded days are read completely', { skip: missing(...paths) }, async () => {
  let continuous = 0;
  let auctions = 0;
  for (const day of days) {
    let orders = 0;
    for await (const row of readOrders(sharedData('sse', `${day}.orders.csv.gz`))) {
      orders++;
      if (row.op === 'uncross') auctions++;
    }
    for await (const trade of readTrades(sharedData('sse', `${day}.trades.csv.gz`))) if (trade.phase === 'continuous') continuous++;
    assert.ok(orders > 30_000);
  }
  assert.equal(auctions, 6);
  assert.equal(continuous, 78_018);
});
