import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as lmdb from 'lmdb';
import { mustBeDirectory, mustBeFile } from '../../../engine/journal/path-kind.ts';
import { CANDLE_DATABASES, verifyCandleRow } from '../candles/candle-store.ts';
import { LEDGER_DATABASE, verifyLedgerRow } from '../ledger/ledger-store.ts';
import { POSITION_DATABASES, verifyPositionRow } from '../positions/position-store.ts';
import { STORE_FILES } from './room.ts';
import { DamagedHistoryError, recordsOf } from './run-format.ts';
import { REPORT_RUNS, TRADE_RUNS } from './run-layout.ts';
import { HistoryVersionError, isNewerVersion, type MetaValues, metaFault } from './store.ts';
import { StoreFault, walkStoreFile } from './store-file.ts';
import { DAMAGED_MARKER, historyPath } from './store-paths.ts';

/** lmdb's decoder of keys, which its types do not declare. */
const { bufferToKeyValue } = lmdb as unknown as { bufferToKeyValue(bytes: Uint8Array): unknown };

/**
 * Bytes of runs in pages of their own that a check verifies, at most: about half a
 * second of work. Their position is always checked, because LMDB relies on it.
 */
const VERIFIED_BYTES = 256 * 1024 * 1024;

export interface StoreCheck {
  /** What is wrong; undefined if nothing was found. */
  readonly fault: string | undefined;
  /** Sequence up to which the store is complete; 0 = none. */
  readonly watermark: number;
  /** All runs were verified. */
  readonly verified: boolean;
}

/**
 * Checks the store of a data directory that no process has open: pages, runs and
 * watermark. It uses no function of LMDB that maps the file, so that no damage
 * can end the process. Blocks; changes nothing.
 *
 * @param verifiedBytes most bytes of runs that are verified, see {@link StoreCheck.verified}
 * @throws HistoryVersionError if a newer openbell wrote the store; PathError if a file of it is none
 */
export function checkStore(dataDir: string, verifiedBytes = VERIFIED_BYTES): StoreCheck {
  const directory = historyPath(dataDir);
  const path = join(directory, 'data.mdb');
  const nothing = { fault: undefined, watermark: 0, verified: true };
  mustBeDirectory(directory);
  for (const name of [...STORE_FILES, DAMAGED_MARKER]) mustBeFile(join(directory, name));
  if (!existsSync(path) || statSync(path).size === 0) return nothing;
  const marker = join(directory, DAMAGED_MARKER);
  if (existsSync(marker)) return { ...nothing, fault: readFileSync(marker, 'utf8') || 'a query found damage' };
  const visitor = new Visitor(directory, verifiedBytes);
  try {
    walkStoreFile(path, visitor);
  } catch (error) {
    if (error instanceof StoreFault) return { ...nothing, fault: error.message };
    if (error instanceof DamagedHistoryError) return { ...nothing, fault: error.detail };
    throw error;
  }
  const fault = metaFault(visitor.meta);
  return { fault, watermark: fault === undefined ? (visitor.meta.watermark ?? 0) : 0, verified: visitor.readsOverflow };
}

class Visitor {
  readonly meta: MetaValues = {};
  readonly #directory: string;
  #left: number;

  constructor(directory: string, verifiedBytes: number) {
    this.#directory = directory;
    this.#left = verifiedBytes;
  }

  get readsOverflow(): boolean {
    return this.#left > 0;
  }

  onValue(database: string, key: Buffer, value: Buffer): void {
    if (database === 'reports' || database === 'trades') {
      this.#left -= value.length;
      const at = decoded(key);
      if (!Array.isArray(at) || at.length !== 2 || !at.every(Number.isSafeInteger)) throw new StoreFault(`a key of ${database} is damaged`);
      recordsOf(database === 'reports' ? REPORT_RUNS : TRADE_RUNS, at[0], at[1], value);
    } else if (database === CANDLE_DATABASES[0] || database === CANDLE_DATABASES[1]) {
      verifyCandleRow(database, decoded(key), value);
    } else if (database === POSITION_DATABASES[0] || database === POSITION_DATABASES[1]) {
      verifyPositionRow(database, decoded(key), value);
    } else if (database === LEDGER_DATABASE) {
      verifyLedgerRow(decoded(key), value);
    } else if (database === 'meta') {
      this.meta[String(decoded(key))] = Number(decoded(value));
      // A newer version may differ in everything else.
      const { version } = this.meta;
      if (version !== undefined && isNewerVersion(version)) throw new HistoryVersionError(this.#directory, version);
    }
  }
}

function decoded(bytes: Buffer): unknown {
  try {
    return bufferToKeyValue(bytes);
  } catch {
    throw new StoreFault('a key is damaged');
  }
}
