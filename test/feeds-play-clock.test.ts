import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CLOCK_BACK_US, LONGEST_PAUSE_US, PlayClock } from '../feeds/lines/play-clock.ts';

const S = 1e6;
const DAY = 1_700_000_000 * S;

test('records are due by their times, the speed, and what is left out', () => {
  const table: readonly (readonly [what: string, speed: number, seconds: readonly number[], due: readonly number[]])[] = [
    ['the recorded speed', 1, [0, 1, 1, 3.5], [0, 1, 1, 3.5]],
    ['twice', 2, [0, 1, 3], [0, 0.5, 1.5]],
    ['half', 0.5, [0, 1], [0, 2]],
    ['all at once', Number.POSITIVE_INFINITY, [0, 1, 1000], [0, 0, 0]],
    ['late by a moment: with the one before', 1, [0, 5, 4.5, 6], [0, 5, 5, 6]],
    ['back: times count from there on', 1, [0, 5, 1, 2, 6], [0, 5, 5, 6, 10]],
    ['a night is left out', 1, [0, 1, 40_000, 40_002], [0, 1, 1, 3]],
    ['one wrong time costs nothing', 1, [0, 1, 1e9, 2, 3], [0, 1, 1, 1, 2]],
    ['an hour is not left out', 1, [0, 3600, 3601], [0, 3600, 3601]],
  ];
  for (const [what, speed, seconds, due] of table) {
    const clock = new PlayClock(speed);
    assert.deepEqual(
      seconds.map((second) => clock.due(DAY + second * S, 7 * S) / S - 7),
      due,
      what,
    );
  }
});

test('records without a time are due with the one before; the first one at once', () => {
  const clock = new PlayClock(1);
  assert.equal(clock.due(0, 5 * S), 5 * S);
  assert.equal(clock.due(DAY, 9 * S), 9 * S);
  assert.equal(clock.due(DAY + 2 * S, 9 * S), 11 * S);
  assert.equal(clock.due(0, 100 * S), 11 * S);
});

test('whatever the times are, due times never go back, and no step is longer than the longest pause', () => {
  const times = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 52 }), fc.integer({ min: DAY, max: DAY + 10 * S })));
  fc.assert(
    fc.property(times, fc.constantFrom(0.5, 1, 20), (list, speed) => {
      const clock = new PlayClock(speed);
      let before = 0;
      for (const time of list) {
        const due = clock.due(time, 0);
        assert.ok(due >= before && due - before <= (LONGEST_PAUSE_US + CLOCK_BACK_US) / speed, `${time}: ${due} after ${before}`);
        before = due;
      }
    }),
  );
});
