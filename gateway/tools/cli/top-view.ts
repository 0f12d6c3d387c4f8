import { table } from './connection.ts';
import type { Health } from './health.ts';
import { type MetricSamples, quantileBetween } from './metric-samples.ts';

/** What `openbell top` shows: rates are per second between two samples. */
export interface TopView {
  readonly seconds: number;
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  readonly build: string;
  readonly seq: number;
  readonly rates: {
    readonly commands: number;
    readonly accepted: number;
    readonly rejected: number;
    readonly fills: number;
    readonly cancelled: number;
  };
  /** From the order's receipt to its report, milliseconds: upper bounds of the histogram's buckets; null: no orders over gRPC or HTTP. */
  readonly latency: { readonly p50: number | null; readonly p99: number | null };
  readonly orders: { readonly resting: number; readonly capacity: number };
  readonly rings: Readonly<Record<string, number>>;
  readonly spilled: number;
  /** `lag`: batches or commands that wait for the disk; `syncMs`: mean of an fdatasync, null without one. */
  readonly journal: { readonly lag: number; readonly batches: number; readonly bytes: number; readonly syncMs: number | null };
  readonly historyLag: number;
  readonly diskFree: number;
  readonly sessions: { readonly open: number; readonly blocked: number; readonly cut: number };
  readonly market: {
    readonly connections: number;
    readonly subscriptions: number;
    readonly slow: number;
    readonly frames: number;
    readonly dropped: number;
  };
  readonly feeds: { readonly connected: number; readonly sources: number; readonly messages: number; readonly faults: number };
  /** Busiest first. `lastPrice`: null before the first trade. */
  readonly symbols: readonly {
    readonly name: string;
    readonly trades: number;
    readonly resting: number;
    readonly lastPrice: number | null;
  }[];
}

/** Pure. @param before an earlier sample of the same exchange */
export function topView(before: MetricSamples, after: MetricSamples, { reasons = [], warnings = [] }: Health): TopView {
  const seconds = Math.max(0.001, (after.atMs - before.atMs) / 1000);
  // A counter that became smaller began again: the exchange was restarted.
  const rate = (now: number, then: number): number => Math.max(0, now - then) / seconds;
  const of = (series: string): number => rate(after.value(series), before.value(series));
  const report = (kind: string): number => of(`openbell_reports_total{kind="${kind}"}`);
  const ms = (share: number): number | null => {
    const found = quantileBetween(before, after, 'openbell_order_to_report_seconds', share);
    return found === undefined ? null : found * 1000;
  };
  const syncs = after.value('openbell_journal_syncs_total') - before.value('openbell_journal_syncs_total');
  const syncSeconds = after.value('openbell_journal_sync_seconds_total') - before.value('openbell_journal_sync_seconds_total');
  const seq = after.value('openbell_seq{stage="sequenced"}');
  const tradesBefore = before.byLabel('openbell_symbol_trades_total', 'symbol');
  const resting = after.byLabel('openbell_symbol_resting_orders', 'symbol');
  const prices = after.byLabel('openbell_symbol_last_price', 'symbol');
  const connected = after.byLabel('openbell_feed_connected', 'feed');
  return {
    seconds,
    ready: reasons.length === 0,
    reasons,
    warnings,
    build: [
      ...after.byLabel('openbell_build_info', 'version').keys(),
      ...after.byLabel('openbell_build_info', 'topology').keys(),
      ...after.byLabel('openbell_build_info', 'durability').keys(),
    ].join(', '),
    seq,
    rates: {
      commands: rate(seq, before.value('openbell_seq{stage="sequenced"}')),
      accepted: report('Accepted'),
      rejected: report('Rejected'),
      fills: report('Fill'),
      cancelled: report('Cancelled'),
    },
    latency: { p50: ms(0.5), p99: ms(0.99) },
    orders: {
      resting: after.value('openbell_capacity_used{resource="orders"}'),
      capacity: after.value('openbell_capacity{resource="orders"}'),
    },
    rings: Object.fromEntries(after.byLabel('openbell_ring_depth', 'ring')),
    spilled: after.value('openbell_ring_spilled_total'),
    journal: {
      lag: after.value('openbell_journal_lag'),
      batches: of('openbell_journal_batches_total'),
      bytes: of('openbell_journal_bytes_total'),
      syncMs: syncs > 0 && syncSeconds >= 0 ? (1000 * syncSeconds) / syncs : null,
    },
    historyLag: Math.max(0, seq - after.value('openbell_seq{stage="history"}')),
    diskFree: after.value('openbell_disk_free_bytes'),
    sessions: {
      open: after.value('openbell_sessions'),
      blocked: after.value('openbell_sessions_blocked'),
      cut: after.value('openbell_sessions_cut_total'),
    },
    market: {
      connections: after.value('openbell_market_connections'),
      subscriptions: after.value('openbell_market_subscriptions'),
      slow: after.value('openbell_market_slow_readers'),
      frames: of('openbell_market_frames_total{fate="sent"}'),
      dropped: of('openbell_market_frames_total{fate="dropped"}'),
    },
    feeds: {
      connected: [...connected.values()].filter((value) => value > 0).length,
      sources: connected.size,
      messages: rate(after.sum('openbell_feed_messages_total'), before.sum('openbell_feed_messages_total')),
      faults: after.sum('openbell_feed_faults_total'),
    },
    symbols: [...after.byLabel('openbell_symbol_trades_total', 'symbol')]
      .map(([name, trades]) => ({
        name,
        trades: rate(trades, tradesBefore.get(name) ?? trades),
        resting: resting.get(name) ?? 0,
        // The metric is 0 until there is a price; a price is above 0.
        lastPrice: prices.get(name) || null,
      }))
      .sort((a, b) => b.trades - a.trades || b.resting - a.resting || (a.name < b.name ? -1 : 1)),
  };
}

/** The view as lines that fit a terminal: at least 80 x 24. */
export function topLines(view: TopView, columns: number, rows: number): string[] {
  const { rates, latency, orders, rings, journal, sessions, market, feeds } = view;
  const lines = [
    `openbell ${view.build}: ${view.ready ? 'ready' : `NOT READY: ${view.reasons.join(', ')}`}`,
    '',
    `orders    ${each(rates.commands)} commands/s  ${each(rates.accepted)} accepted  ${each(rates.rejected)} rejected  ${each(rates.fills)} fills  ${each(rates.cancelled)} cancelled`,
    `latency   p50 ${milliseconds(latency.p50)}  p99 ${milliseconds(latency.p99)}  (to the report, upper bounds)`,
    `book      ${whole(orders.resting)} of ${whole(orders.capacity)} orders rest   command ${whole(view.seq)}`,
    `rings     ${Object.entries(rings)
      .map(([name, depth]) => `${name} ${whole(depth)}`)
      .join('  ')}  spilled ${whole(view.spilled)}`,
    `journal   lag ${whole(journal.lag)}  ${each(journal.batches)} batches/s  ${bytes(journal.bytes)}/s  sync ${milliseconds(journal.syncMs)}  history lag ${whole(view.historyLag)}`,
    `disk      ${bytes(view.diskFree)} free`,
    `sessions  ${whole(sessions.open)} open  ${whole(sessions.blocked)} blocked  ${whole(sessions.cut)} cut`,
    `market    ${whole(market.connections)} readers  ${whole(market.subscriptions)} channels  ${whole(market.slow)} slow  ${each(market.frames)} frames/s  ${each(market.dropped)} dropped/s`,
    ...(feeds.sources === 0
      ? []
      : [`feeds     ${feeds.connected} of ${feeds.sources} connected  ${each(feeds.messages)} messages/s  ${whole(feeds.faults)} faults`]),
    ...view.warnings.map((warning) => `WARNING   ${warning}`),
    '',
  ].map((line) => line.slice(0, columns));
  const room = Math.max(1, rows - lines.length - 2);
  const symbols = view.symbols
    .slice(0, room)
    .map(({ name, trades, resting, lastPrice }) => [name, each(trades), whole(resting), lastPrice === null ? '-' : String(lastPrice)]);
  return [...lines, ...table([['symbol', 'trades/s', 'orders', 'last'], ...symbols]).split('\n')]
    .slice(0, rows - 1)
    .map((line) => line.slice(0, columns));
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en');
}

function each(rate: number): string {
  return rate >= 100 ? whole(rate) : rate.toFixed(1);
}

function milliseconds(ms: number | null): string {
  return ms === null ? '-' : ms === Number.POSITIVE_INFINITY ? 'above the buckets' : `${Number(ms.toPrecision(3))} ms`;
}

function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  return `${(count / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
