import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it, type TestContext } from 'node:test';
import { BAR_FIELDS, BarField } from '../feeds/analysis/bar-ring.ts';
import { CandleField } from '../feeds/analysis/candles.ts';
import { allocateLeftOut, FeedCandles } from '../feeds/analysis/feed-candles.ts';
import { CAPTURED_LINE } from '../feeds/files/capture-replay.ts';
import { CaptureLine } from '../feeds/lines/capture-line.ts';
import { LineClock } from '../feeds/lines/line-clock.ts';
import { ShiftedSink } from '../feeds/lines/shifted-sink.ts';
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
    onRound: () => undefined,
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

/** The demo capture in a loop, with a clock of the test. */
function loop(t: TestContext) {
  const left = allocateLeftOut(1)[0];
  const candles = new FeedCandles({ left: 1024 }, left, { isSeamless: true });
  const output = openOutput(allocateFeeds({ records: 4096, instruments: 16 }, 1));
  const at: number[] = [];
  const listener: TradeListener = {
    scale: (row, price, quantity) => candles.scale(row, price, quantity),
    time: (venueTimeUs, receiveTimeUs) => candles.time(venueTimeUs, receiveTimeUs),
    connection: (state) => candles.connection(state),
    trade: (...trade) => {
      at.push(trade[4]);
      candles.trade(...trade);
    },
  };
  const sink = new ShiftedSink(new RecordPublisher(output, 'demo', listener));
  const clock = { nowMs: Date.UTC(2030, 0, 1) };
  const shifts: number[] = [];
  const line = new CaptureLine({
    source: { name: 'demo', file: demoCapture() },
    adapter: (venue) => new PublishedAdapter(venue.create, { instruments: [] }, CAPTURED_LINE, sink),
    sink,
    onRound: (shiftUs) => {
      sink.shiftUs = shiftUs;
      shifts.push(shiftUs);
    },
    clock: new LineClock(
      () => clock.nowMs,
      () => clock.nowMs,
    ),
    log: (_fault, text) => assert.fail(text),
  });
  t.after(() => line.stop());
  const bars = (interval: number) =>
    Array.from({ length: 16 }, (_, row) => candles.bars(row, { interval, from: 0, to: 1e12, limit: 1e6, newest: false })).flatMap((bars) =>
      Array.from({ length: bars.length / BAR_FIELDS }, (_, i) => bars.subarray(i * BAR_FIELDS, (i + 1) * BAR_FIELDS)),
    );
  const counted = () => bars(7).reduce((sum, bar) => sum + bar[CandleField.trades], 0);
  return { line, clock, candles, at, shifts, bars, counted };
}

it('the trades of each round have times of now, and are in candles', async (t) => {
  const { line, clock, candles, at, shifts, counted } = loop(t);
  line.start();
  // A step of an hour ends a round.
  const hour = () => {
    clock.nowMs += 3_600_000;
  };
  await until(() => {
    hour();
    return at.length > 0;
  }, 'the first round');
  const first = at.length;
  assert.equal(counted(), first);
  const of = at.slice();
  await until(() => {
    hour();
    return at.length >= 3 * first;
  }, 'two more rounds');
  await line.stop();
  assert.deepEqual(
    at.slice(0, 3 * first),
    [0, 1, 2].flatMap((round) => of.map((timeUs) => timeUs + shifts[round] - shifts[0])),
  );
  assert.ok(at[0] / 1000 > Date.UTC(2029, 11, 31), 'not the recorded ones');
  assert.equal(counted(), at.length);
  assert.deepEqual(candles.leftOut, { late: 0, untimed: 0, ahead: 0, repeated: 0 });
});

it('candles go on from round to round: none is incomplete, and the beginning that is played at once is not counted twice', async (t) => {
  const { line, clock, candles, at, shifts, bars, counted } = loop(t);
  line.start();
  await until(() => {
    clock.nowMs += 500;
    return shifts.length === 3;
  }, 'two rounds');
  await line.stop();
  const { late, untimed, ahead, repeated } = candles.leftOut;
  assert.deepEqual([late, untimed, ahead, counted()], [0, 0, 0, at.length - repeated]);
  const seconds = bars(0);
  // Those of the beginning come before the source was connected.
  const begin = Math.min(...at);
  assert.ok(seconds.length > 30);
  for (const bar of seconds)
    assert.ok(bar[BarField.incomplete] === 0 || bar[CandleField.start] < begin + 10e6, `second ${(bar[CandleField.start] - begin) / 1e6}`);
});
