/** The order book alone: single operations compared with another Node.js order book, and recorded order flow. */
import { AUCTION_ORDERS, runAuction } from '../book/auction.ts';
import { type FlowFigures, type FlowPlan, flowFilesMissing, runFlowFile } from '../book/flow-files.ts';
import { type MicroFigures, type MicroPlan, runMicro, TURNS } from '../book/micro.ts';
import { LEVELS, ORDERS_A_LEVEL } from '../book/work.ts';
import type { Metric, Profile, ScopeResult } from '../suite/result.ts';
import { measured, Parts, type Scope, type ScopeContext } from '../suite/scope.ts';

interface Plan {
  readonly micro: MicroPlan;
  readonly flow: FlowPlan;
}

const SHORT_FILES = ['normal-100k', 'swing-25-100k', 'static-100k', 'flash-crash-100k'];
const PLANS: Record<Profile, Plan> = {
  ci: {
    micro: { windowMs: 60, warmUpMs: 150 },
    flow: { files: SHORT_FILES, warmUpMessages: 1_000_000, windowMessages: 500_000 },
  },
  full: {
    micro: { windowMs: 1000, warmUpMs: 1000 },
    flow: { files: [...SHORT_FILES, 'normal-1m', 'flash-crash-1m'], warmUpMessages: 4_000_000, windowMessages: 5_000_000 },
  },
};
const PEER = 'nodejs-order-book';
/** Share of the scope's time; the flow files come last. */
const MICRO_PART = 0.7;

export const scope: Scope = {
  name: 'book',
  title: 'Book: single operations compared with nodejs-order-book, and order flow files',
  options: {},
  seconds: (profile) => (profile === 'ci' ? 15 : 90),
  run: (context) => measured(scope, () => run(context)),
};

async function run(context: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series' | 'failed'>> {
  const { micro, flow } = PLANS[context.profile];
  const metrics: Metric[] = [];
  const parts = new Parts(context.signal);
  await parts.run('single operations', async () => {
    const cases = await runMicro(micro, context, (what, done) => context.progress(what, done * MICRO_PART));
    metrics.push(...cases.flatMap(caseMetrics));
  });
  await parts.run('auction', async () => void metrics.push(auctionMetric(runAuction(context.windows, micro.windowMs))));
  const missing = flowFilesMissing(flow);
  if (missing !== undefined) process.stderr.write(`${missing}\n`);
  for (const [index, file] of missing === undefined ? flow.files.entries() : [])
    await parts.run(`flow ${file}`, async () => {
      const progress = (what: string, done: number): void =>
        context.progress(what, MICRO_PART + ((index + done) / flow.files.length) * (1 - MICRO_PART));
      metrics.push(flowMetric(await runFlowFile(file, flow, context, progress)));
    });
  return { method: [...method(micro, context.windows), missing ?? flowMethod(flow)], metrics, series: [], ...parts.outcome };
}

function caseMetrics({ name, title, windows }: MicroFigures): Metric[] {
  const of = (read: (window: MicroFigures['windows'][number]) => number) => windows.map((window) => ({ value: read(window) }));
  return [
    { id: `book.${name}`, title, unit: '/s', better: 'higher', windows: of(({ ours }) => Math.round(ours)) },
    { id: `book.peer.${name}`, title: `${title}: ${PEER}`, unit: '/s', better: 'higher', windows: of(({ theirs }) => Math.round(theirs)) },
    {
      id: `book.ratio.peer.${name}`,
      title: `${title}: openbell / ${PEER}`,
      unit: 'x',
      better: 'higher',
      windows: of(({ ratio }) => ratio),
    },
  ];
}

function auctionMetric(microseconds: readonly number[]): Metric {
  return {
    id: 'book.auction',
    title: `Auction: uncross ${AUCTION_ORDERS.toLocaleString('en')} orders`,
    unit: 'us',
    better: 'lower',
    windows: microseconds.map((value) => ({ value })),
    note: `${PEER} has no auction.`,
  };
}

function flowMetric({ file, rates }: FlowFigures): Metric {
  return {
    id: `book.flow.${file}`,
    title: `Order flow ${file}`,
    unit: '/s',
    better: 'higher',
    windows: rates.map((value) => ({ value: Math.round(value) })),
  };
}

function method({ windowMs, warmUpMs }: MicroPlan, windows: number): string[] {
  return [
    `Single operations: a book of ${2 * LEVELS * ORDERS_A_LEVEL} orders, ${ORDERS_A_LEVEL} on each of ${LEVELS} prices a side, one symbol, no accounts. tinybench times a batch at a time (500 adds, cancels or amends; 250 or 25 crossing orders); preparation and undo are not measured. Warm-up ${warmUpMs} ms, then ${windows} windows of ${windowMs} ms of measured time, for each operation and book, in which the two books take ${TURNS} turns each; the ratio of a window is the median of its turns.`,
    `${PEER} 10.1.1 gets the same orders in the same run, right before or after, through its methods limit, cancel and modify, without journaling, with ids that begin with a letter (with decimal ones it amends at half and crosses at a fifth of the speed). Orders are prepared before the measurement on both sides: for openbell as 40-byte records, for the peer as the objects of its interface. Measured: openbell decodes, matches and writes a 64-byte event for each answer and fill into the production ring; the peer returns its answers as objects. The peer uses floating-point sizes and prices and has stop orders, which it checks at each trade; the openbell book does not have them.`,
    'Checked: each batch has the expected number of fills, and both books have the same lots at the same prices before, in the middle and after.',
    `Auction: finding the price and trading ${AUCTION_ORDERS.toLocaleString('en')} orders whose prices overlap; all fills reported to a listener. Checked: the indicated volume trades, and the book is not crossed afterwards.`,
  ];
}

function flowMethod({ warmUpMessages, windowMessages }: FlowPlan): string {
  return `Order flow files of the open matching-engine benchmark (arXiv:2606.01183): whole passes from an empty book, from the first record read until a second thread has taken the last report. Each window has a new book and a new second thread, a warm-up of ${warmUpMessages.toLocaleString('en')} messages, then ${windowMessages.toLocaleString('en')}, of which the median pass counts. The hash of the reports is the published one.`;
}
