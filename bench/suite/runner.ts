import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { renderHtml } from '../report/html-report.ts';
import { renderMarkdown } from '../report/markdown-report.ts';
import { describeLimit, describeVerdict } from '../report/model.ts';
import { BudgetError, budgetName, fails, judge, parseBudgets, type Verdict } from './budgets.ts';
import { type Catalog, chooseScopes, loadScope, scopeFile } from './catalog.ts';
import { type Arguments, MIN_WINDOWS, parseCommandLine, USAGE, UsageError } from './command-line.ts';
import { FURTHER_LOOKS, together } from './further-look.ts';
import { describeCommit, describeMachine } from './machine.ts';
import { readLastRun, readRun, writeRun } from './output.ts';
import { clock, Progress } from './progress.ts';
import type { RunResult, ScopeResult } from './result.ts';
import type { Scope } from './scope.ts';
import { CHILD_FLAGS, runInProcess } from './scope-process.ts';

export interface Suite {
  readonly catalog: Catalog;
  /** Root of the repository, whose commit is recorded. */
  readonly root: string;
  readonly budgets: string;
  readonly out: string;
}

export const EXIT = { ok: 0, failedScope: 1, usage: 2, brokenBudget: 3, interrupted: 130 } as const;

/** A scope that takes this many times its expected duration counts as hanging. */
const DEADLINE_FACTOR = 4;
const MIN_DEADLINE_S = 20;

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
  const before = parsed.compare === undefined ? readLastRun(parsed.out) : readRun(parsed.compare);
  const scopes = await Promise.all(names.map((name) => loadScope(scopeFile(catalog, name))));
  checkOptions(scopes, parsed.options);
  const base = parsed.dir ?? parsed.out;
  mkdirSync(base, { recursive: true });

  const startedAt = new Date().toISOString();
  const from = performance.now();
  const machine = describeMachine(base, CHILD_FLAGS);
  const commit = describeCommit(root);
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const stretch = parsed.windows / MIN_WINDOWS;
  const planned = (scope: Scope) => ({ name: scope.name, seconds: scope.seconds(parsed.profile) * stretch });
  const progress = new Progress(scopes.map(planned), process.stderr);
  const measure = async (scope: Scope): Promise<ScopeResult> => {
    progress.next();
    const result = await runScope(scope, scopeFile(catalog, scope.name), parsed, base, abort.signal, progress);
    const end = result.failed ?? result.skipped;
    if (abort.signal.aborted) return result;
    progress.log(`${scope.name}: ${end === undefined ? 'done' : result.failed ? `FAILED: ${end}` : `skipped: ${end}`}`);
    return result;
  };
  const resultOf = (found: readonly ScopeResult[]): RunResult => ({
    format: 1,
    profile: parsed.profile,
    startedAt,
    seconds: (performance.now() - from) / 1000,
    commit,
    machine,
    scopes: found,
  });
  const judged = (found: readonly ScopeResult[]): Verdict[] => judge(resultOf(found), limits, Object.keys(parsed.options).length === 0);
  const results: ScopeResult[] = [];
  try {
    for (const scope of scopes) {
      results.push(await measure(scope));
      if (abort.signal.aborted) return EXIT.interrupted;
    }
    for (let look = 0; parsed.check && look < FURTHER_LOOKS; look++) {
      const broken = judged(results).filter(({ state }) => state === 'broken');
      const again = scopes.filter(({ name }) => broken.some(({ budget }) => budget.scope === name));
      for (const scope of again) progress.add(planned(scope));
      for (const scope of again) {
        const why = broken.filter(({ budget }) => budget.scope === scope.name);
        progress.log(`${scope.name}: again, because ${why.map(budgetName).join(', ')} did not hold`);
        const at = scopes.indexOf(scope);
        results[at] = together(results[at], await measure(scope), why);
        if (abort.signal.aborted) return EXIT.interrupted;
      }
    }
  } finally {
    progress.close();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }

  const run = resultOf(results);
  const left = catalog.names.filter((name) => !names.includes(name));
  const verdicts = judged(results);
  const report = { run, before, verdicts, leftOut: parsed.scopes.length === 0 ? left : [] };
  const summary = renderMarkdown(report);
  writeRun(parsed.out, run, summary, renderHtml(report));
  process.stdout.write(summary);
  process.stderr.write(`bench: ${join(parsed.out, 'report.html')}\n`);
  if (results.some(({ failed }) => failed !== undefined)) return EXIT.failedScope;
  const failed = parsed.check ? verdicts.filter(fails) : [];
  // Last, so that it is at the end of a long log.
  for (const verdict of failed)
    process.stderr.write(`bench: ${budgetName(verdict)} must be ${describeLimit(verdict)}: ${describeVerdict(verdict)}\n`);
  return failed.length > 0 ? EXIT.brokenBudget : EXIT.ok;
}

async function runScope(
  scope: Scope,
  file: string,
  { profile, windows, options }: Arguments,
  base: string,
  signal: AbortSignal,
  progress: Progress,
): Promise<ScopeResult> {
  const startedAt = new Date().toISOString();
  const from = performance.now();
  const without = (end: Pick<ScopeResult, 'skipped' | 'failed'>): ScopeResult => {
    const seconds = (performance.now() - from) / 1000;
    return { scope: scope.name, title: scope.title, method: [], startedAt, seconds, metrics: [], series: [], ...end };
  };
  const missing = scope.missing?.();
  if (missing !== undefined) return without({ skipped: missing });
  const dir = mkdtempSync(join(base, `.${scope.name}-`));
  try {
    const own = Object.fromEntries(Object.entries(options).filter(([key]) => Object.hasOwn(scope.options, key)));
    const seconds = Math.max(MIN_DEADLINE_S, DEADLINE_FACTOR * scope.seconds(profile) * (windows / MIN_WINDOWS));
    const outcome = await runInProcess({ file, profile, windows, dir, options: own }, seconds * 1000, signal, {
      progress: (what, done) => progress.update(what, done),
      line: (text) => progress.log(`${scope.name}: ${text}`),
    });
    return 'failed' in outcome ? without(outcome) : outcome.result;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
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
