/** Many stops at a time: what one command does not trigger goes on with the next ones, through halts, snapshots and restarts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { auditBooks } from '../engine/book/book-audit.ts';
import { OrderSlab } from '../engine/book/order-slab.ts';
import { StopHeap } from '../engine/book/stop-heap.ts';
import { Code } from '../engine/codes.ts';
import { resolveLimits } from '../engine/limits.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { OLD_TRIGGERS_PER_COMMAND, TRIGGER_PAUSE_US, TRIGGERS_PER_COMMAND } from '../engine/machine/state.ts';
import { StateLoader, saveState, stateHash } from '../engine/machine/state-rows.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { CommandKind, OrderType, Phase, ReportKind, Side } from '../engine/wire/layout.ts';
import { ENGINE_LIMITS, RunningEngine, temporaryDirectory, venue } from './support/engine-fixture.ts';
import { Harness, parseCommand, SYMBOL, USD } from './support/exchange-fixture.ts';
import { until } from './support/until.ts';

const MANY = 2 * TRIGGERS_PER_COMMAND + 11;

/** Buy stops of account 1 at 510 to 512, and liquidity of account 2 at 520; the last trade was at 500. */
function crowded(many = MANY): Harness {
  const harness = new Harness().setUp(4);
  for (const line of ['2 new 1 sell 1 @ 500', '2 new 2 buy 1 @ 500 ioc', '2 new 3 sell 2000 @ 520']) harness.do(parseCommand(line));
  for (let id = 1; id <= many; id++) harness.must(parseCommand(`1 new ${id} buy 1 stop ${510 + (id % 3)}`));
  return harness;
}

/** Client order ids of the stops that a command triggers, and its other reports' kinds. */
function triggered(harness: Harness, line: string): { ids: number[]; others: number[] } {
  const { reports } = harness.do(parseCommand(line));
  const ids = reports.filter(({ kind }) => kind === ReportKind.Triggered).map(({ clientOrderId }) => clientOrderId);
  return { ids, others: reports.filter(({ kind }) => kind !== ReportKind.Triggered && kind !== ReportKind.Fill).map(({ kind }) => kind) };
}

const inOrder = [...Array(MANY).keys()].map((n) => n + 1).sort((a, b) => (a % 3) - (b % 3) || a - b);

describe('more stops are due than one command triggers', () => {
  it('the next commands and ticks go on, before they are applied, in the same order', () => {
    const harness = crowded();
    const first = triggered(harness, '3 new 1 buy 1 @ 520');
    assert.deepEqual(first, { ids: inOrder.slice(0, TRIGGERS_PER_COMMAND), others: [ReportKind.Accepted] });
    assert.equal(harness.exchange.deadlineUs, harness.exchange.timeUs, 'a tick is due');
    // What was crossed stays crossed, though the price falls; and the command comes after its share of the stops.
    const second = harness.do(parseCommand('3 new 2 sell 5 @ 100'));
    assert.equal(
      second.reports.findIndex(({ account }) => account === 3),
      second.reports.length - 1,
    );
    assert.equal(second.reports.filter(({ kind }) => kind === ReportKind.Triggered).length, TRIGGERS_PER_COMMAND);
    assert.deepEqual(triggered(harness, 'tick'), { ids: inOrder.slice(2 * TRIGGERS_PER_COMMAND), others: [] });
    assert.equal(harness.exchange.deadlineUs, Number.POSITIVE_INFINITY);
    assert.deepEqual(triggered(harness, 'tick'), { ids: [], others: [] });
    assert.equal(harness.exchange.accounts.imbalance(USD), 0);
  });

  it('a command of rules 5 triggers as many as it did', () => {
    const harness = crowded(OLD_TRIGGERS_PER_COMMAND + 1);
    harness.exchange.setRules(5);
    assert.equal(triggered(harness, '3 new 1 buy 1 @ 520').ids.length, OLD_TRIGGERS_PER_COMMAND);
  });

  it('a pause follows: commands within it trigger none, and are not delayed by them; a snapshot keeps it', () => {
    for (const rules of [6, 7]) {
      const harness = crowded();
      harness.exchange.setRules(rules);
      assert.equal(triggered(harness, '3 new 1 buy 1 @ 520').ids.length, TRIGGERS_PER_COMMAND);
      const at = harness.exchange.timeUs;
      const later = (us: number, line: string) => triggered(harness, `at ${(at + us) / 1000}: ${line}`).ids.length;
      const share = rules === 6 ? TRIGGERS_PER_COMMAND : 0;
      assert.equal(later(0, '3 new 2 buy 1 @ 400'), share);
      assert.equal(harness.exchange.deadlineUs, harness.exchange.timeUs, 'a tick is due');
      assert.equal(stateHash(copyOf(harness.exchange)), stateHash(harness.exchange));
      assert.equal(copyOf(harness.exchange).triggersFromUs, rules === 6 ? 0 : at + TRIGGER_PAUSE_US);
      assert.equal(later(TRIGGER_PAUSE_US - 1, 'tick'), rules === 6 ? MANY - 2 * share : 0);
      if (rules === 6) continue;
      assert.equal(later(TRIGGER_PAUSE_US, 'tick'), TRIGGERS_PER_COMMAND);
      assert.equal(later(2 * TRIGGER_PAUSE_US - 1, '3 new 3 buy 1 @ 400'), 0);
      assert.equal(later(2 * TRIGGER_PAUSE_US, '3 new 4 buy 1 @ 400'), MANY - 2 * TRIGGERS_PER_COMMAND);
      // Fewer than a share: no pause follows.
      harness.must(parseCommand(`at ${(at + 1001) / 1000}: 1 new ${MANY + 1} buy 1 stop 530`));
      harness.must(parseCommand(`at ${(at + 1002) / 1000}: 2 new 9 sell 5 @ 530`));
      assert.equal(later(1003, '3 new 5 buy 2000 @ 530'), 1);
    }
  });

  it('a halt stops them, and continuous trading lets them go on', () => {
    const harness = crowded();
    triggered(harness, '3 new 1 buy 1 @ 520');
    const halted = triggered(harness, 'phase halted');
    assert.deepEqual(halted.ids, inOrder.slice(TRIGGERS_PER_COMMAND, 2 * TRIGGERS_PER_COMMAND));
    assert.deepEqual(triggered(harness, 'tick').ids, []);
    assert.equal(harness.exchange.deadlineUs, Number.POSITIVE_INFINITY, 'ticks have nothing to do in a halt');
    const copy = copyOf(harness.exchange);
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    assert.deepEqual(triggered(harness, 'phase continuous').ids, inOrder.slice(2 * TRIGGERS_PER_COMMAND));
  });

  it('those that wait are cancelled, amended and expire as others; a new one within their prices would trigger', () => {
    const harness = crowded();
    triggered(harness, '3 new 1 buy 1 @ 520');
    // Each command below first triggers its share. This one leaves the last 88.
    triggered(harness, 'tick');
    const left = inOrder.slice(2 * TRIGGERS_PER_COMMAND);
    const copy = copyOf(harness.exchange);
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    assert.equal(harness.exchange.accounts.openOrders[1], left.length);
    const book = harness.exchange.books[SYMBOL];
    assert.ok(book);
    auditBooks(harness.exchange.slab, harness.exchange.pages, [book], () => false, harness.exchange.stops.books);
    const { reports } = harness.do(parseCommand(`1 cancel ${left[0]}`));
    assert.equal(reports.at(-1)?.code, Code.UNKNOWN_ORDER, 'its turn came before the cancel');
  });

  it('stops of another symbol have their turn in between', () => {
    const harness = crowded(4 * TRIGGERS_PER_COMMAND);
    const { exchange } = harness;
    harness.must({
      kind: CommandKind.DefineSymbol,
      symbol: 2,
      account: 2,
      tag: 1,
      side: 2,
      timeInForce: 3,
      clientOrderId: 1,
      orderId: 1,
      name: 'B',
    });
    harness.must({ kind: CommandKind.SetPhase, symbol: 2, parameter: Phase.Continuous });
    const other = (line: string) => ({ ...parseCommand(line), symbol: 2 });
    for (const line of ['2 new 11 sell 1 @ 50', '2 new 12 sell 9 @ 52', '4 new 1 buy 1 stop 50']) harness.must(other(line));
    triggered(harness, '3 new 1 buy 1 @ 520');
    // Its own share is used up by the first symbol.
    const { reports } = harness.do(other('3 new 2 buy 1 @ 50'));
    assert.equal(reports.filter(({ kind }) => kind === ReportKind.Triggered).length, TRIGGERS_PER_COMMAND);
    assert.equal(exchange.stops.active.length, 2);
    const turns = (): number[] => {
      const { reports } = harness.do(parseCommand('tick'));
      return reports.filter(({ kind }) => kind === ReportKind.Triggered).map(({ account }) => account);
    };
    assert.deepEqual(new Set(turns()), new Set([1]));
    assert.deepEqual(turns().slice(0, 2), [4, 1]);
    assert.deepEqual(turns(), [1]);
  });

  it('a new stop within their prices, and an amend to there, count as crossed', () => {
    const harness = crowded(4 * TRIGGERS_PER_COMMAND);
    harness.do(parseCommand('4 new 1 buy 1 @ 400'));
    harness.do(parseCommand('4 new 2 buy 1 stop 600'));
    triggered(harness, '3 new 1 buy 1 @ 520');
    triggered(harness, '3 new 2 sell 1 @ 400 ioc');
    assert.equal(harness.exchange.symbols.lastPrice[SYMBOL], 400);
    // A share of the stops has its turn first, and trades at 520. Without it, 400 is the last price.
    const copy = copyOf(harness.exchange);
    assert.ok(copy.stops.holds(SYMBOL, Side.Buy, 0, 520));
    assert.ok(!copy.stops.holds(SYMBOL, Side.Buy, 0, 521));
    assert.ok(!copy.stops.holds(SYMBOL, Side.Buy, 1, 521));
    assert.equal(stateHash(copy), stateHash(harness.exchange));
  });
});

it('the heap gives stops by price, then priority, whatever is added and removed between', () => {
  const step = fc.record({ add: fc.boolean(), price: fc.integer({ min: 1, max: 9 }), at: fc.nat(1000) });
  fc.assert(
    fc.property(fc.constantFrom(Side.Buy, Side.Sell), fc.array(step, { maxLength: 200, size: 'max' }), (side, steps) => {
      const slab = new OrderSlab(200);
      const heap = new StopHeap(slab, side);
      const live: { slot: number; price: number; priority: number }[] = [];
      for (const [priority, { add, price, at }] of steps.entries()) {
        if (add || live.length === 0) {
          const slot = slab.acquire(priority + 1);
          slab.setNext(slot, price);
          slab.setFilled(slot, priority);
          live.push({ slot, price, priority });
          heap.add(slot);
        } else {
          const [gone] = live.splice(at % live.length, 1);
          heap.remove(gone.slot);
          slab.release(gone.slot);
        }
        live.sort((a, b) => (side === Side.Buy ? a.price - b.price : b.price - a.price) || a.priority - b.priority);
        assert.deepEqual([heap.count, heap.first], [live.length, live[0]?.slot ?? -1]);
      }
    }),
  );
});

describe('a running engine', () => {
  for (const topology of ['compact', 'pinned'] as const) {
    it(`triggers all stops without traffic, by ticks in the log: ${topology}`, async (t) => {
      const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
      const running = await RunningEngine.start({ dir, topology });
      for (const fields of venue(2)) running.send(fields);
      const order = { kind: CommandKind.New, symbol: 1, quantity: 1 };
      running.send({ ...order, account: 2, clientOrderId: 1, side: Side.Sell, price: 100, quantity: 1 });
      running.send({ ...order, account: 2, clientOrderId: 2, side: Side.Sell, price: 110, quantity: MANY });
      for (let id = 1; id <= MANY; id++) {
        const extension = { orderType: OrderType.Stop, stopPrice: 100 };
        running.sendLong({ ...order, account: 1, clientOrderId: id, side: Side.Buy, price: 0 }, extension);
      }
      await until(() => running.reports.some(({ clientOrderId, account }) => account === 1 && clientOrderId === MANY), 'all wait');
      running.send({ ...order, account: 1, clientOrderId: MANY + 1, side: Side.Buy, price: 100 });
      const count = (): number => running.reports.filter(({ kind }) => kind === ReportKind.Triggered).length;
      await until(() => count() === MANY, 'all trigger');
      await running.stop(false);
      const limits = resolveLimits(ENGINE_LIMITS);
      const [all, late] = [false, true].map((fromSnapshot) => verifyDataDirectory(dir, { limits, fromSnapshot }));
      assert.deepEqual([all.stateHash, all.imbalances], [late.stateHash, []]);
    });
  }
});

function copyOf(exchange: Exchange): Exchange {
  const copy = new Exchange({ ...exchange.limits, symbols: exchange.limits.symbols * 2 });
  const loader = new StateLoader(copy);
  saveState(exchange, (rows, count) => loader.load(rows, count));
  return copy;
}
