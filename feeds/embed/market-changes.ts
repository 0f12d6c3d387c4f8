import { unitsToDecimal } from '../../engine/decimal.ts';
import type { SideName } from '../../engine/wire/names.ts';
import { BookSide, type FeedFault, type FeedSink, TAKER_SIDE_NAMES, type TakerSide } from '../feed.ts';
import { CapturePlayer } from '../files/capture-player.ts';
import { CAPTURED_LINE, capturedVenue } from '../files/capture-replay.ts';
import { type CaptureFile, isCaptureHead, readCaptureByTime } from '../files/captures.ts';
import { fileHead, formatOf } from '../files/file-formats.ts';
import type { FileOptions } from '../files/file-reading.ts';

/** A level of an outside book as it is from now on; quantity 0: it is gone. Decimal text. */
export interface LevelChange {
  readonly side: SideName;
  readonly price: string;
  readonly quantity: string;
}

/** An update of an outside book. */
export interface BookChange {
  readonly kind: 'book';
  readonly instrument: string;
  /** The venue's time, microseconds since the Unix epoch; 0: none. */
  readonly timeUs: number;
  /** The levels are the whole book: others are gone. */
  readonly whole: boolean;
  readonly levels: readonly LevelChange[];
}

/** An outside trade. */
export interface TradeChange {
  readonly kind: 'trade';
  readonly instrument: string;
  readonly timeUs: number;
  readonly price: string;
  readonly quantity: string;
  /** The side that took; undefined: not stated, as of an auction. */
  readonly taker: SideName | undefined;
  /** 0: none. */
  readonly tradeId: number;
}

/** What a recorded market consists of. */
export type MarketChange = BookChange | TradeChange;

/** Events of a capture that are read between two steps. */
const CAPTURE_STEP = 64;

/**
 * A recorded market as changes, in the order of the file: LOBSTER, NASDAQ ITCH 5.0, Databento and CSV of trades or quotes, the data directory of an exchange, and captures of venues. Plain
 * or gzipped. A file is read in pieces, so memory is bounded; a capture, which is sorted by time, is read as a whole. Messages that cannot be
 * used are left out, as docs/FEEDS.md says; a file that is cut ends early.
 *
 * @param options of CSV files; `instruments`: only these
 * @throws UnknownFormatError, FileBytesError, CsvFileError, CaptureError
 */
export async function* readMarket(
  file: string | CaptureFile,
  options: FileOptions & { readonly instruments?: readonly string[] } = {},
): AsyncGenerator<MarketChange, void, void> {
  if (typeof file !== 'string' || isCaptureHead(await fileHead(file))) return yield* capture(file, options.instruments);
  const sink = new ChangeSink(options.instruments);
  const { steps } = (await formatOf(file)).open(file, sink, options);
  try {
    for (;;) {
      const { done } = await steps.next();
      yield* sink.take();
      if (done === true) return;
    }
  } finally {
    await steps.return(undefined as never);
  }
}

async function* capture(file: string | CaptureFile, wanted: readonly string[] | undefined): AsyncGenerator<MarketChange, void, void> {
  // An adapter needs a number for each of its instruments.
  const sink = new ChangeSink(undefined);
  const recorded = await readCaptureByTime(file);
  const path = typeof file === 'string' ? file : file.path;
  const adapter = capturedVenue(path, recorded).create({ instruments: [] }, CAPTURED_LINE, sink);
  const player = new CapturePlayer(recorded.events, adapter);
  while (!player.ended) {
    player.playUntil(Number.POSITIVE_INFINITY, 0, 0, CAPTURE_STEP);
    for (const change of sink.take()) if (wanted?.includes(change.instrument) !== false) yield change;
  }
}

interface Instrument {
  readonly name: string;
  priceDecimals: number;
  quantityDecimals: number;
  levels: LevelChange[];
  whole: boolean;
}

/** Collects what is written to it as changes. */
class ChangeSink implements FeedSink {
  readonly #wanted: ReadonlySet<string> | undefined;
  readonly #instruments: Instrument[] = [];
  readonly #numbers = new Map<string, number>();
  /** Where an adapter writes what is not wanted. */
  readonly #ignored: Instrument = { name: '', priceDecimals: 0, quantityDecimals: 0, levels: [], whole: false };
  #changes: MarketChange[] = [];

  constructor(wanted: readonly string[] | undefined) {
    this.#wanted = wanted === undefined ? undefined : new Set(wanted);
  }

  /** The changes since the last call. */
  take(): MarketChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  instrument(name: string): number {
    if (this.#wanted?.has(name) === false) return -1;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#instruments.push({ name, priceDecimals: 0, quantityDecimals: 0, levels: [], whole: false }) - 1;
    this.#numbers.set(name, number);
    return number;
  }

  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void {
    const of = this.#of(instrument);
    of.priceDecimals = priceDecimals;
    of.quantityDecimals = quantityDecimals;
  }

  sequence(): void {
    // Numbers of the venue are of no use here.
  }

  bookClear(instrument: number): void {
    const of = this.#of(instrument);
    of.levels = [];
    of.whole = true;
  }

  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    const of = this.#of(instrument);
    of.levels.push(levelOf(of, side === BookSide.Bid ? 'buy' : 'sell', price, quantity));
  }

  bookEnd(instrument: number, timeUs: number): void {
    const of = this.#of(instrument);
    const { name, whole, levels } = of;
    of.levels = [];
    of.whole = false;
    if (of !== this.#ignored && (whole || levels.length > 0)) this.#changes.push({ kind: 'book', instrument: name, timeUs, whole, levels });
  }

  trade(instrument: number, price: number, quantity: number, takerSide: TakerSide, timeUs: number, tradeId: number): void {
    const of = this.#of(instrument);
    if (of === this.#ignored) return;
    const text = { price: unitsToDecimal(price, 1, of.priceDecimals), quantity: unitsToDecimal(quantity, 1, of.quantityDecimals) };
    this.#changes.push({ kind: 'trade', instrument: of.name, timeUs, ...text, taker: TAKER_SIDE_NAMES[takerSide], tradeId });
  }

  /** Best prices are a whole book of one level a side, if the file has no other book. */
  quote(instrument: number, bid: number, bidQuantity: number, ask: number, askQuantity: number, timeUs: number): void {
    const of = this.#of(instrument);
    if (of === this.#ignored) return;
    const levels: LevelChange[] = [];
    if (bid > 0 && bidQuantity > 0) levels.push(levelOf(of, 'buy', bid, bidQuantity));
    if (ask > 0 && askQuantity > 0) levels.push(levelOf(of, 'sell', ask, askQuantity));
    this.#changes.push({ kind: 'book', instrument: of.name, timeUs, whole: true, levels });
  }

  status(): void {
    // A file that ends says so.
  }

  fault(_instrument: number, _fault: FeedFault): void {
    // What cannot be used is left out.
  }

  #of(instrument: number): Instrument {
    return this.#instruments[instrument] ?? this.#ignored;
  }
}

function levelOf({ priceDecimals, quantityDecimals }: Instrument, side: SideName, price: number, quantity: number): LevelChange {
  return { side, price: unitsToDecimal(price, 1, priceDecimals), quantity: unitsToDecimal(quantity, 1, quantityDecimals) };
}
