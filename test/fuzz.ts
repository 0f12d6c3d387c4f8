/**
 * Compares the exchange with its naive twin over random commands of all kinds, until the time or the number is reached: reports, state,
 * money, market data. In a third of the flows it compares a state that is saved and loaded on the way instead. A thread per core.
 * `npm run test:fuzz -- --seconds 600 --seed 7`, or `--commands 1000000`
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { FuzzedSeed } from './support/fuzz-worker.ts';
import { RARE, RARE_CONTROLLED } from './support/twin-rare.ts';
import { isPair, RARE_TOGETHER } from './support/twin-states.ts';

const option = { type: 'string' } as const;
const { values } = parseArgs({ options: { seconds: option, commands: option, seed: option, threads: option } });
const seconds = Number(values.seconds ?? (values.commands === undefined ? 60 : Number.POSITIVE_INFINITY));
const most = Number(values.commands ?? Number.POSITIVE_INFINITY);
const first = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const threads = Number(values.threads ?? availableParallelism());
if (!(seconds > 0 && most > 0 && Number.isSafeInteger(first) && threads >= 1)) {
  console.error('fuzz: --seconds, --commands and --threads are numbers above 0, --seed is a whole number');
  process.exit(2);
}

/** Between two lines of progress. */
const REPORT_MS = 10_000;

const seen = new Set<string>();
let commands = 0;
let flows = 0;
let next = first;
const began = performance.now();
const elapsed = (): number => (performance.now() - began) / 1000;

let reported = began;
let running = 0;
for (let i = 0; i < threads; i++) {
  const worker = new Worker(new URL('./support/fuzz-worker.ts', import.meta.url));
  running++;
  worker.on('message', (fuzzed: FuzzedSeed) => {
    add(fuzzed);
    if (elapsed() < seconds && commands < most) worker.postMessage(next++);
    else void worker.terminate();
  });
  worker.on('exit', () => {
    if (--running === 0) finish();
  });
  worker.postMessage(next++);
}

function add(fuzzed: FuzzedSeed): void {
  commands += fuzzed.commands;
  flows += fuzzed.flows;
  for (const state of fuzzed.seen) seen.add(state);
  if (fuzzed.failure !== undefined) {
    console.error(`fuzz: a difference after ${commands} commands: seed ${fuzzed.seed}`);
    console.error(fuzzed.failure);
    console.error(`Run it again: npm run test:fuzz -- --commands 1 --threads 1 --seed ${fuzzed.seed}`);
    process.exit(1);
  }
  if (performance.now() - reported < REPORT_MS) return;
  reported = performance.now();
  console.log(`fuzz: ${commands} commands in ${flows} flows, ${elapsed().toFixed(0)} s, seed ${fuzzed.seed}`);
}

function finish(): void {
  const rare = [...new Set([...RARE, ...RARE_CONTROLLED, ...RARE_TOGETHER])];
  const missed = rare.filter((state) => !seen.has(state));
  console.log(
    `fuzz: no difference in ${commands} commands, ${flows} flows, ${elapsed().toFixed(0)} s, from seed ${first} on; ${rare.length - missed.length} of ${rare.length} rare states reached`,
  );
  console.log(`fuzz: ${[...seen].filter(isPair).length} pairs of features, or of a feature and what happened to its order, met`);
  if (missed.length > 0) console.log(`fuzz: not reached: ${missed.join(', ')}`);
}
