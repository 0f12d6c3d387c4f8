/** The Node that becomes the binary. npm installs it by exact version, but without a hash in the lockfile; here is the hash. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const PATH = join(import.meta.dirname, '..', '..', '..', 'node_modules', 'node', 'bin', 'node');

export const NODE_VERSION = '22.23.3';
/** SHA-256 of bin/node in the npm packages node-PLATFORM-ARCH of that version. */
const EXECUTABLES: Readonly<Record<string, string>> = {
  'linux-x64': 'fde6a4bf8d0562f7751d1a2d6cb9b417c4cfe107bbcb0aa3e9a24e125e348f48',
  'linux-arm64': 'd09e299258c24f7cdf6f5d5ec185e3a56512b27a697113735dac909f1cac7b8d',
};
/** The LICENSE of those packages, kept here because npm leaves only the executable behind. Path from the repository's root. */
export const NODE_LICENCE = 'gateway/tools/binary/node-LICENSE.txt';

/** Checks the executable that npm installed, and returns its path. @throws Error when it is not the one that is pinned */
export function pinnedNode(): string {
  const platform = `${process.platform}-${process.arch}`;
  const expected = EXECUTABLES[platform];
  if (expected === undefined) throw new Error(`No binary for ${platform} yet: only ${Object.keys(EXECUTABLES).join(', ')}.`);
  if (process.versions.node !== NODE_VERSION) {
    throw new Error(`This is Node ${process.versions.node}; the binary is built with ${NODE_VERSION}: npm run build:binary`);
  }
  const found = createHash('sha256').update(readFileSync(PATH)).digest('hex');
  if (found !== expected) throw new Error(`${PATH} has SHA-256 ${found}, and Node ${NODE_VERSION} for ${platform} has ${expected}.`);
  return PATH;
}

/** Copies the executable to `path` without its debug symbols; with them where there is no `strip`. Returns whether they are gone. */
export function copyStripped(path: string): boolean {
  copyFileSync(pinnedNode(), path);
  const before = statSync(path).size;
  try {
    execFileSync('strip', [path], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return statSync(path).size < before;
}
