import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes of one read and write: some tenths of a millisecond. */
const PORTION_BYTES = 1024 * 1024;
/** Bytes between two syncs of the target, so that no large write-back competes with the log. */
const SYNC_BYTES = 8 * PORTION_BYTES;
/** Progress is reported, and waits are begun, after as many bytes, or as many as a second may have. */
const STEP_BYTES = 4 * PORTION_BYTES;

/** Limits how fast files are read and copied, and counts the bytes. One per backup. */
export class Throttle {
  readonly #bytesPerMs: number;
  readonly #stepBytes: number;
  readonly #onBytes: (bytes: number) => void;
  #freeAtMs = performance.now();
  #step = 0;

  /** @param bytesPerSecond infinite: no limit @param onBytes receives the bytes since its last call */
  constructor(bytesPerSecond: number, onBytes: (bytes: number) => void = () => undefined) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#stepBytes = Math.min(STEP_BYTES, bytesPerSecond);
    this.#onBytes = onBytes;
  }

  /** Counts bytes that were read or copied. Resolves when more may be. */
  async spend(bytes: number): Promise<void> {
    this.#step += bytes;
    if (this.#step < this.#stepBytes) return;
    const now = performance.now();
    this.#freeAtMs = Math.max(now, this.#freeAtMs) + this.#step / this.#bytesPerMs;
    this.#onBytes(this.#step);
    this.#step = 0;
    // Signals are handled between two steps, too.
    await sleep(Math.max(0, this.#freeAtMs - now));
  }
}

/** A file that was copied. */
export interface Copied {
  /** Size of the copy. */
  readonly bytes: number;
  /** Permission bits. */
  readonly mode: number;
  readonly sha256: string;
}

export interface CopyOptions {
  /** Bytes to copy; default: all that the file has when it is opened. */
  readonly usedBytes?: number;
  /** Size of the copy, at least `usedBytes`: the rest is zeros, without blocks on the disk. Default: as `usedBytes`. */
  readonly bytes?: number;
  /** Writes these zeros, too: the log needs the blocks. */
  readonly fill?: boolean;
  readonly mode?: number;
}

/**
 * Copies a file to a new one in small portions and makes its content durable; the caller syncs the directory. The hash is that of
 * the copied bytes without the zeros behind them.
 * @throws the errors of the file system; EEXIST if the target exists
 */
export async function copyFile(from: string, to: string, throttle: Throttle, options: CopyOptions = {}): Promise<Copied> {
  const source = openSync(from, 'r');
  try {
    const { size, mode: sourceMode } = fstatSync(source);
    const mode = options.mode ?? sourceMode & 0o777;
    const used = options.usedBytes ?? size;
    const bytes = options.bytes ?? used;
    const target = openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
    try {
      const hash = await copyBytes(source, target, used, throttle);
      if (options.fill) await fillZeros(target, used, bytes, throttle);
      else if (bytes > used) ftruncateSync(target, bytes);
      fsyncSync(target);
      return { bytes, mode, sha256: hash.digest('hex') };
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

async function copyBytes(source: number, target: number, used: number, throttle: Throttle): Promise<Hash> {
  const hash = createHash('sha256');
  const portion = new Uint8Array(PORTION_BYTES);
  for (let at = 0; at < used; ) {
    const read = readSync(source, portion, 0, Math.min(PORTION_BYTES, used - at), at);
    if (read === 0) throw Object.assign(new Error(`the file became shorter while it was copied: it ends at byte ${at}`), { code: 'EIO' });
    hash.update(portion.subarray(0, read));
    await writeAll(target, portion.subarray(0, read), at, throttle);
    at += read;
  }
  return hash;
}

async function fillZeros(target: number, from: number, to: number, throttle: Throttle): Promise<void> {
  const zeros = new Uint8Array(PORTION_BYTES);
  for (let at = from; at < to; ) {
    const length = Math.min(PORTION_BYTES, to - at);
    await writeAll(target, zeros.subarray(0, length), at, throttle);
    at += length;
  }
}

async function writeAll(target: number, bytes: Uint8Array, position: number, throttle: Throttle): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += writeSync(target, bytes, done, bytes.length - done, position + done);
  const end = position + bytes.length;
  if (Math.floor(end / SYNC_BYTES) > Math.floor(position / SYNC_BYTES)) fdatasyncSync(target);
  await throttle.spend(bytes.length);
}

/** Hash of the first `usedBytes` of a file, and whether only zeros follow up to its end. */
export async function hashFile(
  path: string,
  throttle: Throttle,
  usedBytes = Number.POSITIVE_INFINITY,
): Promise<Copied & { readonly zerosFollow: boolean }> {
  const fd = openSync(path, 'r');
  try {
    const { size, mode } = fstatSync(fd);
    const hash = createHash('sha256');
    const portion = Buffer.alloc(PORTION_BYTES);
    let zerosFollow = true;
    for (let at = 0; at < size; ) {
      const end = at < usedBytes ? Math.min(size, usedBytes) : size;
      const read = readSync(fd, portion, 0, Math.min(PORTION_BYTES, end - at), at);
      if (read === 0) break;
      if (at < usedBytes) hash.update(portion.subarray(0, read));
      else zerosFollow &&= portion.subarray(0, read).every((byte) => byte === 0);
      at += read;
      await throttle.spend(read);
    }
    return { bytes: size, mode: mode & 0o777, sha256: hash.digest('hex'), zerosFollow };
  } finally {
    closeSync(fd);
  }
}
