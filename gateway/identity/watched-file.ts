import { readFileSync, statSync } from 'node:fs';
import type { Logger } from '../log.ts';

/** Minimum interval between checks of the file, ms. */
const LOOK_MS = 1000;

/**
 * The parsed content of a file, read again when the file has changed, so keys can
 * be rotated by writing the file. The file is checked on access, so no timer
 * runs, and through links, as Kubernetes mounts secrets. New content that cannot
 * be read is logged, and the old content stays in use.
 */
export class WatchedFile<T> {
  readonly path: string;
  readonly #parse: (text: string) => T;
  readonly #log: Logger;
  readonly #onChange: (value: T) => void;
  #value: T;
  #stamp: string;
  #lookedAt = performance.now();

  /** @param onChange also called with the first content @throws what reading and `parse` throw, of the first content */
  constructor(path: string, parse: (text: string) => T, log: Logger, onChange: (value: T) => void = () => undefined) {
    this.path = path;
    this.#parse = parse;
    this.#log = log;
    this.#onChange = onChange;
    this.#stamp = stampOf(path);
    this.#value = parse(readFileSync(path, 'utf8'));
    onChange(this.#value);
  }

  /** @param now check the file even if it was just checked */
  get(now: boolean = false): T {
    const at = performance.now();
    if (!now && at - this.#lookedAt < LOOK_MS) return this.#value;
    this.#lookedAt = at;
    try {
      const stamp = stampOf(this.path);
      if (stamp === this.#stamp) return this.#value;
      this.#stamp = stamp;
      this.#value = this.#parse(readFileSync(this.path, 'utf8'));
      this.#log.info({ file: this.path }, 'file changed and was read again');
      this.#onChange(this.#value);
    } catch (error) {
      this.#log.error(
        { file: this.path, problem: (error as Error).message },
        'file changed but cannot be read; the previous content stays in use',
      );
    }
    return this.#value;
  }
}

function stampOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path);
  return `${mtimeMs} ${size} ${ino}`;
}
