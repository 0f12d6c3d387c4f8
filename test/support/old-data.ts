import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Unpacks the data directory that commit 537747a wrote (test/fixtures/README.md) below `base`; returns its path. */
export function unpackOldData(base: string): string {
  execFileSync('tar', ['-xzf', new URL('../fixtures/data-1.tar.gz', import.meta.url).pathname, '-C', base]);
  return join(base, 'data');
}
