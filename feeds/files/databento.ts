import { endBook } from '../books/end-book.ts';
import { AddedOrder, OrderLevels } from '../books/order-levels.ts';
import { areSorted, replaceLevels } from '../books/replace-levels.ts';
import { ALL_INSTRUMENTS, BookSide, FeedFault, type FeedSink, FeedState, TakerSide } from '../feed.ts';
import type { CsvHandler, CsvRow } from '../text/csv-reader.ts';
import { CsvHeader } from './csv-header.ts';
import { DatabentoFields } from './databento-fields.ts';

/** Bits of `flags`. */
const Flag = { Last: 128, TopOfBook: 64 } as const;
/** Values of `action`. */
const Action = {
  Add: code('A'),
  Cancel: code('C'),
  Modify: code('M'),
  Clear: code('R'),
  Trade: code('T'),
  Fill: code('F'),
  None: code('N'),
} as const;
const BID = code('B');
const ASK = code('A');
const MAX_LEVELS = 10;
/** Upper half of the ids that stand for the best price of a side where there are no orders. */
const TOP_OF_BOOK = 0xffff_ffff;
/** Prices of Databento are integers of 10^-9. */
export const DATABENTO_PRICE_DECIMALS = 9;

/**
 * CSV of Databento in the schemas `mbo`, `mbp-1`, `mbp-10`, `tbbo` and `trades`: books and trades of any number of
 * instruments. The header decides: with `order_id` the book is made of orders, with `bid_px_00` each row has its
 * first levels. Prices and times are read in both forms, as integers of 10^-9 and as text with a point or a date.
 *
 * An update of `mbo` ends with the row that has the flag F_LAST. Trades are the rows with action T; fills (F) are the
 * other side of them and change nothing: the cancellation that follows takes the quantity from the order.
 * A dataset of several publishers has a book for each: the second and further ones of a symbol are called
 * `SYMBOL.PUBLISHER`.
 *
 * Source: https://databento.com/docs/schemas-and-data-formats/mbo and .../mbp-10
 */
export class DatabentoCsv implements CsvHandler {
  readonly #sink: FeedSink;
  readonly #orders: OrderLevels;
  readonly #prices = new Float64Array(MAX_LEVELS);
  readonly #quantities = new Float64Array(MAX_LEVELS);
  #fields: DatabentoFields | undefined;
  /** Instruments with changes after their last {@link FeedSink.bookEnd}, by number. */
  readonly #open: boolean[] = [];
  #timeUs = 0;
  /** Rows behind the header. */
  rows = 0;

  constructor(sink: FeedSink) {
    this.#sink = sink;
    this.#orders = new OrderLevels(sink);
  }

  get hasHeader(): boolean {
    return this.#fields !== undefined;
  }

  /** @throws CsvFileError for a header without the columns of a schema */
  row(row: CsvRow): void {
    if (this.#fields === undefined) {
      this.#fields = new DatabentoFields(CsvHeader.of(row), this.#sink);
      return;
    }
    this.rows++;
    const fields = this.#fields;
    if (row.count < fields.columns) return this.#sink.fault(ALL_INSTRUMENTS, FeedFault.MissingField);
    const known = fields.instruments;
    const instrument = fields.instrument(row);
    if (instrument === -1) return;
    if (fields.instruments > known) this.#meet(instrument);
    this.#timeUs = fields.timeUs(row);
    const action = row.letter(fields.action);
    if (action === Action.Trade) this.#trade(row, fields, instrument);
    if (fields.orderId !== -1) this.#order(row, fields, instrument, action);
    else if (fields.levels > 0) this.#levels(row, fields, instrument);
  }

  /** The file ends: updates without their last row end, too. */
  end(): void {
    this.#open.forEach((open, instrument) => {
      if (open) this.#orders.end(instrument, this.#timeUs);
    });
    this.#open.length = 0;
  }

  #meet(instrument: number): void {
    this.#sink.scale(instrument, DATABENTO_PRICE_DECIMALS, 0);
    this.#sink.bookClear(instrument);
    this.#orders.end(instrument, 0);
    this.#sink.status(instrument, FeedState.Live, FeedFault.None);
  }

  #trade(row: CsvRow, fields: DatabentoFields, instrument: number): void {
    const fault = fields.readPrice(row, fields.price);
    const size = fields.count(row, fields.size);
    if (fault !== FeedFault.None || fields.priceUnits === -1) {
      return this.#sink.fault(instrument, fault === FeedFault.None ? FeedFault.MissingField : fault);
    }
    if (size <= 0) return this.#sink.fault(instrument, FeedFault.NumberMalformed);
    const side = row.letter(fields.side);
    const taker = side === BID ? TakerSide.Buy : side === ASK ? TakerSide.Sell : TakerSide.Unknown;
    this.#sink.trade(instrument, fields.priceUnits, size, taker, this.#timeUs, 0);
  }

  #order(row: CsvRow, fields: DatabentoFields, instrument: number, action: number): void {
    switch (action) {
      case Action.Add:
      case Action.Modify:
        this.#put(row, fields, instrument, action);
        break;
      case Action.Cancel:
        this.#cancel(row, fields, instrument);
        break;
      case Action.Clear:
        this.#orders.clear(instrument);
        this.#open[instrument] = true;
        break;
      case Action.Trade:
      case Action.Fill:
      case Action.None:
        break;
      default:
        this.#sink.fault(instrument, FeedFault.UnknownMessage);
    }
    const isLast = fields.flags === -1 || (fields.count(row, fields.flags) & Flag.Last) !== 0;
    if (!isLast || !this.#open[instrument]) return;
    this.#open[instrument] = false;
    this.#orders.end(instrument, this.#timeUs);
  }

  /** A new order, or new terms of one. Terms of an order that is not known make it known, as Databento's own books do. */
  #put(row: CsvRow, fields: DatabentoFields, instrument: number, action: number): void {
    const letter = row.letter(fields.side);
    const side = letter === BID ? BookSide.Bid : BookSide.Ask;
    const fault = fields.readPrice(row, fields.price);
    const size = fields.count(row, fields.size);
    const topOfBook = fields.flags !== -1 && (fields.count(row, fields.flags) & Flag.TopOfBook) !== 0;
    if ((letter !== BID && letter !== ASK) || size < 0 || (size === 0 && !topOfBook)) {
      return this.#sink.fault(instrument, FeedFault.NumberMalformed);
    }
    if (fault !== FeedFault.None) return this.#sink.fault(instrument, fault);
    if (fields.priceUnits === -1 && !topOfBook) return this.#sink.fault(instrument, FeedFault.MissingField);
    // A best price instead of an order: one for each side, without an id of its own. Without a price the side is empty.
    if (topOfBook) fields.setId(TOP_OF_BOOK, side);
    else if (!fields.readId(row)) return this.#sink.fault(instrument, FeedFault.NumberMalformed);
    const order = this.#orders.find(instrument, fields.idHigh, fields.idLow);
    if (order !== -1 && action === Action.Add && !topOfBook) return this.#sink.fault(instrument, FeedFault.DuplicateOrder);
    this.#open[instrument] = true;
    if (order !== -1) this.#orders.remove(order);
    if (fields.priceUnits === -1 || size === 0) return;
    const added = this.#orders.add(instrument, fields.idHigh, fields.idLow, side, fields.priceUnits, size);
    if (added !== AddedOrder.Done) this.#sink.fault(instrument, FeedFault.BookFull);
  }

  #cancel(row: CsvRow, fields: DatabentoFields, instrument: number): void {
    const size = fields.count(row, fields.size);
    if (!fields.readId(row) || size < 0) return this.#sink.fault(instrument, FeedFault.NumberMalformed);
    const order = this.#orders.find(instrument, fields.idHigh, fields.idLow);
    if (order === -1) return this.#sink.fault(instrument, FeedFault.UnknownOrder);
    if (size === 0) return this.#sink.fault(instrument, FeedFault.NumberMalformed);
    if (size > this.#orders.quantityOf(order)) this.#sink.fault(instrument, FeedFault.OrderExceeded);
    this.#open[instrument] = true;
    this.#orders.reduce(order, size);
  }

  #levels(row: CsvRow, fields: DatabentoFields, instrument: number): void {
    const bids = this.#side(row, fields, instrument, fields.bidPrice, fields.bidSize, BookSide.Bid);
    const asks = this.#side(row, fields, instrument, fields.askPrice, fields.askSize, BookSide.Ask);
    if (bids || asks) endBook(this.#sink, instrument, this.#timeUs, this.#orders.book(instrument));
  }

  /** @returns false if the levels of the row cannot be taken */
  #side(
    row: CsvRow,
    fields: DatabentoFields,
    instrument: number,
    prices: readonly number[],
    sizes: readonly number[],
    side: BookSide,
  ): boolean {
    let count = 0;
    for (let level = 0; level < fields.levels; level++) {
      const fault = fields.readPrice(row, prices[level]);
      const size = fields.count(row, sizes[level]);
      if (fault !== FeedFault.None || size < 0) {
        this.#sink.fault(instrument, fault === FeedFault.None ? FeedFault.NumberMalformed : fault);
        return false;
      }
      if (fields.priceUnits === -1 || size === 0) continue;
      this.#prices[count] = fields.priceUnits;
      this.#quantities[count++] = size;
    }
    const levels = this.#orders.book(instrument).side(side);
    if (!areSorted(levels, this.#prices, count)) {
      this.#sink.fault(instrument, FeedFault.Malformed);
      return false;
    }
    replaceLevels(this.#sink, instrument, levels, this.#prices, this.#quantities, count, 0);
    return true;
  }
}

function code(letter: string): number {
  return letter.charCodeAt(0);
}

/** True if a file with this header is one of Databento's. */
export function isDatabentoHeader(header: CsvHeader): boolean {
  return ['ts_event', 'rtype', 'publisher_id', 'instrument_id', 'action', 'side', 'price', 'size'].every(
    (name) => header.find(name) !== -1,
  );
}
