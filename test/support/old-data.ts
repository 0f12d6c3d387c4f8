import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

/** Data directories of older releases, oldest first: test/fixtures/README.md. */
export const OLD_DATA = ['data-1', 'data-2', 'data-3', 'data-4', 'data-5', 'data-6', 'data-7'] as const;
export type OldData = (typeof OLD_DATA)[number];

/** Those that are compressed with gzip; brotli makes a longer log much smaller. */
const GZIPPED: readonly OldData[] = ['data-1', 'data-2', 'data-3', 'data-4', 'data-5'];

/** Unpacks a data directory of an older release below `base`; returns its path. */
export function unpackOldData(base: string, name: OldData = 'data-1'): string {
  const isGzipped = GZIPPED.includes(name);
  const packed = readFileSync(new URL(`../fixtures/${name}.tar.${isGzipped ? 'gz' : 'br'}`, import.meta.url));
  execFileSync('tar', ['-x', '-C', base], { input: isGzipped ? gunzipSync(packed) : brotliDecompressSync(packed) });
  return join(base, 'data');
}
