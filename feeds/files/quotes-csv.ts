import { InstrumentFeed } from '../books/instrument-feed.ts';
import { ALL_INSTRUMENTS, FeedFault, type FeedSink, FeedState, TakerSide } from '../feed.ts';
import { ByteTable } from '../text/byte-table.ts';
import type { CsvHandler, CsvReader, CsvRow } from '../text/csv-reader.ts';
import { wholeNumber } from '../text/decimal.ts';
import { CsvFileError, CsvHeader } from './csv-header.ts';
import { csvTimeUs } from './csv-time.ts';

/** What a column of a CSV file may be, and the names by which it is recognised, in lower case; the first that is there counts. */
export const CSV_COLUMNS = {
  time: ['timestamp', 'time', 'ts', 'ts_event', 'datetime', 'date_time', 'transact_time', 'trade_time', 'event_time', 'created_at', 'date'],
  instrument: ['symbol', 'instrument', 'ticker', 'sym', 'pair', 'product_id', 'market'],
  price: ['price', 'px', 'trade_price', 'last', 'last_price'],
  quantity: ['quantity', 'qty', 'size', 'amount', 'volume', 'trade_size', 'trade_quantity', 'base_qty'],
  side: ['side', 'taker_side', 'aggressor', 'aggressor_side', 'taker'],
  buyerIsMaker: ['is_buyer_maker', 'isbuyermaker', 'buyer_maker'],
  tradeId: ['trade_id', 'tradeid', 'id', 'agg_trade_id', 'trdmatchid'],
  bid: ['bid', 'bid_price', 'bidprice', 'best_bid', 'best_bid_price', 'bid_px', 'bid_px_00'],
  bidQuantity: [
    'bid_size',
    'bidsize',
    'bid_qty',
    'bidqty',
    'bid_quantity',
    'bid_amount',
    'best_bid_qty',
    'best_bid_size',
    'bid_sz',
    'bid_sz_00',
  ],
  ask: ['ask', 'ask_price', 'askprice', 'best_ask', 'best_ask_price', 'offer', 'ask_px', 'ask_px_00'],
  askQuantity: [
    'ask_size',
    'asksize',
    'ask_qty',
    'askqty',
    'ask_quantity',
    'ask_amount',
    'best_ask_qty',
    'best_ask_size',
    'ask_sz',
    'ask_sz_00',
  ],
} as const;
export type CsvColumn = keyof typeof CSV_COLUMNS;

const COLUMNS = Object.keys(CSV_COLUMNS) as CsvColumn[];
/** Characters that may stand between fields; the header decides. */
const SEPARATORS = [',', ';', '\t', '|'];

/** Words for the side of the taker, in lower case. */
const BUY_WORDS = new ByteTable(['b', 'buy', 'bid', 'buyer', '1', 'true', 'BUY', 'B', 'Buy', 'BID', 'Bid', 'True', 'TRUE']);
const SELL_WORDS = new ByteTable([
  's',
  'sell',
  'ask',
  'seller',
  'a',
  '-1',
  'false',
  'SELL',
  'S',
  'Sell',
  'ASK',
  'Ask',
  'A',
  'False',
  'FALSE',
]);

export interface QuotesCsvOptions {
  /** The instrument of all rows, where no column names it. */
  readonly instrument: string;
  /** Names in the header for columns that are not recognised: `{ price: 'p' }`. They come before the common ones. */
  readonly columns?: Partial<Readonly<Record<CsvColumn, string>>>;
}

/** Most instruments of a file. */
const MAX_INSTRUMENTS = 65_536;

/**
 * CSV of trades, of quotes, or of both in one row: any columns in any order, known by their names in the header.
 * Numbers become exact integers from their text; where a row has more decimals than those before, the scale grows.
 * A file needs price and quantity, or bid and ask.
 */
export class QuotesCsv implements CsvHandler {
  readonly #sink: FeedSink;
  readonly #options: QuotesCsvOptions;
  readonly #reader: { separator: number };
  /** undefined: the sink does not want it. */
  readonly #instruments: (InstrumentFeed | undefined)[] = [];
  readonly #names = new ByteTable();
  #columns: Readonly<Record<CsvColumn, number>> | undefined;
  /** Fields that a row must have. */
  #count = 0;
  rows = 0;

  /** @param reader that calls {@link row}: the header sets its separator */
  constructor(sink: FeedSink, reader: Pick<CsvReader, 'separator'>, options: QuotesCsvOptions) {
    this.#sink = sink;
    this.#reader = reader;
    this.#options = options;
  }

  get hasHeader(): boolean {
    return this.#columns !== undefined;
  }

  /** The file ends. Every row is complete in itself. */
  end(): void {
    // Nothing is open.
  }

  /** @throws CsvFileError for a header without the columns of trades or quotes */
  row(row: CsvRow): void {
    const columns = this.#columns;
    if (columns === undefined) return this.#header(row);
    this.rows++;
    if (row.count < this.#count) return this.#sink.fault(ALL_INSTRUMENTS, FeedFault.MissingField);
    const instrument = this.#instrument(row, columns.instrument);
    if (instrument === undefined) return;
    const timeUs = columns.time === -1 ? 0 : csvTimeUs(row.bytes, row.from(columns.time), row.to(columns.time));
    if (columns.price !== -1 && !row.isEmpty(columns.price)) this.#trade(row, columns, instrument, timeUs);
    else if (columns.bid === -1) instrument.fault(FeedFault.MissingField);
    if (columns.bid !== -1) this.#quote(row, columns, instrument, timeUs);
  }

  #header(row: CsvRow): void {
    const line = row.count > 1 ? undefined : row.text(0);
    const separator = line === undefined ? ',' : (SEPARATORS.find((each) => line.includes(each)) ?? ',');
    this.#reader.separator = separator.charCodeAt(0);
    this.#columns = quotesCsvColumns(new CsvHeader(line === undefined ? row.texts() : line.split(separator)), this.#options.columns);
    this.#count = Math.max(...Object.values(this.#columns)) + 1;
  }

  #instrument(row: CsvRow, column: number): InstrumentFeed | undefined {
    const number =
      column === -1 ? (this.#instruments.length === 0 ? -1 : 0) : this.#names.find(row.bytes, row.from(column), row.to(column));
    if (number !== -1) return this.#instruments[number];
    const name = column === -1 ? this.#options.instrument : row.text(column);
    if (name === '' || this.#instruments.length === MAX_INSTRUMENTS) {
      this.#sink.fault(ALL_INSTRUMENTS, FeedFault.UnknownInstrument);
      return undefined;
    }
    this.#names.add(name);
    const instrument = this.#sink.instrument(name) === -1 ? undefined : new InstrumentFeed(name, this.#sink, 1);
    this.#instruments.push(instrument);
    if (instrument !== undefined) this.#sink.status(instrument.id, FeedState.Live, FeedFault.None);
    return instrument;
  }

  #trade(row: CsvRow, columns: Readonly<Record<CsvColumn, number>>, instrument: InstrumentFeed, timeUs: number): void {
    const { price, quantity, tradeId } = columns;
    const id = tradeId === -1 ? 0 : Math.max(0, wholeNumber(row.bytes, row.from(tradeId), row.to(tradeId)));
    const [quantityFrom, quantityTo] = [row.from(quantity), row.to(quantity)];
    instrument.trade(row.bytes, row.from(price), row.to(price), quantityFrom, quantityTo, takerSide(row, columns), timeUs, id);
  }

  #quote(row: CsvRow, columns: Readonly<Record<CsvColumn, number>>, instrument: InstrumentFeed, timeUs: number): void {
    const { bid, bidQuantity, ask, askQuantity } = columns;
    const { bytes } = row;
    if (instrument.quoteBid(bytes, row.from(bid), row.to(bid), row.from(bidQuantity), row.to(bidQuantity)) !== FeedFault.None) return;
    instrument.quoteAsk(bytes, row.from(ask), row.to(ask), row.from(askQuantity), row.to(askQuantity), timeUs);
  }
}

/** The column of each kind, -1 where there is none. @throws CsvFileError if it is no file of trades or quotes, or a given name is not there */
export function quotesCsvColumns(header: CsvHeader, given: QuotesCsvOptions['columns'] = {}): Readonly<Record<CsvColumn, number>> {
  const columns = Object.fromEntries(
    COLUMNS.map((column) => {
      const name = given[column]?.toLowerCase();
      return [column, name === undefined ? header.find(...CSV_COLUMNS[column]) : header.need(name)];
    }),
  ) as Record<CsvColumn, number>;
  const hasTrades = columns.price !== -1 && columns.quantity !== -1;
  const hasQuotes = columns.bid !== -1 && columns.ask !== -1 && columns.bidQuantity !== -1 && columns.askQuantity !== -1;
  if (!hasTrades) columns.price = -1;
  if (!hasQuotes) columns.bid = -1;
  if (hasTrades || hasQuotes) return columns;
  throw new CsvFileError(
    'CSV_COLUMNS',
    `the header has neither price and quantity nor bid, ask and their quantities: ${header.names.join(', ').slice(0, 200)}; name them with --columns`,
  );
}

function takerSide(row: CsvRow, columns: Readonly<Record<CsvColumn, number>>): TakerSide {
  const column = columns.side === -1 ? columns.buyerIsMaker : columns.side;
  if (column === -1) return TakerSide.Unknown;
  const [from, to] = [row.from(column), row.to(column)];
  const isBuy = BUY_WORDS.find(row.bytes, from, to) !== -1;
  if (!isBuy && SELL_WORDS.find(row.bytes, from, to) === -1) return TakerSide.Unknown;
  // Where the buyer is the maker, the seller takes.
  return isBuy === (columns.side !== -1) ? TakerSide.Buy : TakerSide.Sell;
}
