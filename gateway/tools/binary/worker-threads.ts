import { basename, extname } from 'node:path';
import { getAsset } from 'node:sea';
import * as threads from 'node:worker_threads';
import { loadAddon } from './addons.ts';

/**
 * In the binary this stands for `node:worker_threads`: there are no files, so the code of a thread is an asset named like its file. A
 * thread finds an add-on only if this thread has opened it: the store's is opened here, because nothing else on this thread needs it.
 */
export * from 'node:worker_threads';

export class Worker extends threads.Worker {
  constructor(entry: string | URL, options?: threads.WorkerOptions) {
    super(options?.eval ? entry : codeOf(basename(String(entry))), { ...options, eval: true });
  }
}

function codeOf(name: string): string {
  loadAddon('lmdb');
  return getAsset(`threads/${name.slice(0, name.length - extname(name).length)}`, 'utf8');
}
