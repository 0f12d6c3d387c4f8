/** bench/waits.ts: what is read from the scheduler's events. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SchedulerTrace } from '../bench/waits/scheduler-trace.ts';
import { figuresOf, timesOf } from '../bench/waits/turn-figures.ts';

const NAMES = new Map([
  [10, 'io'],
  [11, 'worker 1'],
]);

const at = (ms: number): string => `[000] ${(100 + ms / 1000).toFixed(6)}:`;
const wake = (ms: number, tid: number): string => `${at(ms)}     sched:sched_wakeup: comm=some name pid=${tid} prio=120 target_cpu=000`;
const change = (ms: number, from: number, state: string, to: number): string =>
  `${at(ms)}       sched:sched_switch: prev_comm=a b prev_pid=${from} prev_prio=120 prev_state=${state} ==> next_comm=kdamond.0 next_pid=${to} next_prio=120`;

function traceOf(lines: readonly string[]): SchedulerTrace {
  const trace = new SchedulerTrace(10, NAMES);
  for (const line of lines) trace.line(line);
  return trace;
}

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

test('a wait begins with the wake-up, or where the thread was displaced, and names who ran', () => {
  const { waits, stretches } = traceOf([
    change(0, 0, 'R', 11),
    wake(1, 10),
    change(3, 11, 'S', 10),
    change(4, 10, 'R+', 99),
    'a line of something else',
    change(4.5, 99, 'S', 10),
    change(5, 10, 'S', 0),
    wake(6, 10),
    change(6, 0, 'R', 10),
  ]);
  assert.deepEqual(
    waits.map(({ ms, ran }) => [rounded(ms), [...ran].map(([name, ranMs]) => [name, rounded(ranMs)])]),
    [
      [2, [['worker 1', 2]]],
      [0.5, [['other: kdamond.0', 0.5]]],
      [0, []],
    ],
  );
  assert.deepEqual(stretches.get('worker 1')?.map(rounded), [3]);
  assert.deepEqual(stretches.get('io')?.map(rounded), [1, 0.5]);
});

test('figures: long waits, which of them are our own, and stretches', () => {
  const trace = traceOf([
    change(0, 0, 'R', 11),
    wake(1, 10),
    change(3, 11, 'S', 10),
    change(4, 10, 'R', 99),
    change(6, 99, 'S', 10),
    change(7, 10, 'S', 0),
  ]);
  const figures = figuresOf(trace, NAMES, 1);
  assert.equal(figures['waits of io over 1 ms, a second'], 2);
  assert.equal(figures['  of these our own'], 1);
  assert.equal(figures['worker 1: over 0.1 ms, a second'], 1);
});

test('the processor time per order is divided by thread, and threads that began later have a name', () => {
  const thread = (tid: number, ranMs: number, waitedMs: number) => ({ tid, comm: 'node', ranMs, waitedMs });
  const figures = timesOf([thread(10, 5, 1), thread(11, 1, 0)], [thread(10, 15, 3), thread(11, 3, 0), thread(12, 4, 0)], NAMES, 1000, 1);
  assert.deepEqual(figures, {
    'CPU per order, us': 16,
    '  io': 10,
    'io ready and not on a core, % of the time': 0.2,
    '  worker 1': 2,
    '  later threads': 4,
  });
});
