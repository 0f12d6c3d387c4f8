import assert from 'node:assert/strict';
import type { it } from 'node:test';
import { auditBooks } from '../../engine/book/book-audit.ts';
import type { SymbolParam } from '../../engine/params.ts';
import { BTC, Harness, runLedger, SYMBOL, tidyLedger, USD } from './exchange-fixture.ts';
import { sameFromAnySnapshot } from './snapshot-at-any.ts';

type Params = Partial<Record<keyof typeof SymbolParam, number>>;

/** A ledger as two tests: its reports and its money; and that an exchange from any snapshot has the same state. */
export function ledgerOf(test: typeof it): (name: string, text: string, params?: Params, set?: (h: Harness) => void) => void {
  return (name, text, params = {}, set) => {
    test(name, () => {
      const harness = new Harness().setUp(5, params);
      set?.(harness);
      assert.equal(runLedger(harness, text), tidyLedger(text));
      audit(harness);
    });
    test(`${name}: the same from any snapshot`, () => {
      const harness = new Harness().setUp(5, params);
      set?.(harness);
      sameFromAnySnapshot(harness, text);
    });
  };
}

/** The books are in order, no money is lost, and nothing is reserved without an order. */
export function audit({ exchange }: Harness): void {
  const { slab, pages, books, stops, waiting, links, accounts } = exchange;
  const book = books[SYMBOL];
  if (book !== undefined) auditBooks(slab, pages, [book], () => true, stops.books, waiting.slots(), links.waiting());
  for (const asset of [USD, BTC]) assert.equal(accounts.imbalance(asset), 0);
  for (let account = 1; account < accounts.capacity; account++) {
    const held = [0, 0];
    for (let slot = 0; slot < slab.capacity; slot++)
      if (slab.level(slot) !== -1 && slab.account(slot) === account) held[slab.side(slot)] += slab.held(slot);
    for (const [side, asset] of [USD, BTC].entries())
      assert.equal(
        accounts.balances[accounts.balanceAt(account, asset) + 1],
        held[side],
        `account ${account} reserves what its orders hold`,
      );
  }
}
