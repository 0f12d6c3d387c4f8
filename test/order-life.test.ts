/** The reports of one order in the history: found as a look at every report would find them, and with little reading. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { Code } from '../engine/codes.ts';
import { Report, ReportKind } from '../engine/wire/layout.ts';
import { ReportFlag } from '../engine/wire/names.ts';
import { orderRoutes } from '../gateway/endpoints/http/order-queries.ts';
import { readQuery } from '../gateway/endpoints/http/route.ts';
import type { LongList } from '../gateway/endpoints/json/json-pieces.ts';
import { Slices } from '../gateway/slices.ts';
import { History } from '../gateway/taps/history/history.ts';
import { clientOrderLife, isBehind, orderLife } from '../gateway/taps/history/order-life.ts';
import { accountOrders, accountReports } from '../gateway/taps/history/queries.ts';
import { compactRun } from '../gateway/taps/history/run-format.ts';
import { REPORT_RUNS } from '../gateway/taps/history/run-layout.ts';
import { NEWEST } from '../gateway/taps/history/runs.ts';
import { type HistoryStore, openHistory } from '../gateway/taps/history/store.ts';
import { HistoryTrimmer } from '../gateway/taps/history/trimmer.ts';
import { withHistory as historyOf } from './support/history-of-reports.ts';
import { unpackOldData } from './support/old-data.ts';
import { column, type ReportFields, ReportSource, writeReport } from './support/report-source.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-order-life-'));
after(() => rmSync(base, { recursive: true, force: true }));
let directories = 0;
const newDir = () => join(base, String(directories++));
const { Accepted, Rejected, Fill, Cancelled, Amended, CancelRejected } = ReportKind;

const withHistory = <T>(groups: readonly ReportFields[][], work: (store: HistoryStore, dataDir: string) => T | Promise<T>) =>
  historyOf(newDir(), groups, work);

const nos = (life: { records: Uint8Array }) => column(life.records, 'reportNo');

test('the life of each order is what a look at every report finds', async () => {
  // What happens next: a new order, a reject, an event of some live order, a repeat, a reject that names an order.
  const event = fc.record({
    what: fc.constantFrom('new', 'new', 'rejected', 'fill', 'fill', 'fill', 'last fill', 'cancelled', 'again', 'cancel rejected'),
    which: fc.nat(),
    skip: fc.integer({ min: 1, max: 3 }),
    commit: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 20, maxLength: 120, size: 'max' }), fc.boolean(), async (events, counted) => {
      const groups: ReportFields[][] = [[]];
      const live: { orderId: number; clientOrderId: number }[] = [];
      const clientIds: number[] = [];
      let lastId = 0;
      for (const { what, which, skip, commit } of events) {
        // Ids that grow, or that do not.
        const clientOrderId = counted ? clientIds.length + 1 : 1 + ((clientIds.length * 7919) % 1009);
        const at = which % Math.max(1, live.length);
        const order = live[at];
        const group = groups[groups.length - 1];
        if (what === 'new' || what === 'rejected') {
          clientIds.push(clientOrderId);
          if (what === 'rejected') group.push({ kind: Rejected, code: Code.TICK, clientOrderId });
          else {
            lastId += skip;
            live.push({ orderId: lastId, clientOrderId });
            group.push({ kind: Accepted, orderId: lastId, clientOrderId, leaves: 9 });
          }
        } else if (order !== undefined) {
          if (what === 'fill') group.push({ kind: Fill, ...order, leaves: 5 });
          if (what === 'last fill') group.push({ kind: Fill, ...order, leaves: 0 });
          if (what === 'cancelled') group.push({ kind: Cancelled, ...order });
          if (what === 'again') {
            group.push({ kind: Accepted, flags: ReportFlag.Duplicate, leaves: 5, ...order });
            group.push({ kind: Rejected, code: Code.CLIENT_ORDER_ID_REUSED, clientOrderId: order.clientOrderId });
          }
          // The ids of a cancel that is rejected may be of two orders.
          if (what === 'cancel rejected')
            group.push({ kind: CancelRejected, orderId: order.orderId, clientOrderId: clientIds[which % clientIds.length] });
          if (what === 'last fill' || what === 'cancelled') live.splice(at, 1);
        }
        if (commit) groups.push([]);
      }
      await withHistory(groups, (store) => {
        const all = groups.flat().map((report, i) => ({ no: i + 1, ...report }));
        const ends = ({ kind, leaves }: ReportFields) => kind === Cancelled || kind === Rejected || (kind === Fill && leaves === 0);
        const naive = (orderId: number) => {
          const own = all.filter((report) => report.orderId === orderId);
          const end = own.findIndex(ends);
          return own.slice(0, end === -1 ? undefined : end + 1).map(({ no }) => no);
        };
        for (let id = 1; id <= lastId + 1; id++) assert.deepEqual(nos(orderLife(store, 1, id, 0, 1000)), naive(id), `order ${id}`);
        for (const id of clientIds) {
          const answer = all.find(
            ({ kind, flags, clientOrderId }) => clientOrderId === id && !flags && (kind === Accepted || kind === Rejected),
          );
          const expected = answer?.orderId ? naive(answer.orderId) : [answer?.no];
          assert.deepEqual(nos(clientOrderLife(store, 1, id, NEWEST, 1000)), expected, `client order id ${id}`);
        }
        assert.deepEqual(nos(clientOrderLife(store, 1, 5000, NEWEST, 1000)), []);
        assert.deepEqual(nos(orderLife(store, 2, 1, 0, 1000)), []);
      });
    }),
    { numRuns: 60 },
  );
});

/** Counts the runs that `work` reads. */
function runsRead(store: HistoryStore, work: (store: HistoryStore) => void): number {
  let count = 0;
  const getRange = function* (options: Parameters<HistoryStore['reports']['getRange']>[0]) {
    for (const run of store.reports.getRange(options)) {
      count++;
      yield run;
    }
  };
  const reports = { getRange, getKeys: store.reports.getKeys.bind(store.reports) } as unknown as HistoryStore['reports'];
  work({ ...store, reports });
  return count;
}

test('an order among many is found with few reads, and an unknown one too', async () => {
  const life = (id: number): ReportFields[] => [
    { kind: Accepted, orderId: id, clientOrderId: id + 7, leaves: 1 },
    { kind: Cancelled, orderId: id, clientOrderId: id + 7 },
  ];
  // 20,000 orders, every second id, in the middle of which 40,000 fills of the first one come.
  const orders = Array.from({ length: 20_000 }, (_, i) => life(2 * i + 2)).flat();
  const fills = Array.from({ length: 40_000 }, (): ReportFields => ({ kind: Fill, orderId: 1, clientOrderId: 8, leaves: 1 }));
  const first = { kind: Accepted, orderId: 1, clientOrderId: 8, leaves: 50_000 };
  await withHistory([[first, ...orders.slice(0, 20_000)], fills, orders.slice(20_000)], (store) => {
    const count = (work: (store: HistoryStore) => void) => runsRead(store, work);
    for (const id of [2, 3_000, 20_000, 20_002, 39_998, 40_000]) {
      const expected = [2, 1].map((back) => (id > 20_000 ? 40_001 : 1) + id - back + 1);
      // The fills, 1291 runs, are read once where the search begins among them.
      assert.ok(count((counted) => assert.deepEqual(nos(orderLife(counted, 1, id, 0, 10)), expected)) < 1400);
      assert.ok(count((counted) => assert.deepEqual(nos(clientOrderLife(counted, 1, id + 7, NEWEST, 10)), expected)) < 1400);
    }
    assert.ok(count((counted) => assert.equal(orderLife(counted, 1, 30_001, 0, 10).records.length, 0)) < 1400);
    // The end of the first order is not among the first reports that may be read: the answer says where to continue.
    const page = orderLife(store, 1, 1, 0, 1000, 10_000);
    assert.deepEqual([nos(page), page.next], [[1], 10_001]);
    const more = orderLife(store, 1, 1, page.next, 1000, 10_002);
    assert.deepEqual([nos(more), more.next], [[20_002], 20_003]);
    const some = orderLife(store, 1, 1, more.next, 1000);
    assert.deepEqual([nos(some).length, some.next], [1000, 21_003]);
    // A client order id that was never sent.
    const none = clientOrderLife(store, 1, 10, NEWEST, 10, 50_000);
    assert.deepEqual([none.records.length, none.next], [0, 30_002]);
    assert.equal(clientOrderLife(store, 1, 10, none.next, 10, 50_000).next, 0);
  });
});

test('in an ordinary history, some runs are read', async () => {
  const orders = Array.from({ length: 20_000 }, (_, i): ReportFields[] => [
    { kind: Accepted, orderId: 2 * i + 2, clientOrderId: i + 1, leaves: 1 },
    { kind: Fill, orderId: 2 * i + 2, clientOrderId: i + 1 },
  ]);
  await withHistory([orders.flat()], (store) => {
    for (const id of [2, 17_000, 40_000, 1, 17_001, 40_001]) {
      assert.ok(runsRead(store, (counted) => orderLife(counted, 1, id, 0, 10)) < 60, `order ${id}`);
      assert.ok(runsRead(store, (counted) => clientOrderLife(counted, 1, Math.ceil(id / 2), NEWEST, 10)) < 60 || id > 40_000);
    }
  });
});

test('of an order whose beginning is no longer kept, the rest is found, and the answer says so', async () => {
  const order = { orderId: 5, clientOrderId: 50 };
  const groups: ReportFields[][] = [
    [{ kind: Accepted, ...order, leaves: 9 }],
    [{ kind: Fill, ...order, leaves: 8 }],
    [{ kind: Accepted, orderId: 7, clientOrderId: 70, leaves: 1 }],
    [{ kind: Amended, ...order, leaves: 4 }],
    [{ kind: Rejected, code: Code.CLIENT_ORDER_ID_REUSED, clientOrderId: 60 }],
    [{ kind: Cancelled, ...order, leaves: 0 }],
  ];
  await withHistory(groups, (store, dataDir) => {
    assert.deepEqual([nos(orderLife(store, 1, 5, 0, 9)), orderLife(store, 1, 5, 0, 9).lost], [[1, 2, 4, 6], undefined]);
    new HistoryTrimmer(store, dataDir, 0).step(2);
    for (const life of [orderLife(store, 1, 5, 0, 9), clientOrderLife(store, 1, 50, NEWEST, 9)])
      assert.deepEqual([nos(life), life.next, life.lost], [[2, 4, 6], 0, 1]);
    assert.deepEqual([nos(orderLife(store, 1, 7, 0, 9)), orderLife(store, 1, 7, 0, 9).lost], [[3], undefined]);
    assert.deepEqual(orderLife(store, 1, 6, 0, 9), orderLife(store, 1, 4, 0, 9), 'both may have been there');
    assert.equal(orderLife(store, 1, 4, 0, 9).lost, 1);
    assert.equal(orderLife(store, 1, 8, 0, 9).lost, undefined, 'no report of such an order can have been lost');
    // Of the order with id 60 only the reject of another one with the same id is left.
    assert.deepEqual(nos(clientOrderLife(store, 1, 60, NEWEST, 9)), [5]);
    assert.deepEqual(
      [isBehind(store, 1, 1), isBehind(store, 1, 6), isBehind(store, 1, 7), isBehind(store, 2, 0)],
      [false, false, true, false],
    );
    new HistoryTrimmer(store, dataDir, 0).step(100);
    assert.deepEqual([isBehind(store, 1, 6), nos(orderLife(store, 1, 7, 0, 9)), orderLife(store, 1, 7, 0, 9).lost], [false, [], 6]);
  });
});

test('a run from before a crash does not hide the reports that were published again', async () => {
  const order = { orderId: 5, clientOrderId: 50, leaves: 9 };
  await withHistory([[{ kind: Accepted, ...order }, ...Array.from({ length: 3 }, () => ({ kind: Fill, ...order }))]], (store) => {
    const run = new Uint8Array(Report.bytes);
    writeReport(run, new Int32Array(run.buffer), 0, { kind: Cancelled, account: 1, reportNo: 3, seq: 3, ...order });
    store.reports.putSync([1, 3], compactRun(REPORT_RUNS, 1, 3, run) as Buffer);
    assert.deepEqual(column(orderLife(store, 1, 5, 0, 9).records, 'kind'), [Accepted, Fill, Cancelled]);
  });
});

test('orders of a store of an earlier release are found', async () => {
  const dir = newDir();
  mkdirSync(dir);
  const store = openHistory(unpackOldData(dir));
  const { orders } = accountOrders(store, 1, NEWEST, 100);
  assert.ok(orders.length > 0);
  for (const { orderId, clientOrderId, status } of orders) {
    const life = orderLife(store, 1, orderId, 0, 100);
    assert.deepEqual(life.next, 0);
    const all = column(accountReports(store, 1, 1, 1000), 'orderId').filter((id) => id === orderId);
    assert.ok(nos(life).length >= 1 && nos(life).length <= all.length, status);
    assert.deepEqual(clientOrderLife(store, 1, clientOrderId, NEWEST, 100), life);
  }
  await store.root.close();
});

test('an answer waits for the reports that the account had been sent, and says so if they do not come', async () => {
  const source = new ReportSource();
  const durable = { words: new Int32Array(new SharedArrayBuffer(4)), index: 0 };
  const history = await History.start({ dataDir: newDir(), reports: source.history, durable });
  // The parts of the directory that the route reads: the engine has sent two reports.
  const directory = { account: (id: number) => ({ id }), symbol: () => undefined, symbolByName: () => undefined, lastReportNo: () => 2 };
  const slices = new Slices();
  const [route] = orderRoutes({ directory, history, book: () => undefined } as never);
  const explain = async () => {
    const inSlices = <T>(work: Generator<undefined, T>) => slices.run('test', work);
    const request = { params: { id: '1', order: '5' }, query: readQuery(route, new URLSearchParams()), caller: 'test', inSlices };
    const reply = (await route.handle(request as never)) as { pieces: { steps: LongList; behind?: true } };
    return [Array.from(reply.pieces.steps.items).length, reply.pieces.behind];
  };
  try {
    for (const [no, kind] of [Accepted, Cancelled].entries())
      assert.ok(source.put({ kind, account: 1, reportNo: no + 1, seq: no + 1, orderId: 5, clientOrderId: 50 }));
    source.publish();
    Atomics.store(durable.words, 0, 1);
    assert.deepEqual(await explain(), [1, true]);
    const answer = explain();
    Atomics.store(durable.words, 0, 2);
    assert.deepEqual(await answer, [2, undefined]);
  } finally {
    await history.stop();
  }
});
