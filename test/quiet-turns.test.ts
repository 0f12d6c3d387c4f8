/** Orders first: in which turns of the event loop slices of background work run. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QuietTurns } from '../gateway/quiet-turns.ts';
import { Slices } from '../gateway/slices.ts';

/** A clock that only a test moves, and turns with orders as a test requests them. */
class Thread {
  nowMs = 0;
  readonly orders = { turns: 0, scheduled: false };
  readonly turns = new QuietTurns(() => this.nowMs);
  readonly ran: string[] = [];

  constructor() {
    this.turns.after(this.orders);
  }

  slice(name: string, tookMs = 0): void {
    this.turns.next(() => {
      this.nowMs += tookMs;
      this.ran.push(name);
    });
  }

  /** Turns of the event loop, each with or without orders. @returns what ran in them */
  async pass(count: number, withOrders: boolean): Promise<string[]> {
    for (let i = 0; i < count; i++) {
      if (withOrders) this.orders.turns++;
      await new Promise(setImmediate);
    }
    return this.ran.splice(0);
  }
}

describe('slices of background work', () => {
  it('run one a turn, in the sequence of their requests', async () => {
    const thread = new Thread();
    for (const name of ['a', 'b', 'c']) thread.slice(name);
    assert.deepEqual(thread.ran, []);
    assert.deepEqual(await thread.pass(1, false), ['a']);
    assert.deepEqual(await thread.pass(1, false), ['b']);
    assert.deepEqual(await thread.pass(1, false), ['c']);
  });

  it('wait while orders are processed, or are about to be', async () => {
    const thread = new Thread();
    thread.slice('a');
    assert.deepEqual(await thread.pass(5, true), []);
    thread.orders.scheduled = true;
    assert.deepEqual(await thread.pass(5, false), []);
    thread.orders.scheduled = false;
    assert.deepEqual(await thread.pass(1, false), ['a']);
  });

  it('take a third of the time when orders come without a pause', async () => {
    const thread = new Thread();
    thread.slice('a', 0.2);
    await thread.pass(3, true);
    thread.nowMs += 0.1;
    assert.deepEqual(await thread.pass(1, true), ['a']);
    thread.slice('b', 7);
    thread.nowMs += 0.39;
    assert.deepEqual(await thread.pass(3, true), []);
    thread.nowMs += 0.02;
    assert.deepEqual(await thread.pass(1, true), ['b']);
    // However long a slice took, the next one waits for a millisecond at most.
    thread.slice('c');
    thread.nowMs += 1;
    assert.deepEqual(await thread.pass(2, true), ['c']);
  });

  it('are prompt on request: also in turns with orders, unless they have had a third of the time since the last one', async () => {
    const thread = new Thread();
    const prompt = (name: string, tookMs: number): void =>
      thread.turns.promptly(() => {
        thread.nowMs += tookMs;
        thread.ran.push(name);
      });
    thread.nowMs = 5;
    prompt('a', 0.2);
    assert.deepEqual(await thread.pass(1, true), ['a']);
    prompt('b', 0.04);
    thread.nowMs += 0.39;
    assert.deepEqual(await thread.pass(3, true), []);
    thread.nowMs += 0.02;
    assert.deepEqual(await thread.pass(1, true), ['b']);
    // It has waited for its part of the time before the request.
    thread.nowMs += 0.11;
    prompt('c', 0);
    assert.deepEqual(await thread.pass(1, true), ['c']);
    // They keep the sequence of the requests.
    thread.slice('d');
    prompt('e', 0);
    thread.nowMs += 0.05;
    assert.deepEqual(await thread.pass(3, true), []);
    assert.deepEqual(await thread.pass(2, false), ['d', 'e']);
  });

  it('that are prompt also run at the end of a turn of orders, within their third of the time, once', async () => {
    const thread = new Thread();
    const prompt = (name: string, tookMs: number): void =>
      thread.turns.promptly(() => {
        thread.nowMs += tookMs;
        thread.ran.push(name);
      });
    thread.turns.atTurnEnd();
    thread.nowMs = 5;
    prompt('a', 0.2);
    thread.turns.atTurnEnd();
    assert.deepEqual(thread.ran, ['a']);
    assert.deepEqual(await thread.pass(2, false), ['a'], 'not again in the next turn of the event loop');
    prompt('b', 0);
    thread.nowMs += 0.39;
    thread.turns.atTurnEnd();
    assert.deepEqual(thread.ran, []);
    thread.nowMs += 0.02;
    thread.turns.atTurnEnd();
    assert.deepEqual(thread.ran.splice(0), ['b']);
    // One at a time, in the sequence of the requests; slices that are not prompt wait for a turn without orders.
    thread.nowMs += 1;
    prompt('c', 0);
    prompt('d', 0);
    thread.turns.atTurnEnd();
    assert.deepEqual(thread.ran.splice(0), ['c']);
    assert.deepEqual(await thread.pass(1, false), ['d']);
    thread.nowMs += 1;
    thread.slice('e');
    prompt('f', 0);
    thread.turns.atTurnEnd();
    assert.deepEqual(thread.ran, []);
    assert.deepEqual(await thread.pass(2, false), ['e', 'f']);
  });

  it('may request further ones', async () => {
    const thread = new Thread();
    thread.turns.next(() => thread.slice('later'));
    thread.slice('a');
    assert.deepEqual(await thread.pass(3, false), ['a', 'later']);
    assert.deepEqual(await thread.pass(2, false), []);
    thread.slice('b');
    assert.deepEqual(await thread.pass(1, false), ['b']);
  });

  it('jobs in slices end beside orders without a pause, each owner in turn', async () => {
    const slices = new Slices();
    const orders = { turns: 0, scheduled: true };
    slices.turns.after(orders);
    const done: string[] = [];
    const job = function* (name: string): Generator<undefined, void> {
      for (let i = 0; i < 3; i++) yield;
      done.push(name);
    };
    await Promise.all(['a', 'b', 'a'].map((owner, i) => slices.run(owner, job(`${owner}${i}`))));
    assert.deepEqual(done, ['a0', 'b1', 'a2']);
    assert.equal(slices.pending, 0);
  });

  it('a piece may add a job of its owner, beside others that wait', { timeout: 300_000 }, async () => {
    const slices = new Slices();
    const done: string[] = [];
    const part = function* (name: string): Generator<undefined, void> {
      yield;
      done.push(name);
    };
    const begin = (name: string): Promise<void> => slices.begin('a', () => slices.run('a', part(name)));
    await Promise.all(['one', 'two', 'three'].map(begin));
    assert.deepEqual(done, ['one', 'two', 'three']);
    assert.equal(slices.pending, 0);
  });
});
