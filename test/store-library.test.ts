import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { keepStoreLibrary } from '../gateway/taps/history/store-library.ts';

/** This process has LMDB's library. */
const isLoaded = () => /\/lmdb[^/]*\/.*\.node$/m.test(readFileSync('/proc/self/maps', 'utf8'));

it('the library of the stores stays in the process when the last thread that uses it ends', async (t) => {
  if (process.platform !== 'linux') return t.skip('SKIPPED: the libraries of a process are listed on Linux');
  keepStoreLibrary();
  assert.ok(isLoaded());
  const thread = new Worker(`import(${JSON.stringify(import.meta.resolve('lmdb'))})`, { eval: true, execArgv: [] });
  const [code] = await once(thread, 'exit');
  assert.deepEqual([code, isLoaded()], [0, true]);
});
