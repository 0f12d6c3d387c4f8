import { collectDefaultMetrics, Registry } from 'prom-client';
import { codeName } from '../engine/codes.ts';
import type { BoundedClock } from '../engine/threads/bounded-clock.ts';
import type { EngineStatus } from '../engine/threads/control.ts';
import { ReportKind } from '../engine/wire/layout.ts';
import { CANDLE_INTERVALS } from '../feeds/analysis/candles.ts';
import type { Feeds } from '../feeds/worker/feeds.ts';
import type { Alerts } from './alerts/alerts.ts';
import type { AuditStats } from './audit/audit-trail.ts';
import type { CalendarCounters } from './calendar/calendar-counters.ts';
import type { PreAuthLimit } from './endpoints/pre-auth-limit.ts';
import { addFeedCandleMetrics, addFeedMetrics, addMirrorMetrics, addReferenceMetrics } from './feed-metrics.ts';
import type { LatencyBuckets } from './latency-buckets.ts';
import type { LimitCounters } from './limit-counters.ts';
import { errorOutput } from './lossy-output.ts';
import type { MarketCounters } from './market/market-counters.ts';
import { add, type Read, type Value } from './metric.ts';
import type { PortfolioCounters } from './portfolio/portfolio-streams.ts';
import type { SymbolReference } from './reference/symbol-reference.ts';
import type { DropCopyCounters } from './sessions/drop-copy.ts';
import type { OrderEntryCounters } from './sessions/order-intake.ts';
import type { ReportTap } from './sessions/report-tap.ts';
import type { ServiceTime } from './sessions/service-time.ts';
import type { CandleStats } from './taps/candles/candle-stats.ts';
import type { FeedCandleHistoryStats } from './taps/feed-candles/feed-candle-history.ts';
import type { HistoryStats } from './taps/history/history.ts';
import type { Certificates } from './tls/certificates.ts';
import type { MirrorStatus } from './venue/mirror-simulation.ts';
import type { SymbolGauges, VenueGauges } from './venue/venue-gauges.ts';

/** What the metrics read on scrape. */
export interface MetricSources {
  readonly status: () => EngineStatus;
  readonly history: () => HistoryStats;
  /** The clock that stamps commands. */
  readonly clock: BoundedClock;
  /** Segments that `--log-keep` removed. */
  readonly removedSegments: () => number;
  /** This start set a damaged history aside. */
  readonly historyRebuilt: boolean;
  readonly tap: ReportTap;
  readonly orders: OrderEntryCounters;
  readonly dropCopies: DropCopyCounters;
  readonly portfolioStreams: PortfolioCounters;
  readonly serviceTime: ServiceTime;
  readonly market: MarketCounters;
  /** By port; none where authentication is off and the port has no limit. */
  readonly preAuthLimits: Readonly<Record<string, PreAuthLimit>>;
  readonly limits: LimitCounters;
  readonly certificates: Certificates | undefined;
  readonly audit: () => AuditStats;
  /** Reasons not to be ready. */
  readonly unready: () => readonly string[];
  /** Labels of `openbell_build_info`. */
  readonly build: Readonly<Record<string, string | number>>;
  readonly venue: VenueGauges;
  readonly calendar: CalendarCounters;
  readonly alerts: Alerts;
  /** Undefined without outside sources: their metrics are not exposed then. */
  readonly feeds: Feeds | undefined;
  /** Of their stored candles; undefined: there are no feeds. */
  readonly feedCandles: () => FeedCandleHistoryStats | undefined;
  /** Of `--simulate mirror`; undefined without it. */
  readonly mirror: () => MirrorStatus | undefined;
  /** Of the symbols that have outside sources. */
  readonly references: readonly SymbolReference[];
  readonly symbolName: (id: number) => string;
}

const KIND_NAMES = Object.entries(ReportKind).filter(([, kind]) => kind !== ReportKind.None);

/**
 * The process's metrics. Nothing is counted twice: each metric reads, at
 * scrape time, a counter that its owner maintains.
 */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Adds the exchange's metrics. Call it once the exchange runs. */
export function addExchangeMetrics(
  registry: Registry,
  {
    status,
    history,
    historyRebuilt,
    removedSegments,
    clock,
    tap,
    orders,
    dropCopies,
    portfolioStreams,
    serviceTime,
    market,
    preAuthLimits,
    limits,
    certificates,
    audit,
    unready,
    build,
    venue,
    calendar,
    feeds,
    feedCandles,
    mirror,
    alerts,
    references,
    symbolName,
  }: MetricSources,
): void {
  const gauge = (name: string, help: string, read: Read) => add(registry, name, help, 'gauge', read);
  const counter = (name: string, help: string, read: Read) => add(registry, name, help, 'counter', read);

  const histogram = (name: string, help: string, read: () => LatencyBuckets) =>
    add(registry, name, help, 'histogram', () => distribution(name, read()));
  histogram(
    'openbell_order_to_report_seconds',
    'Latency from the stamp of a command to the release of its first report',
    () => tap.latency,
  );
  histogram(
    'openbell_order_residence_seconds',
    'Service time: from the socket read of a command to the socket write of its report, per report',
    () => serviceTime.latency,
  );
  counter('openbell_reports_total', 'Released reports, by kind', () =>
    KIND_NAMES.map(([name, kind]) => ({ labels: { kind: name }, value: tap.kinds[kind] })),
  );
  counter('openbell_refusals_total', 'Rejected commands, by code: see docs/CODES.md', () => rejects(tap, orders));
  histogram(
    'openbell_market_hop_seconds',
    'Publish latency: from the stamp of a command to the last socket write of its book events',
    () => market.publishLatency.latency,
  );
  gauge('openbell_ready', '1 when the exchange takes orders', () => [{ value: unready().length === 0 ? 1 : 0 }]);

  gauge('openbell_build_info', 'Always 1; the labels name the build and how it runs', () => [{ labels: build, value: 1 }]);
  addVenueMetrics(registry, venue);
  counter('openbell_calendar_boundaries_total', 'Phases that calendars set, missed, or could not set', () =>
    (['crossed', 'missed', 'failed'] as const).map((outcome) => ({ labels: { outcome }, value: calendar[outcome] })),
  );
  counter('openbell_calendar_retries_total', 'Attempts of calendars to set a phase while the exchange took no commands', () => [
    { value: calendar.retries },
  ]);
  histogram('openbell_calendar_delay_seconds', 'From the due time of a phase to the answer of its command', () => calendar.delay);
  if (feeds !== undefined) addFeedMetrics(registry, feeds);
  if (feeds !== undefined) addFeedCandleMetrics(registry, feedCandles);
  if (feeds !== undefined) addMirrorMetrics(registry, mirror);
  addCandleMetrics(registry, () => history().candles);

  gauge('openbell_alerts', 'Alerts that are set', () => [{ value: alerts.size }]);
  counter('openbell_alert_firings_total', 'Firings of alerts: those that made an event, and those beyond the limit of an account', () =>
    (['events', 'suppressed'] as const).map((outcome) => ({ labels: { outcome }, value: alerts.counters[outcome] })),
  );
  gauge('openbell_alerts_failing', '1 while events of alerts or results of webhooks cannot be stored', () => [
    { value: alerts.failing ? 1 : 0 },
  ]);
  gauge('openbell_webhooks', 'Webhooks that are defined', () => [{ value: alerts.webhookStats?.endpoints ?? 0 }]);
  gauge('openbell_webhook_messages_pending', 'Messages for webhooks that are not delivered yet', () => [
    { value: alerts.webhookStats?.pending ?? 0 },
  ]);
  counter('openbell_webhook_attempts_total', 'Attempts to deliver a message to a webhook', () =>
    (['delivered', 'failed'] as const).map((outcome) => ({ labels: { outcome }, value: alerts.webhookStats?.[outcome] ?? 0 })),
  );
  counter('openbell_webhook_dead_letters_total', 'Messages for webhooks that are not attempted any more', () => [
    { value: alerts.webhookStats?.dead ?? 0 },
  ]);
  addReferenceMetrics(registry, references, symbolName);

  gauge('openbell_seq', 'Sequence of the last command, by stage', () => {
    const { sequencedSeq, appliedSeq, durableSeq } = status();
    const stages = { sequenced: sequencedSeq, applied: appliedSeq, durable: durableSeq, history: history().watermark };
    return Object.entries(stages).map(([stage, value]) => ({ labels: { stage }, value }));
  });
  gauge('openbell_ring_depth', 'Slots in use, by ring', () => {
    const { commandDepth, reportDepth, marketDepth } = status();
    return [
      { labels: { ring: 'command' }, value: commandDepth },
      { labels: { ring: 'report' }, value: reportDepth },
      { labels: { ring: 'market' }, value: marketDepth },
    ];
  });
  counter('openbell_ring_spilled_total', 'Records that took the overflow path because a ring was full', () => [
    { value: status().spilled },
  ]);

  gauge('openbell_clock_offset_seconds', 'Time of the stamps minus the wall clock', () => {
    clock.nowUs();
    return [{ value: clock.offsetUs / 1e6 }];
  });
  counter('openbell_clock_steps_total', 'Steps of more than a second that the stamps made with the wall clock', () => [
    { value: clock.steps },
  ]);

  gauge('openbell_journal_lag', 'Commands sequenced and not yet durable', () => {
    const { sequencedSeq, durableSeq } = status();
    return [{ value: sequencedSeq - durableSeq }];
  });
  const journal = (name: string, help: string, read: (journal: EngineStatus['journal']) => number, type: 'gauge' | 'counter' = 'counter') =>
    add(registry, `openbell_journal_${name}`, help, type, () => [{ value: read(status().journal) }]);
  journal('batches_total', 'Batches written', (j) => j.batches);
  journal('bytes_total', 'Bytes written', (j) => j.slots * 64);
  journal('syncs_total', 'fdatasync calls', (j) => j.syncs);
  journal('sync_seconds_total', 'Total time in fdatasync', (j) => j.sumSyncUs / 1e6);
  journal('last_sync_seconds', 'Duration of the last fdatasync', (j) => j.lastSyncUs / 1e6, 'gauge');
  journal('last_batch', 'Commands in the last batch', (j) => j.lastBatch, 'gauge');
  journal('refusals_total', 'Writes that failed because the disk was full', (j) => j.refusals);

  gauge('openbell_sessions', 'Open order-entry sessions', () => [{ value: orders.sessions }]);
  gauge('openbell_sessions_blocked', 'Sessions paused because the client does not read its reports', () => [
    { value: orders.blockedSessions },
  ]);
  counter('openbell_sessions_total', 'Order-entry sessions since the start', () => [{ value: orders.sessionsTotal }]);
  counter('openbell_sessions_cut_total', 'Sessions rejected or cut', () => [{ value: orders.sessionsCut }]);
  counter('openbell_disconnect_cancels_total', 'Cancels of the orders of sessions that were gone', () => [
    { value: orders.disconnectCancels },
  ]);
  counter('openbell_commands_total', 'Commands received by order entry', () => [{ value: orders.commands }]);
  counter('openbell_command_frames_total', 'Frames received by order entry', () => [{ value: orders.frames }]);

  gauge('openbell_drop_copies', 'Open drop copies', () => [{ value: dropCopies.open }]);
  counter('openbell_drop_copies_total', 'Drop copies since the start', () => [{ value: dropCopies.total }]);
  counter('openbell_drop_copies_cut_total', 'Drop copies rejected or cut', () => [{ value: dropCopies.cut }]);
  counter('openbell_drop_copies_slow_total', 'Drop copies cut because the client did not read', () => [{ value: dropCopies.slow }]);
  counter('openbell_drop_copy_reports_total', 'Reports sent on drop copies', () => [{ value: dropCopies.reports }]);
  gauge('openbell_portfolio_streams', 'Open streams of portfolios', () => [{ value: portfolioStreams.open }]);
  counter('openbell_portfolio_streams_cut_total', 'Streams of portfolios rejected or cut', () => [{ value: portfolioStreams.cut }]);

  gauge('openbell_market_connections', 'Open market-data connections', () => [{ value: market.connectionsNow }]);
  gauge('openbell_market_public_connections', 'Open market-data connections without credentials', () => [{ value: market.publicNow }]);
  gauge('openbell_market_subscriptions', 'Subscriptions now', () => [{ value: market.subscriptionsNow }]);
  gauge('openbell_market_slow_readers', 'Lagging readers, which get no deltas at present', () => [{ value: market.laggingNow }]);
  counter('openbell_market_slow_readers_total', 'Slow readers, by outcome', () => [
    { labels: { outcome: 'lagged' }, value: market.lagged },
    { labels: { outcome: 'resynced' }, value: market.resyncs },
    { labels: { outcome: 'cut' }, value: market.cutsSlow },
    { labels: { outcome: 'cut-for-others' }, value: market.publicCut },
  ]);
  counter('openbell_market_frames_total', 'Frames sent and dropped', () => [
    { labels: { fate: 'sent' }, value: market.framesSent },
    { labels: { fate: 'dropped' }, value: market.framesDropped },
  ]);
  counter('openbell_market_bytes_total', 'Bytes sent', () => [{ value: market.bytesSent }]);
  counter('openbell_market_events_total', 'Book events taken from the engine', () => [{ value: market.events }]);

  counter('openbell_history_reports_total', 'Reports written to the history', () => [{ value: history().reports }]);
  counter('openbell_history_commits_total', 'Committed history transactions', () => [{ value: history().commits }]);
  counter('openbell_history_failures_total', 'Failed history transactions, which are retried', () => [{ value: history().failures }]);
  counter('openbell_log_segments_removed_total', 'Segments of the log that were older than --log-keep and were removed', () => [
    { value: removedSegments() },
  ]);
  counter('openbell_history_removed_total', 'Reports and trades that were older than --history-keep and were removed', () => [
    { value: history().removed },
  ]);
  gauge('openbell_history_damaged', '1 after a query found a damaged run: the next start builds the history again', () => [
    { value: history().damaged === undefined ? 0 : 1 },
  ]);
  gauge('openbell_history_rebuilt', '1 if this start set a damaged history aside and built it again', () => [
    { value: historyRebuilt ? 1 : 0 },
  ]);
  gauge('openbell_history_last_commit_seconds', 'Duration of the last history transaction', () => [
    { value: history().lastCommitMs / 1000 },
  ]);

  counter('openbell_newcomers_cut_total', 'Unauthenticated connections cut, by reason: time limit or too many', () =>
    Object.entries(preAuthLimits).flatMap(([port, { late, crowded }]) => [
      { labels: { port, reason: 'late' }, value: late },
      { labels: { port, reason: 'crowded' }, value: crowded },
    ]),
  );
  counter('openbell_limited_total', 'Requests, calls and connections rejected or cut because a caller reached a limit', () =>
    [...limits.all()].map(({ port, limit, count }) => ({ labels: { port, limit }, value: count })),
  );
  gauge('openbell_certificate_expiry_seconds', 'Expiry of each TLS certificate in use, Unix time', () => expiries(certificates));
  counter('openbell_certificate_reloads_total', 'Reloaded TLS certificates', () => [{ value: certificates?.reloads ?? 0 }]);

  counter('openbell_audit_records_total', 'Records written to the audit trail', () => [{ value: audit().records }]);
  counter('openbell_audit_summarised_total', 'Rejects and sessions summarised in one record because there were too many', () => [
    { value: audit().summarised },
  ]);
  counter('openbell_audit_lost_total', 'Audit events lost because the queue was full while the disk took none', () => [
    { value: audit().lost },
  ]);
  counter(
    'openbell_log_lines_lost_total',
    'Log lines lost because standard error took none: a full disk, a closed pipe, a slow reader',
    () => [{ value: errorOutput.lost }],
  );
  gauge('openbell_audit_failing', '1 while the audit trail cannot be written', () => [{ value: audit().failing ? 1 : 0 }]);
}

/** What is fixed at the start against what is in use, and the symbols. */
function addVenueMetrics(registry: Registry, venue: VenueGauges): void {
  const gauge = (name: string, help: string, read: Read) => add(registry, name, help, 'gauge', read);
  const symbols = (read: (symbol: SymbolGauges) => number | undefined) => () =>
    venue.symbols().flatMap((symbol) => {
      const value = read(symbol);
      return value === undefined ? [] : [{ labels: { symbol: symbol.symbol }, value }];
    });
  gauge('openbell_capacity_used', 'Resting orders, and defined accounts, symbols and assets', () =>
    venue.capacities().map(({ resource, used }) => ({ labels: { resource }, value: used })),
  );
  gauge('openbell_capacity', 'The most of each resource, fixed at the start: section capacities of the configuration', () =>
    venue.capacities().map(({ resource, capacity }) => ({ labels: { resource }, value: capacity })),
  );
  gauge('openbell_symbols', 'Symbols in each trading phase', () =>
    venue.phases().map(({ phase, symbols: value }) => ({ labels: { phase }, value })),
  );
  gauge('openbell_symbols_interrupted', 'Symbols in a volatility auction', () => [{ labels: {}, value: venue.interrupted() }]);
  gauge('openbell_kill_switches', 'Kill switches that are on, by scope', () =>
    venue.killSwitches().map(({ scope, on }) => ({ labels: { scope }, value: on })),
  );
  gauge('openbell_symbols_omitted', 'Symbols above the limit of those that have series of their own', () => [
    { value: venue.omittedSymbols() },
  ]);
  add(
    registry,
    'openbell_symbol_trades_total',
    'Trades of the symbol since it was defined',
    'counter',
    symbols(({ trades }) => trades),
  );
  gauge(
    'openbell_symbol_resting_orders',
    'Orders in the book of the symbol',
    symbols(({ restingOrders }) => restingOrders),
  );
  gauge(
    'openbell_symbol_last_price',
    'Price of the last trade, in the quote asset; 0 = none yet',
    symbols(({ lastPrice }) => lastPrice),
  );
  gauge(
    'openbell_symbol_indicative_price',
    'In an auction: the price at which it would end now; 0 = nothing would trade',
    symbols(({ auction }) => auction?.price),
  );
  gauge(
    'openbell_symbol_indicative_volume',
    'In an auction: the volume that would trade now, in the base asset',
    symbols(({ auction }) => auction?.volume),
  );
  const disk = (key: 'free' | 'size') => async () => {
    const bytes = (await venue.disk())?.[key];
    return bytes === undefined ? [] : [{ value: bytes }];
  };
  gauge('openbell_disk_free_bytes', 'Bytes that can still be written to the volume of the data directory', disk('free'));
  gauge('openbell_disk_size_bytes', 'Size of the volume of the data directory', disk('size'));
}

/** Candles of the exchange's own trades, as the history writes them. */
function addCandleMetrics(registry: Registry, stats: () => CandleStats): void {
  add(registry, 'openbell_candles_stored_total', 'Closed candles written to the history, by interval', 'counter', () =>
    CANDLE_INTERVALS.map((interval, i) => ({ labels: { interval }, value: stats().stored[i] })),
  );
  add(registry, 'openbell_candles_waiting', 'Closed candles that wait for the next commit of the history', 'gauge', () => [
    { value: stats().waiting },
  ]);
  add(
    registry,
    'openbell_candle_late_trades_total',
    'Trades of a candle that was closed already; trades of the engine are never late',
    'counter',
    () => [{ value: stats().late }],
  );
  add(
    registry,
    'openbell_candle_caught_up_trades_total',
    'Stored trades that this start made candles of: of a release without candles, or after a crash',
    'counter',
    () => [{ value: stats().caughtUp }],
  );
}

/** The earliest expiry of each kind; none without TLS. */
function expiries(certificates: Certificates | undefined): Value[] {
  const soonest = new Map<string, number>();
  for (const { certificate, validTo } of certificates?.current.expiries ?? [])
    soonest.set(certificate, Math.min(validTo / 1000, soonest.get(certificate) ?? Number.POSITIVE_INFINITY));
  return [...soonest].map(([certificate, value]) => ({ labels: { certificate }, value }));
}

/** Rejected before the sequencer, and by the engine. */
function rejects(tap: ReportTap, orders: OrderEntryCounters): Value[] {
  const values: Value[] = [];
  for (let code = 1; code < tap.rejects.length; code++) {
    const value = tap.rejects[code] + orders.rejects[code];
    if (value > 0) values.push({ labels: { code, name: codeName(code) }, value });
  }
  return values;
}

function distribution(name: string, { boundsUs, buckets, sumUs, count }: LatencyBuckets): Value[] {
  const values: Value[] = [];
  let below = 0;
  for (const [i, bound] of boundsUs.entries()) {
    below += buckets[i];
    values.push({ metricName: `${name}_bucket`, labels: { le: bound / 1e6 }, value: below });
  }
  values.push({ metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: count });
  values.push({ metricName: `${name}_sum`, value: sumUs / 1e6 });
  values.push({ metricName: `${name}_count`, value: count });
  return values;
}
