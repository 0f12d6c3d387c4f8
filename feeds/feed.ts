/**
 * The contract of a feed: what an adapter gets, what it asks for, and what it writes.
 *
 * ```
 *  line (WebSocket, HTTP, a capture, a test) ──▶ VenueAdapter ──▶ FeedSink (ring, tables, a book's printer)
 *                                             ◀── FeedLine
 * ```
 *
 * An adapter does no input or output, reads no clock and starts no timer. It is given what a line receives and the
 * time of it, so that it runs the same on a live connection, on a capture and in a test.
 *
 * Units: times in microseconds since 1970 (integers below 2^53); prices and quantities as integers in [0, 2^53) of
 * the units that {@link FeedSink.scale} states. All calls come from one thread.
 */

import type { InstrumentTerms } from './instrument-terms.ts';

export const BookSide = { Bid: 0, Ask: 1 } as const;
export type BookSide = (typeof BookSide)[keyof typeof BookSide];

/** The side that took liquidity. */
export const TakerSide = { Unknown: 0, Buy: 1, Sell: 2 } as const;
export type TakerSide = (typeof TakerSide)[keyof typeof TakerSide];
/** Names of taker sides in JSON, by number; none of an unknown one. */
export const TAKER_SIDE_NAMES = [undefined, 'buy', 'sell'] as const;

/** State of a source (of its connection or file: `Live` is open) or of one instrument. Only numbers of a `Live` instrument may be used as prices. */
export const FeedState = {
  /** No connection, and none is being made. */
  Down: 0,
  /** A connection is being made. */
  Connecting: 1,
  /** Connected; the book is not yet whole. */
  Syncing: 2,
  Live: 3,
  /** Was live. Its source is silent, cut off or wrong; the last numbers are old. */
  Stale: 4,
  /** The venue's list says that the instrument does not trade now. Its book is kept. */
  Halted: 5,
  /** The venue's list does not have the instrument, or calls it ended. */
  Delisted: 6,
  /** The file that it comes from was read to its end; the last numbers are those of the end. */
  Ended: 7,
} as const;
export type FeedState = (typeof FeedState)[keyof typeof FeedState];
/** A state in logs, metrics and JSON: `syncing`. */
export type FeedStateName = Lowercase<keyof typeof FeedState>;

/** What went wrong. Each has a counter ({@link FeedSink.fault}); docs/FEEDS.md says what to do about it. */
export const FeedFault = {
  None: 0,
  /** A frame or answer is not the text that the venue documents: cut off, not JSON, nested too deeply. */
  Malformed: 1,
  /** A message of a kind that the adapter does not know. It is ignored. */
  UnknownMessage: 2,
  /** A message without a field that its kind must have. */
  MissingField: 3,
  /** An instrument that was not subscribed, or one more than the adapter can hold. */
  UnknownInstrument: 4,
  /** A price or quantity that is not a decimal number. */
  NumberMalformed: 5,
  /** A price or quantity that needs 2^53 units or more. */
  NumberTooLarge: 6,
  NumberNegative: 7,
  /** The venue's sequence jumped forward: messages are missing. */
  SequenceGap: 8,
  /** The venue's sequence went back, or a message came twice. */
  SequenceBack: 9,
  /** A snapshot older than the first update that follows it. */
  SnapshotTooOld: 10,
  ChecksumWrong: 11,
  /** The best bid is at or above the best ask after an update. */
  Crossed: 12,
  /** The book has more levels than its capacity. The worst level was dropped. */
  BookFull: 13,
  /** An update for a book without a snapshot. */
  NoSnapshot: 14,
  /** The venue refused a subscription: unknown instrument, unsupported depth, too many. */
  Refused: 15,
  /** Nothing arrived for longer than the source's limit. */
  Silent: 16,
  /** A frame above the size limit. */
  FrameTooLarge: 17,
  /** The connection was closed, by the venue or by the network. */
  Closed: 18,
  ConnectFailed: 19,
  /** An HTTP answer with another status than 200, or none. */
  HttpFailed: 20,
  /** Too many failures in a row: no attempt was made. */
  CircuitOpen: 21,
  /** The venue announced maintenance or an end of the connection. */
  VenueDown: 22,
  /** The wall clock of this host went back, or the time of an update of a book is more than a second before that of the last one. */
  ClockBack: 23,
  /** A change of an order that is not in the book. */
  UnknownOrder: 24,
  /** A new order with the id of one that is in the book. It is ignored. */
  DuplicateOrder: 25,
  /** More was taken from an order than it had. All of it is taken. */
  OrderExceeded: 26,
  /** The venue's list does not have the instrument, or calls it ended. */
  Delisted: 27,
  /** The venue's list says that the instrument does not trade now. */
  Halted: 28,
  /** A price or quantity with more decimals than the venue's list states. It is taken as it is. */
  PrecisionWrong: 29,
  /** The venue's list of instruments could not be had, or not be read. The last one stays in force. */
  ListFailed: 30,
  /** A file is absent, or cannot be read. */
  FileUnreadable: 31,
  /** A file ends in the middle of its data. */
  FileTruncated: 32,
  /** The compressed data of a file is damaged. */
  FileDamaged: 33,
  /** A file was written while it was read. */
  FileChanged: 34,
  /** A file is of none of the formats, or has nothing to read. */
  FileUnusable: 35,
} as const;
export type FeedFault = (typeof FeedFault)[keyof typeof FeedFault];

export const FEED_FAULTS = Object.keys(FeedFault).length;
export const FEED_STATES = Object.keys(FeedState).length;
const FAULT_NAMES: readonly string[] = Object.keys(FeedFault);
const STATE_NAMES = Object.keys(FeedState).map((name) => name.toLowerCase()) as readonly FeedStateName[];

/** The stable code of a fault in logs, metrics and JSON: `CHECKSUM_WRONG`. */
export function faultCode(fault: FeedFault): string {
  return FAULT_NAMES[fault].replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}

export function stateName(state: FeedState): FeedStateName {
  return STATE_NAMES[state];
}

/** In place of an instrument: the source as a whole. */
export const ALL_INSTRUMENTS = -1;

/** Where an adapter writes what it understood. Calls take numbers only and do not allocate, except {@link instrument}. */
export interface FeedSink {
  /**
   * The number of an instrument in the sink, at least 0. The same name gives the same number, also from another
   * adapter of the source (a source may have several lines).
   * @param name as the venue writes it: `XBT/USD`
   * @returns a number also if the sink can hold no more instruments: it counts that, and ignores calls with this number. To the
   * reader of a file, -1: the instrument is not wanted, and nothing of it is written
   */
  instrument(name: string): number;

  /**
   * States the units of an instrument: a price is price * 10^-priceDecimals. Comes before its first number. Decimals
   * never become fewer. When they become more, the adapter writes the whole book again (bookClear, level, bookEnd)
   * before other numbers of the instrument.
   */
  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void;

  /**
   * The venue's own number of the update or message that the next calls come from, until the next call of this method; 0
   * if it has none. What is numbered, and whether without gaps, is the venue's to say: docs/FEEDS.md.
   */
  sequence(venueSequence: number): void;

  /** The book is empty now; levels of a snapshot follow, then {@link bookEnd}. */
  bookClear(instrument: number): void;

  /** The quantity at a price is now this (not a difference); 0 removes the level. Levels may be in any order. */
  level(instrument: number, side: BookSide, price: number, quantity: number): void;

  /**
   * All levels of one update of the venue are written: readers may look. With the best bid and ask of the book, so that
   * who needs no more keeps no book; a side without levels has price and quantity 0.
   * @param venueTimeUs 0 if the venue gives none
   */
  bookEnd(instrument: number, venueTimeUs: number, bid: number, bidQuantity: number, ask: number, askQuantity: number): void;

  /** @param tradeId the venue's number of the trade; 0 if it has none, or none below 2^53 */
  trade(instrument: number, price: number, quantity: number, takerSide: TakerSide, venueTimeUs: number, tradeId: number): void;

  /** Best bid and ask as the venue's ticker states them. A side without orders has price and quantity 0. */
  quote(instrument: number, bid: number, bidQuantity: number, ask: number, askQuantity: number, venueTimeUs: number): void;

  /** The venue's list describes the instrument, for the first time or with a change. It may allocate. Absent: the sink has no use for it. */
  listed?(instrument: number, terms: InstrumentTerms): void;

  /**
   * The state changed. The adapter states that of its instruments: Syncing, Live, Stale, Halted, Delisted. The line states its own, for
   * {@link ALL_INSTRUMENTS}: Down, Connecting, Live (open). @param fault why, or `None`
   */
  status(instrument: number, state: FeedState, fault: FeedFault): void;

  /** Counts a fault. It changes no state. @param instrument or {@link ALL_INSTRUMENTS} */
  fault(instrument: number, fault: FeedFault): void;
}

/** What an adapter asks of the connection that it runs on. Each returns at once. */
export interface FeedLine {
  /** Sends a text frame, or a binary one. Ignored when the connection is not open. @param frame is not changed afterwards */
  send(frame: string | Uint8Array): void;

  /** Gets a URL. {@link VenueAdapter.answer} or {@link VenueAdapter.answerFailed} follows, once, unless the line is closed before. */
  fetch(url: string): void;

  /** Ends the connection ({@link VenueAdapter.closed} follows) and opens it again after the back-off. */
  reconnect(fault: FeedFault): void;

  /**
   * Opens a connection beside this one, which it replaces after a while: {@link VenueAdapter.takeOver} follows. For an end that
   * the venue has announced. Absent, or false: this line cannot, and {@link reconnect} is left.
   */
  replace?(): boolean;
}

/**
 * One line to a venue: the venue's protocol as a state machine. A source with several connections has one adapter
 * for each. After {@link closed}, {@link opened} may follow: the adapter then starts from nothing.
 */
export interface VenueAdapter {
  /** The name in {@link AdapterOptions}, status and metrics: `kraken`. */
  readonly venue: string;

  /** The address of the WebSocket to open: `wss://ws.kraken.com`. It may depend on the instruments. */
  readonly address: string;

  /** The connection is open: the adapter subscribes, and fetches what it needs. */
  opened(nowUs: number): void;

  /** A text or binary frame. @param bytes valid only during the call; not written to */
  frame(bytes: Uint8Array, nowUs: number): void;

  /** The body of an HTTP answer with status 200. URLs that the adapter does not know are ignored. @param bytes as in {@link frame} */
  answer(url: string, bytes: Uint8Array, nowUs: number): void;

  /** @param status of HTTP, or 0 if there was no answer */
  answerFailed(url: string, status: number, nowUs: number): void;

  closed(nowUs: number): void;

  /**
   * Another connection, which was open beside this one for a while, replaces it: the frames from here on are of that one,
   * and the first of them repeat what came before. Its subscriptions are the same. An adapter without this method gets
   * {@link closed} and {@link opened} instead; one whose address is not its whole subscription cannot have it.
   */
  takeOver?: ((nowUs: number) => void) | undefined;

  /** Called about once per second, while the line is open or not: pings, silence, retries. */
  tick(nowUs: number): void;
}

/** Longest frame or answer that an adapter reads. Coinbase's snapshot of a product has some 5 MB. */
export const MAX_FRAME_BYTES: number = 32 * 2 ** 20;

export interface AdapterOptions {
  /** In the venue's own spelling. Empty: nothing is subscribed and every instrument that arrives is taken, as a capture needs it. */
  readonly instruments: readonly string[];
  /** Levels of each side, where the venue offers a choice; the adapter takes the nearest that the venue has, and at least this. */
  readonly depth?: number;
  /** Without a book, trade or quote for this long, seconds, books are stale and the line is opened again, whatever else arrives; 300 by default. */
  readonly staleAfterSeconds?: number;
  /** Another address of the WebSocket, without a path that depends on instruments: `ws://127.0.0.1:9000`. */
  readonly webSocketUrl?: string;
  /** Another base of HTTP addresses: `http://127.0.0.1:9000`. */
  readonly httpUrl?: string;
  /** The venue's list of instruments is not fetched: there is no server that would answer. */
  readonly withoutList?: true;
}

export type AdapterFactory = (options: AdapterOptions, line: FeedLine, sink: FeedSink) => VenueAdapter;
