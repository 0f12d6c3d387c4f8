import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { build, type Metafile } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');
const COMMANDS = readdirSync(join(ROOT, 'gateway/tools/cli')).map((file) => `gateway/tools/cli/${file}`);

/** What is loaded takes most of the time of a command and half of that of a start. */
describe('packages that are loaded before they are needed', () => {
  let inputs: Metafile['inputs'];

  before(async () => {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: ['gateway/main.ts', 'gateway/cli.ts', 'gateway/taps/history/prepare-worker.ts'],
      outdir: 'unused',
      bundle: true,
      splitting: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      metafile: true,
      write: false,
      logLevel: 'silent',
    });
    inputs = metafile.inputs;
  });

  /** All that a module loads with it: its static imports and theirs. */
  function loadedWith(file: string): ReadonlySet<string> {
    const found = new Set([file]);
    for (const path of found) {
      for (const { path: to, kind } of inputs[path]?.imports ?? []) if (kind === 'import-statement') found.add(to);
    }
    return found;
  }

  it('the main thread of an exchange loads neither LMDB nor what connects to venues', () => {
    const loaded = loadedWith('gateway/main.ts');
    assert.ok(loaded.has('prom-client'), 'packages are seen');
    for (const name of ['lmdb', 'ws', 'cockatiel', 'trading-signals', 'hdr-histogram-js', '@bufbuild/protobuf'])
      assert.ok(!loaded.has(name), name);
  });

  it('the check of the history loads no state machine', () => {
    const loaded = loadedWith('gateway/taps/history/prepare-worker.ts');
    assert.ok(loaded.has('lmdb'), 'packages are seen');
    assert.deepEqual(
      [...loaded].filter((file) => file.startsWith('engine/machine/')),
      [],
    );
  });

  it('a command without its work loads nothing but Commander, and the entry not even that', () => {
    const packages = (file: string) => [...loadedWith(file)].filter((name) => !/^(node:|gateway|engine|feeds)/.test(name));
    assert.deepEqual(packages('gateway/cli.ts'), []);
    const added = [...new Set(inputs['gateway/cli.ts'].imports.map(({ path }) => path))].filter((path) => COMMANDS.includes(path));
    assert.ok(added.length > 20, 'commands are seen');
    for (const file of added)
      assert.deepEqual(
        packages(file).filter((name) => name !== 'commander'),
        [],
        file,
      );
  });
});
