/**
 * node bench/book/core-sharing.ts [SECONDS]
 *
 * Shows whether this machine shares its cores. A virtual core is often one of the two hardware threads of a core, and
 * another tenant on the other thread takes up to half of it. No counter of the machine shows that: it is neither steal,
 * nor a wait, nor a lower frequency. Measured five times a second, in ns:
 *
 * - chained: a loop in which each step waits for the previous one. Sharing does not slow it.
 * - independent: a loop with work for every arithmetic unit. Up to twice as long when the units are shared.
 * - book: an order into the book and out again.
 * - two threads: the independent loop while a second thread runs it, too. Slower than alone if both cores share one.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { OurBook } from './our-book.ts';
import { base, CASES } from './work.ts';

const TURNS = 100_000;
const BOOK_TURNS = 10;
const REPEATS = 5;
const WARM_UPS = 50;
const EVERY_MS = 200;
/** For the second thread. */
const WAKE_UP_MS = 2;
const COLUMN = 13;
const [STOP, REST, WORK] = [-1, 0, 1];

function chained(): number {
  let value = 1;
  for (let i = 0; i < TURNS; i++) value = (Math.imul(value, 1664525) + 1013904223) | 0;
  return value;
}

function independent(): number {
  let a = 1;
  let b = 2;
  let c = 3;
  let d = 4;
  let e = 5;
  let f = 6;
  for (let i = 0; i < TURNS; i++) {
    a = (a + i) | 0;
    b ^= i;
    c = (c + b) | 0;
    d ^= i;
    e = (e + i) | 0;
    f ^= e;
  }
  return a ^ b ^ c ^ d ^ e ^ f;
}

/** Enters orders into a book with 2,000 others, and removes them. */
function bookWork(): { readonly run: () => void; readonly orders: number } {
  const book = new OurBook();
  book.run(book.prepare(base));
  book.takeFills();
  const [add, cancel] = ['add', 'cancel'].map((name) =>
    book.prepare((CASES.find((each) => each.name === name) as (typeof CASES)[0]).timed),
  );
  const run = (): void => {
    for (let turn = 0; turn < BOOK_TURNS; turn++) {
      for (const flow of [add, cancel]) book.run(flow);
      book.takeFills();
    }
  };
  return { run, orders: add.count * BOOK_TURNS };
}

/** ns: the median of several, because the scheduler may have interrupted one. */
function costOf(run: () => unknown, steps: number): number {
  const times = Array.from({ length: REPEATS }, () => {
    const from = performance.now();
    run();
    return performance.now() - from;
  });
  return (times.sort((a, b) => a - b)[REPEATS >> 1] * 1e6) / steps;
}

if (isMainThread) await watch(Number(process.argv[2] ?? 10));
else accompany(workerData as Int32Array);

async function watch(seconds: number): Promise<void> {
  if (!(seconds > 0)) throw new RangeError(`SECONDS must be a number above 0, not ${process.argv[2]}`);
  const state = new Int32Array(new SharedArrayBuffer(4));
  const order = (what: number): void => {
    Atomics.store(state, 0, what);
    Atomics.notify(state, 0);
  };
  const { run, orders } = bookWork();
  for (let i = 0; i < WARM_UPS; i++) for (const each of [chained, independent, run]) each();
  const second = new Worker(new URL(import.meta.url), { workerData: state });
  await once(second, 'online');
  print(['chained', 'independent', 'book', 'two threads']);
  for (const until = performance.now() + seconds * 1000; performance.now() < until; await sleep(EVERY_MS)) {
    const alone = [costOf(chained, TURNS), costOf(independent, TURNS), costOf(run, orders)];
    order(WORK);
    await sleep(WAKE_UP_MS);
    const together = costOf(independent, TURNS);
    order(REST);
    print([...alone, together].map((ns) => ns.toFixed(ns < 10 ? 2 : 0)));
  }
  order(STOP);
}

function print(columns: readonly string[]): void {
  process.stdout.write(`${columns.map((column) => column.padStart(COLUMN)).join('')}\n`);
}

function accompany(state: Int32Array): void {
  for (let what = REST; what !== STOP; what = Atomics.load(state, 0)) {
    if (what === WORK) independent();
    else Atomics.wait(state, 0, REST);
  }
}
