/** The latency suite: `npm run bench -- --help`. */
import { fileURLToPath } from 'node:url';
import { CATALOG } from './suite/catalog.ts';
import { main } from './suite/runner.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

process.exitCode = await main(process.argv.slice(2), {
  catalog: CATALOG,
  root: here('..'),
  budgets: here('budgets.json'),
  out: here('out'),
});
