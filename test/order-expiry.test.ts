/** Orders that expire: day and good-till-date. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { auditBook } from '../engine/book/book-audit.ts';
import { OrderSlab } from '../engine/book/order-slab.ts';
import { Code, codeName } from '../engine/codes.ts';
import { resolveLimits } from '../engine/limits.ts';
import { EXPIRIES_PER_COMMAND } from '../engine/machine/expiry.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { SymbolParam } from '../engine/params.ts';
import { DeadlineHeap } from '../engine/rules/deadline-heap.ts';
import { allocateControl, Control } from '../engine/threads/control.ts';
import { DeadlineTicks } from '../engine/threads/deadline-ticks.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { CommandKind, ReportKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { ENGINE_LIMITS, RunningEngine, temporaryDirectory, venue } from './support/engine-fixture.ts';
import { BTC, Harness, parseCommand, runLedger, SMALL_LIMITS, SYMBOL, tidyLedger, USD } from './support/exchange-fixture.ts';
import { until } from './support/until.ts';

function ledger(name: string, text: string, sessionEnd = 0): void {
  it(name, () => {
    const harness = new Harness().setUp(3);
    if (sessionEnd !== 0) harness.setParam('SessionEnd', sessionEnd * 1000);
    assert.equal(runLedger(harness, text), tidyLedger(text));
    for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
    const book = harness.exchange.books[SYMBOL];
    assert.ok(book);
    auditBook(book, true);
  });
}

describe('an order until a time', () => {
  ledger(
    'expires before the command that is stamped at its end; an order that would have met it rests',
    `
    at 100: 1 new 1 buy 10 @ 500 gtd 200
      > 1 Accepted 1 10@500 leaves 10
    at 199.999: 2 new 1 sell 4 @ 500 ioc
      > 2 Accepted 1 4@500 leaves 4
      > 1 Fill 1 4@500 leaves 6 maker
      > 2 Fill 1 4@500 leaves 0 taker
    at 200: 2 new 2 sell 6 @ 500
      > 1 Cancelled 1 6@500 leaves 0 EXPIRED
      > 2 Accepted 2 6@500 leaves 6
    at 201: 1 cancel 1
      > 1 CancelRejected 1 0@0 leaves 0 UNKNOWN_ORDER`,
  );
  ledger(
    'expires with a tick, the oldest end first, then the lower order id',
    `
    at 100: 1 new 1 buy 1 @ 500 gtd 300
      > 1 Accepted 1 1@500 leaves 1
    at 100: 2 new 1 buy 2 @ 500 gtd 200
      > 2 Accepted 1 2@500 leaves 2
    at 100: 3 new 1 sell 3 @ 900 gtd 200
      > 3 Accepted 1 3@900 leaves 3
    at 100: 3 new 2 sell 4 @ 900 gtd 400.001
      > 3 Accepted 2 4@900 leaves 4
    at 199: tick
    at 400: tick
      > 2 Cancelled 1 2@500 leaves 0 EXPIRED
      > 3 Cancelled 1 3@900 leaves 0 EXPIRED
      > 1 Cancelled 1 1@500 leaves 0 EXPIRED`,
  );
  ledger(
    'is rejected when its end is not after the present, and otherwise obeys the rules of its phase',
    `
    at 100: 1 new 1 buy 1 @ 500 gtd 100
      > 1 Rejected 1 1@500 leaves 0 EXPIRY_PAST
    at 100: 1 new 2 buy 1 @ 500 gtd 100.001
      > 1 Accepted 2 1@500 leaves 1
    at 100: 2 new 1 sell 1 @ 500 gtd 900 post
      > 2 Rejected 1 1@500 leaves 0 POST_ONLY_WOULD_TRADE
    at 100: 2 new 2 sell 1 @ 501 gtd 900 post
      > 2 Accepted 2 1@501 leaves 1
    at 100: 2 amend 2 1 @ 500
      > 2 AmendRejected 2 1@500 leaves 1 POST_ONLY_WOULD_TRADE
    at 101: phase auction
      > 1 Cancelled 2 1@500 leaves 0 EXPIRED
      > 0 Accepted
    at 101: 1 new 3 buy 1 @ 600 gtd 102
      > 1 Accepted 3 1@600 leaves 1
    at 101: 2 new 3 sell 1 @ 500 gtd 103 post
      > 2 Rejected 3 1@500 leaves 0 NOT_IN_AUCTION
    at 102: uncross
      > 1 Cancelled 3 1@600 leaves 0 EXPIRED
      > 0 Accepted`,
  );
  ledger(
    'keeps its end when it is amended, also to less, and trades after that as any other',
    `
    at 100: 1 new 1 buy 10 @ 500 gtd 200
      > 1 Accepted 1 10@500 leaves 10
    at 110: 1 amend 1 8 @ 500
      > 1 Amended 1 8@500 leaves 8 kept
    at 120: 1 amend 1 9 @ 510
      > 1 Amended 1 9@510 leaves 9
    at 130: 2 new 1 sell 2 @ 510 ioc
      > 2 Accepted 1 2@510 leaves 2
      > 1 Fill 1 2@510 leaves 7 maker
      > 2 Fill 1 2@510 leaves 0 taker
    at 200: 1 amend 1 3 @ 510
      > 1 Cancelled 1 7@510 leaves 0 EXPIRED
      > 1 AmendRejected 1 3@510 leaves 0 UNKNOWN_ORDER`,
  );
  ledger(
    'is one order by its client order id: another end is another order',
    `
    at 100: 1 new 1 buy 10 @ 500 gtd 200
      > 1 Accepted 1 10@500 leaves 10
    at 100: 1 new 1 buy 10 @ 500 gtd 200
      > 1 Accepted 1 10@500 leaves 10 again
    at 100: 1 new 1 buy 10 @ 500 gtd 201
      > 1 Rejected 1 10@500 leaves 0 CLIENT_ORDER_ID_REUSED
    at 100: 1 new 1 buy 10 @ 500
      > 1 Rejected 1 10@500 leaves 0 CLIENT_ORDER_ID_REUSED`,
  );
});

describe('a day order', () => {
  ledger(
    'is rejected without a session',
    `
    at 100: 1 new 1 buy 1 @ 500 day
      > 1 Rejected 1 1@500 leaves 0 NO_SESSION`,
  );
  ledger(
    'expires at the end that the session had when it was accepted',
    `
    at 100: 1 new 1 buy 1 @ 500 day
      > 1 Accepted 1 1@500 leaves 1
    at 100: 1 new 2 buy 2 @ 500 day post
      > 1 Accepted 2 2@500 leaves 2
    at 200: tick
      > 1 Cancelled 1 1@500 leaves 0 EXPIRED
      > 1 Cancelled 2 2@500 leaves 0 EXPIRED
    at 200: 1 new 3 buy 1 @ 500 day
      > 1 Rejected 3 1@500 leaves 0 NO_SESSION`,
    200,
  );
  it('needs rules 4: earlier ones have no session', () => {
    const harness = new Harness(SMALL_LIMITS, 3).setUp(1);
    const fields = { kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.SessionEnd, quantity: 9 };
    assert.equal(harness.do(fields).reports[0].code, Code.BAD_PARAMETER);
  });
});

describe('more orders are due than one command cancels', () => {
  const MANY = 12 * EXPIRIES_PER_COMMAND + 100;
  /** Bids of account 1 at 500 to 502 and asks at 600, all until 200 ms, and one bid of account 2 behind each hundred. */
  const crowded = (): Harness => {
    const harness = new Harness({ ...SMALL_LIMITS, orders: 2 ** 13, rememberedOrders: 2 ** 13 }).setUp(3);
    for (let id = 1; id <= MANY; id++) {
      harness.must({
        ...parseCommand(`1 new ${id} ${id % 7 === 0 ? 'sell 1 @ 600' : `buy 1 @ ${500 + (id % 3)}`} gtd 200`),
        timeUs: 100_000,
      });
      if (id % 100 === 0) harness.must({ ...parseCommand(`2 new ${id} buy 1 @ 501`), timeUs: 100_000 });
    }
    return harness;
  };

  it('each command and tick cancels its share, and one that meets more is rejected for now', () => {
    const harness = crowded();
    const at = (line: string): { expired: number; others: string[] } => {
      const { reports } = harness.do({ ...parseCommand(line), timeUs: 200_000 });
      const others = reports.filter(({ code }) => code !== Code.EXPIRED);
      return { expired: reports.length - others.length, others: others.map(({ kind, code }) => `${kind}/${codeName(code)}`) };
    };
    assert.deepEqual(at('tick'), { expired: EXPIRIES_PER_COMMAND, others: [] });
    // Of the bids of account 1, more are in the way than this command cancels beside its share.
    const blocked = { expired: 2 * EXPIRIES_PER_COMMAND, others: [`${ReportKind.Rejected}/ORDERS_EXPIRING`] };
    assert.deepEqual(at('3 new 1 sell 1 @ 501 ioc'), blocked);
    const long = { ...blocked, expired: 3 * EXPIRIES_PER_COMMAND };
    assert.deepEqual(at('3 new 1 sell 1 mkt cancel-oldest'), long, 'also an order with an extension, which is dropped');
    let answer = at('3 new 1 sell 1 @ 501 ioc');
    for (let again = 0; again < 10 && answer.others[0] !== `${ReportKind.Accepted}/OK`; again++) answer = at('3 new 1 sell 1 @ 501 ioc');
    assert.deepEqual(answer.others.slice(1), [`${ReportKind.Fill}/OK`, `${ReportKind.Fill}/OK`], 'with the order of account 2');
    while (harness.exchange.expiries.count > 0) at('tick');
    assert.equal(harness.exchange.slab.count, Math.floor(MANY / 100) - 1);
    assert.equal(harness.exchange.accounts.imbalance(USD), 0);
  });

  it('an amend that meets more is rejected for now, and says when to come again', () => {
    const harness = crowded();
    harness.must({ ...parseCommand('3 new 1 sell 4 @ 700'), timeUs: 100_000 });
    const { reports } = harness.do({ ...parseCommand('3 amend 1 1 @ 501'), timeUs: 200_000 });
    const last = reports.at(-1);
    assert.deepEqual([last?.kind, last?.code, last?.retryUs], [ReportKind.AmendRejected, Code.ORDERS_EXPIRING, 210_000]);
    assert.deepEqual([last?.clientOrderId, last?.side, last?.price, last?.quantity, last?.leaves], [1, Side.Sell, 501, 1, 4]);
    assert.equal(last?.orderId, harness.exchange.slab.id[harness.exchange.clientOrderIds.find(3, 1) - 1]);
    assert.equal(reports.length, 2 * EXPIRIES_PER_COMMAND + 1);
  });

  /** As many orders as two commands cancel are due first; then one sell of 5 at 500 of account 2, in front of one of account 1. */
  const late = (): Harness => {
    const harness = new Harness().setUp(3);
    for (let id = 1; id <= 2 * EXPIRIES_PER_COMMAND + 100; id++)
      harness.must({ ...parseCommand(`1 new ${id} buy 1 @ 100 gtd 199`), timeUs: 100_000 });
    harness.must({ ...parseCommand('3 new 50 sell 2 @ 500'), timeUs: 100_000 });
    harness.must({ ...parseCommand('2 new 1 sell 5 @ 500 gtd 200'), timeUs: 100_000 });
    harness.must({ ...parseCommand('3 new 51 buy 3 @ 200 cancel-oldest'), timeUs: 100_000 });
    return harness;
  };
  for (const [line, answer] of [
    ['2 cancel 1', Code.UNKNOWN_ORDER],
    ['2 amend 1 1 @ 400', Code.UNKNOWN_ORDER],
    ['1 new 9001 buy 3 @ 500 fok', Code.FOK_NOT_FILLABLE],
    ['1 new 9002 buy 7 mkt none', Code.OK],
    ['3 new 9003 buy 3 @ 500 ioc cancel-oldest', Code.OK],
    ['3 amend 51 3 @ 500', Code.OK],
    ['2 new 9004 buy 1 @ 499 post', Code.OK],
  ] as const) {
    it(line, () => {
      const harness = late();
      const { reports } = harness.do({ ...parseCommand(line), timeUs: 200_000 });
      assert.ok(harness.exchange.expiries.count > 0, 'not all have expired yet');
      const rest = reports.filter(({ code }) => code !== Code.EXPIRED);
      assert.equal(codeName(rest[0].code), codeName(answer));
      assert.deepEqual(
        rest.filter(({ kind, account }) => kind === ReportKind.Fill && account === 2),
        [],
        'no fill of what is due',
      );
    });
  }

  it('an uncross waits for all of them; another phase does not', () => {
    const harness = crowded();
    const { reports } = harness.do({ ...parseCommand('phase auction'), timeUs: 200_000 });
    assert.equal(reports.filter(({ code }) => code === Code.EXPIRED).length, EXPIRIES_PER_COMMAND);
    assert.equal(reports.at(-1)?.code, Code.OK);
    let left = MANY - EXPIRIES_PER_COMMAND;
    for (; left > 0; left -= EXPIRIES_PER_COMMAND) {
      const uncross = harness.do({ ...parseCommand('uncross'), timeUs: 200_000 }).reports;
      assert.equal(uncross.filter(({ code }) => code === Code.EXPIRED).length, Math.min(left, EXPIRIES_PER_COMMAND));
      assert.equal(uncross.at(-1)?.code, left > EXPIRIES_PER_COMMAND ? Code.UNCROSS_WAITS : Code.OK);
    }
  });
});

it('the heap gives the orders by expiry, then id, whatever is added and removed between', () => {
  const step = fc.record({ add: fc.boolean(), expiry: fc.integer({ min: 1, max: 9 }), at: fc.nat(1000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const slab = new OrderSlab(200);
      const heap = new DeadlineHeap(slab.id, slab.endUs);
      const live: { slot: number; id: number; expiry: number }[] = [];
      for (const [i, { add, expiry, at }] of steps.entries()) {
        if (add || live.length === 0) {
          const id = (i * 7919) % 1009;
          const slot = slab.acquire(id);
          live.push({ slot, id, expiry });
          slab.endUs[slot] = expiry;
          heap.add(slot);
        } else {
          const [gone] = live.splice(at % live.length, 1);
          heap.remove(gone.slot);
          slab.release(gone.slot);
        }
        live.sort((a, b) => a.expiry - b.expiry || a.id - b.id);
        assert.deepEqual([heap.count, heap.earliestUs], [live.length, live[0]?.expiry ?? Number.POSITIVE_INFINITY]);
        if (live.length > 0) assert.equal(heap.first, live[0].slot);
      }
    }),
  );
});

it('a tick is due only when its deadline has come, however far away that is', () => {
  const control = new Control(allocateControl());
  const nowUs = 1_790_000_000_000_000;
  for (const days of [0.5, 24, 25, 30, 49, 50, 75, 365, 3650]) {
    let ticks = 0;
    const deadlines = new DeadlineTicks(
      control,
      () => nowUs,
      () => ++ticks,
    );
    control.setDeadline(nowUs + days * 86_400_000_000);
    deadlines.poll();
    control.setDeadline(nowUs - 1);
    assert.equal(ticks, 0, `${days} days`);
    deadlines.poll();
    deadlines.stop();
    assert.equal(ticks, 1, `${days} days, then due`);
  }
});

describe('a running engine', () => {
  for (const topology of ['compact', 'pinned'] as const) {
    it(`expires orders without traffic, by a command in the log: ${topology}`, async (t) => {
      const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
      let running = await RunningEngine.start({ dir, topology });
      for (const fields of venue(1)) running.send(fields);
      const order = { kind: CommandKind.New, account: 1, symbol: 1, side: Side.Buy, quantity: 1, timeInForce: TimeInForce.Day };
      let id = 0;
      /** A day order that rests until so long from now; returns its id. On a busy machine, the session may be over before it arrives. */
      const rests = async (price: number, fromNowUs: number): Promise<number> => {
        for (;;) {
          const quantity = running.engine.sequencer.nowUs() + fromNowUs;
          running.send({ kind: CommandKind.SetSymbol, symbol: 1, parameter: SymbolParam.SessionEnd, quantity });
          running.send({ ...order, price, clientOrderId: ++id });
          const sent = id;
          const answer = () => running.reports.find(({ clientOrderId }) => clientOrderId === sent);
          await until(() => answer() !== undefined, 'the order is answered');
          if (answer()?.kind === ReportKind.Accepted) return sent;
        }
      };
      const expired = (orderId: number): boolean => running.reports.some((r) => r.clientOrderId === orderId && r.code === Code.EXPIRED);
      // Far from now: the timer of the near one must not wait for it.
      const far = await rests(100, 3_600_000_000);
      const near = await rests(101, 200_000);
      await until(() => expired(near), 'the near one expires');
      assert.equal(expired(far), false);
      // A restart may take longer than the session lasts: then the order expires after it, with nothing sent.
      const last = await rests(102, 100_000);
      await running.stop();
      const already = expired(last);
      running = await RunningEngine.start({ dir, topology });
      if (!already) await until(() => expired(last), 'the last one expires after the start');
      await running.stop(false);
      const limits = resolveLimits(ENGINE_LIMITS);
      const [all, late] = [false, true].map((fromSnapshot) => verifyDataDirectory(dir, { limits, fromSnapshot }));
      assert.deepEqual([all.stateHash, all.restingOrders, all.imbalances], [late.stateHash, 1, []]);
    });
  }
});

it('the end of an order is in the state: another one is another state', () => {
  const hash = (end: number): string => {
    const harness = new Harness().setUp(1);
    harness.must({ ...parseCommand(`1 new 1 buy 1 @ 500 gtd ${end}`), timeUs: 100_000 });
    return stateHash(harness.exchange);
  };
  assert.notEqual(hash(200), hash(201));
});
