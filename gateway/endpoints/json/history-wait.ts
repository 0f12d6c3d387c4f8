import { setTimeout } from 'node:timers/promises';
import type { OrderSources } from './order-sources.ts';

/** How long an answer waits for the history, which is written with a delay: so often, and ms between two attempts. */
const ATTEMPTS = 25;
const ATTEMPT_MS = 20;

/**
 * Waits until the history has what the account had been sent when this was called.
 * @param caller whose turn the queries take @returns true: it still lacks something
 */
export async function waitForHistory({ directory, history }: OrderSources, account: number, caller: string): Promise<true | undefined> {
  const atLeast = directory.lastReportNo(account);
  for (let left = ATTEMPTS; left > 0; left--) {
    if (await history.has(account, atLeast, caller)) return undefined;
    await setTimeout(ATTEMPT_MS);
  }
  return true;
}
