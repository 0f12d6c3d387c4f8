import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code, codeName } from '../engine/codes.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { NEW_AUCTION_CHECKS } from '../engine/rules/auction-checks.ts';
import { NEW_ORDER_CHECKS } from '../engine/rules/check-sequences.ts';
import { OrderChecks } from '../engine/rules/order-checks.ts';
import { OrderRequest } from '../engine/rules/order-request.ts';
import { NEW_PEG_CHECKS } from '../engine/rules/peg-checks.ts';
import { QUOTE_CHECKS } from '../engine/rules/quote-checks.ts';
import { NEW_STOP_CHECKS } from '../engine/rules/stop-checks.ts';
import { CommandKind, Phase, ReportKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { Harness, parseCommand, SMALL_LIMITS, SYMBOL } from './support/exchange-fixture.ts';

const LIMITS = { ...SMALL_LIMITS, orders: 7 };

/** A venue in which every check can fail. */
function venue(phase: Phase): Harness {
  const params = {
    MaxPrice: 200,
    TickStep: 2,
    LotStep: 2,
    MinQuantity: 2,
    MaxQuantity: 40,
    MinNotional: 300,
    MaxNotional: 3000,
    ReferencePrice: 100,
    PriceBandPpm: 100_000,
  };
  const harness = new Harness(LIMITS).setUp(3, params, { usd: 1000, btc: 10 });
  for (const [account, id, side, price] of [
    [1, 1, Side.Sell, 104],
    [1, 2, Side.Sell, 106],
    [1, 3, Side.Buy, 96],
    [2, 1001, Side.Buy, 80],
  ] as const) {
    harness.do({ kind: CommandKind.New, account, clientOrderId: id, symbol: SYMBOL, side, price, quantity: 4 });
  }
  if (phase !== Phase.Continuous) harness.must({ kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: phase });
  return harness;
}

const order = fc.record({
  kind: fc.constant(CommandKind.New),
  account: fc.constantFrom(2, 3),
  clientOrderId: fc.integer({ min: 0, max: 1000 }),
  symbol: fc.constantFrom(SYMBOL, SYMBOL, SYMBOL, 5),
  side: fc.constantFrom(Side.Buy, Side.Sell),
  timeInForce: fc.constantFrom(...Object.values(TimeInForce).filter((time) => time <= TimeInForce.Day)),
  price: fc.constantFrom(0, 1, 80, 96, 97, 100, 104, 106, 108, 110, 150, 300),
  quantity: fc.integer({ min: 0, max: 44 }),
});

describe('the checks of a new order', () => {
  it('the table gives the same answer as the unrolled checks and as the exchange, and each code of it comes up', () => {
    const seen = new Set<Code>();
    const phases = fc.constantFrom(Phase.Continuous, Phase.Continuous, Phase.Continuous, ...Object.values(Phase));
    const stopped = fc.constantFrom('', 'set 3 Suspended 1', 'kill account 3 on', 'limit 3 1 MaxPosition 30', 'limit 3 1 MaxExposure 30');
    const same = fc.property(phases, stopped, fc.array(order, { maxLength: 12 }), (phase, stop, orders) => {
      const harness = venue(phase);
      const { exchange } = harness;
      exchange.capacities.orders = 4 + (orders.length % 4);
      // With a share of 1, account 1 has more than its share and keeps it; account 2 has its share.
      exchange.shares.ordersPerAccount = orders.length % 2 === 0 ? LIMITS.orders : 1;
      if (stop !== '') harness.do(parseCommand(stop));
      if (orders.length % 3 === 0) harness.must({ kind: CommandKind.SetAccount, account: 2, parameter: 1, quantity: orders.length % 2 });
      const checks = new OrderChecks(exchange);
      const request = new OrderRequest();
      const bytes = new Uint8Array(64);
      const words = new Int32Array(bytes.buffer);
      for (const drawn of orders) {
        const fields = drawn.timeInForce === TimeInForce.Market ? { ...drawn, price: 0 } : drawn;
        if (exchange.clientOrderIds.find(fields.account, fields.clientOrderId) !== 0) continue;
        encodeCommand(bytes, words, 0, fields);
        request.read(words, 0);
        const expected = checks.newOrder(request);
        const row = NEW_ORDER_CHECKS.find(({ check }) => check(checks, request) !== Code.OK);
        const found = row?.check(checks, request) ?? Code.OK;
        assert.equal(codeName(found), codeName(expected));
        assert.ok(row === undefined || row.codes.includes(found), `${codeName(found)} is not in its row`);
        const [report] = harness.do(fields).reports;
        assert.deepEqual(
          [report.kind, codeName(report.code)],
          [found === Code.OK ? ReportKind.Accepted : ReportKind.Rejected, codeName(found)],
        );
        seen.add(found);
      }
    });
    // Ids that were forgotten, ends, minimum and displayed quantities and repricing come up in the twin's test, limits of commands in test/throttle.test.ts.
    const elsewhere: readonly Code[] = [
      Code.THROTTLED,
      Code.ORDER_TO_TRADE,
      Code.CLIENT_ORDER_ID_TOO_OLD,
      Code.EXPIRY_PAST,
      Code.MIN_QUANTITY_NOT_FILLABLE,
      Code.NO_PRICE_LEFT,
      Code.DISPLAYED_QUANTITY,
    ];
    const missing = () => NEW_ORDER_CHECKS.flatMap(({ codes }) => codes).filter((code) => !seen.has(code) && !elsewhere.includes(code));
    for (let round = 0; round < 50 && (round === 0 || missing().length > 0); round++) fc.assert(same, { numRuns: 400 });
    assert.deepEqual(missing().map(codeName), []);
  });

  it('docs/CODES.md lists them in the order in which they are made', () => {
    const text = readFileSync(new URL('../docs/CODES.md', import.meta.url), 'utf8');
    const section = /## Order of the checks\n([\s\S]*?)(?=\n## |$)/.exec(text)?.[1] ?? assert.fail('no section "Order of the checks"');
    const listed = [...section.matchAll(/^\d+\. (.*)$/gm)].map(([, line]) => [...line.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name));
    assert.deepEqual(
      listed,
      NEW_ORDER_CHECKS.map(({ codes }) => codes.map(codeName)),
    );
  });

  it('and those of an order of an auction', () => {
    const text = readFileSync(new URL('../docs/CODES.md', import.meta.url), 'utf8');
    const section =
      /## Order of the checks of an order at the open or at the close\n([\s\S]*?)(?=\n## |$)/.exec(text)?.[1] ?? assert.fail();
    const listed = [...section.matchAll(/^\d+\. (.*)$/gm)].map(([, line]) => [...line.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name));
    assert.deepEqual(
      listed,
      NEW_AUCTION_CHECKS.map((codes) => codes.map(codeName)),
    );
  });

  it('and those of a stop', () => {
    const text = readFileSync(new URL('../docs/CODES.md', import.meta.url), 'utf8');
    const section = /## Order of the checks of a stop\n([\s\S]*?)(?=\n## |$)/.exec(text)?.[1] ?? assert.fail('no such section');
    const listed = [...section.matchAll(/^\d+\. (.*)$/gm)].map(([, line]) => [...line.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name));
    assert.deepEqual(
      listed,
      NEW_STOP_CHECKS.map((codes) => codes.map(codeName)),
    );
  });

  it('and those of a pegged order', () => {
    const text = readFileSync(new URL('../docs/CODES.md', import.meta.url), 'utf8');
    const section = /## Order of the checks of a pegged order\n([\s\S]*?)(?=\n## |$)/.exec(text)?.[1] ?? assert.fail('no such section');
    const listed = [...section.matchAll(/^\d+\. (.*)$/gm)].map(([, line]) => [...line.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name));
    assert.deepEqual(
      listed,
      NEW_PEG_CHECKS.map((codes) => codes.map(codeName)),
    );
  });

  it('and those of a quote', () => {
    const text = readFileSync(new URL('../docs/CODES.md', import.meta.url), 'utf8');
    const section = /## Order of the checks of a quote\n([\s\S]*?)(?=\n## |$)/.exec(text)?.[1] ?? assert.fail('no such section');
    const listed = [...section.matchAll(/^\d+\. (.*)$/gm)].map(([, line]) => [...line.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name));
    assert.deepEqual(
      listed,
      QUOTE_CHECKS.map((codes) => codes.map(codeName)),
    );
  });

  it('an account without money does not make the engine walk the book', () => {
    const harness = new Harness().setUp(2, {}, { usd: 10_000_000, btc: 10_000_000 });
    for (let i = 1; i <= 1000; i++)
      harness.do({ kind: CommandKind.New, account: 1, clientOrderId: i, symbol: SYMBOL, side: Side.Sell, price: 100 + i, quantity: 1 });
    harness.must({ kind: CommandKind.Withdraw, account: 2, symbol: 1, quantity: 9_999_750 });
    const book = harness.exchange.books[SYMBOL];
    assert.ok(book);
    let levels = 0;
    const next = book.asks.next.bind(book.asks);
    book.asks.next = (from) => {
      levels++;
      return next(from);
    };
    for (const timeInForce of [TimeInForce.Market, TimeInForce.FillOrKill]) {
      const price = timeInForce === TimeInForce.Market ? 0 : 2000;
      const fields = { kind: CommandKind.New, account: 2, clientOrderId: timeInForce, symbol: SYMBOL, side: Side.Buy, timeInForce, price };
      assert.equal(codeName(harness.do({ ...fields, quantity: 900 }).reports[0].code), 'INSUFFICIENT_FUNDS');
    }
    // 250 units pay for two levels at 101 and 102; the walk sees that at the third.
    assert.ok(levels <= 3, `${levels} levels`);
  });
});
