import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { ItchMessage } from '../feeds/files/itch/itch-message.ts';
import { ItchReader } from '../feeds/files/itch/itch-reader.ts';
import { ITCH_LENGTHS, ITCH_MESSAGES, itchType } from '../feeds/files/itch/layout.ts';
import { ItchEncoder } from './support/itch-encoder.ts';
import { readItchFile } from './support/read-itch-file.ts';
import { missing, sharedData } from './support/shared-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-itch-'));
after(() => rmSync(folder, { recursive: true }));

const directory = sharedData('venues', 'nasdaq-itch50-directory.itch');

/** Lengths as the specification states them, section by section. */
const LENGTHS = 'S12 R39 H25 Y20 L26 V35 W12 K28 J35 h21 A36 F40 E31 C36 X23 D19 U35 P44 Q40 B19 I50 N20 O48';

/** Offset and length of each field, as the specification states them. */
const OFFSETS: Readonly<Record<string, string>> = {
  S: '11/1',
  R: '11/8 19/1 20/1 21/4 25/1 26/1 27/2 29/1 30/1 31/1 32/1 33/1 34/4 38/1',
  H: '11/8 19/1 20/1 21/4',
  Y: '11/8 19/1',
  L: '11/4 15/8 23/1 24/1 25/1',
  V: '11/8 19/8 27/8',
  W: '11/1',
  K: '11/8 19/4 23/1 24/4',
  J: '11/8 19/4 23/4 27/4 31/4',
  h: '11/8 19/1 20/1',
  A: '11/8 19/1 20/4 24/8 32/4',
  F: '11/8 19/1 20/4 24/8 32/4 36/4',
  E: '11/8 19/4 23/8',
  C: '11/8 19/4 23/8 31/1 32/4',
  X: '11/8 19/4',
  D: '11/8',
  U: '11/8 19/8 27/4 31/4',
  P: '11/8 19/1 20/4 24/8 32/4 36/8',
  Q: '11/8 19/8 27/4 31/8 39/1',
  B: '11/8',
  I: '11/8 19/8 27/1 28/8 36/4 40/4 44/4 48/1 49/1',
  N: '11/8 19/1',
  O: '11/8 19/1 20/4 24/4 28/4 32/8 40/4 44/4',
};

/** Collects what the reader passes on, as text. */
class Collected {
  readonly lines: string[] = [];
  readonly frames: Buffer[] = [];

  itch(message: ItchMessage): void {
    this.lines.push(Object.values(message.fields()).join(' '));
    const frame = Buffer.alloc(2);
    frame.writeUInt16BE(message.length);
    this.frames.push(frame, Buffer.from(message.bytes()));
  }
}

function read(bytes: Uint8Array, pieces: readonly number[] = []): { lines: string[]; reader: ItchReader; bytes: Buffer } {
  const collected = new Collected();
  const reader = new ItchReader(collected);
  let from = 0;
  for (const size of pieces) {
    reader.push(bytes.subarray(from, from + size));
    from += size;
  }
  reader.push(bytes.subarray(from));
  reader.end();
  return { lines: collected.lines, reader, bytes: Buffer.concat(collected.frames) };
}

/** One of each message about orders and trades. */
function oneOfEach(): ItchEncoder {
  const file = new ItchEncoder();
  file.systemEvent(1, 'O');
  file.directory(7, 2, 'AAPL');
  file.tradingAction(7, 3, 'AAPL', 'T');
  file.add(7, 2 ** 48 - 1, 0xffff_ffff_ffff_ffffn, 'B', 100, 'AAPL', 1_234_500);
  file.add(7, 5, 12n, 'S', 0xffff_ffff, 'AAPL', 0xffff_ffff, 'GSCO');
  file.executed(7, 6, 11n, 40, 1n << 52n);
  file.executedAt(7, 7, 11n, 10, 902n, false, 1_234_400);
  file.cancel(7, 8, 11n, 20);
  file.delete(7, 9, 12n);
  file.replace(7, 10, 11n, 13n, 25, 1_234_600);
  file.trade(7, 11, 'B', 33, 'AAPL', 1_234_700, 903n);
  file.cross(7, 12, 0x1_0000_0001n, 'AAPL', 1_234_800, 904n, 'O');
  file.broken(7, 13, 904n);
  return file;
}

test('the layout is the one of the specification', () => {
  assert.equal(ITCH_MESSAGES.map(({ type, length }) => `${type}${length}`).join(' '), LENGTHS);
  for (const { type, fields } of ITCH_MESSAGES) {
    const own = fields.slice(3).map(({ offset, bytes }) => `${offset}/${bytes}`);
    assert.equal(own.join(' '), OFFSETS[type], type);
    assert.deepEqual(
      fields.slice(0, 3).map(({ offset, bytes }) => `${offset}/${bytes}`),
      ['1/2', '3/2', '5/6'],
      type,
    );
  }
  assert.equal(ITCH_LENGTHS[itchType('Z')], 0);
});

test('messages are read field by field', () => {
  const { lines, reader } = read(oneOfEach().bytes());
  assert.deepEqual(lines, [
    'S 0 0 1 O',
    'R 7 0 2 AAPL Q N 100 N C Z P N N 1 N 0 N',
    'H 7 0 3 AAPL T  ',
    'A 7 0 281474976710655 18446744073709551615 B 100 AAPL 1234500',
    'F 7 0 5 12 S 4294967295 AAPL 4294967295 GSCO',
    'E 7 0 6 11 40 4503599627370496',
    'C 7 0 7 11 10 902 N 1234400',
    'X 7 0 8 11 20',
    'D 7 0 9 12',
    'U 7 0 10 11 13 25 1234600',
    'P 7 0 11 0 B 33 AAPL 1234700 903',
    'Q 7 0 12 4294967297 AAPL 1234800 904 O',
    'B 7 0 13 904',
  ]);
  assert.equal(reader.isDamaged, false);
});

test('the getters of the flyweight agree with the fields', () => {
  const seen: string[] = [];
  const reader = new ItchReader({
    itch: (m) => {
      const id = `${m.orderIdHigh}:${m.orderIdLow}`;
      const by: Record<string, () => unknown[]> = {
        S: () => [m.eventCode],
        R: () => [m.directoryStock],
        H: () => [m.tradingState],
        A: () => [id, m.isBuy, m.shares, m.stock, m.price],
        F: () => [id, m.isBuy, m.shares, m.stock, m.price],
        E: () => [id, m.executedShares, m.matchHigh, m.matchLow],
        C: () => [id, m.executedShares, m.matchHigh, m.matchLow, m.isPrintable, m.executionPrice],
        X: () => [id, m.cancelledShares],
        D: () => [id],
        U: () => [id, `${m.newOrderIdHigh}:${m.newOrderIdLow}`, m.replaceShares, m.replacePrice],
        P: () => [m.isBuy, m.shares, m.stock, m.price, m.matchHigh, m.matchLow],
        Q: () => [m.crossShares, m.crossPrice, m.matchHigh, m.matchLow],
        B: () => [m.matchHigh, m.matchLow],
      };
      seen.push([m.layout.type, m.stockLocate, m.trackingNumber, m.timestampNs, ...by[m.layout.type]()].join(' '));
    },
  });
  reader.push(oneOfEach().bytes());
  assert.deepEqual(seen, [
    'S 0 0 1 O',
    'R 7 0 2 AAPL',
    'H 7 0 3 T',
    'A 7 0 281474976710655 4294967295:4294967295 true 100 AAPL 1234500',
    'F 7 0 5 0:12 false 4294967295 AAPL 4294967295',
    'E 7 0 6 0:11 40 1048576 0',
    'C 7 0 7 0:11 10 0 902 false 1234400',
    'X 7 0 8 0:11 20',
    'D 7 0 9 0:12',
    'U 7 0 10 0:11 0:13 25 1234600',
    'P 7 0 11 true 33 AAPL 1234700 0 903',
    'Q 7 0 12 4294967297 1234800 0 904',
    'B 7 0 13 0 904',
  ]);
});

test('pieces of any size give the same messages', () => {
  const bytes = oneOfEach().bytes();
  const { lines } = read(bytes);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 60 }), (pieces) => {
      const { reader, lines: same } = read(bytes, pieces);
      assert.deepEqual(same, lines);
      assert.equal(reader.isDamaged, false);
    }),
  );
  assert.deepEqual(read(bytes, new Array(bytes.length).fill(1)).lines, lines);
});

test('damage is counted, and the rest is read', () => {
  const good = (file: ItchEncoder, first: number, count: number) => {
    for (let i = 0; i < count; i++) file.delete(1, first + i, BigInt(first + i));
  };
  /** [case, what stands between four and four deletions, bytes cut from the end, counters: unknown wrong ends steps skipped truncated, messages] */
  const table: [name: string, between: (file: ItchEncoder) => void, cut: number, counters: string, messages: number][] = [
    ['nothing', () => undefined, 0, '0 0 0 0 0 0', 8],
    ['a type that is not known', (file) => file.raw(Buffer.alloc(30, 'z')), 0, '1 0 0 0 32 0', 8],
    ['a known type that is too short', (file) => file.raw(Buffer.alloc(18, 'D')), 0, '0 1 0 0 20 0', 8],
    ['a known type that is too long', (file) => file.raw(Buffer.alloc(20, 'D')), 0, '0 1 0 0 22 0', 8],
    ['a message of length 0', (file) => file.raw(Buffer.alloc(0)), 0, '0 0 1 0 0 0', 8],
    ['one byte too many', (file) => file.noise(Buffer.from([0xff])), 0, '0 0 0 1 1 0', 8],
    ['noise of 1,000 bytes', (file) => file.noise(Buffer.alloc(1000, 0xee)), 0, '0 0 0 1 1000 0', 8],
    ['a length of 65,535', (file) => file.noise(Buffer.from([0xff, 0xff, 0x41])), 0, '0 0 0 1 3 0', 8],
    [
      'half a message, which takes its second half from the next',
      (file) => file.noise(Buffer.from([0, 19, 0x44, 0, 1])),
      0,
      '0 0 2 1 1 0',
      8,
    ],
    ['the end cut by 1', () => undefined, 1, '0 0 0 0 0 20', 7],
    ['the end cut by 20', () => undefined, 20, '0 0 0 0 0 1', 7],
    ['noise, and nothing after it', (file) => file.noise(Buffer.alloc(300, 0xee)), 84, '0 0 0 1 298 2', 4],
  ];
  for (const [name, between, cut, counters, messages] of table) {
    const file = new ItchEncoder();
    good(file, 1, 4);
    between(file);
    good(file, 5, 4);
    const bytes = file.bytes();
    const whole = bytes.subarray(0, bytes.length - cut);
    for (const pieces of [[], new Array(whole.length).fill(1), [100, 7, 3, 50]]) {
      const { reader } = read(whole, pieces);
      const { unknownTypes, wrongLengths, ends, outOfStep, skippedBytes, truncatedBytes } = reader;
      assert.equal([unknownTypes, wrongLengths, ends, outOfStep, skippedBytes, truncatedBytes].join(' '), counters, name);
      assert.equal(reader.messages, messages, name);
    }
  }
});

test('any bytes are read without an error, and every byte is accounted for', () => {
  const random = fc.oneof(fc.uint8Array({ maxLength: 2000 }), mutated());
  fc.assert(
    fc.property(random, fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 10 }), (bytes, pieces) => {
      const { reader, bytes: read1, lines } = read(bytes, pieces);
      assert.equal(read1.length + reader.skippedBytes + reader.truncatedBytes + 2 * reader.ends, bytes.length);
      assert.deepEqual(read(bytes).lines, lines);
    }),
    { numRuns: 300 },
  );
});

/** A good file with bytes changed, removed or put in. */
function mutated(): fc.Arbitrary<Uint8Array> {
  const bytes = Buffer.concat([oneOfEach().bytes(), oneOfEach().bytes()]);
  return fc
    .array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(2), fc.uint8Array({ maxLength: 5 })), { minLength: 1, maxLength: 4 })
    .map((edits) =>
      edits.reduce((file, [at, remove, put]) => Buffer.concat([file.subarray(0, at), put, file.subarray(at + remove)]), bytes),
    );
}

test('a directory of NASDAQ comes back byte by byte, plain and gzipped', { skip: missing(directory) }, async () => {
  const raw = readFileSync(directory);
  const gz = join(folder, 'directory.itch.gz');
  writeFileSync(gz, gzipSync(raw));
  for (const path of [directory, gz]) {
    const collected = new Collected();
    const reader = await readItchFile(path, collected);
    assert.equal(reader.messages, 1000);
    assert.equal(reader.isDamaged, false);
    assert.ok(Buffer.concat(collected.frames).equals(raw));
    assert.equal(collected.lines[0], 'S 0 0 11072057543747 O');
    assert.equal(collected.lines[2], 'R 2 0 11354325488446 AA N  100 N C Z P N  1 N 1 N');
    assert.deepEqual(
      [...'SRHY'].map((type) => reader.counts[itchType(type)]).reduce((sum, count) => sum + count),
      1000,
    );
  }
});

test('a gzip file that is cut or damaged gives what it has, then its error', async () => {
  const file = new ItchEncoder();
  let seed = 1;
  for (let i = 0; i < 20_000; i++) {
    seed = Math.imul(seed, 48271) >>> 0;
    file.add(seed & 0xff, i, BigInt(seed), 'B', seed & 0xffff, 'AAPL', seed);
  }
  const gzipped = gzipSync(file.bytes());
  const cut = join(folder, 'cut.gz');
  writeFileSync(cut, gzipped.subarray(0, gzipped.length >> 1));
  const collected = new Collected();
  const reader = new ItchReader(collected);
  await assert.rejects(readItchFile(cut, collected, reader), {
    code: 'FILE_TRUNCATED',
    message: /cut\.gz: the gzip data ends early; fetch/,
  });
  assert.ok(reader.messages > 8_000 && reader.messages < 12_000, `${reader.messages} messages`);
  assert.equal(reader.skippedBytes, 0);

  const broken = join(folder, 'broken.gz');
  const noise = Buffer.from(gzipped);
  noise.fill(0xff, gzipped.length >> 1, (gzipped.length >> 1) + 100);
  writeFileSync(broken, noise);
  const second = new ItchReader(collected);
  await assert.rejects(readItchFile(broken, collected, second), { code: 'FILE_DAMAGED' });
  assert.ok(second.messages > 5_000, `${second.messages} messages`);

  await assert.rejects(readItchFile(join(folder, 'none'), collected), { code: 'FILE_UNREADABLE', message: /check the path/ });
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  assert.equal((await readItchFile(empty, collected)).messages, 0);
});
