import { type Database, open, type RootDatabase } from 'lmdb';
import type { AlertEvent } from '../client/alert-types.ts';
import { requireRoom, requireWritable } from '../taps/history/room.ts';
import type { Alert } from './alert.ts';
import { alertsPath } from './alert-paths.ts';

/** An endpoint of webhooks, as it is stored. */
export interface Endpoint {
  readonly id: number;
  readonly account: number;
  readonly url: string;
  readonly note: string;
  readonly createdMs: number;
  /** Newest first. `untilMs`: when it ends, ms since the Unix epoch; 0 = it does not. */
  readonly secrets: readonly { readonly secret: string; readonly untilMs: number }[];
  /** It gets no messages: it answered 410. */
  readonly disabled: boolean;
  readonly delivered: number;
  /** Failed attempts. */
  readonly failed: number;
  /** Dead letters that were removed because there were too many. */
  readonly dropped: number;
  /** Of the last attempt: when, and its status or why there was none. Empty: none yet. */
  readonly lastMs: number;
  readonly lastResult: string;
}

/** A message that waits for its next attempt. */
export interface PendingRow {
  readonly attempts: number;
  readonly dueMs: number;
  readonly body: string;
}

/** A message that is not attempted any more. */
export interface DeadRow {
  readonly attempts: number;
  readonly deadMs: number;
  readonly reason: string;
  readonly body: string;
}

/** Numbers of an account. */
export interface AccountRow {
  /** Its last event. */
  readonly eventNo: number;
  /** The last report that its alerts have seen; 0 = none of them concerns fills. */
  readonly reportNo: number;
}

const VERSION = 1;
/** Pages that a transaction may copy for each row it writes; see room.ts. */
const RUNS_PER_ROW = 1;

/** The alerts were written by a newer release, or the version is none. Nothing was changed. */
export class AlertsVersionError extends Error {
  readonly code = 'ALERTS_NEWER';

  constructor(path: string, version: number) {
    super(
      `the alerts in ${path} have version ${version}, and this release knows version ${VERSION}. Nothing was changed. ` +
        'Start the release that wrote them, or move the directory away to begin without alerts.',
    );
    this.name = 'AlertsVersionError';
  }
}

/**
 * Alerts, endpoints, events and messages, in an LMDB environment of their own under `DATA/alerts`. It is not derived from the log: it is the only
 * copy. Each call of {@link write} is one transaction, on the disk when the call returns.
 *
 *   alerts     id               -> Alert
 *   endpoints  id               -> Endpoint, with its secrets
 *   events     [account, no]    -> AlertEvent
 *   pending    [endpoint, no]   -> PendingRow
 *   dead       [endpoint, no]   -> DeadRow
 *   gauges     key              -> value when it was last stored
 *   windows    symbol:length    -> numbers of the window as of one trade, in the byte order of the host: see windows.ts
 *   accounts   account          -> AccountRow
 *   meta       'version', 'alert', 'endpoint' -> version of this layout, last ids given
 */
export class AlertStore {
  readonly path: string;
  readonly alerts: Database<Alert, number>;
  readonly endpoints: Database<Endpoint, number>;
  readonly events: Database<AlertEvent, [number, number]>;
  readonly pending: Database<PendingRow, [number, number]>;
  readonly dead: Database<DeadRow, [number, number]>;
  readonly gauges: Database<number, string>;
  readonly windows: Database<Buffer, string>;
  readonly accounts: Database<AccountRow, number>;
  readonly meta: Database<number, string>;
  readonly #root: RootDatabase;

  /** Opens or creates the store. Blocks. @throws AlertsVersionError, HistoryFullError, HistoryUnusableError, PathError */
  constructor(dataDir: string) {
    this.path = alertsPath(dataDir);
    requireWritable(this.path);
    this.#root = open({ path: this.path, maxDbs: 9, noSubdir: false });
    const json = { encoding: 'json', cache: false } as const;
    this.meta = this.#root.openDB({ name: 'meta', ...json });
    const version = this.meta.get('version') ?? VERSION;
    if (version !== VERSION) {
      void this.#root.close();
      throw new AlertsVersionError(this.path, version);
    }
    this.alerts = this.#root.openDB({ name: 'alerts', ...json });
    this.endpoints = this.#root.openDB({ name: 'endpoints', ...json });
    this.events = this.#root.openDB({ name: 'events', ...json });
    this.pending = this.#root.openDB({ name: 'pending', ...json });
    this.dead = this.#root.openDB({ name: 'dead', ...json });
    this.gauges = this.#root.openDB({ name: 'gauges', ...json });
    this.windows = this.#root.openDB({ name: 'windows', encoding: 'binary', cache: false });
    this.accounts = this.#root.openDB({ name: 'accounts', ...json });
    if (this.meta.get('version') === undefined) this.write(1, () => this.meta.putSync('version', VERSION));
  }

  /** Runs a transaction. @param rows how many rows it writes, at most @throws HistoryFullError before anything is written */
  write<T>(rows: number, work: () => T): T {
    requireRoom(this.path, rows * RUNS_PER_ROW);
    return this.#root.transactionSync(work);
  }

  /** A further id, from 1. Call it in {@link write}. */
  nextId(of: 'alert' | 'endpoint'): number {
    const id = (this.meta.get(of) ?? 0) + 1;
    this.meta.putSync(of, id);
    return id;
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}
