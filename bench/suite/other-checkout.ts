import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './command-line.ts';

/** A built checkout of another commit. */
export interface OtherCheckout {
  /** Twelve digits. */
  readonly commit: string;
  readonly root: string;
  /**
   * The suite of this checkout beside the sources of the other commit, as deep in the tree as `bench`: its scopes
   * import the other commit's `engine`, `feeds` and `gateway`.
   */
  readonly suite: string;
}

/** In the checkout: written when it is complete. */
const BUILT = '.bench-built';
const SUITE = 'bench-of-this-run';
/** Checkouts that stay for later runs, the last used ones. */
const KEPT = 3;
const KEPT_LINES = 20;

/**
 * Makes or reuses it: a clone of this repository, with the same dependencies if the lock file is the same and its own
 * otherwise, built by its own scripts.
 * @param folder of all such checkouts @param log a line for the user
 * @throws UsageError if there is no such commit, or it cannot be built here
 */
export async function otherCheckout(
  root: string,
  revision: string,
  folder: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<OtherCheckout> {
  const commit = resolveCommit(root, revision);
  const other = join(folder, commit);
  const built = join(other, BUILT);
  if (existsSync(built)) utimesSync(built, new Date(), new Date());
  else {
    log(`checking out ${commit} into ${other}`);
    rmSync(other, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const quiet = ['-c', 'advice.detachedHead=false'];
    await run('git', [...quiet, 'clone', '--quiet', '--shared', '--no-checkout', root, other], folder, signal);
    await run('git', [...quiet, 'checkout', '--quiet', '--detach', commit], other, signal);
    if (sameDependencies(root, other)) symlinkSync(join(root, 'node_modules'), join(other, 'node_modules'));
    else {
      log(`installing the dependencies of ${commit}: its package-lock.json differs`);
      await run('npm', ['ci', '--no-audit', '--no-fund'], other, signal);
    }
    log(`building ${commit}`);
    await run('npm', ['run', '--silent', 'build'], other, signal);
    writeFileSync(built, '');
  }
  forget(folder);
  const suite = join(other, SUITE);
  rmSync(suite, { recursive: true, force: true });
  const bench = join(root, 'bench');
  cpSync(bench, suite, { recursive: true, filter: (path) => path !== join(bench, 'out') });
  return { commit, root: other, suite };
}

function resolveCommit(root: string, revision: string): string {
  try {
    const args = ['-C', root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).slice(0, 12);
  } catch {
    throw new UsageError(`--against ${revision}: no such commit in ${root}`);
  }
}

function sameDependencies(root: string, other: string): boolean {
  const [here, there] = [root, other].map((checkout) => {
    const file = join(checkout, 'package-lock.json');
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  });
  return here === there && existsSync(join(root, 'node_modules'));
}

/** Removes the checkouts that were not used for longest, and those that were not completed. */
function forget(folder: string): void {
  const used = readdirSync(folder).map((name) => {
    const built = join(folder, name, BUILT);
    return { name, at: existsSync(built) ? statSync(built).mtimeMs : 0 };
  });
  for (const { name } of used.sort((a, b) => b.at - a.at).slice(KEPT)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** @throws UsageError with the end of its output when it fails */
async function run(command: string, args: readonly string[], cwd: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  // Under `npm run`, npm's own settings of this checkout are in the environment.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], signal });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => {
      output = (output + bytes).split('\n').slice(-KEPT_LINES).join('\n');
    });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new UsageError(`--against: ${command} ${args.join(' ')} failed in ${cwd}:\n${output}`);
}
