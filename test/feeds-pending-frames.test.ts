import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PendingFrames } from '../feeds/venues/pending-frames.ts';

function contents(pending: PendingFrames): string[] {
  return Array.from({ length: pending.count }, (_, index) => Buffer.from(pending.frame(index)).toString('latin1'));
}

test('frames are copies, in order; clear forgets them', () => {
  const pending = new PendingFrames();
  const frame = Buffer.from('one');
  assert.ok(pending.push(frame));
  frame.write('two');
  assert.ok(pending.push(frame));
  assert.deepEqual(contents(pending), ['one', 'two']);
  pending.clear();
  assert.deepEqual(contents(pending), []);
  assert.ok(pending.push(new Uint8Array(0)));
  assert.deepEqual(contents(pending), ['']);
});

test('the newest frames stay, in order, however many and large they are', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(300_000), fc.nat(20)), { maxLength: 40 }), fc.constantFrom(1, 40), (sizes, times) => {
      const pending = new PendingFrames();
      const all: string[] = [];
      for (let i = 0; i < times; i++) {
        for (const size of sizes) {
          const frame = String(all.length).padEnd(size, 'x');
          all.push(frame);
          assert.ok(pending.push(Buffer.from(frame, 'latin1')));
        }
      }
      const kept = contents(pending);
      assert.deepEqual(kept, all.slice(all.length - kept.length));
      const bytes = kept.reduce((sum, { length }) => sum + length, 0);
      assert.ok(bytes <= 2 ** 20 && kept.length <= 1024, `${bytes} bytes, ${kept.length} frames`);
      const next = all.at(-kept.length - 1);
      if (next !== undefined) assert.ok(bytes > 2 ** 18 || kept.length >= 512, 'no more than half was forgotten');
    }),
    { numRuns: 50 },
  );
});

test('a frame that is larger than the room is not kept, and what was before it is useless', () => {
  const pending = new PendingFrames();
  pending.push(Buffer.from('one'));
  assert.equal(pending.push(new Uint8Array(2 ** 20 + 1)), false);
  assert.deepEqual(contents(pending), []);
});
