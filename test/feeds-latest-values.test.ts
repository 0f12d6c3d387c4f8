import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { InvariantError } from '../engine/assert.ts';
import { FeedState } from '../feeds/feed.ts';
import { FeedMemoryError } from '../feeds/rings/feed-memory.ts';
import { allocateLatest, LATEST_FIELDS, LatestField, LatestReader, LatestValues, latestWriter } from '../feeds/rings/latest-values.ts';
import { allocateLockedRows, LockedRowsLayout, LockedRowsReader, LockedRowsWriter, MAX_NAME_BYTES } from '../feeds/rings/locked-rows.ts';
import type { RowWriterData } from './support/locked-rows-worker.ts';

describe('locked rows, one thread', () => {
  it('shows the fields of a publication, not those of a draft', () => {
    const table = allocateLockedRows({ fields: 3, rows: 2 });
    const writer = new LockedRowsWriter(table, 3);
    const reader = new LockedRowsReader(table, 3);
    const into = new Float64Array(3);
    assert.equal(reader.used, 0);
    assert.equal(writer.add('one', [1, 2]), 0);
    const version = reader.read(0, into);
    assert.deepEqual([reader.used, reader.name(0), ...into], [1, 'one', 1, 2, 0]);
    writer.draft[2] = 3;
    assert.equal(reader.read(0, into), version, 'nothing was published');
    assert.equal(into[2], 0);
    writer.publish(0);
    assert.notEqual(reader.read(0, into), version);
    assert.deepEqual([...into], [1, 2, 3]);
  });

  it('refuses a row too many, and a name that is too long', () => {
    const writer = new LockedRowsWriter(allocateLockedRows({ fields: 1, rows: 2 }), 1);
    const longest = 'ü'.repeat(MAX_NAME_BYTES / 2);
    assert.deepEqual([writer.add(`${longest}.`, []), writer.add(longest, []), writer.add('', []), writer.add('', [])], [-1, 0, 1, -1]);
  });

  it('agrees with a list of arrays, also after a new writer took over', () => {
    const FIELDS = 5;
    const step = fc.tuple(fc.constantFrom('add', 'draft', 'draft', 'publish', 'publish', 'takeOver'), fc.nat(3), fc.nat(FIELDS - 1));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const table = allocateLockedRows({ fields: FIELDS, rows: 3 });
        const reader = new LockedRowsReader(table, FIELDS);
        let writer = new LockedRowsWriter(table, FIELDS);
        let drafts: number[][] = [];
        const shown: number[][] = [];
        for (const [index, [op, row, field]] of steps.entries()) {
          if (op === 'add') {
            assert.equal(writer.add(`row ${index}`, [index]), drafts.length < 3 ? drafts.length : -1);
            if (drafts.length < 3) {
              drafts.push([index, 0, 0, 0, 0]);
              shown.push([index, 0, 0, 0, 0]);
            }
          }
          if (op === 'draft' && row < drafts.length) {
            writer.draft[row * FIELDS + field] = index;
            drafts[row][field] = index;
          }
          if (op === 'publish' && row < drafts.length) {
            writer.publish(row);
            shown[row] = [...drafts[row]];
          }
          if (op === 'takeOver') {
            writer = new LockedRowsWriter(table, FIELDS);
            drafts = shown.map((fields) => [...fields]);
          }
          assert.equal(reader.used, shown.length);
          for (const [number, fields] of shown.entries()) {
            const into = new Float64Array(FIELDS);
            reader.read(number, into);
            assert.deepEqual([...into], fields);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('refuses sizes that it cannot represent, and memory of another layout', () => {
    for (const spec of [
      { fields: 0, rows: 1 },
      { fields: 4097, rows: 1 },
      { fields: 1, rows: 0 },
      { fields: 1, rows: 65_537 },
    ])
      assert.throws(() => allocateLockedRows(spec), InvariantError);
    const { memory } = allocateLockedRows({ fields: 2, rows: 2 });
    assert.throws(() => new LockedRowsReader({ memory }, 3), FeedMemoryError);
    assert.throws(() => new LockedRowsReader({ memory: new SharedArrayBuffer(8) }, 2), FeedMemoryError);
    new Int32Array(memory)[0] = 2;
    assert.throws(() => new LockedRowsWriter({ memory }, 2), FeedMemoryError);
  });
});

describe('latest values', () => {
  it('finds an instrument by its source and name, also one that came later', () => {
    const table = allocateLatest(4);
    const writer = latestWriter(table);
    const reader = new LatestReader(table);
    assert.equal(reader.find(0, 'BTC'), -1);
    writer.add('BTC', [0, FeedState.Syncing]);
    writer.add('BTC', [1, FeedState.Live]);
    assert.deepEqual([reader.find(0, 'BTC'), reader.find(1, 'BTC'), reader.find(2, 'BTC')], [0, 1, -1]);
    assert.deepEqual([reader.rows, reader.name(1)], [2, 'BTC']);
  });

  it('gives each field by its name', () => {
    const table = allocateLatest(1);
    const writer = latestWriter(table);
    writer.add('BTC', []);
    for (const [index] of Object.keys(LatestField).entries()) writer.draft[index] = 1000 + index;
    writer.draft[LatestField.state] = FeedState.Live;
    writer.publish(0);
    const values = new LatestValues();
    new LatestReader(table).read(0, values);
    for (const [name, index] of Object.entries(LatestField))
      assert.equal(values[name as keyof typeof LatestField], name === 'state' ? FeedState.Live : 1000 + index, name);
    assert.ok(values.live);
  });
});

describe('latest values, a writer at full speed in another thread', () => {
  /** Reads until `enough(torn)`, 100,000 reads after each other. @returns reads whose fields do not all belong to one publication */
  async function tornReads(
    read: (layout: LockedRowsLayout, reader: LockedRowsReader, into: Float64Array) => void,
    enough: (torn: number, reads: number) => boolean,
  ) {
    const table = allocateLatest(1);
    const control = new Int32Array(new SharedArrayBuffer(8));
    latestWriter(table).add('BTC', []);
    const workerData: RowWriterData = { table, fields: LATEST_FIELDS, control };
    const worker = new Worker(new URL('./support/locked-rows-worker.ts', import.meta.url), { workerData });
    while (Atomics.load(control, 0) === 0) await turn();
    const layout = new LockedRowsLayout(table, LATEST_FIELDS);
    const reader = new LockedRowsReader(table, LATEST_FIELDS);
    const into = new Float64Array(LATEST_FIELDS);
    let [torn, last, back] = [0, 0, 0];
    for (let reads = 0; !enough(torn, reads); reads += 100_000) {
      for (let i = 0; i < 100_000; i++) {
        read(layout, reader, into);
        for (let field = 1; field < LATEST_FIELDS; field++)
          if (into[field] !== into[0]) {
            torn++;
            break;
          }
        if (into[0] < last) back++;
        last = into[0];
      }
    }
    Atomics.store(control, 1, 1);
    await once(worker, 'exit');
    return { torn, back, distinct: last };
  }

  it('no read is torn, and none is older than the one before', async () => {
    const { torn, back, distinct } = await tornReads(
      (_, reader, into) => reader.read(0, into),
      (_torn, reads) => reads >= 2_000_000,
    );
    assert.deepEqual({ torn, back }, { torn: 0, back: 0 });
    assert.ok(distinct > 1000);
  });

  it('the same reads without the lock are torn, so that the test above can fail', { timeout: 60_000 }, async () => {
    const { torn } = await tornReads(
      (layout, _, into) => {
        const copy = layout.copyAt(0, Atomics.load(layout.words, layout.versionAt(0)));
        for (let field = 0; field < LATEST_FIELDS; field++) into[field] = layout.f64[copy + field];
      },
      (found) => found > 0,
    );
    assert.ok(torn > 0);
  });
});
