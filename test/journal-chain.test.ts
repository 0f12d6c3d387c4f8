/** The hash chain over the commands of a log: what it depends on, what it detects, and how it is looked up. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { CommandChain, hex64 } from '../engine/journal/command-chain.ts';
import { HeaderWord, listSegments, segmentName } from '../engine/journal/log-format.ts';
import { chainAt, commandAt, compareLogs, logTip } from '../engine/journal/log-lookup.ts';
import { readLog, scanLog } from '../engine/journal/log-reader.ts';
import { RULES, resolveLimits } from '../engine/limits.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { configureCommand } from '../engine/machine/configuration.ts';
import { Command, CommandKind } from '../engine/wire/layout.ts';
import { describeCommand } from '../gateway/tools/cli/log-record.ts';
import { CommandRing, fillCommand } from './support/command-ring.ts';
import { openbell } from './support/exchange-process.ts';
import { openLog, placeBatches, temporaryDirectory, writeLog } from './support/journal-log.ts';
import { unpackOldData } from './support/old-data.ts';

/** The chain after commands 1 to `last` of a {@link CommandRing}, each added separately. */
function reference(last: number): string {
  const chain = new CommandChain();
  const words = new Int32Array(16);
  for (let seq = 1; seq <= last; seq++) {
    fillCommand(words, 0, seq);
    chain.add(words, 0, 1);
  }
  return hex64(chain.low, chain.high);
}

function newDirectories(t: { after(fn: () => void): void }, ...names: string[]): string[] {
  const base = temporaryDirectory(t);
  return names.map((name) => {
    mkdirSync(join(base, name));
    return join(base, name);
  });
}

/** Commands 1 to `total`, in batches of `size`. One bit of the quantity of command `changed` is different. */
async function writeChanged(dir: string, total: number, size: number, changed = 0): Promise<void> {
  const ring = new CommandRing(1024);
  const { writer } = openLog(dir, ring, { segmentBytes: 4096, maxBatch: size });
  ring.publish(total);
  if (changed > 0) ring.consumer.slots.i32[(changed - 1) * 16 + 14] ^= 1;
  while (ring.depth() > 0) writer.poll();
  await writer.close();
}

test('the hash does not change, because existing logs contain it', () => {
  assert.deepEqual([reference(0), reference(1), reference(1000)], ['0000000000000000', 'e40fcc2b20adaf12', 'abe2178f1bb9fbee']);
});

test('property: every bit of every command changes the chain, and so does their order', () => {
  const property = fc.property(fc.nat(199), fc.nat(511), fc.nat(199), fc.nat(511), (command, bit, other, otherBit) => {
    const chainOf = (flips: [number, number][], swap: boolean): string => {
      const words = new Int32Array(200 * 16);
      for (let seq = 0; seq < 200; seq++) fillCommand(words, seq * 16, seq + 1);
      for (const [at, flip] of flips) words[at * 16 + (flip >> 5)] ^= 1 << (flip & 31);
      if (swap) {
        const first = words.slice(command * 16, command * 16 + 16);
        words.copyWithin(command * 16, other * 16, other * 16 + 16);
        words.set(first, other * 16);
      }
      const chain = new CommandChain();
      chain.add(words, 0, 200);
      return hex64(chain.low, chain.high);
    };
    const good = chainOf([], false);
    const one = chainOf([[command, bit]], false);
    assert.notEqual(one, good);
    if (command !== other) assert.notEqual(chainOf([], true), good);
    if (command !== other || bit !== otherBit) assert.notEqual(chainOf([[other, otherBit]], false), one);
  });
  fc.assert(property, { numRuns: 200 });
});

test('the chain does not depend on batches, segments or restarts', async (t) => {
  const [single, large, lives] = newDirectories(t, 'single', 'large', 'lives');
  await writeChanged(single, 300, 1);
  await writeChanged(large, 300, 60);
  for (let life = 0; life < 30; life++) await writeLog(lives, [3, 1, 6], life % 2 === 0);
  for (const dir of [single, large, lives]) {
    assert.ok(listSegments(dir).length > 4);
    const end = scanLog(dir);
    assert.deepEqual([end.lastSeq, end.chain.fromSeq, hex64(end.chain.low, end.chain.high)], [300, 1, reference(300)]);
    for (let seq = 1; seq <= 300; seq++) assert.deepEqual(chainAt(dir, seq), { chain: reference(seq), fromSeq: 1 });
    assert.deepEqual(logTip(dir).chain, { chain: reference(300), fromSeq: 1 });
    for (const from of [2, 70, 200, 300, 301]) assert.deepEqual(readLog(dir, from, () => undefined).chain, end.chain);
  }
});

test('a command that is not in the log cannot be looked up', async (t) => {
  const [dir, empty] = newDirectories(t, 'log', 'empty');
  await writeChanged(dir, 100, 7);
  assert.throws(() => chainAt(dir, 101), { code: 'LOG_LOOKUP', message: /has no command 101: log-\d+\.obl can be read up to command 100/ });
  assert.throws(() => chainAt(empty, 1), { code: 'LOG_LOOKUP' });
  assert.throws(() => logTip(empty), { code: 'LOG_LOOKUP', message: /has no command/ });
  const [first, second] = listSegments(dir);
  rmSync(join(dir, first.name));
  assert.throws(() => chainAt(dir, 3), { code: 'LOG_LOOKUP', message: /starts behind command 3/ });
  assert.throws(() => chainAt(dir, second.firstSeq), { code: 'LOG_LOOKUP', message: /the commands before \d+ are not there/ });
  assert.equal(chainAt(dir, 90).chain, reference(90));
});

/** Makes the checksums of a log correct: those of each batch from `index` on are computed again. */
function restamp(dir: string, index: number): void {
  let previous = 0;
  for (const [at, { file, position, bytes }] of placeBatches(dir).entries()) {
    const path = join(dir, file);
    const u8 = Uint8Array.from(readFileSync(path));
    const words = new Int32Array(u8.buffer);
    if (at > index) words[position / 4 + HeaderWord.previousCrc] = previous;
    if (at >= index) words[position / 4] = crc32(u8.subarray(position + 4, position + bytes)) | 0;
    previous = words[position / 4];
    writeFileSync(path, u8);
  }
}

test('a changed command with a correct checksum is damage', async (t) => {
  const [dir] = newDirectories(t, 'log');
  for (const [word, inRecord] of [
    [14, true],
    [HeaderWord.chain, false],
    [HeaderWord.chain + 1, false],
    [HeaderWord.chainFromSeq, false],
  ] as const) {
    for (const index of [0, 4, 12]) {
      rmSync(dir, { recursive: true });
      mkdirSync(dir);
      await writeChanged(dir, 100, 7);
      const batch = placeBatches(dir)[index];
      const bytes = Uint8Array.from(readFileSync(join(dir, batch.file)));
      new Int32Array(bytes.buffer)[batch.position / 4 + (inRecord ? 16 : 0) + word] ^= 1;
      writeFileSync(join(dir, batch.file), bytes);
      restamp(dir, index);
      assert.throws(() => scanLog(dir), { code: 'LOG_DAMAGED', position: batch.position, message: /do not match the hash chain/ });
    }
  }
});

test('a damaged batch is reported, not taken for the end of the log', async (t) => {
  for (const reach of ['its last command', 'its stored chain']) {
    const [dir] = newDirectories(t, reach.replaceAll(' ', '-'));
    await writeLog(dir, [10, 10, 10], true, { segmentBytes: 65_536 });
    const batch = placeBatches(dir)[1];
    const path = join(dir, batch.file);
    const bytes = readFileSync(path);
    bytes[batch.position + (reach === 'its last command' ? batch.bytes - 1 : HeaderWord.chain * 4)] ^= 1;
    writeFileSync(path, bytes);
    assert.throws(() => logTip(dir), { code: 'LOG_DAMAGED', position: batch.position });
    assert.throws(() => chainAt(dir, 20), { code: 'LOG_LOOKUP', message: /checksum is wrong/ });
    assert.throws(() => chainAt(dir, 25), { code: 'LOG_LOOKUP', message: /checksum is wrong/ });
    const { code, stderr } = await openbell(['log', dir]);
    assert.equal(code, 1);
    assert.match(stderr, /The log is damaged: .*, byte \d+: the batch is damaged.* Commands up to 10 are good/);
  }
});

test('a segment that ends early is damage, even if the next one is empty', async (t) => {
  const [dir] = newDirectories(t, 'a');
  await writeLog(dir, [10, 10, 10], true, { segmentBytes: 65_536 });
  const batch = placeBatches(dir)[2];
  writeFileSync(join(dir, segmentName(31)), new Uint8Array(65_536));
  assert.equal(logTip(dir).seq, 30);
  const path = join(dir, batch.file);
  const bytes = readFileSync(path);
  bytes[batch.position + batch.bytes - 1] ^= 1;
  writeFileSync(path, bytes);
  assert.throws(() => logTip(dir), { code: 'LOG_DAMAGED', position: batch.position, message: /the next segment starts with command 31/ });
});

test('a Configure command is described by its capacities, a deposit by its units and key', () => {
  const bytes = new Uint8Array(Command.bytes);
  const words = new Int32Array(bytes.buffer);
  encodeCommand(bytes, words, 0, configureCommand(resolveLimits({ orders: 77, accounts: 9, ordersPerAccount: 5 })));
  const { kind, rules, orders, accounts, ordersPerAccount } = describeCommand(words);
  assert.deepEqual(
    [kind, rules, orders, accounts, ordersPerAccount],
    [`${CommandKind.Configure} Configure`, String(RULES), '77', '9', '5'],
  );
  encodeCommand(bytes, words, 0, { kind: CommandKind.Deposit, account: 3, symbol: 2, quantity: 500 });
  const { account, asset, units, keyHash } = describeCommand(words);
  assert.deepEqual([account, asset, units, keyHash], ['3', '2', '500', 'none']);
});

test('comparing finds the first command that differs', async (t) => {
  const [a, b] = newDirectories(t, 'a', 'b');
  await writeChanged(a, 300, 11);
  for (const [total, changed] of [
    [300, 0],
    [250, 0],
    [320, 0],
    [300, 1],
    [300, 2],
    [299, 137],
    [310, 299],
    [300, 300],
    [320, 301],
  ]) {
    rmSync(b, { recursive: true });
    mkdirSync(b);
    await writeChanged(b, total, 4, changed);
    const differs = changed > 0 && changed <= 300;
    const { same, differsAt, fromSeq, toSeq } = compareLogs(a, b);
    assert.deepEqual([same, differsAt, fromSeq, toSeq], [!differs, differs ? changed : undefined, 1, Math.min(total, 300)]);
  }
  assert.equal(commandAt(a, 137)[14], commandAt(b, 137)[14]);
});

test('comparing logs whose oldest segments were moved away', async (t) => {
  const [a, b] = newDirectories(t, 'a', 'b');
  const pruned = (dir: string): void => rmSync(join(dir, segmentName(1)));
  for (const [changed, expected] of [
    [200, 200],
    [3, undefined],
  ]) {
    for (const dir of [a, b]) {
      rmSync(dir, { recursive: true });
      mkdirSync(dir);
    }
    await writeChanged(a, 300, 11);
    await writeChanged(b, 300, 4, changed);
    pruned(a);
    const { same, differsAt, differsBy } = compareLogs(a, b);
    assert.deepEqual([same, differsAt], [false, expected]);
    if (expected === undefined) assert.ok(differsBy !== undefined && differsBy >= listSegments(a)[0].firstSeq);
  }
});

test('logs whose chains begin at different commands are not compared', async (t) => {
  const old = unpackOldData(temporaryDirectory(t));
  const [young] = newDirectories(t, 'young');
  await writeChanged(young, 60, 11);
  assert.throws(() => compareLogs(old, young), { code: 'LOG_LOOKUP', message: /has no chain up to its end, command 41/ });
  await writeLog(old, [5], true);
  assert.throws(() => compareLogs(young, old), { code: 'LOG_LOOKUP', message: /has a chain from command 42 on, that in .* from 1 on/ });
  assert.equal(compareLogs(old, old).same, true);
});

test('openbell log prints the chain; --compare names the command and its fields', async (t) => {
  const [a, b, c] = newDirectories(t, 'a', 'b', 'c');
  await writeChanged(a, 300, 11);
  await writeChanged(b, 300, 4, 137);
  await writeChanged(c, 200, 50);
  const end = await openbell(['log', a]);
  assert.match(
    end.stdout,
    new RegExp(`command {7}300, the last one\nlog id {8}[0-9a-f]{16}\nchain {9}${reference(300)}, over the commands from 1 on`),
  );
  const { logId, ...at } = JSON.parse((await openbell(['log', a, '--at', '77', '--json'])).stdout);
  assert.deepEqual(at, { seq: 77, chain: reference(77), fromSeq: 1 });
  assert.equal(logId, logTip(a).logId);
  const same = await openbell(['log', a, '--compare', c]);
  assert.deepEqual([same.code, /verdict {7}the same commands from 1 to 200/.test(same.stdout)], [0, true], same.stdout);
  const different = await openbell(['log', a, '--compare', b]);
  assert.equal(different.code, 1);
  assert.match(different.stdout, /verdict {7}DIFFERENT: command 137 is the first that differs\n/);
  assert.match(different.stdout, /\n {2}quantity +-?\d+ +-?\d+ +differs\n/);
  assert.match(different.stdout, /\n {2}price +(-?\d+) +\1\n/);
  const json = JSON.parse((await openbell(['log', b, '--compare', a, '--json'])).stdout);
  assert.deepEqual([json.same, json.differsAt, json.commands.length], [false, 137, 2]);
  const failures: [string[], number, RegExp][] = [
    [[a, '--at', '301'], 1, /has no command 301/],
    [[a, '--at', 'x'], 2, /must be the number of a command/],
    [[a, '--at', '3', '--compare', b], 2, /cannot be used with/],
    [[join(a, 'nowhere')], 2, /there is no directory/],
    [[a, '--compare', join(a, 'nowhere')], 2, /there is no directory/],
  ];
  for (const [args, expected, message] of failures) {
    const { code, stderr } = await openbell(['log', ...args]);
    assert.equal(code, expected, stderr);
    assert.match(stderr, message);
  }
});
