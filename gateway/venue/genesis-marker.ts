import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { mustBeFile } from '../../engine/journal/path-kind.ts';
import { syncDirectory } from '../../engine/journal/segment-file.ts';

/** Ids that a genesis was about to define. */
export interface Beginning {
  readonly symbols: readonly number[];
  readonly accounts: readonly number[];
  /** Where the venue came from; undefined: an earlier release wrote the marker. */
  readonly source?: 'file' | 'demo';
}

export const NOTHING: Beginning = { symbols: [], accounts: [] };

/** The marker is not one that openbell writes. Nothing was changed. */
export class GenesisMarkerError extends Error {
  readonly code = 'GENESIS_MARKER_BAD';

  constructor(path: string) {
    super(
      `${path} is damaged: it records which accounts and symbols an interrupted start was about to define. Nothing was changed. ` +
        'Restore it from a copy. Or, if the exchange has traded since, remove it: without it, existing accounts get no further deposits.',
    );
    this.name = 'GenesisMarkerError';
  }
}

export function isUnfinished({ symbols, accounts }: Beginning): boolean {
  return symbols.length + accounts.length > 0;
}

/**
 * A genesis is many commands, and a crash may fall between them: an account
 * without its deposit, a symbol without its limits. So the definitions to make
 * are first recorded in `DATA/genesis.json`, and the file is removed at the end.
 * No port is open until then, so a file found at the next start lists accounts
 * and symbols without any trade.
 *
 * This holds after a power cut only if both changes are durable in time: the file
 * before the first definition, its removal before the ports open. A file that
 * came back would deposit a second time, and reopen a halted symbol.
 */
export class GenesisMarker {
  readonly #dir: string;
  readonly #path: string;

  constructor(dataDir: string) {
    this.#dir = dataDir;
    this.#path = join(dataDir, 'genesis.json');
  }

  /** What an interrupted genesis was about to define. @throws GenesisMarkerError, PathError */
  read(): Beginning {
    mustBeFile(this.#path);
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NOTHING;
      throw error;
    }
    const beginning = parse(text);
    if (beginning === undefined) throw new GenesisMarkerError(this.#path);
    return beginning;
  }

  /** Durable when it returns. */
  write(beginning: Beginning): void {
    const draft = `${this.#path}.draft`;
    const fd = openSync(draft, 'w');
    try {
      writeSync(fd, JSON.stringify(beginning));
      fsyncSync(fd);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    } finally {
      closeSync(fd);
    }
    renameSync(draft, this.#path);
    syncDirectory(this.#dir);
  }

  /** The removal is durable when it returns. Call it when all that the marker names is durable. */
  clear(): void {
    rmSync(this.#path, { force: true });
    syncDirectory(this.#dir);
  }
}

function parse(text: string): Beginning | undefined {
  try {
    const beginning: Partial<Beginning> | null = JSON.parse(text);
    const lists = [beginning?.symbols, beginning?.accounts];
    const valid = lists.every((ids) => Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id)));
    return valid ? (beginning as Beginning) : undefined;
  } catch {
    return undefined;
  }
}
