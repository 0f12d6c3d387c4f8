import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FramePool } from '../gateway/sessions/frame-pool.ts';

describe('the memory of outgoing frames', () => {
  it('is used again once it is given back, and not before', () => {
    const pool = new FramePool();
    const first = pool.take(300);
    const second = pool.take(300);
    assert.notEqual(second.buffer, first.buffer);
    pool.give(first);
    const third = pool.take(400);
    assert.equal(third.buffer, first.buffer, '300 and 400 bytes have chunks of one size');
    assert.notEqual(pool.take(400).buffer, first.buffer);
  });

  for (const bytes of [1, 256, 257, 512, 513, 131_072, 262_144, 262_145, 1_000_000]) {
    it(`${bytes} bytes are exactly that, new and used again`, () => {
      const pool = new FramePool();
      for (let round = 0; round < 3; round++) {
        const frame = pool.take(bytes);
        assert.equal(frame.length, bytes);
        frame.fill(round);
        pool.give(frame);
      }
    });
  }

  it('keeps no more than 4 MiB', () => {
    const pool = new FramePool();
    const frames = Array.from({ length: 40 }, () => pool.take(131_072));
    const known = new Set(frames.map(({ buffer }) => buffer));
    for (const frame of frames) pool.give(frame);
    const again = frames.filter(() => known.has(pool.take(131_072).buffer));
    assert.equal(again.length, (4 * 1024 * 1024) / 131_072);
  });
});
