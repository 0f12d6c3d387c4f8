import { okxChecksum } from '../books/checksums.ts';
import type { InstrumentFeed } from '../books/instrument-feed.ts';
import { type AdapterOptions, BookSide, FeedFault, type FeedLine, type FeedSink, TakerSide } from '../feed.ts';
import { ByteTable } from '../text/byte-table.ts';
import { wholeNumber } from '../text/decimal.ts';
import { JsonFields } from '../text/json-fields.ts';
import { countToUs } from '../text/times.ts';
import { readLevels } from './level-arrays.ts';
import { OKX_LIST, okxListQueries } from './lists/okx-list.ts';
import { SubscriptionLine } from './subscription-line.ts';
import type { VenueUrls } from './venue-urls.ts';

export const OKX_URLS: VenueUrls = {
  webSocketUrl: 'wss://ws.okx.com:8443/ws/v5/public',
  httpUrl: 'https://www.okx.com',
  listOnly: true,
};

/** The venue ends a line on which nothing was sent for 30 s; the adapter pings before. */
const PING_US = 20e6;
const SILENT_US = 45e6;
/** Of a request. The venue's limit is 64 KB. */
const MAX_ARGUMENTS = 100;
/** Subscriptions and ends of them on a connection; the venue allows 480 an hour. */
const MAX_REQUESTS = 400;

const CHANNELS = new ByteTable(['books', 'trades', 'tickers']);
const Channel = { Books: 0, Trades: 1, Tickers: 2 } as const;
const ACTIONS = new ByteTable(['snapshot', 'update']);
const Action = { Snapshot: 0, Update: 1 } as const;
const EVENTS = new ByteTable(['subscribe', 'unsubscribe', 'channel-conn-count', 'error', 'channel-conn-count-error', 'notice']);
const Event = { Error: 3, CountError: 4, Notice: 5 } as const;
const SIDES = new ByteTable(['buy', 'sell']);

/** The fields of `arg` belong to the message. */
const Field = { Argument: 0, Channel: 1, Instrument: 2, Event: 3, Action: 4, Data: 5 } as const;
const FIELDS = ['arg', 'channel', 'instId', 'event', 'action', 'data'];
const Book = { Asks: 0, Bids: 1, Time: 2, Checksum: 3, Previous: 4, Sequence: 5 } as const;
const BOOK_FIELDS = ['asks', 'bids', 'ts', 'checksum', 'prevSeqId', 'seqId'];
const Trade = { Price: 0, Quantity: 1, Side: 2, Time: 3, Id: 4 } as const;
const TRADE_FIELDS = ['px', 'sz', 'side', 'ts', 'tradeId'];
const Ticker = { Bid: 0, BidQuantity: 1, Ask: 2, AskQuantity: 3, Time: 4 } as const;
const TICKER_FIELDS = ['bidPx', 'bidSz', 'askPx', 'askSz', 'ts'];
const INSTRUMENTS_PATH = '/api/v5/public/instruments';
const PONG = [0x70, 0x6f, 0x6e, 0x67];
const MINUS = 0x2d;
/** No sequence number was seen. */
const NONE = -2;

/**
 * OKX v5: `books` (400 levels), `trades` and `tickers`. The rules and their sources: docs/FEEDS.md, "OKX".
 */
export class OkxAdapter extends SubscriptionLine {
  readonly venue = 'okx';
  readonly address: string;
  readonly #fields = new JsonFields(FIELDS, 1);
  readonly #book = new JsonFields(BOOK_FIELDS);
  readonly #trade = new JsonFields(TRADE_FIELDS);
  readonly #ticker = new JsonFields(TICKER_FIELDS);
  readonly #data: number[] = [];
  /** By instrument: `seqId` of the last message. */
  readonly #sequences: number[] = [];
  #pingUs = 0;
  /** Sent on this connection. */
  #requests = 0;

  constructor(options: AdapterOptions, line: FeedLine, sink: FeedSink) {
    const queries = okxListQueries(options.instruments);
    super(options, line, sink, { silentUs: SILENT_US }, { pages: OKX_LIST, path: INSTRUMENTS_PATH, queries, urls: OKX_URLS });
    this.address = options.webSocketUrl ?? OKX_URLS.webSocketUrl;
  }

  override closed(nowUs: number): void {
    super.closed(nowUs);
    this.#sequences.fill(NONE);
  }

  protected subscribe(nowUs: number): void {
    this.#pingUs = nowUs;
    this.#requests = 0;
    if (this.options.instruments.length > 0) this.#subscribe(this.wantedNames());
  }

  protected override again(number: number): void {
    this.#subscribe([this.instruments[number].name]);
  }

  #subscribe(names: readonly string[]): void {
    const channels = ['books', 'trades', 'tickers'].flatMap((channel) => names.map((instId) => ({ channel, instId })));
    for (let i = 0; i < channels.length; i += MAX_ARGUMENTS) this.#request('subscribe', channels.slice(i, i + MAX_ARGUMENTS));
  }

  protected requestBook(instId: string): void {
    if (this.#requests + 2 > MAX_REQUESTS) {
      if (this.open) this.line.reconnect(FeedFault.None);
      this.open = false;
      return;
    }
    this.#request('unsubscribe', [{ channel: 'books', instId }]);
    this.#request('subscribe', [{ channel: 'books', instId }]);
  }

  protected override poll(nowUs: number): void {
    super.poll(nowUs);
    if (nowUs - this.#pingUs < PING_US) return;
    this.#pingUs = nowUs;
    this.line.send('ping');
  }

  protected message(bytes: Uint8Array): void {
    const fields = this.#fields;
    const { scanner } = this;
    // The only message that is not JSON.
    if (bytes.length === PONG.length && PONG.every((byte, i) => bytes[i] === byte)) return;
    if (!fields.readText(scanner, bytes)) return this.restart(FeedFault.Malformed);
    if (fields.has(Field.Event)) return this.#event();
    const channel = fields.id(scanner, Field.Channel, CHANNELS);
    if (channel === -1) return this.count(FeedFault.UnknownMessage);
    const number = this.#instrument();
    if (number === -1) return;
    const instrument = this.instruments[number];
    const action = fields.id(scanner, Field.Action, ACTIONS);
    if (!fields.list(scanner, Field.Data, this.#data)) return instrument.fault(FeedFault.MissingField);
    for (const position of this.#data) {
      scanner.resume(position);
      if (channel === Channel.Books) this.#levels(number, action, bytes);
      else if (channel === Channel.Trades) this.#tradeOf(instrument, bytes);
      else this.#quote(instrument, bytes);
    }
  }

  #event(): void {
    const event = this.#fields.id(this.scanner, Field.Event, EVENTS);
    if (event === -1) this.count(FeedFault.UnknownMessage);
    else if (event === Event.Error || event === Event.CountError) this.count(FeedFault.Refused);
    // The venue is about to end this connection for an upgrade, and asks for another one.
    else if (event === Event.Notice) this.restart(FeedFault.VenueDown);
  }

  #levels(number: number, action: number, bytes: Uint8Array): void {
    const book = this.#book;
    const instrument = this.instruments[number];
    if (action === -1 || !book.readObject(this.scanner) || !book.has(Book.Asks) || !book.has(Book.Bids)) {
      return this.wrong(instrument, FeedFault.MissingField);
    }
    const snapshot = action === Action.Snapshot;
    if (!snapshot && !instrument.whole) return instrument.fault(FeedFault.NoSnapshot);
    if (!this.#inSequence(number, snapshot, bytes)) return;
    if (snapshot) instrument.beginSnapshot();
    const asks = readLevels(this.scanner, book.position[Book.Asks], instrument, BookSide.Ask);
    const bids = readLevels(this.scanner, book.position[Book.Bids], instrument, BookSide.Bid);
    // The faults of the levels are counted already.
    if (!asks || !bids) return this.lost(instrument, FeedFault.MissingField);
    const timeUs = countToUs(bytes, book.from[Book.Time], book.to[Book.Time], 3);
    if (snapshot) instrument.endSnapshot(timeUs);
    else instrument.endUpdate(timeUs);
    this.#check(instrument, bytes);
  }

  /** @returns false if the message is not the next one of the book */
  #inSequence(number: number, snapshot: boolean, bytes: Uint8Array): boolean {
    const book = this.#book;
    const instrument = this.instruments[number];
    const last = this.#sequences[number] ?? NONE;
    const sequence = wholeNumber(bytes, book.from[Book.Sequence], book.to[Book.Sequence]);
    const previous = wholeNumber(bytes, book.from[Book.Previous], book.to[Book.Previous]);
    // Older recordings have no numbers. Equal ones are sent once per minute when nothing changes; a smaller one follows its
    // `prevSeqId` after maintenance.
    if (snapshot || last === NONE || previous === last) {
      this.#sequences[number] = book.has(Book.Sequence) ? sequence : NONE;
      this.sink.sequence(Math.max(0, sequence));
      return true;
    }
    if (previous < last && sequence <= last && sequence !== -1) {
      instrument.fault(FeedFault.SequenceBack);
      return false;
    }
    this.wrong(instrument, FeedFault.SequenceGap);
    return false;
  }

  /** The checksum is signed. The venue retires it: it is absent or 0 then. */
  #check(instrument: InstrumentFeed, bytes: Uint8Array): void {
    const { from, to } = this.#book;
    const negative = bytes[from[Book.Checksum]] === MINUS;
    const size = wholeNumber(bytes, from[Book.Checksum] + (negative ? 1 : 0), to[Book.Checksum]);
    if (size <= 0) return;
    const right = okxChecksum(instrument.book) === (negative ? -size : size);
    instrument.checked(right);
    if (!right) this.lost(instrument, FeedFault.ChecksumWrong);
  }

  #tradeOf(instrument: InstrumentFeed, bytes: Uint8Array): void {
    const trade = this.#trade;
    const { from, to } = trade;
    if (!trade.readObject(this.scanner) || !trade.has(Trade.Price) || !trade.has(Trade.Quantity)) {
      return instrument.fault(FeedFault.MissingField);
    }
    const side = SIDES.find(bytes, from[Trade.Side], to[Trade.Side]);
    const taker = side === 0 ? TakerSide.Buy : side === 1 ? TakerSide.Sell : TakerSide.Unknown;
    const timeUs = countToUs(bytes, from[Trade.Time], to[Trade.Time], 3);
    const id = Math.max(0, wholeNumber(bytes, from[Trade.Id], to[Trade.Id]));
    instrument.trade(bytes, from[Trade.Price], to[Trade.Price], from[Trade.Quantity], to[Trade.Quantity], taker, timeUs, id);
  }

  /** A side without orders has empty texts. */
  #quote(instrument: InstrumentFeed, bytes: Uint8Array): void {
    const ticker = this.#ticker;
    const { from, to } = ticker;
    const { Bid, BidQuantity, Ask, AskQuantity } = Ticker;
    if (!ticker.readObject(this.scanner) || !ticker.has(Bid) || !ticker.has(Ask)) return instrument.fault(FeedFault.MissingField);
    const timeUs = countToUs(bytes, from[Ticker.Time], to[Ticker.Time], 3);
    const fault = instrument.quoteBid(bytes, from[Bid], to[Bid], from[BidQuantity], to[BidQuantity]);
    if (fault === FeedFault.None) instrument.quoteAsk(bytes, from[Ask], to[Ask], from[AskQuantity], to[AskQuantity], timeUs);
  }

  #instrument(): number {
    this.scanner.resume(this.#fields.position[Field.Instrument]);
    if (this.#fields.has(Field.Instrument) && this.scanner.value()) return this.instrument(this.scanner);
    this.count(FeedFault.MissingField);
    return -1;
  }

  #request(op: 'subscribe' | 'unsubscribe', args: readonly object[]): void {
    this.#requests++;
    this.line.send(JSON.stringify({ op, args }));
  }
}
