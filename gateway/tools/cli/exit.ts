import { printable } from '../../log-lines.ts';
import { withoutSecrets } from '../../secret-text.ts';
import { withNextStep } from './next-step.ts';

/** Exit codes of the commands. */
export const ExitCode = {
  Ok: 0,
  /** Rejected by the exchange, or a check found a difference. */
  Failed: 1,
  /** The command line or the configuration is wrong. */
  Usage: 2,
  /** The exchange cannot be reached. */
  Unreachable: 3,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Ends a command with a message and an exit code. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  /** Stable; undefined: the exit code says enough. */
  readonly code: string | undefined;

  constructor(message: string, exitCode: ExitCode, code?: string) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** `error` of the JSON that a command with `--json` prints when it fails. */
export interface JsonError {
  /** Stable: that of the error, else USAGE, UNREACHABLE or FAILED after the exit code. */
  readonly code: string;
  readonly message: string;
  /** All problems, where there may be several. */
  readonly problems?: readonly string[];
}

const UNREACHABLE = new Set(['CONNECTION_LOST', 'HTTP_FAILED', 'CLOSED']);
const USAGE = new Set([
  'OPENBELL_CONFIG',
  'DECIMAL_MALFORMED',
  'DECIMAL_NOT_A_MULTIPLE',
  'DECIMAL_TOO_LARGE',
  'ILLEGAL_COMBINATION',
  // The command line asks for what the host does not permit or have.
  'TUNE_REFUSED',
  'TUNE_ABSENT',
  // A value that no state of the exchange allows, whichever side finds it.
  'BAD_RANGE',
  'BAD_ENUM',
  'BAD_CLIENT_ORDER_ID',
  'TLS_FAILED',
]);
const CODES: Readonly<Record<ExitCode, string>> = { 0: 'OK', 1: 'FAILED', 2: 'USAGE', 3: 'UNREACHABLE' };

let json = false;

/** For the whole process: errors are printed on stdout too, as JSON. */
export function printErrorsAsJson(wanted: boolean): void {
  json = wanted;
}

/** Exit codes by the stable `code` of the error, so that a command loads only the modules it uses. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  const code = codeOf(error) ?? '';
  if (USAGE.has(code)) return ExitCode.Usage;
  return UNREACHABLE.has(code) ? ExitCode.Unreachable : ExitCode.Failed;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && error.code !== undefined ? String(error.code) : undefined;
}

/** Code and message for errors that the user can act on; the whole trace for unexpected errors. Without secrets that the error quotes. */
export function describe(error: unknown): string {
  // It may quote a file or a peer.
  return withoutSecrets(textOf(error).split('\n').map(printable).join('\n'));
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = codeOf(error);
  // Problems of the configuration name their flag, variable or file; the code would look like the variable.
  if (code === 'OPENBELL_CONFIG') return error.message;
  if (code === undefined) return error instanceof CliError ? error.message : (error.stack ?? error.message);
  // Errors of the system and rejects by the exchange begin with their code.
  return withNextStep(code, error.message.startsWith(`${code}:`) ? error.message : `${code}: ${error.message}`);
}

/** Prints an error: its text on stderr or where `write` puts it and, for a command with `--json`, JSON on stdout. */
function report(error: unknown, write: (text: string) => unknown): void {
  write(`openbell: ${describe(error)}\n`);
  if (!json) return;
  const { message, problems } = (error instanceof Error ? error : { message: String(error) }) as { message: string; problems?: unknown };
  const shown: JsonError = {
    code: codeOf(error) ?? CODES[exitCodeOf(error)],
    message: withoutSecrets(withNextStep(codeOf(error), message)),
    ...(Array.isArray(problems) && { problems: problems.map((problem) => withoutSecrets(String(problem))) }),
  };
  process.stdout.write(`${JSON.stringify({ error: shown })}\n`);
}

/** Runs a command's work: its errors go to stderr, or where `write` puts them, and become the exit code. */
export async function run(
  work: () => Promise<ExitCode | undefined>,
  write: (text: string) => unknown = (text) => process.stderr.write(text),
): Promise<void> {
  try {
    process.exitCode = (await work()) ?? ExitCode.Ok;
  } catch (error) {
    report(error, write);
    process.exitCode = exitCodeOf(error);
  }
}

/** A command line that commander rejected; it has printed the text already. */
export function reportUsage(message: string): void {
  if (json)
    process.stdout.write(
      `${JSON.stringify({ error: { code: CODES[ExitCode.Usage], message: withoutSecrets(message) } satisfies JsonError })}\n`,
    );
}

/** Ends the process with an error that no {@link run} catches: what comes before the command's work is wrong. */
export function reportAndExit(error: unknown): never {
  report(error, (text) => process.stderr.write(text));
  process.exit(exitCodeOf(error));
}
