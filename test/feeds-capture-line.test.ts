import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { BAR_FIELDS } from '../feeds/analysis/bar-ring.ts';
import { CandleField } from '../feeds/analysis/candles.ts';
import { allocateLeftOut, FeedCandles } from '../feeds/analysis/feed-candles.ts';
import { CAPTURED_LINE } from '../feeds/files/capture-replay.ts';
import { CaptureLine } from '../feeds/lines/capture-line.ts';
import { LineClock } from '../feeds/lines/line-clock.ts';
import { RecordPublisher } from '../feeds/rings/record-publisher.ts';
import type { TradeListener } from '../feeds/rings/trade-listener.ts';
import { demoCapture } from '../feeds/simulator/demo-capture.ts';
import { allocateFeeds, openOutput } from '../feeds/worker/feed-handles.ts';
import { PublishedAdapter } from '../feeds/worker/published-adapter.ts';
import { NotingSink } from './support/loopback-venue.ts';
import { until } from './support/until.ts';

it('a truncated gzip capture is played as far as it goes, counted and logged', async (t) => {
  const whole = readFileSync(demoCapture().path);
  const sink = new NotingSink();
  const log: string[] = [];
  const line = new CaptureLine({
    source: { name: 'cut', file: { path: 'cut.jsonl.gz', content: whole.subarray(0, whole.length >> 1) } },
    adapter: (venue) => venue.create({ instruments: [] }, CAPTURED_LINE, sink),
    sink,
    log: (_fault, text) => log.push(text),
  });
  t.after(() => line.stop());
  line.start();
  await until(() => sink.words.includes('live'), 'the capture is played');
  await line.stop();
  assert.deepEqual(
    sink.words.filter((word) => word.startsWith('fault')),
    ['fault MALFORMED'],
  );
  assert.deepEqual(log, ['cut.jsonl.gz: ends too early; the recording was cut short']);
});

it('the trades of a later round are repeats: no candle counts them again', async (t) => {
  const left = allocateLeftOut(1)[0];
  const candles = new FeedCandles({ left: 1024 }, left);
  const output = openOutput(allocateFeeds({ records: 4096, instruments: 16 }, 1));
  let trades = 0;
  const listener: TradeListener = {
    scale: (row, price, quantity) => candles.scale(row, price, quantity),
    time: (venueTimeUs, receiveTimeUs) => candles.time(venueTimeUs, receiveTimeUs),
    connection: (state) => candles.connection(state),
    trade: (...trade) => {
      trades++;
      candles.trade(...trade);
    },
  };
  const sink = new RecordPublisher(output, 'demo', listener);
  let nowMs = Date.now();
  const line = new CaptureLine({
    source: { name: 'demo', file: demoCapture() },
    adapter: (venue) => new PublishedAdapter(venue.create, { instruments: [] }, CAPTURED_LINE, sink),
    sink,
    clock: new LineClock(
      () => nowMs,
      () => nowMs,
    ),
    log: (_fault, text) => assert.fail(text),
  });
  t.after(() => line.stop());
  const counted = () =>
    Array.from({ length: 16 }, (_, row) => candles.bars(row, { interval: 7, from: 0, to: 1e6, limit: 10, newest: false }))
      .flatMap((bars) => Array.from({ length: bars.length / BAR_FIELDS }, (_, i) => bars[i * BAR_FIELDS + CandleField.trades]))
      .reduce((sum, count) => sum + count, 0);
  line.start();
  // A step of an hour ends a round.
  await until(() => {
    nowMs += 3_600_000;
    return trades > 0;
  }, 'the first round');
  const first = trades;
  assert.equal(counted(), first);
  await until(() => {
    nowMs += 3_600_000;
    return trades >= 3 * first;
  }, 'two more rounds');
  await line.stop();
  assert.equal(counted(), first);
  const { late, repeated } = candles.leftOut;
  assert.deepEqual([late, repeated], [0, trades - first]);
});
