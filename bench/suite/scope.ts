/** The interface between the runner and the scopes. */
import type { Profile, ScopeResult } from './result.ts';

export interface ScopeContext {
  readonly profile: Profile;
  /** Number of windows per figure: at least three. */
  readonly windows: number;
  /** An empty folder on the measured disk; removed after the scope. */
  readonly dir: string;
  /** Reports the current work, and the share of the scope that is done (0 to 1). Call it at least once a second. */
  progress(what: string, done: number): void;
  /** Aborted by Ctrl-C: stop the load, kill all started processes, and throw `signal.reason`. */
  readonly signal: AbortSignal;
  /** The scope's options from the command line. */
  readonly options: Readonly<Record<string, string>>;
}

/** One part of the suite: a file in `bench/scopes/` exports one. */
export interface Scope {
  readonly name: string;
  /** One line for `--help` and the report's headings. */
  readonly title: string;
  /** Names of its options, with a line of help each. */
  readonly options: Readonly<Record<string, string>>;
  /** Expected duration, for the remaining time. */
  seconds(profile: Profile): number;
  /** Undefined if it can run here. Otherwise the missing requirement and how to provide it. */
  missing?(): string | undefined;
  run(context: ScopeContext): Promise<ScopeResult>;
}

/** Fills in the common fields of a scope result. */
export async function measured(
  scope: Pick<Scope, 'name' | 'title'>,
  work: () => Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series'>>,
): Promise<ScopeResult> {
  const startedAt = new Date().toISOString();
  const from = performance.now();
  const found = await work();
  return { scope: scope.name, title: scope.title, startedAt, seconds: (performance.now() - from) / 1000, ...found };
}
