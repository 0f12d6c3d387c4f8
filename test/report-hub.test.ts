import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code } from '../engine/codes.ts';
import { openTap } from '../engine/rings/tapped-ring.ts';
import { Report, ReportKind } from '../engine/wire/layout.ts';
import { RefusalList, ReportFrameReader, ReportFrameWriter } from '../engine/wire/report-frames.ts';
import { ReportView } from '../engine/wire/report-view.ts';
import type { ReportArchive, ReportCursor } from '../gateway/sessions/report-cursor.ts';
import { ReportHub } from '../gateway/sessions/report-hub.ts';
import { ReportSource } from './support/report-source.ts';

const noRejects = new RefusalList();

/** The hub behind a real report ring, and an archive that has the reports of the past. */
class Stage {
  readonly hub: ReportHub;
  readonly requested: number[] = [];
  /** Per account: last report published, and last one in the archive. */
  readonly made = new Map<number, number>();
  readonly archived = new Map<number, number>();
  failing = 0;
  seq = 0;
  readonly #source = new ReportSource(64);
  readonly #egress = openTap(this.#source.sessions);
  readonly #history = openTap(this.#source.history);

  constructor(retained: number, before: Record<number, number> = {}) {
    for (const [account, no] of Object.entries(before)) {
      this.made.set(Number(account), no);
      this.archived.set(Number(account), no);
    }
    const archive: ReportArchive = { read: (account, from, limit) => this.#read(account, from, limit) };
    this.hub = new ReportHub({ archive, retained, lastReportNo: (account) => before[account] ?? 0 });
  }

  /** One report of each account given, and the end of the poll. */
  make(...accounts: number[]): void {
    for (const account of accounts) this.put(account, ++this.seq, ReportKind.Fill, 0);
    this.hub.onReportsEnd();
  }

  /** One report of a command. */
  put(account: number, seq: number, kind: number, code: number): void {
    const reportNo = (this.made.get(account) ?? 0) + 1;
    this.made.set(account, reportNo);
    assert.ok(this.#source.put({ kind, account, reportNo, seq, code, fee: -5, quantity: reportNo * 10 }));
    this.#source.publish();
    this.hub.onReport(this.#egress.slots, this.#egress.next());
    this.#egress.release();
    this.#history.next();
    this.#history.release();
  }

  archiveAll(): void {
    for (const [account, no] of this.made) this.archived.set(account, no);
  }

  open(account: number, sent: number): Reader {
    return new Reader(this.hub, account, sent);
  }

  async #read(account: number, from: number, limit: number): Promise<Uint8Array> {
    this.requested.push(from);
    if (this.failing > 0) {
      this.failing--;
      throw new Error('the disk is on fire');
    }
    const count = Math.max(0, Math.min(limit, (this.archived.get(account) ?? 0) - from + 1));
    // Not aligned, on purpose.
    const bytes = new Uint8Array(count * Report.bytes + 3).subarray(3);
    const view = new DataView(bytes.buffer, 3);
    for (let i = 0; i < count; i++) {
      view.setUint32(i * Report.bytes + Report.account, account, true);
      view.setBigUint64(i * Report.bytes + Report.reportNo, BigInt(from + i), true);
      view.setBigUint64(i * Report.bytes + Report.quantity, BigInt((from + i) * 10), true);
    }
    return bytes;
  }
}

/** Reads a cursor through real frames. */
class Reader {
  readonly numbers: number[] = [];
  readonly cursor: ReportCursor;
  readonly #hub: ReportHub;
  wakes = 0;
  lost: Error | undefined;
  eager = false;

  constructor(hub: ReportHub, account: number, sent: number) {
    this.#hub = hub;
    this.cursor = hub.open(account, sent, {
      onReportsReady: () => {
        this.wakes++;
        if (this.eager) this.read(3);
      },
      onReportsLost: (error) => {
        this.lost = error;
      },
    });
  }

  /** Takes up to `limit` reports, checks that they are whole and this account's. */
  read(limit: number): number {
    const writer = new ReportFrameWriter(limit);
    this.cursor.fill(writer);
    const frame = new ReportFrameReader();
    assert.equal(frame.open(writer.finish(noRejects)), 0);
    for (let i = 0; i < frame.reports; i++) {
      const at = frame.reportsAt + i * Report.bytes;
      assert.equal(frame.flat.u32(at + Report.account), this.cursor.stream.account);
      const no = frame.flat.u53(at + Report.reportNo);
      assert.equal(frame.flat.u53(at + Report.quantity), no * 10);
      this.numbers.push(no);
    }
    return frame.reports;
  }

  async readTo(no: number): Promise<void> {
    for (let turn = 0; (this.numbers.at(-1) ?? 0) < no; turn++) {
      assert.ok(turn < 500, `report ${no} does not come; there are ${this.numbers.at(-1)}`);
      if (this.read(7) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  close(): void {
    this.#hub.close(this.cursor);
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('report hub', () => {
  it('copies the reports of an account from one of them on, as long as it is retained', () => {
    const stage = new Stage(8);
    stage.make(1, 2, 1);
    const slot = stage.hub.newestSlot(1);
    stage.make(2, 1, 1);
    const numbers = (copy: Int32Array) => Array.from({ length: copy.length / 32 }, (_, i) => new ReportView().wrap(copy, i * 32).reportNo);
    assert.deepEqual(numbers(stage.hub.copyFrom(1, 2, slot, 10)), [2, 3, 4]);
    assert.deepEqual(numbers(stage.hub.copyFrom(1, 2, slot, 2)), [2, 3]);
    stage.make(2, 2, 2, 2, 2, 2, 2);
    assert.deepEqual(numbers(stage.hub.copyFrom(1, 2, slot, 10)), [], 'its slot has another report now');
    assert.equal(stage.hub.newestSlot(3), -1);
  });

  it('gives each account its own reports, in order, once', () => {
    const stage = new Stage(16);
    const [one, two] = [stage.open(1, 0), stage.open(2, 0)];
    stage.make(1, 2, 1, 1, 3, 2);
    assert.equal(one.wakes, 1);
    one.read(10);
    two.read(10);
    assert.deepEqual(
      [one.numbers, two.numbers],
      [
        [1, 2, 3],
        [1, 2],
      ],
    );
    assert.equal(one.read(10), 0);
    stage.make(3);
    assert.equal(one.wakes, 1);
    assert.deepEqual(stage.requested, []);
  });

  it('continues where a full frame ended, also when the ring has moved on', async () => {
    const stage = new Stage(16);
    const reader = stage.open(1, 0);
    stage.make(...Array(10).fill(1));
    assert.equal(reader.read(4), 4);
    stage.make(...Array(9).fill(1), ...Array(3).fill(2));
    assert.equal(stage.made.get(1), 19);
    stage.archiveAll();
    await reader.readTo(19);
    assert.deepEqual(reader.numbers, range(1, 19));
    assert.deepEqual(stage.requested, [5]);
    assert.equal(reader.cursor.backlog(), 0);
  });

  it('continues with the oldest retained report', () => {
    const stage = new Stage(4);
    const reader = stage.open(1, 0);
    stage.make(1, 1);
    reader.read(1);
    stage.make(1, 1, 1);
    reader.read(9);
    assert.deepEqual(reader.numbers, range(1, 5));
    assert.deepEqual(stage.requested, []);
  });

  it('reads earlier reports from the archive, waits while that lags, and retries when it fails', async () => {
    const stage = new Stage(8, { 1: 30 });
    const reader = stage.open(1, 3);
    stage.archived.set(1, 20);
    stage.make(...Array(12).fill(1));
    stage.failing = 2;
    await reader.readTo(20);
    assert.equal(reader.read(7), 0);
    stage.archiveAll();
    await reader.readTo(42);
    assert.deepEqual(reader.numbers, range(4, 42));
    assert.equal(reader.lost, undefined);
  });

  it('does not read reports from the archive that have not been released yet', async () => {
    const stage = new Stage(8, { 1: 5 });
    stage.archived.set(1, 9);
    const reader = stage.open(1, 0);
    await reader.readTo(5);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(reader.read(7), 0);
    assert.deepEqual(reader.numbers, range(1, 5));
  });

  it('ends a session when the archive has a gap', async () => {
    const stage = new Stage(8, { 1: 5 });
    const reader = stage.open(1, 0);
    reader.cursor.sent = 1;
    stage.hub.archive.read = async () => new Uint8Array(Report.bytes);
    reader.read(7);
    await new Promise((resolve) => setImmediate(resolve));
    assert.match(String(reader.lost), /gap at report 2/);
  });

  it('stops at a gap in the reports of the engine', () => {
    const stage = new Stage(8);
    stage.make(1, 1);
    stage.made.set(1, 3);
    assert.throws(() => stage.make(1), /account 1 got report 4 behind 2/);
  });

  it('resolves a wait for a command with the first report of its own account', async () => {
    const stage = new Stage(8);
    const source = new ReportSource(8);
    const egress = openTap(source.sessions);
    const answer = stage.hub.awaitSeq(5, 2);
    const forgotten = stage.hub.awaitSeq(6, 2);
    stage.hub.forget(6);
    for (const [account, reportNo, seq, kind] of [
      [1, 1, 5, ReportKind.Fill],
      [2, 1, 5, ReportKind.Accepted],
      [2, 2, 5, ReportKind.Fill],
      [2, 3, 6, ReportKind.Accepted],
    ]) {
      source.put({ account, reportNo, seq, kind });
      source.publish();
      stage.hub.onReport(egress.slots, egress.next());
    }
    const bytes = await answer;
    assert.equal(bytes.length, Report.bytes);
    assert.equal(bytes[Report.kind], ReportKind.Accepted);
    assert.equal(stage.hub.seenSeq, 6);
    assert.equal(await Promise.race([forgotten, 'nothing']), 'nothing');
    assert.ok(stage.hub.canAwait(65_536) && !stage.hub.canAwait(65_537));
  });

  it('gives each reader of any account exactly the reports after its start', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(2, 4, 16, 64),
        fc.record({ 1: fc.nat(20), 2: fc.nat(3), 3: fc.constant(0) }),
        fc.array(
          fc.oneof(
            fc.record({
              do: fc.constant('make' as const),
              accounts: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 12 }),
            }),
            fc.record({ do: fc.constant('read' as const), reader: fc.nat(5), limit: fc.integer({ min: 1, max: 9 }) }),
            fc.record({
              do: fc.constant('open' as const),
              account: fc.integer({ min: 1, max: 3 }),
              behind: fc.nat(30),
              eager: fc.boolean(),
            }),
            fc.record({ do: fc.constant('archive' as const) }),
            fc.record({ do: fc.constant('wait' as const) }),
          ),
          { maxLength: 40 },
        ),
        async (retained, before, steps) => {
          const stage = new Stage(retained, before);
          const readers: [Reader, number][] = [];
          for (const step of steps) {
            if (step.do === 'make') stage.make(...step.accounts);
            else if (step.do === 'archive') stage.archiveAll();
            else if (step.do === 'wait') await new Promise((resolve) => setImmediate(resolve));
            else if (step.do === 'open') {
              const sent = Math.max(0, stage.hub.lastReportNo(step.account) - step.behind);
              const reader = stage.open(step.account, sent);
              reader.eager = step.eager;
              readers.push([reader, sent]);
            } else readers[step.reader]?.[0].read(step.limit);
          }
          stage.archiveAll();
          for (const [reader, sent] of readers) {
            const last = stage.hub.lastReportNo(reader.cursor.stream.account);
            if (last > sent) await reader.readTo(last);
            assert.deepEqual(reader.numbers, range(sent + 1, last));
            reader.close();
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

it('the answer of a command is its own: not of an order that ended or triggered before it, nor a report of another account', () => {
  const stage = new Stage(8);
  const answers: string[] = [];
  stage.hub.expect(7, 1, {
    onFirstReport: (seq, words, at) => void answers.push(`${seq}: ${(words[at] & 0xff).toString()}`),
  });
  stage.put(1, 7, ReportKind.Cancelled, Code.EXPIRED);
  stage.put(1, 7, ReportKind.MassCancelled, Code.CANCELLED_AFTER);
  stage.put(1, 7, ReportKind.Cancelled, Code.CANCELLED_BY_OPERATOR);
  stage.put(1, 7, ReportKind.Triggered, 0);
  stage.put(1, 7, ReportKind.Fill, 0);
  stage.put(1, 7, ReportKind.Cancelled, Code.INSUFFICIENT_FUNDS);
  stage.put(2, 7, ReportKind.Fill, 0);
  stage.put(1, 7, ReportKind.Accepted, 0);
  stage.put(1, 7, ReportKind.Fill, 0);
  assert.deepEqual(answers, [`7: ${ReportKind.Accepted}`]);
});
