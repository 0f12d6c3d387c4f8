import assert from 'node:assert/strict';
import { auditBooks } from '../../engine/book/book-audit.ts';
import type { OrderBook } from '../../engine/book/order-book.ts';
import { codeName } from '../../engine/codes.ts';
import type { Limits } from '../../engine/limits.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { StateLoader, saveState } from '../../engine/machine/state-rows.ts';
import { Phase } from '../../engine/wire/layout.ts';
import { type Harness, parseCommand, USD } from './exchange-fixture.ts';

/** Prices 64 to 127 are a page of each side, and so on. */
export const PAGE = 64;

export function audit({ exchange }: Harness): void {
  const books = exchange.books.filter((book): book is OrderBook => book !== undefined);
  auditBooks(
    exchange.slab,
    exchange.pages,
    books,
    (book) => exchange.symbols.phase[book.symbol] !== Phase.Continuous,
    exchange.stops.books,
    [...exchange.waiting.slots(), ...exchange.pegs.parked()],
  );
  const reserved = exchange.accounts.imbalance(USD);
  assert.equal(reserved, 0);
}

export function copyOf(exchange: Exchange, limits: Limits): Exchange {
  const copy = new Exchange(limits);
  const loader = new StateLoader(copy);
  saveState(exchange, (rows, count) => loader.load(rows, count));
  return copy;
}

/** The codes of the reports that a line causes. */
export function codes(harness: Harness, line: string): string[] {
  return harness.do(parseCommand(line)).reports.map(({ code }) => codeName(code));
}
