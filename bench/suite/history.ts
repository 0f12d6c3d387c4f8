import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { budgetName, type Verdict } from './budgets.ts';
import type { Machine, Profile, RunResult } from './result.ts';

const FILE = 'history.jsonl';
/** Points of a trend: the last ones. */
const SHOWN = 40;

/** One run: a line of `history.jsonl`. */
export interface HistoryLine {
  readonly format: 1;
  readonly commit: string;
  readonly startedAt: string;
  readonly profile: Profile;
  readonly machine: string;
  readonly node: string;
  /** `-o` options, which change what is measured. */
  readonly options?: Readonly<Record<string, string>>;
  /** The other commit of a run in turns, whose windows are shorter. */
  readonly against?: string;
  /** The figures that have budgets, by name. One that failed or is vetoed throughout is left out. */
  readonly figures: Readonly<Record<string, { readonly best: number; readonly median: number }>>;
}

/** A budget's figure over the runs that are comparable with this one, the oldest first. */
export interface Trend {
  readonly verdict: Verdict;
  readonly points: readonly { readonly commit: string; readonly startedAt: string; readonly best: number; readonly median: number }[];
}

export function historyLine(run: RunResult, verdicts: readonly Verdict[], options: Readonly<Record<string, string>>): HistoryLine {
  const figures: Record<string, { best: number; median: number }> = {};
  for (const verdict of verdicts) {
    const { best, median } = verdict;
    if (best !== undefined && median !== undefined && Number.isFinite(best) && Number.isFinite(median))
      figures[budgetName(verdict)] = { best, median };
  }
  return {
    format: 1,
    commit: run.commit,
    startedAt: run.startedAt,
    profile: run.profile,
    machine: describe(run.machine),
    node: run.machine.node,
    ...(Object.keys(options).length > 0 && { options }),
    ...(run.against !== undefined && { against: run.against.commit }),
    figures,
  };
}

/** All runs of the folder, the oldest first. A line that cannot be read, such as one that was cut off, is left out. */
export function readHistory(out: string): HistoryLine[] {
  const file = join(out, FILE);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text) => {
      try {
        const line = JSON.parse(text) as Partial<HistoryLine> | null;
        return line?.format === 1 && typeof line.figures === 'object' ? [line as HistoryLine] : [];
      } catch {
        return [];
      }
    });
}

/** Adds the line of a run. */
export function appendHistory(out: string, line: HistoryLine): void {
  mkdirSync(out, { recursive: true });
  const file = join(out, FILE);
  const cut = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, 'utf8').slice(-1));
  appendFileSync(file, `${cut ? '\n' : ''}${JSON.stringify(line)}\n`);
}

/** @param history this run's line last @returns figures with at least two points */
export function trends(history: readonly HistoryLine[], verdicts: readonly Verdict[]): Trend[] {
  const now = history.at(-1);
  if (now === undefined) return [];
  const key = ({ profile, machine, node, options, against }: HistoryLine): string =>
    JSON.stringify([profile, machine, node, options ?? {}, against !== undefined]);
  const comparable = history.filter((line) => key(line) === key(now)).slice(-SHOWN);
  const seen = new Set<string>();
  return verdicts.flatMap((verdict) => {
    const name = budgetName(verdict);
    // A figure may have a target and a guard.
    if (now.figures[name] === undefined || seen.has(name)) return [];
    seen.add(name);
    const points = comparable.flatMap(({ commit, startedAt, figures }) => (figures[name] ? [{ commit, startedAt, ...figures[name] }] : []));
    return points.length < 2 ? [] : [{ verdict, points }];
  });
}

function describe({ cores, cpu }: Machine): string {
  return `${cores} x ${cpu}`;
}
