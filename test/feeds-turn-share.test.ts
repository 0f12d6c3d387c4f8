import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TurnShare } from '../feeds/lines/turn-share.ts';

const SHARE = 64 * 1024;

/** A line whose turns the test makes. Frames have a number in their first bytes; `log` has what the line did. */
class Desk {
  readonly log: (number | string)[] = [];
  readonly share: TurnShare;
  onFrame: ((number: number) => void) | undefined;
  #turns: (() => void)[] = [];

  constructor(waitingBytes = 1 << 20) {
    this.share = new TurnShare({
      deliver: (bytes) => {
        const number = new DataView(bytes.buffer).getUint32(0);
        this.log.push(number);
        this.onFrame?.(number);
      },
      pause: () => this.log.push('pause'),
      resume: () => this.log.push('resume'),
      overflow: () => this.log.push('overflow'),
      waitingBytes,
      nextTurn: (call) => this.#turns.push(call),
    });
  }

  /** The next turn of the event loop. @returns what was done in it */
  turn(): (number | string)[] {
    this.log.length = 0;
    const calls = this.#turns;
    this.#turns = [];
    assert.ok(calls.length <= 1, 'one call a turn');
    for (const call of calls) call();
    return [...this.log];
  }

  get idle(): boolean {
    return this.#turns.length === 0;
  }

  frame(number: number, size: number): void {
    const bytes = new Uint8Array(size);
    new DataView(bytes.buffer).setUint32(0, number);
    this.share.frame(bytes, false);
  }
}

describe('share of a turn', () => {
  it('frames within it are read at once; those beyond it wait for the next turns, in order, and the connection with them', () => {
    const desk = new Desk();
    for (let i = 0; i < 4; i++) desk.frame(i, SHARE / 2);
    assert.deepEqual(desk.log, [0, 1, 'pause']);
    assert.deepEqual(desk.turn(), [2, 3, 'resume']);
    assert.deepEqual(desk.turn(), []);
    assert.ok(desk.idle, 'a quiet line makes no turns');
    desk.frame(4, SHARE / 2);
    assert.deepEqual(desk.log, [4]);
  });

  it('a frame that came is not read before one that waits', () => {
    const desk = new Desk();
    for (let i = 0; i < 4; i++) desk.frame(i, SHARE);
    assert.deepEqual(desk.turn(), [1]);
    desk.frame(4, 4);
    assert.deepEqual(desk.turn(), [2]);
    assert.deepEqual(desk.turn(), [3]);
    assert.deepEqual(desk.turn(), [4, 'resume']);
  });

  it('a frame is not split, however large, and small ones count for more than their bytes', () => {
    const desk = new Desk();
    desk.frame(0, 100 * SHARE);
    desk.frame(1, 4);
    assert.deepEqual(desk.log, [0, 'pause']);
    assert.deepEqual(desk.turn(), [1, 'resume']);
    desk.turn();
    for (let i = 0; i < 2000; i++) desk.frame(i, 4);
    assert.equal(desk.log.at(-1), 'pause');
    assert.ok(desk.log.length < 1000);
  });

  it('at the end of a connection, what waits is read; what is given up is not', () => {
    const desk = new Desk();
    for (let i = 0; i < 5; i++) desk.frame(i, SHARE);
    desk.log.length = 0;
    desk.share.drain();
    assert.deepEqual(desk.log, [1, 2, 3, 4, 'resume']);
    for (let i = 0; i < 5; i++) desk.frame(i, SHARE);
    desk.share.clear();
    assert.deepEqual(desk.turn(), []);
    // The adapter gives up the line while it reads a frame.
    const other = new Desk();
    other.onFrame = (number) => number === 1 && other.share.clear();
    for (let i = 0; i < 5; i++) other.frame(i, i === 0 ? SHARE : SHARE / 4);
    assert.deepEqual(other.turn(), [1, 'resume']);
    assert.deepEqual(other.turn(), []);
  });

  it('more than may wait is dropped, and said once', () => {
    const desk = new Desk(SHARE * 2);
    for (let i = 0; i < 4; i++) desk.frame(i, SHARE);
    assert.deepEqual(desk.log, [0, 'pause', 'resume', 'overflow', 'pause']);
  });

  it('every frame is read once, in order, and no turn reads more than the share and a frame', () => {
    const step = fc.oneof(fc.integer({ min: 4, max: SHARE }), fc.integer({ min: 4, max: 200 }), fc.constant(0));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (sizes) => {
        const desk = new Desk(Number.POSITIVE_INFINITY);
        const read: number[] = [];
        let [bytes, most, paused] = [0, 0, false];
        desk.onFrame = (number) => {
          read.push(number);
          bytes += sizes[number];
          most = Math.max(most, bytes);
        };
        const turn = (): void => {
          bytes = 0;
          for (const done of desk.turn()) if (typeof done === 'string') paused = done === 'pause';
        };
        for (const [number, size] of sizes.entries()) {
          if (size === 0) turn();
          else desk.frame(number, size);
          for (const done of desk.log) if (typeof done === 'string') paused = done === 'pause';
        }
        while (!desk.idle) turn();
        assert.deepEqual(
          read,
          [...sizes.keys()].filter((number) => sizes[number] > 0),
        );
        assert.ok(most < 2 * SHARE, `${most} bytes in a turn`);
        assert.equal(paused, false);
      }),
      { numRuns: 200 },
    );
  });
});
