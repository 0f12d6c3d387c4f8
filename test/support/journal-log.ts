import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synchronousDisk } from '../../engine/journal/disk.ts';
import { JOURNAL_WORDS } from '../../engine/journal/journal-status.ts';
import { listSegments } from '../../engine/journal/log-format.ts';
import { scanLog } from '../../engine/journal/log-reader.ts';
import { LogWriter, type LogWriterOptions } from '../../engine/journal/log-writer.ts';
import { CommandRing } from './command-ring.ts';

export function temporaryDirectory(t: { after(fn: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-journal-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The shared words of {@link openLog} start here. */
export const STATUS_AT = 3;

export function openLog(dir: string, ring: CommandRing, more: Partial<LogWriterOptions> = {}): { writer: LogWriter; words: Int32Array } {
  const words = new Int32Array(new SharedArrayBuffer((STATUS_AT + JOURNAL_WORDS) * 4));
  const writer = new LogWriter({
    dir,
    end: scanLog(dir),
    ring: ring.consumer,
    disk: synchronousDisk,
    mode: 'durable',
    words,
    at: STATUS_AT,
    ...more,
  });
  return { writer, words };
}

/** Appends separate batches of these sizes, and with `seal` closes the log; without, it stays as after a kill. */
export async function writeLog(dir: string, sizes: readonly number[], seal: boolean, more: Partial<LogWriterOptions> = {}): Promise<void> {
  const ring = new CommandRing(256, scanLog(dir).lastSeq);
  const { writer } = openLog(dir, ring, { segmentBytes: 4096, ...more });
  for (const size of sizes) {
    ring.publish(size);
    while (ring.depth() > 0) writer.poll();
  }
  if (seal) await writer.close();
}

/** Where a batch lies; found by walking the headers of a good log. */
export interface PlacedBatch {
  readonly file: string;
  readonly last: boolean;
  readonly position: number;
  readonly bytes: number;
  readonly firstSeq: number;
  readonly count: number;
  readonly syncedSeq: number;
}

export function placeBatches(dir: string): PlacedBatch[] {
  const placed: PlacedBatch[] = [];
  const segments = listSegments(dir);
  for (const { name } of segments) {
    const words = new Int32Array(Uint8Array.from(readFileSync(join(dir, name))).buffer);
    for (let at = 0; at < words.length && words[at] !== 0; ) {
      const count = words[at + 3];
      const bytes = 64 + 64 * count;
      placed.push({
        file: name,
        last: name === segments.at(-1)?.name,
        position: at * 4,
        bytes,
        firstSeq: words[at + 4],
        count,
        syncedSeq: words[at + 10],
      });
      at += bytes / 4;
    }
  }
  assert.ok(placed.length > 0);
  return placed;
}
