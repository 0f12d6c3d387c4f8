import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutLog, forkLog } from '../engine/journal/repair.ts';
import {
  BadSnapshotError,
  listSnapshots,
  pruneSnapshots,
  readNewestSnapshot,
  readSnapshot,
  SnapshotWriter,
} from '../engine/journal/snapshot-files.ts';
import { placeBatches, temporaryDirectory, writeLog } from './support/journal-log.ts';

/** A snapshot whose rows contain their number and seq. */
function write(dir: string, seq: number, rows: number, rowWidth: number, chunk: number): string {
  const writer = new SnapshotWriter(dir, seq, rowWidth, undefined);
  const doubles = new Float64Array(chunk * rowWidth);
  for (let row = 0; row < rows; ) {
    const count = Math.min(chunk, rows - row);
    for (let at = 0; at < count * rowWidth; at++) doubles[at] = seq + row * rowWidth + at;
    writer.append(doubles, count);
    row += count;
  }
  return writer.finish();
}

function read(path: string, rowWidth: number): number[] {
  const got: number[] = [];
  const header = readSnapshot(path, (rows, count) => {
    for (let at = 0; at < count * rowWidth; at++) got.push(rows[at]);
  });
  assert.deepEqual([header.rowWidth, header.rows * rowWidth], [rowWidth, got.length]);
  return got;
}

test('rows are read back, whatever the chunks', (t) => {
  const dir = temporaryDirectory(t);
  let seq = 0;
  const shape = fc.tuple(fc.nat(5000), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3000 }));
  const property = fc.property(shape, ([rows, rowWidth, chunk]) => {
    const path = write(dir, ++seq, rows, rowWidth, chunk);
    assert.deepEqual(
      read(path, rowWidth),
      Array.from({ length: rows * rowWidth }, (_, at) => seq + at),
    );
  });
  fc.assert(property, { numRuns: 15 });
  assert.deepEqual(
    listSnapshots(dir).map((snapshot) => snapshot.seq),
    Array.from({ length: seq }, (_, index) => seq - index),
  );
});

test('a snapshot that is truncated or changed at any 8 bytes is rejected, and no row of it is used', (t) => {
  const dir = temporaryDirectory(t);
  const path = write(dir, 77, 60, 3, 25);
  const good = readFileSync(path);
  const never = (): void => assert.fail('a row of a bad snapshot');
  for (let at = 0; at < good.length; at += 8) {
    writeFileSync(path, good.subarray(0, at));
    assert.throws(() => readSnapshot(path, never), { code: 'SNAPSHOT_BAD', file: path }, `cut at ${at}`);
    const flipped = Uint8Array.from(good);
    flipped[at + (at % 7)] ^= 1 << (at % 8);
    writeFileSync(path, flipped);
    assert.throws(() => readSnapshot(path, never), { code: 'SNAPSHOT_BAD' }, `flipped at ${at}`);
  }
  writeFileSync(path, Buffer.concat([good, new Uint8Array(8)]));
  assert.throws(() => readSnapshot(path, never), BadSnapshotError);
  writeFileSync(path, good);
  assert.equal(read(path, 3).length, 180);
});

test('a bad newest snapshot is reported and skipped', (t) => {
  const dir = temporaryDirectory(t);
  write(dir, 10, 4, 1, 4);
  const middle = write(dir, 20, 5, 1, 5);
  const newest = write(dir, 30, 6, 1, 6);
  const bad: string[] = [];
  const load = (limitSeq = Number.POSITIVE_INFINITY): number | undefined =>
    readNewestSnapshot(
      dir,
      limitSeq,
      {},
      () => undefined,
      (error) => bad.push(error.file),
    )?.seq;
  assert.deepEqual([load(), load(30), load(29), load(9)], [30, 30, 20, undefined]);
  writeFileSync(newest, readFileSync(newest).fill(9, 70, 71));
  assert.equal(load(), 20);
  writeFileSync(middle, '');
  assert.equal(load(), 10);
  assert.deepEqual(bad, [newest, newest, middle]);
  assert.equal(
    readNewestSnapshot(
      temporaryDirectory(t),
      1,
      {},
      () => undefined,
      () => undefined,
    ),
    undefined,
  );
});

test('a snapshot that is interrupted before the rename has no effect', (t) => {
  const dir = temporaryDirectory(t);
  const path = write(dir, 10, 4, 1, 4);
  const late = write(dir, 20, 4, 1, 4);
  renameSync(late, `${late}.tmp`);
  new SnapshotWriter(dir, 30, 1, undefined).append(new Float64Array(8), 8);
  assert.deepEqual(listSnapshots(dir), [{ path, seq: 10 }]);
  assert.equal(write(dir, 30, 2, 1, 2).endsWith('snapshot-0000000000000030.obs'), true);
  pruneSnapshots(dir);
  assert.deepEqual(readdirSync(dir), ['snapshot-0000000000000010.obs', 'snapshot-0000000000000030.obs']);
});

test('pruning keeps the newest; an aborted snapshot leaves nothing', (t) => {
  const dir = temporaryDirectory(t);
  for (let seq = 1; seq <= 6; seq++) write(dir, seq, 1, 1, 1);
  pruneSnapshots(dir);
  assert.deepEqual(
    listSnapshots(dir).map(({ seq }) => seq),
    [6, 5, 4],
  );
  new SnapshotWriter(dir, 9, 1, undefined).abort();
  assert.equal(readdirSync(dir).length, 3);
});

test('repair keeps the snapshots that the cut log can continue', async (t) => {
  const dir = temporaryDirectory(t);
  const dest = join(temporaryDirectory(t), 'fork');
  await writeLog(dir, [10, 10, 10], true);
  const [, second] = placeBatches(dir);
  for (const seq of [5, 10, 11, 30]) write(dir, seq, 3, 2, 3);
  const bad = write(dir, 7, 3, 2, 3);
  writeFileSync(bad, '');
  const file = join(dir, second.file);
  writeFileSync(file, readFileSync(file).fill(1, second.position + 100, second.position + 104));
  assert.equal(forkLog(dir, dest).lastSeq, 10);
  assert.deepEqual(
    listSnapshots(dest).map(({ seq }) => seq),
    [10, 5],
  );
  const { kept, lastSeq } = cutLog(dir);
  assert.equal(lastSeq, 10);
  assert.deepEqual(
    listSnapshots(dir).map(({ seq }) => seq),
    [10, 7, 5],
  );
  assert.deepEqual(readdirSync(kept ?? ''), [second.file, 'snapshot-0000000000000011.obs', 'snapshot-0000000000000030.obs'].sort());
  // A snapshot ahead of a log that is otherwise good.
  write(dir, 50, 3, 2, 3);
  assert.equal(cutLog(dir).lastSeq, 10);
  assert.equal(listSnapshots(dir)[0].seq, 10);
});
