import { setTimeout } from 'node:timers/promises';
import type { OrderLife } from '../../taps/history/order-life.ts';
import type { OrderName } from '../../taps/history/query-worker.ts';
import type { OrderSources } from './order-sources.ts';

/** How long an answer waits for the history, which is written with a delay: so often, and ms between two attempts. */
const ATTEMPTS = 25;
const ATTEMPT_MS = 20;

/**
 * Reports of an order from the history, which has, or is waited for, what the account had been sent when the request came.
 * @param limit reports, at most @param caller whose turn the queries take
 * @returns `behind`: the history still lacks some of them
 */
export async function readOrderLife(
  { directory, history }: OrderSources,
  caller: string,
  account: number,
  order: OrderName,
  limit: number,
): Promise<{ readonly life: OrderLife; readonly behind: true | undefined }> {
  const atLeast = directory.lastReportNo(account);
  for (let left = ATTEMPTS; left > 0; left--) {
    const life = await history.orderLife(account, order, limit, atLeast, caller);
    if (life !== undefined) return { life, behind: undefined };
    await setTimeout(ATTEMPT_MS);
  }
  return { life: (await history.orderLife(account, order, limit, 0, caller)) as OrderLife, behind: true };
}
