/**
 * Bundles the code of the command and of its threads into dist/gateway/program, for `npm run build`.
 *
 * Node looks up, reads and links each module by itself, which is a fifth of the time of a start (docs/PERFORMANCE.md). Packages stay
 * outside: they keep their licences, versions and add-ons, and `npm audit` sees what runs. The modules that `tsc` writes beside
 * it are those of `openbell` and `openbell/engine`.
 */
import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { THREADS } from './bundle.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const COMMAND = join(ROOT, 'dist', 'gateway', 'cli.js');
/** One folder, because the file of a thread is looked for beside the code that starts it; as deep as the shipped capture's folder expects. */
const PROGRAM = 'dist/gateway/program';

const { worker: _, ...threads } = THREADS;
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: { cli: 'gateway/cli.ts', ...threads, 'query-worker': 'gateway/taps/history/query-worker.ts' },
  outdir: PROGRAM,
  chunkNames: '[name]-[hash]',
  bundle: true,
  // What a command does not need is in files that it does not load.
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node22',
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
});

const written = new Set(Object.keys(metafile.outputs).map((path) => basename(path)));
for (const name of readdirSync(join(ROOT, PROGRAM))) if (!written.has(name)) rmSync(join(ROOT, PROGRAM, name));
writeFileSync(COMMAND, "#!/usr/bin/env node\nimport './program/cli.js';\n");
chmodSync(COMMAND, 0o755);
