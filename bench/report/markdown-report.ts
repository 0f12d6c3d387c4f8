import { budgetName } from '../suite/budgets.ts';
import { differences } from '../suite/compare.ts';
import type { Metric, ScopeResult } from '../suite/result.ts';
import { formatDuration, formatValue } from './format.ts';
import {
  type Cell,
  describeChange,
  describeCommitted,
  describeLimit,
  describeMachineRows,
  describeOutcome,
  describePaired,
  describeRun,
  describeTime,
  describeVerdict,
  describeWindows,
  isCompared,
  latencyRows,
  pairedChanges,
  type Report,
  valueRows,
} from './model.ts';

/** The run as Markdown: for a pull request or an e-mail. */
export function renderMarkdown(report: Report): string {
  const { run, before, verdicts } = report;
  const out = [
    '# openbell latency suite',
    '',
    escapeMarkdown(describeRun(report)),
    '',
    ...table(['Machine', ''], describeMachineRows(run.machine)),
    '',
  ];
  out.push('## Budgets', '', describeOutcome(verdicts).join(' '), '');
  const measured = verdicts.filter(({ state }) => state !== 'not measured');
  if (measured.length > 0) {
    const rows = measured.map((verdict) => {
      const show = (value?: number): string => (value === undefined || verdict.unit === undefined ? '' : formatValue(value, verdict.unit));
      const { best, median, budget } = verdict;
      return [
        budgetName(verdict),
        budget.kind,
        [describeLimit(verdict), describeCommitted(verdict)].filter(Boolean).join('; '),
        show(best),
        show(median),
        describeVerdict(verdict),
        budget.source,
      ];
    });
    out.push(...table(['Budget', 'Kind', 'Limit', '>Best window', '>Median', 'Verdict', 'Source'], rows), '');
  }
  const rest = verdicts.filter(({ state }) => state === 'not measured');
  if (rest.length > 0) {
    const each = rest.map((verdict) => `${budgetName(verdict)} (${verdict.reason})`);
    out.push(escapeMarkdown(`Not measured in this run: ${each.join(', ')}.`), '');
  }
  if (run.against !== undefined) {
    const changes = pairedChanges(report);
    out.push(`## Against ${escapeMarkdown(run.against.commit)}`, '', describePaired(changes), '');
    for (const change of [...changes.worse, ...changes.better]) out.push(`- ${escapeMarkdown(change)}`);
    out.push('', ...run.against.method.map((sentence) => `- ${escapeMarkdown(sentence)}`), '');
  } else if (before !== undefined) {
    out.push(
      `Compared with commit ${escapeMarkdown(before.commit)} of ${describeTime(before)}, a run at another time. Noise: the windows of the two runs overlap; + is better. Where a window failed or was vetoed, the runs are not compared.`,
      '',
    );
    for (const difference of differences(run, before)) out.push(`- ${escapeMarkdown(difference)}`);
    out.push('');
  }
  for (const scope of run.scopes) out.push(...renderScope(scope, report));
  return `${out
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
}

function renderScope(scope: ScopeResult, report: Report): string[] {
  const compared = isCompared(report);
  const out = [`## ${scope.scope}: ${escapeMarkdown(scope.title)}`, ''];
  if (scope.failed !== undefined) out.push('FAILED:', '', ...scope.failed.split('\n').map((line) => `    ${line}`), '');
  if (scope.failed !== undefined && scope.metrics.length === 0) return out;
  if (scope.skipped !== undefined) return [...out, `Skipped: ${escapeMarkdown(scope.skipped)}`, ''];
  out.push(...scope.method.map((sentence) => `- ${prose(sentence)}`), `- Took ${formatDuration(scope.seconds)}.`, '');
  const latencies = latencyRows(scope.metrics, report);
  if (latencies.length > 0) {
    const rows = latencies.map(({ metric, cells, changes }) => [
      name(metric),
      ...cells.map(spread),
      describeChange(changes.p50),
      describeChange(changes.p99),
    ]);
    const heads = ['>p50', '>p90', '>p99', '>p99.9', '>max'];
    out.push('Latency in ms: median of the windows (best to worst)', '');
    out.push(
      ...table(
        ['Latency', ...heads, ...(compared ? ['>p50 change', '>p99 change'] : [])],
        compared ? rows : rows.map((row) => row.slice(0, 6)),
      ),
      '',
    );
  }
  const values = valueRows(scope.metrics, report);
  if (values.length > 0) {
    const rows = values.map(({ metric, cell, change }) => [name(metric), cell.median, cell.best, cell.worst, describeChange(change)]);
    const heads = ['Figure', '>Median', '>Best window', '>Worst', ...(compared ? ['>Change'] : [])];
    out.push(...table(heads, compared ? rows : rows.map((row) => row.slice(0, 4))), '');
  }
  const noted = scope.metrics.flatMap((metric) =>
    [...(metric.note === undefined ? [] : [metric.note]), ...describeWindows(metric)].map(
      (note) => `- ${escapeMarkdown(metric.id)}: ${prose(note)}`,
    ),
  );
  return [...out, ...noted, ''];
}

function name({ title, id }: Metric): string {
  return `${title} (${id})`;
}

function spread({ median, best, worst }: Cell): string {
  return best === worst || best === '' ? median : `${median} (${best} to ${worst})`;
}

/** @param heads a leading `>` aligns the column to the right */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(heads.map((head) => head.replace(/^>/, ''))),
    line(heads.map((head) => (head.startsWith('>') ? '--:' : '---'))),
    ...rows.map((row) => line(row.map(escapeMarkdown))),
  ];
}

/** Escapes titles and messages: they must not end a cell or begin a tag. */
function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\|<`*]/g, '\\$&').replaceAll(/\s*\n\s*/g, ' ');
}

/** Outside of tables: `code` stays code. */
function prose(text: string): string {
  return text
    .split(/(`[^`\n]+`)/)
    .map((part, index) => (index % 2 === 1 ? part : escapeMarkdown(part)))
    .join('');
}
