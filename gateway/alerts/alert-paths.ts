import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The LMDB environment of a data directory. It exists once an alert or an endpoint was defined. */
export function alertsPath(dataDir: string): string {
  return join(dataDir, 'alerts');
}

export function hasAlerts(dataDir: string): boolean {
  return existsSync(join(alertsPath(dataDir), 'data.mdb'));
}
