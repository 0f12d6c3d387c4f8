import { assert } from '../../engine/assert.ts';
import { ALL_INSTRUMENTS, type BookSide, FEED_FAULTS, type FeedFault, type FeedSink, FeedState, type TakerSide } from '../feed.ts';
import { FeedRecord, RECORD_BYTES, RecordKind } from '../feed-record.ts';
import type { InstrumentTerms } from '../instrument-terms.ts';
import type { BroadcastProducer } from './broadcast-ring.ts';
import type { ChangeSignal } from './change-signal.ts';
import { LATEST_FIELDS, LatestField } from './latest-values.ts';
import type { LockedRowsWriter } from './locked-rows.ts';
import { NEW_SOURCE, SOURCE_FIELDS, SourceField } from './source-status.ts';
import type { TradeListener } from './trade-listener.ts';

/** The shared memory that all sources of a thread write to. */
export interface FeedOutput {
  readonly ring: BroadcastProducer;
  readonly latest: LockedRowsWriter;
  readonly sources: LockedRowsWriter;
  /** For a thread that watches rows of `latest`. */
  readonly signal?: ChangeSignal;
}

/** A sink whose writes become visible at {@link flush}. */
export interface PublishedSink extends FeedSink {
  /** A frame or an answer came; what is written until the next call has this time. */
  received(nowUs: number): void;
  /** The time of what follows, without a message: a tick, the state of the connection. */
  at(nowUs: number): void;
  /** Makes visible what was written since the last flush. */
  flush(): void;
}

/**
 * The sink of one source: what its adapters understand becomes records of the ring, the newest values, and the
 * status of the source. All publishers of one output run on one thread.
 *
 * ```
 * publisher.received(nowUs) · adapter.frame(bytes, nowUs) · publisher.flush()
 * ```
 *
 * A reader sees what a message brought at `flush`: the table first, so that who reads a record finds its values, or newer ones.
 * Of an update with more records than a batch of the ring, the first may be visible earlier.
 */
export class RecordPublisher implements PublishedSink {
  /** Number of the source. */
  readonly source: number;
  readonly #output: FeedOutput;
  readonly #trades: TradeListener | undefined;
  readonly #onFault: ((instrument: number, fault: FeedFault) => void) | undefined;
  readonly #onListed: ((instrument: number, terms: InstrumentTerms) => void) | undefined;
  readonly #rows = new Map<string, number>();
  readonly #at: number;
  #nowUs = 0;
  #sequence = 0;
  /** Rows that changed since the last flush. */
  readonly #changed: Int32Array;
  readonly #isChanged: Uint8Array;
  #changes = 0;
  /** The number of instruments that the table has no row for, and where their records go. */
  readonly #nowhere: number;
  readonly #scratch = new FeedRecord(new ArrayBuffer(RECORD_BYTES), 0, 1);

  /**
   * Continues a source of this name, with its instruments, if the output has one.
   * @param name of the source, unique in its output @param trades gets the trades that it writes
   * @param onFault gets each fault, with the number of the instrument or `ALL_INSTRUMENTS`; must not allocate
   * @param onListed gets what the venue's list says of an instrument
   */
  constructor(
    output: FeedOutput,
    name: string,
    trades?: TradeListener,
    onFault?: (instrument: number, fault: FeedFault) => void,
    onListed?: (instrument: number, terms: InstrumentTerms) => void,
  ) {
    const { latest, sources } = output;
    let source = 0;
    while (source < sources.used && sources.name(source) !== name) source++;
    if (source === sources.used) source = sources.add(name, NEW_SOURCE);
    assert(source !== -1, 'record publisher: as many sources as the table has rows, with short names');
    for (let row = 0; row < latest.used; row++)
      if (latest.draft[row * LATEST_FIELDS + LatestField.source] === source) this.#rows.set(latest.name(row), row);
    this.#output = output;
    this.#trades = trades;
    this.#onFault = onFault;
    this.#onListed = onListed;
    this.source = source;
    this.#at = source * SOURCE_FIELDS;
    const { rows } = latest;
    this.#nowhere = rows;
    this.#changed = new Int32Array(rows);
    this.#isChanged = new Uint8Array(rows);
  }

  received(nowUs: number): void {
    const { draft } = this.#output.sources;
    draft[this.#at + SourceField.heardUs] = nowUs;
    draft[this.#at + SourceField.messages]++;
    this.#nowUs = nowUs;
  }

  at(nowUs: number): void {
    this.#nowUs = nowUs;
  }

  /** Nothing writes to this source any more: it is down, and the numbers of its instruments are old. */
  end(fault: FeedFault): void {
    const { draft } = this.#output.latest;
    for (const row of this.#rows.values())
      if (draft[row * LATEST_FIELDS + LatestField.state] === FeedState.Live) this.status(row, FeedState.Stale, fault);
    this.status(ALL_INSTRUMENTS, FeedState.Down, fault);
  }

  flush(): void {
    const { ring, latest, sources, signal } = this.#output;
    for (let i = 0; i < this.#changes; i++) {
      const row = this.#changed[i];
      this.#isChanged[row] = 0;
      latest.publish(row);
      signal?.note(row);
    }
    this.#changes = 0;
    sources.publish(this.source);
    ring.flush();
    signal?.flush();
  }

  instrument(name: string): number {
    const known = this.#rows.get(name);
    if (known !== undefined) return known;
    const row = this.#output.latest.add(name, [this.source, FeedState.Syncing]);
    if (row === -1) {
      this.#output.sources.draft[this.#at + SourceField.refused]++;
      return this.#nowhere;
    }
    this.#rows.set(name, row);
    return row;
  }

  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void {
    const record = this.#record(RecordKind.scale, instrument, 0);
    record.a = priceDecimals;
    record.b = quantityDecimals;
    const { draft } = this.#output.latest;
    const at = this.#change(instrument);
    const priceFactor = 10 ** (priceDecimals - draft[at + LatestField.priceDecimals]);
    const quantityFactor = 10 ** (quantityDecimals - draft[at + LatestField.quantityDecimals]);
    // The numbers that stand there stay right in the new units. A number that no longer fits is no longer known.
    draft[at + LatestField.bid] = rescaled(draft[at + LatestField.bid], priceFactor);
    draft[at + LatestField.ask] = rescaled(draft[at + LatestField.ask], priceFactor);
    draft[at + LatestField.tradePrice] = rescaled(draft[at + LatestField.tradePrice], priceFactor);
    draft[at + LatestField.bidQuantity] = rescaled(draft[at + LatestField.bidQuantity], quantityFactor);
    draft[at + LatestField.askQuantity] = rescaled(draft[at + LatestField.askQuantity], quantityFactor);
    draft[at + LatestField.tradeQuantity] = rescaled(draft[at + LatestField.tradeQuantity], quantityFactor);
    draft[at + LatestField.priceDecimals] = priceDecimals;
    draft[at + LatestField.quantityDecimals] = quantityDecimals;
    if (instrument !== this.#nowhere) this.#trades?.scale(instrument, priceDecimals, quantityDecimals);
  }

  sequence(venueSequence: number): void {
    this.#sequence = venueSequence;
  }

  bookClear(instrument: number): void {
    this.#record(RecordKind.bookClear, instrument, 0);
  }

  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    const record = this.#record(RecordKind.level, instrument, 0);
    record.detail = side;
    record.a = price;
    record.b = quantity;
  }

  bookEnd(instrument: number, venueTimeUs: number, bid: number, bidQuantity: number, ask: number, askQuantity: number): void {
    this.#best(RecordKind.bookEnd, instrument, bid, bidQuantity, ask, askQuantity, venueTimeUs);
  }

  quote(instrument: number, bid: number, bidQuantity: number, ask: number, askQuantity: number, venueTimeUs: number): void {
    this.#best(RecordKind.quote, instrument, bid, bidQuantity, ask, askQuantity, venueTimeUs);
  }

  trade(instrument: number, price: number, quantity: number, takerSide: TakerSide, venueTimeUs: number, tradeId: number): void {
    const record = this.#record(RecordKind.trade, instrument, venueTimeUs);
    record.detail = takerSide;
    record.a = price;
    record.b = quantity;
    record.c = tradeId;
    const { draft } = this.#output.latest;
    const at = this.#change(instrument);
    draft[at + LatestField.tradePrice] = price;
    draft[at + LatestField.tradeQuantity] = quantity;
    draft[at + LatestField.takerSide] = takerSide;
    draft[at + LatestField.tradeId] = tradeId;
    draft[at + LatestField.tradeVenueTimeUs] = venueTimeUs;
    draft[at + LatestField.tradeReceiveTimeUs] = this.#nowUs;
    if (instrument !== this.#nowhere) this.#trades?.trade(instrument, price, quantity, takerSide, venueTimeUs, this.#nowUs, tradeId);
  }

  listed(instrument: number, terms: InstrumentTerms): void {
    if (instrument !== this.#nowhere) this.#onListed?.(instrument, terms);
  }

  status(instrument: number, state: FeedState, fault: FeedFault): void {
    const record = this.#record(RecordKind.status, instrument, 0);
    record.detail = state;
    record.a = fault;
    if (instrument === ALL_INSTRUMENTS) {
      const { draft } = this.#output.sources;
      draft[this.#at + SourceField.state] = state;
      draft[this.#at + SourceField.fault] = fault;
      draft[this.#at + SourceField.stateTimeUs] = this.#nowUs;
      this.#trades?.connection(state);
      // Comes from the connection, outside of the calls of an adapter.
      return this.flush();
    }
    const { draft } = this.#output.latest;
    const at = this.#change(instrument);
    draft[at + LatestField.state] = state;
    draft[at + LatestField.fault] = fault;
    draft[at + LatestField.stateTimeUs] = this.#nowUs;
  }

  fault(instrument: number, fault: FeedFault): void {
    assert(fault >= 0 && fault < FEED_FAULTS, 'record publisher: a fault of feed.ts');
    this.#output.sources.draft[this.#at + SourceField.faults + fault]++;
    this.#onFault?.(instrument === this.#nowhere ? ALL_INSTRUMENTS : instrument, fault);
  }

  #best(
    kind: RecordKind,
    instrument: number,
    bid: number,
    bidQuantity: number,
    ask: number,
    askQuantity: number,
    venueTimeUs: number,
  ): void {
    const record = this.#record(kind, instrument, venueTimeUs);
    record.a = bid;
    record.b = bidQuantity;
    record.c = ask;
    record.d = askQuantity;
    const { draft } = this.#output.latest;
    const at = this.#change(instrument);
    draft[at + LatestField.bid] = bid;
    draft[at + LatestField.bidQuantity] = bidQuantity;
    draft[at + LatestField.ask] = ask;
    draft[at + LatestField.askQuantity] = askQuantity;
    draft[at + LatestField.quoteVenueTimeUs] = venueTimeUs;
    draft[at + LatestField.quoteReceiveTimeUs] = this.#nowUs;
    this.#trades?.time(venueTimeUs, this.#nowUs);
  }

  #record(kind: RecordKind, instrument: number, venueTimeUs: number): FeedRecord {
    if (instrument === this.#nowhere) return this.#scratch;
    const { ring, sources } = this.#output;
    sources.draft[this.#at + SourceField.records]++;
    const record = ring.claim();
    record.kind = kind;
    record.source = this.source;
    record.instrument = instrument;
    record.venueSequence = this.#sequence;
    record.venueTimeUs = venueTimeUs;
    record.receiveTimeUs = this.#nowUs;
    return record;
  }

  /** Marks the row of an instrument as changed by the record that was claimed last. @returns index of its first field */
  #change(row: number): number {
    // Beyond the end of the draft: stores there have no effect.
    if (row === this.#nowhere) return row * LATEST_FIELDS;
    if (this.#isChanged[row] === 0) {
      this.#isChanged[row] = 1;
      this.#changed[this.#changes++] = row;
    }
    const at = row * LATEST_FIELDS;
    this.#output.latest.draft[at + LatestField.record] = this.#output.ring.claimed - 1;
    return at;
  }
}

function rescaled(value: number, factor: number): number {
  const scaled = value * factor;
  return Number.isSafeInteger(scaled) ? scaled : 0;
}
