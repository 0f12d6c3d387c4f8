/** A connection of Binance is replaced while it is open: whatever the two bring, and wherever they overlap, nothing is missing or comes twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BinanceAdapter } from '../feeds/venues/binance.ts';
import { BINANCE_SPOT, BINANCE_USDM, type BinanceMarket } from '../feeds/venues/binance-markets.ts';
import { times } from './support/long-runs.ts';
import { VenueLedger } from './support/venue-ledger.ts';

/** A change of one level; its number is its place. */
interface Step {
  readonly bid: boolean;
  readonly price: number;
  readonly quantity: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  bid: fc.boolean(),
  price: fc.integer({ min: 1, max: 9 }),
  quantity: fc.integer({ min: 0, max: 9 }),
});
const priceOf = ({ bid, price }: Step) => (bid ? price : 20 + price);

/** The steps from number `from` to `to`, as a connection sends them: events of several steps each, then trades and quotes of the same numbers. */
function frames(linked: boolean, steps: readonly Step[], from: number, to: number, cuts: readonly number[]): unknown[] {
  const out: unknown[] = [];
  for (let first = from, i = 0; first <= to; i++) {
    const last = Math.min(to, first + (cuts[i % cuts.length] ?? 0));
    const rows = { b: new Map<number, number>(), a: new Map<number, number>() };
    for (let n = first; n <= last; n++) rows[steps[n].bid ? 'b' : 'a'].set(priceOf(steps[n]), steps[n].quantity);
    const texts = (side: Map<number, number>) => [...side].map(([price, quantity]) => [String(price), String(quantity)]);
    out.push({ e: 'depthUpdate', E: 1, s: 'X', U: first, u: last, ...(linked && { pu: first - 1 }), b: texts(rows.b), a: texts(rows.a) });
    for (let n = first; n <= last; n++) {
      const trade = { E: 1, s: 'X', p: '15', q: '1', T: 1, m: true };
      out.push(linked ? { e: 'aggTrade', ...trade, a: n } : { e: 'trade', ...trade, t: n });
      out.push({ ...(linked && { e: 'bookTicker' }), u: n, s: 'X', b: '1', B: String(n), a: '20', A: '1' });
    }
    first = last + 1;
  }
  return out;
}

/** The book after all steps, in the words of the ledger. */
function bookOf(steps: readonly Step[]): string {
  const levels = new Map<number, number>();
  for (const each of steps.slice(1)) levels.set(priceOf(each), each.quantity);
  const side = (bid: boolean) =>
    [...levels]
      .filter(([price, quantity]) => quantity > 0 && price < 20 === bid)
      .sort(([a], [b]) => (bid ? b - a : a - b))
      .map(([price, quantity]) => `${price}x${quantity}`)
      .join(' ');
  return `${side(true)} | ${side(false)}`;
}

function started(market: BinanceMarket): VenueLedger<BinanceAdapter> {
  const ledger = new VenueLedger((options, line, sink) => new BinanceAdapter(market, options, line, sink), { instruments: ['X'] });
  ledger.open();
  ledger.answer(ledger.asked[0], { lastUpdateId: 0, bids: [], asks: [] });
  return ledger;
}

const cuts = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 5 });

for (const market of [BINANCE_SPOT, BINANCE_USDM])
  test(`${market.venue}: two connections that overlap are one`, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 60 }), cuts, cuts, fc.nat(), fc.nat(), (steps, cutsA, cutsB, x, y) => {
        const to = steps.length - 1;
        const end = x % (to + 1);
        const begin = 1 + (y % (end + 1));
        const ledger = started(market);
        const lines: string[] = [];
        for (const frame of frames(market.linked, steps, 1, end, cutsA)) lines.push(...ledger.frame(frame));
        ledger.adapter.takeOver();
        for (const frame of frames(market.linked, steps, begin, to, cutsB)) lines.push(...ledger.frame(frame));
        assert.equal(ledger.book('X'), bookOf(steps));
        assert.deepEqual([...ledger.faults], []);
        const numbers = (kind: RegExp) => lines.flatMap((line) => kind.exec(line)?.[1] ?? []).map(Number);
        const all = Array.from({ length: to }, (_, i) => i + 1);
        assert.deepEqual(numbers(/ trade .* #(\d+)$/), all, 'each trade once, in order');
        assert.deepEqual(numbers(/ quote \S+x(\d+) /), all, 'no quote that is older than the one before');
      }),
      { numRuns: times(200, 2000) },
    );
  });

test('a gap between the two connections is found, as any other', () => {
  for (const market of [BINANCE_SPOT, BINANCE_USDM]) {
    const steps = Array.from({ length: 9 }, (): Step => ({ bid: true, price: 1, quantity: 1 }));
    const ledger = started(market);
    for (const frame of frames(market.linked, steps, 1, 4, [0])) ledger.frame(frame);
    ledger.adapter.takeOver();
    const [first] = frames(market.linked, steps, 6, 8, [0]);
    assert.deepEqual(ledger.frame(first).slice(0, 2), ['X fault SEQUENCE_GAP', 'X stale SEQUENCE_GAP'], market.venue);
    assert.equal(ledger.asked.length, 1);
  }
});

test('after the change, repeats and gaps are counted as before', () => {
  const steps = Array.from({ length: 9 }, (): Step => ({ bid: true, price: 1, quantity: 1 }));
  const ledger = started(BINANCE_SPOT);
  for (const frame of frames(false, steps, 1, 4, [0])) ledger.frame(frame);
  ledger.adapter.takeOver();
  for (const frame of frames(false, steps, 3, 6, [0])) ledger.frame(frame);
  const [again] = frames(false, steps, 6, 6, [0]);
  assert.deepEqual(ledger.frame(again), ['X fault SEQUENCE_BACK']);
});

test('a book that waits for its snapshot takes the changes of both connections', () => {
  const steps = Array.from({ length: 9 }, (_, i): Step => ({ bid: true, price: 1 + (i % 3), quantity: i }));
  const ledger = new VenueLedger((options, line, sink) => new BinanceAdapter(BINANCE_SPOT, options, line, sink), { instruments: ['X'] });
  ledger.open();
  for (const frame of frames(false, steps, 1, 5, [0])) ledger.frame(frame);
  ledger.adapter.takeOver();
  for (const frame of frames(false, steps, 4, 8, [1])) ledger.frame(frame);
  ledger.answer(ledger.asked[0], { lastUpdateId: 0, bids: [], asks: [] });
  assert.equal(ledger.book('X'), bookOf(steps));
  assert.deepEqual([...ledger.faults], []);
});
