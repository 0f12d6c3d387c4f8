import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code } from '../engine/codes.ts';
import type { CommandFields } from '../engine/machine/command.ts';
import { CommandKind, ReportKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { ALL_INSTRUMENTS, BookSide, FeedState, TakerSide } from '../feeds/feed.ts';
import { FeedRecord, RECORD_BYTES, RecordKind } from '../feeds/feed-record.ts';
import { LatestField, LatestValues } from '../feeds/rings/latest-values.ts';
import { isSameInstrument } from '../feeds/simulator/instrument-names.ts';
import { Mirror, STALE_GRACE_MS } from '../feeds/simulator/mirror.ts';
import { MIRROR_LEVELS } from '../feeds/simulator/mirror-quotes.ts';
import { type MirroredSymbol, MirrorScale } from '../feeds/simulator/mirror-scale.ts';
import { SendBudget } from '../feeds/simulator/send-budget.ts';

const { Buy, Sell } = Side;
const BTC: MirroredSymbol = {
  id: 1,
  name: 'BTC-USD',
  tickMantissa: 1,
  tickDecimals: 2,
  lotMantissa: 1,
  lotDecimals: 4,
  quotePerTickLot: 1,
  basePerLot: 10_000,
  tickStep: 1,
  maxPrice: 50_000_000,
  lotStep: 1,
  minQuantity: 1,
  maxQuantity: 10_000_000,
  minNotional: 0,
  maxNotional: 2 ** 52,
  reference: 6_000_000,
  bandPpm: 200_000,
};

describe('prices and quantities of a mirror', () => {
  it('are possible ones of the symbol, exactly: buying prices rounded down, selling prices up, quantities down', () => {
    const cases: [Partial<MirroredSymbol>, priceDecimals: number, price: number, bid: number, ask: number][] = [
      [{}, 2, 6_000_001, 6_000_001, 6_000_001],
      [{}, 1, 600_001, 6_000_010, 6_000_010],
      [{}, 3, 60_000_014, 6_000_001, 6_000_002],
      [{ tickStep: 5 }, 2, 6_000_004, 6_000_000, 6_000_005],
      [{ tickMantissa: 5, reference: 0 }, 2, 6_000_004, 1_200_000, 1_200_001],
      [{}, 2, 50_000_001, 0, 0],
      [{}, 4, 99, 0, 1],
      [{}, 18, 99, 0, 1],
      [{ tickDecimals: 10 }, 0, 2 ** 50, 0, 0],
    ];
    for (const [symbol, decimals, price, bid, ask] of cases) {
      const scale = new MirrorScale({ ...BTC, ...symbol });
      scale.setDecimals(decimals, 0);
      assert.deepEqual([scale.ticks(price, false), scale.ticks(price, true)], [bid, ask], JSON.stringify([symbol, decimals, price]));
    }
    const quantities: [Partial<MirroredSymbol>, quantityDecimals: number, quantity: number, lots: number][] = [
      [{}, 8, 123_456_789, 12_345],
      [{}, 0, 7, 70_000],
      [{ lotStep: 1000 }, 4, 12_345, 12_000],
      [{ minQuantity: 100 }, 4, 99, 0],
      [{ minQuantity: 100 }, 4, 100, 100],
      [{ minNotional: 6_000_001 }, 4, 1, 0],
      [{ minNotional: 6_000_001 }, 4, 2, 2],
      [{ maxQuantity: 50 }, 4, 51, 50],
      [{ maxNotional: 13_000_000 }, 4, 51, 2],
      // 2^41 units of an asset at most: here of the quote asset.
      [{}, 0, 2 ** 52, 366_503],
    ];
    for (const [symbol, decimals, quantity, lots] of quantities) {
      const scale = new MirrorScale({ ...BTC, ...symbol });
      scale.setDecimals(2, decimals);
      assert.equal(scale.lots(quantity, 6_000_000), lots, JSON.stringify([symbol, decimals, quantity]));
    }
    const parts: [percent: number, quantity: number, lots: number][] = [
      [100, 12_345, 12_345],
      [50, 12_345, 6172],
      [1, 12_345, 123],
      [1, 99, 0],
      [7, 2 ** 52, 366_503],
    ];
    for (const [percent, quantity, lots] of parts) {
      const scale = new MirrorScale(BTC, percent);
      scale.setDecimals(2, 4);
      assert.equal(scale.lots(quantity, 6_000_000), lots, `${percent} % of ${quantity}`);
    }
  });

  it('agree with exact fractions, and never cross where the outside prices do not', () => {
    const decimals = fc.integer({ min: 0, max: 10 });
    fc.assert(
      fc.property(
        fc.record({ tickMantissa: fc.integer({ min: 1, max: 50 }), tickDecimals: decimals, tickStep: fc.integer({ min: 1, max: 20 }) }),
        decimals,
        fc.integer({ min: 1, max: 2 ** 40 }),
        fc.integer({ min: 1, max: 1000 }),
        (symbol, priceDecimals, bid, spread) => {
          const scale = new MirrorScale({ ...BTC, ...symbol });
          scale.setDecimals(priceDecimals, 0);
          scale.fit(bid);
          const exact = (price: number, up: boolean): number => {
            const dividend = BigInt(price) * BigInt(scale.numerator) * 10n ** BigInt(symbol.tickDecimals);
            const divisor = BigInt(scale.denominator * symbol.tickMantissa * symbol.tickStep) * 10n ** BigInt(priceDecimals);
            const steps = dividend / divisor + (up && dividend % divisor > 0n ? 1n : 0n);
            return Number(steps) * symbol.tickStep;
          };
          const [bought, sold] = [scale.ticks(bid, false), scale.ticks(bid + spread, true)];
          // 0: the numbers are too large, or the symbol cannot have the price.
          if (bought !== 0) assert.equal(bought, exact(bid, false));
          if (sold !== 0) assert.equal(sold, exact(bid + spread, true));
          if (bought !== 0 && sold !== 0) assert.ok(bought < sold);
        },
      ),
    );
  });

  it('are scaled only if the symbol cannot have the price', () => {
    const cases: [Partial<MirroredSymbol>, price: number, low: number, high: number][] = [
      [{}, 5_500_000, 5_500_000, 5_500_000],
      [{}, 6_590_000, 6_590_000, 6_590_000],
      // Outside of half of the band: to the reference.
      [{}, 11_000_000, 5_988_000, 6_012_000],
      [{}, 3_022_870, 5_988_000, 6_012_000],
      [{}, 7, 5_988_000, 6_012_000],
      [{ bandPpm: 0 }, 11_000_000, 11_000_000, 11_000_000],
      [{ reference: 0 }, 11_000_000, 11_000_000, 11_000_000],
      // Beyond the range: to its middle.
      [{ reference: 0 }, 60_000_000, 24_950_000, 25_050_000],
      [{ reference: 0 }, 2 ** 43, 24_950_000, 25_050_000],
    ];
    for (const [symbol, price, low, high] of cases) {
      const scale = new MirrorScale({ ...BTC, ...symbol });
      scale.setDecimals(2, 0);
      scale.fit(price);
      const ticks = scale.ticks(price, false);
      assert.ok(ticks >= low && ticks <= high, `${JSON.stringify(symbol)} ${price}: ${ticks}`);
    }
  });
});

it('instruments are recognised by their names', () => {
  const same = [
    'BTC-USD btcusd',
    'BTC-USD BTC/USD',
    'BTC-USD XBT/USD',
    'BTC-USD BTCUSDT',
    'BTC-USD BTC-USDC',
    'BTC-USDT BTCUSDT',
    'A.B ab',
  ];
  const different = ['BTC-USD ETH-USD', 'BTC-USDT BTC-USD', 'BTC-USD BTC-EUR', 'BTC-USD BTC-USD-SWAP', 'USD USDTX'];
  const recognised = (pair: string): boolean => isSameInstrument(...(pair.split(' ') as [string, string]));
  assert.deepEqual(
    [...same, ...different].filter((pair) => recognised(pair)),
    same,
  );
});

it('the rate is bounded, whatever the pauses', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.double({ min: 0, max: 1, noNaN: true }))),
      (rate, steps) => {
        let now = 1000;
        let sent = 0;
        const budget = new SendBudget(rate, now);
        for (const [pause, part] of steps) {
          now += pause;
          const available = budget.available(now);
          const spent = Math.floor(available * part);
          assert.ok(available <= Math.max(1, rate / 20));
          budget.spend(spent);
          sent += spent;
          assert.ok(sent <= ((now - 1000) * rate) / 1000 + 1e-6);
        }
      },
    ),
  );
  const budget = new SendBudget(100, 0);
  assert.deepEqual(
    [0, 10, 15, 20].map((now) => budget.available(now)),
    [0, 1, 1, 2],
  );
});

const NAMES = ['BTC-USD', 'ETH-USD', 'no such symbol'];
const ETH: MirroredSymbol = { ...BTC, id: 2, name: 'ETH-USD', tickStep: 10, lotStep: 100, minQuantity: 200, reference: 0, bandPpm: 0 };

interface Resting {
  readonly account: number;
  readonly id: number;
  readonly tag: number;
  readonly side: Side;
  readonly symbol: number;
  price: number;
  open: number;
}

interface Report {
  readonly tag: number;
  readonly id: number;
  readonly kind: number;
  readonly code: number;
  readonly leaves: number;
}

/** A naive source and a naive exchange around a mirror. Reports wait until they are delivered. */
class Market {
  readonly mirror = new Mirror({
    symbols: [BTC, ETH],
    makers: [8, 9, 10],
    takers: [6, 7],
    matches: isSameInstrument,
    firstClientOrderId: 1,
  });
  /** Best first. */
  readonly books = NAMES.map(() => [new Map<number, number>(), new Map<number, number>()]);
  orders: Resting[] = [];
  readonly reports: Report[] = [];
  readonly sent: CommandFields[] = [];
  /** Prices at which the exchange rejects orders. */
  readonly rejects = new Set<number>();
  /** Quotes of makers that traded with each other. */
  selfTrades = 0;
  now = 0;
  readonly #record = new FeedRecord(new ArrayBuffer(RECORD_BYTES), 0, 1);

  constructor() {
    this.record(RecordKind.status, ALL_INSTRUMENTS, FeedState.Live);
    for (const instrument of NAMES.keys()) {
      this.record(RecordKind.scale, instrument, 0, 2, 4);
      this.record(RecordKind.status, instrument, FeedState.Live);
    }
  }

  record(kind: number, instrument: number, detail = 0, a = 0, b = 0, c = 0, d = 0): void {
    const record = this.#record.wrap(0).clear();
    Object.assign(record, { kind, instrument, detail, a, b, c, d });
    this.mirror.onRecord(record, (number) => NAMES[number]);
  }

  /** Levels of an update, `[price, quantity]`; prices below the middle are bids. */
  update(instrument: number, side: BookSide, levels: readonly (readonly [price: number, quantity: number])[]): void {
    for (const [price, quantity] of levels) {
      if (quantity === 0) this.books[instrument][side].delete(price);
      else this.books[instrument][side].set(price, quantity);
      this.record(RecordKind.level, instrument, side, price, quantity);
    }
    this.end(instrument);
  }

  end(instrument: number): void {
    const [[bid = 0], [ask = 0]] = [BookSide.Bid, BookSide.Ask].map((side) => this.prices(instrument, side));
    const [bids, asks] = this.books[instrument];
    this.record(RecordKind.bookEnd, instrument, 0, bid, bids.get(bid) ?? 0, ask, asks.get(ask) ?? 0);
  }

  prices(instrument: number, side: BookSide): number[] {
    return [...this.books[instrument][side].keys()].sort((a, b) => (side === BookSide.Bid ? b - a : a - b));
  }

  /** Sends at most `count` commands. */
  send(count: number): void {
    for (; count > 0; count--) {
      const command = this.mirror.next(this.now);
      if (command === undefined) return;
      this.sent.push(command);
      this.#apply(command);
    }
  }

  deliver(count: number): void {
    for (const { tag, id, kind, code, leaves } of this.reports.splice(0, count))
      this.mirror.onReport(tag, id, kind, code, leaves, this.now);
  }

  /** Sends and delivers until there is nothing to do. */
  settle(): void {
    for (let before = -1; before !== this.sent.length || this.reports.length > 0; ) {
      before = this.sent.length;
      this.deliver(Number.POSITIVE_INFINITY);
      this.send(10_000);
    }
  }

  /** Another participant, or a taker, trades with the quotes. @returns lots traded */
  take(symbol: number, side: Side, limit: number, quantity: number): number {
    let left = quantity;
    for (;;) {
      const best = this.orders
        .filter((order) => order.symbol === symbol && order.side !== side && (side === Buy ? order.price <= limit : order.price >= limit))
        .sort((a, b) => (side === Buy ? a.price - b.price : b.price - a.price))[0];
      if (best === undefined || left === 0) return quantity - left;
      const traded = Math.min(left, best.open);
      left -= traded;
      best.open -= traded;
      this.#report(best, ReportKind.Fill, best.open);
      if (best.open === 0) this.orders = this.orders.filter((order) => order !== best);
    }
  }

  /** Resting quotes of a symbol: `price lots`, best first. */
  quotes(symbol: number, side: Side): string[] {
    return this.orders
      .filter((order) => order.symbol === symbol && order.side === side)
      .sort((a, b) => (side === Buy ? b.price - a.price : a.price - b.price))
      .map(({ price, open }) => `${price} ${open}`);
  }

  /** What they must be. */
  wanted(instrument: number, side: Side): string[] {
    const symbol = [BTC, ETH][instrument];
    const levels = new Map<number, number>();
    for (const price of this.prices(instrument, side === Buy ? BookSide.Bid : BookSide.Ask)) {
      const ticks = (side === Buy ? Math.floor(price / symbol.tickStep) : Math.ceil(price / symbol.tickStep)) * symbol.tickStep;
      if (ticks > 0) levels.set(ticks, (levels.get(ticks) ?? 0) + (this.books[instrument][side].get(price) ?? 0));
    }
    return [...levels]
      .map(([ticks, quantity]) => [ticks, Math.floor(quantity / symbol.lotStep) * symbol.lotStep])
      .filter(([, lots]) => lots >= symbol.minQuantity)
      .slice(0, MIRROR_LEVELS)
      .map(([ticks, lots]) => `${ticks} ${lots}`);
  }

  #apply(command: CommandFields): void {
    const { kind, side = 0, symbol = 0, account = 0, tag = 0, clientOrderId: id = 0, price = 0, quantity = 0, timeInForce } = command;
    const found = this.orders.find((order) => order.account === account && order.id === id);
    if (kind === CommandKind.Cancel) {
      if (found === undefined)
        return void this.reports.push({ tag, id, kind: ReportKind.CancelRejected, code: Code.UNKNOWN_ORDER, leaves: 0 });
      this.orders = this.orders.filter((order) => order !== found);
      return this.#report(found, ReportKind.Cancelled, 0);
    }
    if (kind === CommandKind.Amend) {
      if (found === undefined)
        return void this.reports.push({ tag, id, kind: ReportKind.AmendRejected, code: Code.UNKNOWN_ORDER, leaves: 0 });
      found.open = quantity;
      return this.#report(found, ReportKind.Amended, quantity);
    }
    if (timeInForce === TimeInForce.ImmediateOrCancel) {
      assert.ok([6, 7].includes(account));
      return void this.take(symbol, side as Side, price, quantity);
    }
    assert.ok([8, 9, 10].includes(account) && found === undefined && quantity > 0);
    const order: Resting = { account, id, tag, side: side as Side, symbol, price, open: quantity };
    if (this.rejects.has(price)) return this.#report(order, ReportKind.Rejected, 0);
    this.#report(order, ReportKind.Accepted, quantity);
    this.selfTrades += this.orders.filter(
      (other) => other.symbol === symbol && other.side !== side && (side === Buy ? other.price <= price : other.price >= price),
    ).length;
    this.orders.push(order);
  }

  #report({ tag, id }: Resting, kind: number, leaves: number): void {
    this.reports.push({ tag, id, kind, code: kind === ReportKind.Rejected ? Code.PRICE_BAND : Code.OK, leaves });
  }
}

function inStep(market: Market): void {
  for (const [instrument, { id }] of [BTC, ETH].entries())
    for (const side of [Buy, Sell]) assert.deepEqual(market.quotes(id, side), market.wanted(instrument, side), `symbol ${id} side ${side}`);
}

describe('a mirror', () => {
  it('has the levels of the source after every step, whatever happens between, and never trades with itself', () => {
    const instrument = fc.integer({ min: 0, max: 2 });
    const move = fc.oneof(
      fc.record({
        what: fc.constant('levels' as const),
        instrument,
        up: fc.integer({ min: -30, max: 30 }),
        lots: fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 24 }),
      }),
      fc.record({
        what: fc.constant('trade' as const),
        instrument,
        taker: fc.integer({ min: 0, max: 2 }),
        lots: fc.integer({ min: 1, max: 3000 }),
      }),
      fc.record({
        what: fc.constant('other' as const),
        symbol: fc.integer({ min: 1, max: 2 }),
        side: fc.constantFrom(Buy, Sell),
        lots: fc.integer({ min: 1, max: 5000 }),
      }),
      fc.record({ what: fc.constant('send' as const), count: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ what: fc.constant('reports' as const), count: fc.integer({ min: 1, max: 40 }) }),
      fc.record({
        what: fc.constant('snapshot' as const),
        instrument,
        middle: fc.integer({ min: 9_000, max: 11_000 }),
        levels: fc.integer({ min: 0, max: 30 }),
      }),
      fc.record({ what: fc.constant('settle' as const) }),
    );
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const market = new Market();
        const middles = NAMES.map(() => 10_000);
        const snapshot = (at: number, middle: number, levels: number): void => {
          middles[at] = middle;
          for (const side of market.books[at]) side.clear();
          market.record(RecordKind.bookClear, at);
          for (const side of [BookSide.Bid, BookSide.Ask])
            market.update(
              at,
              side,
              Array.from({ length: levels }, (_, depth) => [middle + (side === BookSide.Bid ? -1 - depth : depth), 250 + depth] as const),
            );
        };
        // Prices as low as these are in the range, but not in the band: no factor.
        for (const at of NAMES.keys()) snapshot(at, 10_000, 3);
        for (const { scale } of market.mirror.mirrored) {
          scale.numerator = 1;
          scale.denominator = 1;
        }
        for (const each of moves) {
          if (each.what === 'send') market.send(each.count);
          else if (each.what === 'reports') market.deliver(each.count);
          else if (each.what === 'settle') {
            market.settle();
            inStep(market);
          } else if (each.what === 'other')
            market.take(each.symbol, each.side, each.side === Buy ? Number.POSITIVE_INFINITY : 0, each.lots);
          else if (each.what === 'trade') market.record(RecordKind.trade, each.instrument, each.taker, middles[each.instrument], each.lots);
          else if (each.what === 'snapshot') snapshot(each.instrument, each.middle, each.levels);
          else {
            // The middle moves: levels on its wrong side go first.
            const middle = middles[each.instrument] + each.up;
            middles[each.instrument] = middle;
            for (const side of [BookSide.Bid, BookSide.Ask]) {
              const isWrong = (price: number): boolean => (side === BookSide.Bid ? price >= middle : price < middle);
              for (const price of market.prices(each.instrument, side).filter(isWrong)) {
                market.books[each.instrument][side].delete(price);
                market.record(RecordKind.level, each.instrument, side, price, 0);
              }
              for (const [depth, lots] of each.lots.entries()) {
                const price = middle + (side === BookSide.Bid ? -1 - depth : depth);
                if (lots === 0) market.books[each.instrument][side].delete(price);
                else market.books[each.instrument][side].set(price, lots);
                market.record(RecordKind.level, each.instrument, side, price, lots);
              }
            }
            market.end(each.instrument);
          }
        }
        market.settle();
        inStep(market);
        assert.equal(market.selfTrades, 0);
        const ids = market.sent.filter(({ kind }) => kind === CommandKind.New).map(({ clientOrderId }) => clientOrderId);
        assert.equal(new Set(ids).size, ids.length);
      }),
      { numRuns: 100 },
    );
  });

  /** Settled on a book of two levels a side around 60,000.00. */
  function settled(): Market {
    const market = new Market();
    market.update(0, BookSide.Bid, [
      [5_999_900, 100],
      [5_999_800, 200],
    ]);
    market.update(0, BookSide.Ask, [
      [6_000_100, 300],
      [6_000_200, 400],
    ]);
    market.settle();
    inStep(market);
    return market;
  }
  const shown = (commands: readonly CommandFields[]): string[] =>
    commands.map(({ kind, side, price, quantity, timeInForce }) =>
      [
        Object.entries(CommandKind).find(([, value]) => value === kind)?.[0],
        side === Buy ? 'buy' : 'sell',
        ...(kind === CommandKind.Cancel ? [] : [`${quantity}@${price}`]),
        ...(timeInForce === TimeInForce.ImmediateOrCancel ? ['IOC'] : []),
      ].join(' '),
    );

  it('cancels what the source no longer has before it sends what is new, from the best level on', () => {
    const market = settled();
    const before = market.sent.length;
    for (const price of [5_999_900, 5_999_800]) market.record(RecordKind.level, 0, BookSide.Bid, price, 0);
    market.books[0][BookSide.Bid].clear();
    market.update(0, BookSide.Bid, [
      [5_999_700, 200],
      [6_000_050, 100],
    ]);
    market.settle();
    assert.deepEqual(shown(market.sent.slice(before)), ['Cancel buy', 'Cancel buy', 'New buy 100@6000050', 'New buy 200@5999700']);
    inStep(market);
  });

  it('takes as the source trades do: at their price, or at that of its best quote if that has moved; no more than there is', () => {
    const cases: [taker: TakerSide, price: number, lots: number, sent: string, left: string][] = [
      [TakerSide.Buy, 6_000_100, 50, 'New buy 50@6000100 IOC', '6000100 250'],
      [TakerSide.Buy, 6_000_050, 50, 'New buy 50@6000100 IOC', '6000100 250'],
      [TakerSide.Buy, 6_000_200, 350, 'New buy 350@6000200 IOC', '6000200 350'],
      [TakerSide.Sell, 5_999_900, 50, 'New sell 50@5999900 IOC', '5999900 50'],
      [TakerSide.Sell, 6_000_000, 50, 'New sell 50@5999900 IOC', '5999900 50'],
      [TakerSide.Sell, 5_999_800, 150, 'New sell 150@5999800 IOC', '5999800 150'],
      // The venue does not say whose: the nearer side.
      [TakerSide.Unknown, 6_000_090, 50, 'New buy 50@6000100 IOC', '6000100 250'],
      [TakerSide.Unknown, 5_999_910, 50, 'New sell 50@5999900 IOC', '5999900 50'],
    ];
    for (const [taker, price, lots, sent, left] of cases) {
      const market = settled();
      const before = market.sent.length;
      market.record(RecordKind.trade, 0, taker, price, lots);
      market.send(1);
      assert.deepEqual(shown(market.sent.slice(before)), [sent]);
      assert.equal(market.quotes(1, sent.includes('buy') ? Sell : Buy)[0], left, sent);
      market.settle();
      inStep(market);
    }
  });

  it('has no place for more than 256 waiting trades, and none without a quote', () => {
    const market = settled();
    for (let i = 0; i < 300; i++) market.record(RecordKind.trade, 0, TakerSide.Buy, 6_000_100, 1);
    assert.equal(market.mirror.droppedTrades, 44);
    market.settle();
    inStep(market);
    market.record(RecordKind.trade, 1, TakerSide.Buy, 6_000_100, 1);
    market.settle();
    assert.equal(market.mirror.droppedTrades, 45);
  });

  it('lets trades and quotes take turns', () => {
    const market = settled();
    const before = market.sent.length;
    for (let i = 0; i < 4; i++) market.record(RecordKind.trade, 0, TakerSide.Buy, 6_000_200, 1);
    market.update(0, BookSide.Bid, [
      [5_999_700, 1],
      [5_999_600, 2],
    ]);
    market.send(4);
    assert.deepEqual(
      shown(market.sent.slice(before)).map((text) => text.includes('IOC')),
      [true, false, true, false],
    );
  });

  it('keeps its quotes for a moment when the source is not live, then withdraws them; they come back with it', () => {
    const stale: [string, (market: Market) => void, (market: Market) => void][] = [
      [
        'instrument',
        (market) => market.record(RecordKind.status, 0, FeedState.Stale),
        (market) => market.record(RecordKind.status, 0, FeedState.Live),
      ],
      [
        'source',
        (market) => market.record(RecordKind.status, ALL_INSTRUMENTS, FeedState.Down),
        (market) => market.record(RecordKind.status, ALL_INSTRUMENTS, FeedState.Live),
      ],
      [
        'crossed',
        (market) => market.update(0, BookSide.Bid, [[6_000_150, 1]]),
        (market) => market.update(0, BookSide.Bid, [[6_000_150, 0]]),
      ],
    ];
    for (const [name, cut, mend] of stale) {
      const market = settled();
      const before = market.sent.length;
      market.now = 1000;
      cut(market);
      // Only the state says that a trade is not to be followed.
      if (name !== 'crossed') market.record(RecordKind.trade, 0, TakerSide.Buy, 6_000_100, 1);
      market.settle();
      assert.equal(market.orders.length, 4, name);
      market.now += STALE_GRACE_MS - 1;
      market.settle();
      assert.equal(market.orders.length, 4, name);
      market.now += 1;
      market.settle();
      assert.equal(market.orders.length, 0, name);
      assert.equal(market.mirror.mirrored[0].quoted, false);
      mend(market);
      market.settle();
      inStep(market);
      assert.ok(!shown(market.sent.slice(before)).some((text) => text.includes('IOC')), 'the trade is ignored');

      // A short while leaves no trace.
      const after = market.sent.length;
      market.now += 1000;
      cut(market);
      market.settle();
      mend(market);
      market.settle();
      market.now += STALE_GRACE_MS;
      market.settle();
      assert.equal(market.sent.length, after, name);
    }
  });

  it('forgets trades that wait when the source is cut off', () => {
    const market = settled();
    const before = market.sent.length;
    market.record(RecordKind.trade, 0, TakerSide.Buy, 6_000_100, 1);
    market.record(RecordKind.status, ALL_INSTRUMENTS, FeedState.Down);
    market.settle();
    assert.deepEqual(shown(market.sent.slice(before)), []);
  });

  it('a report of an order that has ended does not count for the next one in its place', () => {
    const market = settled();
    // Another participant fills the quote, and its level goes: the cancel comes too late.
    market.take(1, Sell, 5_999_900, 100);
    market.update(0, BookSide.Bid, [
      [5_999_900, 0],
      [5_999_850, 9],
    ]);
    market.send(1);
    assert.deepEqual(
      market.reports.map(({ kind }) => kind),
      [ReportKind.Fill, ReportKind.CancelRejected],
    );
    market.deliver(1);
    market.send(1);
    assert.deepEqual(shown(market.sent.slice(-2)), ['Cancel buy', 'New buy 9@5999850']);
    assert.equal(market.sent.at(-1)?.tag, market.sent.at(-2)?.tag);
    const { length } = market.sent;
    market.settle();
    assert.equal(market.sent.length, length);
    inStep(market);
  });

  it('withdraws all quotes at once at its end, and sends nothing any more', () => {
    const market = settled();
    market.mirror.end();
    market.settle();
    assert.equal(market.orders.length, 0);
    market.record(RecordKind.trade, 0, TakerSide.Buy, 6_000_100, 1);
    market.update(0, BookSide.Bid, [[5_999_850, 7]]);
    market.settle();
    assert.equal(market.orders.length, 0);
  });

  it('tries a rejected order again after a second, and the others meanwhile', () => {
    const market = settled();
    market.rejects.add(5_999_950);
    market.update(0, BookSide.Bid, [[5_999_950, 7]]);
    market.now = 100;
    market.settle();
    const tries = (): number => market.sent.filter(({ price }) => price === 5_999_950).length;
    market.update(0, BookSide.Bid, [[5_999_850, 9]]);
    market.settle();
    assert.deepEqual([tries(), market.quotes(1, Buy)], [1, ['5999900 100', '5999850 9', '5999800 200']]);
    market.now = 1099;
    market.mirror.retry();
    market.settle();
    assert.equal(tries(), 1);
    market.now = 1100;
    market.mirror.retry();
    market.settle();
    assert.equal(tries(), 2);
    market.rejects.clear();
    market.now = 2100;
    market.mirror.retry();
    market.settle();
    assert.equal(tries(), 3);
    inStep(market);
  });

  it('after lost records it has the best levels, and what comes, but nothing that may be old', () => {
    const market = settled();
    const values = new LatestValues();
    const fields: [number, number][] = [
      [LatestField.state, FeedState.Live],
      [LatestField.priceDecimals, 2],
      [LatestField.quantityDecimals, 4],
      [LatestField.bid, 5_999_950],
      [LatestField.bidQuantity, 10],
      [LatestField.ask, 6_000_000],
      [LatestField.askQuantity, 20],
    ];
    for (const [field, value] of fields) values.fields[field] = value;
    market.mirror.restart(0, (number) => NAMES[number], values, true);
    market.settle();
    assert.deepEqual([market.quotes(1, Buy), market.quotes(1, Sell)], [['5999950 10'], ['6000000 20']]);
    // A level that was removed unseen, if it is better than the best one.
    market.record(RecordKind.level, 0, BookSide.Bid, 5_999_800, 30);
    market.record(RecordKind.bookEnd, 0, 0, 5_999_900, 40, 6_000_000, 20);
    market.settle();
    assert.deepEqual([market.quotes(1, Buy), market.quotes(1, Sell)], [['5999900 40', '5999800 30'], ['6000000 20']]);
  });

  it('a symbol has one instrument, and an instrument that nobody wants is ignored', () => {
    const market = settled();
    assert.deepEqual(
      market.mirror.mirrored.map(({ name, scale }) => [name, scale.symbol.name]),
      [
        ['BTC-USD', 'BTC-USD'],
        ['ETH-USD', 'ETH-USD'],
      ],
    );
  });
});
