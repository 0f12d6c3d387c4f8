import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FeedCandles } from '../feeds/analysis/feed-candles.ts';
import { FeedState, TakerSide } from '../feeds/feed.ts';
import { FeedsBusyError } from '../feeds/worker/feeds.ts';
import { FEED_CANDLE_MESSAGE } from '../gateway/endpoints/json/schemas/feed-messages.ts';
import { type FeedCandleReader, FeedCandleStreams, type FeedCandleTopic } from '../gateway/market/feed-candle-streams.ts';

const SECOND = 1e6;
const DAY = 19_675 * 86_400 * SECOND;
const TOPIC: FeedCandleTopic = { feed: 'venue', source: 0, instrument: 'X', row: 3, interval: 0 };

interface Message {
  readonly kind: string;
  readonly candles: readonly { readonly startUs: number; readonly closed: boolean; readonly close: string }[];
}

/** Collects messages, and waits for them. */
class Reader implements FeedCandleReader {
  readonly caller: string;
  readonly messages: Message[] = [];
  #arrived: () => void = () => undefined;

  constructor(caller = 'a') {
    this.caller = caller;
  }

  send(text: string): void {
    const message = JSON.parse(text);
    assert.equal(FEED_CANDLE_MESSAGE.safeParse(message).error, undefined, text);
    this.messages.push(message);
    this.#arrived();
  }

  /** Resolves when there is a message that fits. */
  async until(fits: (message: Message) => boolean): Promise<void> {
    while (!this.messages.some(fits)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#arrived = resolve;
      await promise;
    }
  }

  /** `start close` of the closed candles, in order. */
  get closed(): string[] {
    return this.messages.flatMap(({ candles }) =>
      candles.filter(({ closed }) => closed).map(({ startUs, close }) => `${(startUs - DAY) / SECOND}s ${close}`),
    );
  }
}

/** Streams over the candles of a real source, whose thread may be away. */
function streams() {
  const candles = new FeedCandles({ left: 1000 });
  const state = { isAway: false, asked: 0 };
  candles.connection(FeedState.Live);
  candles.time(DAY, DAY);
  const all = new FeedCandleStreams({
    candles: async (_source, row, range) => {
      state.asked++;
      if (state.isAway) throw new FeedsBusyError('away');
      return { bars: candles.bars(row, range), beginUs: candles.beginUs(row, range.interval), leftOut: candles.leftOut };
    },
  });
  const trade = (seconds: number, price: number) =>
    candles.trade(TOPIC.row, price, 1, TakerSide.Buy, DAY + seconds * SECOND, DAY + seconds * SECOND, 0);
  return { all, trade, state };
}

const shows = (price: number) => (message: Message) => message.candles.some(({ close }) => close === String(price));

describe('live candles of an outside market', () => {
  it('begin with the last closed and the forming one, and show each closed one once', async (t) => {
    const { all, trade, state } = streams();
    t.after(() => all.stop());
    trade(0, 10);
    trade(1, 11);
    trade(2, 12);
    const first = new Reader();
    const leave = all.add(TOPIC, first);
    await first.until(({ kind }) => kind === 'snapshot');
    assert.deepEqual(first.messages, [
      { kind: 'snapshot', feed: 'venue', instrument: 'X', interval: '1s', candles: first.messages[0].candles },
    ]);
    assert.deepEqual(
      first.messages[0].candles.map(({ startUs, closed, close }) => [(startUs - DAY) / SECOND, closed, close]),
      [
        [1, true, '11'],
        [2, false, '12'],
      ],
    );
    trade(2.5, 13);
    await first.until(shows(13));
    state.isAway = true;
    trade(3, 14);
    for (const { asked } = state; state.asked === asked; ) await new Promise((resolve) => setTimeout(resolve, 10));
    trade(7, 15);
    trade(8, 16);
    state.isAway = false;
    const second = new Reader('b');
    all.add(TOPIC, second);
    await Promise.all([first.until(shows(16)), second.until(shows(16))]);
    trade(9, 17);
    await Promise.all([first.until(shows(17)), second.until(shows(17))]);
    assert.deepEqual(first.closed, ['1s 11', '2s 13', '3s 14', '7s 15', '8s 16']);
    const later = second.closed;
    assert.deepEqual(later, first.closed.slice(-later.length));
    assert.equal(second.messages[0].kind, 'snapshot');
    leave();
    trade(10, 18);
    await second.until(shows(18));
    assert.ok(!first.messages.some(shows(18)));
  });

  it('of a source without a trade begin with an empty snapshot', async (t) => {
    const { all, trade } = streams();
    t.after(() => all.stop());
    const reader = new Reader();
    all.add(TOPIC, reader);
    await reader.until(({ kind, candles }) => kind === 'snapshot' && candles.length === 0);
    trade(0, 10);
    trade(1, 11);
    await reader.until(shows(11));
    assert.deepEqual(reader.closed, ['0s 10']);
  });

  it('are asked for once for all readers of a topic', async (t) => {
    const { all, trade, state } = streams();
    t.after(() => all.stop());
    const readers = Array.from({ length: 30 }, () => new Reader());
    for (const reader of readers) all.add(TOPIC, reader);
    trade(0, 10);
    await Promise.all(readers.map((reader) => reader.until(shows(10))));
    const before = state.asked;
    trade(1, 11);
    await Promise.all(readers.map((reader) => reader.until(shows(11))));
    assert.ok(state.asked - before < readers.length, `${state.asked - before} questions`);
  });

  it('have limits: of a caller, of topics, of all', (t) => {
    const { all } = streams();
    t.after(() => all.stop());
    const leave: (() => void)[] = [];
    for (let i = 0; i < 32; i++) leave.push(all.add(TOPIC, new Reader('a')));
    assert.deepEqual([all.hasRoom(TOPIC, 'a'), all.hasRoom(TOPIC, 'b')], [false, true]);
    leave[0]();
    leave[0]();
    assert.equal(all.hasRoom(TOPIC, 'a'), true);
    for (let row = 4; row < 4 + 255; row++) leave.push(all.add({ ...TOPIC, row }, new Reader(`c${row}`)));
    assert.equal(all.hasRoom({ ...TOPIC, row: 1000 }, 'b'), false, 'no further topic');
    assert.equal(all.hasRoom(TOPIC, 'b'), true, 'but a stream of one that is there');
    for (let i = 0; i < 1024 - 31 - 255; i++) leave.push(all.add(TOPIC, new Reader(`d${i}`)));
    assert.equal(all.hasRoom(TOPIC, 'b'), false);
    for (const each of leave) each();
    assert.equal(all.hasRoom({ ...TOPIC, row: 1000 }, 'a'), true);
  });
});
