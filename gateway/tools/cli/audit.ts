import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AuditFault } from '../../audit/audit-reader.ts';
import type { AuditRecord } from '../../audit/audit-record.ts';
import { print, printJson } from './connection.ts';
import { mustExist, onDirectory } from './data.ts';
import { CliError, ExitCode } from './exit.ts';
import { outputTaken } from './followed.ts';

const COLUMNS = ['no', 'time', 'kind', 'subject', 'account', 'action', 'outcome', 'peer', 'detail', 'hash'] as const;

export function auditCommand(program: Command): void {
  const audit = program
    .command('audit')
    .summary('check or export the audit trail')
    .description('The audit trail of a data directory; an exchange may be running on it.');
  verifyAudit(audit);
  exportAudit(audit);
}

function verifyAudit(audit: Command): void {
  const command = audit
    .command('verify')
    .summary('check that no record was changed, removed, added or moved')
    .description(
      'Checks each record against the previous one, and prints the first broken one. Exit code 1 when a record is broken, or there is none.',
    )
    .argument('<data>', 'the data directory')
    .addOption(new Option('--head <hash>', 'a head that the exchange logged: the trail must contain it').argParser(hash))
    .option('--json', 'JSON instead of text')
    .addHelpText(
      'after',
      `
Examples:
  openbell audit verify ./data
  openbell audit verify ./data --head "$(cat /mnt/elsewhere/audit-head)"

Without --head a cut end is not detected. After a removal (openbell start
--audit-keep) the command prints the first remaining record.`,
    );
  command.action((data: string) =>
    onDirectory(data, async () => {
      const { head, json } = command.opts<{ head?: string; json?: true }>();
      mustExist(data);
      const { verifyTrail } = await import('../../audit/audit-reader.ts');
      const verdict = await verifyTrail(data, head);
      if (verdict.records === 0 && verdict.fault === undefined) throw noTrail(data);
      if (json) printJson(verdict);
      else {
        const { first, removed } = verdict;
        print(`records       ${verdict.records} valid`);
        if (removed !== undefined)
          print(
            `removed       records 1 to ${removed.through}, documented by record ${removed.documentedBy}; the remaining trail follows ${removed.hash}`,
          );
        print(`head          ${verdict.head}`);
        if (verdict.tornBytes > 0)
          print(`unfinished    ${verdict.tornBytes} bytes: being written, or torn by a crash; the next start cuts them`);
        print(
          `verdict       ${verdict.fault === undefined ? (first === 1 ? 'whole' : `whole from record ${first} on`) : `BROKEN: ${describe(verdict.fault)}`}`,
        );
      }
      return verdict.fault === undefined ? ExitCode.Ok : ExitCode.Failed;
    }),
  );
}

function exportAudit(audit: Command): void {
  const command = audit
    .command('export')
    .summary('write the records to stdout')
    .description('Writes the records to stdout, each checked first. Stops with exit code 1 at the first broken one.')
    .argument('<data>', 'the data directory')
    .addOption(new Option('--since <time>', 'from this time on, ISO 8601').argParser(time))
    .addOption(new Option('--until <time>', 'before this time').argParser(time))
    .addOption(new Option('--format <format>', 'one JSON object a line, or comma-separated').choices(['jsonl', 'csv']).default('jsonl'))
    .addOption(new Option('--json', 'the same as --format jsonl').conflicts('format'))
    .addHelpText(
      'after',
      `
Examples:
  openbell audit export ./data --since 2026-11-01 --format csv > november.csv
  openbell audit export ./data | jq 'select(.outcome != "ok")'`,
    );
  command.action((data: string) =>
    onDirectory(data, async () => {
      const { since, until, format } = command.opts<{ since?: string; until?: string; format: 'jsonl' | 'csv' }>();
      mustExist(data);
      const { readTrail } = await import('../../audit/audit-reader.ts');
      if (format === 'csv') print(COLUMNS.join(','));
      const trail = readTrail(data);
      for (let step = await trail.next(); ; step = await trail.next()) {
        if (step.done) {
          if (step.value.records === 0 && step.value.fault === undefined) throw noTrail(data);
          if (step.value.fault !== undefined) throw new CliError(`the trail is BROKEN: ${describe(step.value.fault)}`, ExitCode.Failed);
          return ExitCode.Ok;
        }
        const record = step.value;
        if ((since !== undefined && record.time < since) || (until !== undefined && record.time >= until)) continue;
        const line = format === 'csv' ? csv(record) : JSON.stringify(record);
        // For a reader slower than the disk, the whole trail must not be buffered in memory.
        print(line);
        await outputTaken();
      }
    }),
  );
}

function describe({ file, line, no, problem }: AuditFault): string {
  return line === 0 ? problem : `${file}, line ${line}, where record ${no} was expected: it ${problem}`;
}

/** RFC 4180. A cell that a spreadsheet would read as a formula gets an apostrophe, because unauthenticated callers choose some of the text. */
function csv(record: AuditRecord): string {
  return COLUMNS.map((column) => {
    const text = String(record[column] ?? '');
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }).join(',');
}

function time(text: string): string {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw new InvalidArgumentError('must be a time such as 2026-11-01 or 2026-11-01T08:30:00Z.');
  return at.toISOString();
}

function hash(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError('must be 64 hex digits: a head as the exchange logged it.');
  return text;
}

/** An exchange records its own start, so a trail that was never written is one that was removed, or belongs elsewhere. */
function noTrail(data: string): CliError {
  const problem = `there is no audit record in ${data}: the trail was removed, or no exchange has started there`;
  return new CliError(problem, ExitCode.Failed, 'AUDIT_EMPTY');
}
