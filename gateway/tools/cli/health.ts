import type { Command } from 'commander';
import { failureText } from '../../client/failure-text.ts';
import { adminAddress, adminOrigin, type ConnectionFlags, connectionOptions, print, printJson } from './connection.ts';
import { ExitCode, run } from './exit.ts';

/** Below the default time limit of container engines for a check. */
const TIMEOUT_MS = 5_000;

export function healthCommand(program: Command): void {
  const command = connectionOptions(
    program
      .command('health')
      .summary('whether the exchange takes orders')
      .description(
        'Asks the admin port whether the exchange takes orders. Exit code 0 if it does, 1 if not or if there is no answer. The exchange itself needs no token for this, a proxy in front of it does.',
      )
      .addHelpText(
        'after',
        `
Examples:
  openbell health
  openbell health --http-port 8403 --json
  openbell health --host query.openbell.example --http-port 443 --tls-ca ca.crt --tls-client-cert me.crt --tls-client-key me.key --token-file token`,
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

export interface Health {
  readonly reasons?: readonly string[];
  readonly warnings?: readonly string[];
}

/** Why the exchange takes no orders, and its warnings. Never throws: what cannot be reached is a reason. */
export async function askHealth(flags: ConnectionFlags): Promise<Health> {
  const { origin } = await adminOrigin(flags);
  const url = `${origin}/health/ready`;
  try {
    const { headers, dispatcher, token } = await adminAddress(flags);
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS), ...dispatcher });
    return healthOf(response, await response.text(), url, token);
  } catch (error) {
    return { reasons: [`cannot reach ${url} (${failureText(error)})`] };
  }
}

/** The exchange answers with JSON; any other text is that of a proxy in front of it. */
function healthOf({ ok, status }: Response, text: string, url: string, token: string | undefined): Health {
  try {
    const answer = JSON.parse(text) as (Health & { status?: unknown; message?: string }) | null;
    const { reasons = [], warnings = [], message } = answer ?? {};
    if (reasons.length > 0) return { reasons, warnings };
    if (!ok) return { reasons: [`HTTP ${status}${message === undefined ? '' : `: ${message}`}`] };
    if (answer?.status === 'ready') return { warnings };
  } catch {
    // Explained below.
  }
  const said = text.replace(/\s+/g, ' ').trim().slice(0, 200) || 'an empty answer';
  if (status === 401 || status === 403)
    return {
      reasons: [`a proxy rejected ${url}: HTTP ${status}: ${said}${token === undefined ? '; give a token with --token-file' : ''}`],
    };
  return { reasons: [`${url} is not answered by an exchange: HTTP ${status}: ${said}`] };
}
