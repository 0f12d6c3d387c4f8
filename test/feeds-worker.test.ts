import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { FeedFault, FeedState } from '../feeds/feed.ts';
import { RecordKind } from '../feeds/feed-record.ts';
import { LatestValues } from '../feeds/rings/latest-values.ts';
import { Feeds } from '../feeds/worker/feeds.ts';
import { type BybitFrame, BybitMarket, BybitTwin } from './support/bybit-frames.ts';
import { LoopbackVenue } from './support/loopback-venue.ts';

/** Waits until it holds; the test's own timeout ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

/** A venue that sends, after the first subscription of a connection, a snapshot, `deltas` changes and a trade of one instrument. */
async function venueOf(instrument: string, seed: number, deltas: number, twin: BybitTwin) {
  const market = new BybitMarket(instrument, seed);
  const sockets: WebSocket[] = [];
  const venue = await LoopbackVenue.start({
    connected: (socket) => {
      sockets.push(socket);
      socket.once('message', () => {
        const frames: BybitFrame[] = [market.snapshot(), ...Array.from({ length: deltas }, () => market.delta()), market.trade()];
        for (const frame of frames) {
          twin.receive(frame);
          socket.send(frame.text);
        }
      });
    },
  });
  return { venue, sockets };
}

describe('feed thread', { timeout: 60_000 }, () => {
  it('two sources into one ring and one table, read from another thread; after the end nothing is live', async () => {
    const twins = [new BybitTwin(), new BybitTwin()];
    const [one, other] = [await venueOf('BTCUSDT', 1, 200, twins[0]), await venueOf('BTCUSDT', 2, 100, twins[1])];
    const notes: string[] = [];
    const feeds = new Feeds({
      sources: [
        { name: 'one', venue: 'bybit', instruments: ['BTCUSDT'], depth: 50, webSocketUrl: one.venue.webSocketUrl },
        { name: 'other', venue: 'bybit', instruments: ['BTCUSDT'], depth: 50, webSocketUrl: other.venue.webSocketUrl },
      ],
      onNote: (source, _, text) => notes.push(`${source}: ${text}`),
    });
    const reader = feeds.reader({ from: 'oldest' });
    const values = new LatestValues();
    const trades = [0, 0];
    const ends = [0, 0];
    const drain = (): void => {
      for (let count = reader.poll(); count > 0; count = reader.poll())
        for (let i = 0; i < count; i++) {
          const { kind, source } = reader.at(i);
          if (kind === RecordKind.trade) trades[source]++;
          if (kind === RecordKind.bookEnd) ends[source]++;
        }
    };
    await until(() => {
      drain();
      return trades[0] === 1 && trades[1] === 1;
    });
    assert.equal(reader.missedTotal, 0);
    assert.deepEqual(ends, [201, 101]);
    for (const [source, twin] of twins.entries()) {
      feeds.latest.read(feeds.latest.find(source, 'BTCUSDT'), values);
      assert.deepEqual([values.live, values.source], [true, source]);
      const [bid, ask] = best(twin);
      const text = (units: number, decimals: number): number => units / 10 ** decimals;
      assert.deepEqual([text(values.bid, values.priceDecimals), text(values.ask, values.priceDecimals)], [bid, ask]);
    }
    const [first] = feeds.status();
    assert.deepEqual([first.name, first.state, first.faults.reduce((sum, count) => sum + count)], ['one', FeedState.Live, 0]);
    assert.ok(first.messages >= 202 && first.heardUs > 0);
    const states = (state: FeedState) => feeds.instrumentStates().map((counts) => counts[state]);
    assert.deepEqual(
      [states(FeedState.Live), states(FeedState.Stale)],
      [
        [1, 1],
        [0, 0],
      ],
    );
    const behind = feeds.reader({ from: 'oldest' }, 'behind');
    const skipped = behind.skipToNewest();
    assert.ok(skipped > 0);
    assert.deepEqual(
      feeds.readers.map(({ name, reader: { missedTotal } }) => [name, missedTotal]),
      [['behind', skipped]],
    );

    one.sockets[0].terminate();
    await until(() => one.sockets.length === 2);
    await until(() => {
      feeds.latest.read(feeds.latest.find(0, 'BTCUSDT'), values);
      return values.live && feeds.status()[0].faults[FeedFault.Closed] === 1;
    });
    assert.equal(notes.length, 1, notes.join('; '));

    await feeds.stop();
    assert.deepEqual(
      [states(FeedState.Live), states(FeedState.Stale)],
      [
        [0, 0],
        [1, 1],
      ],
    );
    for (const source of [0, 1]) {
      feeds.latest.read(feeds.latest.find(source, 'BTCUSDT'), values);
      assert.equal(values.live, false);
      assert.equal(feeds.status()[source].state, FeedState.Down);
    }
    await Promise.all([one.venue.close(), other.venue.close()]);
  });

  it('a symbol that the venue refuses is counted and logged, and the others go on', async (t) => {
    const market = new BybitMarket('BTCUSDT', 1);
    const venue = await LoopbackVenue.start({
      connected: (socket) =>
        socket.once('message', () => {
          socket.send(JSON.stringify({ success: false, ret_msg: 'error:handler not found,topic:orderbook.50.GONE', op: 'subscribe' }));
          socket.send(market.snapshot().text);
        }),
    });
    t.after(() => venue.close());
    const notes: string[] = [];
    const feeds = new Feeds({
      sources: [{ name: 'one', venue: 'bybit', instruments: ['BTCUSDT', 'GONE'], depth: 50, webSocketUrl: venue.webSocketUrl }],
      onNote: (_, fault, text) => notes.push(`${fault} ${text}`),
    });
    t.after(() => feeds.stop());
    await until(() => notes.length > 0);
    assert.deepEqual(notes, [`${FeedFault.Refused} one: REFUSED`]);
    assert.equal(feeds.status()[0].faults[FeedFault.Refused], 1);
    const values = new LatestValues();
    const stateOf = (name: string) => {
      feeds.latest.read(feeds.latest.find(0, name), values);
      return values.state;
    };
    await until(() => stateOf('BTCUSDT') === FeedState.Live);
    assert.equal(stateOf('GONE'), FeedState.Syncing);
  });

  it('a thread that ends by itself is reported, and started again', async (t) => {
    const notes: string[] = [];
    const feeds = new Feeds({
      // The configuration refuses such a venue; here it ends the thread.
      sources: [{ name: 'one', venue: 'none', instruments: ['BTC'] }],
      books: [{ name: 'BTC', levels: 2, sources: [{ feed: 'one', instrument: 'BTC' }] }],
      onNote: (source, fault, text) => notes.push(`${source} ${fault} ${text}`),
    });
    t.after(() => feeds.stop());
    await until(() => notes.length === 2);
    for (const note of notes)
      assert.equal(note, `undefined ${FeedFault.Closed} the feed thread ended: feed one: no venue is named none; it is started again`);
    assert.deepEqual([feeds.status()[0].state, feeds.status()[0].fault], [FeedState.Down, FeedFault.Closed]);
    const [book] = feeds.books;
    book.read();
    assert.deepEqual([book.state(0), book.fault(0), book.bids], [FeedState.Down, FeedFault.Closed, 0]);
  });
});

it('a book whose instruments the table has no room for is refused at the start', () => {
  const sources = [{ name: 'one', venue: 'bybit', instruments: ['A', 'B'] }];
  const books = [{ name: 'X', levels: 2, sources: ['A', 'B'].map((instrument) => ({ feed: 'one', instrument })) }];
  assert.throws(() => new Feeds({ sources, books, instruments: 1, onNote: () => undefined }), /no room for B/);
});

function best(twin: BybitTwin): [number, number] {
  const { bids, asks } = twin.book.line('', 1);
  return [Number(bids[0][0]), Number(asks[0][0])];
}
