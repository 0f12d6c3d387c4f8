import { setImmediate as turn } from 'node:timers/promises';
import { Bench } from 'tinybench';
import { assert } from '../../engine/assert.ts';
import { median } from '../suite/result.ts';
import type { ScopeContext } from '../suite/scope.ts';
import { OurBook } from './our-book.ts';
import { PeerBook } from './peer-book.ts';
import { type BookCase, base, CASES, type Work } from './work.ts';

export interface MicroPlan {
  /** Measured time of one case of one book in one window. */
  readonly windowMs: number;
  readonly warmUpMs: number;
}

/** One case, by window. */
export interface MicroFigures {
  readonly name: string;
  readonly title: string;
  readonly windows: readonly Turns[];
}

interface Turns {
  /** Operations/s. */
  readonly ours: number;
  readonly theirs: number;
  /** The median of all turns. */
  readonly ratio: number;
}

/** Turns of each book in a window; even, so that each book is first as often as second. */
export const TURNS = 6;

interface Book<Prepared> {
  prepare(work: Work): Prepared;
  run(prepared: Prepared): void;
  takeFills(): number;
  levels(): string[];
}

/** One case in one book, ready for repeated measurement. */
interface Runner {
  readonly before: () => void;
  readonly timed: () => void;
  readonly after: () => void;
  readonly levels: () => string[];
}

function runnerFor<Prepared>(book: Book<Prepared>, { name, before, timed, after, fills }: BookCase): Runner {
  const prepared = [before, timed, after].map((work) => work && book.prepare(work));
  const run = (index: number) => (): void => {
    const work = prepared[index];
    if (work !== undefined) book.run(work);
  };
  const [first, measured, last] = [run(0), run(1), run(2)];
  return {
    before: () => {
      first();
      book.takeFills();
    },
    timed: measured,
    after: () => {
      const made = book.takeFills();
      assert(made === fills, `book: ${name} made ${made} fills, not ${fills}`);
      last();
      book.takeFills();
    },
    levels: () => book.levels(),
  };
}

/** Every case, in our book and in the peer's, turn by turn, window by window. @throws InvariantError when their results differ */
export async function runMicro(
  plan: MicroPlan,
  context: ScopeContext,
  progress: (what: string, done: number) => void,
): Promise<MicroFigures[]> {
  const [ours, theirs] = [new OurBook(), new PeerBook()];
  ours.run(ours.prepare(base));
  ours.takeFills();
  theirs.run(theirs.prepare(base));
  const figures = CASES.map((each) => ({
    name: each.name,
    title: each.title,
    operations: each.timed.orders.length,
    runners: [runnerFor(ours, each), runnerFor(theirs, each)] as const,
    windows: [] as Turns[],
  }));
  for (const { name, runners } of figures) requireSameWork(name, runners);
  for (let window = -1; window < context.windows; window++) {
    for (const [index, { name, title, operations, runners, windows }] of figures.entries()) {
      await turn();
      context.signal.throwIfAborted();
      progress(
        window < 0 ? `${title}: warm-up` : `${title}, window ${window + 1} of ${context.windows}`,
        (window + 1 + index / CASES.length) / (context.windows + 1),
      );
      const each = inTurns(name, runners, operations, window < 0 ? plan.warmUpMs : plan.windowMs);
      if (window >= 0) windows.push(each);
    }
  }
  for (const { name, runners } of figures) requireSameWork(name, runners);
  return figures.map(({ name, title, windows }) => ({ name, title, windows }));
}

/**
 * Both books in one window, in short turns. A disturbance that is longer than a turn slows both books; a shorter one
 * affects single turns, whose ratio is then not the median.
 */
function inTurns(name: string, runners: readonly [Runner, Runner], operations: number, ms: number): Turns {
  const seconds = [0, 0];
  const ratios: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const rate = [0, 0];
    // The order of the books alternates with the turn.
    for (const who of (turn & 1) === 0 ? [0, 1] : [1, 0]) {
      rate[who] = operationsPerSecond(name, runners[who], operations, ms / TURNS);
      seconds[who] += 1 / rate[who];
    }
    ratios.push(rate[0] / rate[1]);
  }
  return { ours: TURNS / seconds[0], theirs: TURNS / seconds[1], ratio: median(ratios) };
}

function operationsPerSecond(name: string, { before, timed, after }: Runner, operations: number, ms: number): number {
  globalThis.gc?.();
  const bench = new Bench({ time: ms, iterations: 1, warmup: false, throws: true });
  // Without `async: false`, tinybench calls it once without the hooks, to inspect the return value.
  bench.add(name, timed, { async: false, beforeEach: before, afterEach: after });
  const [task] = bench.runSync();
  const { result } = task;
  assert(result.state === 'completed', `book: ${name} is ${result.state}`);
  return (operations / result.latency.mean) * 1000;
}

/** One unmeasured round: both books have the same levels before, in the middle and after. */
function requireSameWork(name: string, runners: readonly Runner[]): void {
  for (const step of ['before', 'timed', 'after'] as const) {
    for (const runner of runners) runner[step]();
    const [ours, theirs] = runners.map((runner) => runner.levels().join('\n'));
    assert(ours === theirs, `book: after '${step}' of ${name} the two books have other levels`);
  }
}
