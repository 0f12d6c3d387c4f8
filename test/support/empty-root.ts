import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assembleImage, IMAGE_USER } from '../../gateway/tools/binary/image-root.ts';
import { type CliResult, ExchangeProcess } from './exchange-process.ts';

const AS_ROOT = process.getuid?.() === 0;
/**
 * $1 the root, $2 the data, $3 the user or '', $4 the one variable of the
 * environment or '': the root read-only, the data writable in it, and /tmp,
 * if it exists, mounted noexec. No /proc, no /dev.
 */
const ENTER = `
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount --bind "$2" "$1/data"
[ ! -d "$1/tmp" ] || mount -t tmpfs -o noexec,nosuid,nodev tmpfs "$1/tmp"
root="$1" user="$3" variable="$4"
shift 4
exec env -i $variable "$(command -v chroot)" \${user:+--userspec="$user"} "$root" /openbell "$@"
`;
const NAMESPACE = ['unshare', ...(AS_ROOT ? [] : ['--user', '--map-root-user']), '--mount', '--propagation', 'private'];

/** Why a separate root is not possible here; undefined if it is. */
export function whyNoEmptyRoot(): string | undefined {
  const { status, error, stderr } = spawnSync(NAMESPACE[0], [...NAMESPACE.slice(1), 'true'], { encoding: 'utf8' });
  return status === 0 ? undefined : `no mount namespace here: ${error?.message ?? stderr.trim()}`;
}

let assembled: string | undefined;

/** An image that is assembled once in a process. Its files are linked into each root, where they are read-only. */
function assembledImage(): string {
  if (assembled === undefined) {
    const base = mkdtempSync(join(tmpdir(), 'openbell-image-'));
    process.once('exit', () => rmSync(base, { recursive: true, force: true }));
    assembled = join(base, 'image');
    assembleImage(assembled);
  }
  return assembled;
}

/** What the image has in it, and nothing else: the binary runs there as the image's user (as its caller, where that is not root). */
export class EmptyRoot {
  readonly #base = mkdtempSync(join(tmpdir(), 'openbell-root-'));
  readonly #root: string;
  /** The directory that is /data for the binary. */
  readonly data: string;

  /** @param withTmp with a /tmp that is mounted noexec, as in many containers @param image one that is assembled already; it is used up */
  constructor({ withTmp = false, image }: { readonly withTmp?: boolean; readonly image?: string } = {}) {
    const dir = image ?? join(this.#base, 'image');
    if (image === undefined) execFileSync('cp', ['-a', '--link', assembledImage(), dir]);
    this.#root = join(dir, 'root');
    this.data = join(dir, 'data');
    chmodSync(this.#base, 0o755);
    if (AS_ROOT) chownSync(this.data, IMAGE_USER, IMAGE_USER);
    mkdirSync(join(this.#root, 'data'));
    if (withTmp) mkdirSync(join(this.#root, 'tmp'));
  }

  /** `openbell start` in it. */
  start(args: readonly string[]): Promise<ExchangeProcess> {
    return ExchangeProcess.start('/data', args, undefined, this.#program());
  }

  /** Any other command, to its end. */
  run(args: readonly string[]): Promise<CliResult> {
    return new Run([...this.#program(), ...args]).ended;
  }

  /** A command as process 1 of a separate network. Only as root. @param variable the environment: `NAME=value` */
  contain(args: readonly string[], variable: string): Container {
    const own = ['unshare', '--net', '--pid', '--fork', '--kill-child', 'sh', '-ec', 'ip link set lo up; exec "$@"', 'sh'];
    return new Container(new Run([...own, ...this.#program(variable), ...args]), this.#program());
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }

  #program(variable = ''): string[] {
    const user = AS_ROOT ? `${IMAGE_USER}:${IMAGE_USER}` : '';
    return [...NAMESPACE, 'sh', '-ec', ENTER, 'sh', this.#root, this.data, user, variable];
  }
}

export class Container {
  readonly #main: Run;
  readonly #program: readonly string[];

  constructor(main: Run, program: readonly string[]) {
    this.#main = main;
    this.#program = program;
  }

  /** Resolves with its output when it ends. */
  get ended(): Promise<CliResult> {
    return this.#main.ended;
  }

  /** Another command beside it, in its network. */
  run(args: readonly string[]): Promise<CliResult> {
    return new Run(['nsenter', `--net=/proc/${this.#first()}/ns/net`, ...this.#program, ...args]).ended;
  }

  /** To process 1, as an engine does it. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.#first(), signal);
  }

  /** Whatever state it is in. */
  kill(): void {
    this.#main.child.kill('SIGKILL');
  }

  /** Its process 1, as this side numbers it: the one child of `unshare`. */
  #first(): number {
    const { pid } = this.#main.child;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  }
}

class Run {
  readonly child: ChildProcess;
  readonly ended: Promise<CliResult>;

  constructor([file, ...args]: readonly string[]) {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += bytes;
    });
    child.stderr.on('data', (bytes: Buffer) => {
      stderr += bytes;
    });
    this.ended = once(child, 'close').then(([code]) => ({ code, stdout, stderr }));
  }
}
