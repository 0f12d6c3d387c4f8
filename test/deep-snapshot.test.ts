import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RingSlots } from '../engine/rings/ring.ts';
import { putI64 } from '../engine/units.ts';
import type { LevelView } from '../engine/wire/channels/book.ts';
import type { OrderView } from '../engine/wire/channels/book-l3.ts';
import { LevelUpdate, OrderAction, OrderUpdate, Side, TimeInForce } from '../engine/wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketEventKind, MarketField } from '../engine/wire/market-event.ts';
import { FrameArena, StructList } from '../engine/wire/market-frames.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import { BookMirror } from '../gateway/market/book-mirror.ts';
import { book } from '../gateway/market/channels/book.ts';
import { bookL3 } from '../gateway/market/channels/book-l3.ts';
import type { ChannelState } from '../gateway/market/channels/channel.ts';
import { DeepOrders } from '../gateway/market/deep-orders.ts';
import { DEEP } from '../gateway/market/deep-snapshot.ts';
import { FORMATS } from '../gateway/market/formats/formats.ts';
import type { Level } from '../gateway/market/levels-copy.ts';
import { MirrorOrders } from '../gateway/market/mirror-orders.ts';
import { eventually, sameBook } from './support/market-check.ts';
import { MarketVenue } from './support/market-venue.ts';
import { RawWebSocket } from './support/raw-websocket.ts';

for (const format of ['binary', 'json-raw'] as const) {
  test(`deep books reach their readers while they change: no gap, no second snapshot (${format})`, { timeout: 300_000 }, async (t) => {
    const venue = await MarketVenue.start(1);
    let loading = true;
    let load: Promise<void> | undefined;
    t.after(async () => {
      loading = false;
      await load;
      await venue.stop();
    });
    await venue.fill(1);
    for (let i = 0; i < 800; i++) venue.place(1, 1, i % 2, i % 2 === Side.Buy ? 100 + (i >> 1) : 1600 + (i >> 1), 2);
    await venue.quiet();
    const mirror = venue.market.book(1);
    assert.ok(mirror && mirror.count > DEEP && mirror.levels.live[0] + mirror.levels.live[1] > DEEP);
    const prng = new Prng(11);
    load = (async () => {
      while (loading) await venue.load(prng, 500, 1);
    })();
    const { counters } = venue.market;
    for (let round = 0; round < 6; round++) {
      const client = venue.client({ format });
      const [levels, orders] = await Promise.all([client.book('S1'), client.orderBook('S1')]);
      if (round === 5) {
        loading = false;
        await load;
        await venue.quiet();
      }
      // Under load the books are seldom the same at one moment.
      const limitMs = round < 5 ? 1000 : undefined;
      await eventually(() => {
        sameBook(levels, mirror);
        sameBook(orders, mirror);
      }, limitMs).catch((error) => {
        if (round === 5) throw error;
      });
      // A reader that lagged has further ones.
      if (counters.lagged === 0) assert.deepEqual([levels.snapshots, orders.snapshots, client.reconnects], [1, 1, 0]);
      if (round < 5) await client.close();
    }
    assert.ok(counters.snapshots >= 12, `${counters.snapshots} snapshots`);
  });
}

test('readers of both formats, and many at once, share the snapshots of a deep book; a loop of requests gets few', async (t) => {
  const venue = await MarketVenue.start(1);
  t.after(() => venue.stop());
  await venue.fill(1);
  await venue.quiet();
  const mirror = venue.market.book(1);
  assert.ok(mirror);
  const clients = Array.from({ length: 10 }, (_, i) => venue.client({ format: i % 2 === 0 ? 'binary' : 'json-raw' }));
  const books = await Promise.all(clients.map((client) => client.orderBook('S1')));
  await eventually(() => {
    for (const book of books) sameBook(book, mirror);
  });
  const { counters } = venue.market;
  assert.ok(counters.snapshots < 10, `${counters.snapshots} snapshots for 10 readers`);

  const raw = await RawWebSocket.open(venue.port, { protocol: 'json-raw' });
  const before = counters.snapshots;
  let requests = 0;
  raw.onMessage = ({ data }) => {
    if (data.toString('latin1', 0, 40).includes('"snapshot"') && requests < 300) ask();
  };
  const ask = (): void => {
    for (let i = 0; i < 10; i++, requests++) raw.text({ op: 'subscribe', channel: 'book-l3', symbol: 'S1' });
  };
  ask();
  await raw.until(() => counters.snapshots > before + 3);
  // All subscribers leave while the next snapshot is made.
  raw.text({ op: 'unsubscribe', channel: 'book-l3', symbol: 'S1' });
  for (const client of clients) await client.close();
  venue.place(1, 1, Side.Buy, 700, 5, TimeInForce.GoodTillCancel);
  await venue.quiet();
  const last = venue.client();
  const book = await last.orderBook('S1');
  await eventually(() => sameBook(book, mirror));
  raw.destroy();
});

test('a snapshot whose only reader has left ends, while others follow the book', async (t) => {
  const venue = await MarketVenue.start(1);
  t.after(() => venue.stop());
  await venue.fill(1);
  await venue.quiet();
  const stays = await RawWebSocket.open(venue.port, { protocol: 'json-raw' });
  const request = { op: 'subscribe', channel: 'book-l3', symbol: 'S1' };
  const { counters } = venue.market;
  stays.text(request);
  await stays.until(() => counters.snapshots === 1);
  // A reader that has left before its snapshot began gets none: then another one leaves.
  while (counters.snapshots === 1) {
    const leaves = await RawWebSocket.open(venue.port, { protocol: 'json-raw' });
    leaves.text(request);
    await stays.until(() => counters.subscriptionsNow === 2);
    leaves.destroy();
    await stays.until(() => counters.subscriptionsNow === 1);
    await eventually(() => assert.ok(counters.snapshots > 1), 2000).catch(() => undefined);
  }
  assert.ok(counters.snapshots > 1);
  stays.destroy();
});

test('a frame in steps is the frame that is made at once', () => {
  const list = new StructList(OrderUpdate.bytes);
  const write = (to: StructList, i: number): void => {
    const at = to.add();
    to.words[at] = OrderAction.Add | ((i % 2) << 8);
    putI64(to.words, at + OrderUpdate.orderId / 4, Number.MAX_SAFE_INTEGER - i);
    // Later structs are longer than the first ones.
    putI64(to.words, at + OrderUpdate.quantity / 4, i < 500 ? i : Number.MAX_SAFE_INTEGER - i);
  };
  for (let i = 0; i < 1000; i++) write(list, i);
  const head = { kind: 2, channel: bookL3.wire.id, symbol: 1, code: 0, tag: 0, firstNo: 77, timeUs: 5 };
  const symbol = { name: 'S1', scale: { tickMantissa: 5, tickDecimals: 2, lotMantissa: 1, lotDecimals: 8 } };
  for (const format of FORMATS) {
    const work = format.frameInSteps(
      head,
      symbol,
      function* (to) {
        for (let i = 0; i < 1000; i++) {
          write(to, i);
          if (i % 100 === 0) yield;
        }
      },
      1200,
    );
    let steps = 0;
    let next = work.next();
    for (; !next.done; next = work.next()) steps++;
    assert.ok(steps >= 10);
    assert.deepEqual(Buffer.from(next.value), Buffer.from(format.frame(new FrameArena(), head, symbol, list)), format.protocol);
    assert.ok(next.value.buffer.byteLength < 1.5 * next.value.length, `${format.protocol}: ${next.value.buffer.byteLength} bytes taken`);
  }
});

/** A mirror that is changed by events made here, and the updates of its orders. */
class Driven {
  readonly pending = new StructList(OrderUpdate.bytes);
  readonly mirror: BookMirror;
  readonly #memory = new ArrayBuffer(MARKET_EVENT_BYTES);
  readonly #f64 = new Float64Array(this.#memory);
  readonly #u8 = new Uint8Array(this.#memory);
  readonly #u32 = new Uint32Array(this.#memory);
  #id = 0;

  constructor() {
    const onOrder = (action: OrderAction, order: number): void => {
      const { orders } = this.mirror;
      const at = this.pending.add();
      const { words } = this.pending;
      words[at] = action | (orders.side[order] << 8);
      putI64(words, at + OrderUpdate.orderId / 4, orders.id[order]);
      putI64(words, at + OrderUpdate.price / 4, orders.price[order]);
      putI64(words, at + OrderUpdate.quantity / 4, orders.open[order]);
    };
    this.mirror = new BookMirror(1, new MirrorOrders(2 ** 14), { onOrder });
  }

  add(side: number, price: number, id = ++this.#id): number {
    this.#event(MarketEventKind.Add, side, id, price, 10);
    return id;
  }

  change(id: number): void {
    this.#event(MarketEventKind.Reduce, 0, id, 0, 7);
  }

  remove(id: number): void {
    this.#event(MarketEventKind.Remove, 0, id, 0, 0);
  }

  #event(kind: number, side: number, id: number, price: number, quantity: number): void {
    const f64 = this.#f64;
    this.#u8[MarketField.kind] = kind;
    this.#u8[MarketField.side] = side;
    this.#u32[MarketField.symbol] = 1;
    f64[MarketField.orderId] = id;
    f64[MarketField.price] = price;
    f64[MarketField.quantity] = quantity;
    this.mirror.apply({ f64, u8: this.#u8, u32: this.#u32 } as unknown as RingSlots, 0);
  }
}

test('a deep snapshot of orders is the book at its end, whatever changes while it is read: removed under the walk, entered again, re-used', () => {
  const prng = new Prng(5);
  for (let run = 0; run < 30; run++) {
    const driven = new Driven();
    const { mirror, pending } = driven;
    const resting: number[] = [];
    for (let i = 0; i < 3000; i++) resting.push(driven.add(prng.below(2), 100 + prng.below(run < 15 ? 3 : 400)));
    pending.clear();
    const snapshot = new DeepOrders(mirror);
    const take = (at: number): number => {
      const id = resting[at];
      resting[at] = resting[resting.length - 1];
      resting.pop();
      return id;
    };
    for (const work = snapshot.read(); !work.next().done; ) {
      // The order that is read next leaves, and those behind it.
      for (let i = 0; i < 3 && mirror.walkAt !== -1; i++) {
        const id = mirror.orders.id[mirror.walkAt];
        driven.remove(id);
        take(resting.indexOf(id));
      }
      for (let i = 0; i < 40; i++) {
        const dice = prng.below(4);
        const at = prng.below(resting.length);
        if (dice === 0) resting.push(driven.add(prng.below(2), 100 + prng.below(400)));
        else if (dice === 1) driven.remove(take(at));
        else if (dice === 2) {
          // An amend that loses its place.
          const id = resting[at];
          driven.remove(id);
          driven.add(prng.below(2), 100 + prng.below(400), id);
        } else if (mirror.list(0).some(({ orderId, quantity }) => orderId === resting[at] && quantity === 10)) driven.change(resting[at]);
      }
      if (prng.below(2) === 0) {
        assert.equal(snapshot.follow(pending), true);
        pending.clear();
      }
    }
    snapshot.follow(pending);
    const list = new StructList(OrderUpdate.bytes, snapshot.settle());
    const expected = [mirror.list(0), mirror.list(1)];
    for (const work = snapshot.fill(list); !work.next().done; );
    snapshot.end();
    const levels = new Map<string, string[]>();
    for (let i = 0; i < list.count; i++) {
      const { side, price, orderId, quantity } = bookL3.wire.read(list.words, (i * OrderUpdate.bytes) / 4) as OrderView;
      const key = `${side} ${price}`;
      levels.set(key, [...(levels.get(key) ?? []), `${orderId} ${quantity}`]);
    }
    const truth = new Map<string, string[]>();
    for (const [side, orders] of expected.entries())
      for (const { price, orderId, quantity } of orders) {
        const key = `${side === 0 ? 'buy' : 'sell'} ${price}`;
        truth.set(key, [...(truth.get(key) ?? []), `${orderId} ${quantity}`]);
      }
    assert.deepEqual(new Map([...levels].sort()), new Map([...truth].sort()), `run ${run}`);
  }
});

test('a deep snapshot of levels is the book when it settles, also if it changed since the snapshot was wanted', () => {
  const driven = new Driven();
  const { mirror } = driven;
  const ids = Array.from({ length: 1200 }, (_, i) => driven.add(i % 2, i % 2 === Side.Buy ? 1000 - i : 1000 + i));
  const snapshot = book.deepSnapshot({ mirror } as ChannelState);
  for (const work = snapshot.read(); !work.next().done; );
  // Updates of the flush in which it settles: readers do not get them, because the snapshot has their numbers.
  for (let i = 0; i < 20; i++) driven.remove(ids[i]);
  driven.add(Side.Buy, 950);
  assert.equal(snapshot.follow(driven.pending), true);
  const list = new StructList(LevelUpdate.bytes, snapshot.settle());
  const expected = [mirror.depth(0), mirror.depth(1)];
  const work = snapshot.fill(list);
  work.next();
  // Later ones follow as deltas.
  for (let i = 20; i < 40; i++) driven.remove(ids[i]);
  while (!work.next().done);
  snapshot.end();
  const found: Level[][] = [[], []];
  for (let i = 0; i < list.count; i++) {
    const { side, price, quantity, orders } = book.wire.read(list.words, (i * LevelUpdate.bytes) / 4) as LevelView;
    found[side === 'buy' ? 0 : 1].push({ price, quantity, orders });
  }
  assert.deepEqual(found, expected);
});
