import { type LevelWithSilent, type Logger, pino } from 'pino';
import { readableLine } from './log-lines.ts';

export type { Logger } from 'pino';

/** Lowest severity that is written; `silent` writes none. */
export type LogLevel = LevelWithSilent;

/** Fields that hold a secret wherever they appear, up to two levels down: a request's headers, an error's cause. */
const SECRET_FIELDS = ['authorization', 'cookie', 'token', 'password', 'signature', 'key', 'privateKey', 'pem'];
const REDACTED = '[redacted]';

/**
 * Patterns of secrets in arbitrary text, such as an error that quotes its input or
 * an address with a token in it. Tokens (JWT, also of API
 * keys), what follows Bearer or the WebSocket protocol of tokens, and PEM keys.
 */
const SECRET_TEXT =
  /eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<=\bBearer |openbell\.bearer\.)[^\s"\\,]+|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]|-(?!----END))*/gi;

/**
 * JSON lines on stderr: stdout is for the output of commands. Lines are written
 * synchronously, because the last line before a crash matters most, and nothing
 * is logged per order at `info`. Code must not log secrets; any that are logged
 * by mistake are redacted here.
 * @param readable lines for a person instead of JSON; default: when stderr is a terminal
 */
export function createLogger(level: LogLevel, readable: boolean = process.stderr.isTTY === true): Logger {
  const destination = pino.destination({ dest: 2, sync: true });
  return pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: REDACTED },
      hooks: { streamWrite: readable ? (line) => readableLine(withoutSecrets(line)) : withoutSecrets },
    },
    destination,
  );
}

/** The text with everything that matches a secret's pattern redacted. */
export function withoutSecrets(text: string): string {
  return text.replace(SECRET_TEXT, REDACTED);
}
