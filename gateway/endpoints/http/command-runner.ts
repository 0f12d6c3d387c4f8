import { Code, codeName } from '../../../engine/codes.ts';
import type { CommandFields } from '../../../engine/machine/command.ts';
import { type AdminAnswer, type AdminCommands, AdminTimeoutError, adminAdvice } from '../../venue/admin-commands.ts';
import { type CommandWords, commandWords } from '../../venue/venue-commands.ts';
import { HttpError } from './http-error.ts';
import { statusOf } from './reject-status.ts';

/** Sends a command of an action and waits for its answer. @throws HttpError when it is rejected or not answered */
export type Run = (fields: CommandFields) => Promise<AdminAnswer>;

/**
 * Runs the commands of one action, one after the other. An action of several
 * commands is not atomic in the log, so the first failure ends it with an error
 * that lists the commands in effect, `applied`, and the one that `failed`.
 * @param seqs receives the sequences of all commands
 */
export function commandRunner(commands: Pick<AdminCommands, 'submit'>, seqs: number[]): Run {
  const applied: (CommandWords & { readonly seq: number })[] = [];
  return async (fields) => {
    const words = commandWords(fields);
    try {
      const answer = await commands.submit(fields);
      if (answer.seq !== 0) seqs.push(answer.seq);
      if (answer.code !== Code.OK) {
        const failed = { ...words, seq: answer.seq, outcome: 'refused', ...(answer.repeated && { repeated: true }) };
        throw rejected(answer.code, { applied, failed });
      }
      applied.push({ ...words, seq: answer.seq });
      return answer;
    } catch (error) {
      if (!(error instanceof AdminTimeoutError)) throw error;
      seqs.push(error.seq);
      throw new HttpError(504, 0, 'NO_ANSWER', error.message, { applied, failed: { ...words, seq: error.seq, outcome: 'unknown' } });
    }
  };
}

export function rejected(code: Code, fields: object = {}): HttpError {
  return new HttpError(statusOf({ code }), code, codeName(code), adminAdvice(code), fields);
}

/** Commands that one request sends at most. Only orders that arrive meanwhile can use them up. */
const MAX_CANCEL_COMMANDS = 8192;

/** Sends a command that cancels orders as often as it takes. `more`: orders that arrived meanwhile are left. */
export async function runUntilDone(run: Run, command: CommandFields): Promise<{ cancelled: number; seq: number; more?: true }> {
  let cancelled = 0;
  for (let commands = 1; ; commands++) {
    const { seq, quantity, more } = await run(command);
    cancelled += quantity;
    if (!more) return { cancelled, seq };
    if (commands === MAX_CANCEL_COMMANDS) return { cancelled, seq, more };
  }
}
