import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Code, codeName } from '../engine/codes.ts';
import type { CommandFields } from '../engine/machine/command.ts';
import { getI64 } from '../engine/units.ts';
import { Command, CommandKind, ReportKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { GAP_UNIT, Simulator, type SimulatorOptions } from '../feeds/simulator/simulator.ts';
import { BTC, Harness, USD } from './support/exchange-fixture.ts';

const SYMBOL = { id: 1, price: 10_000, quantity: 20 };
const MAKERS = [1, 2, 3, 4];
const TAKERS = [5, 6, 7, 8];

function options(seed: number, more: Partial<SimulatorOptions> = {}): SimulatorOptions {
  return { seed, symbols: [SYMBOL], makers: MAKERS, takers: TAKERS, ...more };
}

function slots(count: number): { u8: Uint8Array; i32: Int32Array } {
  const u8 = new Uint8Array(count * Command.bytes);
  return { u8, i32: new Int32Array(u8.buffer) };
}

function command({ u8, i32 }: { u8: Uint8Array; i32: Int32Array }): CommandFields {
  return {
    kind: u8[Command.kind],
    side: u8[Command.side],
    timeInForce: u8[Command.timeInForce],
    symbol: i32[Command.symbol / 4],
    account: i32[Command.account / 4],
    clientOrderId: getI64(i32, Command.clientOrderId / 4),
    price: getI64(i32, Command.price / 4),
    quantity: getI64(i32, Command.quantity / 4),
  };
}

function flow(simulator: Simulator, count: number): string {
  // Dirty memory: every byte of a command must be written.
  const made = slots(count);
  made.u8.fill(0xaa);
  for (let i = 0; i < count; i++) simulator.next(made, i);
  return createHash('sha256').update(made.u8).digest('hex');
}

test('the same seed gives the same flow, another seed a different one', () => {
  const symbols = [SYMBOL, { id: 2, price: 500, quantity: 3, lotStep: 2, tickStep: 5 }];
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (one, other) => {
      const first = flow(new Simulator(options(one, { symbols })), 500);
      assert.equal(flow(new Simulator(options(one, { symbols })), 500), first);
      if (other !== one) assert.notEqual(flow(new Simulator(options(other, { symbols })), 500), first);
    }),
    { numRuns: 30 },
  );
});

test('the flow does not depend on the sizes of the requests', () => {
  const oneByOne = new Simulator(options(5));
  const slot = slots(1);
  const hash = createHash('sha256');
  for (let i = 0; i < 300; i++) {
    oneByOne.next(slot, 0);
    hash.update(slot.u8);
  }
  assert.equal(hash.digest('hex'), flow(new Simulator(options(5)), 300));
});

test('options that cannot make a market are rejected', () => {
  const wrong: Partial<SimulatorOptions>[] = [
    { symbols: [] },
    { makers: [] },
    { takers: [] },
    { seed: -1 },
    { symbols: [{ id: 1, price: 10, quantity: 1 }] },
    { symbols: [{ id: 1, price: 2 ** 26, quantity: 1 }] },
    { symbols: [{ id: 1, price: 100, quantity: 0 }] },
  ];
  for (const more of wrong) assert.throws(() => new Simulator(options(1, more)), RangeError, JSON.stringify(more));
});

interface Outcome {
  readonly sent: Map<string, number>;
  readonly answers: Map<string, number>;
  readonly gapMean: number;
  readonly depth: number;
  /** Sequences of commands that an IOC, FOK or market order followed within 20. */
  readonly clustered: number;
}

/** Runs the flow through the real exchange and counts commands and reports. */
function run(seed: number, count: number): Outcome {
  const harness = new Harness().setUp(8, { TakerFeePpm: 200, MakerFeePpm: -50 }, { usd: 4e13, btc: 1e6 });
  const { exchange } = harness;
  const simulator = new Simulator(options(seed));
  const slot = slots(1);
  const sent = new Map<string, number>();
  const answers = new Map<string, number>();
  const count1 = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);
  let gaps = 0;
  let lastTaken = -1;
  let clustered = 0;
  for (let i = 0; i < count; i++) {
    simulator.next(slot, 0);
    gaps += simulator.gap;
    const { kind, tif } = named(slot.u8);
    count1(sent, kind === 'New' ? `New ${tif}` : kind);
    if (tif !== 'GoodTillCancel' && tif !== 'PostOnly') {
      if (lastTaken !== -1 && i - lastTaken < 20) clustered++;
      lastTaken = i;
    }
    for (const report of harness.do(command(slot)).reports) {
      const name = Object.entries(ReportKind).find(([, value]) => value === report.kind)?.[0];
      const kept = report.kind === ReportKind.Amended ? (report.flags & 4 ? ' kept' : ' moved') : '';
      count1(answers, `${name}${report.code === Code.OK ? '' : ` ${codeName(report.code)}`}${kept}`);
    }
  }
  const book = exchange.books[1];
  assert.ok(book !== undefined);
  let depth = 0;
  for (const side of [Side.Buy, Side.Sell]) {
    let best = side === Side.Buy ? book.bestBid() : book.bestAsk();
    for (let i = 0; i < 200 && best > 0; i++, best += side === Side.Buy ? -1 : 1) if (book.levelQuantity(side, best) > 0) depth++;
  }
  return { sent, answers, gapMean: gaps / count, depth, clustered };
}

function named(u8: Uint8Array): { kind: string; tif: string } {
  const name = (of: Record<string, number>, value: number): string => Object.entries(of).find(([, v]) => v === value)?.[0] ?? '?';
  return { kind: name(CommandKind, u8[0]), tif: name(TimeInForce, u8[2]) };
}

test('the flow is a market: cancels, depth, bursts, and every rare case', () => {
  const { sent, answers, gapMean, depth, clustered } = run(11, 60_000);
  const of = (map: Map<string, number>, start: string): number =>
    [...map].reduce((sum, [key, value]) => (key.startsWith(start) ? sum + value : sum), 0);
  const rare = ['New ImmediateOrCancel', 'New FillOrKill', 'New Market', 'New PostOnly', 'New GoodTillCancel', 'Cancel', 'Amend'];
  for (const name of rare) assert.ok(of(sent, name) > 20, `${name} in ${JSON.stringify([...sent])}`);
  const reached = [
    'Rejected POST_ONLY_WOULD_TRADE',
    'Rejected FOK_NOT_FILLABLE',
    'Cancelled CANCELLED_REMAINDER',
    'Cancelled CANCELLED_BY_CLIENT',
    'Amended kept',
    'Amended moved',
    'Fill',
  ];
  for (const name of reached) assert.ok(of(answers, name) > 10, `${name} in ${JSON.stringify([...answers])}`);
  // The simulator's copy of the book is exact, so no cancel or amend is ever too late, and no account runs out of funds.
  assert.equal(of(answers, 'CancelRejected') + of(answers, 'AmendRejected'), 0, JSON.stringify([...answers]));
  const rejected = [...answers.keys()].filter((key) => key.startsWith('Rejected'));
  assert.deepEqual(rejected.sort(), ['Rejected FOK_NOT_FILLABLE', 'Rejected POST_ONLY_WOULD_TRADE']);
  const cancelled = of(answers, 'Cancelled') / of(answers, 'Accepted');
  assert.ok(cancelled > 0.88 && cancelled < 0.97, `cancelled ${cancelled}`);
  assert.ok(depth > 40, `levels ${depth}`);
  assert.ok(Math.abs(gapMean - GAP_UNIT) < 0.05 * GAP_UNIT, `mean gap ${gapMean}`);
  const takers = rare.slice(0, 3).reduce((sum, name) => sum + of(sent, name), 0);
  assert.ok(clustered > takers / 3, `${clustered} of ${takers} near another`);
});

test('accounts stay within their funds, and positions stay bounded', () => {
  const harness = new Harness().setUp(8, {}, { usd: 4e13, btc: 1e6 });
  const simulator = new Simulator(options(3));
  const slot = slots(1);
  let furthest = 0;
  for (let i = 0; i < 1_000_000; i++) {
    simulator.next(slot, 0);
    harness.do(command(slot));
    if (i % 1000 !== 0) continue;
    for (const account of [...MAKERS, ...TAKERS]) {
      const { available, reserved } = harness.balance(account, BTC);
      furthest = Math.max(furthest, Math.abs(available + reserved - 1_000_000));
    }
  }
  assert.ok(furthest < 100 * SYMBOL.quantity, `an account was ${furthest} lots away from where it started`);
  for (const account of [...MAKERS, ...TAKERS]) assert.ok(harness.balance(account, USD).available > 3e13);
});
