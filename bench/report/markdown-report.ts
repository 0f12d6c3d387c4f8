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
  describeRun,
  describeTime,
  describeVerdict,
  latencyRows,
  type Report,
  valueRows,
} from './model.ts';

/** The run as Markdown: for a terminal, a pull request or an e-mail. */
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
  if (before !== undefined) {
    out.push(
      `Compared with commit ${escapeMarkdown(before.commit)} of ${describeTime(before)}. In brackets: the windows of the two runs overlap.`,
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

function renderScope(scope: ScopeResult, { before }: Report): string[] {
  const out = [`## ${scope.scope}: ${escapeMarkdown(scope.title)}`, ''];
  if (scope.failed !== undefined) return [...out, 'FAILED:', '', ...scope.failed.split('\n').map((line) => `    ${line}`), ''];
  if (scope.skipped !== undefined) return [...out, `Skipped: ${escapeMarkdown(scope.skipped)}`, ''];
  out.push(...scope.method.map((sentence) => `- ${escapeMarkdown(sentence)}`), `- Took ${formatDuration(scope.seconds)}.`, '');
  const latencies = latencyRows(scope.metrics, before);
  if (latencies.length > 0) {
    const rows = latencies.map(({ metric, cells, changes }) => [
      name(metric),
      ...cells.map(spread),
      bracketed(changes.p50),
      bracketed(changes.p99),
    ]);
    const heads = ['>p50', '>p90', '>p99', '>p99.9', '>max'];
    out.push('Latency in ms: median of the windows (best to worst)', '');
    out.push(
      ...table(
        ['Latency', ...heads, ...(before ? ['>p50 change', '>p99 change'] : [])],
        before ? rows : rows.map((row) => row.slice(0, 6)),
      ),
      '',
    );
  }
  const values = valueRows(scope.metrics, before);
  if (values.length > 0) {
    const rows = values.map(({ metric, cell, change }) => [name(metric), cell.median, cell.best, cell.worst, bracketed(change)]);
    const heads = ['Figure', '>Median', '>Best window', '>Worst', ...(before ? ['>Change'] : [])];
    out.push(...table(heads, before ? rows : rows.map((row) => row.slice(0, 4))), '');
  }
  const noted = scope.metrics.filter(({ note }) => note !== undefined);
  return [...out, ...noted.map(({ id, note }) => escapeMarkdown(`- ${id}: ${note}`)), ''];
}

function name({ title, id }: Metric): string {
  return `${title} (${id})`;
}

function spread({ median, best, worst }: Cell): string {
  return best === worst ? median : `${median} (${best} to ${worst})`;
}

function bracketed(change: Parameters<typeof describeChange>[0]): string {
  const text = describeChange(change);
  return change?.withinSpread === true ? `(${text})` : text;
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
