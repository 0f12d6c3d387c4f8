import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCapture } from '../feeds/files/captures.ts';
import { foreignFormat } from '../feeds/files/foreign-captures.ts';

function events(lines: string[]): unknown {
  const format = foreignFormat(lines[0]);
  return format && { header: format.header.exchange, events: lines.map((line) => format.read(line)) };
}

const FRAME = '{"stream":"ethusdt@bookTicker","data":{"u":1,"s":"ETHUSDT","b":"1","B":"2","a":"3","A":"4"}}';
const conn = 'collector';

test("lines of hftbacktest's collector: a connection first, snapshots as answers of the instrument before", () => {
  const address = 'wss://stream.binance.com:9443/stream';
  const url = 'https://api.binance.com/api/v3/depth?symbol=ETHUSDT&limit=1000';
  const snapshot = '{"lastUpdateId":5,"bids":[],"asks":[]}';
  assert.deepEqual(events([`1723161254024619568 ${FRAME}`, `1723161254152322667 ${snapshot}`, '1723161254 x']), {
    header: 'BINANCE',
    events: [
      [
        { kind: 'connect', conn, timeUs: 1_723_161_254_024_619, address },
        { kind: 'recv', conn, timeUs: 1_723_161_254_024_619, data: FRAME },
      ],
      [{ kind: 'http', conn, timeUs: 1_723_161_254_152_322, url, data: snapshot }],
      undefined,
    ],
  });
});

test('futures are told apart by their first frame', () => {
  for (const [frame, host] of [
    ['{"stream":"x@bookTicker","data":{"e":"bookTicker","u":1}}', 'fstream'],
    ['{"stream":"x@depth","data":{"e":"depthUpdate","pu":1}}', 'fstream'],
    ['{"stream":"x@depth","data":{"e":"depthUpdate","U":1}}', 'stream'],
  ]) {
    const line = `1723161254024619568 ${frame}`;
    const [connect] = foreignFormat(line)?.read(line) ?? [];
    assert.match(connect.kind === 'connect' ? connect.address : '', new RegExp(`^wss://${host}\\.binance\\.com`));
  }
});

test("lines of cryptofeed's log: connections, what was sent and what was received", () => {
  const address = 'wss://ws-feed.pro.coinbase.com';
  const lines = [
    `${address} <-> 1618677816.8434298`,
    `${address} <- 1618677817.020616: {"a":1}`,
    '1618677817.061845: {"b":": 2"}',
    'x',
    '5',
  ];
  assert.deepEqual(events(lines), {
    header: 'COINBASE',
    events: [
      [{ kind: 'connect', conn: address, timeUs: 1_618_677_816_843_430, address }],
      [{ kind: 'send', conn: address, timeUs: 1_618_677_817_020_616, data: '{"a":1}' }],
      [{ kind: 'recv', conn: address, timeUs: 1_618_677_817_061_845, data: '{"b":": 2"}' }],
      undefined,
      undefined,
    ],
  });
});

test('other files are none of them', () => {
  for (const line of ['', '{"t":"header"}', '1723161254024619568', '17231612540246195 {}', 'ws://x <-> 1', 'price,quantity']) {
    assert.equal(foreignFormat(line), undefined, line);
  }
});

test('a line of another kind is a coded error with its number', async () => {
  const path = join(tmpdir(), `openbell-foreign-${process.pid}.jsonl`);
  writeFileSync(path, `1723161254024619568 ${FRAME}\n{"t":"header"}\n`);
  const read = async (): Promise<void> => {
    for await (const _line of readCapture(path));
  };
  await assert.rejects(read, { code: 'CAPTURE_LINE', line: 2 });
});
