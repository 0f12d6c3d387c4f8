import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { DutyLimit } from '../engine/threads/duty-limit.ts';

function work(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

/** How long the rest after `ms` of work was, milliseconds. */
function restAfter(limit: DutyLimit, ms: number): number {
  work(ms);
  const from = performance.now();
  limit.rest();
  return performance.now() - from;
}

test('work is followed by a rest of nine times its length; very short work by none', () => {
  const limit = new DutyLimit(DutyLimit.allocate());
  limit.rest();
  assert.ok(restAfter(limit, 3) >= 27);
  let rests = 0;
  for (let i = 0; i < 1000; i++) if (restAfter(limit, 0) > 0.5) rests++;
  assert.ok(rests < 500, `${rests} rests`);
});

test('a lifted limit has no rests', () => {
  const word = DutyLimit.allocate();
  const limit = new DutyLimit(word);
  DutyLimit.lift(word);
  assert.ok(restAfter(limit, 500) < 2000);
});

test('lifting it ends the current rest', async () => {
  const word = DutyLimit.allocate();
  const rested = new Promise<void>((resolve, reject) => {
    // An hour of work by the clock that it reads, and a rest of nine.
    const code = `
      import { parentPort, workerData } from 'node:worker_threads';
      import { DutyLimit } from ${JSON.stringify(new URL('../engine/threads/duty-limit.ts', import.meta.url).href)};
      let now = 0;
      performance.now = () => now;
      const limit = new DutyLimit(workerData);
      now = 3_600_000;
      parentPort.postMessage('rests');
      limit.rest();`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData: word });
    worker.once('message', () => setTimeout(() => DutyLimit.lift(word), 20));
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
  await rested;
});

test('a rest before a long piece of work comes in any case, and its length is the given one', () => {
  const limit = new DutyLimit(DutyLimit.allocate(), 1000);
  work(2);
  limit.rest();
  assert.equal(limit.rested, 0);
  limit.restBefore(3);
  assert.ok(limit.rested >= 6, `${limit.rested} ms`);
});
