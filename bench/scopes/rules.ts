/** What the rules of orders cost: to those who use them, and to the others. */
import { EXPIRIES_PER_COMMAND } from '../../engine/machine/expiry.ts';
import { TRIGGERS_PER_COMMAND } from '../../engine/machine/state.ts';
import { type CombinedFigures, type CombinedSize, runCombined } from '../rules/combined.ts';
import { type ExpiryFigures, runExpiry } from '../rules/expiry.ts';
import { KINDS, type KindCost, runKinds } from '../rules/kinds.ts';
import { type MassCancelFigures, runMassCancel } from '../rules/mass-cancel.ts';
import { bytesPerOrder, MEMORY_KINDS, type MemoryKind } from '../rules/memory.ts';
import { runSlices, SLICES, type SliceFigures, type SliceName } from '../rules/slices.ts';
import { CASCADES, runStops, type StopFigures } from '../rules/stops.ts';
import type { Metric, Profile, ScopeResult, Unit } from '../suite/result.ts';
import { measured, Parts, type Scope, type ScopeContext } from '../suite/scope.ts';

const ORDERS: Record<Profile, number> = { ci: 100_000, full: 1_000_000 };
/** Pending stops of each side, and orders of a mass cancel. */
const STOPS: Record<Profile, number> = { ci: 10_000, full: 100_000 };
const COMBINED: Record<Profile, CombinedSize> = {
  ci: { stops: 10_000, icebergs: 1000, dated: 100_000 },
  full: { stops: 100_000, icebergs: 10_000, dated: 1_000_000 },
};
const KIND_TURNS: Record<Profile, number> = { ci: 8, full: 30 };
/** Orders whose memory is measured: as many as fill the table of client order ids. */
const STORED: Record<Profile, number> = { ci: 692_000, full: 1_384_000 };
const STORED_KINDS: Record<Profile, readonly MemoryKind[]> = {
  ci: ['limit', 'stop', 'trailing'],
  full: Object.keys(MEMORY_KINDS) as MemoryKind[],
};
/** Orders a second of one window, all parts together; used only for the remaining time. */
const RATE = 250_000;
const PARTS = 6;

export const scope: Scope = {
  name: 'rules',
  title: 'Rules: the cost of each kind of order, of ends, stops and mass cancels',
  options: {},
  seconds: (profile) => 20 + (34 * ORDERS[profile]) / RATE,
  run: (context) => measured(scope, () => run(context)),
};

interface Figures extends ExpiryFigures, StopFigures {
  readonly massCancel: MassCancelFigures;
  readonly kinds: Readonly<Record<string, KindCost>>;
  readonly combined: CombinedFigures;
  readonly slices: SliceFigures;
}

async function run({
  profile,
  windows,
  progress,
  signal,
}: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series' | 'failed'>> {
  const orders = ORDERS[profile];
  const stops = STOPS[profile];
  const figures: Figures[] = [];
  // The first window warms up.
  const parts = new Parts(signal);
  for (let window = 0; window <= windows; window++)
    await parts.run(`window ${window}`, async () => {
      const step = (what: string, part: number, chunks: number): (() => void) => {
        let done = 0;
        return () => {
          signal.throwIfAborted();
          progress(what, (window + (part + Math.min(1, ++done / chunks)) / PARTS) / (windows + 1));
        };
      };
      const found: Figures = {
        ...runExpiry(orders, step('orders that expire', 0, orders / 770)),
        ...runStops(stops, step('stops', 1, stops / 1000 + 200)),
        massCancel: runMassCancel(stops, step('mass cancel', 2, stops / 330)),
        kinds: runKinds(KIND_TURNS[profile], step('kinds of orders', 3, KINDS.length * KIND_TURNS[profile])),
        combined: runCombined(COMBINED[profile], step('all together', 4, orders / 300)),
        slices: runSlices(stops, step('work in parts', 5, stops / 80)),
      };
      if (window > 0) figures.push(found);
    });
  const bytes: Metric[] = [];
  for (const kind of STORED_KINDS[profile])
    await parts.run(`memory of ${MEMORY_KINDS[kind]}`, async () => {
      progress('memory', 1);
      const value = await bytesPerOrder(kind, STORED[profile], signal);
      bytes.push({
        id: `rules.memory.${kind}`,
        title: `Memory of ${MEMORY_KINDS[kind]}`,
        unit: 'bytes',
        better: 'lower',
        windows: [{ value }],
      });
    });
  const metric = (id: string, title: string, unit: Unit, read: (figures: Figures) => number): Metric => ({
    id: `rules.${id}`,
    title,
    unit,
    better: 'lower',
    windows: figures.map((each) => ({ value: read(each) })),
  });
  const { stops: ofEachSide, icebergs, dated } = COMBINED[profile];
  return {
    method: [
      `Two state machines with their rings, one thread, the same ${count(orders)} resting orders of 16 accounts on 800 prices in turns of 1,000: good till cancel in one, good till date in the other, with ends spread over an hour. Then 100,000 amends to other prices in turns, with no order due. Then all orders are due at once, and ticks cancel them. Encoding is not measured; the rings are read in the same thread.`,
      `Stops: ${count(stops)} of each side wait beside 100,000 orders that trade in pairs at nearby prices, in turns with a machine that has as many limit orders far away instead. A cascade is a chain: each stop trades with the next bid, and that price triggers the next stop.`,
      `Mass cancel: one account cancels all its ${count(stops)} orders, half of those in the book; ticks continue it.`,
      `Kinds of orders: turns of 1,000 orders, and of 1,000 plain limit orders that do the same in a second machine; then all are cancelled. The ratio is the median of ${KIND_TURNS[profile]} turns.`,
      `All together: ${count(ofEachSide)} stops of each side, ${count(icebergs)} icebergs and ${count(dated)} orders with an end; new orders, amends, cancels and trades that trigger nothing, in turns with an empty machine, then one at a time; then all ends are due.`,
      `Work in parts: ${count(stops)} orders of a kind make one command do much; the rest follows with ticks, or with the command sent again. Trailing stops become active at one price, and follow from as many prices; orders expire at one time before an uncross; orders at the close enter their auction, are left after it, or wait for one that does not come.`,
      `Memory: resident memory of a process with ${count(STORED[profile])} orders of a kind, less that of one with few; client order ids included.`,
      'Checked: each tick cancels or triggers its share until none is left, and money is conserved.',
    ],
    metrics: [
      metric('gtc.enter', 'New order that rests, good till cancel', 'us', ({ enterCancelNs }) => enterCancelNs / 1000),
      metric('gtd.enter', 'New order that rests, good till date (two records)', 'us', ({ enterDateNs }) => enterDateNs / 1000),
      metric('gtd.quiet', 'Amends beside orders that expire / beside others', 'x', ({ amendRatio }) => amendRatio),
      metric('gtd.expire', 'Order that expires', 'us', ({ expireNs }) => expireNs / 1000),
      metric('gtd.tick', `Tick with which ${EXPIRIES_PER_COMMAND} orders expire, p99`, 'ms', ({ tickP99Ms }) => tickP99Ms),
      metric('stop.enter', 'New stop that waits (two records)', 'us', ({ enterNs }) => enterNs / 1000),
      metric('stop.quiet', 'Orders that trade beside stops / beside limit orders', 'x', ({ tradeRatio }) => tradeRatio),
      ...CASCADES.map((length) =>
        metric(`stop.cascade.${length}`, `Stop of a cascade of ${count(length)}`, 'us', ({ cascadeNs }) => cascadeNs[length] / 1000),
      ),
      metric('stop.slice', `Command with which ${TRIGGERS_PER_COMMAND} stops trigger, p90`, 'ms', ({ sliceMs }) => sliceMs),
      metric('mass.cancel', 'Order of a mass cancel', 'us', ({ massCancel }) => massCancel.orderNs / 1000),
      metric('mass.first', 'Mass cancel, the command itself', 'ms', ({ massCancel }) => massCancel.firstMs),
      metric('mass.side', 'Mass cancel of a side, the command itself', 'ms', ({ massCancel }) => massCancel.sideMs),
      metric('mass.slice.median', 'Command that continues a mass cancel, median', 'ms', ({ massCancel }) => massCancel.sliceMedianMs),
      metric('mass.slice', 'Command that continues a mass cancel, p99', 'ms', ({ massCancel }) => massCancel.sliceMs),
      ...KINDS.flatMap(({ id, title }) => [
        metric(`kind.${id}`, title, 'us', ({ kinds }) => kinds[id].orderNs / 1000),
        metric(`kind.${id}.ratio`, `${title} / plain limit order`, 'x', ({ kinds }) => kinds[id].ratio),
      ]),
      metric('all.quiet', 'Commands that trigger nothing beside all / in an empty machine', 'x', ({ combined }) => combined.commandRatio),
      metric('all.p99', 'Such a command beside all, p99', 'us', ({ combined }) => combined.commandP99Us),
      metric('all.empty.p99', 'Such a command in an empty machine, p99', 'us', ({ combined }) => combined.emptyP99Us),
      metric('all.expire', 'Order that expires beside all', 'us', ({ combined }) => combined.expireNs / 1000),
      ...(Object.keys(SLICES) as SliceName[]).map((name) =>
        metric(`slice.${name}`, `${SLICES[name]}, p90`, 'ms', ({ slices }) => slices.sliceMs[name]),
      ),
      metric('uncross.order', 'Order that trades in an uncross, one command for all', 'us', ({ slices }) => slices.uncrossNs / 1000),
      ...bytes,
    ].filter(({ windows }) => windows.length > 0),
    series: [],
    ...parts.outcome,
  };
}

function count(orders: number): string {
  return orders.toLocaleString('en');
}
