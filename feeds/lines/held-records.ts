import { type BookSide, FeedFault, type FeedSink, type FeedState, type TakerSide } from '../feed.ts';
import { FeedRecord, RECORD_BYTES, RecordKind } from '../feed-record.ts';
import { CLOCK_BACK_US } from './play-clock.ts';

const FIRST_CAPACITY = 1024;
/** Records without a time that wait for one. Beyond it they are played with what came before. */
const MOST_OPEN = 16_384;

/** What takes the calls of {@link HeldRecords}, when their time has come. */
export type PlayedSink = Pick<FeedSink, 'scale' | 'sequence' | 'bookClear' | 'level' | 'bookEnd' | 'trade' | 'quote' | 'status'>;

export interface HeldRecordsOptions {
  /** The number of an instrument; -1: it is not wanted. */
  readonly instrument: (name: string) => number;
  /** Gets faults at once: the reader stands at what is wrong. */
  readonly fault: (instrument: number, fault: FeedFault) => void;
}

/**
 * The sink of a file's reader: it keeps what a step of the reader wrote until it is due. Records form groups, each of which ends
 * with one that has a time: the end of a book's update, a trade or a quote. What has no time of its own (a state, units, levels)
 * is played with the next of these.
 *
 * ```
 * reader.step ─▶ records ─▶ timeUs of the first group ─▶ play the group
 * ```
 *
 * It becomes as large as the largest step, and allocates nothing else. One thread owns it.
 */
export class HeldRecords implements FeedSink {
  readonly #options: HeldRecordsOptions;
  #bytes = new Uint8Array(FIRST_CAPACITY * RECORD_BYTES);
  #record = new FeedRecord(this.#bytes.buffer, 0, FIRST_CAPACITY);
  #capacity = FIRST_CAPACITY;
  /** The records from `#first` to `#count` wait; those before `#closed` are of groups that are complete. */
  #first = 0;
  #closed = 0;
  #count = 0;
  /** Behind the first group; 0: not looked for. */
  #groupEnd = 0;
  #sequence = 0;
  #latestUs = 0;
  /** Ends of updates, trades and quotes so far. */
  groups = 0;

  constructor(options: HeldRecordsOptions) {
    this.#options = options;
  }

  /** A group is complete. */
  get hasGroup(): boolean {
    return this.#first < this.#closed;
  }

  /** Time of the first group, us since 1970; 0: it has none. Only if there is one. */
  get timeUs(): number {
    return this.#record.wrap(this.#endOfGroup() - 1).venueTimeUs;
  }

  /** Passes the first group on, and removes it. @returns its records */
  playGroup(sink: PlayedSink): number {
    const [from, to] = [this.#first, this.#endOfGroup()];
    // Before the calls: what fails is not played a second time.
    this.#first = to;
    this.#groupEnd = 0;
    for (let at = from; at < to; at++) play(this.#record.wrap(at), sink);
    if (this.#first === this.#count) this.#first = this.#closed = this.#count = 0;
    return to - from;
  }

  /** The file has ended: what waits for a time is complete. */
  close(): void {
    this.#closed = this.#count;
  }

  instrument(name: string): number {
    return this.#options.instrument(name);
  }

  fault(instrument: number, fault: FeedFault): void {
    this.#options.fault(instrument, fault);
  }

  sequence(venueSequence: number): void {
    this.#sequence = venueSequence;
  }

  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void {
    const record = this.#add(RecordKind.scale, instrument);
    record.a = priceDecimals;
    record.b = quantityDecimals;
  }

  bookClear(instrument: number): void {
    this.#add(RecordKind.bookClear, instrument);
  }

  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    const record = this.#add(RecordKind.level, instrument);
    record.detail = side;
    record.a = price;
    record.b = quantity;
  }

  bookEnd(instrument: number, venueTimeUs: number, bid: number, bidQuantity: number, ask: number, askQuantity: number): void {
    this.#best(RecordKind.bookEnd, instrument, venueTimeUs, bid, bidQuantity, ask, askQuantity);
  }

  trade(instrument: number, price: number, quantity: number, takerSide: TakerSide, venueTimeUs: number, tradeId: number): void {
    const record = this.#add(RecordKind.trade, instrument);
    record.detail = takerSide;
    record.a = price;
    record.b = quantity;
    record.c = tradeId;
    this.#close(record, instrument, venueTimeUs);
  }

  quote(instrument: number, bid: number, bidQuantity: number, ask: number, askQuantity: number, venueTimeUs: number): void {
    this.#best(RecordKind.quote, instrument, venueTimeUs, bid, bidQuantity, ask, askQuantity);
  }

  status(instrument: number, state: FeedState, fault: FeedFault): void {
    const record = this.#add(RecordKind.status, instrument);
    record.detail = state;
    record.a = fault;
  }

  #best(
    kind: RecordKind,
    instrument: number,
    venueTimeUs: number,
    bid: number,
    bidQuantity: number,
    ask: number,
    askQuantity: number,
  ): void {
    const record = this.#add(kind, instrument);
    record.a = bid;
    record.b = bidQuantity;
    record.c = ask;
    record.d = askQuantity;
    this.#close(record, instrument, venueTimeUs);
  }

  #add(kind: RecordKind, instrument: number): FeedRecord {
    if (this.#count === this.#capacity) this.#makeRoom();
    if (this.#count - this.#closed >= MOST_OPEN) this.#closed = this.#count;
    const record = this.#record.wrap(this.#count++).clear();
    record.kind = kind;
    record.instrument = instrument;
    record.venueSequence = this.#sequence;
    return record;
  }

  #close(record: FeedRecord, instrument: number, timeUs: number): void {
    record.venueTimeUs = timeUs;
    this.#closed = this.#count;
    this.groups++;
    if (timeUs === 0) return;
    const isBack = timeUs < this.#latestUs - CLOCK_BACK_US;
    this.#latestUs = isBack ? timeUs : Math.max(this.#latestUs, timeUs);
    if (isBack) this.#options.fault(instrument, FeedFault.ClockBack);
  }

  /** Behind the record that ends the first group; a group that has no such record ends with what is complete. */
  #endOfGroup(): number {
    if (this.#groupEnd > 0) return this.#groupEnd;
    let end = this.#first;
    for (let isOpen = true; isOpen && end < this.#closed; end++) isOpen = !endsGroup(this.#record.wrap(end).kind);
    this.#groupEnd = end;
    return end;
  }

  /** Moves what waits to the front; into twice the memory, if it fills more than half of it. */
  #makeRoom(): void {
    const [first, bytes, waiting] = [this.#first, this.#bytes, this.#count - this.#first];
    if (waiting > this.#capacity / 2) {
      this.#capacity *= 2;
      this.#bytes = new Uint8Array(this.#capacity * RECORD_BYTES);
      this.#record = new FeedRecord(this.#bytes.buffer, 0, this.#capacity);
    }
    this.#bytes.set(bytes.subarray(first * RECORD_BYTES, this.#count * RECORD_BYTES));
    this.#closed -= first;
    if (this.#groupEnd > 0) this.#groupEnd -= first;
    this.#first = 0;
    this.#count = waiting;
  }
}

function endsGroup(kind: number): boolean {
  return kind === RecordKind.bookEnd || kind === RecordKind.trade || kind === RecordKind.quote;
}

function play(record: FeedRecord, sink: PlayedSink): void {
  const { instrument, detail, venueTimeUs, a, b, c, d } = record;
  sink.sequence(record.venueSequence);
  switch (record.kind) {
    case RecordKind.scale:
      return sink.scale(instrument, a, b);
    case RecordKind.bookClear:
      return sink.bookClear(instrument);
    case RecordKind.level:
      return sink.level(instrument, detail as BookSide, a, b);
    case RecordKind.bookEnd:
      return sink.bookEnd(instrument, venueTimeUs, a, b, c, d);
    case RecordKind.trade:
      return sink.trade(instrument, a, b, detail as TakerSide, venueTimeUs, c);
    case RecordKind.quote:
      return sink.quote(instrument, a, b, c, d, venueTimeUs);
    default:
      return sink.status(instrument, detail as FeedState, a as FeedFault);
  }
}
