import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Ids that a genesis was about to define. */
export interface Beginning {
  readonly symbols: readonly number[];
  readonly accounts: readonly number[];
}

export const NOTHING: Beginning = { symbols: [], accounts: [] };

/**
 * A genesis is many commands, and a crash may fall between them: an account
 * without its deposit, a symbol without its limits. So the definitions to make
 * are first recorded in `DATA/genesis.json`, and the file is removed at the end.
 * No port is open until then, so a file found at the next start lists accounts
 * and symbols without any trade.
 */
export class GenesisMarker {
  readonly #path: string;

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'genesis.json');
  }

  /** What an interrupted genesis was about to define. */
  read(): Beginning {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NOTHING;
      throw error;
    }
    return JSON.parse(text) as Beginning;
  }

  /** On disk when it returns. */
  write(beginning: Beginning): void {
    const draft = `${this.#path}.draft`;
    const fd = openSync(draft, 'w');
    writeSync(fd, JSON.stringify(beginning));
    fsyncSync(fd);
    closeSync(fd);
    renameSync(draft, this.#path);
  }

  clear(): void {
    rmSync(this.#path, { force: true });
  }
}
