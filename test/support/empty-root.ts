import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assembleRoot, IMAGE_USER } from '../../gateway/binary/image-root.ts';
import { type CliResult, ExchangeProcess } from './exchange-process.ts';

const AS_ROOT = process.getuid?.() === 0;
/**
 * $1 the root, $2 the data, $3 the user or '': a mount namespace of its own,
 * the root read-only, the data writable in it, an environment of nothing, and
 * where there is a /tmp it may not be executed from. No /proc, no /dev.
 */
const ENTER = `
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount --bind "$2" "$1/data"
[ ! -d "$1/tmp" ] || mount -t tmpfs -o noexec,nosuid,nodev tmpfs "$1/tmp"
root="$1" user="$3"
shift 3
exec env -i "$(command -v chroot)" \${user:+--userspec="$user"} "$root" /openbell "$@"
`;
const NAMESPACE = ['unshare', ...(AS_ROOT ? [] : ['--user', '--map-root-user']), '--mount', '--propagation', 'private'];

/** Why a root of its own cannot be had here; undefined where it can. */
export function whyNoEmptyRoot(): string | undefined {
  const { status, error, stderr } = spawnSync(NAMESPACE[0], [...NAMESPACE.slice(1), 'true'], { encoding: 'utf8' });
  return status === 0 ? undefined : `no mount namespace here: ${error?.message ?? stderr.trim()}`;
}

/** What is in the image, in which nothing else is: the binary runs there as nobody in particular (with its caller's rights, where that is not root). */
export class EmptyRoot {
  readonly #base = mkdtempSync(join(tmpdir(), 'openbell-root-'));
  readonly #root = join(this.#base, 'root');
  /** What the binary sees as /data. */
  readonly data = join(this.#base, 'data');

  /** @param withTmp with a /tmp that is mounted noexec, as in many containers */
  constructor(options: { readonly withTmp: boolean }) {
    if (AS_ROOT) execFileSync('chmod', ['755', this.#base]);
    assembleRoot(this.#root);
    renameSync(join(this.#root, 'data'), this.data);
    mkdirSync(join(this.#root, 'data'));
    if (options.withTmp) mkdirSync(join(this.#root, 'tmp'));
  }

  get #program(): string[] {
    const user = AS_ROOT ? `${IMAGE_USER}:${IMAGE_USER}` : '';
    return [...NAMESPACE, 'sh', '-ec', ENTER, 'sh', this.#root, this.data, user];
  }

  /** `openbell start` in it. */
  start(args: readonly string[]): Promise<ExchangeProcess> {
    return ExchangeProcess.start('/data', args, undefined, this.#program);
  }

  /** Any other command, to its end. */
  async run(args: readonly string[]): Promise<CliResult> {
    const [command, ...before] = this.#program;
    const child = spawn(command, [...before, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += bytes;
    });
    child.stderr.on('data', (bytes: Buffer) => {
      stderr += bytes;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }
}
