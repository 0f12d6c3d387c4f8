import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateControl, Control } from '../engine/threads/control.ts';

test('a read that the engine disturbs is repeated, one during a change too', () => {
  const memory = allocateControl();
  const [engine, reader] = [new Control(memory), new Control(memory)];
  let value = 0;
  let reads = 0;
  const read = (disturb: (attempt: number) => void): number =>
    reader.readConsistently(() => {
      const before = value;
      disturb(++reads);
      return before;
    });
  const change = (): void => {
    engine.beginChange();
    value++;
    engine.endChange();
  };
  assert.equal(
    read(() => undefined),
    0,
  );
  assert.equal(reads, 1, 'an undisturbed read is done once');
  reads = 0;
  const seen = read((attempt) => attempt <= 3 && change());
  assert.deepEqual([seen, value, reads], [3, 3, 4]);
  // The engine is in the middle of a change when the read begins, and ends it during the second attempt.
  reads = 0;
  engine.beginChange();
  value = 10;
  const after = read((attempt) => {
    if (attempt !== 2) return;
    value = 11;
    engine.endChange();
  });
  assert.deepEqual([after, reads], [11, 3]);
});

test('the engine never waits for a reader: a read that is always disturbed ends with what it saw last', () => {
  const control = new Control(allocateControl());
  let reads = 0;
  const last = control.readConsistently(() => {
    control.beginChange();
    control.endChange();
    return ++reads;
  });
  assert.equal(last, reads);
  assert.ok(reads > 10);
});
