import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isSea } from 'node:sea';

/**
 * Opens LMDB's library on this thread, without its JavaScript, which only the threads of the stores need.
 *
 * When a thread ends, Node unloads the libraries that no other thread has open. LMDB has pointers to its code in the data of threads,
 * so that its library must stay in the process. Call it before the first of these threads. In the single executable, the start of a thread does it.
 */
export function keepStoreLibrary(): void {
  if (isSea()) return;
  const lmdb = createRequire(import.meta.url).resolve('lmdb');
  const load = createRequire(lmdb)('node-gyp-build-optional-packages') as (dir: string) => unknown;
  load(join(dirname(lmdb), '..'));
}
