/** What the runner and the scopes know of each other. */
import type { Profile, ScopeResult } from './result.ts';

export interface ScopeContext {
  readonly profile: Profile;
  /** How many windows each figure gets: at least three. */
  readonly windows: number;
  /** An empty folder on the disk that is measured; gone when the scope is. */
  readonly dir: string;
  /** What is being done now, and how much of the scope is done (0 to 1). Call it at least once a second of work. */
  progress(what: string, done: number): void;
  /** Aborted by Ctrl-C: stop the load, kill what was started, and throw `signal.reason`. */
  readonly signal: AbortSignal;
  /** What followed the scope's name on the command line. */
  readonly options: Readonly<Record<string, string>>;
}

/** One part of the suite: a file in `bench/scopes/` exports one. */
export interface Scope {
  readonly name: string;
  /** One line for `--help` and the report's headings. */
  readonly title: string;
  /** Names of the options that it takes, with a line of help each. */
  readonly options: Readonly<Record<string, string>>;
  /** Expected duration, for the time left. */
  seconds(profile: Profile): number;
  /** Undefined: it can run here. Otherwise what is missing and how to get it. */
  missing?(): string | undefined;
  run(context: ScopeContext): Promise<ScopeResult>;
}

/** Fills in what every scope result has. */
export async function measured(
  scope: Pick<Scope, 'name' | 'title'>,
  work: () => Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series'>>,
): Promise<ScopeResult> {
  const startedAt = new Date().toISOString();
  const from = performance.now();
  const found = await work();
  return { scope: scope.name, title: scope.title, startedAt, seconds: (performance.now() - from) / 1000, ...found };
}
