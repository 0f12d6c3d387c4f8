import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { BAR_FIELDS } from '../feeds/analysis/bar-ring.ts';
import { CandleField } from '../feeds/analysis/candles.ts';
import { allocateLeftOut, FeedCandles } from '../feeds/analysis/feed-candles.ts';
import { FeedState } from '../feeds/feed.ts';
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

const LOOP = { instruments: [], speed: 1, atEnd: 'loop' } as const;

it('a truncated gzip capture is played as far as it goes, counted and logged', async (t) => {
  const whole = readFileSync(demoCapture().path);
  const sink = new NotingSink();
  const log: string[] = [];
  const line = new CaptureLine({
    source: { name: 'cut', file: { path: 'cut.jsonl.gz', content: whole.subarray(0, whole.length >> 1) }, ...LOOP },
    adapter: (venue, selected) => venue.create({ instruments: [] }, CAPTURED_LINE, selected),
    isRefused: () => false,
    sink,
    log: (_fault, text) => log.push(text),
  });
  t.after(() => line.stop());
  line.start();
  await until(() => sink.words.includes('live'), 'the capture is played');
  await line.stop();
  assert.deepEqual(
    sink.words.filter((word) => word.startsWith('fault')),
    ['fault FILE_TRUNCATED'],
  );
  assert.deepEqual(log, ['cut: CAPTURE_TRUNCATED: cut.jsonl.gz: ends too early; the recording was cut short']);
});

it('the trades of a later round are repeats: no candle counts them again', async (t) => {
  const left = allocateLeftOut(1)[0];
  const candles = new FeedCandles({ left: 1024 }, left);
  const output = openOutput(allocateFeeds({ records: 4096, instruments: 16 }, 1));
  /** Trades of each round. */
  const rounds: number[] = [];
  const listener: TradeListener = {
    scale: (row, price, quantity) => candles.scale(row, price, quantity),
    time: (venueTimeUs, receiveTimeUs) => candles.time(venueTimeUs, receiveTimeUs),
    connection: (state) => {
      if (state === FeedState.Live) rounds.push(0);
      candles.connection(state);
    },
    trade: (...trade) => {
      rounds[rounds.length - 1]++;
      candles.trade(...trade);
    },
  };
  const sink = new RecordPublisher(output, 'demo', listener);
  let nowMs = Date.now();
  const line = new CaptureLine({
    source: { name: 'demo', file: demoCapture(), ...LOOP },
    adapter: (venue, selected) => new PublishedAdapter(venue.create, { instruments: [] }, CAPTURED_LINE, selected),
    isRefused: () => false,
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
    return rounds.length === 4;
  }, 'three rounds');
  await line.stop();
  const [first, second, third, fourth] = rounds;
  assert.ok(first > 0 && second === first && third === first, `${rounds}`);
  assert.equal(counted(), first);
  const { late, repeated } = candles.leftOut;
  assert.deepEqual([late, repeated], [0, second + third + fourth]);
});
