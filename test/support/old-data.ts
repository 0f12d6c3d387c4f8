import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Unpacks a data directory of an older release (test/fixtures/README.md) below `base`; returns its path. */
export function unpackOldData(base: string, name: 'data-1' | 'data-2' | 'data-3' | 'data-4' | 'data-5' = 'data-1'): string {
  execFileSync('tar', ['-xzf', new URL(`../fixtures/${name}.tar.gz`, import.meta.url).pathname, '-C', base]);
  return join(base, 'data');
}
