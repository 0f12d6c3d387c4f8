/** What the rules of orders cost: to those who use them, and to the others. */
import { EXPIRIES_PER_COMMAND } from '../../engine/machine/expiry.ts';
import { type ExpiryFigures, runExpiry } from '../rules/expiry.ts';
import type { Metric, Profile, ScopeResult } from '../suite/result.ts';
import { measured, type Scope, type ScopeContext } from '../suite/scope.ts';

const ORDERS: Record<Profile, number> = { ci: 100_000, full: 1_000_000 };
/** Orders a second of one window, all parts together; used only for the remaining time. */
const RATE = 250_000;

export const scope: Scope = {
  name: 'rules',
  title: 'Rules: the cost of orders that expire',
  options: {},
  seconds: (profile) => 4 + (12 * ORDERS[profile]) / RATE,
  run: (context) => measured(scope, () => run(context)),
};

async function run({ profile, windows, progress, signal }: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series'>> {
  const orders = ORDERS[profile];
  const figures: ExpiryFigures[] = [];
  // The first window warms up.
  for (let window = 0; window <= windows; window++) {
    let chunks = 0;
    const chunk = (): void => {
      signal.throwIfAborted();
      progress('orders that expire', (window + Math.min(1, (1000 * ++chunks) / (1.3 * orders))) / (windows + 1));
    };
    const found = runExpiry(orders, chunk);
    if (window > 0) figures.push(found);
  }
  const metric = (id: string, title: string, unit: Metric['unit'], read: (figures: ExpiryFigures) => number): Metric => ({
    id: `rules.${id}`,
    title,
    unit,
    better: 'lower',
    windows: figures.map((each) => ({ value: read(each) })),
  });
  return {
    method: [
      `Two state machines with their rings, one thread, the same ${orders.toLocaleString('en')} resting orders of 16 accounts on 800 prices in turns of 1,000: good till cancel in one, good till date in the other, with ends spread over an hour. Then 100,000 amends to other prices in turns, with no order due. Then all orders are due at once, and ticks cancel them. Encoding is not measured; the rings are read in the same thread.`,
      'Checked: each tick cancels its share until none is left, and money is conserved.',
    ],
    metrics: [
      metric('gtc.enter', 'New order that rests, good till cancel', 'us', ({ enterCancelNs }) => enterCancelNs / 1000),
      metric('gtd.enter', 'New order that rests, good till date (two records)', 'us', ({ enterDateNs }) => enterDateNs / 1000),
      metric('gtd.quiet', 'Amends beside orders that expire / beside others', 'x', ({ quietRatio }) => quietRatio),
      metric('gtd.expire', 'Order that expires', 'us', ({ expireNs }) => expireNs / 1000),
      metric('gtd.tick', `Tick with which ${EXPIRIES_PER_COMMAND} orders expire, p99`, 'ms', ({ tickP99Ms }) => tickP99Ms),
    ],
    series: [],
  };
}
