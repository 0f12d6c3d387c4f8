import { type LevelWithSilent, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Least severe line that is written; `silent` writes none. */
export type LogLevel = LevelWithSilent;

/** Fields that hold a secret wherever they appear, up to two levels down: a request's headers, an error's cause. */
const SECRET_FIELDS = ['authorization', 'cookie', 'token', 'password', 'signature', 'key', 'privateKey', 'pem'];
const REDACTED = '[redacted]';

/**
 * Secrets by what they look like, for text that nobody foresaw: an error that
 * quotes its input, an address with a token in it. Tokens (JWT, also of API
 * keys), what follows Bearer or the WebSocket protocol of tokens, and PEM keys.
 */
const SECRET_TEXT =
  /eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<=\bBearer |openbell\.bearer\.)[^\s"\\,]+|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]|-(?!----END))*/gi;

/**
 * JSON lines on stderr: stdout belongs to the command line's answers. Written
 * at once, because the last line before the end is the one that matters, and
 * nothing is logged per order at `info`. No secret gets into it: code does not
 * log any, and what slips through is taken out here.
 */
export function createLogger(level: LogLevel): Logger {
  const destination = pino.destination({ dest: 2, sync: true });
  return pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: REDACTED },
      hooks: { streamWrite: withoutSecrets },
    },
    destination,
  );
}

/** The text with what looks like a secret taken out. */
export function withoutSecrets(text: string): string {
  return text.replace(SECRET_TEXT, REDACTED);
}
