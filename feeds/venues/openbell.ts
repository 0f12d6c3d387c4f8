import { Code } from '../../engine/codes.ts';
import { getI64 } from '../../engine/units.ts';
import { Bbo, Channel, FrameKind, LevelUpdate, MarketOp, Phase, Side, Status, Trade } from '../../engine/wire/layout.ts';
import { MarketFrameReader, marketRequest, STRUCT_BYTES } from '../../engine/wire/market-frames.ts';
import type { InstrumentFeed } from '../books/instrument-feed.ts';
import { type AdapterOptions, BookSide, FeedFault, type FeedLine, type FeedSink, TakerSide } from '../feed.ts';
import { InstrumentStatus, type InstrumentTerms } from '../instrument-terms.ts';
import { DecimalReader, writeDecimal } from '../text/decimal.ts';
import { JsonFields } from '../text/json-fields.ts';
import { jittered, LIST_SOON_US } from './lists/instrument-list.ts';
import { OPENBELL_LIST } from './lists/openbell-list.ts';
import { VenueLine } from './venue-line.ts';
import type { VenueUrls } from './venue-urls.ts';

export const OPENBELL_URLS: VenueUrls = { webSocketUrl: 'ws://127.0.0.1:7402', httpUrl: 'http://127.0.0.1:7403' };

/** Three heartbeats. */
const SILENT_US = 15e6;
const RETRY_US = 2e6;
/** In a capture the address before it is that of the recorded exchange. */
const SYMBOLS_PATH = '/v1/symbols';
const CHANNELS = [Channel.Book, Channel.Trades, Channel.Bbo, Channel.Status];
/** Room for a price and a quantity as text. */
const TEXT_BYTES = 64;

const Field = { Id: 0, Name: 1, Tick: 2, Lot: 3 } as const;
const FIELDS = ['id', 'name', 'tickSize', 'lotSize'];

/** A symbol of the other exchange: what a tick and a lot are, and where its numbered channels stand. */
interface UpstreamSymbol {
  readonly id: number;
  readonly number: number;
  readonly tick: Unit;
  readonly lot: Unit;
  /** Number of the next update of the book; those before belong to the snapshot or were applied. */
  nextLevel: number;
  /** No update came behind the snapshot yet. */
  first: boolean;
  /** Number of the next trade; 0 before the channel's snapshot. */
  nextTrade: number;
}

interface Unit {
  readonly mantissa: number;
  readonly decimals: number;
}

/**
 * Another openbell as a venue: its market data in the binary format, channels `book`, `trades`, `bbo` and `status`. Ids, ticks and
 * lots of its symbols come from `GET /v1/symbols`, which is its list of instruments, too. Updates are numbered without gaps by symbol and channel.
 * docs/MARKET-DATA.md has the protocol.
 */
export class OpenbellAdapter extends VenueLine {
  readonly venue = 'openbell';
  readonly address: string;
  readonly #symbolsUrl: string;
  readonly #reader = new MarketFrameReader();
  readonly #fields = new JsonFields(FIELDS);
  readonly #positions: number[] = [];
  readonly #byId = new Map<number, UpstreamSymbol>();
  readonly #text = new Uint8Array(TEXT_BYTES);
  /** When the list of symbols is fetched again; infinite while it is known or on its way. */
  #fetchUs = Number.POSITIVE_INFINITY;

  constructor(options: AdapterOptions, line: FeedLine, sink: FeedSink) {
    super(options, line, sink, { silentUs: SILENT_US });
    this.address = options.webSocketUrl ?? OPENBELL_URLS.webSocketUrl;
    this.#symbolsUrl = `${options.httpUrl ?? OPENBELL_URLS.httpUrl}${SYMBOLS_PATH}`;
  }

  protected override answered(url: string, bytes: Uint8Array, nowUs: number): void {
    if (!url.endsWith(SYMBOLS_PATH) || !this.open) return;
    const known = new Set(this.#byId.keys());
    if (!this.#readSymbols(bytes)) {
      this.count(FeedFault.ListFailed);
      this.#fetchUs = nowUs + RETRY_US;
      return;
    }
    for (const { id } of this.#byId.values()) if (!known.has(id)) this.#subscribe(id);
    this.#takeTerms(url, bytes, nowUs);
    this.#fetchUs = nowUs + jittered(LIST_SOON_US, nowUs);
  }

  protected override failed(_url: string, _status: number, nowUs: number): void {
    this.#fetchUs = nowUs + RETRY_US;
  }

  protected subscribe(): void {
    this.#byId.clear();
    this.#fetchSymbols();
  }

  protected override poll(nowUs: number): void {
    if (nowUs >= this.#fetchUs) this.#fetchSymbols();
  }

  /** The exchange goes on with its subscriptions; a symbol that was not there was subscribed before. */
  protected override again(): void {
    // Nothing is missing.
  }

  protected message(bytes: Uint8Array, nowUs: number): void {
    const reader = this.#reader;
    if (reader.open(bytes) !== Code.OK) this.restart(FeedFault.Malformed);
    else if (reader.kind === FrameKind.Refused) this.count(FeedFault.Refused);
    else if (reader.kind <= FrameKind.Delta) {
      const symbol = this.#byId.get(reader.symbol);
      if (symbol === undefined) this.count(FeedFault.UnknownInstrument);
      else if (reader.channel === Channel.Book) this.#book(symbol);
      else if (reader.channel === Channel.Trades) this.#trades(symbol);
      else if (reader.channel === Channel.Bbo) this.#quotes(symbol);
      else if (reader.channel === Channel.Status) this.#phase(symbol, nowUs);
      else this.count(FeedFault.UnknownMessage);
    }
  }

  #book(symbol: UpstreamSymbol): void {
    const { kind, firstNo, count, timeUs } = this.#reader;
    const instrument = this.instruments[symbol.number];
    // Updates are numbered, and a snapshot has the number of the last one that it includes.
    this.sink.sequence(kind === FrameKind.Snapshot ? firstNo : firstNo + count - 1);
    if (kind === FrameKind.Snapshot) {
      instrument.beginSnapshot();
      this.#levels(symbol, instrument);
      symbol.nextLevel = firstNo + 1;
      symbol.first = true;
      instrument.endSnapshot(timeUs);
      return;
    }
    if (symbol.nextLevel === 0) instrument.fault(FeedFault.NoSnapshot);
    else if (firstNo + count <= symbol.nextLevel) {
      // Updates that the snapshot includes are expected.
      if (!symbol.first) instrument.fault(FeedFault.SequenceBack);
    } else if (firstNo > symbol.nextLevel) {
      instrument.fault(FeedFault.SequenceGap);
      instrument.sync(FeedFault.SequenceGap);
      symbol.nextLevel = 0;
      this.#request(MarketOp.Resnapshot, Channel.Book, symbol.id);
    } else {
      this.#levels(symbol, instrument);
      symbol.nextLevel = firstNo + count;
      symbol.first = false;
      instrument.endUpdate(timeUs);
    }
  }

  #levels(symbol: UpstreamSymbol, instrument: InstrumentFeed): void {
    const { words, count } = this.#reader;
    for (let i = 0; i < count; i++) {
      const at = this.#struct(i);
      const side = (words[at] & 0xff) === Side.Buy ? BookSide.Bid : BookSide.Ask;
      const priceTo = this.#write(0, getI64(words, at + LevelUpdate.price / 4), symbol.tick);
      const quantityTo = this.#write(priceTo, getI64(words, at + LevelUpdate.quantity / 4), symbol.lot);
      instrument.level(side, this.#text, 0, priceTo, priceTo, quantityTo);
    }
  }

  /** Trades are numbered permanently. Those that are missing are in the history of the other exchange; here they are counted as a gap. */
  #trades(symbol: UpstreamSymbol): void {
    const { kind, firstNo, words, count } = this.#reader;
    const instrument = this.instruments[symbol.number];
    if (kind === FrameKind.Snapshot) {
      symbol.nextTrade = firstNo + 1;
      return;
    }
    for (let i = 0; i < count; i++) {
      const at = this.#struct(i);
      const id = getI64(words, at + Trade.tradeId / 4);
      if (id < symbol.nextTrade) {
        instrument.fault(FeedFault.SequenceBack);
        continue;
      }
      if (symbol.nextTrade !== 0 && id > symbol.nextTrade) instrument.fault(FeedFault.SequenceGap);
      symbol.nextTrade = id + 1;
      this.sink.sequence(id);
      const aggressor = words[at] & 0xff;
      const auction = (words[at] & 0xff00) !== 0;
      const taker = auction ? TakerSide.Unknown : aggressor === Side.Buy ? TakerSide.Buy : TakerSide.Sell;
      const priceTo = this.#write(0, getI64(words, at + Trade.price / 4), symbol.tick);
      const quantityTo = this.#write(priceTo, getI64(words, at + Trade.quantity / 4), symbol.lot);
      const timeUs = getI64(words, at + Trade.timeUs / 4);
      instrument.trade(this.#text, 0, priceTo, priceTo, quantityTo, taker, timeUs, id);
    }
  }

  /** The newest of a frame. A side without orders has price 0. */
  #quotes(symbol: UpstreamSymbol): void {
    const { words, firstNo, count, timeUs } = this.#reader;
    if (count === 0) return;
    this.sink.sequence(firstNo + count - 1);
    const instrument = this.instruments[symbol.number];
    const at = this.#struct(count - 1);
    const bidTo = this.#write(0, getI64(words, at + Bbo.bidPrice / 4), symbol.tick);
    const bidQuantityTo = this.#write(bidTo, getI64(words, at + Bbo.bidQuantity / 4), symbol.lot);
    if (instrument.quoteBid(this.#text, 0, bidTo, bidTo, bidQuantityTo) !== FeedFault.None) return;
    const askTo = this.#write(0, getI64(words, at + Bbo.askPrice / 4), symbol.tick);
    const askQuantityTo = this.#write(askTo, getI64(words, at + Bbo.askQuantity / 4), symbol.lot);
    instrument.quoteAsk(this.#text, 0, askTo, askTo, askQuantityTo, timeUs);
  }

  /** The newest of a frame. Outside of continuous trading, orders collect or wait. */
  #phase(symbol: UpstreamSymbol, nowUs: number): void {
    const { words, count } = this.#reader;
    if (count === 0) return;
    const phase = words[this.#struct(count - 1) + Status.phase / 4] & 0xff;
    const status = phase === Phase.Continuous ? InstrumentStatus.Trading : InstrumentStatus.Halted;
    this.listed({ ...this.instruments[symbol.number].terms, status }, nowUs);
  }

  #struct(index: number): number {
    return this.#reader.at + index * (STRUCT_BYTES[this.#reader.channel] >> 2);
  }

  /** Writes a count of ticks or lots as decimal text; one that is not below 2^53 as text that is refused as too large. @returns the position behind it */
  #write(at: number, count: number, unit: Unit): number {
    const units = count * unit.mantissa;
    if (units <= Number.MAX_SAFE_INTEGER) return writeDecimal(this.#text, at, units, unit.decimals, unit.decimals);
    this.#text.fill(0x39, at, at + 17);
    return at + 17;
  }

  /** @returns false if the answer is not a list of symbols */
  #readSymbols(bytes: Uint8Array): boolean {
    const { scanner } = this;
    scanner.start(bytes);
    if (!scanner.array()) return false;
    this.#positions.length = 0;
    while (scanner.next()) this.#positions.push(scanner.position);
    if (!scanner.finished()) return false;
    for (const position of this.#positions) {
      scanner.resume(position);
      if (!this.#fields.readObject(scanner) || !this.#symbol(bytes)) return false;
    }
    return true;
  }

  #takeTerms(url: string, bytes: Uint8Array, nowUs: number): void {
    const list = new Map<string, InstrumentTerms>();
    OPENBELL_LIST.read(this.scanner, url, bytes, (terms) => list.set(terms.name, terms));
    this.listedAll(list, nowUs);
  }

  #subscribe(id: number): void {
    for (const channel of CHANNELS) this.#request(MarketOp.Subscribe, channel, id);
  }

  #symbol(bytes: Uint8Array): boolean {
    const { from, to } = this.#fields;
    const id = Number(this.#textOf(bytes, Field.Id));
    const tick = unit(bytes, from[Field.Tick], to[Field.Tick]);
    const lot = unit(bytes, from[Field.Lot], to[Field.Lot]);
    if (!Number.isSafeInteger(id) || id < 1 || tick === undefined || lot === undefined) return false;
    const name = this.#textOf(bytes, Field.Name);
    const wanted = this.options.instruments.length === 0 || this.options.instruments.includes(name);
    if (!wanted) return true;
    const number = this.instrumentNamed(name);
    if (number === -1) return true;
    // A list that is read again changes nothing of what runs.
    if (!this.#byId.has(id)) this.#byId.set(id, { id, number, tick, lot, nextLevel: 0, first: false, nextTrade: 0 });
    return true;
  }

  #textOf(bytes: Uint8Array, field: number): string {
    return new TextDecoder().decode(bytes.subarray(this.#fields.from[field], this.#fields.to[field]));
  }

  #fetchSymbols(): void {
    this.#fetchUs = Number.POSITIVE_INFINITY;
    this.line.fetch(this.#symbolsUrl);
  }

  #request(op: number, channel: number, symbol: number): void {
    this.line.send(marketRequest(op, channel, symbol, 0));
  }
}

/** `0.01` as a mantissa and decimals; undefined if it is none. */
function unit(bytes: Uint8Array, from: number, to: number): Unit | undefined {
  const reader = new DecimalReader();
  if (reader.read(bytes, from, to) !== FeedFault.None || reader.mantissa === 0) return undefined;
  return { mantissa: reader.mantissa, decimals: reader.decimals };
}
