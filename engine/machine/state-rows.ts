import { createHash } from 'node:crypto';
import { assert, fail } from '../assert.ts';
import { SYMBOL_PARAMS } from '../params.ts';
import { NAME_BYTES } from '../rules/accounts.ts';
import { Side } from '../wire/layout.ts';
import type { Exchange } from './exchange.ts';

/**
 * The state of an exchange as rows of numbers, in one canonical order. A
 * snapshot is these rows; the state hash is their SHA-256. They say what is
 * so, not where it stands in memory: another capacity, or another layout of
 * the book, reads the same rows and gives the same hash.
 */
export const ROW_FIELDS = 12;
const CHUNK_ROWS = 4096;

const Row = {
  /** seq, timeUs, lastOrderId */
  Meta: 1,
  /** id, decimals, fees, deposited, name (4) */
  Asset: 2,
  /** id, base, quote, tick mantissa, tick decimals, lot mantissa, lot decimals, phase, last price, trade id */
  Symbol: 3,
  /** symbol, parameter, value */
  SymbolParam: 4,
  /** symbol, name (4); after its parameters */
  SymbolName: 5,
  /** id, suspended, max open orders, report no, forgotten id, name (4) */
  Account: 6,
  /** account, asset, available, reserved */
  Balance: 7,
  /** id, client order id, price, open, filled, account, symbol, side, time in force, tag; by symbol, side, priority */
  Order: 8,
  /** account, client order id, order id, code, symbol, side, time in force, price, quantity; oldest first */
  Remembered: 9,
} as const;

/** Where the time is in the row of {@link Row.Meta}, which is the first. */
const META_TIME = 2;

/** Takes `count` rows of {@link ROW_FIELDS} numbers; the array is reused after the call. */
export type RowSink = (rows: Float64Array, count: number) => void;

/** Writes the whole state. Cold: call it between two commands, in the thread that owns the exchange. */
export function saveState(exchange: Exchange, sink: RowSink): void {
  const out = new RowBuffer(sink);
  const { accounts, symbols, slab, clientOrderIds: ids } = exchange;
  out.row(Row.Meta, exchange.seq, exchange.timeUs, exchange.lastOrderId);
  for (let asset = 0; asset < accounts.assets; asset++) {
    if (accounts.assetDefined[asset] === 0) continue;
    const name = nameWords(accounts.assetNames, asset);
    out.row(Row.Asset, asset, accounts.assetDecimals[asset], accounts.fees[asset], accounts.deposited[asset], ...name);
  }
  for (let symbol = 0; symbol < symbols.capacity; symbol++) {
    if (symbols.defined[symbol] === 0) continue;
    out.row(
      Row.Symbol,
      symbol,
      symbols.baseAsset[symbol],
      symbols.quoteAsset[symbol],
      symbols.tickMantissa[symbol],
      symbols.tickDecimals[symbol],
      symbols.lotMantissa[symbol],
      symbols.lotDecimals[symbol],
      symbols.phase[symbol],
      symbols.lastPrice[symbol],
      symbols.tradeId[symbol],
    );
    for (let param = 0; param < SYMBOL_PARAMS; param++) out.row(Row.SymbolParam, symbol, param, symbols.param(symbol, param));
    out.row(Row.SymbolName, symbol, ...nameWords(symbols.names, symbol));
  }
  for (let account = 0; account < accounts.capacity; account++) {
    if (accounts.defined[account] === 0 && accounts.reportNo[account] === 0) continue;
    out.row(
      Row.Account,
      account,
      accounts.suspended[account],
      accounts.maxOpenOrders[account],
      accounts.reportNo[account],
      accounts.forgottenId[account],
      ...nameWords(accounts.names, account),
    );
    for (let asset = 0; asset < accounts.assets; asset++) {
      const at = account * accounts.assets + asset;
      if (accounts.available[at] === 0 && accounts.reserved[at] === 0) continue;
      out.row(Row.Balance, account, asset, accounts.available[at], accounts.reserved[at]);
    }
  }
  for (const book of exchange.books) {
    if (book === undefined) continue;
    for (const side of [Side.Buy, Side.Sell]) {
      book.ordersInPriority(side, (slot) => {
        out.row(
          Row.Order,
          slab.id[slot],
          slab.clientOrderId[slot],
          slab.price[slot],
          slab.open[slot],
          slab.filled[slot],
          slab.account[slot],
          slab.symbol[slot],
          side,
          slab.timeInForce[slot],
          slab.tag[slot],
        );
      });
    }
  }
  for (const index of ids.remembered()) {
    out.row(
      Row.Remembered,
      ids.account[index],
      ids.clientOrderId[index],
      ids.orderId[index],
      ids.code[index],
      ids.symbol[index],
      ids.side[index],
      ids.timeInForce[index],
      ids.price[index],
      ids.quantity[index],
    );
  }
  out.flush();
}

/**
 * Puts rows into a new exchange. Give it the chunks that `saveState` gave, in
 * order. @throws InvariantError when the rows need more capacity than the exchange has
 */
export class StateLoader {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    assert(exchange.seq === 0, 'state is loaded into a new exchange');
    this.#exchange = exchange;
  }

  load(rows: Float64Array, count: number): void {
    for (let at = 0; at < count * ROW_FIELDS; at += ROW_FIELDS) this.#row(rows, at);
  }

  #row(r: Float64Array, at: number): void {
    const exchange = this.#exchange;
    const { accounts, symbols } = exchange;
    const id = r[at + 1];
    switch (r[at]) {
      case Row.Meta:
        exchange.seq = id;
        exchange.timeUs = r[at + 2];
        exchange.lastOrderId = r[at + 3];
        return;
      case Row.Asset:
        within(id, accounts.assets, 'assets');
        accounts.assetDefined[id] = 1;
        accounts.assetDecimals[id] = r[at + 2];
        accounts.fees[id] = r[at + 3];
        accounts.deposited[id] = r[at + 4];
        setName(accounts.assetNames, id, r, at + 5);
        return;
      case Row.Symbol:
        within(id, symbols.capacity, 'symbols');
        symbols.define(id);
        symbols.baseAsset[id] = r[at + 2];
        symbols.quoteAsset[id] = r[at + 3];
        symbols.tickMantissa[id] = r[at + 4];
        symbols.tickDecimals[id] = r[at + 5];
        symbols.lotMantissa[id] = r[at + 6];
        symbols.lotDecimals[id] = r[at + 7];
        symbols.phase[id] = r[at + 8];
        symbols.lastPrice[id] = r[at + 9];
        symbols.tradeId[id] = r[at + 10];
        symbols.deriveUnits(id, accounts.assetDecimals);
        return;
      case Row.SymbolParam:
        symbols.setParam(id, r[at + 2], r[at + 3]);
        return;
      case Row.SymbolName:
        setName(symbols.names, id, r, at + 2);
        exchange.openBook(id);
        return;
      case Row.Account:
        within(id, accounts.capacity, 'accounts');
        if (id !== 0) accounts.define(id);
        accounts.suspended[id] = r[at + 2];
        accounts.maxOpenOrders[id] = r[at + 3];
        accounts.reportNo[id] = r[at + 4];
        accounts.forgottenId[id] = r[at + 5];
        setName(accounts.names, id, r, at + 6);
        return;
      case Row.Balance:
        accounts.available[id * accounts.assets + r[at + 2]] = r[at + 3];
        accounts.reserved[id * accounts.assets + r[at + 2]] = r[at + 4];
        return;
      case Row.Order:
        return this.#order(r, at);
      case Row.Remembered:
        exchange.clientOrderIds.remember(id, r[at + 2], r[at + 3], r[at + 4], r[at + 5], r[at + 6], r[at + 7], r[at + 8], r[at + 9]);
        return;
      default:
        fail(`state row of unknown kind ${r[at]}`);
    }
  }

  #order(r: Float64Array, at: number): void {
    const { slab, accounts, books, clientOrderIds } = this.#exchange;
    const slot = slab.acquire(r[at + 1]);
    if (slot === -1) fail(`the snapshot has more resting orders than limits.orders = ${slab.capacity}; start with a larger limit`);
    slab.clientOrderId[slot] = r[at + 2];
    slab.price[slot] = r[at + 3];
    slab.open[slot] = r[at + 4];
    slab.filled[slot] = r[at + 5];
    slab.account[slot] = r[at + 6];
    slab.symbol[slot] = r[at + 7];
    slab.side[slot] = r[at + 8];
    slab.timeInForce[slot] = r[at + 9];
    slab.tag[slot] = r[at + 10];
    if (books[r[at + 7]]?.rest(slot) !== true) fail(`the snapshot has more price levels than limits.pages hold; start with a larger limit`);
    clientOrderIds.addResting(slot);
    this.#exchange.noteLoaded(slot);
    accounts.openOrders[r[at + 6]]++;
  }
}

/** SHA-256 over the canonical rows, in hex. */
export function stateHash(exchange: Exchange): string {
  const hash = createHash('sha256');
  saveState(exchange, (rows, count) => hash.update(new Uint8Array(rows.buffer, rows.byteOffset, count * ROW_FIELDS * 8)));
  return hash.digest('hex');
}

/**
 * The same without the time of the last command, the only clock in the state:
 * equal for two exchanges that took the same commands at different times, such
 * as a shard and its shadow.
 */
export function tradingHash(exchange: Exchange): string {
  const hash = createHash('sha256');
  saveState(exchange, (rows, count) => {
    if (rows[0] === Row.Meta) rows[META_TIME] = 0;
    hash.update(new Uint8Array(rows.buffer, rows.byteOffset, count * ROW_FIELDS * 8));
  });
  return hash.digest('hex');
}

class RowBuffer {
  readonly #rows = new Float64Array(CHUNK_ROWS * ROW_FIELDS);
  readonly #sink: RowSink;
  #count = 0;

  constructor(sink: RowSink) {
    this.#sink = sink;
  }

  row(...fields: number[]): void {
    const at = this.#count * ROW_FIELDS;
    this.#rows.fill(0, at, at + ROW_FIELDS);
    this.#rows.set(fields, at);
    if (++this.#count === CHUNK_ROWS) this.flush();
  }

  flush(): void {
    if (this.#count > 0) this.#sink(this.#rows, this.#count);
    this.#count = 0;
  }
}

function within(id: number, capacity: number, what: string): void {
  if (id >= capacity) fail(`the snapshot has ${what} up to id ${id}, limits.${what} is ${capacity}; start with a larger limit`);
}

/** A name as four numbers: 16 raw bytes in doubles could be a NaN, whose bits do not survive. */
function nameWords(names: Uint8Array, index: number): number[] {
  const view = new DataView(names.buffer, names.byteOffset + index * NAME_BYTES, NAME_BYTES);
  return [0, 4, 8, 12].map((at) => view.getUint32(at, true));
}

function setName(names: Uint8Array, index: number, rows: Float64Array, at: number): void {
  const view = new DataView(names.buffer, names.byteOffset + index * NAME_BYTES, NAME_BYTES);
  for (let i = 0; i < 4; i++) view.setUint32(i * 4, rows[at + i], true);
}
