import { basename, extname } from 'node:path';
import { getAsset } from 'node:sea';
import * as threads from 'node:worker_threads';

/** In the binary this stands for `node:worker_threads`: there are no files, so the code of a thread is an asset named like its file. */
export * from 'node:worker_threads';

export class Worker extends threads.Worker {
  constructor(entry: string | URL, options?: threads.WorkerOptions) {
    super(options?.eval ? entry : codeOf(basename(String(entry))), { ...options, eval: true });
  }
}

function codeOf(name: string): string {
  return getAsset(`threads/${name.slice(0, name.length - extname(name).length)}`, 'utf8');
}
