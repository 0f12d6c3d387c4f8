import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderHtml } from '../report/html-report.ts';
import { renderMarkdown } from '../report/markdown-report.ts';
import { describeLimit, describeVerdict, type Report } from '../report/model.ts';
import { renderSummary } from '../report/terminal-summary.ts';
import { AGAINST_METHOD, type Compared, compareScope } from './against.ts';
import { BudgetError, budgetName, deservesAnotherLook, fails, judge, parseBudgets, type Verdict } from './budgets.ts';
import { type Catalog, chooseScopes, loadScope, scopeFile } from './catalog.ts';
import { type Arguments, MIN_WINDOWS, parseCommandLine, USAGE, UsageError } from './command-line.ts';
import { describeFaults } from './figures.ts';
import { FURTHER_LOOKS, together } from './further-look.ts';
import { appendHistory, historyLine, readHistory, trends } from './history.ts';
import { describeCommit, describeMachine } from './machine.ts';
import { type OtherCheckout, otherCheckout } from './other-checkout.ts';
import { readLastRun, readRun, writeRun } from './output.ts';
import { MIN_PAIRS } from './pair-verdict.ts';
import { clock, Progress } from './progress.ts';
import { type Against, RESULT_FORMAT, type RunResult, type ScopeResult } from './result.ts';
import { type Measurement, runScope } from './run-scope.ts';
import type { Scope } from './scope.ts';
import { CHILD_FLAGS } from './scope-process.ts';

export interface Suite {
  readonly catalog: Catalog;
  /** Root of the repository, whose commit is recorded. */
  readonly root: string;
  readonly budgets: string;
  readonly out: string;
}

export const EXIT = { ok: 0, failedScope: 1, usage: 2, brokenBudget: 3, interrupted: 130 } as const;

/** Folder of the other commits' checkouts, in the output folder: hidden from tools that read all sources. */
const CHECKOUTS = '.against';
/** Share of a scope's time that a turn takes: one window of three, and the same warm-up. */
const TURN_SHARE = 0.6;

/** Runs the suite according to the command line. @returns the exit code */
export async function main(args: readonly string[], suite: Suite): Promise<number> {
  try {
    const parsed = parseCommandLine(args, suite.out);
    if (parsed.help)
      process.stdout.write(`${USAGE}\nScopes, with the time that profile ${parsed.profile} takes:\n${await list(suite.catalog, parsed)}`);
    else if (parsed.list) process.stdout.write(await list(suite.catalog, parsed));
    else return await runSuite(parsed, suite);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`bench: ${error.message}\n`);
    return EXIT.usage;
  }
}

async function list(catalog: Catalog, { profile }: Arguments): Promise<string> {
  const lines = await Promise.all(
    catalog.names.map(async (name) => {
      const scope = await loadScope(scopeFile(catalog, name));
      const options = Object.entries(scope.options).map(([key, help]) => `${''.padEnd(22)}-o ${key}=…  ${help}\n`);
      const only = catalog.byNameOnly.includes(name) ? ' (by name only)' : '';
      return `  ${name.padEnd(10)}${clock(scope.seconds(profile)).padStart(8)}  ${scope.title}${only}\n${options.join('')}`;
    }),
  );
  return lines.join('');
}

async function runSuite(parsed: Arguments, { catalog, root, budgets }: Suite): Promise<number> {
  const names = chooseScopes(catalog, parsed.scopes);
  // All input errors are reported before an hour of measuring.
  const limits = readBudgets(budgets, catalog.names);
  const before =
    parsed.against !== undefined ? undefined : parsed.compare === undefined ? readLastRun(parsed.out) : readRun(parsed.compare);
  const scopes = await Promise.all(names.map((name) => loadScope(scopeFile(catalog, name))));
  checkOptions(scopes, parsed.options);
  const alone = scopes.find(({ subject }) => subject === 'turns');
  if (alone !== undefined && parsed.against === undefined) throw new UsageError(`${alone.name} needs --against COMMIT`);
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    const base = parsed.dir ?? parsed.out;
    const log = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
    const other =
      parsed.against === undefined ? undefined : await otherCheckout(root, parsed.against, join(parsed.out, CHECKOUTS), log, abort.signal);
    mkdirSync(base, { recursive: true });
    const startedAt = new Date().toISOString();
    const from = performance.now();
    const machine = describeMachine(base, CHILD_FLAGS);
    const commit = describeCommit(root);
    const resultOf = ({ scopes: found, against }: Found): RunResult => ({
      format: RESULT_FORMAT,
      profile: parsed.profile,
      startedAt,
      seconds: (performance.now() - from) / 1000,
      commit,
      machine,
      scopes: found,
      ...(against !== undefined && { against }),
    });
    const complete = Object.keys(parsed.options).length === 0;
    const judged = (found: Found): Verdict[] => judge(resultOf(found), limits, complete);
    const work: Work = { parsed, catalog, scopes, base, signal: abort.signal };
    const found = other === undefined ? await measureScopes(work, judged) : await compareScopes(work, root, other);
    const left = catalog.names.filter((name) => !names.includes(name));
    return conclude(parsed, {
      run: resultOf(found),
      before,
      verdicts: judged(found),
      leftOut: parsed.scopes.length === 0 ? left : [],
    });
  } catch (error) {
    if (abort.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

type Found = Pick<RunResult, 'scopes' | 'against'>;

interface Work {
  readonly parsed: Arguments;
  readonly catalog: Catalog;
  readonly scopes: readonly Scope[];
  /** Folder in which each scope gets its own. */
  readonly base: string;
  readonly signal: AbortSignal;
}

/** Each scope once, and with --check those with a broken budget again. @throws the signal's reason when interrupted */
async function measureScopes({ parsed, catalog, scopes, base, signal }: Work, judged: (found: Found) => Verdict[]): Promise<Found> {
  const { profile, windows } = parsed;
  const planned = (scope: Scope) => ({ name: scope.name, seconds: scope.seconds(profile) * (windows / MIN_WINDOWS) });
  const progress = new Progress(scopes.map(planned), process.stderr);
  const measure = async (scope: Scope): Promise<ScopeResult> => {
    progress.next();
    const result = await runScope(scope, { file: scopeFile(catalog, scope.name), windows }, parsed, base, signal, progress);
    signal.throwIfAborted();
    progress.log(`${scope.name}: ${describeEnd(result)}`);
    return result;
  };
  try {
    const results: ScopeResult[] = [];
    for (const scope of scopes) results.push(await measure(scope));
    for (let look = 0; parsed.check && look < FURTHER_LOOKS; look++) {
      const broken = judged({ scopes: results }).filter(deservesAnotherLook);
      const again = scopes.filter(({ name }) => broken.some(({ budget }) => budget.scope === name));
      for (const scope of again) progress.add(planned(scope));
      for (const scope of again) {
        const why = broken.filter(({ budget }) => budget.scope === scope.name);
        progress.log(`${scope.name}: again, because ${why.map(budgetName).join(', ')} did not hold`);
        const at = scopes.indexOf(scope);
        results[at] = together(results[at], await measure(scope), why);
      }
    }
    return { scopes: results };
  } finally {
    progress.close();
  }
}

/** Each scope in turns with the other commit. @throws the signal's reason when interrupted */
async function compareScopes({ parsed, catalog, scopes, base, signal }: Work, root: string, other: OtherCheckout): Promise<Found> {
  const { windows: pairs, profile } = parsed;
  const inside = ({ subject }: Scope): boolean => subject === 'turns';
  const turn = (scope: Scope) => ({ name: scope.name, seconds: scope.seconds(profile) * (inside(scope) ? pairs / MIN_PAIRS : TURN_SHARE) });
  const plan = scopes.flatMap((scope) => Array.from({ length: inside(scope) ? 1 : 2 * pairs }, () => turn(scope)));
  const progress = new Progress(plan, process.stderr);
  try {
    const compared: Compared[] = [];
    for (const scope of scopes) {
      const measure = async (name: string, measurement: Measurement): Promise<ScopeResult> => {
        progress.next();
        const result = await runScope(scope, measurement, parsed, base, signal, progress);
        signal.throwIfAborted();
        progress.log(`${name}: ${describeEnd(result)}`);
        return result;
      };
      const more = (): void => {
        for (let side = 0; side < 2; side++) progress.add(turn(scope));
      };
      compared.push(await compareScope(scope, scopeFile(catalog, scope.name), { pairs, root, other, measure, more }));
    }
    const against: Against = {
      commit: other.commit,
      method: AGAINST_METHOD,
      scopes: compared.map(({ there }) => there),
      figures: compared.flatMap(({ figures }) => figures),
    };
    return { scopes: compared.map(({ here }) => here), against };
  } finally {
    progress.close();
  }
}

function describeEnd({ failed, skipped, metrics }: ScopeResult): string {
  if (failed !== undefined) return `FAILED: ${failed}`;
  if (skipped !== undefined) return `skipped: ${skipped}`;
  const faulty = metrics.filter((metric) => describeFaults(metric).length > 0);
  return faulty.length === 0 ? 'done' : `done; ${faulty.length} figures have windows that failed or are vetoed`;
}

/** Writes the reports. @returns the exit code */
function conclude({ out, check, options }: Arguments, report: Omit<Report, 'trends'>): number {
  const { run, verdicts } = report;
  const line = historyLine(run, verdicts, options);
  const whole = { ...report, trends: trends([...readHistory(out), line], verdicts) };
  writeRun(out, run, renderMarkdown(whole), renderHtml(whole));
  appendHistory(out, line);
  process.stdout.write(renderSummary(whole, { out, colour: process.stdout.isTTY && process.env.NO_COLOR === undefined }));
  if (run.scopes.some(({ failed }) => failed !== undefined)) return EXIT.failedScope;
  const failed = check ? verdicts.filter(fails) : [];
  // Last, so that it is at the end of a long log.
  for (const verdict of failed)
    process.stderr.write(`bench: ${budgetName(verdict)} must be ${describeLimit(verdict)}: ${describeVerdict(verdict)}\n`);
  return failed.length > 0 ? EXIT.brokenBudget : EXIT.ok;
}

function readBudgets(file: string, names: readonly string[]): ReturnType<typeof parseBudgets> {
  try {
    return parseBudgets(readFileSync(file, 'utf8'), names);
  } catch (error) {
    if (error instanceof BudgetError) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}

/** An option that no scope has is misspelt. */
function checkOptions(scopes: readonly Scope[], options: Arguments['options']): void {
  const known = new Set(scopes.flatMap((scope) => Object.keys(scope.options)));
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new UsageError(`no scope takes -o ${key} (there are ${[...known].join(', ') || 'none'})`);
}
