import type { Config } from '../../config/config.ts';
import type { Host } from './host.ts';

/**
 * - `ok`: as it should be.
 * - `note`: costs something, or cannot be changed from here.
 * - `warning`: costs latency or safety, and can be changed.
 * - `problem`: a guarantee of the exchange does not hold on this host.
 * - `unknown`: could not be found out.
 */
export type Status = 'ok' | 'note' | 'warning' | 'problem' | 'unknown';

/** The result of a check on this host. */
export interface Answer {
  readonly status: Status;
  /** What was found, in one line. */
  readonly found: string;
  /** A command, or a sentence; only when there is something to do. */
  readonly fix?: string;
  /** Replaces the check's `why` when this result has its own reason. */
  readonly why?: string;
}

export interface Finding extends Answer {
  /** Stable, such as `open-files`; docs/TUNING.md names it. */
  readonly id: string;
  /** The consequence of a bad value. */
  readonly why: string;
}

/** The part of the configuration that the checks use. */
export interface Needs extends Pick<Config, 'data' | 'durability' | 'topology' | 'capacities' | 'tune'> {
  /** Process of the exchange that runs on the data directory; undefined: none. */
  readonly running?: number | undefined;
}

export interface Check {
  readonly id: string;
  readonly why: string;
  /** Reads what only Linux has. */
  readonly linux?: true;
  /** Cheap, and worth a line in the log of every start. */
  readonly startup?: true;
  /** May throw: the finding is `unknown` then. */
  readonly run: (host: Host, needs: Needs) => Answer;
}

export const ok = (found: string): Answer => ({ status: 'ok', found });
export const unknown = (found: string): Answer => ({ status: 'unknown', found });
export const note = (found: string, fix?: string, why?: string): Answer => answer('note', found, fix, why);
export const warning = (found: string, fix?: string, why?: string): Answer => answer('warning', found, fix, why);
export const problem = (found: string, fix?: string, why?: string): Answer => answer('problem', found, fix, why);

function answer(status: Status, found: string, fix?: string, why?: string): Answer {
  return { status, found, ...(fix !== undefined && { fix }), ...(why !== undefined && { why }) };
}

/** Runs one check; never throws. */
export function finding(check: Check, host: Host, needs: Needs): Finding {
  const { id, why } = check;
  if (check.linux && host.platform !== 'linux') return { id, why, ...unknown(`unknown on ${host.platform}`) };
  try {
    return { id, why, ...check.run(host, needs) };
  } catch (error) {
    return { id, why, ...unknown(`cannot be found out: ${error instanceof Error ? error.message : String(error)}`) };
  }
}
