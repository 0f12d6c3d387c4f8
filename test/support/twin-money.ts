import assert from 'node:assert/strict';
import { Code } from '../../engine/codes.ts';
import { ReportKind, Side } from '../../engine/wire/layout.ts';
import { BTC, type Harness, USD } from './exchange-fixture.ts';
import type { NaiveExchange } from './naive-exchange.ts';
import type { NaiveReport } from './naive-order.ts';

/** What the stops that wait hold back, by order id: in all, and per lot. */
export type Held = ReadonlyMap<number, { readonly all: number; readonly unit: number }>;

/** Buys that wait for their trigger and have a reservation of their own. */
export function heldByStops(naive: NaiveExchange): Held {
  const alone = naive.stops.pending.filter(({ side, link }) => side === Side.Buy && link === undefined);
  return new Map(alone.map((o) => [o.id, { all: naive.need(o), unit: o.stop.unit }]));
}

/**
 * After each command: what is reserved is the sum of what the open orders need, linked ones together once; no balance is negative; and a stop that triggers pays no more
 * than it held back, as long as no trade is above its worst price.
 */
export function checkMoney({ exchange: { accounts } }: Harness, naive: NaiveExchange, held: Held, reports: readonly NaiveReport[]): void {
  for (const account of naive.accounts)
    for (const asset of [USD, BTC]) {
      const at = accounts.balanceAt(account, asset);
      assert.equal(accounts.balances[at + 1], naive.reserved(account, asset), `account ${account}: reserved of asset ${asset}`);
      assert.ok(accounts.balances[at] >= 0, `account ${account}: ${accounts.balances[at]} of asset ${asset} is available`);
      assert.equal(accounts.imbalance(asset), 0);
    }
  for (const { orderId, kind } of reports) {
    const before = held.get(orderId);
    if (kind !== ReportKind.Triggered || before === undefined) continue;
    // A child that grew with the same command holds more than before it.
    if (reports.some((r) => r.orderId === orderId && r.code === Code.PARENT_FILLED)) continue;
    const fills = reports.filter((r) => r.kind === ReportKind.Fill && r.orderId === orderId);
    if (fills.some(({ price }) => price > before.unit)) continue;
    const paid = fills.reduce((sum, { price, quantity, fee }) => sum + price * quantity + fee, 0);
    assert.ok(paid <= before.all, `order ${orderId} held ${before.all} when it triggered, and paid ${paid}`);
  }
}
