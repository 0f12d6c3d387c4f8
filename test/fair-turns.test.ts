/** Work that is bounded per turn of the event loop: everyone who waits gets a turn, in order, and no one is forgotten or called twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairTurns, type TurnOwner } from '../gateway/fair-turns.ts';

/** Longer than a turn has time for. */
function work(): void {
  for (const end = performance.now() + 1; performance.now() < end; );
}

/** Does pieces of work until it has none, or has to wait. */
class Worker implements TurnOwner {
  readonly #turns: FairTurns;
  readonly #log: string[];
  readonly #name: string;
  readonly #work: () => void;
  left: number;

  constructor(turns: FairTurns, log: string[], name: string, pieces: number, piece: () => void = work) {
    this.#work = piece;
    this.#turns = turns;
    this.#log = log;
    this.#name = name;
    this.left = pieces;
  }

  onTurn(): void {
    while (this.left > 0 && this.#turns.now(this)) {
      this.left--;
      this.#log.push(this.#name);
      this.#work();
    }
  }
}

test('owners with much work take turns, a piece each', async () => {
  const turns = new FairTurns();
  const log: string[] = [];
  const workers = ['a', 'b', 'c'].map((name) => new Worker(turns, log, name, 4));
  for (const worker of workers) worker.onTurn();
  assert.deepEqual(log, ['a'], 'the first piece takes the time of the turn');
  while (workers.some(({ left }) => left > 0)) await new Promise(setImmediate);
  // After its first piece, a waits behind none.
  assert.deepEqual(log.slice(1).join(''), 'abcabcabcbc');
});

test('a piece that takes no time is followed by that of the next owner', async () => {
  const turns = new FairTurns();
  const log: string[] = [];
  new Worker(turns, log, '', 1).onTurn();
  const workers = ['a', 'b'].map((name) => new Worker(turns, log, name, 3, () => undefined));
  for (const worker of workers) worker.onTurn();
  while (workers.some(({ left }) => left > 0)) await new Promise(setImmediate);
  assert.equal(log.join(''), 'ababab');
});

test('one who has left gets no turn', async () => {
  const turns = new FairTurns();
  const log: string[] = [];
  const [first, gone, last] = ['first', 'gone', 'last'].map((name) => new Worker(turns, log, name, 2));
  for (const worker of [first, gone, last]) worker.onTurn();
  turns.forget(gone);
  while (last.left > 0 || first.left > 0) await new Promise(setImmediate);
  assert.equal(gone.left, 2);
  assert.equal(log.includes('gone'), false);
});

test('there is time again in the next turn', async () => {
  const turns = new FairTurns();
  const one = new Worker(turns, [], 'one', 1);
  one.onTurn();
  await new Promise(setImmediate);
  const other = new Worker(turns, [], 'other', 1);
  other.onTurn();
  assert.equal(other.left, 0);
});
