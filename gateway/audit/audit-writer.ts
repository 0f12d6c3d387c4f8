import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { auditFileName, syncDirectory, type TrailEnd } from './audit-files.ts';
import { sealRecord } from './audit-record.ts';
import type { AuditEvent } from './audit-sink.ts';

/** An event and when it happened, Unix time in ms. */
export interface TimedEvent {
  readonly timeMs: number;
  readonly event: AuditEvent;
}

/** File size and age at which a new file is started. */
export interface Rotation {
  readonly rotateBytes: number;
  readonly rotateMs: number;
}

/** Appends batches to the chain: one write and one fdatasync each. One call at a time. */
export class AuditWriter {
  readonly #dir: string;
  readonly #rotation: Rotation;
  #file: FileHandle | undefined;
  #path: string | undefined;
  /** Length of the file's complete records, bytes. */
  #bytes: number;
  /** Time of its first record. */
  #beganMs: number;
  #no: number;
  #hash: string;

  constructor(dir: string, end: TrailEnd, rotation: Rotation) {
    this.#dir = dir;
    this.#rotation = rotation;
    this.#beganMs = end.beganMs;
    this.#path = end.file;
    this.#bytes = end.bytes;
    this.#no = end.no;
    this.#hash = end.hash;
  }

  /** Number and hash of the last record on the disk. */
  get head(): { readonly no: number; readonly hash: string } {
    return { no: this.#no, hash: this.#hash };
  }

  /** Resolves when they are durable. @throws the system's Error; the trail then contains nothing of the batch, and the caller may pass it again */
  async append(batch: readonly TimedEvent[]): Promise<void> {
    const file = await this.#open(batch[0].timeMs);
    if (this.#bytes === 0) this.#beganMs = batch[0].timeMs;
    let no = this.#no;
    let hash = this.#hash;
    let text = '';
    for (const { timeMs, event } of batch) {
      const sealed = sealRecord(hash, ++no, timeMs, event);
      hash = sealed.hash;
      text += `${sealed.line}\n`;
    }
    const bytes = Buffer.from(text);
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, at, bytes.length - at, this.#bytes + at);
        at += bytesWritten;
      }
      await file.datasync();
    } catch (error) {
      // If this fails too, the next attempt overwrites the same bytes: it begins with the same records.
      await file.truncate(this.#bytes).catch(() => undefined);
      throw error;
    }
    this.#bytes += bytes.length;
    this.#no = no;
    this.#hash = hash;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #open(nowMs: number): Promise<FileHandle> {
    const { rotateBytes, rotateMs } = this.#rotation;
    if (this.#path !== undefined && (this.#bytes >= rotateBytes || nowMs - this.#beganMs >= rotateMs)) {
      await this.close();
      this.#path = undefined;
    }
    if (this.#file !== undefined) return this.#file;
    if (this.#path === undefined) {
      const path = join(this.#dir, auditFileName(this.#no + 1));
      this.#file = await open(path, 'wx', 0o600);
      this.#path = path;
      this.#bytes = 0;
      await syncDirectory(dirname(path));
    } else this.#file = await open(this.#path, 'r+');
    return this.#file;
  }
}
