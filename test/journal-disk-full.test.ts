/** A disk that is full for real: a small tmpfs. And a disk that fails: the one thing that has to be injected. */
import assert from 'node:assert/strict';
import { constants, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { asynchronousDisk, type Disk, synchronousDisk } from '../engine/journal/disk.ts';
import { durableSeq, type JournalStateName, readJournalStatus } from '../engine/journal/journal-status.ts';
import { segmentName } from '../engine/journal/log-format.ts';
import { zeros } from '../engine/journal/segment-file.ts';
import { CommandRing, readSeqs } from './support/command-ring.ts';
import { openLog, STATUS_AT, temporaryDirectory } from './support/journal-log.ts';
import { smallDisk } from './support/small-disk.ts';

const MIB = 1024 * 1024;

/** Fills the file system to the last page. */
function fillUp(dir: string): () => void {
  const path = join(dir, 'filler');
  assert.throws(() => writeFileSync(path, new Uint8Array(64 * MIB)), { code: 'ENOSPC' });
  return () => rmSync(path);
}

function state(words: Int32Array): JournalStateName {
  return readJournalStatus(words, STATUS_AT).state;
}

async function until(writer: { poll(): number }, done: () => boolean): Promise<void> {
  while (!done()) {
    writer.poll();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

for (const [name, disk] of [
  ['asynchronous', asynchronousDisk],
  ['synchronous', synchronousDisk],
] as const) {
  test(`${name}: no room for the next segment: stops accepting in time, loses nothing, resumes`, async (t) => {
    const dir = smallDisk(t, '3m');
    if (dir === undefined) return;
    const ring = new CommandRing(256);
    const { writer, words } = openLog(dir, ring, { disk, segmentBytes: MIB });
    const free = fillUp(dir);
    // Like the sequencer: no new commands while the journal reports a full disk.
    const publish = (): void => void (state(words) === 'ok' && ring.publish(Math.min(ring.free(), 50)));
    await until(writer, () => {
      publish();
      return state(words) === 'disk-full' && ring.depth() === 0;
    });
    const letIn = ring.lastSeq;
    await until(writer, () => durableSeq(words, STATUS_AT, letIn) === letIn);
    assert.ok(letIn * 64 > 0.5 * MIB && letIn * 64 < 0.95 * MIB, 'late, but not too late: all accepted commands became durable');
    // Further commands wait in the ring.
    ring.publish(256);
    const stuck = letIn + 256;
    const { refusals } = readJournalStatus(words, STATUS_AT);
    await until(writer, () => readJournalStatus(words, STATUS_AT).refusals > refusals + 1);
    assert.equal(state(words), 'disk-full');
    free();
    await until(writer, () => state(words) === 'ok' && durableSeq(words, STATUS_AT, stuck) === stuck);
    await until(writer, () => {
      publish();
      return ring.lastSeq > 40_000;
    });
    await writer.close();
    assert.ok(readJournalStatus(words, STATUS_AT).segments > 1);
    assert.deepEqual(readSeqs(dir, 1), { first: 1, last: ring.lastSeq, count: ring.lastSeq });
  });

  test(`${name}: a failed write is kept and repeated`, async (t) => {
    const dir = smallDisk(t, '1m');
    if (dir === undefined) return;
    // A segment with holes, as a sparse copy of a data directory has them: its room is not there.
    writeFileSync(join(dir, segmentName(1)), '');
    truncateSync(join(dir, segmentName(1)), 512 * 1024);
    const ring = new CommandRing(2048);
    const { writer, words } = openLog(dir, ring, { disk, segmentBytes: 512 * 1024 });
    ring.publish(10);
    await until(writer, () => durableSeq(words, STATUS_AT, 10) === 10);
    const free = fillUp(dir);
    ring.publish(500);
    await until(writer, () => state(words) === 'disk-full');
    const before = durableSeq(words, STATUS_AT, 510);
    assert.ok(before < 510);
    ring.publish(100);
    const { refusals } = readJournalStatus(words, STATUS_AT);
    await until(writer, () => readJournalStatus(words, STATUS_AT).refusals > refusals + 1);
    assert.equal(durableSeq(words, STATUS_AT, 610), before);
    free();
    await until(writer, () => state(words) === 'ok' && durableSeq(words, STATUS_AT, 610) === 610);
    await writer.close();
    assert.deepEqual(readSeqs(dir, 1), { first: 1, last: 610, count: 610 });
  });

  test(`${name}: closing on a full disk reports the commands that are not durable`, async (t) => {
    const dir = smallDisk(t, '1m');
    if (dir === undefined) return;
    writeFileSync(join(dir, segmentName(1)), '');
    truncateSync(join(dir, segmentName(1)), 512 * 1024);
    const ring = new CommandRing(2048);
    const { writer, words } = openLog(dir, ring, { disk, segmentBytes: 512 * 1024 });
    ring.publish(10);
    await until(writer, () => durableSeq(words, STATUS_AT, 10) === 10);
    const free = fillUp(dir);
    ring.publish(1500);
    await assert.rejects(writer.close(), /The disk is full: commands from 11 on are not durable/);
    assert.equal(existsSync(join(dir, 'spare.obl')), false);
    free();
    // A part of the batch may have been written: it is torn, and nothing after it was acknowledged.
    assert.equal(readSeqs(dir, 1).count, 10);
  });
}

/** The real disk, except that one fdatasync of the log returns EIO, as the kernel does once after dropping dirty pages. */
function failingDisk(disk: Disk, failAt: number): Disk {
  let syncs = 0;
  return {
    ...disk,
    syncData(fd, done) {
      disk.syncData(fd, (error) =>
        done(++syncs === failAt ? Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }) : error),
      );
    },
  };
}

for (const mode of ['durable', 'fast'] as const) {
  test(`${mode}: after a failed fdatasync nothing is ever called durable again`, async (t) => {
    const dir = temporaryDirectory(t);
    const ring = new CommandRing(64);
    const failures: Error[] = [];
    const { writer, words } = openLog(dir, ring, {
      disk: failingDisk(asynchronousDisk, 3),
      mode,
      onFailed: (error) => failures.push(error),
    });
    await until(writer, () => {
      if (ring.free() > 0) ring.publish(1);
      return state(words) === 'failed';
    });
    const durable = durableSeq(words, STATUS_AT, ring.lastSeq);
    assert.ok(durable < ring.lastSeq);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(writer.poll(), 0);
    assert.deepEqual([durableSeq(words, STATUS_AT, ring.lastSeq), state(words)], [durable, 'failed']);
    assert.deepEqual(failures.map(String), ['Error: EIO: i/o error, fdatasync']);
    await assert.rejects(writer.close(), /failed earlier/);
    assert.ok(readSeqs(dir, 1).count >= durable);
  });
}

test('a disk that fails while the next segment is created stops the log, including writes in flight', async (t) => {
  const dir = temporaryDirectory(t);
  const ring = new CommandRing(64);
  const disk: Disk = {
    ...asynchronousDisk,
    write(fd, bytes, offset, length, position, done) {
      if (bytes === zeros) setTimeout(done, 3, Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' }), 0);
      else asynchronousDisk.write(fd, bytes, offset, length, position, done);
    },
    syncData: (fd, done) => setTimeout(() => asynchronousDisk.syncData(fd, done), 20),
  };
  const { writer, words } = openLog(dir, ring, { disk, segmentBytes: 4096 });
  await until(writer, () => {
    if (ring.free() > 0) ring.publish(1);
    return state(words) === 'failed';
  });
  const durable = durableSeq(words, STATUS_AT, ring.lastSeq);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([durableSeq(words, STATUS_AT, ring.lastSeq), state(words)], [durable, 'failed']);
});

test('a file system that opens with O_DIRECT but cannot write with it: the next segment is created without', async (t) => {
  const dir = temporaryDirectory(t);
  const ring = new CommandRing(64);
  let failed = 0;
  const disk: Disk = {
    ...asynchronousDisk,
    write(fd, bytes, offset, length, position, done) {
      if (isDirect(fd)) {
        failed++;
        setImmediate(done, Object.assign(new Error('EINVAL: invalid argument, write'), { code: 'EINVAL' }), 0);
      } else asynchronousDisk.write(fd, bytes, offset, length, position, done);
    },
  };
  const { writer, words } = openLog(dir, ring, { disk, segmentBytes: 16_384 });
  await until(writer, () => {
    if (ring.lastSeq < 600 && ring.free() > 0) ring.publish(1);
    return durableSeq(words, STATUS_AT, 600) === 600;
  });
  await writer.close();
  assert.deepEqual([state(words), readSeqs(dir, 1).count], ['ok', 600]);
  assert.ok(failed > 1 && readJournalStatus(words, STATUS_AT).segments > 1);
});

function isDirect(fd: number): boolean {
  const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
  return (Number.parseInt(flags ?? '0', 8) & constants.O_DIRECT) !== 0;
}
