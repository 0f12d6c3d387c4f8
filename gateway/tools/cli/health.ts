import type { Command } from 'commander';
import { adminAddress, type ConnectionFlags, connectionOptions, print, printJson } from './connection.ts';
import { ExitCode, run } from './exit.ts';

/** Below the default time limit of container engines for a check. */
const TIMEOUT_MS = 5_000;

export function healthCommand(program: Command): void {
  const command = connectionOptions(
    program
      .command('health')
      .summary('whether the exchange takes orders')
      .description('Asks the admin port whether the exchange takes orders. Exit code 0 if it does, 1 if not or if there is no answer.')
      .addHelpText(
        'after',
        `
Examples:
  openbell health
  openbell health --http-port 8403 --json`,
      ),
  );
  command.action(() =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      const reasons = await whyUnready(flags);
      if (flags.json) printJson({ ready: reasons.length === 0, reasons });
      else print(reasons.length === 0 ? 'ready' : `not ready: ${reasons.join(', ')}`);
      return reasons.length === 0 ? ExitCode.Ok : ExitCode.Failed;
    }),
  );
}

async function whyUnready(flags: ConnectionFlags): Promise<readonly string[]> {
  const { origin, headers, dispatcher } = await adminAddress(flags);
  const url = `${origin}/health/ready`;
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS), ...dispatcher });
    const { reasons = [] } = (await response.json()) as { reasons?: string[] };
    return response.ok || reasons.length > 0 ? reasons : [`HTTP ${response.status}`];
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    return [`cannot reach ${url} (${cause})`];
  }
}
