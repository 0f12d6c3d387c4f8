/** Truncation, torn writes and bit flips of a log at every slot and at random bytes: what is recovered, and when the start fails. */
import assert from 'node:assert/strict';
import {
  closeSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { DamagedLogError } from '../engine/journal/log-damage.ts';
import { segmentName } from '../engine/journal/log-format.ts';
import { logTip } from '../engine/journal/log-lookup.ts';
import { cutTornTail, readLog, scanLog } from '../engine/journal/log-reader.ts';
import { cutLog, forkLog } from '../engine/journal/repair.ts';
import { createSegment, SPARE_NAME } from '../engine/journal/segment-file.ts';
import { readSeqs } from './support/command-ring.ts';
import { type PlacedBatch, placeBatches, temporaryDirectory, writeLog } from './support/journal-log.ts';

/** 64 slots a segment: two full ones and one half full. */
const SIZES = [1, 3, 1, 7, 2, 20, 5, 9, 1, 30, 2, 12, 4, 1, 6, 3, 8, 2, 1, 1, 4, 1, 3, 2, 1];

/** Works on copies, so that a log is written once. */
class Workbench {
  readonly batches: PlacedBatch[];
  readonly lastSeq: number;
  readonly dir: string;
  readonly #original: string;

  constructor(base: string) {
    this.#original = join(base, 'original');
    this.dir = join(base, 'copy');
    this.batches = placeBatches(this.#original);
    this.lastSeq = scanLog(this.#original).lastSeq;
  }

  /** A fresh copy with one file changed. */
  change(file: string, change: (bytes: Uint8Array) => Uint8Array): void {
    rmSync(this.dir, { recursive: true, force: true });
    cpSync(this.#original, this.dir, { recursive: true });
    writeFileSync(join(this.dir, file), change(readFileSync(join(this.dir, file))));
  }
}

async function workbench(t: { after(fn: () => void): void }, seal: boolean, mode: 'durable' | 'fast' = 'durable'): Promise<Workbench> {
  const base = temporaryDirectory(t);
  mkdirSync(join(base, 'original'));
  await writeLog(join(base, 'original'), SIZES, seal, { mode });
  return new Workbench(base);
}

/** Damage at a batch: nothing is given up silently. */
function assertDamaged(bench: Workbench, batch: PlacedBatch): void {
  const { dir } = bench;
  const before = readFileSync(join(dir, batch.file));
  assert.throws(
    () => scanLog(dir),
    (error) => {
      assert.ok(error instanceof DamagedLogError, String(error));
      assert.equal(error.code, 'LOG_DAMAGED');
      assert.equal(error.file, join(dir, batch.file));
      assert.equal(error.position, batch.position);
      assert.equal(error.expectedSeq, batch.firstSeq);
      assert.match(error.message, /openbell repair \S+ --cut.*openbell repair \S+ --fork DEST/);
      return true;
    },
  );
  assert.deepEqual(readFileSync(join(dir, batch.file)), before, 'rejecting changes nothing');
}

/** Both repairs keep exactly the part before a damaged batch. */
async function assertRepairable(bench: Workbench, batch: PlacedBatch): Promise<void> {
  const { dir } = bench;
  const before = readFileSync(join(dir, batch.file));
  const good = batch.firstSeq - 1;
  const dest = `${dir}-fork`;
  rmSync(dest, { recursive: true, force: true });
  assert.equal(forkLog(dir, dest).lastSeq, good);
  assert.deepEqual(readFileSync(join(dir, batch.file)), before, 'a fork changes nothing');
  const { lastSeq, kept } = cutLog(dir);
  assert.equal(lastSeq, good);
  assert.ok(kept && readdirSync(kept).includes(batch.file));
  assert.deepEqual(readFileSync(join(kept, batch.file)), before);
  for (const repaired of [dir, dest]) {
    assert.equal(readSeqs(repaired, 1).count, good);
    await writeLog(repaired, [3, 4], true);
    assert.deepEqual(readSeqs(repaired, 1), { first: 1, last: good + 7, count: good + 7 });
  }
}

/** A torn batch: reported, cut off, and kept in a separate file. */
function assertTorn(bench: Workbench, file: string, position: number, lastSeq: number): void {
  const { dir } = bench;
  const end = scanLog(dir);
  assert.deepEqual([end.torn?.file, end.torn?.position, end.lastSeq], [file, position, lastSeq]);
  const cut = cutTornTail(dir, end);
  assert.ok(cut && cut.end.torn === undefined);
  assert.match(cut.message, new RegExp(`cut ${end.torn?.bytes} bytes at byte ${position} .*command ${lastSeq + 1} on`));
  assert.ok(readdirSync(dir).includes(`torn-${lastSeq + 1}-${position}.bin`));
  const again = scanLog(dir);
  assert.deepEqual([again.torn, again.lastSeq, again.position], [undefined, lastSeq, position]);
}

async function assertGoesOn({ dir }: Workbench, lastSeq: number): Promise<void> {
  await writeLog(dir, [3, 4], true);
  assert.deepEqual(readSeqs(dir, 1), { first: 1, last: lastSeq + 7, count: lastSeq + 7 });
}

function assertWhole(bench: Workbench, lastSeq: number): void {
  const end = scanLog(bench.dir);
  assert.deepEqual([end.torn, end.lastSeq], [undefined, lastSeq]);
  assert.equal(readSeqs(bench.dir, 1).count, lastSeq);
}

/** Every 64-byte boundary of the used part of a batch. */
function slots(batch: PlacedBatch): number[] {
  return Array.from({ length: batch.bytes / 64 }, (_, slot) => batch.position + slot * 64);
}

for (const tool of ['zero', 'truncate'] as const) {
  test(`${tool} the rest of the file, at every slot`, async (t) => {
    const bench = await workbench(t, false);
    for (const batch of bench.batches) {
      for (const at of slots(batch)) {
        bench.change(batch.file, (bytes) => (tool === 'zero' ? bytes.fill(0, at) : bytes.subarray(0, at)));
        // Segments are made whole, so a shorter one was cut afterwards, wherever that is.
        if (!batch.last || tool === 'truncate') assertDamaged(bench, batch);
        else if (at === batch.position) assertWhole(bench, batch.firstSeq - 1);
        else assertTorn(bench, batch.file, batch.position, batch.firstSeq - 1);
      }
      if (batch.last && tool === 'zero') await assertGoesOn(bench, batch.firstSeq - 1);
      else await assertRepairable(bench, batch);
    }
  });
}

test('a segment that was cut short is damage, except within the zeros after its end', async (t) => {
  for (const seal of [false, true]) {
    const bench = await workbench(t, seal);
    const last = bench.batches.at(-1) as PlacedBatch;
    const end = last.position + last.bytes;
    // A cut within a slot, at the end of the last batch, and where no batch fits any more.
    for (const size of [last.position + 1, end - 1, end, end + 64, end + 127]) {
      bench.change(last.file, (bytes) => bytes.subarray(0, size));
      const [position, expectedSeq] = size < end ? [last.position, last.firstSeq] : [end, bench.lastSeq + 1];
      const before = readFileSync(join(bench.dir, last.file));
      for (const read of [scanLog, logTip])
        assert.throws(() => read(bench.dir), { code: 'LOG_DAMAGED', position, expectedSeq, message: /was cut short: it ends at byte/ });
      assert.deepEqual(readFileSync(join(bench.dir, last.file)), before);
    }
    bench.change(last.file, (bytes) => bytes.subarray(0, end + 192));
    assertWhole(bench, bench.lastSeq);
    await assertGoesOn(bench, bench.lastSeq);
    assert.equal(statSync(join(bench.dir, last.file)).size, 4096, 'it is whole again');
  }
});

test('a log whose first segment an earlier release did not finish begins anew; a later one that is empty is damage', async (t) => {
  const base = temporaryDirectory(t);
  for (const size of [0, 40, 1024]) {
    const dir = join(base, String(size));
    mkdirSync(dir);
    writeFileSync(join(dir, segmentName(1)), new Uint8Array(size));
    assert.deepEqual([scanLog(dir).lastSeq, scanLog(dir).torn], [0, undefined]);
    await writeLog(dir, [3], true);
    assert.equal(readSeqs(dir, 1).count, 3);
  }
  const bench = await workbench(t, true);
  const { file, firstSeq } = bench.batches.find(({ last }) => last) as PlacedBatch;
  bench.change(file, (bytes) => bytes.subarray(0, 0));
  assert.throws(() => scanLog(bench.dir), { code: 'LOG_DAMAGED', position: 0, expectedSeq: firstSeq });
});

test('a segment has its name only when it is whole', (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, SPARE_NAME), 'left by a kill');
  const { fd, path } = createSegment(dir, 1, 4096);
  closeSync(fd);
  assert.deepEqual([readdirSync(dir), readFileSync(path)], [[segmentName(1)], Buffer.alloc(4096)]);
});

for (const seal of [false, true]) {
  test(`flip a bit in every slot of a log that was ${seal ? 'closed' : 'killed'}`, async (t) => {
    const bench = await workbench(t, seal);
    const final = bench.batches.at(-1);
    let damaged = 0;
    for (const batch of bench.batches) {
      for (const at of slots(batch)) {
        bench.change(batch.file, (bytes) => {
          bytes[at + (((at / 64) * 37) % 64)] ^= 1 << ((at / 64) % 8);
          return bytes;
        });
        // The last batch of a killed process could as well be one that was never promised; a seal settles it.
        if (batch === final) assertTorn(bench, batch.file, batch.position, batch.firstSeq - 1);
        else assertDamaged(bench, batch);
        damaged += batch === final ? 0 : 1;
      }
      if (batch === final) await assertGoesOn(bench, batch.firstSeq - 1);
      else await assertRepairable(bench, batch);
    }
    assert.ok(damaged > 100);
  });
}

test('a non-zero byte after the end is a torn tail', async (t) => {
  const bench = await workbench(t, true);
  const final = bench.batches.at(-1);
  assert.ok(final);
  const end = final.position + final.bytes;
  for (let at = end; at < 4096; at += 61) {
    bench.change(final.file, (bytes) => bytes.fill(1, at, at + 1));
    assertTorn(bench, final.file, end, bench.lastSeq);
  }
});

test('missing, doubled and foreign segments', async (t) => {
  const bench = await workbench(t, true);
  const files = [...new Set(bench.batches.map(({ file }) => file))];
  assert.equal(files.length, 3);
  const same = (bytes: Uint8Array): Uint8Array => bytes;
  bench.change(files[0], same);
  rmSync(join(bench.dir, files[1]));
  assert.throws(() => scanLog(bench.dir), { code: 'LOG_DAMAGED', message: /it ends, and the next segment starts with command \d+/ });
  bench.change(files[0], same);
  rmSync(join(bench.dir, files[0]));
  assert.throws(() => readLog(bench.dir, 1, () => undefined), { code: 'LOG_INCOMPLETE' });
  assert.throws(() => readLog(bench.dir, bench.lastSeq + 2, () => undefined), { code: 'LOG_INCOMPLETE', message: /repair/ });
  for (const file of files) rmSync(join(bench.dir, file), { force: true });
  assert.throws(() => readLog(bench.dir, 2, () => undefined), { code: 'LOG_INCOMPLETE' });
  // A segment of another log that would fit by its numbers.
  const other = await workbench(t, true);
  bench.change(files[1], () => readFileSync(join(other.dir, '..', 'original', files[1])));
  assert.throws(() => scanLog(bench.dir), { code: 'LOG_DAMAGED', message: /belongs to another log/ });
  // The same segment under another name.
  bench.change(files[2], same);
  renameSync(join(bench.dir, files[2]), join(bench.dir, 'log-0000000000000999.obl'));
  assert.throws(() => scanLog(bench.dir), { code: 'LOG_DAMAGED', message: /starts with command 999/ });
  rmSync(join(bench.dir, files[0]));
  rmSync(join(bench.dir, files[1]));
  assert.throws(() => scanLog(bench.dir), { code: 'LOG_DAMAGED', message: /starts with command \d+ instead of 999/ });
});

test('stale bytes of an earlier use of the file are not read as batches', async (t) => {
  const bench = await workbench(t, false);
  const other = await workbench(t, false);
  const [batch] = bench.batches.filter(({ last }) => last).slice(-3);
  const stale = readFileSync(join(other.dir, '..', 'original', batch.file));
  bench.change(batch.file, (bytes) => {
    bytes.set(stale.subarray(batch.position), batch.position);
    return bytes;
  });
  assertTorn(bench, batch.file, batch.position, batch.firstSeq - 1);
});

test('a new segment without data belongs to its log', async (t) => {
  const bench = await workbench(t, false);
  const first = bench.batches.find(({ last }) => last);
  assert.ok(first);
  bench.change(first.file, (bytes) => bytes.fill(0));
  assertWhole(bench, first.firstSeq - 1);
  const { logId } = scanLog(bench.dir);
  const fromSnapshot = readLog(bench.dir, first.firstSeq, () => assert.fail('nothing is there'));
  assert.deepEqual(fromSnapshot.logId, logId);
});

/** A possible state after a power cut: all synced data, and any subset of the sectors written since then. */
function powerCut(bytes: Uint8Array, from: number, keep: readonly boolean[]): Uint8Array {
  for (let sector = Math.floor(from / 512), index = 0; sector * 512 < bytes.length; sector++, index++) {
    if (!keep[index % keep.length]) bytes.fill(0, Math.max(from, sector * 512), (sector + 1) * 512);
  }
  return bytes;
}

/** Batches; at a power cut, any number of them at the end may be in flight. */
function unsynced(bench: Workbench, mode: 'durable' | 'fast'): PlacedBatch[] {
  const tail = bench.batches.filter(({ last }) => last);
  return mode === 'durable' ? tail : tail.filter(({ firstSeq }) => firstSeq > (tail.at(-1)?.syncedSeq ?? 0));
}

for (const mode of ['durable', 'fast'] as const) {
  test(`property, ${mode}: after a power cut, every acknowledged batch is present, and no other`, async (t) => {
    let bench = await workbench(t, false, mode);
    // Mode fast syncs by time: a slow moment leaves too few batches to lose.
    while (unsynced(bench, mode).length < 6) bench = await workbench(t, false, mode);
    const tail = unsynced(bench, mode);
    const property = fc.property(fc.nat(tail.length - 1), fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), (index, keep) => {
      const flying = tail[index];
      const until = mode === 'durable' ? flying.position + flying.bytes : 4096;
      bench.change(flying.file, (bytes) => powerCut(bytes.fill(0, until), flying.position, keep));
      const end = scanLog(bench.dir);
      assert.ok(end.lastSeq >= flying.firstSeq - 1, 'acknowledged');
      if (mode === 'durable') assert.ok(end.lastSeq <= flying.firstSeq + flying.count - 1);
      const { count } = readSeqs(bench.dir, 1);
      assert.equal(count, end.lastSeq);
      const cut = cutTornTail(bench.dir, end);
      assert.equal(scanLog(bench.dir).lastSeq, cut?.end.lastSeq ?? count);
    });
    fc.assert(property, { numRuns: 150 });
  });
}

test('property: whatever byte changes, a closed log loses nothing silently', async (t) => {
  const bench = await workbench(t, true);
  const at = fc.tuple(fc.nat(bench.batches.length - 2), fc.nat(), fc.integer({ min: 1, max: 255 }));
  const property = fc.property(at, ([index, offset, mask]) => {
    const batch = bench.batches[index];
    bench.change(batch.file, (bytes) => {
      bytes[batch.position + (offset % batch.bytes)] ^= mask;
      return bytes;
    });
    assert.throws(() => scanLog(bench.dir), { code: 'LOG_DAMAGED', position: batch.position, expectedSeq: batch.firstSeq });
  });
  fc.assert(property, { numRuns: 150 });
});

test('a fork needs a new directory; a good log is not cut', async (t) => {
  const bench = await workbench(t, true);
  bench.change(bench.batches[0].file, (bytes) => bytes);
  for (const dest of [bench.dir, join(bench.dir, 'sub'), join(bench.dir, '..sub')])
    assert.throws(() => forkLog(bench.dir, dest), { code: 'FORK_TARGET_NOT_EMPTY' });
  const result = cutLog(bench.dir);
  assert.deepEqual([result.kept, result.lastSeq], [undefined, bench.lastSeq]);
  truncateSync(join(bench.dir, bench.batches[0].file), 0);
  const progress: string[] = [];
  cutLog(bench.dir, { onProgress: ({ stage }) => progress.push(stage) });
  assert.ok(progress.includes('copy'));
  assert.equal(scanLog(bench.dir).lastSeq, 0);
});
