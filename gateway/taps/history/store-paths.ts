import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file in the store's directory: a query found damage, and the next start must rebuild the store. */
export const DAMAGED_MARKER = 'damaged';

/** The LMDB environment of a data directory. */
export function historyPath(dataDir: string): string {
  return join(dataDir, 'history');
}

/** Leaves a note for the next start that the store must be rebuilt. */
export function markDamaged(dataDir: string, fault: string): void {
  writeFileSync(join(historyPath(dataDir), DAMAGED_MARKER), fault, { flush: true });
}
