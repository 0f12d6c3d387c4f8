import { accessSync, constants, readdirSync, readFileSync, readlinkSync, realpathSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';

export interface HostOptions {
  /** Root of `/proc`, `/sys` and `/dev`; tests use their own trees. */
  readonly root?: string;
  readonly platform?: NodeJS.Platform;
  /** CPUs that Node.js counts with. */
  readonly parallelism?: number;
  /** Such as "22.1.0". */
  readonly nodeVersion?: string;
  /** Flags that Node.js was started with. */
  readonly nodeFlags?: readonly string[];
  /** Bytes that an ordinary user can still write to the file system of an existing directory. */
  readonly freeBytes?: (dir: string) => number;
}

/** Reads the kernel's information files. Nothing here throws unless documented: a file that is missing or odd is `undefined`. */
export class Host {
  readonly platform: NodeJS.Platform;
  readonly parallelism: number;
  readonly nodeVersion: string;
  readonly nodeFlags: readonly string[];
  /** @throws the file system's error */
  readonly freeBytes: (dir: string) => number;
  readonly #root: string;

  constructor(options: HostOptions = {}) {
    this.#root = options.root ?? '/';
    this.platform = options.platform ?? process.platform;
    this.parallelism = options.parallelism ?? availableParallelism();
    this.nodeVersion = options.nodeVersion ?? process.versions.node;
    this.nodeFlags = options.nodeFlags ?? [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/).filter(Boolean)];
    this.freeBytes = options.freeBytes ?? freeBytes;
  }

  bytes(path: string): Buffer | undefined {
    try {
      return readFileSync(join(this.#root, path));
    } catch {
      return undefined;
    }
  }

  /** The file's text without blanks around it. */
  text(path: string): string | undefined {
    return this.bytes(path)?.toString('utf8').trim();
  }

  /** Whether this user may write to an existing file; undefined: there is none. */
  writable(path: string): boolean | undefined {
    try {
      accessSync(join(this.#root, path), constants.W_OK);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : false;
    }
  }

  /** The target of a symbolic link. */
  link(path: string): string | undefined {
    try {
      return readlinkSync(join(this.#root, path));
    } catch {
      return undefined;
    }
  }

  /** A whole number from 0. */
  number(path: string): number | undefined {
    return wholeNumber(this.text(path));
  }

  /** CPUs or nodes of a list such as `0-3,8`; an empty file has none. */
  cpus(path: string): readonly number[] | undefined {
    return parseCpuList(this.text(path));
  }

  /** Sorted names in a directory; none when it is not there. */
  names(path: string): readonly string[] {
    try {
      return readdirSync(join(this.#root, path)).sort();
    } catch {
      return [];
    }
  }

  /** The choice in brackets of a file such as `always [madvise] never`. */
  chosen(path: string): string | undefined {
    return /\[([^\]\s]+)\]/.exec(this.text(path) ?? '')?.[1];
  }

  /** Value of a line `name: value` or `name value`. */
  field(path: string, name: string): string | undefined {
    for (const line of this.text(path)?.split('\n') ?? []) {
      const [, key, value] = /^([^:\s]+)(?:\s*:\s*|\s+)(.*)$/.exec(line) ?? [];
      if (key === name) return value.trim();
    }
    return undefined;
  }
}

export function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,20}$/.test(text) ? Number(text) : undefined;
}

const MAX_CPUS = 2 ** 16;

export function parseCpuList(text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return undefined;
  const cpus: number[] = [];
  // What the kernel writes for no CPU at all.
  if (text === '' || text === '(null)') return cpus;
  for (const range of text.split(',')) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range) ?? [];
    if (first === undefined || Number(last) >= MAX_CPUS) return undefined;
    for (let cpu = Number(first); cpu <= Number(last); cpu++) cpus.push(cpu);
  }
  return cpus;
}

/** The directory itself, or the nearest one above it that exists, without symbolic links; `rest` leads from there to it. */
export function existingDirectory(path: string): { dir: string; rest: string } {
  let rest = '';
  for (let dir = path; ; dir = dirname(dir)) {
    try {
      return { dir: realpathSync(dir), rest };
    } catch (error) {
      if (dirname(dir) === dir) throw error;
      rest = join(basename(dir), rest);
    }
  }
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}
