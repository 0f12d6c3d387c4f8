/**
 * The suite's runner with scopes for its test: `bench-suite.ts BUDGETS OUT [ARGS of bench/run.ts]`. With
 * BENCH_ROOT, of the repository there, whose scopes are in `bench/scopes`.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Catalog } from '../../bench/suite/catalog.ts';
import { main } from '../../bench/suite/runner.ts';

const OWN: Catalog = {
  names: ['steady', 'failing', 'crashing', 'hanging', 'parent', 'disturbed', 'unavailable', 'absent', 'long'],
  byNameOnly: ['long'],
  folder: fileURLToPath(new URL('./bench-scopes/', import.meta.url)),
};

const [budgets, out, ...args] = process.argv.slice(2);
const root = process.env.BENCH_ROOT;
process.exitCode = await main(args, {
  catalog: root === undefined ? OWN : catalogOf(join(root, 'bench/scopes/')),
  root: root ?? fileURLToPath(new URL('../..', import.meta.url)),
  budgets,
  out,
});

function catalogOf(folder: string): Catalog {
  return { names: readdirSync(folder).map((file) => file.replace('.ts', '')), byNameOnly: [], folder };
}
