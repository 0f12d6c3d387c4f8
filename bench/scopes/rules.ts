/** What the rules of orders cost: to those who use them, and to the others. */
import { EXPIRIES_PER_COMMAND } from '../../engine/machine/expiry.ts';
import { TRIGGERS_PER_COMMAND } from '../../engine/machine/triggers.ts';
import { type ExpiryFigures, runExpiry } from '../rules/expiry.ts';
import { type MassCancelFigures, runMassCancel } from '../rules/mass-cancel.ts';
import { CASCADES, runStops, type StopFigures } from '../rules/stops.ts';
import type { Metric, Profile, ScopeResult } from '../suite/result.ts';
import { measured, type Scope, type ScopeContext } from '../suite/scope.ts';

const ORDERS: Record<Profile, number> = { ci: 100_000, full: 1_000_000 };
/** Pending stops of each side, and orders of a mass cancel. */
const STOPS: Record<Profile, number> = { ci: 10_000, full: 100_000 };
/** Orders a second of one window, all parts together; used only for the remaining time. */
const RATE = 250_000;

export const scope: Scope = {
  name: 'rules',
  title: 'Rules: the cost of ends, stops and mass cancels',
  options: {},
  seconds: (profile) => 6 + (16 * ORDERS[profile]) / RATE,
  run: (context) => measured(scope, () => run(context)),
};

interface Figures extends ExpiryFigures, StopFigures {
  readonly massCancel: MassCancelFigures;
}

async function run({ profile, windows, progress, signal }: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series'>> {
  const orders = ORDERS[profile];
  const stops = STOPS[profile];
  const figures: Figures[] = [];
  // The first window warms up.
  for (let window = 0; window <= windows; window++) {
    const step = (what: string, part: number, chunks: number): (() => void) => {
      let done = 0;
      return () => {
        signal.throwIfAborted();
        progress(what, (window + (part + Math.min(1, ++done / chunks)) / 3) / (windows + 1));
      };
    };
    const found: Figures = {
      ...runExpiry(orders, step('orders that expire', 0, orders / 770)),
      ...runStops(stops, step('stops', 1, stops / 1000 + 200)),
      massCancel: runMassCancel(stops, step('mass cancel', 2, stops / 330)),
    };
    if (window > 0) figures.push(found);
  }
  const metric = (id: string, title: string, unit: Metric['unit'], read: (figures: Figures) => number): Metric => ({
    id: `rules.${id}`,
    title,
    unit,
    better: 'lower',
    windows: figures.map((each) => ({ value: read(each) })),
  });
  return {
    method: [
      `Two state machines with their rings, one thread, the same ${orders.toLocaleString('en')} resting orders of 16 accounts on 800 prices in turns of 1,000: good till cancel in one, good till date in the other, with ends spread over an hour. Then 100,000 amends to other prices in turns, with no order due. Then all orders are due at once, and ticks cancel them. Encoding is not measured; the rings are read in the same thread.`,
      `Stops: ${stops.toLocaleString('en')} of each side wait beside 100,000 orders that trade in pairs at nearby prices, in turns with a machine that has none. A cascade is a chain: each stop trades with the next bid, and that price triggers the next stop.`,
      `Mass cancel: one account cancels all its ${stops.toLocaleString('en')} orders, half of those in the book; ticks continue it.`,
      'Checked: each tick cancels or triggers its share until none is left, and money is conserved.',
    ],
    metrics: [
      metric('gtc.enter', 'New order that rests, good till cancel', 'us', ({ enterCancelNs }) => enterCancelNs / 1000),
      metric('gtd.enter', 'New order that rests, good till date (two records)', 'us', ({ enterDateNs }) => enterDateNs / 1000),
      metric('gtd.quiet', 'Amends beside orders that expire / beside others', 'x', ({ amendRatio }) => amendRatio),
      metric('gtd.expire', 'Order that expires', 'us', ({ expireNs }) => expireNs / 1000),
      metric('gtd.tick', `Tick with which ${EXPIRIES_PER_COMMAND} orders expire, p99`, 'ms', ({ tickP99Ms }) => tickP99Ms),
      metric('stop.enter', 'New stop that waits (two records)', 'us', ({ enterNs }) => enterNs / 1000),
      metric('stop.quiet', 'Orders that trade beside stops / without', 'x', ({ tradeRatio }) => tradeRatio),
      ...CASCADES.map((length) =>
        metric(
          `stop.cascade.${length}`,
          `Stop of a cascade of ${length.toLocaleString('en')}`,
          'us',
          ({ cascadeNs }) => cascadeNs[length] / 1000,
        ),
      ),
      metric('stop.slice', `Command with which ${TRIGGERS_PER_COMMAND} stops trigger, p90`, 'ms', ({ sliceMs }) => sliceMs),
      metric('mass.cancel', 'Order of a mass cancel', 'us', ({ massCancel }) => massCancel.orderNs / 1000),
      metric('mass.first', 'Mass cancel, the command itself', 'ms', ({ massCancel }) => massCancel.firstMs),
      metric('mass.slice', 'Command that continues a mass cancel, p99', 'ms', ({ massCancel }) => massCancel.sliceMs),
    ],
    series: [],
  };
}
