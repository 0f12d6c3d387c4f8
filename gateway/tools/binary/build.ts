/**
 * Builds the single executable: dist-binary/openbell.
 *
 *   npm run build:binary
 *
 * bundle ▸ blob (Node's single-executable format: main script, code of the
 * threads, add-ons) ▸ copy of the pinned Node ▸ blob into the copy
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { addonFiles, bundle } from './bundle.ts';
import { copyStripped, pinnedNode } from './node-executable.ts';

const OUT = join(import.meta.dirname, '..', '..', '..', 'dist-binary');
const PARTS = join(OUT, 'parts');
/** Node looks for the blob only when this word in it has been flipped; postject does that. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

const started = performance.now();
rmSync(PARTS, { recursive: true, force: true });
mkdirSync(join(PARTS, 'threads'), { recursive: true });

const { main, threads } = await bundle();
const assets: Record<string, string> = {};
writeFileSync(join(PARTS, 'main.js'), main);
for (const [name, text] of Object.entries(threads)) {
  const path = join(PARTS, 'threads', `${name}.js`);
  writeFileSync(path, text);
  assets[`threads/${name}`] = path;
}
assets['captures/demo'] = join(import.meta.dirname, '..', '..', '..', 'feeds', 'simulator', 'demo-market.jsonl.gz');
for (const [name, path] of Object.entries(addonFiles())) assets[`addons/${name}`] = path;

const blob = join(PARTS, 'blob');
const config = join(PARTS, 'sea.json');
writeFileSync(config, JSON.stringify({ main: 'main.js', output: blob, assets, disableExperimentalSEAWarning: true, useCodeCache: false }));
// From there, because the blob has the main script's path in it as it is given here.
execFileSync(pinnedNode(), ['--experimental-sea-config', config], {
  cwd: PARTS,
  stdio: ['ignore', 'ignore', 'pipe'],
});

const unfinished = join(PARTS, 'openbell');
const stripped = copyStripped(unfinished);
const postject = createRequire(import.meta.url).resolve('postject/dist/cli.js');
// Its stderr is shown only when it fails, because it warns of each note section that `strip` left without a name.
execFileSync(process.execPath, [postject, unfinished, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', FUSE], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
chmodSync(unfinished, 0o755);
const binary = join(OUT, 'openbell');
renameSync(unfinished, binary);

const megabytes = (statSync(binary).size / 1e6).toFixed(1);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
process.stdout.write(`dist-binary/openbell: ${megabytes} MB, built in ${seconds} s\n`);
if (!stripped) process.stderr.write('openbell: it still contains debug symbols; install `strip` (binutils) for a smaller binary\n');
