import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { checksum } from '../engine/journal/checksum.ts';
import { asynchronousDisk, type Disk, synchronousDisk } from '../engine/journal/disk.ts';
import { durableSeq, isDurable, JOURNAL_WORDS, readJournalStatus } from '../engine/journal/journal-status.ts';
import { listSegments } from '../engine/journal/log-format.ts';
import { readLog } from '../engine/journal/log-reader.ts';
import { CommandRing, readSeqs } from './support/command-ring.ts';
import { openLog, temporaryDirectory } from './support/journal-log.ts';

for (const [name, disk] of [
  ['asynchronous', asynchronousDisk],
  ['synchronous', synchronousDisk],
] as const) {
  for (const mode of ['durable', 'fast'] as const) {
    test(`${name}, ${mode}: all commands are written over many segments and read back`, async (t) => {
      const dir = temporaryDirectory(t);
      const ring = new CommandRing(256);
      let notified = 0;
      const { writer, words } = openLog(dir, ring, { disk, mode, segmentBytes: 16_384, maxBatch: 100, onDurable: () => notified++ });
      const total = 5000;
      while (ring.lastSeq < total || ring.depth() > 0) {
        ring.publish(Math.min(1 + (ring.lastSeq % 77), ring.free(), total - ring.lastSeq));
        writer.poll();
        if (!disk.blocking) await new Promise(setImmediate);
      }
      await writer.close();
      assert.equal(durableSeq(words, 3, total + 10), total);
      assert.ok(isDurable(words, 3, total) && !isDurable(words, 3, total + 1));
      const status = readJournalStatus(words, 3);
      assert.equal(status.state, 'ok');
      assert.equal(status.slots, total + status.batches);
      assert.ok(status.maxBatch <= 100 && notified > 0 && notified <= status.syncs);
      assert.deepEqual(readSeqs(dir, 1), { first: 1, last: total, count: total });
      assert.deepEqual(readSeqs(dir, 3333), { first: 3333, last: total, count: total - 3332 });
      assert.deepEqual(readSeqs(dir, total + 1), { first: 0, last: 0, count: 0 });
      assert.ok(listSegments(dir).length > 15);
      assert.deepEqual(
        readdirSync(dir).filter((file) => !file.startsWith('log-')),
        [],
      );
    });
  }
}

test('fast, on the event loop: commands wait briefly to be written together, but not when the ring fills up', async (t) => {
  const dir = temporaryDirectory(t);
  const ring = new CommandRing(256);
  const { writer, words } = openLog(dir, ring, { disk: asynchronousDisk, mode: 'fast' });
  ring.publish(1);
  assert.equal(writer.poll(), 0);
  ring.publish(63);
  assert.equal(writer.poll(), 64);
  ring.publish(1);
  assert.equal(writer.poll(), 0);
  // Without polling, the writer wakes itself.
  while (ring.depth() > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(readJournalStatus(words, 3).batches, 2);
  await writer.close();
  assert.deepEqual(readSeqs(dir, 1), { first: 1, last: 65, count: 65 });
});

test('a disk on the event loop never wakes the writer early, also late in a turn of the loop', async () => {
  for (let times = 0; times < 20; times++) {
    await new Promise((resolve) => setImmediate(resolve));
    const began = performance.now();
    while (performance.now() - began < 3);
    const due = performance.now() + 2;
    const alive = setTimeout(() => undefined, 60_000);
    const woken = await new Promise<number>((resolve) => asynchronousDisk.wake(2, () => resolve(performance.now())));
    clearTimeout(alive);
    assert.ok(woken >= due, `${due - woken} ms early`);
  }
});

test('the records are read back byte for byte', async (t) => {
  const dir = temporaryDirectory(t);
  const ring = new CommandRing(64);
  const { writer } = openLog(dir, ring, { disk: asynchronousDisk });
  ring.publish(50);
  const sent = ring.consumer.slots.u8.slice(0, 50 * 64);
  await writer.close();
  const got: number[] = [];
  readLog(dir, 1, (words, first, count) => got.push(...new Uint8Array(words.buffer, first * 4, count * 64)));
  assert.deepEqual(Uint8Array.from(got), sent);
});

test('a log continues where it ended, also in a new segment', async (t) => {
  const dir = temporaryDirectory(t);
  for (let life = 0; life < 12; life++) {
    const ring = new CommandRing(64, life * 37);
    const { writer } = openLog(dir, ring, { segmentBytes: 4096 });
    ring.publish(37);
    while (ring.depth() > 0) writer.poll();
    if (life % 2 === 0) await writer.close();
    assert.deepEqual(readSeqs(dir, 1), { first: 1, last: (life + 1) * 37, count: (life + 1) * 37 });
  }
});

for (const segmentBytes of [8192, 4096 + 10 * 64]) {
  test(`a batch is written to the end of a page or of the segment, also in short pieces: segments of ${segmentBytes} bytes`, async (t) => {
    const dir = temporaryDirectory(t);
    const ring = new CommandRing(256);
    const ends: number[] = [];
    const disk: Disk = {
      ...synchronousDisk,
      append(fd, bytes, offset, length, position, done) {
        ends.push(position + length);
        synchronousDisk.append(fd, bytes, offset, Math.min(length, 1000), position, done);
      },
    };
    const { writer } = openLog(dir, ring, { disk, segmentBytes });
    for (let size = 1; ring.lastSeq < 3000; size = (size * 7) % 120) {
      ring.publish(size);
      while (ring.depth() > 0) writer.poll();
    }
    await writer.close();
    assert.ok(ends.length > 100);
    assert.deepEqual(
      ends.filter((end) => end % 4096 !== 0 && end !== segmentBytes),
      [],
    );
    assert.deepEqual(readSeqs(dir, 1), { first: 1, last: ring.lastSeq, count: ring.lastSeq });
    for (const { name } of listSegments(dir)) assert.ok(statSync(join(dir, name)).size % segmentBytes === 0, 'no longer than it was made');
  });
}

test('commands that do not continue the log are an invariant error', (t) => {
  const dir = temporaryDirectory(t);
  const ring = new CommandRing(64, 5);
  const { writer } = openLog(dir, ring);
  ring.publish(1);
  assert.throws(() => writer.poll(), { code: 'OPENBELL_INVARIANT', message: /command 6 in the ring where 1 belongs/ });
});

test('low 32 bits of the durable position: correct across 2^31 and 2^32', () => {
  const words = new Int32Array(JOURNAL_WORDS);
  for (const seq of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 12345]) {
    words[0] = seq | 0;
    assert.equal(durableSeq(words, 0, seq + 100_000), seq);
    assert.ok(isDurable(words, 0, seq) && isDurable(words, 0, seq - 5) && !isDurable(words, 0, seq + 1));
  }
});

test('the checksum is that of zlib, short or long', () => {
  const bytes = new Uint8Array(4096);
  const words = new Int32Array(bytes.buffer);
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(at + 1, 0x9e3779b1);
  for (let end = 0; end <= 1024; end += 4) {
    for (const from of [0, 4, 60]) assert.equal(checksum(words, bytes, from, from + end), crc32(bytes.subarray(from, from + end)) | 0);
  }
});
