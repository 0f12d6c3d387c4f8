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
import type { FeedSource } from '../lines/feed-source.ts';
import { isFileSource, isPlayedAsNow } from '../lines/file-source.ts';
import { LineClock } from '../lines/line-clock.ts';
import { PlayedLine } from '../lines/played-line.ts';
import { ShiftedSink } from '../lines/shifted-sink.ts';
import { SourceLine, type SourceLineOptions } from '../lines/source-line.ts';
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

async function runThread(port: NonNullable<typeof parentPort>, { handles, sources, candleStore }: FeedThreadData): Promise<void> {
  const breakers = new Breakers();
  const clock = new LineClock();
  const books = openBooks(handles.books, FeedFault.None, clock.nowUs());
  const say = (message: FromFeedThread): void => port.postMessage(message);
  const output = openOutput(handles);
  const budget = { left: KEPT_BARS };
  const candles = sources.map(
    (source, i): FeedCandles =>
      new FeedCandles(budget, handles.leftOut[i], {
        isSeamless: isFileSource(source) && isPlayedAsNow(source),
        stateOf: (row) => outbox?.stateOf(i, row),
      }),
  );
  const stored = sources.map((source, i) => ({ name: storedName(source), candles: candles[i] }));
  const outbox = candleStore && new CandleOutbox(candleStore, stored, (row) => output.latest.name(row));
  const notes: FaultNotes[] = [];
  const listings = sources.map(
    ({ name }) => new ListedRows((fault, text) => say({ type: 'note', source: name, fault, text: `${name}: ${text}` })),
  );
  /** Sends what a list said, together. */
  const passOn = (source: number): void => {
    say({ type: 'listed', listed: listings[source].take() });
  };
  /** What has the books, by source: adapters as far as they are there, and the lines of files. */
  const adapters: (VenueLine | undefined)[] = [];
  const players: (PlayedLine | undefined)[] = [];
  const kept =
    ({ create }: Venue, source: number): AdapterFactory =>
    (options, line, sink) => {
      const adapter = create(options, line, sink);
      adapters[source] = adapter;
      return adapter;
    };
  const lines = sources.map((source, i) => {
    const { name } = source;
    const log = (fault: FeedFault, text: string): void => say({ type: 'note', source: name, fault, text });
    const faults = new FaultNotes(
      (row) => output.latest.name(row),
      (fault, text) => log(fault, `${name}: ${text}`),
    );
    notes.push(faults);
    const sinkOf = (onFault: (instrument: number, fault: FeedFault) => void): PublishedSink => {
      const onListed = (row: number, terms: InstrumentTerms): void => {
        if (listings[i].isEmpty) setImmediate(passOn, i);
        listings[i].add(row, terms);
      };
      const sink = bookedSink(new RecordPublisher(output, name, candles[i], onFault, onListed), name, books);
      sink.at(clock.nowUs());
      return sink;
    };
    if (!isFileSource(source)) {
      const sink = sinkOf((instrument, fault) => faults.note(instrument, fault));
      return venueLine(source, sink, (venue) => kept(venue, i), { breakers, clock, log });
    }
    // A capture repeats its faults in each round, and has no place; it logs what ends it.
    const sink = new ShiftedSink(sinkOf((instrument, fault) => line.place > 0 && faults.note(instrument, fault, line.place)));
    const line = new PlayedLine({
      source,
      adapter: (venue, selected) => new PublishedAdapter(kept(venue, i), { instruments: [] }, CAPTURED_LINE, selected),
      sink,
      isRefused: (instrument) => instrument === output.latest.rows,
      onShift: (shiftUs) => {
        sink.shiftUs = shiftUs;
      },
      clock,
      log,
    });
    players[i] = line;
    return line;
  });
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
      for (let at = 0; at < wanted.length; at += 3) {
        const [source, row, levels] = wanted.subarray(at, at + 3);
        writeView(adapters[source]?.withId(row) ?? players[source]?.played(row), levels, views);
      }
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
  for (const line of lines) void line.start();
  say({ type: 'started' });
}

function venueLine(
  source: FeedSource,
  sink: PublishedSink,
  adapterOf: (venue: Venue) => AdapterFactory,
  options: Pick<SourceLineOptions, 'breakers' | 'clock' | 'log'>,
): SourceLine {
  const venue = VENUES.find(({ name }) => name === source.venue);
  if (venue === undefined) throw new RangeError(`feed ${source.name}: no venue is named ${source.venue}`);
  return new SourceLine({
    ...options,
    name: source.name,
    adapter: (adapterOptions, line) => new PublishedAdapter(adapterOf(venue), adapterOptions, line, sink),
    options: source,
    sink,
  });
}
