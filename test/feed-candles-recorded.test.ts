/** Candles of recorded sessions, through the real adapters: those of the trades that stand in the ring, by the definition. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BAR_FIELDS } from '../feeds/analysis/bar-ring.ts';
import { CANDLE_INTERVALS, Taker } from '../feeds/analysis/candles.ts';
import { FeedCandles } from '../feeds/analysis/feed-candles.ts';
import { ALL_INSTRUMENTS, FeedFault, FeedState } from '../feeds/feed.ts';
import { RecordKind } from '../feeds/feed-record.ts';
import { CaptureReplay } from '../feeds/files/capture-replay.ts';
import { readCaptureByTime } from '../feeds/files/captures.ts';
import { BroadcastReader } from '../feeds/rings/broadcast-ring.ts';
import { RecordPublisher } from '../feeds/rings/record-publisher.ts';
import { allocateFeeds, openOutput } from '../feeds/worker/feed-handles.ts';
import { candleAt, type NaiveTrade, naiveCandles } from './support/naive-candles.ts';
import { missing, sharedData } from './support/shared-data.ts';

const TAKERS = [Taker.None, Taker.Buy, Taker.Sell];

for (const venue of ['binance', 'bitstamp', 'coinbase', 'kraken', 'okx']) {
  const path = sharedData('venues', `capture-${venue}.jsonl.gz`);
  test(`${venue}`, { skip: missing(path) }, async () => {
    const capture = await readCaptureByTime(path);
    const handles = allocateFeeds({ records: 2 ** 18, instruments: 64 }, 1);
    const candles = new FeedCandles({ left: 2 ** 18 });
    const publisher = new RecordPublisher(openOutput(handles), venue, candles);
    const reader = new BroadcastReader(handles.ring);
    // Later than all recorded times, whatever the clock of this machine says.
    publisher.received(Date.UTC(2100, 0, 1) * 1000);
    publisher.status(ALL_INSTRUMENTS, FeedState.Live, FeedFault.None);
    new CaptureReplay(path, capture, publisher).run();
    publisher.flush();

    const trades = new Map<number, NaiveTrade[]>();
    for (let count = reader.poll(); count > 0; count = reader.poll()) {
      assert.equal(reader.missed, 0);
      for (let i = 0; i < count; i++) {
        const { kind, instrument, price, quantity, detail, venueTimeUs } = reader.at(i);
        if (kind !== RecordKind.trade) continue;
        const list = trades.get(instrument) ?? [];
        list.push({ timeUs: venueTimeUs, price, quantity, taker: TAKERS[detail], tradeId: 0, seq: 0 });
        trades.set(instrument, list);
      }
    }
    assert.ok(trades.size > 0);
    assert.deepEqual(candles.leftOut, { late: 0, untimed: 0, ahead: 0, repeated: 0 });
    for (const [row, list] of trades)
      for (let interval = 0; interval < CANDLE_INTERVALS.length; interval++) {
        const bars = candles.bars(row, { interval, from: 0, to: Number.MAX_SAFE_INTEGER, limit: 10_000, newest: true });
        const own = Array.from({ length: bars.length / BAR_FIELDS }, (_, i) => candleAt(bars, i * BAR_FIELDS));
        assert.deepEqual(own, naiveCandles(list, interval));
      }
  });
}
