import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ALL_INSTRUMENTS, BookSide, FEED_FAULTS, FeedFault, FeedState, TakerSide } from '../feeds/feed.ts';
import { type FeedRecord, RecordKind } from '../feeds/feed-record.ts';
import { allocateBroadcast, BroadcastProducer, BroadcastReader } from '../feeds/rings/broadcast-ring.ts';
import { allocateLatest, LatestReader, LatestValues, latestWriter } from '../feeds/rings/latest-values.ts';
import { type FeedOutput, RecordPublisher } from '../feeds/rings/record-publisher.ts';
import { allocateSources, SourcesReader, sourcesWriter } from '../feeds/rings/source-status.ts';

const KINDS = Object.keys(RecordKind);

/** An output of two sources and `rows` instruments, and readers of it. */
function output(rows = 8) {
  const ring = allocateBroadcast({ capacity: 1024, batch: 256 });
  const latest = allocateLatest(rows);
  const sources = allocateSources(2);
  const written: FeedOutput = { ring: new BroadcastProducer(ring), latest: latestWriter(latest), sources: sourcesWriter(sources) };
  const reader = new BroadcastReader(ring);
  const table = new LatestReader(latest);
  const status = new SourcesReader(sources);
  const values = new LatestValues();
  return {
    written,
    handles: { ring, latest, sources },
    status,
    table,
    /** `kind source instrument detail venue-time receive-time a b c d`, of the records since the last call. */
    records: (): string[] => Array.from({ length: reader.poll() }, (_, i) => line(reader.at(i))),
    row: (source: number, name: string): LatestValues => {
      table.read(table.find(source, name), values);
      return values;
    },
  };
}

function line(record: FeedRecord): string {
  const { kind, source, instrument, detail, venueTimeUs, receiveTimeUs, a, b, c, d } = record;
  return [KINDS[kind - 1], source, instrument, detail, venueTimeUs, receiveTimeUs, a, b, c, d].join(' ');
}

describe('record publisher', () => {
  it('writes each call as a record, and the newest values into the row', () => {
    const { written, records, row, status } = output();
    const publisher = new RecordPublisher(written, 'kraken');
    const btc = publisher.instrument('XBT/USD');
    publisher.received(1000);
    publisher.scale(btc, 1, 8);
    publisher.bookClear(btc);
    publisher.level(btc, BookSide.Bid, 100, 5);
    publisher.level(btc, BookSide.Ask, 102, 7);
    publisher.bookEnd(btc, 990, 100, 5, 102, 7);
    publisher.status(btc, FeedState.Live, FeedFault.None);
    assert.deepEqual(records(), [], 'nothing before the flush');
    assert.equal(row(0, 'XBT/USD').bid, 0);
    publisher.flush();
    assert.deepEqual(records(), [
      'scale 0 0 0 0 1000 1 8 0 0',
      'bookClear 0 0 0 0 1000 0 0 0 0',
      'level 0 0 0 0 1000 100 5 0 0',
      'level 0 0 1 0 1000 102 7 0 0',
      'bookEnd 0 0 0 990 1000 100 5 102 7',
      'status 0 0 3 0 1000 0 0 0 0',
    ]);
    const { live, priceDecimals, quantityDecimals, bid, bidQuantity, ask, askQuantity, quoteVenueTimeUs, record } = row(0, 'XBT/USD');
    assert.deepEqual(
      [live, priceDecimals, quantityDecimals, bid, bidQuantity, ask, askQuantity, quoteVenueTimeUs, record],
      [true, 1, 8, 100, 5, 102, 7, 990, 5],
    );
    publisher.received(2000);
    publisher.trade(btc, 101, 3, TakerSide.Sell, 1990, 77);
    publisher.quote(btc, 99, 1, 0, 0, 1991);
    publisher.flush();
    assert.deepEqual(records(), ['trade 0 0 2 1990 2000 101 3 77 0', 'quote 0 0 0 1991 2000 99 1 0 0']);
    const now = row(0, 'XBT/USD');
    assert.deepEqual(
      [now.tradePrice, now.tradeQuantity, now.takerSide, now.tradeId, now.tradeReceiveTimeUs],
      [101, 3, TakerSide.Sell, 77, 2000],
    );
    assert.deepEqual([now.bid, now.ask, now.askQuantity, now.quoteReceiveTimeUs, now.record], [99, 0, 0, 2000, 7]);
    const { messages, heardUs, records: count } = status.read(0);
    assert.deepEqual([messages, heardUs, count], [2, 2000, 8]);
  });

  it('gives the instruments of two sources different rows, also under one name', () => {
    const { written, records, table } = output();
    const [one, other] = [new RecordPublisher(written, 'one'), new RecordPublisher(written, 'other')];
    assert.deepEqual([one.instrument('BTC'), other.instrument('BTC'), other.instrument('ETH'), one.instrument('BTC')], [0, 1, 2, 0]);
    one.trade(0, 1, 1, TakerSide.Unknown, 0, 0);
    other.trade(1, 2, 2, TakerSide.Unknown, 0, 0);
    other.flush();
    assert.deepEqual(records(), ['trade 0 0 0 0 0 1 1 0 0', 'trade 1 1 0 0 0 2 2 0 0']);
    assert.deepEqual([table.find(0, 'BTC'), table.find(1, 'BTC'), table.find(0, 'ETH'), table.find(1, 'ETH')], [0, 1, -1, 2]);
  });

  it('keeps the state of a source, and counts its faults', () => {
    const { written, records, status } = output();
    const publisher = new RecordPublisher(written, 'kraken');
    publisher.at(500);
    publisher.status(ALL_INSTRUMENTS, FeedState.Down, FeedFault.ConnectFailed);
    assert.deepEqual(records(), ['status 0 -1 0 0 500 19 0 0 0'], 'at once: it comes outside of a message');
    publisher.fault(ALL_INSTRUMENTS, FeedFault.Malformed);
    publisher.fault(0, FeedFault.Malformed);
    publisher.flush();
    const { name, state, fault, stateTimeUs, faults } = status.all()[0];
    assert.deepEqual([name, state, fault, stateTimeUs], ['kraken', FeedState.Down, FeedFault.ConnectFailed, 500]);
    assert.equal(faults.length, FEED_FAULTS);
    assert.equal(faults[FeedFault.Malformed], 2);
  });

  it('a new writer continues a source with its rows; one that ends leaves nothing live', () => {
    const { written, handles, records, row, status } = output();
    const first = new RecordPublisher(written, 'kraken');
    new RecordPublisher(written, 'okx');
    const btc = first.instrument('BTC');
    first.quote(btc, 1, 2, 3, 4, 5);
    first.status(btc, FeedState.Live, FeedFault.None);
    first.status(ALL_INSTRUMENTS, FeedState.Live, FeedFault.None);
    // Claimed and drafted, never published: it ends with its thread.
    first.trade(btc, 9, 9, TakerSide.Buy, 9, 9);
    records();
    const output2: FeedOutput = {
      ring: new BroadcastProducer(handles.ring),
      latest: latestWriter(handles.latest),
      sources: sourcesWriter(handles.sources),
    };
    const second = new RecordPublisher(output2, 'kraken');
    assert.deepEqual([second.source, second.instrument('BTC'), second.instrument('ETH')], [0, 0, 1]);
    second.at(700);
    second.end(FeedFault.Closed);
    assert.deepEqual(records(), ['status 0 0 4 0 700 18 0 0 0', 'status 0 -1 0 0 700 18 0 0 0']);
    const { state, fault, bid, tradePrice } = row(0, 'BTC');
    assert.deepEqual([state, fault, bid, tradePrice], [FeedState.Stale, FeedFault.Closed, 1, 0]);
    assert.deepEqual([status.read(0).state, status.read(1).state], [FeedState.Down, FeedState.Down]);
  });

  it('numbers in the row follow a change of the units; what no longer fits is 0', () => {
    const { written, row } = output();
    const publisher = new RecordPublisher(written, 'kraken');
    const btc = publisher.instrument('BTC');
    publisher.scale(btc, 1, 0);
    publisher.trade(btc, 101, 2 ** 52, TakerSide.Buy, 0, 0);
    publisher.quote(btc, 100, 5, 102, 6, 0);
    publisher.scale(btc, 3, 1);
    publisher.flush();
    const { tradePrice, tradeQuantity, bid, bidQuantity, ask, askQuantity } = row(0, 'BTC');
    assert.deepEqual([tradePrice, tradeQuantity, bid, bidQuantity, ask, askQuantity], [10100, 0, 10000, 50, 10200, 60]);
  });

  it('ignores an instrument that the table has no room for, and counts it', () => {
    const { written, records, table, status, row } = output(1);
    const publisher = new RecordPublisher(written, 'kraken');
    const [known, refused] = [publisher.instrument('BTC'), publisher.instrument('ETH')];
    publisher.scale(refused, 1, 1);
    publisher.bookClear(refused);
    publisher.level(refused, BookSide.Bid, 1, 1);
    publisher.bookEnd(refused, 1, 1, 1, 0, 0);
    publisher.trade(refused, 1, 1, TakerSide.Buy, 1, 1);
    publisher.status(refused, FeedState.Live, FeedFault.None);
    publisher.trade(known, 2, 2, TakerSide.Buy, 0, 0);
    publisher.flush();
    assert.deepEqual(records(), ['trade 0 0 1 0 0 2 2 0 0']);
    assert.deepEqual([table.rows, row(0, 'BTC').tradePrice, row(0, 'BTC').live], [1, 2, false]);
    assert.deepEqual([status.read(0).refused, status.read(0).records], [1, 1]);
  });

  it('after each flush the row of an instrument is what its records add up to', () => {
    const number = fc.nat(2 ** 40);
    const call = fc.record({
      op: fc.constantFrom('trade', 'quote', 'bookEnd', 'status', 'level', 'flush', 'flush'),
      source: fc.nat(1),
      which: fc.nat(1),
      values: fc.tuple(number, number, number, number),
      state: fc.nat(4),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60, size: 'max' }), (calls) => {
        const { written, table } = output();
        const publishers = [new RecordPublisher(written, 'a'), new RecordPublisher(written, 'b')];
        const names = ['BTC', 'ETH'];
        const numbers = publishers.map((publisher) => names.map((name) => publisher.instrument(name)));
        const model = numbers
          .flat()
          .map((_, row) => ({ source: row >> 1, state: FeedState.Syncing as number, best: [0, 0, 0, 0], trade: [0, 0, 0] }));
        const shown = new LatestValues();
        for (const [index, { op, source, which, values, state }] of calls.entries()) {
          const publisher = publishers[source];
          const row = numbers[source][which];
          publisher.received(index);
          if (op === 'trade') {
            publisher.trade(row, values[0], values[1], (state % 3) as TakerSide, index, values[2]);
            model[row].trade = [values[0], values[1], values[2]];
          }
          if (op === 'quote') publisher.quote(row, ...values, index);
          if (op === 'bookEnd') publisher.bookEnd(row, index, ...values);
          if (op === 'quote' || op === 'bookEnd') model[row].best = values;
          if (op === 'level') publisher.level(row, BookSide.Bid, values[0], values[1]);
          if (op === 'status') {
            publisher.status(row, state as FeedState, FeedFault.None);
            model[row].state = state;
          }
          if (op !== 'flush') continue;
          for (const each of publishers) each.flush();
          for (const [number, expected] of model.entries()) {
            table.read(number, shown);
            const best = [shown.bid, shown.bidQuantity, shown.ask, shown.askQuantity];
            const trade = [shown.tradePrice, shown.tradeQuantity, shown.tradeId];
            assert.deepEqual({ source: shown.source, state: shown.state, best, trade }, expected);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
