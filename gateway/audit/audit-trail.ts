import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../../engine/journal/paths.ts';
import { syncDirectory } from '../../engine/journal/segment-file.ts';
import type { Logger } from '../log.ts';
import { auditDirectory, openTrail } from './audit-files.ts';
import { readRemoval, removableFiles, removalEvent, removeFile } from './audit-removal.ts';
import type { AuditEvent, AuditSink } from './audit-sink.ts';
import { AuditWriter, type TimedEvent } from './audit-writer.ts';
import { FloodGuard } from './flood-guard.ts';

export interface AuditOptions {
  /** File size at which a new file is started, bytes. Default 16 MiB. */
  readonly rotateBytes?: number;
  /** Days that records are kept. Whole files are removed. Default: no limit. */
  readonly keepDays?: number;
  /** The time from which the age of files counts; undefined while it is not known, and nothing is removed. Default: the wall clock. */
  readonly nowMs?: () => number | undefined;
  /** File age at which a new file is started, so that retention can remove whole files in time, ms. Default: a day with `keepDays`, else never. */
  readonly rotateMs?: number;
  /** Interval between retention checks, and between log lines of the head, ms. Default an hour. */
  readonly checkMs?: number;
  /** Interval between writes, ms. Default 100: a crash may lose that much. */
  readonly flushMs?: number;
  /** True: a trail that does not exist yet is created by {@link AuditTrail.begin}; until then its events are queued. */
  readonly deferNew?: boolean;
  /** Maximum number of events queued while the disk takes none; further ones are only counted. Default 10,000. */
  readonly maxWaiting?: number;
  /** Rejects per second that get their own record; further ones are summarised. Default 100. */
  readonly maxRejects?: number;
}

export interface AuditStats {
  /** Records written since the start. */
  readonly records: number;
  /** Rejects and sessions that were summarised instead of written one by one. */
  readonly summarised: number;
  /** Events lost because the queue was full while the disk took none. */
  readonly lost: number;
  readonly failing: boolean;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const RETRY_MS = 1000;
/** Records of sessions that begin and end: per second, 36 times as many an hour. A takeover reopens all 1024. */
const MAX_SESSION_RECORDS = 2048;
/** Per hour and subject. */
const MAX_OF_SUBJECT = 1000;

/**
 * The audit trail of a data directory: administrative actions, order-entry sessions and rejected
 * callers. It is append-only and chained by hash, so changed, missing or moved
 * records are detected. A cut end is detected only with a head stored elsewhere,
 * so the head is logged. I/O thread; events are queued in memory until the next
 * write, so no caller waits for the disk.
 */
export class AuditTrail implements AuditSink {
  readonly #log: Logger;
  readonly #dir: string;
  readonly #options: Required<AuditOptions>;
  readonly #writer: AuditWriter;
  readonly #flood: FloodGuard;
  readonly #sessions: FloodGuard;
  readonly #hourly: NodeJS.Timeout;
  #waiting: TimedEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #records = 0;
  #lost = 0;
  /** Lost events that the trail does not document yet. */
  #lostUnrecorded = 0;
  #failing = false;
  #looking = false;
  #stopped = false;
  /** The directory does not exist yet, and nothing is written. */
  #deferred: boolean;

  /** Opens the trail, and repairs a torn end. @throws the system's Error when the directory cannot be used */
  constructor(dataDir: string, log: Logger, options: AuditOptions = {}) {
    this.#log = log;
    this.#options = {
      rotateBytes: 16 * 1024 * 1024,
      rotateMs: options.keepDays === undefined ? Number.POSITIVE_INFINITY : DAY_MS,
      checkMs: HOUR_MS,
      flushMs: 100,
      maxWaiting: 10_000,
      maxRejects: 100,
      keepDays: Number.POSITIVE_INFINITY,
      deferNew: false,
      nowMs: () => Date.now(),
      ...options,
    };
    const dir = auditDirectory(dataDir);
    this.#dir = dir;
    this.#deferred = this.#options.deferNew && !existsSync(dir);
    if (!this.#deferred) this.#create();
    const end = openTrail(dir);
    this.#writer = new AuditWriter(dir, end, this.#options);
    this.#flood = new FloodGuard(this.#options.maxRejects, (event) => this.#add(event));
    this.#sessions = new FloodGuard(MAX_SESSION_RECORDS, (event) => this.#add(event), MAX_OF_SUBJECT);
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
    return {
      records: this.#records,
      summarised: this.#flood.summarised + this.#sessions.summarised,
      lost: this.#lost,
      failing: this.#failing,
    };
  }

  /** Creates the trail if it was deferred, and writes what is queued. @throws the system's Error when the directory cannot be created */
  begin(): void {
    if (!this.#deferred) return;
    this.#create();
    this.#deferred = false;
  }

  record(event: AuditEvent): void {
    const guard = event.kind === 'identity' ? this.#flood : event.kind === 'session' ? this.#sessions : undefined;
    if (guard === undefined || guard.admits(event)) this.#add(event);
  }

  /** Writes the queued events and a final record. Does not wait for a disk that takes none. A deferred trail without another event is not created. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#flood.stop();
    this.#sessions.stop();
    if (this.#deferred && this.#waiting.every(({ event }) => event.kind === 'trail')) this.#waiting = [];
    else this.begin();
    if (!this.#deferred) this.#add(own('stop'));
    this.#stopped = true;
    clearInterval(this.#hourly);
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#flush();
    clearTimeout(this.#timer);
    if (!this.#deferred) this.#anchor();
    await this.#writer.close();
  }

  #add(event: AuditEvent): void {
    if (this.#stopped) return;
    if (this.#waiting.length >= this.#options.maxWaiting) {
      this.#lost++;
      this.#lostUnrecorded++;
      return;
    }
    this.#waiting.push({ timeMs: Date.now(), event });
    this.#timer ??= setTimeout(() => this.#due(), this.#options.flushMs);
  }

  #create(): void {
    makeDirectory(this.#dir, 0o700);
    // A kill may have come between the two steps of an earlier start.
    syncDirectory(dirname(this.#dir));
  }

  #due(): void {
    this.#writing ??= this.#flush().finally(() => {
      this.#writing = undefined;
    });
  }

  async #flush(): Promise<void> {
    this.#timer = undefined;
    if (this.#deferred) {
      if (!this.#stopped) this.#timer = setTimeout(() => this.#due(), this.#options.flushMs);
      return;
    }
    const batch = this.#waiting;
    const lost = this.#lostUnrecorded;
    if (lost > 0) batch.push({ timeMs: Date.now(), event: own('lost', `${lost} events found no room while the disk took none`) });
    if (batch.length === 0) return;
    this.#waiting = [];
    this.#lostUnrecorded = 0;
    try {
      await this.#writer.append(batch);
      this.#records += batch.length;
      if (this.#failing) this.#log.info('audit trail is written again');
      this.#failing = false;
      await this.#remove(batch);
    } catch (error) {
      if (!this.#failing) this.#log.error({ err: error }, 'the audit trail cannot be written; its records are queued');
      this.#failing = true;
      if (lost > 0) batch.pop();
      this.#lostUnrecorded += lost;
      this.#waiting = [...batch, ...this.#waiting];
    }
    if (this.#waiting.length === 0 || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#due(), this.#failing ? RETRY_MS : this.#options.flushMs);
  }

  /** Looks for old files now: call it when {@link AuditOptions.nowMs} is known. */
  checkAge(): void {
    void this.#retain();
  }

  /** Announces the removal of old files. They are removed once the announcement is written: a crash before that leaves the files, a crash after it leaves the announcement. */
  async #retain(): Promise<void> {
    const { keepDays } = this.#options;
    const nowMs = this.#options.nowMs();
    // A queued event may be an announcement.
    if (keepDays === Number.POSITIVE_INFINITY || nowMs === undefined || this.#failing || this.#looking) return;
    this.#looking = true;
    try {
      for await (const removal of removableFiles(this.#dir, nowMs - keepDays * DAY_MS)) this.#add(removalEvent(removal));
    } catch (error) {
      if (!this.#stopped) this.#log.error({ err: error }, 'old audit records cannot be removed');
    } finally {
      this.#looking = false;
    }
  }

  /** Files that were announced and could not be removed are announced again at the next check. */
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

  /** Logs the head. Store it where those who can change the trail cannot change it. */
  #anchor(): void {
    this.#log.info({ audit: this.#writer.head }, 'audit trail head');
  }
}

function own(action: string, detail?: string): AuditEvent {
  return { kind: 'trail', subject: 'exchange', action, outcome: 'ok', peer: '', ...(detail !== undefined && { detail }) };
}
