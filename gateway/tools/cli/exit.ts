import { withoutSecrets } from '../../secret-text.ts';

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

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

const UNREACHABLE = new Set(['CONNECTION_LOST', 'HTTP_FAILED', 'CLOSED']);
const USAGE = new Set(['OPENBELL_CONFIG', 'DECIMAL_MALFORMED', 'DECIMAL_NOT_A_MULTIPLE', 'DECIMAL_TOO_LARGE', 'ILLEGAL_COMBINATION']);

/** Exit codes by the stable `code` of the error, so that a command loads only the modules it uses. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (USAGE.has(code)) return ExitCode.Usage;
  return UNREACHABLE.has(code) ? ExitCode.Unreachable : ExitCode.Failed;
}

/** One line for errors that the user can act on; the whole trace for unexpected errors. Without secrets that the error quotes. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return withoutSecrets(String(error));
  const foreseen = error instanceof CliError || 'code' in error;
  return withoutSecrets(foreseen ? error.message : (error.stack ?? error.message));
}

/** Runs a command's work: its errors go to stderr, or where `write` puts them, and become the exit code. */
export async function run(
  work: () => Promise<ExitCode | undefined>,
  write: (text: string) => unknown = (text) => process.stderr.write(text),
): Promise<void> {
  try {
    process.exitCode = (await work()) ?? ExitCode.Ok;
  } catch (error) {
    write(`openbell: ${describe(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
