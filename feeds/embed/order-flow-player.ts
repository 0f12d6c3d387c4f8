import { unitsToDecimal } from '../../engine/decimal.ts';
import { type EmbeddedExchange, OrderResult, type SymbolUnits, type UncrossResult } from '../../engine/index.ts';
import type { OrderRow } from '../files/order-flow-csv.ts';

/** Prices of rows are thousandths of the quote unit. */
const MILLI_DECIMALS = 3;

export interface OrderFlowPlayerOptions {
  readonly symbol: string | number;
  /** Account of the recorded orders. Their ids are its client order ids. */
  readonly account: string | number;
  /** Midnight of the recorded day, microseconds since the Unix epoch. Default 0. */
  readonly dayStartUs?: number;
}

/**
 * Plays a recorded trading day (docs/REPLAY.md) into an embedded exchange, row by row: every order, every cancel, both auctions, each at its recorded
 * time. Without own orders, the trades are those of the venue. One thread owns it.
 */
export class OrderFlowPlayer {
  /** Rows that were applied, and orders and cancels that the exchange rejected: with own orders in the book, some cancels come too late. */
  rows = 0;
  rejected = 0;
  readonly #exchange: EmbeddedExchange;
  readonly #options: OrderFlowPlayerOptions;
  readonly #units: SymbolUnits;
  readonly #dayStartUs: number;
  readonly #result = new OrderResult();

  /** @throws EmbedError UNKNOWN_SYMBOL, UNKNOWN_ACCOUNT */
  constructor(exchange: EmbeddedExchange, options: OrderFlowPlayerOptions) {
    this.#exchange = exchange;
    this.#options = options;
    this.#units = exchange.units(options.symbol);
    this.#dayStartUs = options.dayStartUs ?? 0;
    exchange.account(options.account);
  }

  /** Applies a row. @returns the result of an auction @throws EmbedError for a price or quantity that the symbol cannot have */
  apply(row: OrderRow): UncrossResult | undefined {
    const { symbol, account } = this.#options;
    const exchange = this.#exchange;
    const timeUs = this.#dayStartUs + row.timeMs * 1000;
    if (timeUs > exchange.nowUs) exchange.advanceTo(timeUs);
    this.rows++;
    switch (row.op) {
      case 'new': {
        const side = row.side === 'B' ? 'buy' : 'sell';
        const price = this.#units.ticks(unitsToDecimal(row.priceMilli, 1, MILLI_DECIMALS));
        const quantity = this.#units.lots(String(row.quantity));
        exchange.place({ account, symbol, side, price, quantity, clientOrderId: row.orderId }, this.#result);
        if (!this.#result.accepted) this.rejected++;
        return undefined;
      }
      case 'cancel':
        exchange.cancel({ account, symbol, clientOrderId: row.orderId }, this.#result);
        if (!this.#result.accepted) this.rejected++;
        return undefined;
      case 'phase':
        exchange.setPhase(symbol, row.phase);
        return undefined;
      case 'uncross':
        return exchange.uncross(symbol);
    }
  }
}
