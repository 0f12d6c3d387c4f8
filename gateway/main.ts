import { dataDirectoryError } from '../engine/journal/disk.ts';
import type { Engine } from '../engine/threads/engine.ts';
import type { Recovery, RecoveryProgress } from '../engine/threads/engine-core.ts';
import type { Config } from './config/config.ts';
import type { OrderEntry } from './endpoints/grpc/order-entry.ts';
import type { MarketSockets } from './endpoints/websocket/market-sockets.ts';
import type { Logger } from './log.ts';
import type { MarketData } from './market/market-data.ts';
import { ReferenceDriver } from './reference/reference-driver.ts';
import type { ReportHub } from './sessions/report-hub.ts';
import { startAccess } from './start/access.ts';
import { startAnalysis } from './start/analysis.ts';
import { lockData } from './start/data-directory.ts';
import { createCore } from './start/engine.ts';
import { exposeMetrics } from './start/exchange-metrics.ts';
import { ExchangeState } from './start/exchange-state.ts';
import { startFeeds } from './start/feeds.ts';
import { createDropCopies, createSessions, startCalendar } from './start/orders.ts';
import { openPorts, type Ports } from './start/ports.ts';
import { recover } from './start/recovery.ts';
import { serveRoutes } from './start/routes.ts';
import type { RunningParts } from './start/running-parts.ts';
import { startSimulation } from './start/simulation.ts';
import { serveSockets } from './start/sockets.ts';
import type { StartContext } from './start/start-context.ts';
import { tuneHost } from './start/tuning.ts';
import { Undo } from './start/undo.ts';
import { defineVenue } from './start/venue.ts';
import type { History } from './taps/history/history.ts';
import { AdminCommands } from './venue/admin-commands.ts';

export interface StartOptions {
  readonly log: Logger;
  readonly onProgress?: (progress: RecoveryProgress) => void;
  /** Aborts the start. It has no effect after the start, see {@link RunningExchange.stop}. */
  readonly signal?: AbortSignal;
  /** Called when the engine, the log's disk or the history's thread has failed. Nothing is answered any more: stop the process and start it again to recover. */
  readonly onFailed?: (error: Error) => void;
  /** Called when the start fails or is aborted, before everything started by then is stopped again. */
  readonly onGivingUp?: () => void;
}

/**
 * The composition root: a whole exchange in this process. start/ has the steps.
 *
 * ```
 * start   lock ▸ host tuning ▸ audit ▸ all ports listen (health answers, the rest is unavailable) ▸ history ▸ engine recovers
 *         ▸ the configuration is held against the log ▸ log opens ▸ genesis ▸ calendars ▸ feeds ▸ alerts ▸ market data ▸ order entry ▸ references
 *         ▸ ready
 * stop    calendars, references ▸ order entry drains ▸ engine drains, snapshot ▸ alerts ▸ history ▸ feeds ▸ market data ▸ admin ▸ audit ▸ host tuning ▸ lock
 * ```
 */
export class RunningExchange {
  readonly config: Config;
  readonly engine: Engine;
  readonly history: History;
  readonly hub: ReportHub;
  readonly marketData: MarketData;
  readonly commands: AdminCommands;
  readonly orderEntry: OrderEntry;
  readonly ports: Ports;
  readonly recovery: Recovery;
  readonly #parts: RunningParts;
  readonly #marketSockets: MarketSockets;
  #stopping: Promise<void> | undefined;

  constructor(parts: RunningParts, marketSockets: MarketSockets) {
    const { context, core, recovered, commands, servers } = parts;
    this.#parts = parts;
    this.#marketSockets = marketSockets;
    this.config = context.config;
    this.engine = core.engine;
    this.history = core.history;
    this.hub = recovered.hub;
    this.marketData = recovered.marketData;
    this.commands = commands;
    this.orderEntry = servers.orderEntry;
    this.ports = servers.ports;
    this.recovery = recovered.recovery;
  }

  /** Stops gracefully, once: later calls return the first call's promise. Everything acknowledged by then is on the disk and in the final snapshot. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** After a failure, before the process ends: writes the audit records that wait. Stops nothing else, because threads may hang. */
  async abandon(): Promise<void> {
    await this.#parts.access.audit.stop();
  }

  async #stop(): Promise<void> {
    const { context, lock, tuning, access, servers, recovered, sessions, dropCopies, calendar, outside, analysis, references, simulation } =
      this.#parts;
    const { state, log } = context;
    const { orderEntry } = servers;
    state.draining = true;
    simulation?.stop();
    calendar.stop();
    references.stop();
    sessions.drain();
    orderEntry.health.serving = false;
    sessions.end();
    dropCopies.end();
    analysis.alertStreams.end();
    analysis.portfolioStreams.end();
    analysis.feedTails.end();
    await orderEntry.stop();
    try {
      const snapshot = await this.engine.stop();
      log.info({ snapshot }, 'engine stopped');
    } catch (error) {
      throw dataDirectoryError(this.config.data, error);
    } finally {
      await analysis.alerts.stop();
      await this.history.stop();
      outside.feedCandles?.stop();
      await outside.feeds?.stop();
      await outside.candleHistory?.stop();
      await this.#marketSockets.stop();
      await servers.admin.stop();
      access.certificates?.stop();
      recovered.clockWatch.stop();
      await access.audit.stop();
      tuning?.release();
      lock.release();
    }
  }
}

/**
 * Starts an exchange and resolves when it takes orders.
 * @throws ConfigError, DataLockedError, TuningError, DataDirectoryError, DamagedLogError, NewerLogError, NewerSnapshotError, HistoryVersionError,
 * HistoryAheadError, VenueContradictionError, GenesisError, or an Error with code EADDRINUSE; each message describes what to do.
 *   Or the signal's reason. Everything started by then is stopped again.
 */
export async function startExchange(
  config: Config,
  { log, onProgress, onFailed, onGivingUp, signal }: StartOptions,
): Promise<RunningExchange> {
  const undo = new Undo();
  try {
    return await assemble({ config, log, state: new ExchangeState(log, onFailed), undo, signal, onProgress });
  } catch (error) {
    onGivingUp?.();
    await undo.run(log);
    throw dataDirectoryError(config.data, error);
  }
}

async function assemble(context: StartContext): Promise<RunningExchange> {
  const { config, log, state, undo, signal } = context;
  signal?.throwIfAborted();
  const lock = lockData(context);
  const tuning = tuneHost(context);
  const access = startAccess(context);
  const servers = await openPorts(context, access);
  const core = await createCore(context, lock);
  const recovered = await recover(context, core, access);

  const { engine } = core;
  const { directory, sequencer, schedule } = engine;
  const venue = core.venue();
  const commands = new AdminCommands(sequencer, recovered.hub, schedule);
  const genesis = await defineVenue(context, venue, engine, commands, access.audit);
  const sessions = createSessions(context, core, recovered, access, commands);
  const calendar = await startCalendar(context, core, venue, commands);
  const dropCopies = createDropCopies(context, core, recovered, access, sessions);
  const outside = startFeeds(context, venue);
  const analysis = await startAnalysis(context, core, recovered, access, outside, sessions);
  const references = new ReferenceDriver(venue, config.feeds, outside.feeds, { directory, commands, log });
  state.references = references;
  undo.push(() => references.stop());
  // Nothing is awaited after this point, so every later request reaches the running exchange.
  signal?.throwIfAborted();

  const simulation = startSimulation(context, core, recovered, outside);
  const parts: RunningParts = {
    context,
    lock,
    tuning,
    access,
    servers,
    core,
    recovered,
    commands,
    sessions,
    dropCopies,
    calendar,
    outside,
    analysis,
    references,
    simulation,
  };
  exposeMetrics(parts);
  serveRoutes(parts);
  const marketSockets = serveSockets(parts);
  const { outlet } = servers.orderEntry;
  engine.onTurn({ hold: () => outlet.hold(), release: () => outlet.release(), publish: () => access.slices.turns.atTurnEnd() });
  servers.orderEntry.serve(sessions, dropCopies, {
    operations: servers.admin,
    symbols: core.engine.directory,
    market: recovered.marketData,
  });
  state.recovering = false;
  references.start();

  const { seq, snapshotSeq, replayed, milliseconds } = recovered.recovery;
  log.info(
    {
      ports: servers.ports,
      topology: engine.topology,
      tuned: tuning !== undefined,
      seq,
      snapshotSeq,
      replayed,
      milliseconds: Math.round(milliseconds),
      genesis: genesis.applied,
    },
    'exchange ready',
  );
  return new RunningExchange(parts, marketSockets);
}
