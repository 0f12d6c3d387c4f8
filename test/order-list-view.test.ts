/** Orders of lists in JSON. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SymbolInfo } from '../engine/threads/directory-info.ts';
import type { OpenOrderInfo } from '../engine/threads/open-order-info.ts';
import { listedOrderView } from '../gateway/endpoints/json/order-list-view.ts';
import { LISTED_ORDER } from '../gateway/endpoints/json/schemas/trading.ts';
import type { OrderRow } from '../gateway/taps/history/queries.ts';

/** Ticks of 0.01, lots of 0.001. */
const SYMBOL = { id: 1, name: 'BTC-USD', tickMantissa: 1, tickDecimals: 2, lotMantissa: 1, lotDecimals: 3 } as SymbolInfo;
const SYMBOLS = { symbol: () => SYMBOL, asset: () => undefined };
const TERMS = { orderId: 9, clientOrderId: 5, symbol: 1, side: 0, timeInForce: 0, price: 10_000 };
const OPEN = { ...TERMS, leaves: 3000, filled: 500, selfTradeMode: 0 } as OpenOrderInfo;
const ROW: OrderRow = {
  ...{ ...TERMS, quantity: 5000, leaves: 4500, filled: 500 },
  ...{ status: 'open', stopPrice: 0, trigger: 0, code: 0, pegged: 0, acceptedUs: 1e6, updatedUs: 2e6 },
};

describe('quantities of a listed order', () => {
  const rows: [what: string, order: OpenOrderInfo | OrderRow, open: OpenOrderInfo | undefined, quantities: string[]][] = [
    ['open, from the engine', OPEN, undefined, ['3.500', '0.500', '3.000']],
    ['open, with a row from before an amend', ROW, OPEN, ['3.500', '0.500', '3.000']],
    ['open, from the history alone', ROW, undefined, ['5.000', '0.500', '4.500']],
    ['cancelled', { ...ROW, status: 'cancelled' }, undefined, ['5.000', '0.500', '0.000']],
  ];
  for (const [what, order, open, quantities] of rows)
    it(what, () => {
      const view = LISTED_ORDER.parse(listedOrderView(SYMBOLS, 1, order, open));
      assert.deepEqual([view.orderQty, view.cumQty, view.leavesQty], quantities);
    });
});
