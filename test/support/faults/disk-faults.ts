import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Mask of the operations that a fault concerns; `Open` is opening for writing. */
export const Operation = { Write: 1, Sync: 2, Rename: 4, Open: 8, Truncate: 16, Read: 32, Unlink: 64 } as const;

const Mode = { None: 0, Error: 1, Short: 2, Slow: 3 } as const;
/** Positions of the words in the control file, as in faults.c. */
const Word = { mode: 0, operations: 4, skip: 8, left: 12, error: 16, delayMs: 20, injected: 24, seen: 28, only: 32 } as const;
const ONLY_BYTES = 96;
const CONTROL_BYTES = 4096;

export interface Fault {
  readonly kind: 'EIO' | 'ENOSPC' | 'EROFS' | 'short' | 'slow';
  /** Of {@link Operation}. */
  readonly operations: number;
  /** Operations that pass before the first fault. */
  readonly skip?: number;
  /** Number of faults; -1 = until `disarm`. */
  readonly times: number;
  /** Only paths that contain it. */
  readonly only?: string;
  /** Of kind `slow`: how long an operation waits first. */
  readonly delayMs?: number;
}

const COMPILER = process.env.CC ?? 'cc';

/** Why there are no disk faults on this machine; undefined where there are. A failure in CI. */
export function noDiskFaults(): string | undefined {
  if (process.platform !== 'linux') return 'SKIPPED: disk faults need Linux';
  try {
    execFileSync(COMPILER, ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return process.env.OPENBELL_CI === '1'
      ? undefined
      : `SKIPPED: NO DISK FAULT WAS INJECTED: there is no C compiler (${COMPILER}): apt-get install gcc`;
  }
}

/** The preload library, and the control file of one data directory. */
export class DiskFaults {
  readonly #dir: string;
  readonly #library: string;
  readonly #control: number;
  readonly #data: string;

  /** Builds the library. @param data path below which operations fail @throws when there is no compiler */
  constructor(data: string) {
    this.#data = data;
    this.#dir = mkdtempSync(join(tmpdir(), 'openbell-faults-'));
    this.#library = join(this.#dir, 'faults.so');
    const source = join(import.meta.dirname, 'faults.c');
    execFileSync(COMPILER, ['-O1', '-Wall', '-Werror', '-shared', '-fPIC', '-o', this.#library, source, '-ldl']);
    const path = join(this.#dir, 'control');
    writeFileSync(path, Buffer.alloc(CONTROL_BYTES));
    this.#control = openSync(path, 'r+');
  }

  /** The command before the program that gets the faults. */
  get prefix(): readonly string[] {
    const control = join(this.#dir, 'control');
    return ['env', `LD_PRELOAD=${this.#library}`, `OPENBELL_FAULT_DIR=${this.#data}`, `OPENBELL_FAULT_CONTROL=${control}`];
  }

  arm({ kind, operations, skip = 0, times, only = '', delayMs = 0 }: Fault): void {
    this.disarm();
    const text = Buffer.alloc(ONLY_BYTES);
    text.write(only);
    writeSync(this.#control, text, 0, ONLY_BYTES, Word.only);
    this.#put(Word.operations, operations);
    this.#put(Word.skip, skip);
    this.#put(Word.left, times);
    this.#put(Word.error, kind === 'short' || kind === 'slow' ? 0 : constants.errno[kind]);
    this.#put(Word.delayMs, delayMs);
    this.#put(Word.injected, 0);
    this.#put(Word.seen, 0);
    this.#put(Word.mode, kind === 'short' ? Mode.Short : kind === 'slow' ? Mode.Slow : Mode.Error);
  }

  disarm(): void {
    this.#put(Word.mode, Mode.None);
  }

  /** Faults since `arm`. */
  get injected(): number {
    return this.#get(Word.injected);
  }

  close(): void {
    closeSync(this.#control);
    rmSync(this.#dir, { recursive: true });
  }

  #put(word: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    writeSync(this.#control, bytes, 0, 4, word);
  }

  #get(word: number): number {
    const bytes = Buffer.alloc(4);
    readSync(this.#control, bytes, 0, 4, word);
    return bytes.readInt32LE();
  }
}
