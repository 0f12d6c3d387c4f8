/** The suite's runner with scopes for its test: `bench-suite.ts BUDGETS OUT [ARGS of bench/run.ts]`. */
import { fileURLToPath } from 'node:url';
import { main } from '../../bench/suite/runner.ts';

const [budgets, out, ...args] = process.argv.slice(2);
process.exitCode = await main(args, {
  catalog: {
    names: ['steady', 'failing', 'crashing', 'hanging', 'parent', 'disturbed', 'unavailable', 'absent', 'long'],
    byNameOnly: ['long'],
    folder: fileURLToPath(new URL('./bench-scopes/', import.meta.url)),
  },
  root: fileURLToPath(new URL('../..', import.meta.url)),
  budgets,
  out,
});
