/** When orders were accepted: what a look at every report would find, from the history, the hub, and what was found before. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { openTap } from '../engine/rings/tapped-ring.ts';
import { ReportKind } from '../engine/wire/layout.ts';
import { ReportFlag } from '../engine/wire/names.ts';
import { AcceptedTimes } from '../gateway/endpoints/json/accepted-times.ts';
import type { Asker } from '../gateway/endpoints/json/asker.ts';
import { ReportHub } from '../gateway/sessions/report-hub.ts';
import { acceptanceTimes } from '../gateway/taps/history/acceptance-times.ts';
import { History, HistoryBusyError } from '../gateway/taps/history/history.ts';
import { DamagedHistoryError } from '../gateway/taps/history/run-format.ts';
import { HistoryTrimmer } from '../gateway/taps/history/trimmer.ts';
import { withHistory } from './support/history-of-reports.ts';
import { type ReportFields, ReportSource } from './support/report-source.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-acceptance-'));
after(() => rmSync(base, { recursive: true, force: true }));
let directories = 0;
const newDir = () => join(base, String(directories++));
const { Accepted, Fill, Rejected } = ReportKind;

const accepted = (orderId: number): ReportFields => ({ kind: Accepted, orderId, leaves: 9 });
const fill = (orderId: number): ReportFields => ({ kind: Fill, orderId, leaves: 5 });

/** Reports in which ids of orders grow, with others between them. */
const REPORTS = fc
  .array(
    fc.record({
      what: fc.constantFrom('new', 'new', 'fill', 'again', 'rejected'),
      skip: fc.integer({ min: 1, max: 3 }),
      times: fc.integer({ min: 1, max: 40 }),
      commit: fc.boolean(),
    }),
    { minLength: 5, maxLength: 80, size: 'max' },
  )
  .map((events) => {
    const groups: ReportFields[][] = [[]];
    let last = 0;
    for (const { what, skip, times, commit } of events) {
      const group = groups[groups.length - 1];
      if (what === 'new') {
        last += skip;
        group.push(accepted(last));
      } else if (what === 'rejected') group.push({ kind: Rejected, code: 301 });
      else if (last !== 0) {
        const again = { kind: Accepted, orderId: last, flags: ReportFlag.Duplicate, leaves: 9 };
        for (let i = 0; i < times; i++) group.push(what === 'fill' ? fill(last) : again);
      }
      if (commit) groups.push([]);
    }
    return { groups, last };
  });

/** The time of a report is its number in these histories. */
function naive(groups: readonly ReportFields[][], orderId: number): number {
  return groups.flat().findIndex((report) => report.kind === Accepted && report.orderId === orderId) + 1;
}

describe('acceptance times of the history', () => {
  it('are what a look at every report finds, for any of the orders together', async () => {
    await fc.assert(
      fc.asyncProperty(REPORTS, fc.infiniteStream(fc.boolean()), async ({ groups, last }, wanted) => {
        const ids = Array.from({ length: last + 2 }, (_, i) => i + 1).filter(() => wanted.next().value);
        await withHistory(newDir(), groups, (store) => {
          const { times, newest } = acceptanceTimes(store, 1, Float64Array.from(ids));
          assert.deepEqual(
            [...times],
            ids.map((id) => naive(groups, id)),
          );
          assert.equal(newest, groups.flat().length);
          assert.deepEqual(acceptanceTimes(store, 2, Float64Array.from(ids)), { times: new Float64Array(ids.length), newest: 0 });
        });
      }),
      { numRuns: 60 },
    );
  });

  it('end with the reports that may be read, and never give a wrong time', async () => {
    const groups = [[accepted(1)], Array.from({ length: 500 }, () => fill(1)), [accepted(2)], [accepted(3)]];
    await withHistory(newDir(), groups, (store) => {
      for (const most of [1, 100, 499, 2000]) {
        const { times } = acceptanceTimes(store, 1, Float64Array.of(1, 2, 3), most);
        for (const [i, time] of times.entries()) assert.ok(time === 0 || time === naive(groups, i + 1), `order ${i + 1} within ${most}`);
        if (most === 2000) assert.ok(times.every((time) => time !== 0));
      }
    });
  });

  it('are not found where the reports are no longer kept', async () => {
    const dataDir = newDir();
    const orders = Array.from({ length: 200 }, (_, i) => accepted(i + 1));
    await withHistory(dataDir, [orders.slice(0, 100), orders.slice(100)], (store) => {
      const ids = Float64Array.from(orders, (_, i) => i + 1);
      assert.deepEqual([...acceptanceTimes(store, 1, ids).times], [...ids]);
      new HistoryTrimmer(store, dataDir, 0).step(101);
      const { times, newest } = acceptanceTimes(store, 1, ids);
      assert.deepEqual([[...times], newest], [[...ids].map((id) => (id <= 100 ? 0 : id)), 200]);
    });
  });
});

/** A hub that takes reports, whose time is their number. */
class HubStage {
  readonly hub: ReportHub;
  readonly #source = new ReportSource(64);
  readonly #egress = openTap(this.#source.sessions);
  readonly #history = openTap(this.#source.history);
  readonly #numbers = new Map<number, number>();

  constructor(retained: number) {
    this.hub = new ReportHub({ archive: { read: async () => new Uint8Array(0) }, lastReportNo: () => 0, retained });
  }

  take(account: number, ...reports: readonly ReportFields[]): void {
    for (const report of reports) {
      const reportNo = (this.#numbers.get(account) ?? 0) + 1;
      this.#numbers.set(account, reportNo);
      assert.ok(this.#source.put({ account, reportNo, seq: 1, timeUs: reportNo, ...report }));
      this.#source.publish();
      this.hub.onReport(this.#egress.slots, this.#egress.next());
      this.#egress.release();
      this.#history.next();
      this.#history.release();
    }
    this.hub.onReportsEnd();
  }
}

function inOneGo<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

describe('acceptance times of the hub', () => {
  const find = ({ hub }: HubStage, ids: readonly number[], after = 0) => [...inOneGo(hub.acceptedInSteps(1, new Set(ids), after))].sort();

  it('are those of the account, of reports that are retained, above a number', () => {
    const stage = new HubStage(8);
    assert.deepEqual(find(stage, [1]), []);
    stage.take(1, accepted(1), fill(1), accepted(2));
    stage.take(2, accepted(3));
    stage.take(1, { kind: Accepted, orderId: 2, flags: ReportFlag.Duplicate }, accepted(4));
    assert.deepEqual(find(stage, [1, 2, 3, 4, 5]), [
      [1, 1],
      [2, 3],
      [4, 5],
    ]);
    assert.deepEqual(
      find(stage, [1, 2, 3, 4, 5], 1).map(([id]) => id),
      [2, 4],
    );
    assert.deepEqual(find(stage, [1, 2, 3, 4, 5], 5), []);
    // The first three reports are overwritten.
    stage.take(2, fill(3), fill(3), fill(3), fill(3), fill(3));
    assert.deepEqual(find(stage, [1, 2, 3, 4, 5]), [[4, 5]]);
    stage.take(2, fill(3), fill(3), fill(3));
    assert.deepEqual(find(stage, [1, 2, 3, 4, 5]), []);
  });

  it('are right where reports come between the steps of the search', () => {
    const stage = new HubStage(8192);
    const others = Array.from({ length: 8000 }, () => fill(3));
    stage.take(1, accepted(1), accepted(2));
    stage.take(2, ...others);
    const search = stage.hub.acceptedInSteps(1, new Set([1, 2, 9]), 0);
    assert.equal(search.next().done, false);
    stage.take(1, accepted(9));
    // The acceptances of 1 and 2 are overwritten before the search comes to them.
    stage.take(2, ...others);
    assert.deepEqual(
      [...inOneGo(search)].filter(([id, time]) => time !== (id === 9 ? 3 : id)),
      [],
    );
  });
});

describe('acceptance times of open orders', () => {
  const asker: Asker = { caller: 'test', inSlices: async (work) => inOneGo(work) };
  const orders = (...ids: readonly number[]) => ids.map((orderId) => ({ orderId }));
  const sorted = (times: ReadonlyMap<number, number>) => [...times].sort(([a], [b]) => a - b);

  it('come from the history, and of reports that it does not have yet from the hub', async () => {
    const source = new ReportSource();
    const durable = { words: new Int32Array(new SharedArrayBuffer(4)), index: 0 };
    const history = await History.start({ dataDir: newDir(), reports: source.history, durable });
    try {
      const stage = new HubStage(4);
      // The hub retains reports 3 to 6, the history has only the first four.
      const reports = [accepted(1), accepted(2), fill(1), accepted(3), accepted(4), accepted(5)];
      stage.take(1, ...reports);
      for (const [i, report] of reports.entries())
        assert.ok(source.put({ account: 1, reportNo: i + 1, seq: i + 1, timeUs: i + 1, ...report }));
      source.publish();
      Atomics.store(durable.words, 0, 4);
      while (!(await history.has(1, 4, 'test')));
      assert.equal(await history.has(1, 5, 'test'), false);
      const all = [
        [1, 1],
        [2, 2],
        [3, 4],
        [4, 5],
        [5, 6],
      ];
      assert.deepEqual(sorted(await new AcceptedTimes(history, stage.hub).of(1, orders(1, 2, 3, 4, 5, 6), asker)), all);
      // Without a query, what the hub has, and what was found before.
      const times = new AcceptedTimes(history, stage.hub);
      assert.deepEqual(sorted(await times.recent(1, orders(1, 2, 3, 4, 5), asker)), all.slice(2));
      await times.of(1, orders(1), asker);
      assert.deepEqual(sorted(await times.recent(1, orders(1, 2), asker)), all.slice(0, 1));
    } finally {
      await history.stop();
    }
  });

  for (const failure of [new HistoryBusyError('many wait'), new DamagedHistoryError('the run')])
    it(`are those that the hub has where the history answers ${failure.name} ${failure.message}`, async () => {
      const stage = new HubStage(8);
      stage.take(1, accepted(1), accepted(2));
      const times = new AcceptedTimes({ acceptanceTimes: () => Promise.reject(failure) }, stage.hub);
      assert.deepEqual(sorted(await times.of(1, orders(1, 2, 3), asker)), [
        [1, 1],
        [2, 2],
      ]);
    });

  it('are remembered, a limited number of them', async () => {
    const stage = new HubStage(8);
    const asked: number[][] = [];
    const history = {
      acceptanceTimes: async (_account: number, ids: Float64Array) => {
        asked.push([...ids]);
        return { times: ids.map((id) => id * 10), newest: 0 };
      },
    };
    const times = new AcceptedTimes(history, stage.hub, 3);
    for (const ids of [[1, 2], [2, 1], [3], [4], [2, 3, 4], [1]]) {
      const found = await times.of(1, orders(...ids), asker);
      assert.deepEqual(
        sorted(found).map(([id]) => id),
        [...ids].sort(),
      );
    }
    // 1, the first one that was found, was forgotten for 4.
    assert.deepEqual(asked, [[1, 2], [3], [4], [1]]);
  });
});
