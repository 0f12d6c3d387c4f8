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
    assert.equal(pool.take(300), first, 'with its buffer');
    assert.notEqual(pool.take(300).buffer, first.buffer);
  });

  it('beyond 64 lengths is shared by frames whose chunks have one size', () => {
    const pool = new FramePool();
    for (let length = 1; length <= 64; length++) pool.give(pool.take(length));
    const first = pool.take(300);
    pool.give(first);
    assert.equal(pool.take(400).buffer, first.buffer);
    assert.notEqual(pool.take(400).buffer, first.buffer);
    assert.equal(pool.take(64).length, 64);
  });

  it('of one length does not take the place of the others', () => {
    const pool = new FramePool();
    const many = Array.from({ length: 17_000 }, () => pool.take(200));
    for (const frame of many) pool.give(frame);
    const other = pool.take(150);
    assert.ok(
      many.some(({ buffer }) => buffer === other.buffer),
      'memory of frames of 200 bytes',
    );
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
