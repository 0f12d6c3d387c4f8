import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairQueue, QueueFullError } from '../gateway/taps/history/fair-queue.ts';

test('callers take turns, each has a bounded queue, and a failure frees its place', async () => {
  const queue = new FairQueue(1, 3, 4);
  const done: string[] = [];
  const finish: (() => void)[] = [];
  const run = (caller: string, work?: Promise<never>) =>
    queue
      .run(caller, () => work ?? new Promise<void>((resolve) => finish.push(resolve)))
      .then(
        () => done.push(caller),
        () => done.push(`${caller} failed`),
      );
  const first = run('a');
  const rest = [run('a'), run('a'), run('a'), run('b')];
  assert.deepEqual([finish.length, queue.waiting], [1, 4]);
  assert.throws(() => run('a'), QueueFullError, 'the queue of a caller');
  assert.throws(() => run('c'), QueueFullError, 'the queue of all');
  for (let i = 0; i < 5; i++) {
    finish[i]();
    while (done.length === i) await new Promise(setImmediate);
  }
  await Promise.all([first, ...rest]);
  assert.deepEqual(done, ['a', 'a', 'b', 'a', 'a']);
  await run('d', Promise.reject(new Error('no')));
  assert.deepEqual(done.at(-1), 'd failed');
  const next = run('e');
  assert.equal(finish.length, 6, 'its place is free');
  finish[5]();
  await next;
  assert.equal(queue.waiting, 0);
});
