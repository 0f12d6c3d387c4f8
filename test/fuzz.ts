/**
 * Compares the exchange with its naive twin over random commands of all kinds, until the time or the number is reached: reports, state,
 * money, market data. In a third of the flows it compares a state that is saved and loaded on the way instead. `npm run test:fuzz -- --seconds 600 --seed 7`, or `--commands 1000000`
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { RULES } from '../engine/limits.ts';
import { flow } from './support/twin-flow.ts';
import { compare, continuesFromSnapshots, setup } from './support/twin-pair.ts';
import { RARE, RARE_CONTROLLED } from './support/twin-rare.ts';
import { isPair, RARE_TOGETHER } from './support/twin-states.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string' }, commands: { type: 'string' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds ?? (values.commands === undefined ? 60 : Number.POSITIVE_INFINITY));
const most = Number(values.commands ?? Number.POSITIVE_INFINITY);
const first = Number(values.seed ?? Math.floor(Math.random() * 1e9));
if (!(seconds > 0 && most > 0 && Number.isSafeInteger(first))) {
  console.error('fuzz: --seconds and --commands are numbers above 0, --seed is a whole number');
  process.exit(2);
}

/** Flows of one seed. */
const FLOWS = 50;
/** Between two lines of progress. */
const REPORT_MS = 10_000;
/** Time in which a failure is made shorter. */
const SHRINK_MS = 60_000;

const seen = new Set<string>();
let commands = 0;
let flows = 0;
const began = performance.now();
const elapsed = (): number => (performance.now() - began) / 1000;
const count = (each: readonly unknown[]): void => {
  commands += each.length;
  flows++;
};
const properties = [
  ...[0, 6].map((controls) =>
    fc.property(setup, flow(1, 250, controls), (given, each) => {
      compare(given, each, RULES, seen);
      count(each);
    }),
  ),
  fc.property(setup, flow(70, 200, 3), (given, each) => {
    continuesFromSnapshots(given, each);
    count(each);
  }),
];

let reported = began;
for (let seed = first; elapsed() < seconds && commands < most; seed++) {
  const property = properties[seed % properties.length];
  const found = fc.check(property, { seed, numRuns: FLOWS, endOnFailure: true });
  if (found.failed) {
    console.error(`fuzz: a difference after ${commands} commands: seed ${seed}; now it is made shorter`);
    const options = { seed, path: found.counterexamplePath ?? '', numRuns: FLOWS, interruptAfterTimeLimit: SHRINK_MS };
    const shorter = fc.check(property, options);
    console.error(fc.defaultReportMessage(shorter.failed && shorter.counterexample !== null ? shorter : found));
    console.error(`Run it again: npm run test:fuzz -- --commands 1 --seed ${seed}`);
    process.exit(1);
  }
  if (performance.now() - reported < REPORT_MS) continue;
  reported = performance.now();
  console.log(`fuzz: ${commands} commands in ${flows} flows, ${elapsed().toFixed(0)} s, seed ${seed}`);
}
const rare = [...new Set([...RARE, ...RARE_CONTROLLED, ...RARE_TOGETHER])];
const missed = rare.filter((state) => !seen.has(state));
console.log(
  `fuzz: no difference in ${commands} commands, ${flows} flows, ${elapsed().toFixed(0)} s, from seed ${first} on; ${rare.length - missed.length} of ${rare.length} rare states reached`,
);
console.log(`fuzz: ${[...seen].filter(isPair).length} pairs of features, or of a feature and what happened to its order, met`);
if (missed.length > 0) console.log(`fuzz: not reached: ${missed.join(', ')}`);
