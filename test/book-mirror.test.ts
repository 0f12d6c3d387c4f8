import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveLimits } from '../engine/limits.ts';
import { type CommandFields, encodeCommand } from '../engine/machine/command.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { SymbolParam } from '../engine/params.ts';
import { allocateRing, RingConsumer, RingSlots } from '../engine/rings/ring.ts';
import { SpillingProducer } from '../engine/rings/spilling-producer.ts';
import { CommandKind, Phase, TimeInForce } from '../engine/wire/layout.ts';
import { MarketEventKind, MarketField } from '../engine/wire/market-event.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import { BookMirror, type MirrorOrder } from '../gateway/market/book-mirror.ts';
import { IdTable } from '../gateway/market/id-table.ts';
import { MirrorLevels } from '../gateway/market/mirror-levels.ts';
import { MirrorOrders } from '../gateway/market/mirror-orders.ts';
import { type QueuePosition, queuePosition } from '../gateway/market/queue-position.ts';

const LIMITS = resolveLimits({
  orders: 8192,
  pages: 2048,
  accounts: 16,
  assets: 4,
  symbols: 8,
  rememberedOrders: 8192,
  commandRing: 1024,
  reportRing: 4096,
  marketRing: 256,
});

/** The real exchange core, its market events applied to mirrors over the real ring. */
class Pair {
  readonly exchange: Exchange;
  readonly mirrors: BookMirror[] = [];
  readonly #market: SpillingProducer;
  readonly #reports: SpillingProducer;
  readonly #marketEnd: RingConsumer;
  readonly #reportEnd: RingConsumer;
  readonly #bytes = new Uint8Array(64);
  readonly #words = new Int32Array(this.#bytes.buffer);
  #seq = 0;

  constructor(symbols: number) {
    const market = allocateRing({ slotBytes: 64, capacity: LIMITS.marketRing, consumers: 1 });
    const reports = allocateRing({ slotBytes: 128, capacity: LIMITS.reportRing, consumers: 1 });
    this.#market = new SpillingProducer(market);
    this.#reports = new SpillingProducer(reports);
    this.#marketEnd = new RingConsumer(market);
    this.#reportEnd = new RingConsumer(reports);
    this.exchange = new Exchange(LIMITS, { reports: this.#reports, market: this.#market });
    const orders = new MirrorOrders(LIMITS.orders);
    for (let symbol = 0; symbol <= symbols; symbol++) this.mirrors.push(new BookMirror(symbol, orders));
    this.do({ kind: CommandKind.DefineAsset, symbol: 1, tag: 5, name: 'USD' });
    this.do({ kind: CommandKind.DefineAsset, symbol: 2, tag: 3, name: 'BTC' });
    for (let account = 1; account <= 4; account++) {
      this.do({ kind: CommandKind.DefineAccount, account, name: `a${account}` });
      for (const asset of [1, 2]) this.do({ kind: CommandKind.Deposit, account, symbol: asset, quantity: 2 ** 50 });
    }
    for (let symbol = 1; symbol <= symbols; symbol++) {
      const names = { account: 2, tag: 1, side: 2, timeInForce: 3, clientOrderId: 1, orderId: 1, name: `S${symbol}` };
      this.do({ kind: CommandKind.DefineSymbol, symbol, ...names });
      this.do({ kind: CommandKind.SetPhase, symbol, parameter: Phase.Continuous });
    }
  }

  do(fields: CommandFields): void {
    this.#seq++;
    encodeCommand(this.#bytes, this.#words, 0, { ...fields, seq: this.#seq, timeUs: this.#seq });
    this.exchange.apply(this.#bytes, this.#words, 0);
    this.exchange.endBatch();
    this.#market.publish();
    this.#reports.publish();
    do {
      for (let slot = this.#marketEnd.next(); slot !== -1; slot = this.#marketEnd.next()) {
        const { slots } = this.#marketEnd;
        this.mirrors[slots.u32[slot * 16 + MarketField.symbol]].apply(slots, slot);
      }
      this.#marketEnd.release();
    } while (!this.#market.drain() || this.#marketEnd.available() > 0);
    do {
      while (this.#reportEnd.next() !== -1);
      this.#reportEnd.release();
    } while (!this.#reports.drain() || this.#reportEnd.available() > 0);
  }

  /** The engine's resting orders of a side, in priority. */
  engineOrders(symbol: number, side: number): MirrorOrder[] {
    const book = this.exchange.books[symbol];
    assert.ok(book);
    const { slab } = book;
    const orders: MirrorOrder[] = [];
    book.ordersInPriority(side === 0 ? 0 : 1, (slot) =>
      orders.push({ orderId: slab.id[slot], side, price: slab.price(slot), quantity: slab.open(slot) }),
    );
    return orders;
  }

  compare(symbol: number): void {
    const mirror = this.mirrors[symbol];
    const book = this.exchange.books[symbol];
    assert.ok(book);
    assert.equal(mirror.bestBid(), book.bestBid());
    assert.equal(mirror.bestAsk(), book.bestAsk());
    const { symbols } = this.exchange;
    assert.equal(mirror.lastPrice, symbols.lastPrice[symbol]);
    assert.equal(mirror.lastTradeId, symbols.tradeId[symbol]);
    assert.equal(mirror.referencePrice, symbols.param(symbol, SymbolParam.ReferencePrice));
    for (const side of [0, 1]) {
      const orders = this.engineOrders(symbol, side);
      assert.deepEqual(mirror.list(side), orders);
      assert.deepEqual(mirror.depth(side), levelsOf(orders));
      comparePositions(mirror, orders);
    }
  }
}

/** What is before some of the orders, against a count of the whole side; also where little may be read. */
function comparePositions(mirror: BookMirror, orders: MirrorOrder[]): void {
  const lots = (of: MirrorOrder[]) => of.reduce((sum, { quantity }) => sum + quantity, 0);
  for (let i = 0; i < orders.length; i += 1 + (orders.length >> 4)) {
    const { orderId, price, quantity } = orders[i];
    const before = orders.slice(0, i).filter((order) => order.price === price);
    const better = orders.slice(0, i).filter((order) => order.price !== price);
    const all: QueuePosition = {
      ...{ price, open: quantity, ordersBefore: before.length, quantityBefore: lots(before) },
      ...{ betterLevels: levelsOf(better).length, betterOrders: better.length, betterQuantity: lots(better), exact: true },
    };
    assert.deepEqual(queuePosition(mirror, orderId), all);
    const some = queuePosition(mirror, orderId, 2);
    assert.ok(some !== undefined);
    if (some.exact) assert.deepEqual(some, all);
    else for (const [name, value] of Object.entries(some)) assert.ok(value <= all[name as keyof QueuePosition], name);
  }
  assert.equal(queuePosition(mirror, 2 ** 50), undefined);
}

function levelsOf(orders: MirrorOrder[]): { price: number; quantity: number; orders: number }[] {
  const levels: { price: number; quantity: number; orders: number }[] = [];
  for (const { price, quantity } of orders) {
    const last = levels.at(-1);
    if (last?.price !== price) levels.push({ price, quantity, orders: 1 });
    else {
      last.quantity += quantity;
      last.orders++;
    }
  }
  return levels;
}

function randomCommand(prng: Prng, symbol: number, lastId: number): CommandFields {
  const account = 1 + prng.below(4);
  const side = prng.below(2);
  const spread = prng.below(10) === 0 ? 900 : 12;
  const price = 1000 + (side === 0 ? -8 : 8) + prng.below(2 * spread + 1) - spread;
  const quantity = 1 + prng.below(30);
  const dice = prng.below(100);
  const clientOrderId = Math.max(1, lastId - prng.below(300));
  if (dice < 50) return { kind: CommandKind.New, account, symbol, side, price, quantity, clientOrderId: lastId + 1 };
  if (dice < 75) return { kind: CommandKind.Cancel, account, symbol, clientOrderId };
  if (dice < 92) return { kind: CommandKind.Amend, account, symbol, clientOrderId, price, quantity };
  const timeInForce = TimeInForce.ImmediateOrCancel;
  return {
    kind: CommandKind.New,
    account,
    symbol,
    side,
    price: side === 0 ? 1100 : 900,
    quantity: quantity * 5,
    timeInForce,
    clientOrderId: lastId + 1,
  };
}

for (const seed of [1, 2, 3]) {
  test(`mirrors have the exchange's books, order by order, through trading and auctions (seed ${seed})`, () => {
    const prng = new Prng(seed);
    const pair = new Pair(2);
    let lastId = 0;
    let trades = 0;
    for (let step = 1; step <= 6000; step++) {
      const symbol = 1 + prng.below(2);
      const command = randomCommand(prng, symbol, lastId);
      if (command.kind === CommandKind.New) lastId++;
      pair.do(command);
      if (step % 1000 === 500) for (const each of [1, 2]) pair.do({ kind: CommandKind.SetPhase, symbol: each, parameter: Phase.Auction });
      if (step % 1000 === 0) {
        for (const each of [1, 2]) {
          const { indicativePrice, indicativeVolume } = pair.mirrors[each];
          const book = pair.exchange.books[each];
          assert.ok(book);
          book.indicate(pair.mirrors[each].referencePrice);
          assert.equal(indicativePrice, book.indicativePrice);
          assert.equal(indicativeVolume, book.indicativeVolume);
          const before = pair.mirrors[each].lastTradeId;
          pair.do({ kind: CommandKind.Uncross, symbol: each });
          trades += pair.mirrors[each].lastTradeId - before;
          pair.do({ kind: CommandKind.SetPhase, symbol: each, parameter: Phase.Continuous });
          assert.equal(pair.mirrors[each].phase, Phase.Continuous);
          assert.equal(pair.mirrors[each].indicativePrice, 0);
        }
      }
      if (step % 50 === 0) for (const each of [1, 2]) pair.compare(each);
    }
    assert.ok(trades > 0, 'the auctions traded');
    const { orders } = pair.mirrors[1];
    const resting = [1, 2].flatMap((symbol) => [...pair.engineOrders(symbol, 0), ...pair.engineOrders(symbol, 1)]).length;
    assert.equal(orders.count, resting);
    assert.ok(resting > 100);
  });
}

test('changed levels, applied flush by flush, give the book', () => {
  const prng = new Prng(9);
  const pair = new Pair(1);
  const [, mirror] = pair.mirrors;
  mirror.levels.trackTouched = true;
  const copy = new Map<number, number>();
  let lastId = 0;
  for (let flush = 0; flush < 600; flush++) {
    for (let i = prng.below(20); i >= 0; i--) pair.do(randomCommand(prng, 1, lastId++));
    const { levels } = mirror;
    const seen = new Set<number>();
    for (let i = 0; i < levels.touchedCount; i++) {
      const level = levels.touched[i];
      const key = levels.price[level] * 2 + levels.side[level];
      assert.ok(!seen.has(key), 'a level is touched once a flush');
      seen.add(key);
      if (levels.orders[level] === 0) {
        assert.equal(levels.quantity[level], 0);
        copy.delete(key);
      } else copy.set(key, levels.quantity[level]);
    }
    levels.clearTouched();
    // Looking at the best prices in between lets empty levels go.
    if (flush % 3 === 0) mirror.bestBid();
    const truth = [0, 1].flatMap((side) => mirror.depth(side).map(({ price, quantity }) => [price * 2 + side, quantity] as const));
    assert.deepEqual([...copy].sort(byKey), truth.sort(byKey));
  }
});

function byKey(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0];
}

test('the best level is correct however far apart prices are, and empty levels do not accumulate', () => {
  const prng = new Prng(4);
  const levels = new MirrorLevels();
  const live = new Map<number, number>();
  const price = new Float64Array(1);
  for (let step = 0; step < 30_000; step++) {
    if (live.size === 0 || prng.below(100) < 50) {
      price[0] = 1 + prng.below(2 ** 26);
      const level = levels.at(0, price, 0);
      levels.orders[level]++;
      live.set(price[0], level);
    } else {
      // Mostly the best one goes.
      const prices = [...live.keys()];
      const gone = prng.below(4) === 0 ? prices[prng.below(prices.length)] : Math.max(...prices);
      const level = live.get(gone) as number;
      live.delete(gone);
      levels.orders[level] = 0;
      levels.emptied(level);
    }
    if (step % 7 === 0) {
      const best = levels.best(0);
      assert.equal(best === -1 ? 0 : levels.price[best], Math.max(0, ...live.keys()));
    }
  }
  assert.ok(levels.price.length < 4 * Math.max(64, live.size) + 1024, `${levels.price.length} slots for ${live.size} levels`);
});

test('the id table is a map', () => {
  const prng = new Prng(5);
  const table = new IdTable();
  const truth = new Map<number, number>();
  const key = new Float64Array(1);
  for (let step = 0; step < 50_000; step++) {
    // Few distinct keys, some of them above 2^32: many collisions, many removals.
    key[0] = prng.below(600) * (prng.below(2) === 0 ? 1 : 2 ** 33 + 1) + 1;
    const had = truth.get(key[0]);
    assert.equal(table.find(key, 0), had ?? -1);
    if (had === undefined) {
      table.add(key, 0, step);
      truth.set(key[0], step);
    } else if (prng.below(2) === 0) {
      table.remove(key, 0);
      truth.delete(key[0]);
    }
    assert.equal(table.size, truth.size);
  }
});

test('an event that does not match the book is an invariant error', () => {
  const handle = allocateRing({ slotBytes: 64, capacity: 2, consumers: 1 });
  const slots = new RingSlots(handle);
  const event = (kind: number, orderId: number, quantity: number) => {
    slots.u8[MarketField.kind] = kind;
    slots.u32[MarketField.symbol] = 1;
    slots.f64[MarketField.orderId] = orderId;
    slots.f64[MarketField.price] = 100;
    slots.f64[MarketField.quantity] = quantity;
  };
  const mirror = new BookMirror(1, new MirrorOrders(1));
  event(MarketEventKind.Remove, 7, 1);
  assert.throws(() => mirror.apply(slots, 0), { code: 'OPENBELL_INVARIANT', message: /does not rest/ });
  event(MarketEventKind.Add, 7, 5);
  mirror.apply(slots, 0);
  event(MarketEventKind.Trade, 7, 6);
  assert.throws(() => mirror.apply(slots, 0), { code: 'OPENBELL_INVARIANT', message: /below zero/ });
  event(MarketEventKind.Add, 8, 5);
  assert.throws(() => mirror.apply(slots, 0), { code: 'OPENBELL_INVARIANT', message: /room/ });
  slots.u32[MarketField.symbol] = 2;
  assert.throws(() => mirror.apply(slots, 0), { code: 'OPENBELL_INVARIANT', message: /another symbol/ });
});
