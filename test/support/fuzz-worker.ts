/** One thread of `npm run test:fuzz`: it runs the flows of each seed that it is sent, and answers with what they did. */
import { parentPort } from 'node:worker_threads';
import fc from 'fast-check';
import { RULES } from '../../engine/limits.ts';
import { flow } from './twin-flow.ts';
import { compare, continuesFromSnapshots, setup } from './twin-pair.ts';

export interface FuzzedSeed {
  readonly seed: number;
  readonly commands: number;
  readonly flows: number;
  /** Rare states that this seed was the first of its thread to reach. */
  readonly seen: readonly string[];
  /** The counterexample of a difference, made shorter. */
  readonly failure: string | undefined;
}

/** Flows of one seed. */
const FLOWS = 50;
/** Time in which a failure is made shorter. */
const SHRINK_MS = 60_000;

const seen = new Set<string>();
let commands = 0;
let flows = 0;
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

parentPort?.on('message', (seed: number) => {
  const before = { commands, flows, seen: new Set(seen) };
  const failure = failureOf(seed);
  const fuzzed: FuzzedSeed = {
    seed,
    commands: commands - before.commands,
    flows: flows - before.flows,
    seen: [...seen].filter((state) => !before.seen.has(state)),
    failure,
  };
  parentPort?.postMessage(fuzzed);
});

function failureOf(seed: number): string | undefined {
  const property = properties[seed % properties.length];
  const found = fc.check(property, { seed, numRuns: FLOWS, endOnFailure: true });
  if (!found.failed) return undefined;
  const options = { seed, path: found.counterexamplePath ?? '', numRuns: FLOWS, interruptAfterTimeLimit: SHRINK_MS };
  const shorter = fc.check(property, options);
  return fc.defaultReportMessage(shorter.failed && shorter.counterexample !== null ? shorter : found);
}
