/** Live streams of feeds: over the memory and the adapter of a real feed, in this thread, with transports of the test. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { eachChange, readViews, writeView } from '../feeds/books/book-views.ts';
import { BroadcastProducer, BroadcastReader } from '../feeds/rings/broadcast-ring.ts';
import { LatestReader, latestWriter } from '../feeds/rings/latest-values.ts';
import { RecordPublisher } from '../feeds/rings/record-publisher.ts';
import { SourcesReader, sourcesWriter } from '../feeds/rings/source-status.ts';
import { BybitAdapter } from '../feeds/venues/bybit.ts';
import { allocateFeeds } from '../feeds/worker/feed-handles.ts';
import { FeedsBusyError } from '../feeds/worker/feeds.ts';
import type { FeedSnapshot, FeedUpdate } from '../gateway/client/index.ts';
import { FEED_TAIL_MESSAGE } from '../gateway/endpoints/json/schemas/feed-messages.ts';
import { type FeedTail, type FeedTailAdmission, FeedTails, type FeedTailTransport } from '../gateway/market/feed-tails.ts';
import type { Reject } from '../gateway/reject.ts';
import { until } from './support/until.ts';

type Message = FeedSnapshot | FeedUpdate;
const encoder = new TextEncoder();
const NO_LINE = { send: () => undefined, fetch: () => undefined, reconnect: () => undefined };

/** A source with its adapter, and the streams over its memory. */
class Desk {
  readonly adapter: BybitAdapter;
  readonly tails: FeedTails;
  readonly #publisher: RecordPublisher;
  readonly #u = new Map<string, number>();
  /** Questions for books so far. */
  asked = 0;
  isAway = false;

  constructor(t: TestContext, { instruments = ['A', 'B'], records = 1024, lateMs = 60_000 } = {}) {
    const handles = allocateFeeds({ records }, 1);
    const output = {
      ring: new BroadcastProducer(handles.ring),
      latest: latestWriter(handles.latest),
      sources: sourcesWriter(handles.sources),
    };
    this.#publisher = new RecordPublisher(output, 'out');
    this.adapter = new BybitAdapter('spot', { instruments }, NO_LINE, this.#publisher);
    this.adapter.opened(1);
    this.#publisher.flush();
    const status = new SourcesReader(handles.sources);
    this.tails = new FeedTails({
      feeds: {
        status: () => status.all(),
        latest: new LatestReader(handles.latest),
        reader: (options) => new BroadcastReader(handles.ring, options),
        views: async (wanted) => {
          this.asked++;
          if (this.isAway) throw new FeedsBusyError('away');
          const views: number[] = [];
          for (let at = 0; at < wanted.length; at += 3) writeView(this.adapter.withId(wanted[at + 1]), wanted[at + 2], views);
          return readViews(Float64Array.from(views));
        },
      },
      identity: { open: true, forbid: () => undefined },
      draining: () => false,
      everyMs: 1,
      lateMs,
    });
    t.after(() => this.tails.end());
  }

  /** A frame of the venue. Levels are `price quantity`. */
  book(name: string, bids: string[], asks: string[], type = 'delta'): void {
    const levels = (texts: string[]) => texts.map((text) => text.split(' '));
    const u = (this.#u.get(name) ?? 1) + 1;
    this.#u.set(name, u);
    this.#frame({ topic: `orderbook.200.${name}`, type, data: { u, b: levels(bids), a: levels(asks) } });
  }

  /** Both books, whole. */
  start(): this {
    for (const name of ['A', 'B']) this.book(name, ['10 1', '9 2'], ['11 3', '12 4'], 'snapshot');
    return this;
  }

  trade(name: string, price: string): void {
    this.#frame({ topic: `publicTrade.${name}`, data: [{ T: 5, S: 'Buy', v: '1', p: price, i: '7' }] });
  }

  halt(name: string): void {
    const instrument = this.adapter.instruments.find((one) => one.name === name);
    instrument?.list({ ...instrument.terms, status: 3 });
    this.#publisher.flush();
  }

  #frame(frame: object): void {
    this.#publisher.received(1000);
    this.adapter.frame(encoder.encode(JSON.stringify(frame)), 1000);
    this.#publisher.flush();
  }

  admit(query: string, peer = 'me', expiresAt = Number.POSITIVE_INFINITY): FeedTailAdmission | Reject {
    return this.tails.admit(new URLSearchParams(query), { expiresAt } as never, { peer } as never);
  }

  join(query: string, peer?: string, expiresAt?: number): Reader {
    const admission = this.admit(query, peer, expiresAt);
    assert.ok(!('code' in admission), JSON.stringify(admission));
    const reader = new Reader();
    reader.tail = this.tails.begin(reader, admission);
    return reader;
  }
}

class Reader implements FeedTailTransport {
  readonly messages: Message[] = [];
  tail: FeedTail | undefined;
  /** It does not take what is written. */
  isSlow = false;
  why: Reject | undefined;
  ended = false;

  write(text: string): boolean {
    const message = JSON.parse(text);
    assert.equal(FEED_TAIL_MESSAGE.safeParse(message).error, undefined, text);
    this.messages.push(message);
    return !this.isSlow;
  }

  fail(why: Reject): void {
    this.why = why;
  }

  end(): void {
    this.ended = true;
  }

  /** The messages of an instrument, applied: its book as `price quantity`, best first. */
  book(name: string): { bids: string[]; asks: string[] } {
    const sides = { bids: new Map<string, string>(), asks: new Map<string, string>() };
    let last = 0;
    for (const message of this.messages.filter(({ instrument }) => instrument === name)) {
      if (message.kind === 'snapshot') for (const side of Object.values(sides)) side.clear();
      else assert.equal(message.no, last + 1, 'updates follow without a gap');
      last = message.no;
      for (const side of ['bids', 'asks'] as const)
        for (const [price, quantity] of message[side] ?? [])
          if (quantity === '0') sides[side].delete(price);
          else sides[side].set(price, quantity);
    }
    const sorted = (side: Map<string, string>, sign: number) =>
      [...side].sort(([a], [b]) => sign * (Number(b) - Number(a))).map(([price, quantity]) => `${price} ${quantity}`);
    return { bids: sorted(sides.bids, 1), asks: sorted(sides.asks, -1) };
  }

  get trades(): string[] {
    return this.messages.flatMap((message) => (message.kind === 'update' ? (message.trades ?? []).map(({ price }) => price) : []));
  }
}

test('a stream begins with each instrument as it is; then come changes of levels, best prices, trades and states', async (t) => {
  const desk = new Desk(t).start();
  const reader = desk.join('feed=out');
  await until(() => reader.messages.length === 2, 'both snapshots');
  const [first] = reader.messages;
  assert.deepEqual(first, {
    kind: 'snapshot',
    feed: 'out',
    instrument: 'A',
    no: 1,
    state: 'live',
    fault: null,
    best: { bid: ['10', '1'], ask: ['11', '3'], venueTimeUs: 0 },
    bids: [
      ['10', '1'],
      ['9', '2'],
    ],
    asks: [
      ['11', '3'],
      ['12', '4'],
    ],
  });
  desk.book('A', ['10 0', '8 5'], ['11 6']);
  desk.trade('A', '11');
  await until(() => reader.trades.length === 1 && reader.book('A').asks[0] === '11 6', 'the update');
  assert.deepEqual(reader.book('A'), { bids: ['9 2', '8 5'], asks: ['11 6', '12 4'] });
  assert.deepEqual(reader.book('B').bids, ['10 1', '9 2'], 'the other one is as it was');
  desk.halt('A');
  await until(() => reader.messages.at(-1)?.state === 'halted', 'the state');
  assert.equal(reader.messages.at(-1)?.fault, 'HALTED');
  // A number with more decimals: all texts have more.
  desk.book('B', ['10 1.5'], []);
  await until(() => reader.book('B').bids[0] === '10 1.5', 'a new snapshot');
  assert.deepEqual(reader.book('B'), { bids: ['10 1.5', '9 2.0'], asks: ['11 3.0', '12 4.0'] });
});

test('a reader of one level sees the next one when the best one goes; two readers of an instrument cost one question', async (t) => {
  const desk = new Desk(t).start();
  const [one, other] = [desk.join('feed=out&instruments=A&levels=1'), desk.join('feed=out&instruments=A&levels=1', 'else')];
  await until(() => one.messages.length === 1 && other.messages.length === 1, 'snapshots');
  assert.deepEqual(one.book('A'), { bids: ['10 1'], asks: ['11 3'] });
  const { asked } = desk;
  desk.book('A', ['10 0'], []);
  await until(() => other.book('A').bids[0] === '9 2', 'the next level');
  assert.deepEqual(one.book('A'), other.book('A'));
  assert.equal(desk.asked, asked + 1);
  desk.book('B', ['10 7'], []);
  const late = desk.join('feed=out&instruments=B');
  await until(() => late.messages.length === 1, 'a later reader');
  assert.deepEqual(late.book('B').bids[0], '10 7');
});

test('a slow reader gets nothing more until it has read, then a snapshot; others go on; one that stays slow is cut', async (t) => {
  const desk = new Desk(t, { lateMs: 1 }).start();
  const [slow, quick] = [desk.join('feed=out&instruments=A'), desk.join('feed=out&instruments=A')];
  await until(() => slow.messages.length === 1 && quick.messages.length === 1, 'snapshots');
  slow.isSlow = true;
  desk.book('A', ['8 1'], []);
  await until(() => slow.messages.length === 2, 'what fills its buffer');
  await until(() => slow.why !== undefined, 'the end');
  assert.match(slow.why?.details ?? '', /^BUSY: slow reader/);
  assert.equal(desk.tails.open, 1);

  const patient = new Desk(t).start();
  const [behind, before] = [patient.join('feed=out&instruments=A'), patient.join('feed=out&instruments=A')];
  await until(() => behind.messages.length === 1 && before.messages.length === 1, 'snapshots');
  behind.isSlow = true;
  for (const quantity of ['2', '3', '4', '5']) {
    patient.book('A', [`10 ${quantity}`], []);
    patient.trade('A', quantity);
    await until(() => before.trades.includes(quantity) && before.book('A').bids[0] === `10 ${quantity}`, 'the quick reader');
  }
  assert.equal(behind.messages.length, 2);
  behind.isSlow = false;
  behind.tail?.onWritten();
  const last = behind.messages[2];
  assert.equal(last.kind, 'snapshot');
  assert.ok(last.kind === 'snapshot' && (last.updatesLeftOut ?? 0) > 0);
  assert.deepEqual(behind.book('A'), before.book('A'));
  patient.book('A', ['10 9'], []);
  await until(() => behind.book('A').bids[0] === '10 9', 'and updates again');
});

test('records that the ring has lost are reported; without readers nothing is read', async (t) => {
  const desk = new Desk(t, { records: 128 }).start();
  assert.equal(desk.asked, 0);
  const reader = desk.join('feed=out&instruments=A');
  await until(() => reader.messages.length === 1, 'the snapshot');
  // In one turn, so that the reader cannot keep up.
  for (let i = 0; i < 400; i++) desk.trade('B', '10');
  desk.trade('A', '10');
  await until(() => reader.trades.length === 1, 'the last trade');
  const missed = reader.messages.flatMap((message) => (message.kind === 'update' ? (message.missedRecords ?? 0) : 0));
  assert.ok(missed.reduce((sum, count) => sum + count, 0) > 0);
  reader.tail?.leave();
  assert.equal(desk.tails.open, 0);
  const { asked } = desk;
  desk.book('A', ['10 5'], []);
  assert.equal(desk.asked, asked);
});

test('a feed thread that does not answer is asked again', async (t) => {
  const desk = new Desk(t).start();
  desk.isAway = true;
  const reader = desk.join('feed=out&instruments=A');
  await until(() => desk.asked > 3, 'questions');
  assert.equal(reader.messages.length, 0);
  desk.isAway = false;
  await until(() => reader.messages.length === 1, 'the snapshot');
});

describe('admission', () => {
  const REJECTS: readonly [query: string, why: RegExp][] = [
    ['', /BAD_PARAMETER: there is no feed ""/],
    ['feed=none', /BAD_PARAMETER: there is no feed "none"/],
    ['feed=out&instruments=X', /BAD_PARAMETER: the feed has no instrument "X"/],
    ['feed=out&levels=3', /BAD_PARAMETER: levels must be one of 1, 10, 50/],
    [`feed=out&instruments=${Array.from({ length: 33 }, (_, i) => `I${i}`)}`, /BAD_PARAMETER: 33 instruments: name at most 32/],
  ];
  for (const [query, why] of REJECTS)
    it(`rejects ${query.slice(0, 40)}`, (t) => {
      const admission = new Desk(t).start().admit(query);
      assert.match('code' in admission ? admission.details : '', why);
    });

  it('has a bound for each caller; expired credentials end a stream; the end of the exchange ends all', async (t) => {
    const desk = new Desk(t).start();
    for (let i = 0; i < 4; i++) desk.join('feed=out');
    const fifth = desk.admit('feed=out');
    assert.match('code' in fifth ? fifth.details : '', /^BUSY: 4 streams of feeds of yours/);
    const expiring = desk.join('feed=out', 'else', Date.now() - 1);
    await until(() => expiring.why !== undefined, 'the end');
    assert.match(expiring.why?.details ?? '', /^UNAUTHENTICATED/);
    const last = desk.join('feed=out', 'else');
    desk.tails.end();
    assert.ok(last.ended);
    assert.equal(desk.tails.open, 0);
  });
});

test('the changes of a side lead from one view to the next', () => {
  const side = fc
    .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 3 })), { selector: ([price]) => price, maxLength: 20 })
    .map((levels) => new Map(levels));
  fc.assert(
    fc.property(side, side, fc.constantFrom(1 as const, -1 as const), (before, now, sign) => {
      const view = (levels: Map<number, number>) => Float64Array.from([...levels].sort(([a], [b]) => sign * (b - a)).flat());
      const applied = new Map(before);
      let changes = 0;
      eachChange(view(before), view(now), sign, (price, quantity) => {
        changes++;
        assert.notEqual(applied.get(price) ?? 0, quantity, 'only what has changed');
        if (quantity === 0) applied.delete(price);
        else applied.set(price, quantity);
      });
      assert.deepEqual(new Map([...applied].sort()), new Map([...now].sort()));
      if (before === now) assert.equal(changes, 0);
    }),
  );
});
