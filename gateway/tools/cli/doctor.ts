import { styleText } from 'node:util';
import type { Command } from 'commander';
import type { Finding, Status } from '../doctor/finding.ts';
import { print, printJson } from './connection.ts';
import { ExitCode, run } from './exit.ts';

interface Flags {
  readonly data?: string;
  readonly config?: string;
  readonly json?: true;
  readonly strict?: true;
}

export function doctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .summary('check this host: cores, clocks, limits, memory, disk')
    .description(
      'Checks the settings of this host for latency and durability, and recommends changes. Takes about a second; writes a small file in the data directory, and removes it.',
    )
    .option('--data <dir>', 'data directory (default ./data)')
    .option('--config <file>', 'configuration file, for its capacities, topology and durability')
    .option('--strict', 'exit code 1 when there is a warning or a problem')
    .option('--json', 'JSON instead of text')
    .addHelpText(
      'after',
      `
Examples:
  openbell doctor
  openbell doctor --data /var/lib/openbell --strict --json

docs/TUNING.md explains how to change each setting.`,
    );
  command.action(() =>
    run(async () => {
      const flags = command.opts<Flags>();
      const [{ loadConfig }, { examine, isBad }, { needsOf }] = await Promise.all([
        import('../../config/config.ts'),
        import('../doctor/doctor.ts'),
        import('../doctor/needs.ts'),
      ]);
      const config = loadConfig({ flags: { data: flags.data, config: flags.config }, env: process.env });
      const findings = await examine(needsOf(config));
      const { data, durability, topology } = config;
      if (flags.json) printJson({ data, durability, topology, findings });
      else print(`${data}, mode ${durability}\n\n${findingsText(findings)}\n\n${summary(findings)}`);
      return flags.strict && findings.some(({ status }) => isBad(status)) ? ExitCode.Failed : ExitCode.Ok;
    }),
  );
}

const COLORS = { ok: 'green', note: 'cyan', warning: 'yellow', problem: 'red', unknown: 'gray' } as const;
const STATUS_WIDTH = 'warning'.length;

function findingsText(findings: readonly Finding[]): string {
  const idWidth = Math.max(...findings.map(({ id }) => id.length));
  const indent = ' '.repeat(STATUS_WIDTH + idWidth + 4);
  const lines: string[] = [];
  for (const { id, status, found, why, fix } of findings) {
    // Colour only on a terminal: styleText checks the stream and NO_COLOR.
    const colored = styleText(COLORS[status], status.padEnd(STATUS_WIDTH), { stream: process.stdout });
    lines.push(`${colored}  ${id.padEnd(idWidth)}  ${found}`);
    if (status === 'ok' || status === 'unknown') continue;
    lines.push(`${indent}why: ${why}`);
    if (fix !== undefined) lines.push(`${indent}do:  ${fix}`);
  }
  return lines.join('\n');
}

function summary(findings: readonly Finding[]): string {
  const count = (status: Status, one: string, many: string) => {
    const found = findings.filter((finding) => finding.status === status).length;
    return found === 0 ? [] : [`${found} ${found === 1 ? one : many}`];
  };
  const counts = [
    ...count('problem', 'problem', 'problems'),
    ...count('warning', 'warning', 'warnings'),
    ...count('note', 'note', 'notes'),
    ...count('ok', 'ok', 'ok'),
    ...count('unknown', 'unknown', 'unknown'),
  ];
  return `${counts.join(', ')}. How to change it: docs/TUNING.md`;
}
