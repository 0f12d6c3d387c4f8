/** Messages between the runner and a scope's process, as JSON over the channel that `fork` opens. */
import type { Profile, ScopeResult } from './result.ts';

/** The first and only message to the scope's process. Disconnecting, or SIGINT, aborts it. */
export interface Assignment {
  readonly file: string;
  readonly profile: Profile;
  readonly windows: number;
  readonly dir: string;
  readonly options: Readonly<Record<string, string>>;
  readonly checkout?: string | undefined;
}

export type Message =
  | { readonly kind: 'progress'; readonly what: string; readonly done: number }
  | { readonly kind: 'result'; readonly result: ScopeResult }
  | { readonly kind: 'failed'; readonly reason: string };
