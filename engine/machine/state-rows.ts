import { createHash } from 'node:crypto';
import { assert, fail } from '../assert.ts';
import { ROW_FIELDS, RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { Exchange } from './exchange.ts';

export { ROW_FIELDS } from '../state-part.ts';

const CHUNK_ROWS = 4096;
/** Columns of seq and time in the row of {@link RowKind.Meta}, which is the first row. */
const META_SEQ = 1;
const META_TIME = 2;
const META_TRIGGERS_FROM = 4;

/** Receives `count` rows of {@link ROW_FIELDS} numbers. The array is reused after the call. */
export type RowSink = (rows: Float64Array, count: number) => void;

/** Writes the whole state. Cold: call it between two commands, in the thread that owns the exchange. */
export function saveState(exchange: Exchange, sink: RowSink): void {
  saveParts(exchange, exchange.parts, sink);
}

/**
 * Loads rows into a new exchange. Pass the chunks of `saveState`, in order.
 * @throws InvariantError if the rows exceed the capacity of the exchange
 */
export class StateLoader {
  readonly #exchange: Exchange;
  readonly #partOf = new Map<number, StatePart>();

  constructor(exchange: Exchange) {
    assert(exchange.seq === 0, 'state is loaded into a new exchange');
    this.#exchange = exchange;
    for (const part of exchange.parts) for (const kind of part.kinds) this.#partOf.set(kind, part);
  }

  load(rows: Float64Array, count: number): void {
    for (let at = 0; at < count * ROW_FIELDS; at += ROW_FIELDS) {
      if (rows[at] === RowKind.Meta) this.#loadMeta(rows, at);
      else (this.#partOf.get(rows[at]) ?? fail(`state row of unknown kind ${rows[at]}`)).load(rows, at);
    }
  }

  #loadMeta(rows: Float64Array, at: number): void {
    const exchange = this.#exchange;
    exchange.seq = rows[at + 1];
    exchange.timeUs = rows[at + 2];
    exchange.lastOrderId = rows[at + 3];
    exchange.triggersFromUs = rows[at + 4];
    // A state whose rules were not logged has no row of rules.
    exchange.configuration.beginUnlogged();
  }
}

/** SHA-256 over the canonical rows, in hex. @param onRows called between two parts of the rows, for progress */
export function stateHash(exchange: Exchange, onRows: () => void = () => undefined): string {
  const hash = createHash('sha256');
  saveState(exchange, (rows, count) => {
    hash.update(new Uint8Array(rows.buffer, rows.byteOffset, count * ROW_FIELDS * 8));
    onRows();
  });
  return hash.digest('hex');
}

/**
 * The hash of the trading state: without sequence and time, and without the
 * engine's own commands (rules, capacities, digests). It is equal for two
 * exchanges that received the same external commands at different times, such
 * as a shard and its shadow.
 * @param onRows called between two parts of the rows, for progress
 */
export function tradingHash(exchange: Exchange, onRows: () => void = () => undefined): string {
  const hash = createHash('sha256');
  const parts = exchange.parts.filter((part) => part !== exchange.digest && part !== exchange.configuration);
  saveParts(exchange, parts, (rows, count) => {
    if (rows[0] === RowKind.Meta) {
      rows[META_SEQ] = 0;
      rows[META_TIME] = 0;
      rows[META_TRIGGERS_FROM] = 0;
    }
    hash.update(new Uint8Array(rows.buffer, rows.byteOffset, count * ROW_FIELDS * 8));
    onRows();
  });
  return hash.digest('hex');
}

function saveParts(exchange: Exchange, parts: readonly StatePart[], sink: RowSink): void {
  const out = new RowBuffer(sink);
  out.row(RowKind.Meta, exchange.seq, exchange.timeUs, exchange.lastOrderId, exchange.triggersFromUs);
  for (const part of parts) part.save(out);
  out.flush();
}

class RowBuffer implements RowWriter {
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
