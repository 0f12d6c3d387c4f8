import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Arguments, MIN_WINDOWS } from './command-line.ts';
import type { Progress } from './progress.ts';
import type { ScopeResult } from './result.ts';
import type { Scope } from './scope.ts';
import { runInProcess } from './scope-process.ts';

/** A scope that takes this many times its expected duration counts as hanging. */
const DEADLINE_FACTOR = 4;
const MIN_DEADLINE_S = 20;

/** One measurement of a scope. */
export interface Measurement {
  /** What its process imports: the scope of this checkout, or of another one. */
  readonly file: string;
  readonly windows: number;
  /** As in ScopeContext. */
  readonly checkout?: string | undefined;
}

/** Runs a scope in a process of its own. @param base where its folder is made, which is removed afterwards */
export async function runScope(
  scope: Scope,
  { file, windows, checkout }: Measurement,
  { profile, options }: Arguments,
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
    const seconds = Math.max(MIN_DEADLINE_S, DEADLINE_FACTOR * scope.seconds(profile) * Math.max(1, windows / MIN_WINDOWS));
    const outcome = await runInProcess({ file, profile, windows, dir, options: own, checkout }, seconds * 1000, signal, {
      progress: (what, done) => progress.update(what, done),
      line: (text) => progress.log(`${scope.name}: ${text}`),
    });
    return 'failed' in outcome ? without(outcome) : outcome.result;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
