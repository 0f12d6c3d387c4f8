import { CPU_CHECKS } from './cpu-checks.ts';
import { type Finding, finding, type Needs, type Status } from './finding.ts';
import { Host } from './host.ts';
import { measuredFindings } from './measured-findings.ts';
import { MEMORY_CHECKS } from './memory-checks.ts';
import { PROCESS_CHECKS } from './process-checks.ts';
import { STORAGE_CHECKS } from './storage-checks.ts';

export type { Finding, Needs, Status } from './finding.ts';

const CHECKS = [...CPU_CHECKS, ...MEMORY_CHECKS, ...PROCESS_CHECKS, ...STORAGE_CHECKS];

/** All checks without measurements. A few milliseconds; never throws. */
export function readFindings(needs: Needs, host: Host = new Host()): Finding[] {
  return CHECKS.map((check) => finding(check, host, needs));
}

/** Everything, measurements too: about a second, more on a slow disk. Never throws. */
export async function examine(needs: Needs, host: Host = new Host()): Promise<Finding[]> {
  return [...readFindings(needs, host), ...(await measuredFindings(host, needs))];
}

/** What a starting exchange logs about its host: problems and warnings of the cheap checks. A few milliseconds; never throws. */
export function startupFindings(needs: Needs, host: Host = new Host()): Finding[] {
  return CHECKS.filter(({ startup }) => startup)
    .map((check) => finding(check, host, needs))
    .filter(({ status }) => isBad(status));
}

/** True for what `--strict` fails on. */
export function isBad(status: Status): boolean {
  return status === 'problem' || status === 'warning';
}
