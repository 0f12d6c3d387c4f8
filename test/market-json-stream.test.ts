/** Market data in the subprotocol `json`: its messages have the documented shape, and describe what the engine has. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { unitsToDecimal } from '../engine/decimal.ts';
import { Side, TimeInForce } from '../engine/wire/layout.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import { MARKET_MESSAGE } from '../gateway/endpoints/json/schemas/market-stream.ts';
import { MarketVenue } from './support/market-venue.ts';
import { RawWebSocket } from './support/raw-websocket.ts';

// biome-ignore lint/suspicious/noExplicitAny: messages of any shape, which a schema has checked
type Message = any;

const price = (ticks: number) => unitsToDecimal(ticks, 1, 2);
const quantity = (lots: number) => unitsToDecimal(lots, 1, 3);

let venue: MarketVenue;
const readers: Reader[] = [];
before(async () => {
  venue = await MarketVenue.start(4);
});
after(async () => {
  for (const { raw } of readers) raw.destroy();
  await venue.stop();
});

/** A connection whose messages are checked by their schema, and kept in order. */
class Reader {
  readonly raw: RawWebSocket;
  readonly messages: Message[] = [];
  #checked = 0;

  constructor(raw: RawWebSocket) {
    this.raw = raw;
  }

  static async open(): Promise<Reader> {
    const reader = new Reader(await RawWebSocket.open(venue.port, { protocol: 'json' }));
    readers.push(reader);
    return reader;
  }

  /** Waits for a message that fits, later than those that were waited for before. */
  async take(fits: (message: Message) => boolean): Promise<Message> {
    let found: number;
    do {
      this.#read();
      found = this.messages.findIndex((message, i) => i >= this.#checked && fits(message));
      if (found === -1) {
        const { length } = this.messages;
        await this.raw.until(() => this.raw.json().length > length);
      }
    } while (found === -1);
    this.#checked = found + 1;
    return this.messages[found];
  }

  /** Sends a request, and waits for its answer. */
  ask(request: object, tag: number): Promise<Message> {
    this.raw.text({ ...request, tag });
    return this.take((message) => message.tag === tag);
  }

  /** Waits until everything that was sent before has arrived. */
  async arrived(): Promise<void> {
    await this.ask({ op: 'ping' }, 4_000_000_000);
  }

  #read(): void {
    for (const message of this.raw.json().slice(this.messages.length)) {
      const { error } = MARKET_MESSAGE.safeParse(message);
      assert.equal(error, undefined, JSON.stringify(message));
      this.messages.push(message);
    }
  }
}

/** Keeps the levels of a book by its messages, as docs/MARKET-DATA.md says; a gap fails. */
class Levels {
  readonly #sides: Record<string, Map<string, string>> = { buy: new Map(), sell: new Map() };
  #number = -1;
  readonly #isLimited: boolean;

  /** @param isLimited each level that is removed was there; a whole book also has those that came and went within a flush */
  constructor(isLimited: boolean) {
    this.#isLimited = isLimited;
  }

  apply({ kind, firstNo, levels }: Message): void {
    if (kind === 'snapshot') {
      for (const side of Object.values(this.#sides)) side.clear();
      this.#number = firstNo;
    } else {
      assert.equal(firstNo, this.#number + 1, 'no update is missing');
      this.#number += levels.length;
    }
    for (const level of levels) {
      const side = this.#sides[level.side];
      if (Number(level.quantity) === 0) assert.ok(side.delete(level.price) || !this.#isLimited, 'only a known level is removed');
      else side.set(level.price, level.quantity);
    }
  }

  list(side: 'buy' | 'sell'): string[] {
    const better = side === 'buy' ? -1 : 1;
    return [...this.#sides[side]].sort(([a], [b]) => (Number(a) - Number(b)) * better).map(([at, size]) => `${size} at ${at}`);
  }
}

describe('market data in the subprotocol json', () => {
  it('describes the best levels at each depth, and the whole book, with decimal text', async () => {
    const reader = await Reader.open();
    const depths = [undefined, 5, 10, 20, 50];
    const books = new Map(depths.map((depth) => [depth, new Levels(depth !== undefined)]));
    for (const [i, depth] of depths.entries()) {
      const request = { op: 'subscribe', channel: 'book', symbol: 'S1', ...(depth !== undefined && { depth }) };
      assert.partialDeepStrictEqual(await reader.ask(request, i + 1), { kind: 'subscribed', channel: 'book', symbol: 'S1' });
    }
    for (const channel of ['book-l3', 'bbo', 'trades', 'status', 'candles-1s', 'candles-1d'])
      await reader.ask({ op: 'subscribe', channel, symbol: '*' }, 100);
    await venue.load(new Prng(11), 3000, 2);
    await venue.quiet();
    const { levels } = venue.market.book(1) ?? assert.fail('there is no book');
    await reader.take(({ kind }) => kind === 'snapshot');
    // A flush may still be under way: a fresh snapshot of the last channel comes after it.
    for (const depth of depths) {
      reader.raw.text({ op: 'resnapshot', channel: 'book', symbol: 'S1', ...(depth !== undefined && { depth }) });
      await reader.take((message) => message.kind === 'snapshot' && message.channel === 'book' && message.depth === depth);
    }
    await reader.arrived();
    for (const message of reader.messages) {
      if (message.channel === 'book' && message.levels !== undefined) books.get(message.depth)?.apply(message);
    }
    for (const [depth = Number.POSITIVE_INFINITY, book] of books) {
      for (const [side, name] of [
        [Side.Buy, 'buy'],
        [Side.Sell, 'sell'],
      ] as const) {
        const slots = levels.sorted(side);
        const best = Array.from(slots.subarray(0, Math.min(depth, slots.length)), (slot) => {
          return `${quantity(levels.quantity[slot])} at ${price(levels.price[slot])}`;
        });
        assert.deepEqual(book.list(name), best, `${depth} levels, ${name}`);
      }
    }
    const seen = new Set(reader.messages.map(({ kind, channel = '' }) => `${kind} ${channel}`));
    for (const channel of ['book', 'book-l3', 'bbo', 'trades', 'candles-1s', 'candles-1d'])
      assert.ok(seen.has(`delta ${channel}`), `there was a delta of ${channel}`);
    assert.deepEqual(
      reader.messages.filter(({ depth }) => depth === 5).every(({ levels: list = [] }) => list.length <= 20),
      true,
    );
  });

  it('gives the last trades in the snapshot, as many as were asked for', async () => {
    const first = await Reader.open();
    await first.ask({ op: 'subscribe', channel: 'trades', symbol: 'S3', last: 1 }, 1);
    const begin = Number((await first.take(({ kind }) => kind === 'snapshot')).firstNo);
    for (let i = 0; i < 120; i++) {
      venue.place(1, 3, Side.Sell, 2000 + i, 1);
      venue.place(2, 3, Side.Buy, 2000 + i, 1, TimeInForce.ImmediateOrCancel);
    }
    await venue.quiet();
    const reader = await Reader.open();
    for (const last of [undefined, 3, 100]) {
      await reader.ask({ op: 'subscribe', channel: 'trades', symbol: 'S3', ...(last !== undefined && { last }) }, 2);
      const { trades, firstNo } = await reader.take(({ kind }) => kind === 'snapshot');
      assert.equal(firstNo, begin + 120);
      assert.deepEqual(
        trades.map(({ tradeId }: Message) => Number(tradeId)),
        Array.from({ length: last ?? 0 }, (_, i) => firstNo - (last ?? 0) + 1 + i),
      );
    }
  });

  it('has a ticker of 24 hours', async () => {
    const reader = await Reader.open();
    await reader.ask({ op: 'subscribe', channel: 'ticker', symbol: 'S4' }, 1);
    const { tickers } = await reader.take(({ kind, channel }) => kind === 'snapshot' && channel === 'ticker');
    const [before] = tickers;
    venue.place(1, 4, Side.Sell, 4000, 3);
    venue.place(1, 4, Side.Sell, 5000, 10);
    venue.place(2, 4, Side.Buy, 5000, 7, TimeInForce.ImmediateOrCancel);
    await venue.quiet();
    const {
      tickers: [now],
    } = await reader.take(({ kind, channel, tickers: list }) => kind === 'delta' && channel === 'ticker' && list[0].last === '50.00');
    assert.partialDeepStrictEqual(before, {
      open: '0.00',
      last: '0.00',
      volume: '0.000',
      trades: 0,
      changePercent: '0.0000',
      bidQuantity: '0.000',
    });
    assert.partialDeepStrictEqual(now, {
      ...{ open: '40.00', high: '50.00', low: '40.00', last: '50.00', change: '10.00', changePercent: '25.0000' },
      ...{ volume: '0.007', quoteVolume: '0.32000', trades: 2, lastTradeId: '2' },
      ...{ bidPrice: '0.00', bidQuantity: '0.000', askPrice: '50.00', askQuantity: '0.006' },
    });
    assert.equal(now.openTimeUs % 60e6, 0);
  });

  it('answers the time, and what is wrong with a request', async () => {
    const reader = await Reader.open();
    const { timeUs, time } = await reader.ask({ op: 'time' }, 7);
    assert.equal(Date.parse(time), Math.floor(timeUs / 1000));
    assert.partialDeepStrictEqual(await reader.ask({ op: 'subscribe', channel: 'book', symbol: 'S1', depth: 6 }, 8), {
      ...{ kind: 'refused', channel: 'book', symbol: 'S1', name: 'BAD_RANGE' },
      text: 'depth: must be one of 5, 10, 20, 50; without it, the book has all levels',
    });
    assert.partialDeepStrictEqual(await reader.ask({ op: 'unsubscribe', channel: 'ticker', symbol: 'S1' }, 9), {
      name: 'BAD_SUBSCRIPTION',
    });
    assert.partialDeepStrictEqual(await reader.ask({ op: 'subscribe', channel: 'book', symbol: 'S9' }, 10), {
      ...{ name: 'UNKNOWN_SYMBOL', text: 'there is no such symbol; GET /v1/symbols lists them' },
    });
  });
});
