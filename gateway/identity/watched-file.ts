import { readFileSync, statSync } from 'node:fs';
import type { Logger } from '../log.ts';

/** How often the file is looked at, at most, ms. */
const LOOK_MS = 1000;

/**
 * What is in a file, read again when the file has changed: keys are rotated by
 * writing them. It is looked at when it is asked for, so no timer runs, and
 * through links, as Kubernetes mounts secrets. A new content that cannot be
 * read is logged, and the old one stays in use.
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

  /** @param now look at the file even if it was just looked at */
  get(now: boolean = false): T {
    const at = performance.now();
    if (!now && at - this.#lookedAt < LOOK_MS) return this.#value;
    this.#lookedAt = at;
    try {
      const stamp = stampOf(this.path);
      if (stamp === this.#stamp) return this.#value;
      this.#stamp = stamp;
      this.#value = this.#parse(readFileSync(this.path, 'utf8'));
      this.#log.info({ file: this.path }, 'read again, because it has changed');
      this.#onChange(this.#value);
    } catch (error) {
      this.#log.error({ file: this.path, problem: (error as Error).message }, 'cannot be read again; what was in it before goes on');
    }
    return this.#value;
  }
}

function stampOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path);
  return `${mtimeMs} ${size} ${ino}`;
}
