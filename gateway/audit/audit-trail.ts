import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../log.ts';
import { auditDirectory, openTrail } from './audit-files.ts';
import { readRemoval, removableFiles, removalEvent, removeFile } from './audit-removal.ts';
import type { AuditEvent, AuditSink } from './audit-sink.ts';
import { AuditWriter, type TimedEvent } from './audit-writer.ts';
import { FloodGuard } from './flood-guard.ts';

export interface AuditOptions {
  /** A file that has grown so large is followed by another. Default 16 MiB. */
  readonly rotateBytes?: number;
  /** Records are kept for so long, then go with their whole file. Default: for ever. */
  readonly keepDays?: number;
  /** A file that is so old is followed by another, so that records go in time. Default a day with `keepDays`, never without. */
  readonly rotateMs?: number;
  /** Between two looks for files that may go, and two logs of the head. Default an hour. */
  readonly checkMs?: number;
  /** Between two writes. Default 100 ms: what a crash may lose. */
  readonly flushMs?: number;
  /** Events that wait for a disk that does not take them; more are counted. Default 10,000. */
  readonly maxWaiting?: number;
  /** Refusals a second that get a record of their own; more are summed up. Default 100. */
  readonly maxRefusals?: number;
}

export interface AuditStats {
  /** Records written since the start. */
  readonly records: number;
  /** Refusals that were summed up instead of written one by one. */
  readonly summarised: number;
  /** Events that found no room while the disk took none. */
  readonly lost: number;
  readonly failing: boolean;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const RETRY_MS = 1000;

/**
 * The audit trail of a data directory: who did what to the exchange, and who
 * was not let in. Append-only and chained by hash, so that no record can be
 * changed, left out or moved without its being seen; only a cut end cannot,
 * unless its head was kept elsewhere: it is logged. I/O thread; events wait in
 * memory for the next write, so that nobody waits for the disk.
 */
export class AuditTrail implements AuditSink {
  readonly #log: Logger;
  readonly #dir: string;
  readonly #options: Required<AuditOptions>;
  readonly #writer: AuditWriter;
  readonly #flood: FloodGuard;
  readonly #hourly: NodeJS.Timeout;
  #waiting: TimedEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #records = 0;
  #lost = 0;
  /** Of them, those that the trail does not tell of yet. */
  #lostUntold = 0;
  #failing = false;
  #looking = false;
  #stopped = false;

  /** Opens the trail, and repairs a torn end. @throws the system's Error when the directory cannot be used */
  constructor(dataDir: string, log: Logger, options: AuditOptions = {}) {
    this.#log = log;
    this.#options = {
      rotateBytes: 16 * 1024 * 1024,
      rotateMs: options.keepDays === undefined ? Number.POSITIVE_INFINITY : DAY_MS,
      checkMs: HOUR_MS,
      flushMs: 100,
      maxWaiting: 10_000,
      maxRefusals: 100,
      keepDays: Number.POSITIVE_INFINITY,
      ...options,
    };
    const dir = auditDirectory(dataDir);
    this.#dir = dir;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const end = openTrail(dir);
    this.#writer = new AuditWriter(dir, end, this.#options);
    this.#flood = new FloodGuard(this.#options.maxRefusals, (event) => this.#add(event));
    if (end.torn !== undefined) {
      const detail = `${end.torn.bytes} bytes of a record that was not written whole were cut and are kept in ${end.torn.keptIn}`;
      this.#add(own('repair', detail));
      log.warn({ audit: detail }, 'audit trail repaired');
    }
    this.#add(own('start'));
    this.#anchor();
    void this.#retain();
    this.#hourly = setInterval(() => {
      this.#anchor();
      void this.#retain();
    }, this.#options.checkMs);
    this.#hourly.unref();
  }

  get stats(): AuditStats {
    return { records: this.#records, summarised: this.#flood.summarised, lost: this.#lost, failing: this.#failing };
  }

  record(event: AuditEvent): void {
    if (event.kind !== 'identity' || this.#flood.admits(event)) this.#add(event);
  }

  /** Writes what waits, and a record of the end. A disk that does not take it is not waited for. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#flood.stop();
    this.#add(own('stop'));
    this.#stopped = true;
    clearInterval(this.#hourly);
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#flush();
    clearTimeout(this.#timer);
    this.#anchor();
    await this.#writer.close();
  }

  #add(event: AuditEvent): void {
    if (this.#stopped) return;
    if (this.#waiting.length >= this.#options.maxWaiting) {
      this.#lost++;
      this.#lostUntold++;
      return;
    }
    this.#waiting.push({ timeMs: Date.now(), event });
    this.#timer ??= setTimeout(() => this.#due(), this.#options.flushMs);
  }

  #due(): void {
    this.#writing ??= this.#flush().finally(() => {
      this.#writing = undefined;
    });
  }

  async #flush(): Promise<void> {
    this.#timer = undefined;
    const batch = this.#waiting;
    const lost = this.#lostUntold;
    if (lost > 0) batch.push({ timeMs: Date.now(), event: own('lost', `${lost} events found no room while the disk took none`) });
    if (batch.length === 0) return;
    this.#waiting = [];
    this.#lostUntold = 0;
    try {
      await this.#writer.append(batch);
      this.#records += batch.length;
      if (this.#failing) this.#log.info('audit trail is written again');
      this.#failing = false;
      await this.#remove(batch);
    } catch (error) {
      if (!this.#failing) this.#log.error({ err: error }, 'the audit trail cannot be written; its records wait for room');
      this.#failing = true;
      if (lost > 0) batch.pop();
      this.#lostUntold += lost;
      this.#waiting = [...batch, ...this.#waiting];
    }
    if (this.#waiting.length === 0 || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#due(), this.#failing ? RETRY_MS : this.#options.flushMs);
  }

  /** Announces the files that are old enough. They go when that is written: a crash before leaves them, one after what tells of them. */
  async #retain(): Promise<void> {
    const { keepDays } = this.#options;
    // What waits for the disk may be an announcement.
    if (keepDays === Number.POSITIVE_INFINITY || this.#failing || this.#looking) return;
    this.#looking = true;
    try {
      for await (const removal of removableFiles(this.#dir, Date.now() - keepDays * DAY_MS)) this.#add(removalEvent(removal));
    } catch (error) {
      if (!this.#stopped) this.#log.error({ err: error }, 'old audit records cannot be removed');
    } finally {
      this.#looking = false;
    }
  }

  /** What was announced before and could not be removed is announced again with the next look. */
  async #remove(written: readonly TimedEvent[]): Promise<void> {
    try {
      for (const { event } of written) {
        const removal = readRemoval(event);
        if (removal !== undefined) await removeFile(join(this.#dir, removal.file));
      }
    } catch (error) {
      this.#log.error({ err: error }, 'old audit records cannot be removed');
    }
  }

  /** To be kept where who can change the trail cannot. */
  #anchor(): void {
    this.#log.info({ audit: this.#writer.head }, 'audit trail head');
  }
}

function own(action: string, detail?: string): AuditEvent {
  return { kind: 'trail', subject: 'exchange', action, outcome: 'ok', peer: '', ...(detail !== undefined && { detail }) };
}
