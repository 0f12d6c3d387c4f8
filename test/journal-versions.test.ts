/** Data of an older release is read. Data of a newer release is rejected and left unchanged. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { CommandChain } from '../engine/journal/command-chain.ts';
import { HeaderWord, LOG_MAGIC, LOG_VERSION, listSegments, logIdHex } from '../engine/journal/log-format.ts';
import { readLogId } from '../engine/journal/log-id.ts';
import { chainAt, logTip } from '../engine/journal/log-lookup.ts';
import { readLog, scanLog } from '../engine/journal/log-reader.ts';
import { cutLog, forkLog } from '../engine/journal/repair.ts';
import { readNewestSnapshot, readSnapshot, SnapshotWriter } from '../engine/journal/snapshot-files.ts';
import { resolveLimits } from '../engine/limits.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { loadSnapshot, writeSnapshot } from '../engine/threads/engine-core.ts';
import { replayLog } from '../engine/threads/replay-log.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { openHistory } from '../gateway/taps/history/store.ts';
import { CommandRing } from './support/command-ring.ts';
import { openbell } from './support/exchange-process.ts';
import { openLog, type PlacedBatch, placeBatches, temporaryDirectory, writeLog } from './support/journal-log.ts';
import { unpackOldData } from './support/old-data.ts';

const NEWER = LOG_VERSION + 1;
const nothing = (): void => undefined;

/** A hash of a file. An assertion on the content would print megabytes. */
function contentOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** The hash of every file of a directory, by name. */
function contents(dir: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, contentOf(path)]),
  );
}

function change(path: string, how: (words: Int32Array, bytes: Uint8Array) => void): void {
  const bytes = Uint8Array.from(readFileSync(path));
  how(new Int32Array(bytes.buffer), bytes);
  writeFileSync(path, bytes);
}

/** Possible contents of a batch of a newer version, after its magic and version. */
const LAYOUTS: Readonly<Record<string, (words: Int32Array, bytes: Uint8Array, batch: PlacedBatch) => void>> = {
  'the same layout, with a checksum that holds': (words, bytes, { position, bytes: length }) => {
    words[position / 4] = crc32(bytes.subarray(position + 4, position + length)) | 0;
  },
  'count 0': (words, _bytes, { position }) => {
    words[position / 4 + HeaderWord.count] = 0;
  },
  'something else where the count stands': (words, _bytes, { position }) => {
    words[position / 4 + HeaderWord.count] = -7;
  },
  'another log id': (words, bytes, { position, bytes: length }) => {
    words[position / 4 + HeaderWord.logId] ^= 1;
    words[position / 4] = crc32(bytes.subarray(position + 4, position + length)) | 0;
  },
  'nothing else that is known': (_words, bytes, { position, bytes: length }) => {
    bytes.fill(0xa5, position, position + 4);
    bytes.fill(0xa5, position + 12, position + length);
  },
};

function makeNewer(dir: string, batch: PlacedBatch, layout: string, version = NEWER): void {
  change(join(dir, batch.file), (words, bytes) => {
    words[batch.position / 4 + HeaderWord.version] = version;
    LAYOUTS[layout](words, bytes, batch);
  });
}

/** Nothing is read, cut or zeroed: the error names the batch, and no byte of the directory changes. */
function assertRejected(dir: string, { file, position }: PlacedBatch, version = NEWER): void {
  const before = contents(dir);
  const expected = (error: Error & { file?: string; position?: number; version?: number }): boolean => {
    assert.deepEqual(
      [(error as { code?: string }).code, error.file, error.position, error.version],
      ['LOG_NEWER', join(dir, file), position, version],
      error.stack,
    );
    assert.match(error.message, /was written by a newer openbell: .*byte \d+: a batch of version \d+; this release reads versions 1 to 2/);
    assert.match(error.message, /Nothing was changed\. Start the release that wrote it/);
    return true;
  };
  assert.throws(() => scanLog(dir), expected);
  assert.throws(() => readLog(dir, 1, nothing), expected);
  assert.throws(() => cutLog(dir), expected);
  assert.throws(() => forkLog(dir, join(dir, '..', 'fork')), expected);
  assert.deepEqual(contents(dir), before);
}

/** Three segments of 64 slots; the last one is half full. */
const SIZES = [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 5, 5];

async function newLog(
  t: { after(fn: () => void): void },
  seal = false,
): Promise<{ dir: string; batches: PlacedBatch[]; reset: () => void }> {
  const base = temporaryDirectory(t);
  const original = join(base, 'original');
  const dir = join(base, 'data');
  mkdirSync(original);
  await writeLog(original, SIZES, seal);
  const reset = (): void => {
    rmSync(dir, { recursive: true, force: true });
    cpSync(original, dir, { recursive: true });
  };
  reset();
  return { dir, batches: placeBatches(original), reset };
}

test('a batch of a newer version, anywhere, is not a torn tail', async (t) => {
  const { dir, batches, reset } = await newLog(t);
  assert.ok(listSegments(dir).length >= 3);
  for (const layout of Object.keys(LAYOUTS)) {
    for (const batch of batches) {
      reset();
      makeNewer(dir, batch, layout);
      assertRejected(dir, batch);
    }
  }
  reset();
  makeNewer(dir, batches[0], 'nothing else that is known', 2 ** 31 - 1);
  assertRejected(dir, batches[0], 2 ** 31 - 1);
  assert.throws(() => readLogId(dir), { code: 'LOG_NEWER' });
  assert.throws(() => verifyDataDirectory(dir, { limits: resolveLimits({}) }), { code: 'LOG_NEWER' });
  assert.throws(() => logTip(dir) && chainAt(dir, 1), { code: 'LOG_NEWER' });
});

test('a log is not cut at a torn or damaged place if a batch of a newer version follows', async (t) => {
  const { dir, batches, reset } = await newLog(t);
  const last = batches.filter((batch) => batch.last);
  const newer = batches[batches.length - 1];
  for (const layout of Object.keys(LAYOUTS)) {
    for (const damaged of [batches[0], batches[1], last[0], last[1]]) {
      reset();
      change(join(dir, damaged.file), (_words, bytes) => bytes.fill(0xff, damaged.position, damaged.position + 128));
      makeNewer(dir, newer, layout);
      assertRejected(dir, newer);
    }
    // A segment is missing between the two.
    reset();
    rmSync(join(dir, listSegments(dir)[1].name));
    makeNewer(dir, newer, layout);
    assertRejected(dir, newer);
  }
});

test('a version below the first is damage, and so is a corrupted known version', async (t) => {
  const { dir, batches, reset } = await newLog(t, true);
  const [, second] = batches;
  for (const version of [0, -1, NEWER, 1, 2 ** 30, -(2 ** 31)]) {
    reset();
    change(join(dir, second.file), (words) => {
      words[second.position / 4 + HeaderWord.version] = version;
    });
    assert.throws(() => scanLog(dir), { code: 'LOG_DAMAGED', position: second.position }, `version ${version}`);
  }
  assert.equal(cutLog(dir).lastSeq, 10);
});

test('a newer batch far behind the place, and a corrupted one that is read in two pieces', async (t) => {
  const dir = temporaryDirectory(t);
  // A chunk of the reader ends in the third batch.
  const ring = new CommandRing(65_536);
  const { writer } = openLog(dir, ring, { segmentBytes: 16 * 1024 * 1024 });
  for (const count of [5, 16_384, 16_384, 1]) {
    ring.publish(count);
    while (ring.depth() > 0) writer.poll();
  }
  await writer.close();
  const [, , third] = placeBatches(dir);
  const path = join(dir, third.file);
  const ruin = (version: number): void => change(path, (words) => words.fill(version, third.position / 4 + 2, third.position / 4 + 3));
  ruin(NEWER);
  assert.throws(() => scanLog(dir), { code: 'LOG_DAMAGED', position: third.position });
  ruin(LOG_VERSION);
  const end = scanLog(dir);
  assert.equal(end.lastSeq, 32_774);
  // After a torn tail, at places around the ends of the searched chunks.
  for (const far of [64, 3 * 1024 * 1024, 4 * (1 + 16_384) * 64 - 64, 4 * (1 + 16_384) * 64, 16 * 1024 * 1024 - 64 - end.position]) {
    change(path, (words, bytes) => {
      bytes.fill(0, end.position);
      bytes.fill(9, end.position, end.position + 10);
      words.set([0, LOG_MAGIC, NEWER, 20], (end.position + far) / 4);
    });
    assert.throws(() => scanLog(dir), { code: 'LOG_NEWER', position: end.position + far }, `${far}`);
  }
});

for (const topology of ['compact', 'pinned']) {
  test(`${topology}: the start rejects a log that a newer openbell continued`, async (t) => {
    const dir = unpackOldData(temporaryDirectory(t));
    const { file, position } = scanLog(dir);
    change(join(dir, file ?? ''), (words) => words.set([7, LOG_MAGIC, NEWER, 1, 42], position / 4));
    const before = contentOf(join(dir, file ?? ''));
    const config = new URL('fixtures/data-1.yaml', import.meta.url).pathname;
    const ports = ['--http-port', '0', '--grpc-port', '0', '--ws-port', '0'];
    const { code, stderr } = await openbell(['start', '--data', dir, '--config', config, '--topology', topology, ...ports]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, new RegExp(`was written by a newer openbell: .*byte ${position}: a batch of version 3`));
    assert.equal(contentOf(join(dir, file ?? '')), before);
  });
}

test('verify and repair report it, and leave the directory unchanged', async (t) => {
  const { dir, batches } = await newLog(t);
  const batch = batches[batches.length - 1];
  makeNewer(dir, batch, 'nothing else that is known');
  const before = contents(dir);
  for (const args of [['verify'], ['repair', '--cut'], ['repair', '--fork', `${dir}-fork`], ['log']]) {
    const { code, stderr } = await openbell([args[0], dir, ...args.slice(1)]);
    assert.deepEqual([code, /written by a newer openbell/.test(stderr)], [1, true], `${args}: ${stderr}`);
  }
  assert.deepEqual(contents(dir), before);
});

test('repair --cut rejects a history of a newer version before it cuts the log', async (t) => {
  const dir = unpackOldData(temporaryDirectory(t));
  const store = openHistory(dir);
  store.meta.putSync('version', 4);
  await store.root.close();
  const { file } = scanLog(dir);
  change(join(dir, file ?? ''), (_words, bytes) => bytes.fill(0xff, 640, 700));
  const before = contentOf(join(dir, file ?? ''));
  const { code, stderr } = await openbell(['repair', dir, '--cut']);
  assert.deepEqual([code, /history in .* was written by a newer openbell/.test(stderr)], [1, true], stderr);
  assert.equal(contentOf(join(dir, file ?? '')), before);
});

test('a directory of version 1 is read to its end and continues with version 2 in the same segment', async (t) => {
  const dir = unpackOldData(temporaryDirectory(t));
  const old = scanLog(dir);
  assert.deepEqual([old.lastSeq, logIdHex(old.logId), old.chain.fromSeq, old.torn], [41, 'f959579f19c46b93', 0, undefined]);
  assert.deepEqual(readLogId(dir), old.logId);
  assert.deepEqual([logTip(dir).seq, logTip(dir).chain], [41, undefined]);
  const bytes = readFileSync(join(dir, old.file ?? ''));
  await writeLog(dir, [3, 4], true);
  const versions = placeBatches(dir).map(({ file, position }) => {
    assert.equal(file, old.file);
    return readFileSync(join(dir, file)).readInt32LE(position + 4 * HeaderWord.version);
  });
  assert.deepEqual(versions, [...Array(versions.length - 3).fill(1), 2, 2, 2]);
  assert.deepEqual(readFileSync(join(dir, old.file ?? '')).subarray(0, old.position), bytes.subarray(0, old.position));
  const chain = new CommandChain();
  let last = 0;
  const end = readLog(dir, 1, (words, firstWord, count, firstSeq) => {
    assert.equal(firstSeq, last + 1);
    last = firstSeq + count - 1;
    if (firstSeq > 41) chain.add(words, firstWord, count);
  });
  assert.deepEqual([last, end.lastSeq, end.logId], [48, 48, old.logId]);
  assert.deepEqual(end.chain, { fromSeq: 42, low: chain.low, high: chain.high });
  await writeLog(dir, [5], true);
  assert.equal(scanLog(dir).chain.fromSeq, 42);
  assert.equal(chainAt(dir, 45).fromSeq, 42);
  assert.throws(() => chainAt(dir, 41), { code: 'LOG_LOOKUP', message: /no chain at command 41: an earlier release wrote it/ });
});

test('a batch of version 1 behind one of version 2 is damage', async (t) => {
  const { dir, batches } = await newLog(t);
  const batch = batches[batches.length - 1];
  change(join(dir, batch.file), (words, bytes) => {
    const head = batch.position / 4;
    words[head + HeaderWord.version] = 1;
    words.fill(0, head + HeaderWord.chain, head + 16);
    words[head] = crc32(bytes.subarray(batch.position + 4, batch.position + batch.bytes)) | 0;
  });
  assert.throws(() => scanLog(dir), { code: 'LOG_DAMAGED', position: batch.position });
});

const ID = { low: 5, high: -6 };
const OTHER = { low: 5, high: 6 };

function snapshot(dir: string, seq: number, rowWidth = 2, logId: { low: number; high: number } | undefined = ID): string {
  const writer = new SnapshotWriter(dir, seq, rowWidth, logId);
  writer.append(new Float64Array(3 * rowWidth).fill(seq), 3);
  return writer.finish();
}

/** The checksum of the current content of a snapshot of 3 rows. */
function stampSnapshot(path: string, how: (words: Int32Array) => void): void {
  change(path, (words, bytes) => {
    how(words);
    const end = bytes.length - 64;
    words[end / 4 + 1] = crc32(bytes.subarray(end + 8), crc32(bytes.subarray(0, end))) | 0;
  });
}

function load(dir: string, expected = {}, limitSeq = Number.POSITIVE_INFINITY): { seq: number | undefined; bad: string[] } {
  const bad: string[] = [];
  const header = readNewestSnapshot(dir, limitSeq, expected, nothing, (error) => bad.push(error.message));
  return { seq: header?.seq, bad };
}

test('a snapshot of a newer version prevents the start and is left unchanged', async (t) => {
  const dir = temporaryDirectory(t);
  await writeLog(dir, [10, 10, 10], true);
  snapshot(dir, 10);
  const path = snapshot(dir, 20);
  stampSnapshot(path, (words) => {
    words[1] = 3;
  });
  const before = contents(dir);
  const newer = {
    code: 'SNAPSHOT_NEWER',
    file: path,
    version: 3,
    message: /written by a newer openbell: it has version 3; .* 1 to 2\. Nothing was/,
  };
  assert.throws(() => load(dir), newer);
  assert.throws(() => load(dir, {}, 15), newer, 'one beyond the limit, too: the log behind it is as new');
  assert.throws(() => cutLog(dir), newer);
  assert.throws(() => forkLog(dir, `${dir}-fork`), newer);
  assert.deepEqual(contents(dir), before);
  change(path, (words, bytes) => {
    bytes.fill(0x5a, 8);
    words[1] = 77;
  });
  assert.throws(() => load(dir), { code: 'SNAPSHOT_NEWER', version: 77 }, 'whatever its layout is');
});

test('a damaged snapshot is skipped, also if its version is corrupted', (t) => {
  const dir = temporaryDirectory(t);
  snapshot(dir, 10);
  const path = snapshot(dir, 20);
  for (const version of [3, 0, -1, 1]) {
    change(path, (words) => {
      words[1] = version;
    });
    const { seq, bad } = load(dir);
    assert.deepEqual([seq, bad.length], [10, 1], `version ${version}`);
  }
});

test('a snapshot of another log, or with rows of another width, is named in the error and skipped', (t) => {
  const dir = temporaryDirectory(t);
  snapshot(dir, 10, 2, undefined);
  snapshot(dir, 20, 2, OTHER);
  snapshot(dir, 30, 3);
  const { seq, bad } = load(dir, { logId: ID, rowWidth: 2 });
  assert.equal(seq, 10, 'one that does not say to which log it belongs is taken');
  assert.match(bad[0], /its rows have 3 columns where this release has 2: it was written by another version of openbell/);
  assert.match(bad[1], /it belongs to another log, 0000000600000005; the log in its directory is fffffffa00000005/);
  assert.equal(load(dir, { rowWidth: 2 }).seq, 20, 'a log without a command fits any');
  assert.equal(load(dir).seq, 30);
});

test('a snapshot of version 1 is used', (t) => {
  const dir = unpackOldData(temporaryDirectory(t));
  const [name] = readdirSync(dir).filter((file) => file.endsWith('.obs'));
  const header = readSnapshot(join(dir, name), nothing, { logId: readLogId(dir) });
  assert.deepEqual([header.seq, header.logId], [36, undefined]);
});

test('the engine writes the id of its log into a snapshot, and does not load one of another exchange', async (t) => {
  const dir = unpackOldData(temporaryDirectory(t));
  const other = temporaryDirectory(t);
  await writeLog(other, [50], true);
  const exchange = new Exchange(resolveLimits({}));
  assert.equal(loadSnapshot(exchange, dir, 36, []), 36);
  replayLog(exchange, dir, 37, 40);
  const path = writeSnapshot(exchange, dir);
  assert.deepEqual(readSnapshot(path, nothing).logId, readLogId(dir));
  assert.equal(loadSnapshot(new Exchange(resolveLimits({})), dir, 40, []), 40);
  cpSync(path, join(other, basename(path)));
  const messages: string[] = [];
  assert.equal(loadSnapshot(new Exchange(resolveLimits({})), other, 40, messages), 0);
  assert.match(messages[0], /belongs to another log, f959579f19c46b93/);
});

test('a log that is cut in full keeps the id that its snapshots name', async (t) => {
  const dir = temporaryDirectory(t);
  await writeLog(dir, [20, 20, 20, 20, 20], true);
  const logId = readLogId(dir);
  const [first, second] = listSegments(dir);
  snapshot(dir, second.firstSeq - 1, 2, logId);
  // The first segment was moved away; the rest is damaged in its first batch.
  rmSync(join(dir, first.name));
  change(join(dir, second.name), (_words, bytes) => bytes.fill(0xff, 100, 200));
  assert.equal(cutLog(dir).lastSeq, second.firstSeq - 1);
  assert.equal(readLogId(dir), undefined);
  await writeLog(dir, [4], true);
  assert.deepEqual(readLogId(dir), logId);
  assert.equal(load(dir, { logId: readLogId(dir) }).seq, second.firstSeq - 1);
});

test('the log id comes from the oldest segment that starts with a good batch', async (t) => {
  const { dir, batches } = await newLog(t);
  const { logId } = scanLog(dir);
  assert.deepEqual(readLogId(dir), logId);
  change(join(dir, batches[0].file), (words) => {
    words[HeaderWord.logId] ^= 1;
  });
  assert.deepEqual(readLogId(dir), logId);
  for (const { name } of listSegments(dir)) renameSync(join(dir, name), join(dir, `${name}.away`));
  assert.equal(readLogId(dir), undefined);
});
