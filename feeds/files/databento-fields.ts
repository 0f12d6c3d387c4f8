import { ALL_INSTRUMENTS, FeedFault, type FeedSink } from '../feed.ts';
import type { CsvRow } from '../text/csv-reader.ts';
import { DecimalReader, wholeNumber } from '../text/decimal.ts';
import { isoToUs } from '../text/times.ts';
import type { CsvHeader } from './csv-header.ts';

const PRICE_DECIMALS = 9;
const POINT = 0x2e;
const DASH = 0x2d;
const ZERO = 0x30;
const TWO_32 = 2 ** 32;
/** The price, as an integer, of a row that has none; 2^63 - 1. */
const UNDEFINED_PRICE = '9223372036854775807';

/** The columns of a file of Databento, and their values, read without allocation except for new instruments. */
export class DatabentoFields {
  /** Columns of a whole row, without those behind the last that is read. */
  readonly columns: number;
  readonly action: number;
  readonly side: number;
  readonly price: number;
  readonly size: number;
  /** -1 if there is none, as for the following two. */
  readonly orderId: number;
  readonly flags: number;
  /** Levels in each row, best first: 0, 1 or 10. */
  readonly levels: number;
  readonly bidPrice: readonly number[];
  readonly bidSize: readonly number[];
  readonly askPrice: readonly number[];
  readonly askSize: readonly number[];
  readonly #time: number;
  readonly #instrumentId: number;
  readonly #publisher: number;
  readonly #symbol: number;
  readonly #sink: FeedSink;
  readonly #decimal = new DecimalReader();
  /** Number in the sink by publisher * 2^32 + instrument id. */
  readonly #instruments = new Map<number, number>();
  readonly #names = new Set<string>();
  /** Of {@link readPrice}, in 10^-9; -1: the row has no price. */
  priceUnits = -1;
  /** Of {@link readId}. */
  idHigh = 0;
  idLow = 0;

  /** @throws CsvFileError if a column is missing */
  constructor(header: CsvHeader, sink: FeedSink) {
    this.#sink = sink;
    this.#time = header.need('ts_event');
    this.#publisher = header.find('publisher_id');
    this.#instrumentId = header.need('instrument_id');
    this.#symbol = header.find('symbol');
    this.action = header.need('action');
    this.side = header.need('side');
    this.price = header.need('price');
    this.size = header.need('size');
    this.orderId = header.find('order_id');
    this.flags = header.find('flags');
    const level = (name: string) => Array.from({ length: 10 }, (_, depth) => header.find(`${name}_0${depth}`));
    const [bidPrice, bidSize, askPrice, askSize] = ['bid_px', 'bid_sz', 'ask_px', 'ask_sz'].map(level);
    const missing = bidPrice.findIndex((_, depth) => [bidPrice, bidSize, askPrice, askSize].some((columns) => columns[depth] === -1));
    this.levels = missing === -1 ? 10 : missing;
    this.bidPrice = bidPrice;
    this.bidSize = bidSize;
    this.askPrice = askPrice;
    this.askSize = askSize;
    const used = [this.#time, this.#publisher, this.#instrumentId, this.#symbol, this.action, this.side, this.price, this.size];
    const levels = [bidPrice, bidSize, askPrice, askSize].flatMap((columns) => columns.slice(0, this.levels));
    this.columns = Math.max(...used, this.orderId, this.flags, ...levels) + 1;
  }

  /** Instruments so far. */
  get instruments(): number {
    return this.#instruments.size;
  }

  /** The number of the row's instrument in the sink; -1 if it has none, which is counted, or one that the sink does not want. */
  instrument(row: CsvRow): number {
    const id = this.count(row, this.#instrumentId);
    const publisher = this.#publisher === -1 ? 0 : this.count(row, this.#publisher);
    if (id < 0 || id >= TWO_32 || publisher < 0 || publisher >= 2 ** 16) {
      this.#sink.fault(ALL_INSTRUMENTS, FeedFault.UnknownInstrument);
      return -1;
    }
    const key = publisher * TWO_32 + id;
    const known = this.#instruments.get(key);
    return known ?? this.#meet(row, key, publisher);
  }

  /** Time of the venue in microseconds since 1970, 0 if there is none. */
  timeUs(row: CsvRow): number {
    const from = row.from(this.#time);
    const to = row.to(this.#time);
    if (to - from > 4 && row.bytes[from + 4] === DASH) return isoToUs(row.bytes, from, to);
    // Nanoseconds need more than 53 bits: their last three digits are left out.
    const us = to - from > 3 ? wholeNumber(row.bytes, from, to - 3) : 0;
    return us === -1 ? 0 : us;
  }

  /** A whole number, or -1. */
  count(row: CsvRow, column: number): number {
    return wholeNumber(row.bytes, row.from(column), row.to(column));
  }

  /** Reads a price into {@link priceUnits}. Text without a point is in 10^-9. */
  readPrice(row: CsvRow, column: number): FeedFault {
    const { bytes } = row;
    const from = row.from(column);
    const to = row.to(column);
    this.priceUnits = -1;
    if (from === to || isText(bytes, from, to, UNDEFINED_PRICE)) return FeedFault.None;
    const fault = this.#decimal.read(bytes, from, to);
    if (fault !== FeedFault.None) return fault;
    const isFixed = bytes.indexOf(POINT, from) === -1 || bytes.indexOf(POINT, from) >= to;
    if (!isFixed && this.#decimal.decimals > PRICE_DECIMALS) return FeedFault.NumberMalformed;
    this.priceUnits = isFixed ? this.#decimal.mantissa : this.#decimal.units(PRICE_DECIMALS);
    return this.priceUnits === -1 ? FeedFault.NumberTooLarge : FeedFault.None;
  }

  /** Reads an order id of 64 bits. @returns false if it is none */
  readId(row: CsvRow): boolean {
    const { bytes } = row;
    const to = row.to(this.orderId);
    let from = row.from(this.orderId);
    if (from === to || to - from > 20) return false;
    let high = 0;
    let low = 0;
    for (; from < to; from++) {
      const digit = bytes[from] - ZERO;
      if (digit < 0 || digit > 9) return false;
      const next = low * 10 + digit;
      high = high * 10 + Math.floor(next / TWO_32);
      low = next % TWO_32;
    }
    if (high >= TWO_32) return false;
    this.setId(high, low);
    return true;
  }

  setId(high: number, low: number): void {
    this.idHigh = high;
    this.idLow = low;
  }

  #meet(row: CsvRow, key: number, publisher: number): number {
    const symbol = this.#symbol === -1 || row.isEmpty(this.#symbol) ? row.text(this.#instrumentId) : row.text(this.#symbol);
    const name = this.#names.has(symbol) ? `${symbol}.${publisher}` : symbol;
    this.#names.add(name);
    const instrument = this.#sink.instrument(name);
    this.#instruments.set(key, instrument);
    return instrument;
  }
}

function isText(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false;
  for (let at = 0; at < text.length; at++) if (bytes[from + at] !== text.charCodeAt(at)) return false;
  return true;
}
