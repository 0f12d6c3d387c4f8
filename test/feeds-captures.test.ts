import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { CaptureWriter } from '../feeds/files/capture-writer.ts';
import { CaptureError, type CaptureLine, frameBytes, readCapture, readCaptureByTime } from '../feeds/files/captures.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-captures-'));
after(() => rmSync(folder, { recursive: true }));

const HEADER = '{"t":"header","format":2,"exchange":"KRAKEN"}';
const ROWS = [
  '{"t":"connect","conn":"a","ts":10.5,"addr":"wss://x"}',
  '{"t":"send","conn":"a","ts":11,"data":"{}"}',
  '{"t":"recv","conn":"a","ts":12.000001,"data":"[\\"é\\"]"}',
  '{"t":"http","conn":"h","ts":9,"url":"https://x/y","data":"{}"}',
];
const TEXT = `${[HEADER, ...ROWS].join('\n')}\n`;

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string): Promise<{ lines: CaptureLine[]; error: string }> {
  const lines: CaptureLine[] = [];
  try {
    for await (const line of readCapture(path)) lines.push(line);
    return { lines, error: '' };
  } catch (error) {
    assert.ok(error instanceof CaptureError, String(error));
    return { lines, error: `${error.code} ${error.line}` };
  }
}

test('every kind of line is read, plain and gzipped', async () => {
  const plain = await read(file('plain.jsonl', TEXT));
  assert.deepEqual(plain, {
    lines: [
      { kind: 'header', exchange: 'KRAKEN' },
      { kind: 'connect', conn: 'a', timeUs: 10_500_000, address: 'wss://x' },
      { kind: 'send', conn: 'a', timeUs: 11_000_000, data: '{}' },
      { kind: 'recv', conn: 'a', timeUs: 12_000_001, data: '["é"]' },
      { kind: 'http', conn: 'h', timeUs: 9_000_000, url: 'https://x/y', data: '{}' },
    ],
    error: '',
  });
  assert.deepEqual(await read(file('packed.jsonl.gz', gzipSync(TEXT))), plain);
});

test('a recording that was cut short gives its whole lines, then says so', async () => {
  const body = `${HEADER}\n${Array.from({ length: 5000 }, (_, i) => `{"t":"recv","conn":"a","ts":${i},"data":"${'x'.repeat(i % 97)}${i * i}"}`).join('\n')}\n`;
  const packed = gzipSync(body);
  const { lines, error } = await read(file('cut.jsonl.gz', packed.subarray(0, packed.length >> 1)));
  assert.match(error, /^CAPTURE_TRUNCATED/);
  assert.ok(lines.length > 100 && lines.length < 5000, `${lines.length} lines`);
  assert.deepEqual(await read(file('cut.jsonl', body.slice(0, -3))), {
    lines: (await read(file('whole.jsonl', body))).lines.slice(0, -1),
    error: 'CAPTURE_TRUNCATED 5001',
  });
});

test('what is no capture is refused, with the line', async () => {
  const table: readonly [string, string][] = [
    ['', 'CAPTURE_HEADER 0'],
    [`${ROWS[0]}\n`, 'CAPTURE_HEADER 1'],
    [`${HEADER}\n${HEADER}\n`, 'CAPTURE_HEADER 2'],
    [`${HEADER}\nnot json\n`, 'CAPTURE_LINE 2'],
    [`${HEADER}\nnull\n`, 'CAPTURE_LINE 2'],
    [`${HEADER}\n[]\n`, 'CAPTURE_LINE 2'],
    [`${HEADER}\n{"t":"recv","conn":"a","ts":1}\n`, 'CAPTURE_LINE 2'],
    [`${HEADER}\n{"t":"recv","conn":"a","ts":"1","data":""}\n`, 'CAPTURE_LINE 2'],
    [`${HEADER}\n{"t":"recv","conn":"a","ts":-1,"data":""}\n`, 'CAPTURE_LINE 2'],
    [`${HEADER}\n{"t":"other","conn":"a","ts":1,"data":""}\n`, 'CAPTURE_LINE 2'],
    ['{"t":"header"}\n', 'CAPTURE_LINE 1'],
  ];
  for (const [text, expected] of table) assert.equal((await read(file('bad.jsonl', text))).error, expected, text);
  assert.equal((await read(join(folder, 'absent.jsonl'))).error, 'CAPTURE_UNREADABLE 0');
  assert.equal((await read(file('not.gz', TEXT))).error, 'CAPTURE_UNREADABLE 0');
});

test('by time: connections are interleaved, and a cut is reported with what was read', async () => {
  const { header, events, truncated } = await readCaptureByTime(file('sort.jsonl', TEXT));
  assert.equal(header.exchange, 'KRAKEN');
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['http', 'connect', 'send', 'recv'],
  );
  assert.equal(truncated, undefined);
  const cut = await readCaptureByTime(file('sort-cut.jsonl', TEXT.slice(0, -1)));
  assert.equal(cut.events.length, 3);
  assert.equal(cut.truncated?.code, 'CAPTURE_TRUNCATED');
  await assert.rejects(readCaptureByTime(file('short.jsonl', HEADER)), { code: 'CAPTURE_TRUNCATED' });
});

test('a binary frame is kept as base64; another encoding is an error', async () => {
  const bytes = Buffer.from([0, 255, 10, 128]);
  const path = join(folder, 'binary.jsonl.gz');
  const writer = new CaptureWriter(path, 'OPENBELL', {}, 1_000_000);
  writer.send('a', 2_000_000, 'ws://x', new Uint8Array(bytes));
  writer.recv('a', 3_000_000, bytes, true);
  writer.recv('a', 4_000_000, Buffer.from('text'));
  await writer.end();
  const { events } = await readCaptureByTime(path);
  assert.deepEqual(
    events.map((event) => (event.kind === 'send' || event.kind === 'recv' ? [event.binary, frameBytes(event)] : [])),
    [
      [true, bytes],
      [true, bytes],
      [undefined, Buffer.from('text')],
    ],
  );
  const strange = '{"t":"recv","conn":"a","ts":11,"encoding":"hex","data":"00"}';
  assert.equal((await read(file('hex.jsonl', `${HEADER}\n${strange}\n`))).error, 'CAPTURE_LINE 2');
});

test('all whole lines of a gzip file that is cut are read, also by a slow reader', async () => {
  const frame = (i: number) => JSON.stringify({ t: 'recv', conn: 'A', ts: 1 + i, data: `${(i * 7919) % 100_003}`.repeat(20) });
  const text = `${[TEXT.split('\n', 1)[0], ...Array.from({ length: 20_000 }, (_, i) => frame(i))].join('\n')}\n`;
  const packed = gzipSync(text).subarray(0, -100);
  // What the format still has, in one call that drops nothing.
  const whole = gunzipSync(packed, { finishFlush: constants.Z_SYNC_FLUSH }).toString('utf8').split('\n').length - 1;
  let lines = 0;
  const slowly = async () => {
    for await (const _ of readCapture(file('long.jsonl.gz', packed))) if (++lines % 64 === 0) await nextTurn();
  };
  await assert.rejects(slowly(), { code: 'CAPTURE_TRUNCATED' });
  assert.equal(lines, whole);
});
