/**
 * The entry of the feed thread: the lines of all sources, which write to one ring and its tables, and the candles of their
 * trades. `postMessage` starts and stops it, carries lines for the log, and questions for candles; all other data is in shared memory.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { FeedCandles } from '../analysis/feed-candles.ts';
import { writeView } from '../books/book-views.ts';
import { type AdapterFactory, FeedFault } from '../feed.ts';
import { CAPTURED_LINE } from '../files/capture-replay.ts';
import type { InstrumentTerms } from '../instrument-terms.ts';
import { Breakers } from '../lines/breaker.ts';
import { CaptureLine } from '../lines/capture-line.ts';
import { LineClock } from '../lines/line-clock.ts';
import { ShiftedSink } from '../lines/shifted-sink.ts';
import { SourceLine } from '../lines/source-line.ts';
import { type PublishedSink, RecordPublisher } from '../rings/record-publisher.ts';
import { VENUES, type Venue } from '../venues/index.ts';
import type { VenueLine } from '../venues/venue-line.ts';
import { CandleOutbox } from './candle-outbox.ts';
import { FaultNotes } from './fault-notes.ts';
import { bookedSink, openBooks } from './feed-books.ts';
import { openOutput } from './feed-handles.ts';
import { type FeedThreadData, type FromFeedThread, storedName, type ToFeedThread } from './feed-messages.ts';
import { ListedRows } from './listed-rows.ts';
import { PublishedAdapter } from './published-adapter.ts';

/** Closed candles kept over all instruments, beyond the first 16 of each interval: 40 MB. */
const KEPT_BARS = 2 ** 18;
/** Interval of the lines of the log about faults, ms. */
const NOTES_MS = 1000;

if (parentPort !== null) void runThread(parentPort, workerData as FeedThreadData);

async function runThread(port: NonNullable<typeof parentPort>, { handles, sources, captures, candleStore }: FeedThreadData): Promise<void> {
  const breakers = new Breakers();
  const clock = new LineClock();
  const books = openBooks(handles.books, FeedFault.None, clock.nowUs());
  const say = (message: FromFeedThread): void => port.postMessage(message);
  const output = openOutput(handles);
  const budget = { left: KEPT_BARS };
  const names = [...sources, ...captures].map(storedName);
  const candles = names.map(
    (_, source): FeedCandles =>
      new FeedCandles(budget, handles.leftOut[source], {
        isSeamless: source >= sources.length,
        stateOf: (row) => outbox?.stateOf(source, row),
      }),
  );
  const stored = names.map((name, source) => ({ name, candles: candles[source] }));
  const outbox = candleStore && new CandleOutbox(candleStore, stored, (row) => output.latest.name(row));
  const notes: FaultNotes[] = [];
  const listings = [...sources, ...captures].map(
    ({ name }) => new ListedRows((fault, text) => say({ type: 'note', source: name, fault, text: `${name}: ${text}` })),
  );
  /** Sends what a list said, together. */
  const passOn = (source: number): void => {
    say({ type: 'listed', listed: listings[source].take() });
  };
  /** @param onFault gets the faults; a capture repeats its own in each round, and logs what ends it */
  const sinkOf = (name: string, source: number, onFault?: (instrument: number, fault: FeedFault) => void): PublishedSink => {
    const onListed = (row: number, terms: InstrumentTerms): void => {
      if (listings[source].isEmpty) setImmediate(passOn, source);
      listings[source].add(row, terms);
    };
    const sink = bookedSink(new RecordPublisher(output, name, candles[source], onFault, onListed), name, books);
    sink.at(clock.nowUs());
    return sink;
  };
  /** The adapters, by source, as far as they are there. */
  const adapters: (VenueLine | undefined)[] = [];
  const kept =
    ({ create }: Venue, source: number): AdapterFactory =>
    (options, line, sink) => {
      const adapter = create(options, line, sink);
      adapters[source] = adapter;
      return adapter;
    };
  const live = sources.map((source, i) => {
    const log = (fault: FeedFault, text: string): void => say({ type: 'note', source: source.name, fault, text });
    const faults = new FaultNotes(
      (row) => output.latest.name(row),
      (fault, text) => log(fault, `${source.name}: ${text}`),
    );
    notes.push(faults);
    const sink = sinkOf(source.name, i, (instrument, fault) => faults.note(instrument, fault));
    const venue = VENUES.find(({ name }) => name === source.venue);
    if (venue === undefined) throw new RangeError(`feed ${source.name}: no venue is named ${source.venue}`);
    return new SourceLine({
      name: source.name,
      adapter: (options, line) => new PublishedAdapter(kept(venue, i), options, line, sink),
      options: source,
      sink,
      breakers,
      clock,
      log,
    });
  });
  const played = captures.map((source, i) => {
    // Its times go on from round to round, and over a restart.
    const sink = new ShiftedSink(sinkOf(source.name, sources.length + i));
    return new CaptureLine({
      source,
      onRound: (shiftUs) => {
        sink.shiftUs = shiftUs;
      },
      adapter: (venue) => new PublishedAdapter(kept(venue, sources.length + i), { instruments: [] }, CAPTURED_LINE, sink),
      sink,
      clock,
      log: (fault, text) => say({ type: 'note', source: source.name, fault, text }),
    });
  });
  const lines = [...live, ...played];
  const noting = setInterval(() => {
    for (const faults of notes) faults.poll(performance.now());
  }, NOTES_MS);
  let isStopping = false;
  port.on('message', (message: ToFeedThread) => {
    if (message.type === 'stop') {
      clearInterval(noting);
      isStopping = true;
      void Promise.all(lines.map((line) => line.stop()))
        .then(() => outbox?.stop())
        .then(() => port.close());
      return;
    }
    if (message.type === 'views') {
      const { question, wanted } = message;
      const views: number[] = [];
      for (let at = 0; at < wanted.length; at += 3) writeView(adapters[wanted[at]]?.withId(wanted[at + 1]), wanted[at + 2], views);
      return say({ type: 'views', question, views: Float64Array.from(views) });
    }
    const { question, source, row, range } = message;
    const { leftOut } = candles[source];
    say({
      type: 'candles',
      question,
      bars: candles[source].bars(row, range),
      beginUs: candles[source].beginUs(row, range.interval),
      leftOut,
    });
  });
  // No trade comes before its candles are there.
  await outbox?.open();
  if (isStopping) return;
  for (const line of lines) line.start();
  say({ type: 'started' });
}
