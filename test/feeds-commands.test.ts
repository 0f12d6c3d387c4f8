import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { freePort } from './support/loopback-venue.ts';
import { missing, sharedData } from './support/shared-data.ts';
import { until } from './support/until.ts';

const CLI = join(import.meta.dirname, '..', 'dist', 'gateway', 'cli.js');
const CAPTURE = sharedData('venues', 'capture-kraken.jsonl.gz');
const PAIRS = 'ADA/XBT,ETH/CHF,XMR/USD';

const folder = mkdtempSync(join(tmpdir(), 'openbell-feeds-commands-'));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [CLI, 'feeds', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

async function feeds(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = start(...args);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, out, err };
}

/** A server that plays the capture, as `--serve-only` describes itself. */
async function serve(...args: string[]) {
  const child = start('play', CAPTURE, '--serve-only', '--json', ...args);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const described = JSON.parse(line as string) as { venue: string; instruments: string[]; webSocketUrl: string; httpUrl: string };
  const stop = async () => {
    child.kill('SIGINT');
    await once(child, 'exit');
    return child.exitCode;
  };
  return { ...described, stop, urls: ['--ws-url', described.webSocketUrl, '--http-url', described.httpUrl] };
}

describe('openbell feeds', () => {
  it('ls lists venues, formats and the sources of a configuration', async () => {
    const config = join(folder, 'venue.yaml');
    writeFileSync(
      config,
      'feeds:\n  - { name: btc, venue: kraken-v1, instruments: [XBT/USD] }\nfeed-books: [{ name: BTC, sources: ["btc:XBT/USD"] }]\n',
    );
    const { code, out } = await feeds('ls', '--config', config);
    assert.equal(code, 0);
    assert.match(out, /^kraken-v1 +Kraken/m);
    assert.match(out, /^itch +NASDAQ/m);
    assert.match(out, /^btc +kraken-v1 +XBT\/USD$/m);
    assert.match(out, /^BTC +10 +btc:XBT\/USD$/m);
    const { sources } = JSON.parse((await feeds('ls', '--config', config, '--json')).out);
    assert.deepEqual(sources, [{ name: 'btc', venue: 'kraken-v1', instruments: ['XBT/USD'] }]);
  });

  it('says what to do about a source that is unknown, incomplete or away', async () => {
    const port = await freePort();
    const away = ['--http-port', String(port)];
    const ledger: [readonly string[], number, RegExp][] = [
      [['tail', 'nowhere', ...away], 2, /no source is named nowhere; use one of .*kraken-v1/],
      [['tail', 'kraken-v1', ...away], 2, /which instruments of kraken-v1\? Give --instruments/],
      [['tail', 'kraken-v1', '--instruments', 'A', '--ws-url', 'http://a'], 2, /--ws-url must be an address that begins with wss/],
      [['status', ...away], 2, /which source\? No exchange answers/],
      [['status', '--running', ...away], 3, /cannot reach http:.*\/v1\/feeds/],
      [['record', 'kraken-v1', '--instruments', 'A'], 2, /--out/],
      [['play', join(folder, 'absent.jsonl')], 1, /ENOENT/],
      [
        ['status', 'kraken-v1', '--instruments', 'A', '--wait', '0.2', '--ws-url', `ws://127.0.0.1:${port}`],
        3,
        /could not be reached: kraken-v1/,
      ],
    ];
    for (const [args, code, problem] of ledger) {
      const done = await feeds(...args);
      assert.deepEqual([args, done.code], [args, code], done.err);
      assert.match(done.err, problem);
    }
  });

  it('play prints the books that "feeds books" prints', { skip: missing(CAPTURE) }, async () => {
    const [played, read] = await Promise.all([feeds('play', CAPTURE, '--json'), feeds('books', CAPTURE, '--json')]);
    assert.equal(played.code, 0, played.err);
    assert.equal(played.out, read.out);
  });

  it('play counts no fault when a recorded connection ends and the next one begins', async () => {
    const lines: unknown[] = [{ t: 'header', format: 2, exchange: 'BYBIT' }];
    const frame = (type: string, u: number) => {
      const data = { s: 'BTCUSDT', b: [['16493.50', String(u)]], a: [['16611.00', '0.029']], u, seq: 1 };
      return JSON.stringify({ topic: 'orderbook.50.BTCUSDT', type, ts: 1_672_304_484_978, data });
    };
    for (const conn of ['1', '2']) {
      const ts = 1_700_000_000 + 10 * Number(conn);
      lines.push({ t: 'connect', conn, ts, addr: 'wss://stream.bybit.com/v5/public/spot' });
      lines.push({ t: 'send', conn, ts: ts + 0.1, data: '{"op":"subscribe","args":["orderbook.50.BTCUSDT"]}' });
      lines.push({ t: 'recv', conn, ts: ts + 0.2, data: frame('snapshot', 5) }, { t: 'recv', conn, ts: ts + 0.3, data: frame('delta', 6) });
    }
    const file = join(folder, 'two.jsonl');
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { code, out, err } = await feeds('play', file, '--json');
    assert.deepEqual([code, err], [0, '']);
    assert.equal(JSON.parse(out).updates, 2);
  });

  it('status is 0 when all books are live', { skip: missing(CAPTURE) }, async () => {
    const server = await serve();
    const { code, out, err } = await feeds('status', 'kraken-v1', '--instruments', PAIRS, '--json', ...server.urls);
    assert.equal(code, 0, err);
    const rows = out.trimEnd().split('\n');
    assert.deepEqual(
      rows.map((row) => JSON.parse(row)),
      PAIRS.split(',').map((instrument) => ({ source: 'kraken-v1', venue: 'kraken-v1', instrument, state: 'live' })),
    );
    assert.equal(await server.stop(), 0);
  });

  it('tail prints exact records, as many as asked for', { skip: missing(CAPTURE) }, async () => {
    const server = await serve('--loop');
    const { code, out, err } = await feeds(
      'tail',
      'kraken-v1',
      '--instruments',
      PAIRS,
      '--only',
      'level,end',
      '--count',
      '300',
      '--json',
      ...server.urls,
    );
    assert.equal(code, 0, err);
    const records = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(records.length, 300);
    for (const { kind, instrument, price } of records) {
      assert.ok(PAIRS.includes(instrument));
      if (kind === 'level') assert.match(price, /^\d+\.\d+$/);
    }
    await server.stop();
  });

  it('record writes a whole capture that gives the books of the source', { skip: missing(CAPTURE) }, async () => {
    const server = await serve();
    const file = join(folder, 'recorded.jsonl.gz');
    const recorder = start('record', 'kraken-v1', '--instruments', server.instruments.join(','), '--out', file, '--json', ...server.urls);
    const out = text(recorder.stdout);
    const source = await feeds('books', CAPTURE, '--json');
    let progress = '';
    recorder.stderr.on('data', (chunk) => {
      progress += chunk;
    });
    await until(() => progress.includes('4,430 frames'), 'the last frame', 60_000);
    recorder.kill('SIGINT');
    await once(recorder, 'close');
    assert.equal(recorder.exitCode, 0);
    const { lines, frames, connections } = JSON.parse(await out);
    assert.equal(connections, 1);
    assert.equal(gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n').length, lines);
    assert.equal(frames, 4430);
    assert.equal((await feeds('books', file, '--json')).out, source.out);
    const recorded = gunzipSync(readFileSync(file)).toString('utf8');
    assert.match(recorded, /"t":"http"[^\n]*\/0\/public\/AssetPairs/, 'with the list of instruments');
    const again = await feeds('record', 'kraken-v1', '--instruments', 'A', '--out', file, ...server.urls);
    assert.deepEqual([again.code, /CAPTURE_WRITE_FAILED: .*EEXIST/.test(again.err)], [1, true], again.err);
    await server.stop();
  });
});
