import { CliError, ExitCode } from './exit.ts';

export interface ConfirmFlags {
  readonly yes?: true;
  /** Name of the context in force, if it is guarded: every action asks. */
  readonly guardedBy?: string;
  /** The command that it asks about, such as `halt BTC-USD`; set together with `guardedBy`. */
  readonly guardedAction?: string;
}

let confirmed = false;

/**
 * Asks at the terminal before what is hard to undo; once in the life of the process.
 * @param what an action and its object, such as `halt all symbols`
 * @param unattended without a terminal: `refuse` without --yes; `go on`, for commands that scripts used before there was --yes
 * @throws CliError when the answer is not yes; Ctrl-C and Ctrl-D are no
 */
export async function confirm(flags: ConfirmFlags, what: string, unattended: 'refuse' | 'go on' = 'refuse'): Promise<void> {
  const { yes, guardedBy } = flags;
  if (yes || confirmed) return;
  const where = guardedBy === undefined ? '' : ` (context ${guardedBy} is guarded)`;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    if (unattended === 'go on' && guardedBy === undefined) return;
    throw new CliError(
      `${what}${where}: there is no terminal for a question; to go on without one, give --yes`,
      ExitCode.Usage,
      'NOT_CONFIRMED',
    );
  }
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${what}${where}? [y/N] `).catch((error: Error) => {
      if (error.name !== 'AbortError') throw error;
      // Ctrl-C or Ctrl-D, after which the cursor is still behind the question.
      process.stderr.write('\n');
      return '';
    });
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('nothing was done', ExitCode.Failed, 'NOT_CONFIRMED');
    confirmed = true;
  } finally {
    lines.close();
  }
}

/** Before any action: asks if the context in force is guarded. @throws CliError */
export async function confirmGuarded(flags: ConfirmFlags, what: string): Promise<void> {
  if (flags.guardedBy !== undefined) await confirm(flags, what);
}
