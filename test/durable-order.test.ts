/** What is written, synced, renamed and answered in which order, on the real file system with a record of what a power cut would lose. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { asynchronousDisk, type Disk, synchronousDisk } from '../engine/journal/disk.ts';
import { cutTornTail, readLog, scanLog } from '../engine/journal/log-reader.ts';
import { cutLog, forkLog } from '../engine/journal/repair.ts';
import { SnapshotWriter } from '../engine/journal/snapshot-files.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { GenesisMarker } from '../gateway/venue/genesis-marker.ts';
import { deposit } from '../gateway/venue/venue-commands.ts';
import { CommandRing } from './support/command-ring.ts';
import { openLog, placeBatches, temporaryDirectory, writeLog } from './support/journal-log.ts';
import { RecordedFiles } from './support/recorded-files.ts';

const LOG = /^log-/;
const SEGMENT_BYTES = 4096;

/** Publishes batches one at a time, and checks at each answer that nothing of the log could be lost. */
async function answers(t: TestContext, disk: Disk, batches: number): Promise<{ files: RecordedFiles; dir: string }> {
  const dir = temporaryDirectory(t);
  const ring = new CommandRing(256);
  const files = RecordedFiles.below(dir, t);
  let answered = 0;
  const lost: string[] = [];
  const onDurable = (): void => {
    answered++;
    files.note('answer');
    // On the event loop the next segment may be on its way to its name already; nothing is in it.
    const written = files.operations.findLast((operation) => operation.startsWith('write log-'))?.slice('write '.length) ?? '';
    for (const what of files.volatile(new RegExp(written))) lost.push(`${what} at answer ${answered}`);
  };
  const { writer } = openLog(dir, ring, { disk, segmentBytes: SEGMENT_BYTES, onDurable });
  for (let batch = 1; batch <= batches; batch++) {
    ring.publish(10);
    while (answered < batch) {
      writer.poll();
      if (!disk.blocking) await setImmediate();
    }
    assert.deepEqual(lost, []);
  }
  await writer.close();
  assert.deepEqual([files.volatile(LOG), files.faults], [[], []]);
  return { files, dir };
}

for (const [name, disk] of [
  ['asynchronous', asynchronousDisk],
  ['synchronous', synchronousDisk],
] as const) {
  test(`the log is written, synced, and then answered; a segment gets its name before it is written: ${name}`, async (t) => {
    const { files, dir } = await answers(t, disk, 30);
    const named = readdirSync(dir).filter((file) => LOG.test(file));
    assert.ok(named.length > 2, 'several segments');
    const log = files.operations.filter((operation) => !/^(write|sync|create|remove) spare/.test(operation));
    for (const [index, segment] of named.slice(1).entries()) {
      const renamed = log.indexOf(`rename spare.obl ${segment}`);
      const steps = [
        log.lastIndexOf(`write ${named[index]}`),
        log.lastIndexOf(`sync ${named[index]}`),
        renamed,
        log.indexOf('sync .', renamed),
        log.indexOf(`write ${segment}`),
      ];
      assert.deepEqual(
        steps,
        steps.toSorted((x, y) => x - y),
        segment,
      );
      assert.deepEqual(log.slice(steps[4], steps[4] + 3), [`write ${segment}`, `sync ${segment}`, 'answer']);
    }
    const first = log.indexOf('answer');
    assert.deepEqual(log.slice(first - 2, first + 1), [`write ${named[0]}`, `sync ${named[0]}`, 'answer']);
    assert.ok(log.indexOf('sync .') < first - 2, 'the first segment has its name before a batch is in it');
  });
}

test('a reader syncs the end of the log, and the names in the directory, before it reports anything', async (t) => {
  const dir = temporaryDirectory(t);
  await writeLog(dir, [5, 5, 50, 20, 5], false);
  const last = readdirSync(dir)
    .filter((file) => LOG.test(file))
    .sort()
    .at(-1) as string;
  const files = RecordedFiles.below(dir, t);
  files.distrust();
  assert.notDeepEqual(files.volatile(LOG), []);
  let reported = 0;
  readLog(dir, Number(last.slice(4, 20)), (_words, _firstWord, count) => {
    reported += count;
    assert.deepEqual(files.volatile(new RegExp(last)), [], 'what is reported cannot be lost');
  });
  assert.ok(reported > 0);
});

test('the bytes of a torn tail are kept durably before they are cut', async (t) => {
  const dir = temporaryDirectory(t);
  await writeLog(dir, [5, 5, 5], false);
  const last = placeBatches(dir).at(-1);
  assert.ok(last);
  const bytes = readFileSync(join(dir, last.file));
  bytes[last.position + 100] ^= 1;
  writeFileSync(join(dir, last.file), bytes);
  const end = scanLog(dir);
  assert.ok(end.torn);
  const files = RecordedFiles.below(dir, t);
  let zeroed = 0;
  files.watch(/^write log-/, () => {
    zeroed++;
    assert.deepEqual(files.volatile(/^torn-/), []);
    assert.ok(readdirSync(dir).some((file) => file.startsWith('torn-')));
  });
  cutTornTail(dir, end);
  assert.equal(zeroed, 1);
  assert.deepEqual(files.volatile(/./), []);
});

test('a snapshot is synced, renamed, and its name synced', (t) => {
  const dir = temporaryDirectory(t);
  const files = RecordedFiles.below(dir, t);
  const writer = new SnapshotWriter(dir, 7, 2, { low: 1, high: 2 });
  writer.append(new Float64Array(20), 10);
  writer.finish();
  const name = 'snapshot-0000000000000007.obs';
  const writes = files.operations.lastIndexOf(`write ${name}.tmp`);
  assert.deepEqual(files.operations.slice(writes + 1), [`sync ${name}.tmp`, `rename ${name}.tmp ${name}`, 'sync .']);
  assert.deepEqual([files.volatile(/./), files.faults], [[], []]);
});

test('the marker of a genesis is durable when it is written, and its removal when it is removed', (t) => {
  const dir = temporaryDirectory(t);
  const files = RecordedFiles.below(dir, t);
  const marker = new GenesisMarker(dir);
  marker.write({ symbols: [1], accounts: [2], source: 'file' });
  const expected = ['create', 'write', 'sync'].map((what) => `${what} genesis.json.draft`);
  assert.deepEqual(files.operations, [...expected, 'rename genesis.json.draft genesis.json', 'sync .']);
  assert.deepEqual([files.volatile(/./), files.faults], [[], []]);
  marker.clear();
  assert.deepEqual(files.operations.slice(-2), ['remove genesis.json', 'sync .']);
  assert.deepEqual(files.volatile(/./), []);
});

describe('a repair', () => {
  /** Damage in the second of several segments. */
  async function damaged(t: TestContext): Promise<string> {
    const dir = temporaryDirectory(t);
    await writeLog(dir, [20, 20, 20, 20, 20], true);
    const [, batch] = placeBatches(dir);
    const bytes = readFileSync(join(dir, batch.file));
    bytes[batch.position + 100] ^= 1;
    writeFileSync(join(dir, batch.file), bytes);
    return dir;
  }

  test('cuts nothing before its copy is durable', async (t) => {
    const dir = await damaged(t);
    const files = RecordedFiles.below(dir, t);
    let zeroed = 0;
    files.watch(/^write log-/, () => {
      // The copy has the name of the segment; the first write to a log file makes it.
      const copied = files.operations.some((operation) => operation.startsWith('write log-'));
      if (!copied) return;
      zeroed++;
      const kept = files.volatile(LOG);
      assert.deepEqual(
        kept.filter((what) => what.startsWith('the content')),
        [],
      );
    });
    cutLog(dir);
    assert.ok(zeroed > 0);
    assert.deepEqual(files.volatile(/./), []);
  });

  test('makes a fork that is durable', async (t) => {
    const dir = await damaged(t);
    const base = temporaryDirectory(t);
    const dest = join(base, 'new', 'fork');
    const files = RecordedFiles.below(base, t);
    forkLog(dir, dest);
    assert.ok(readdirSync(dest).length > 0);
    assert.deepEqual(files.volatile(/./), []);
  });
});

describe('a whole exchange', () => {
  for (const durability of ['durable', 'fast']) {
    test(`the marker is there before the first definition, and goes when all of them are durable: ${durability}`, async (t) => {
      const base = temporaryDirectory(t);
      const data = join(base, 'new', 'data');
      const files = RecordedFiles.below(base, t);
      let removed = 0;
      // Collected, not thrown: they would be errors of the disk.
      const lost: string[] = [];
      files.watch(/^remove genesis\.json$/, () => {
        removed++;
        lost.push(...files.volatile(LOG));
      });
      // The first segment has its name before it is written.
      files.watch(/^(rename \S+|write) log-/, () => {
        lost.push(...files.volatile(/^(new|data)$/));
        // The genesis ends with its removal, which is synced before a port opens.
        if (removed > 0) return;
        lost.push(...files.volatile(/^genesis/));
        if (!readdirSync(data).includes('genesis.json')) lost.push('no marker');
      });
      const ports = { 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
      const config = loadConfig({ flags: { data, topology: 'compact', durability, ...ports }, env: {} });
      const exchange = await startExchange(config, { log: createLogger('silent') });
      try {
        assert.deepEqual([removed, lost], [1, []]);
        assert.deepEqual([files.volatile(/^(genesis|audit)/), files.faults], [[], []]);
        assert.ok(readdirSync(data).includes('audit'));
        for (let i = 0; i < 20 && durability === 'durable'; i++) {
          await exchange.commands.submit(deposit(1, 1, 1000));
          assert.deepEqual(files.volatile(LOG), [], `answer ${i}`);
        }
      } finally {
        await exchange.stop();
      }
      assert.deepEqual([files.volatile(/^(log|snapshot|genesis)/), files.faults], [[], []]);
    });
  }
});
