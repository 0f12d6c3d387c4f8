/** Windows that are measured one by one: one that ends with an error is kept with its reason, and the others stay. */
import type { Window } from './result.ts';

/** What a window found, or why it ended without. */
export type Attempt<Found> = { readonly found: Found } | { readonly failed: string };

/** What must never happen, such as an answer that is missing or came twice: it fails its part of the scope, not a window. */
export class Violation extends Error {}

/**
 * For loads that the exchange may refuse or break off.
 * @param signal of the scope @throws its reason when the scope was aborted @throws Violation
 */
export async function eachWindow<Found>(
  windows: number,
  signal: AbortSignal,
  measure: (window: number) => Promise<Found>,
): Promise<Attempt<Found>[]> {
  const attempts: Attempt<Found>[] = [];
  for (let window = 0; window < windows; window++) attempts.push(await attempt(signal, () => measure(window)));
  return attempts;
}

/** One of them. @throws the signal's reason when the scope was aborted @throws Violation */
export async function attempt<Found>(signal: AbortSignal, measure: () => Promise<Found>): Promise<Attempt<Found>> {
  try {
    return { found: await measure() };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Violation) throw error;
    return { failed: reasonOf(error) };
  }
}

/** For a metric: what each window found, or its reason. */
export function windowsOf<Found>(attempts: readonly Attempt<Found>[], read: (found: Found) => Window): Window[] {
  return attempts.map((each) => ('failed' in each ? { failed: each.failed } : read(each.found)));
}

/** What those found that did not end with an error. */
export function foundIn<Found>(attempts: readonly Attempt<Found>[]): Found[] {
  return attempts.flatMap((each) => ('failed' in each ? [] : [each.found]));
}

/** A line for the report. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0];
}
