/**
 * The entry of the feed thread: the lines of all sources, which write to one ring and its tables, and the candles of their
 * trades. `postMessage` starts and stops it, carries lines for the log, and questions for candles; all other data is in shared memory.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { FeedCandles } from '../analysis/feed-candles.ts';
import { Breakers } from '../lines/breaker.ts';
import { LineClock } from '../lines/line-clock.ts';
import { SourceLine } from '../lines/source-line.ts';
import { RecordPublisher } from '../rings/record-publisher.ts';
import { VENUES } from '../venues/index.ts';
import { openOutput } from './feed-handles.ts';
import type { FeedThreadData, FromFeedThread, ToFeedThread } from './feed-messages.ts';
import { PublishedAdapter } from './published-adapter.ts';

/** Closed candles kept over all instruments, beyond the first 16 of each interval: 40 MB. */
const KEPT_BARS = 2 ** 18;

if (parentPort !== null) runThread(parentPort, workerData as FeedThreadData);

function runThread(port: NonNullable<typeof parentPort>, { handles, sources }: FeedThreadData): void {
  const breakers = new Breakers();
  const clock = new LineClock();
  const say = (message: FromFeedThread): void => port.postMessage(message);
  const output = openOutput(handles, () => say({ type: 'changed' }));
  const budget = { left: KEPT_BARS };
  const candles = sources.map(() => new FeedCandles(budget));
  const lines = sources.map((source, i) => {
    const publisher = new RecordPublisher(output, source.name, candles[i]);
    publisher.at(clock.nowUs());
    const venue = VENUES.find(({ name }) => name === source.venue);
    if (venue === undefined) throw new RangeError(`feed ${source.name}: no venue is named ${source.venue}`);
    return new SourceLine({
      name: source.name,
      adapter: (options, line) => new PublishedAdapter(venue.create, options, line, publisher),
      options: source,
      sink: publisher,
      breakers,
      clock,
      log: (fault, text) => say({ type: 'note', source: source.name, fault, text }),
    });
  });
  port.on('message', (message: ToFeedThread) => {
    if (message.type === 'stop') {
      void Promise.all(lines.map((line) => line.stop())).then(() => port.close());
      return;
    }
    const { question, source, row, range } = message;
    say({ type: 'candles', question, bars: candles[source].bars(row, range), leftOut: candles[source].leftOut });
  });
  for (const line of lines) line.start();
  say({ type: 'started' });
}
