import { lineBytes } from './line-bytes.ts';
import { LineError, shownText } from './line-error.ts';

/**
 * A recorded trading day as text, plain or gzipped: the submitted commands in the
 * venue's sequence (ORDERS), and the trades that the venue published (TRADES).
 *
 *   ORDERS  time_ms,op,side_or_phase,order_id,price_milli,quantity
 *           new with side B or S | cancel, its side optional | phase | uncross
 *   TRADES  phase,buy_order_id,sell_order_id,price_milli,quantity
 */
const ORDERS_HEADER = 'time_ms,op,side_or_phase,order_id,price_milli,quantity';
const TRADES_HEADER = 'phase,buy_order_id,sell_order_id,price_milli,quantity';

export type FlowPhase = 'auction' | 'continuous' | 'closed';

interface RowBase {
  /** Line of the file, from 1. */
  readonly line: number;
}

interface OrderRowBase extends RowBase {
  /** Milliseconds since midnight, never less than in the row before. */
  readonly timeMs: number;
}

/** A limit order. `priceMilli`: thousandths of the quote unit. */
export interface NewRow extends OrderRowBase {
  readonly op: 'new';
  readonly side: 'B' | 'S';
  readonly orderId: number;
  readonly priceMilli: number;
  readonly quantity: number;
}

export interface CancelRow extends OrderRowBase {
  readonly op: 'cancel';
  readonly orderId: number;
}

/** A change of the trading phase. */
export interface PhaseRow extends OrderRowBase {
  readonly op: 'phase';
  readonly phase: FlowPhase;
}

/** The auction ended at this price with this volume. A result to compare with, not an input. */
export interface UncrossRow extends OrderRowBase {
  readonly op: 'uncross';
  readonly priceMilli: number;
  readonly quantity: number;
}

export type OrderRow = NewRow | CancelRow | PhaseRow | UncrossRow;

export interface TradeRow extends RowBase {
  readonly phase: 'auction' | 'continuous';
  readonly buyOrderId: number;
  readonly sellOrderId: number;
  readonly priceMilli: number;
  readonly quantity: number;
}

export type OrderFlowErrorCode = 'FLOW_UNREADABLE' | 'FLOW_HEADER' | 'FLOW_ROW';

export class OrderFlowError extends LineError<OrderFlowErrorCode> {
  override readonly name = 'OrderFlowError';
}

/** The rows of an ORDERS file, read on demand. @throws OrderFlowError */
export async function* readOrders(path: string): AsyncGenerator<OrderRow> {
  let earliest = 0;
  for await (const fields of rows(path, ORDERS_HEADER)) {
    const row = orderRow(fields);
    if (row.timeMs < earliest) throw fields.error(`time_ms ${row.timeMs} is before the row above; sort the file by time`);
    earliest = row.timeMs;
    yield row;
  }
}

/** The rows of a TRADES file, read on demand. @throws OrderFlowError */
export async function* readTrades(path: string): AsyncGenerator<TradeRow> {
  for await (const fields of rows(path, TRADES_HEADER)) {
    yield {
      line: fields.line,
      phase: fields.oneOf(0, 'phase', ['auction', 'continuous']),
      buyOrderId: fields.count(1, 'buy_order_id', 1),
      sellOrderId: fields.count(2, 'sell_order_id', 1),
      priceMilli: fields.count(3, 'price_milli', 1),
      quantity: fields.count(4, 'quantity', 1),
    };
  }
}

function orderRow(fields: Fields): OrderRow {
  const line = fields.line;
  const timeMs = fields.count(0, 'time_ms', 0);
  const op = fields.oneOf(1, 'op', ['new', 'cancel', 'phase', 'uncross']);
  switch (op) {
    case 'new': {
      const side = fields.oneOf(2, 'side', ['B', 'S']);
      const orderId = fields.count(3, 'order_id', 1);
      return { line, timeMs, op, side, orderId, priceMilli: fields.count(4, 'price_milli', 1), quantity: fields.count(5, 'quantity', 1) };
    }
    case 'cancel':
      fields.oneOf(2, 'side', ['B', 'S', '']);
      fields.empty(4, 5);
      return { line, timeMs, op, orderId: fields.count(3, 'order_id', 1) };
    case 'phase':
      fields.empty(3, 4, 5);
      return { line, timeMs, op, phase: fields.oneOf(2, 'phase', ['auction', 'continuous', 'closed']) };
    case 'uncross':
      fields.empty(2, 3);
      return { line, timeMs, op, priceMilli: fields.count(4, 'price_milli', 0), quantity: fields.count(5, 'quantity', 0) };
  }
}

/** The fields of one line, and errors about them. */
class Fields {
  readonly line: number;
  readonly #path: string;
  readonly #values: string[];

  constructor(path: string, line: number, text: string, expected: number) {
    this.line = line;
    this.#path = path;
    this.#values = text.split(',');
    if (this.#values.length !== expected) throw this.error(`${this.#values.length} fields where ${expected} belong: ${shownText(text)}`);
  }

  /** An integer in [least, 2^53) in plain digits. */
  count(index: number, name: string, least: number): number {
    const text = this.#values[index];
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < least) throw this.error(`${name} ${shownText(text)} is not an integer in [${least}, 2^53)`);
    return value;
  }

  oneOf<const Choice extends string>(index: number, name: string, choices: readonly Choice[]): Choice {
    const text = this.#values[index];
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw this.error(`${name} ${shownText(text)} is none of ${choices.join(', ')}`);
    return found;
  }

  empty(...indexes: number[]): void {
    for (const index of indexes) {
      if (this.#values[index] !== '') throw this.error(`field ${index + 1} is ${shownText(this.#values[index])} where nothing belongs`);
    }
  }

  error(detail: string): OrderFlowError {
    return new OrderFlowError('FLOW_ROW', this.#path, this.line, detail);
  }
}

async function* rows(path: string, header: string): AsyncGenerator<Fields> {
  const expected = header.split(',').length;
  let line = 0;
  for await (const text of lines(path)) {
    line++;
    if (line > 1) yield new Fields(path, line, text, expected);
    else if (text !== header)
      throw new OrderFlowError('FLOW_HEADER', path, 1, `starts with ${shownText(text)}; expected the header ${header}`);
  }
  if (line === 0) throw new OrderFlowError('FLOW_HEADER', path, 1, `is empty; expected the header ${header}`);
}

async function* lines(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of lineBytes(path, undefined, unreadable(path))) {
    const parts = (rest + chunk.toString('latin1')).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield part.endsWith('\r') ? part.slice(0, -1) : part;
  }
  if (rest !== '') yield rest;
}

function unreadable(path: string): (reason: string, isCut: boolean, cause: unknown) => OrderFlowError {
  return (reason, _isCut, cause) =>
    new OrderFlowError('FLOW_UNREADABLE', path, 0, `cannot be read to its end (${reason}); check the path, or fetch it again`, { cause });
}
