import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CapturePlayer } from '../feeds/files/capture-player.ts';
import type { CaptureEvent } from '../feeds/files/captures.ts';
import { NotingAdapter } from './support/loopback-venue.ts';

/** Events as a table: `connection time-in-ms what`. Times begin at 1,000 s. */
function events(rows: readonly string[]): CaptureEvent[] {
  return rows.map((row) => {
    const [conn, ms, kind, data = ''] = row.split(' ');
    const timeUs = 1e9 + Number(ms) * 1000;
    if (kind === 'connect') return { kind, conn, timeUs, address: 'wss://x' };
    if (kind === 'http') return { kind, conn, timeUs, url: 'https://x/list', data };
    return { kind: kind === 'send' ? 'send' : 'recv', conn, timeUs, data };
  });
}

const ROWS = [
  'a 0 connect',
  'h 100 http list',
  'a 200 send sub',
  'a 300 recv one',
  'a 2000 recv two',
  'b 2500 connect',
  'b 2600 recv three',
];

function player(rows: readonly string[]) {
  const adapter = new NotingAdapter('', { send: () => undefined, fetch: () => undefined, reconnect: () => undefined });
  const times: number[] = [];
  const timed = new Proxy(adapter, {
    get(target, name: keyof NotingAdapter) {
      const value = target[name] as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (name !== 'tick') times.push((args.at(-1) as number) / 1000);
        return (value as (...all: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  return { play: new CapturePlayer(events(rows), timed), notes: adapter.notes, times };
}

it('events are played once, up to a time, with the times of the present; a later connection is a new one', () => {
  const { play, notes, times } = player(ROWS);
  assert.equal(play.beginUs, 1e9);
  play.playUntil(1e9 + 300_000, 5e9);
  assert.deepEqual(notes, ['opened', 'answer /list list', 'frame one']);
  assert.deepEqual(times, [6_000_000, 6_000_100, 6_000_300]);
  play.playUntil(1e9 + 300_000, 5e9);
  assert.equal(notes.length, 3);
  assert.equal(play.ended, false);
  play.playUntil(Number.POSITIVE_INFINITY);
  assert.deepEqual(notes.slice(3), ['frame two', 'closed', 'opened', 'frame three']);
  assert.equal(play.ended, true);
});

it('a rewind ends the connection and begins anew; no time is before the least', () => {
  const { play, notes, times } = player(ROWS);
  play.playUntil(Number.POSITIVE_INFINITY);
  const before = notes.length;
  play.rewind(9e9);
  assert.equal(play.ended, false);
  play.playUntil(1e9 + 2_000_000, 8e9, 9e9 + 200_000);
  assert.deepEqual(notes.slice(before), ['closed', 'opened', 'answer /list list', 'frame one', 'frame two']);
  assert.deepEqual(times.slice(before), [9_000_000, 9_000_200, 9_000_200, 9_000_300, 9_002_000]);
});

it('the lead ends a moment after the last subscription or answer of the first ten seconds', () => {
  const cases: [string[], number][] = [
    [ROWS, 400],
    [['a 0 connect', 'a 50 recv one'], 0],
    [['a 0 connect', 'a 9000 send sub', 'a 10001 send ping'], 9200],
    [[], -1e6],
  ];
  for (const [rows, ms] of cases) assert.equal(player(rows).play.leadEndUs, 1e9 + ms * 1000, String(rows));
});
