import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Bytes that wait for a reader, at most. A line that does not fit is lost. */
const MAX_WAITING = 256 * 1024;
/** Interval at which waiting lines are written again, ms. */
const RETRY_MS = 20;
/** The same after an error that is not a slow reader: a full disk, a closed pipe. */
const FAILED_RETRY_MS = 1000;
/** Pause of `flush` between two attempts, ms. */
const FLUSH_STEP_MS = 5;

/**
 * Lines on a file descriptor that may be a full disk, a closed pipe or a pipe
 * without a reader. A write never blocks and never throws: a line that cannot
 * be written is lost and counted. When writing works again, a line states how
 * many were lost.
 *
 * A line is written before `write` returns, unless the reader is slow: then it
 * waits in memory, up to 256 KiB. For the main thread.
 */
export class LossyOutput {
  readonly #fd: number;
  /** Descriptor that does not block; -1 before the first line. */
  #open = -1;
  /** Bytes that a slow reader has not taken, oldest first. */
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #lost = 0;
  /** Lines lost since the last statement of that in the output. */
  #unstated = 0;
  #reason = '';
  #timer: NodeJS.Timeout | undefined;

  /** @param fd 1 or 2 */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Lines lost so far. */
  get lost(): number {
    return this.#lost;
  }

  /** A descriptor that does not block, for another thread's last words. */
  get descriptor(): number {
    if (this.#open === -1) this.#open = withoutBlocking(this.#fd);
    return this.#open;
  }

  /** @param text one line or more, with the line end */
  write(text: string): void {
    this.#drain();
    if (this.#waitingBytes === 0 && this.#unstated > 0) this.#state();
    const bytes = Buffer.from(text);
    const written = this.#waitingBytes === 0 ? this.#put(bytes) : 0;
    if (written === bytes.length) return;
    // The rest of a line that was begun is kept even on a full disk, so that the next line starts where a line starts.
    const keep = written > 0 || (this.#reason === 'EAGAIN' && this.#waitingBytes + bytes.length <= MAX_WAITING);
    if (keep) this.#wait(bytes.subarray(written));
    else this.#lose(1);
    this.#retryLater();
  }

  /** Waits until the waiting lines are written, at most `ms`. Blocks. */
  flush(ms: number): void {
    const until = performance.now() + ms;
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    for (this.#drain(); this.#waitingBytes > 0 && this.#reason === 'EAGAIN' && performance.now() < until; this.#drain())
      Atomics.wait(sleeper, 0, 0, FLUSH_STEP_MS);
    if (this.#waitingBytes === 0 && this.#unstated > 0) this.#state();
  }

  #drain(): void {
    while (this.#waitingBytes > 0) {
      const [bytes] = this.#waiting;
      const written = this.#put(bytes);
      this.#waitingBytes -= written;
      if (written < bytes.length) {
        this.#waiting[0] = bytes.subarray(written);
        // The reader has closed the pipe, so no reader will take them.
        if (this.#reason === 'EPIPE') this.#lose(this.#waiting.splice(0).length);
        if (this.#waiting.length === 0) this.#waitingBytes = 0;
        return;
      }
      this.#waiting.shift();
    }
  }

  #wait(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #lose(lines: number): void {
    this.#lost += lines;
    this.#unstated += lines;
  }

  /** States the loss as a line of the log. */
  #state(): void {
    const line = JSON.stringify({
      level: 'warn',
      time: new Date().toISOString(),
      lost: this.#unstated,
      reason: this.#reason,
      msg: 'log lines could not be written and are lost',
    });
    const bytes = Buffer.from(`${line}\n`);
    const written = this.#put(bytes);
    if (written === 0) return;
    this.#unstated = 0;
    if (written < bytes.length) this.#wait(bytes.subarray(written));
  }

  /** Bytes written; the reason if they are not all. */
  #put(bytes: Uint8Array): number {
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.descriptor, bytes, done);
    } catch (error) {
      this.#reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
    }
    return done;
  }

  #retryLater(): void {
    if (this.#timer !== undefined) return;
    const retry = (): void => {
      this.#timer = undefined;
      this.#drain();
      if (this.#waitingBytes === 0 && this.#unstated > 0) this.#state();
      if (this.#waitingBytes > 0 || this.#unstated > 0) this.#retryLater();
    };
    this.#timer = setTimeout(retry, this.#reason === 'EAGAIN' ? RETRY_MS : FAILED_RETRY_MS).unref();
  }
}

/**
 * A descriptor of the same output that returns EAGAIN where it would block.
 * A terminal is opened once more, because its flags are shared with the shell;
 * Node itself makes pipes and sockets non-blocking when it opens their stream.
 */
function withoutBlocking(fd: number): number {
  if (isatty(fd)) {
    try {
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      return fd;
    }
  }
  const stats = fstatSync(fd);
  if (stats.isFIFO() || stats.isSocket()) void (fd === 1 ? process.stdout : process.stderr);
  return fd;
}

/** Standard error of this process, for the log and for messages of an exchange that runs. */
export const errorOutput: LossyOutput = new LossyOutput(2);
