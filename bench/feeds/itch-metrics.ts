import type { Metric, Profile } from '../suite/result.ts';
import type { ScopeContext } from '../suite/scope.ts';
import { type ItchFigures, type ItchPlan, runItch } from './itch.ts';

const PLANS: Record<Profile, ItchPlan> = {
  ci: { messages: 200_000, passes: 5, warmUpPasses: 3 },
  full: { messages: 1_000_000, passes: 9, warmUpPasses: 5 },
};

/** What the part of ITCH adds to the expected duration, with the readers from PyPI. */
export const ITCH_SECONDS: Record<Profile, number> = { ci: 6, full: 40 };

/** The metrics of ITCH and how they are measured. @param progress with the share of the part that is done */
export async function measureItch(
  context: ScopeContext,
  progress: (what: string, done: number) => void,
): Promise<{ metrics: Metric[]; method: string }> {
  const plan = PLANS[context.profile];
  return { metrics: itchMetrics(await runItch(plan, context, progress)), method: itchMethod(plan) };
}

function itchMetrics({ read, books, itchfeed, itchcpp }: ItchFigures): Metric[] {
  const rate = (id: string, title: string, rates: readonly number[]): Metric => ({
    id: `feeds.itch.${id}`,
    title: `ITCH 5.0: ${title}`,
    unit: '/s',
    better: 'higher',
    windows: rates.map((value) => ({ value: Math.round(value) })),
  });
  const ratio = (peer: string, rates: readonly number[]): Metric => ({
    id: `feeds.itch.ratio.${peer}`,
    title: `ITCH 5.0: openbell / ${peer}`,
    unit: 'x',
    better: 'higher',
    windows: rates.map((value, window) => ({ value: read[window] / value })),
  });
  const peers = Object.entries({ itchcpp, itchfeed }).filter(([, rates]) => rates.length > 0);
  return [
    rate('read', 'messages read, every number of each', read),
    rate('books', 'messages into books of orders', books),
    ...peers.map(([peer, rates]) => rate(`peer.${peer}`, `messages, ${peer}`, rates)),
    ...peers.map(([peer, rates]) => ratio(peer, rates)),
  ];
}

function itchMethod({ messages, passes, warmUpPasses }: ItchPlan): string {
  return `ITCH 5.0: one generated stream of ${messages.toLocaleString('en')} messages of orders (45 % new, 40 % deleted, 7 % replaced) behind 20,000 open orders of 64 stocks, in pieces of 64 KiB, on one thread. "read" sums every number of each message; "books" keeps the orders and sorted levels of all stocks, with a sink that keeps nothing. Warm-up ${warmUpPasses} passes; in each window the median of ${passes} passes, then one pass of itchcpp (C++) and of itchfeed 1.6.4 (Python) over the same bytes in memory, which count the messages that they yield. Checked: all read the same number of messages.`;
}
