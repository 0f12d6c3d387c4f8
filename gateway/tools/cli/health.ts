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
      const { reasons = [], warnings = [] } = await askHealth(flags);
      if (flags.json) printJson({ ready: reasons.length === 0, reasons, warnings });
      else {
        print(reasons.length === 0 ? 'ready' : `not ready: ${reasons.join(', ')}`);
        for (const warning of warnings) print(`warning: ${warning}`);
      }
      return reasons.length === 0 ? ExitCode.Ok : ExitCode.Failed;
    }),
  );
}

interface Health {
  readonly reasons?: readonly string[];
  readonly warnings?: readonly string[];
}

async function askHealth(flags: ConnectionFlags): Promise<Health> {
  const { origin, headers, dispatcher } = await adminAddress(flags);
  const url = `${origin}/health/ready`;
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS), ...dispatcher });
    const health = (await response.json()) as Health;
    return response.ok || (health.reasons ?? []).length > 0 ? health : { ...health, reasons: [`HTTP ${response.status}`] };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    return { reasons: [`cannot reach ${url} (${cause})`] };
  }
}
