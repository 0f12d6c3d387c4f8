import { type LevelWithSilent, type Logger, pino } from 'pino';
import { readableLine } from './log-lines.ts';
import { errorOutput } from './lossy-output.ts';
import { withoutSecrets } from './secret-text.ts';

export type { Logger } from 'pino';

/** Lowest severity that is written; `silent` writes none. */
export type LogLevel = LevelWithSilent;

/** Fields that hold a secret wherever they appear, up to two levels down: a request's headers, an error's cause. */
const SECRET_FIELDS = ['authorization', 'cookie', 'token', 'password', 'signature', 'key', 'privateKey', 'pem'];
const REDACTED = '[redacted]';

/**
 * JSON lines on stderr: stdout is for the output of commands. Lines are written
 * synchronously, because the last line before a crash matters most, and nothing
 * is logged per order at `info`. A line that cannot be written is lost and
 * counted: a log never stops the exchange. Code must not log secrets; any that
 * are logged by mistake are redacted here.
 * @param readable lines for a person instead of JSON; default: when stderr is a terminal
 */
export function createLogger(level: LogLevel, readable: boolean = process.stderr.isTTY === true): Logger {
  return pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: REDACTED },
      hooks: { streamWrite: readable ? (line) => readableLine(withoutSecrets(line)) : withoutSecrets },
    },
    errorOutput,
  );
}
