import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ItchMessage } from '../feeds/files/itch/itch-message.ts';
import { ItchReader } from '../feeds/files/itch/itch-reader.ts';
import { ITCH_MESSAGES } from '../feeds/files/itch/layout.ts';
import { ItchEncoder } from './support/itch-encoder.ts';
import { lobsterToItch } from './support/lobster-itch.ts';
import { LONG_RUNS } from './support/long-runs.ts';
import { missing, sharedData } from './support/shared-data.ts';
import { sseToItch } from './support/sse-itch.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-itch-recorded-'));
after(() => rmSync(folder, { recursive: true }));

const python = join(import.meta.dirname, '..', '.venv', 'bin', 'python');
const script = join(import.meta.dirname, 'support', 'itchfeed.py');
const peer = hasItchfeed();
const skip =
  peer || process.env.OPENBELL_CI === '1'
    ? false
    : skipped('SKIPPED: no itchfeed: python3 -m venv .venv && .venv/bin/pip install itchfeed==1.6.4');

const lobster = [sharedData('lobster', 'AAPL_message_10.csv'), sharedData('lobster', 'AAPL_orderbook_10.csv')] as const;
const sse = ['600536', '600961', '605580'].map(
  (stock) => [stock, ...['orders', 'trades'].map((kind) => sharedData('sse', `${stock}.${kind}.csv.gz`))] as const,
);
const directory = sharedData('venues', 'nasdaq-itch50-directory.itch');
const recorded = missing(...lobster, ...sse.flatMap(([, orders, trades]) => [orders, trades]), directory);

function hasItchfeed(): boolean {
  if (!existsSync(python)) return false;
  try {
    execFileSync(python, ['-c', 'import itch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function skipped(reason: string): string {
  process.stderr.write(`${reason}\n`);
  return reason;
}

/** As itchfeed.py prints a message. */
function line(message: ItchMessage): string {
  return Object.values(message.fields()).join(' ');
}

function ourLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  const reader = new ItchReader({ itch: (message) => lines.push(line(message)) });
  for (let from = 0; from < bytes.length; from += 60_000) reader.push(bytes.subarray(from, from + 60_000));
  reader.end();
  assert.equal(reader.isDamaged, false);
  return lines;
}

/** By the pure Python of itchfeed. */
function peerLines(bytes: Uint8Array): string[] {
  const path = join(folder, 'file.itch');
  writeFileSync(path, bytes);
  const text = execFileSync(python, [script, path], { encoding: 'latin1', maxBuffer: 2 ** 30, env: { ...process.env, ITCH_NO_CPP: '1' } });
  return text.trimEnd().split('\n');
}

test('itchfeed reads the same from every type of message', { skip }, () => {
  const file = new ItchEncoder();
  for (const [index, { type, length }] of ITCH_MESSAGES.entries()) {
    // Letters in every byte: a field that begins or ends at another place has another value.
    const message = Buffer.from(Array.from({ length }, (_, at) => 0x44 + ((at * 7 + index) % 20)));
    message.write(type, 0, 'latin1');
    file.raw(message);
  }
  assert.deepEqual(peerLines(file.bytes()), ourLines(file.bytes()));
  assert.equal(ourLines(file.bytes()).length, ITCH_MESSAGES.length);
});

test('recorded days as ITCH come back exactly, and itchfeed reads the same', { skip: recorded }, async () => {
  const files = new Map<string, Uint8Array>([
    ['AAPL', lobsterToItch(...lobster).file.bytes()],
    ['directory', readFileSync(directory)],
  ]);
  for (const [index, [stock, orders, trades]] of sse.entries())
    files.set(stock, (await sseToItch(index + 1, stock, orders, trades)).bytes());
  for (const [name, bytes] of files) {
    const back = new ItchEncoder();
    const reader = new ItchReader({ itch: (message) => back.raw(message.bytes()) });
    reader.push(bytes);
    reader.end();
    assert.ok(back.bytes().equals(bytes), name);
    // One of the three stocks takes itchfeed long enough.
    if (skip !== false || (!LONG_RUNS && sse.slice(1).some(([stock]) => stock === name))) continue;
    const ours = ourLines(bytes);
    assert.equal(ours.length, back.count);
    // One comparison of the whole: a difference of two long lists would take minutes to print.
    const theirs = peerLines(bytes);
    const different = ours.findIndex((text, at) => text !== theirs[at]);
    assert.equal(different === -1 ? undefined : `${ours[different]} / ${theirs[different]}`, undefined, name);
    assert.equal(theirs.length, ours.length, name);
  }
});
