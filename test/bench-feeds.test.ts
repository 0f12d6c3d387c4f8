import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OpenBreaker } from '../bench/feeds/breaker.ts';
import { makeFrames, RECORDS_PER_FRAME } from '../bench/feeds/frames.ts';
import { Parser } from '../bench/feeds/parse.ts';
import { ReferenceBench } from '../bench/feeds/reference.ts';
import { ringWindow } from '../bench/feeds/ring-work.ts';
import { Visible } from '../bench/feeds/visible.ts';
import { BroadcastReader } from '../feeds/rings/broadcast-ring.ts';
import { allocateFeeds } from '../feeds/worker/feed-handles.ts';

describe('bench: the scope feeds on small inputs', () => {
  it('each frame gives four records, and none is refused', () => {
    const { snapshot, deltas } = makeFrames(500);
    const parser = new Parser(allocateFeeds({}, 1));
    parser.frame(snapshot, 0);
    const reader = new BroadcastReader(parser.handles.ring, { limit: 1000 });
    for (const [index, frame] of deltas.entries()) {
      parser.frame(frame, index);
      assert.equal(reader.poll(), RECORDS_PER_FRAME, `frame ${index}`);
    }
    parser.check(501);
  });

  it('a window of the ring reads every record, with each number of readers', () => {
    for (const readers of [1, 4]) assert.ok(ringWindow(readers).ratio > 0);
  });

  it('the last price of each window of reference prices reaches the engine', async () => {
    const bench = await ReferenceBench.start({ framesPerSecond: 500, framesPerWindow: 20, warmUpFrames: 10, windows: 2 });
    try {
      for (let window = 0; window < 2; window++) {
        const { count } = await bench.window();
        assert.ok(count >= 1 && count <= 20, String(count));
        const bare = await bench.bareWindow();
        assert.ok(bare.count >= 1 && bare.count <= 20, String(bare.count));
      }
    } finally {
      await bench.stop();
    }
  });

  it('an open breaker answers every request of a window', async () => {
    const breaker = new OpenBreaker();
    for (let window = 0; window < 2; window++) assert.equal((await breaker.window(20)).count, 20);
  });

  it('every frame of an open loop has its latencies, also in a second window', async () => {
    const visible = await Visible.start({ recordsPerSecond: 40_000, windowSeconds: 0.1, windows: 2 });
    for (let window = 0; window < 2; window++) {
      for (const { planned, taken } of [visible.window(), visible.bareWindow()]) {
        assert.deepEqual([planned.count, taken.count], [1000, 1000]);
        assert.ok(taken.p50 <= planned.p50, 'a frame is in hand after its planned time');
      }
    }
    await visible.stop();
  });
});
