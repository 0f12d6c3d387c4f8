import { type Logger, pino } from 'pino';
import type { LogLevel } from './config-options.ts';

export type { Logger } from 'pino';

/**
 * JSON lines on stderr: stdout belongs to the command line's answers. Written
 * at once, because the last line before the end is the one that matters, and
 * nothing is logged per order at `info`.
 */
export function createLogger(level: LogLevel): Logger {
  const destination = pino.destination({ dest: 2, sync: true });
  return pino(
    { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    destination,
  );
}
