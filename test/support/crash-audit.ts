import assert from 'node:assert/strict';
import { ReportKind } from '../../engine/wire/layout.ts';
import { ReportFlag } from '../../engine/wire/names.ts';
import { type CrashClient, field } from './crash-client.ts';

/**
 * All reports of all accounts of a market, from the first: numbered without
 * gaps, no order accepted twice, each order's story adds up, and every trade
 * has its two sides, once each, at the same price and quantity.
 * @returns the trades
 */
export function auditReports(clients: readonly CrashClient[]): number {
  const trades = new Map<number, { price: number; quantity: number; orders: number[] }>();
  for (const { account, reports } of clients) {
    const accepted = new Set<number>();
    const open = new Map<number, number>();
    let seq = 0;
    for (const [i, report] of reports.entries()) {
      const where = `account ${account} report ${i + 1}`;
      assert.equal(field.no(report), i + 1, where);
      assert.ok(field.seq(report) >= seq, `${where}: seq goes back`);
      seq = field.seq(report);
      const order = field.orderId(report);
      const kind = field.kind(report);
      if (kind === ReportKind.Accepted) {
        if ((field.flags(report) & ReportFlag.Duplicate) !== 0) continue;
        assert.ok(!accepted.has(field.clientOrderId(report)), `${where}: order ${field.clientOrderId(report)} was accepted twice`);
        accepted.add(field.clientOrderId(report));
        open.set(order, field.quantity(report));
      } else if (kind === ReportKind.Fill) {
        const left = (open.get(order) ?? Number.NaN) - field.quantity(report);
        assert.equal(field.leaves(report), left, `${where}: order ${order} leaves ${field.leaves(report)}`);
        open.set(order, left);
        countTrade(trades, report, where);
      } else if (kind === ReportKind.Amended) {
        assert.ok((open.get(order) ?? 0) > 0, `${where}: amended order ${order} was not open`);
        open.set(order, field.leaves(report));
      } else if (kind === ReportKind.Cancelled) {
        assert.equal(field.quantity(report), open.get(order), `${where}: cancelled order ${order}`);
        open.set(order, 0);
      }
    }
  }
  for (const [id, { orders }] of trades) assert.equal(orders.length, 2, `trade ${id} has ${orders.length} sides`);
  for (let id = 1; id <= trades.size; id++) assert.ok(trades.has(id), `trade ${id} is missing`);
  return trades.size;
}

function countTrade(trades: Map<number, { price: number; quantity: number; orders: number[] }>, report: Int32Array, where: string): void {
  const id = field.tradeId(report);
  const trade = trades.get(id);
  if (trade === undefined) {
    trades.set(id, { price: field.price(report), quantity: field.quantity(report), orders: [field.orderId(report)] });
    return;
  }
  assert.deepEqual([field.price(report), field.quantity(report)], [trade.price, trade.quantity], `${where}: trade ${id}`);
  assert.equal(field.contra(report), trade.orders[0], `${where}: trade ${id}`);
  trade.orders.push(field.orderId(report));
}
