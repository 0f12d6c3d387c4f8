import { krakenChecksum } from '../books/checksums.ts';
import type { InstrumentFeed } from '../books/instrument-feed.ts';
import { type AdapterOptions, BookSide, FeedFault, type FeedLine, type FeedSink, TakerSide } from '../feed.ts';
import { ByteTable } from '../text/byte-table.ts';
import { wholeNumber } from '../text/decimal.ts';
import { secondsToUs } from '../text/times.ts';
import { bookDepth } from './kraken-depth.ts';
import { KRAKEN_V1_LIST } from './lists/kraken-list.ts';
import { SubscriptionLine } from './subscription-line.ts';
import type { VenueUrls } from './venue-urls.ts';

export const KRAKEN_V1_URLS: VenueUrls = { webSocketUrl: 'wss://ws.kraken.com', httpUrl: 'https://api.kraken.com', listOnly: true };

const LIST = { pages: KRAKEN_V1_LIST, path: '/0/public/AssetPairs', queries: [''], urls: KRAKEN_V1_URLS };

/** Heartbeats come once per second when there is nothing else. */
const SILENT_US = 10e6;

const EVENTS = new ByteTable(['heartbeat', 'systemStatus', 'subscriptionStatus', 'pong', 'error']);
const Event = { Heartbeat: 0, SystemStatus: 1, SubscriptionStatus: 2, Pong: 3, Error: 4 } as const;
const FIELDS = new ByteTable(['event', 'status']);
const Field = { Event: 0, Status: 1 } as const;
const STATUSES = new ByteTable(['online', 'subscribed', 'unsubscribed']);
const CHANNELS = new ByteTable(['trade', 'ticker']);
const Channel = { Trade: 0, Ticker: 1 } as const;
const BOOK_KEYS = new ByteTable(['as', 'bs', 'a', 'b', 'c']);
const BookKey = { Asks: 0, Bids: 1, Ask: 2, Bid: 3, Checksum: 4 } as const;
const BOOK_PREFIX = 'book-';
/** A book has at most two payloads, one for each side. */
const MAX_PAYLOADS = 4;
const BUY = 0x62;
const SELL = 0x73;

/**
 * Kraken, WebSocket API version 1: arrays `[channel id, payload, ..., "book-1000", "XBT/USD"]`, numbers as strings.
 *
 * A book has no sequence numbers. It is kept right by cutting it to the subscribed depth after each update, and proved
 * right by a checksum in each update. After a wrong one, the book is subscribed again.
 */
export class KrakenV1Adapter extends SubscriptionLine {
  readonly venue = 'kraken-v1';
  readonly address: string;
  readonly #depth: number;
  /** Positions of the payloads in the frame. */
  readonly #payloads = new Int32Array(MAX_PAYLOADS);
  /** The level or trade that was read last: its fields in the frame. */
  #priceFrom = 0;
  #priceTo = 0;
  #quantityFrom = 0;
  #quantityTo = 0;
  /** The newest time of the update that is being read. */
  #timeUs = 0;
  #checksum = -1;

  constructor(options: AdapterOptions, line: FeedLine, sink: FeedSink) {
    super(options, line, sink, { silentUs: SILENT_US }, LIST);
    this.address = options.webSocketUrl ?? KRAKEN_V1_URLS.webSocketUrl;
    this.#depth = bookDepth(options.depth);
  }

  protected subscribe(): void {
    this.#subscribe(this.wantedNames());
  }

  protected override again(number: number): void {
    this.#subscribe([this.instruments[number].name]);
  }

  #subscribe(pairs: readonly string[]): void {
    if (pairs.length === 0) return;
    this.#send('subscribe', pairs, { name: 'book', depth: this.#depth });
    this.#send('subscribe', pairs, { name: 'trade' });
    this.#send('subscribe', pairs, { name: 'ticker' });
  }

  protected requestBook(instrument: string): void {
    const book = { name: 'book', depth: this.#depth };
    this.#send('unsubscribe', [instrument], book);
    this.#send('subscribe', [instrument], book);
  }

  protected message(bytes: Uint8Array): void {
    const { scanner } = this;
    scanner.start(bytes);
    if (scanner.array()) this.#channel(bytes);
    else if (scanner.object()) this.#event();
    else this.restart(FeedFault.Malformed);
  }

  #event(): void {
    const { scanner } = this;
    let event = -1;
    let status = -1;
    while (scanner.nextKey()) {
      const field = scanner.id(FIELDS);
      if (field === -1 || !scanner.value()) continue;
      if (field === Field.Event) event = scanner.id(EVENTS);
      else status = scanner.id(STATUSES);
    }
    if (!scanner.finished()) this.restart(FeedFault.Malformed);
    else if (event === -1) this.count(FeedFault.UnknownMessage);
    else if (event === Event.SystemStatus && status === -1) this.count(FeedFault.VenueDown);
    else if (event === Event.Error || (event === Event.SubscriptionStatus && status === -1)) this.count(FeedFault.Refused);
  }

  /** The channel and the pair stand at the end of the frame: the payloads are skipped first, and read then. */
  #channel(bytes: Uint8Array): void {
    const { scanner } = this;
    let payloads = 0;
    let texts = 0;
    let channel = -1;
    let depth = 0;
    let number = -1;
    let from = 0;
    let to = 0;
    // The first member is a channel id, which the venue no longer wants to be used.
    if (scanner.next()) scanner.skip();
    while (scanner.next()) {
      if (!scanner.value()) {
        if (payloads === MAX_PAYLOADS) return this.count(FeedFault.UnknownMessage);
        this.#payloads[payloads++] = scanner.position;
        continue;
      }
      texts++;
      if (texts === 1) {
        channel = scanner.id(CHANNELS);
        ({ from, to } = scanner);
      } else if (texts === 2) number = this.instrument(scanner);
    }
    if (!scanner.finished()) return this.restart(FeedFault.Malformed);
    if (payloads === 0 || texts !== 2) return this.count(FeedFault.MissingField);
    if (number === -1) return;
    const instrument = this.instruments[number];
    if (channel === Channel.Trade) return this.#trades(instrument, bytes);
    if (channel === Channel.Ticker) return this.#ticker(instrument, bytes);
    depth = bookChannelDepth(bytes, from, to);
    if (depth > 0) this.#book(instrument, bytes, payloads, depth);
    else this.count(FeedFault.UnknownMessage);
  }

  #book(instrument: InstrumentFeed, bytes: Uint8Array, payloads: number, depth: number): void {
    this.#timeUs = 0;
    this.#checksum = -1;
    let snapshot = false;
    for (let i = 0; i < payloads; i++) {
      const { scanner } = this;
      scanner.resume(this.#payloads[i]);
      if (!scanner.object()) return this.wrong(instrument, FeedFault.MissingField);
      while (scanner.nextKey()) {
        const key = scanner.id(BOOK_KEYS);
        if (key === BookKey.Checksum) {
          if (scanner.value()) this.#checksum = wholeNumber(bytes, scanner.from, scanner.to);
          continue;
        }
        if (key === -1) continue;
        if ((key === BookKey.Asks || key === BookKey.Bids) && !snapshot) {
          snapshot = true;
          instrument.beginSnapshot();
        }
        if (!snapshot && !instrument.whole) return instrument.fault(FeedFault.NoSnapshot);
        const side = key === BookKey.Ask || key === BookKey.Asks ? BookSide.Ask : BookSide.Bid;
        if (!this.#levels(instrument, bytes, side)) return this.wrong(instrument, FeedFault.MissingField);
      }
    }
    instrument.truncate(depth);
    if (snapshot) instrument.endSnapshot(this.#timeUs);
    else if (instrument.whole) this.#endUpdate(instrument);
  }

  #endUpdate(instrument: InstrumentFeed): void {
    instrument.endUpdate(this.#timeUs);
    if (this.#checksum === -1) return instrument.fault(FeedFault.MissingField);
    const right = krakenChecksum(instrument.book) === this.#checksum;
    instrument.checked(right);
    if (!right) this.lost(instrument, FeedFault.ChecksumWrong);
  }

  /** Levels `[price, quantity, time]`, with an `"r"` behind if the venue publishes them again. @returns false if one has too few members */
  #levels(instrument: InstrumentFeed, bytes: Uint8Array, side: BookSide): boolean {
    const { scanner } = this;
    if (!scanner.array()) return false;
    while (scanner.next()) {
      if (!this.#row()) return false;
      if (scanner.next() && scanner.value()) {
        const timeUs = secondsToUs(bytes, scanner.from, scanner.to);
        if (timeUs > this.#timeUs) this.#timeUs = timeUs;
      }
      scanner.leave();
      instrument.level(side, bytes, this.#priceFrom, this.#priceTo, this.#quantityFrom, this.#quantityTo);
    }
    return true;
  }

  /** Enters an array, and reads price and quantity. */
  #row(): boolean {
    const { scanner } = this;
    if (!scanner.array() || !scanner.next() || !scanner.value()) return false;
    this.#priceFrom = scanner.from;
    this.#priceTo = scanner.to;
    if (!scanner.next() || !scanner.value()) return false;
    this.#quantityFrom = scanner.from;
    this.#quantityTo = scanner.to;
    return true;
  }

  /** `[[price, quantity, time, "b" or "s", order type, ""], ...]` */
  #trades(instrument: InstrumentFeed, bytes: Uint8Array): void {
    const { scanner } = this;
    scanner.resume(this.#payloads[0]);
    if (!scanner.array()) return instrument.fault(FeedFault.MissingField);
    while (scanner.next()) {
      if (!this.#row() || !scanner.next() || !scanner.value()) return instrument.fault(FeedFault.MissingField);
      const timeUs = secondsToUs(bytes, scanner.from, scanner.to);
      if (!scanner.next() || !scanner.value()) return instrument.fault(FeedFault.MissingField);
      const side = scanner.to === scanner.from + 1 ? bytes[scanner.from] : 0;
      const taker = side === BUY ? TakerSide.Buy : side === SELL ? TakerSide.Sell : TakerSide.Unknown;
      scanner.leave();
      instrument.trade(bytes, this.#priceFrom, this.#priceTo, this.#quantityFrom, this.#quantityTo, taker, timeUs, 0);
    }
  }

  /** `{"a":[price, whole lots, quantity],"b":[...],...}`; it has no time. The ask comes first. */
  #ticker(instrument: InstrumentFeed, bytes: Uint8Array): void {
    const { scanner } = this;
    scanner.resume(this.#payloads[0]);
    if (!scanner.object()) return instrument.fault(FeedFault.MissingField);
    let sides = 0;
    let askPriceFrom = 0;
    let askPriceTo = 0;
    let askQuantityFrom = 0;
    let askQuantityTo = 0;
    while (scanner.nextKey()) {
      const key = scanner.id(BOOK_KEYS);
      if (key !== BookKey.Ask && key !== BookKey.Bid) continue;
      if (!this.#row() || !scanner.next() || !scanner.value()) break;
      if (key === BookKey.Ask) {
        askPriceFrom = this.#priceFrom;
        askPriceTo = this.#priceTo;
        askQuantityFrom = scanner.from;
        askQuantityTo = scanner.to;
        sides |= 1;
      } else {
        const fault = instrument.quoteBid(bytes, this.#priceFrom, this.#priceTo, scanner.from, scanner.to);
        if (fault !== FeedFault.None) return;
        sides |= 2;
      }
      scanner.leave();
    }
    if (sides === 3) instrument.quoteAsk(bytes, askPriceFrom, askPriceTo, askQuantityFrom, askQuantityTo, 0);
    else instrument.fault(FeedFault.MissingField);
  }

  #send(event: 'subscribe' | 'unsubscribe', pair: readonly string[], subscription: object): void {
    this.line.send(JSON.stringify({ event, pair, subscription }));
  }
}

/** The depth of a channel `book-1000`; 0 if it is another channel. */
function bookChannelDepth(bytes: Uint8Array, from: number, to: number): number {
  for (let i = 0; i < BOOK_PREFIX.length; i++) if (bytes[from + i] !== BOOK_PREFIX.charCodeAt(i)) return 0;
  return Math.max(wholeNumber(bytes, from + BOOK_PREFIX.length, to), 0);
}
