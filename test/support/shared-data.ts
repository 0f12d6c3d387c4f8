import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of recorded data that the tests read in place: OPENBELL_SHARED, or `../shared` beside the repository. */
const shared = process.env.OPENBELL_SHARED ?? join(import.meta.dirname, '..', '..', '..', 'shared');

export function sharedData(...parts: string[]): string {
  return join(shared, 'data', ...parts);
}

/** For `test(name, { skip: missing(path) }, ...)`: false if the file exists, else the reason, which is also printed on stderr. */
export function missing(...paths: string[]): string | false {
  const absent = paths.filter((path) => !existsSync(path));
  if (absent.length === 0) return false;
  const reason = `SKIPPED: no recorded data at ${absent.join(', ')}; set OPENBELL_SHARED to the folder that holds data/`;
  process.stderr.write(`${reason}\n`);
  return reason;
}
