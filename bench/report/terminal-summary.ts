/** The end of a run on a terminal: about twenty lines, with a mark for each budget. */
import { budgetName, type Verdict } from '../suite/budgets.ts';
import { describeFaults } from '../suite/figures.ts';
import { formatDuration, formatValue } from './format.ts';
import { describeLimit, describePaired, describeVerdict, pairedChanges, type Report } from './model.ts';

/** Budgets with a line of their own; those that do not hold come first. */
const BUDGET_LINES = 12;
/** Judged figures whose note is shown, such as what its floors had, if one scope was run. */
const NOTES = 3;
/** Figures of a comparison with a line of their own. */
const CHANGE_LINES = 6;
const COLOURS = { good: '\x1b[32m', bad: '\x1b[31m', dim: '\x1b[2m' } as const;
const RESET = '\x1b[0m';

const MARKS: Readonly<Record<Verdict['state'], readonly [mark: string, colour: keyof typeof COLOURS]>> = {
  error: ['✗', 'bad'],
  broken: ['✗', 'bad'],
  'not met': ['✗', 'bad'],
  met: ['✓', 'good'],
  'not judged': ['–', 'dim'],
  'not measured': ['–', 'dim'],
};
const ORDER = Object.keys(MARKS) as Verdict['state'][];

/** @param colour escape sequences for a terminal */
export function renderSummary(report: Report, { out, colour }: { readonly out: string; readonly colour: boolean }): string {
  const { run, verdicts } = report;
  const paint = (name: keyof typeof COLOURS, text: string): string => (colour ? `${COLOURS[name]}${text}${RESET}` : text);
  const lines = ['', `openbell latency suite: commit ${run.commit}, profile ${run.profile}, ${formatDuration(run.seconds)}`, ''];

  const judged = verdicts
    .filter((verdict) => verdict.state !== 'not measured' || verdict.vetoed)
    .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const shown = judged.slice(0, BUDGET_LINES);
  const wide = Math.max(0, ...shown.map((verdict) => budgetName(verdict).length));
  for (const verdict of shown) {
    const [mark, name] = MARKS[verdict.state];
    lines.push(`  ${paint(name, mark)} ${budgetName(verdict).padEnd(wide)}  ${describeBudget(verdict)}`);
  }
  for (const state of ORDER) {
    const more = judged.slice(BUDGET_LINES).filter((verdict) => verdict.state === state).length;
    const [mark, name] = MARKS[state];
    if (more > 0) lines.push(`  ${paint(name, mark.repeat(Math.min(more, 40)))} ${more} more ${state}`);
  }
  if (judged.length === 0) lines.push('  no budget was measured');
  lines.push(...notesOf(run, shown).map((note) => `  ${paint('dim', note)}`));

  for (const { scope, failed, skipped } of run.scopes) {
    if (failed !== undefined) lines.push(`  ${paint('bad', '✗')} ${scope} failed: ${failed.split('\n', 1)[0]}`);
    if (skipped !== undefined) lines.push(`  ${paint('dim', '–')} ${scope} skipped: ${skipped}`);
  }
  const faulty = run.scopes.flatMap(({ metrics }) => metrics).filter((metric) => describeFaults(metric).length > 0);
  if (faulty.length > 0)
    lines.push(
      '',
      `  Figures with windows that failed or are vetoed: ${faulty.length}, such as ${faulty[0].id}: ${describeFaults(faulty[0])[0]}`,
    );
  if (run.against !== undefined) {
    const changes = pairedChanges(report);
    lines.push('', `  Against ${run.against.commit}. ${describePaired(changes)}`);
    const worse = changes.worse.map((text) => `  ${paint('bad', '↓')} ${text}`);
    const better = changes.better.map((text) => `  ${paint('good', '↑')} ${text}`);
    const all = [...worse, ...better];
    lines.push(...all.slice(0, CHANGE_LINES));
    if (all.length > CHANGE_LINES) lines.push(`  and ${all.length - CHANGE_LINES} more`);
  }
  lines.push('', `  ${out}/summary.md and report.html have all figures`, '');
  return lines.join('\n');
}

function describeBudget(verdict: Verdict): string {
  const { best, median, unit, budget } = verdict;
  const judged = 'judged' in budget && budget.judged === 'median' ? median : best;
  const found = judged === undefined || unit === undefined || !Number.isFinite(judged) ? '' : `${formatValue(judged, unit)} `;
  return `${found}(${budget.kind} ${describeLimit(verdict)}): ${describeVerdict(verdict)}`;
}

function notesOf({ scopes }: Report['run'], shown: readonly Verdict[]): string[] {
  if (scopes.length !== 1) return [];
  const judged = new Set(shown.map(({ budget }) => budget.metric));
  return scopes[0].metrics.flatMap(({ id, note }) => (judged.has(id) && note !== undefined ? `${id}: ${note}` : [])).slice(0, NOTES);
}
