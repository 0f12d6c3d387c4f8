/**
 * Bundles the client for a page into dist/browser, for `npm run build`: one module with nothing of Node, and its declarations.
 *
 * `node:events` is the one module of Node that code of the page shares with that of Node; in both, `browser/events.ts` is in its place.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { build } from 'esbuild';
import { moduleClosure } from './module-closure.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const OUT = 'dist/browser';
const ENTRY = 'gateway/client/browser/index';
const EVENTS = 'gateway/client/browser/events';

rmSync(join(ROOT, OUT), { recursive: true, force: true });
await build({
  absWorkingDir: ROOT,
  entryPoints: { openbell: `${ENTRY}.ts` },
  outdir: OUT,
  bundle: true,
  platform: 'browser',
  format: 'esm',
  target: 'es2024',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  alias: { 'node:events': join(ROOT, `${EVENTS}.ts`) },
});

const { files, packages } = moduleClosure(ROOT, [`dist/${ENTRY}.d.ts`, `dist/${EVENTS}.d.ts`]);
const unknown = packages.filter((name) => name !== 'node:events');
if (unknown.length > 0) throw new Error(`the types of a page import ${unknown.join(', ')}`);
for (const file of files) {
  const path = file.replace(/^dist\//, `${OUT}/types/`);
  const events = posix.relative(posix.dirname(file), `dist/${EVENTS}.js`);
  mkdirSync(join(ROOT, dirname(path)), { recursive: true });
  writeFileSync(
    join(ROOT, path),
    readFileSync(join(ROOT, file), 'utf8').replace("'node:events'", `'${events.startsWith('.') ? events : `./${events}`}'`),
  );
}
