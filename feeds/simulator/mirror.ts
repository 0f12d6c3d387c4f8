import type { CommandFields } from '../../engine/machine/command.ts';
import { CommandKind, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { VenueBook } from '../books/venue-book.ts';
import { ALL_INSTRUMENTS, BookSide, FeedState, TakerSide } from '../feed.ts';
import { type FeedRecord, RecordKind } from '../feed-record.ts';
import type { LatestValues } from '../rings/latest-values.ts';
import { MIRROR_PLACES, MirrorQuotes } from './mirror-quotes.ts';
import { type MirroredSymbol, MirrorScale } from './mirror-scale.ts';

export interface MirrorOptions {
  readonly symbols: readonly MirroredSymbol[];
  /** Accounts that quote, and accounts that trade with the quotes. */
  readonly makers: readonly number[];
  readonly takers: readonly number[];
  /** True if the symbol is to have the market of the instrument. An instrument goes to the first of them that has none yet. */
  readonly matches: (symbol: string, instrument: string) => boolean;
  /** How much of each quantity of the source is mirrored, 1 to 100. Default 100. */
  readonly percent?: number;
  /** First client order id; later ones increase. */
  readonly firstClientOrderId: number;
}

/** Trades of the source that wait for their turn. Beyond it, the oldest is dropped. */
const MAX_TAKES = 256;

/**
 * For so long the quotes of an instrument that is not live stay as they are, ms: a book that is mended, or a
 * capture that begins again, does not empty the market.
 */
export const STALE_GRACE_MS = 500;

/** A symbol and the instrument whose market it has. */
export class MirroredInstrument {
  readonly name: string;
  readonly scale: MirrorScale;
  readonly quotes: MirrorQuotes;
  readonly book = new VenueBook();
  /** The source's book of it is right. */
  live = false;
  /** Its quotes follow the book. False: they were withdrawn. */
  quoted = false;
  /** When it was first seen not to be live, ms; NaN: it is live. */
  staleSinceMs = Number.NaN;
  /** A price of the source has shown how to scale. */
  fitted = false;
  /** The book or the state changed since the quotes were aimed. */
  changed = false;

  constructor(name: string, scale: MirrorScale, quotes: MirrorQuotes) {
    this.name = name;
    this.scale = scale;
    this.quotes = quotes;
  }
}

interface Take {
  readonly of: MirroredInstrument;
  readonly side: Side;
  /** Units of the instrument. */
  readonly price: number;
  readonly quantity: number;
}

/**
 * Makes the market of an outside source: records of a feed and reports of the makers in, commands out. The best levels of
 * each instrument become quotes of its symbol, and each of its trades an order that takes from them.
 *
 * ```
 * records of one source ──▶ book of each instrument ──▶ aim of its quotes ──┐
 *                       └─▶ trades, at most 256 waiting ────────────────────┴──▶ next command
 * ```
 *
 * A symbol whose instrument or source has not been live for {@link STALE_GRACE_MS} has no quotes, and trades are ignored from
 * the first moment on. Reads no clock; one thread owns it.
 */
export class Mirror {
  /** Trades of the source that were dropped, because too many waited or there was no quote to trade with. */
  droppedTrades = 0;
  /** Times that the quotes of an instrument that is not live were withdrawn. */
  withdrawals = 0;
  readonly #options: MirrorOptions;
  readonly #instruments = new Map<number, MirroredInstrument | undefined>();
  readonly #mirrored: MirroredInstrument[] = [];
  readonly #takes: Take[] = [];
  #clientOrderId: number;
  /** The source is connected. */
  #connected = false;
  #ended = false;
  #nextTaker = 0;
  #takeFirst = true;
  /** The instrument whose turn is next. */
  #turn = 0;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#clientOrderId = options.firstClientOrderId;
  }

  /** Instruments that have a symbol, in the order in which they appeared. */
  get mirrored(): readonly MirroredInstrument[] {
    return this.#mirrored;
  }

  /** The source is connected, as far as its records were taken. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Takes a record of the source. @param nameOf the name of an instrument by its number */
  onRecord(record: FeedRecord, nameOf: (instrument: number) => string): void {
    const { kind } = record;
    if (record.instrument === ALL_INSTRUMENTS) {
      if (kind === RecordKind.status) this.#connect(record.detail === FeedState.Live);
      return;
    }
    const of = this.#instrument(record.instrument, nameOf);
    if (of === undefined) return;
    switch (kind) {
      case RecordKind.scale:
        this.#setDecimals(of, record.a, record.b);
        break;
      case RecordKind.bookClear:
        of.book.clear();
        break;
      case RecordKind.level:
        of.book.side(record.detail === BookSide.Bid ? BookSide.Bid : BookSide.Ask).set(record.a, record.b, 0, 0);
        break;
      case RecordKind.bookEnd:
        endSide(of.book, BookSide.Bid, record.a, record.b);
        endSide(of.book, BookSide.Ask, record.c, record.d);
        this.#fit(of);
        of.changed = true;
        break;
      case RecordKind.trade:
        this.#trade(of, record.detail, record.a, record.b);
        break;
      case RecordKind.status:
        of.live = record.detail === FeedState.Live;
        of.changed = true;
    }
  }

  /**
   * Records were lost: takes the present state of an instrument, and forgets its book. The book is filled again by what
   * comes, which is never wrong and has the best levels; it is whole after the next snapshot.
   */
  restart(instrument: number, nameOf: (instrument: number) => string, values: LatestValues, connected: boolean): void {
    this.#connected = connected;
    const of = this.#instrument(instrument, nameOf);
    if (of === undefined) return;
    this.#setDecimals(of, values.priceDecimals, values.quantityDecimals);
    of.book.clear();
    endSide(of.book, BookSide.Bid, values.bid, values.bidQuantity);
    endSide(of.book, BookSide.Ask, values.ask, values.askQuantity);
    of.live = values.live;
    of.changed = true;
  }

  /** Applies an execution report to an account of a maker. @param leaves lots @param nowMs as in {@link next} */
  onReport(tag: number, clientOrderId: number, kind: number, code: number, leaves: number, nowMs: number): void {
    this.#mirrored[Math.floor((tag - 1) / MIRROR_PLACES)]?.quotes.onReport(tag, clientOrderId, kind, code, leaves, nowMs);
  }

  /** The time for what was rejected may have come. Call it about once a second. */
  retry(): void {
    for (const { quotes } of this.#mirrored) quotes.retry();
  }

  /** All quotes go at once, and stay away. */
  end(): void {
    this.#ended = true;
    this.#connect(false);
    for (const of of this.#mirrored) of.changed = true;
  }

  /**
   * The next command, which the caller then sends; undefined if there is none now. Trades and quotes take turns, and so do symbols.
   * @param nowMs time of any clock in milliseconds, always the same clock
   */
  next(nowMs: number): CommandFields | undefined {
    const take = this.#takeFirst ? this.#take() : undefined;
    this.#takeFirst = take === undefined;
    return take ?? this.#quote(nowMs) ?? this.#take();
  }

  #quote(nowMs: number): CommandFields | undefined {
    for (let tried = 0; tried < this.#mirrored.length; tried++) {
      this.#turn = (this.#turn + 1) % this.#mirrored.length;
      const of = this.#mirrored[this.#turn];
      if (of.changed) this.#aim(of, nowMs);
      const command = of.quotes.decide(nowMs, this.#clientOrderId);
      if (command === undefined) continue;
      if (command.kind === CommandKind.New) this.#clientOrderId++;
      return command;
    }
    return undefined;
  }

  #aim(of: MirroredInstrument, nowMs: number): void {
    const isLive = this.#connected && of.live && !of.book.crossed;
    if (!isLive) {
      if (Number.isNaN(of.staleSinceMs)) of.staleSinceMs = nowMs;
      if (nowMs - of.staleSinceMs < STALE_GRACE_MS && !this.#ended) return;
    }
    of.changed = false;
    if (of.quoted && !isLive && !this.#ended) this.withdrawals++;
    of.quoted = isLive;
    if (!isLive) return of.quotes.withdraw();
    of.staleSinceMs = Number.NaN;
    of.quotes.aim(Side.Buy, of.book.bids, of.scale);
    of.quotes.aim(Side.Sell, of.book.asks, of.scale);
  }

  #trade(of: MirroredInstrument, taker: number, price: number, quantity: number): void {
    if (!this.#connected || !of.live) return;
    if (this.#takes.length === MAX_TAKES) {
      this.#takes.shift();
      this.droppedTrades++;
    }
    this.#takes.push({ of, side: sideOf(of.book, taker, price), price, quantity });
  }

  /** An order that trades at the price of the trade, or at that of the best quote if the quotes have moved already; its rest is cancelled. */
  #take(): CommandFields | undefined {
    for (let next = this.#takes.shift(); next !== undefined; next = this.#takes.shift()) {
      const { of, side, price, quantity } = next;
      const best = of.quotes.best(side === Side.Buy ? Side.Sell : Side.Buy);
      const traded = of.scale.ticks(price, side === Side.Buy);
      const limit = side === Side.Buy ? Math.max(traded, best) : Math.min(traded || best, best);
      const lots = best === 0 ? 0 : of.scale.lots(quantity, limit);
      if (lots === 0) {
        this.droppedTrades++;
        continue;
      }
      const { takers } = this.#options;
      const account = takers[this.#nextTaker++ % takers.length];
      const { id: symbol } = of.scale.symbol;
      const { ImmediateOrCancel: timeInForce } = TimeInForce;
      return {
        kind: CommandKind.New,
        side,
        timeInForce,
        symbol,
        account,
        clientOrderId: this.#clientOrderId++,
        price: limit,
        quantity: lots,
      };
    }
    return undefined;
  }

  #connect(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    if (!connected) this.#takes.length = 0;
    for (const of of this.#mirrored) of.changed = true;
  }

  #setDecimals(of: MirroredInstrument, priceDecimals: number, quantityDecimals: number): void {
    // The whole book follows in the new units.
    of.book.clear();
    of.scale.setDecimals(priceDecimals, quantityDecimals);
  }

  #fit(of: MirroredInstrument): void {
    const { bids, asks } = of.book;
    if (of.fitted || bids.length + asks.length === 0) return;
    const price = bids.length === 0 ? asks.price(0) : asks.length === 0 ? bids.price(0) : (bids.price(0) + asks.price(0)) / 2;
    of.scale.fit(price);
    of.fitted = true;
  }

  #instrument(number: number, nameOf: (instrument: number) => string): MirroredInstrument | undefined {
    if (this.#instruments.has(number)) return this.#instruments.get(number);
    const name = nameOf(number);
    const { symbols, makers, matches } = this.#options;
    const free = symbols.find((symbol) => matches(symbol.name, name) && !this.#mirrored.some(({ scale }) => scale.symbol.id === symbol.id));
    const scale = free && new MirrorScale(free, this.#options.percent);
    const of = scale && new MirroredInstrument(name, scale, new MirrorQuotes(scale, makers, 1 + this.#mirrored.length * MIRROR_PLACES));
    this.#instruments.set(number, of);
    if (of !== undefined) this.#mirrored.push(of);
    return of;
  }
}

/** The end of an update states the best level. It matters where the book is not whole: no better level can be right. */
function endSide(book: VenueBook, side: BookSide, price: number, quantity: number): void {
  const levels = book.side(side);
  if (price === 0) return levels.clear();
  while (levels.length > 0 && levels.isBetter(levels.price(0), price)) levels.set(levels.price(0), 0, 0, 0);
  if (quantity > 0) levels.set(price, quantity, 0, 0);
}

/** The side of the taker. If the venue does not state it, the nearer side of the book is the maker. */
function sideOf({ bids, asks }: VenueBook, taker: number, price: number): Side {
  if (taker === TakerSide.Buy) return Side.Buy;
  if (taker === TakerSide.Sell) return Side.Sell;
  if (asks.length === 0) return Side.Sell;
  return bids.length === 0 || asks.price(0) - price < price - bids.price(0) ? Side.Buy : Side.Sell;
}
