/** The interface between the runner and the scopes. */
import type { Profile, ScopeResult } from './result.ts';

export interface ScopeContext {
  readonly profile: Profile;
  /** Number of windows per figure: at least three, or one in a turn of a comparison. */
  readonly windows: number;
  /** An empty folder on the measured disk; removed after the scope. */
  readonly dir: string;
  /** Reports the current work, and the share of the scope that is done (0 to 1). Call it at least once a second. */
  progress(what: string, done: number): void;
  /** Aborted by Ctrl-C: stop the load, kill all started processes, and throw `signal.reason`. */
  readonly signal: AbortSignal;
  /** The scope's options from the command line. */
  readonly options: Readonly<Record<string, string>>;
  /** A built checkout of another commit, whose command is to be measured; undefined: this one's. */
  readonly checkout?: string | undefined;
}

/** One part of the suite: a file in `bench/scopes/` exports one. */
export interface Scope {
  readonly name: string;
  /** One line for `--help` and the report's headings. */
  readonly title: string;
  /** Names of its options, with a line of help each. */
  readonly options: Readonly<Record<string, string>>;
  /**
   * What a comparison with another commit takes from there: the built command of `context.checkout`; the sources that the
   * scope's file imports (the default); or nothing, because the scope itself takes turns with `context.checkout`.
   */
  readonly subject?: 'command' | 'sources' | 'turns';
  /** Expected duration, for the remaining time. */
  seconds(profile: Profile): number;
  /** Undefined if it can run here. Otherwise the missing requirement and how to provide it. */
  missing?(): string | undefined;
  run(context: ScopeContext): Promise<ScopeResult>;
}

/** Fills in the common fields of a scope result. */
export async function measured(
  scope: Pick<Scope, 'name' | 'title'>,
  work: () => Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series' | 'failed'>>,
): Promise<ScopeResult> {
  const startedAt = new Date().toISOString();
  const from = performance.now();
  const found = await work();
  return { scope: scope.name, title: scope.title, startedAt, seconds: (performance.now() - from) / 1000, ...found };
}

/** The parts of a scope, one after the other: one that fails does not end the others, and what it found before stays. */
export class Parts {
  readonly #signal: AbortSignal;
  readonly #failures: string[] = [];

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** @throws the signal's reason when the scope was aborted */
  async run(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#failures.push(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }

  /** For the result of the scope. */
  get outcome(): Pick<ScopeResult, 'failed'> {
    return this.#failures.length === 0 ? {} : { failed: this.#failures.join('\n') };
  }
}
