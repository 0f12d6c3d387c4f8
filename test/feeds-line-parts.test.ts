import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LineClock } from '../feeds/lines/line-clock.ts';
import { SendPace } from '../feeds/lines/send-pace.ts';
import { limitsOfVenue } from '../feeds/lines/venue-limits.ts';

describe('the clock of a line', () => {
  /** Wall and monotonic time in ms, the expected receive time in us, and the steps back so far. */
  const LEDGER: readonly (readonly [wall: number, monotonic: number, us: number, steps: number])[] = [
    [1_000_000, 100, 1_000_000_000, 0],
    [1_000_001, 101, 1_000_001_000, 0],
    // Small differences between the clocks are theirs: the monotonic one counts.
    [1_000_012, 110, 1_000_010_000, 0],
    [999_990, 120, 1_000_020_000, 0],
    // An hour back: receive times go on.
    [-2_600_000, 130, 1_000_030_000, 1],
    [-2_599_000, 1130, 1_001_030_000, 1],
    // Back in time, then ahead: followed at once.
    [1_001_040, 1140, 1_001_040_000, 1],
    [4_601_050, 1150, 4_601_050_000, 1],
    [1_001_060, 1160, 4_601_060_000, 2],
  ];

  it('never goes back and follows the wall clock ahead', () => {
    let row = LEDGER[0];
    const clock = new LineClock(
      () => row[0],
      () => row[1],
    );
    for (row of LEDGER) assert.deepEqual([clock.nowUs(), clock.steps], row.slice(2), `wall ${row[0]}`);
  });

  it('never goes back, whatever the wall clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 1000 }))), (moves) => {
        let wall = 2e9;
        let monotonic = 0;
        const clock = new LineClock(
          () => wall,
          () => monotonic,
        );
        let last = clock.nowUs();
        for (const [jump, passed] of moves) {
          wall += jump;
          monotonic += passed;
          const now = clock.nowUs();
          assert.ok(now >= last && Number.isSafeInteger(now));
          assert.ok(now >= wall * 1000 - 50_001, 'at most a small step behind the wall clock');
          last = now;
        }
      }),
    );
  });
});

describe('the pace of messages', () => {
  it('sends in order and never more than the rate in any window', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let now = 0;
    t.mock.method(performance, 'now', () => now);
    const sent: [number, string][] = [];
    const pace = new SendPace<string>({ messages: 3, perMs: 1000 }, (text) => sent.push([now, text]));
    const pass = (ms: number) => {
      for (let i = 0; i < ms; i += 50) {
        now += 50;
        t.mock.timers.tick(50);
      }
    };
    for (const text of 'abcdefgh') pace.send(text);
    assert.deepEqual(sent.map(([, text]) => text).join(''), 'abc');
    pass(500);
    pace.send('i');
    pass(3000);
    assert.equal(sent.map(([, text]) => text).join(''), 'abcdefghi');
    for (const [i, [at]] of sent.entries()) if (i >= 3) assert.ok(at - sent[i - 3][0] >= 1000, `message ${i} at ${at}`);
    assert.equal(pace.waiting, 0);
  });

  it('holds a bounded number of messages and forgets them with the connection', () => {
    const sent: string[] = [];
    const pace = new SendPace<string>({ messages: 1, perMs: 3_600_000 }, (text) => sent.push(text));
    let taken = 0;
    while (pace.send('x')) taken++;
    assert.equal(taken, 1 + 4096);
    pace.clear();
    assert.deepEqual([sent.length, pace.waiting, pace.send('y')], [1, 0, true]);
    pace.clear();
  });
});

it('limits of a venue hold for its kinds, and an unknown venue has careful ones', () => {
  assert.deepEqual(limitsOfVenue('binance-us'), limitsOfVenue('binance'));
  assert.ok(limitsOfVenue('binance').sends.messages < 5 && limitsOfVenue('binance').maxAgeMs < 24 * 3_600_000);
  assert.equal(limitsOfVenue('unheard-of').sends.messages, 5);
});

/** What the venues document, docs/FEEDS.md names where: requests and messages of an address or a connection, in a time. */
const DOCUMENTED = {
  okx: { sends: { messages: 3, perMs: 1000 }, requests: { messages: 20, perMs: 2000 } },
  bitstamp: { sends: undefined, requests: { messages: 8000, perMs: 600_000 } },
} as const;

for (const [venue, documented] of Object.entries(DOCUMENTED))
  it(`${venue}: less than the venue allows`, () => {
    const ours = limitsOfVenue(venue);
    const perSecond = ({ messages, perMs }: { readonly messages: number; readonly perMs: number }) => (messages * 1000) / perMs;
    assert.ok(perSecond(ours.requests) < perSecond(documented.requests));
    if (documented.sends !== undefined) assert.ok(perSecond(ours.sends) < perSecond(documented.sends));
  });
