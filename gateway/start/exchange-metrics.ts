import { LOG_VERSION } from '../../engine/journal/log-format.ts';
import { RULES } from '../../engine/limits.ts';
import { addExchangeMetrics } from '../metrics.ts';
import { MirrorSimulation } from '../venue/mirror-simulation.ts';
import { VenueGauges } from '../venue/venue-gauges.ts';
import { VERSION } from '../version.ts';
import type { RunningParts } from './running-parts.ts';

/** Adds the metrics of the exchange to those of the process. */
export function exposeMetrics(parts: RunningParts): void {
  const { context, access, servers, core, recovered, sessions, dropCopies, calendar, outside, analysis, references, simulation } = parts;
  const { engine, history, historyRebuilt } = core;
  const { marketData, tap } = recovered;
  const { directory } = engine;
  addExchangeMetrics(servers.registry, {
    status: () => engine.status(),
    history: () => history.stats(),
    historyRebuilt,
    removedSegments: () => engine.removedSegments,
    clock: engine.clock,
    tap,
    orders: sessions.counters,
    dropCopies: dropCopies.counters,
    portfolioStreams: analysis.portfolioStreams.counters,
    serviceTime: sessions.serviceTime,
    market: marketData.counters,
    preAuthLimits: access.preAuthLimits,
    limits: access.limits,
    certificates: access.certificates,
    audit: () => access.audit.stats,
    unready: () => context.state.unready(),
    build: {
      version: VERSION,
      node: process.versions.node,
      topology: engine.topology,
      durability: context.config.durability,
      rules: RULES,
      log_version: LOG_VERSION,
    },
    venue: new VenueGauges(
      directory,
      (symbol) => marketData.book(symbol),
      () => marketData.restingOrders,
      engine.limits,
      context.config.data,
    ),
    calendar: calendar.counters,
    alerts: analysis.alerts,
    feeds: outside.feeds,
    feedCandles: () => outside.candleHistory?.stats,
    mirror: () => (simulation instanceof MirrorSimulation ? simulation.status() : undefined),
    references: references.symbols,
    symbolName: (id) => directory.symbol(id)?.name ?? String(id),
  });
}
