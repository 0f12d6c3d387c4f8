import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { auditDirectory, auditFiles } from '../audit/audit-files.ts';
import type { BackupTarget } from './backup-target.ts';

const NEWLINE = 0x0a;
const ATTEMPTS = 5;

/** Copies the audit trail, which a running exchange appends to and may shorten at its beginning. */
export async function copyAudit(dataDir: string, partial: BackupTarget): Promise<void> {
  if (!existsSync(auditDirectory(dataDir))) return;
  for (let attempt = 1; ; attempt++) {
    try {
      partial.makeFolder('audit', 0o700);
      const files = auditFiles(auditDirectory(dataDir));
      for (const [index, file] of files.entries()) {
        const path = join('audit', basename(file));
        if (index < files.length - 1) await partial.add(dataDir, path, { immutable: true });
        else await partial.add(dataDir, path, { usedBytes: wholeLines(file) });
      }
      return;
    } catch (error) {
      partial.remove('audit');
      // Retention has removed the oldest file.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Bytes up to the last whole line: the rest may be a record that is being written. */
function wholeLines(file: string): number {
  return readFileSync(file).lastIndexOf(NEWLINE) + 1;
}
