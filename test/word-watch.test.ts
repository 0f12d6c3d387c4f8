import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { WordWatch } from '../engine/threads/word-watch.ts';
import { until } from './support/until.ts';

function watched(): { words: Int32Array; watch: WordWatch; calls: () => number; set: (value: number) => void } {
  const words = new Int32Array(new SharedArrayBuffer(16));
  let calls = 0;
  const watch = new WordWatch(words, 2, () => calls++);
  const set = (value: number): void => {
    Atomics.store(words, 2, value);
    Atomics.notify(words, 2);
  };
  return { words, watch, calls: () => calls, set };
}

test('a change while it waits calls back once, however often it was asked to wait', async () => {
  const { watch, calls, set } = watched();
  watch.look();
  watch.wait();
  watch.wait();
  assert.equal(watch.changed, false);
  set(1);
  assert.equal(watch.changed, true);
  assert.equal(calls(), 0, 'not within the change');
  await until(() => calls() === 1, 'the call back');
  set(2);
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.equal(calls(), 1, 'it does not wait any more');
  watch.look();
  watch.wait();
  set(3);
  await until(() => calls() === 2, 'the call back');
});

test('a change between the look and the wait is not lost', async () => {
  const { watch, calls, set } = watched();
  watch.look();
  set(7);
  watch.wait();
  assert.equal(calls(), 0, 'in a later turn');
  await until(() => calls() === 1, 'the call back');
});

test('a word that is not the watched one does not call back', async () => {
  const { words, watch, calls, set } = watched();
  watch.wait();
  Atomics.store(words, 1, 5);
  Atomics.notify(words, 1);
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.deepEqual([calls(), watch.changed], [0, false]);
  set(1);
  await until(() => calls() === 1, 'the call back');
});
