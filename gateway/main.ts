import { existsSync, rmdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, codeName } from '../engine/codes.ts';
import { DataLock } from '../engine/journal/data-lock.ts';
import { dataDirectoryError, mustHaveRoom } from '../engine/journal/disk.ts';
import { LOG_VERSION, listSegments } from '../engine/journal/log-format.ts';
import { makeDirectory } from '../engine/journal/paths.ts';
import { FIRST_SEGMENT_BYTES } from '../engine/journal/segment-size.ts';
import { RULES, resolveLimits } from '../engine/limits.ts';
import { Engine } from '../engine/threads/engine.ts';
import type { Recovery, RecoveryProgress } from '../engine/threads/engine-core.ts';
import type { RetentionOptions } from '../engine/threads/engine-options.ts';
import { lastConfiguration } from '../engine/threads/logged-configurations.ts';
import type { Feeds } from '../feeds/worker/feeds.ts';
import { AlertStreams } from './alerts/alert-streams.ts';
import { Alerts } from './alerts/alerts.ts';
import type { AuditEvent } from './audit/audit-sink.ts';
import { AuditTrail } from './audit/audit-trail.ts';
import { CalendarDriver } from './calendar/calendar-driver.ts';
import { ClockWatch } from './clock-watch.ts';
import { type Config, limitsOf } from './config/config.ts';
import type { VenueConfig } from './config/config-file.ts';
import { OrderEntry } from './endpoints/grpc/order-entry.ts';
import { AdminServer } from './endpoints/http/admin.ts';
import { actionRoutes } from './endpoints/http/admin-actions.ts';
import { queryRoutes } from './endpoints/http/admin-queries.ts';
import { alertRoutes } from './endpoints/http/alert-routes.ts';
import { calendarRoute } from './endpoints/http/calendar-query.ts';
import { candleRoute } from './endpoints/http/candle-query.ts';
import { readCandles } from './endpoints/http/candle-reader.ts';
import { feedBookRoutes } from './endpoints/http/feed-book-queries.ts';
import { feedCandleRoute } from './endpoints/http/feed-candle-query.ts';
import { feedInstrumentRoute } from './endpoints/http/feed-instrument-query.ts';
import { feedRoutes } from './endpoints/http/feed-queries.ts';
import { indicatorRoute } from './endpoints/http/indicator-query.ts';
import { orderRoutes } from './endpoints/http/order-queries.ts';
import { portfolioRoute } from './endpoints/http/portfolio-query.ts';
import { referenceRoutes } from './endpoints/http/reference-queries.ts';
import { PreAuthLimit } from './endpoints/pre-auth-limit.ts';
import { serveAlertSockets } from './endpoints/websocket/alert-sockets.ts';
import { serveDropCopySockets } from './endpoints/websocket/drop-copy-sockets.ts';
import { serveFeedCandleSockets } from './endpoints/websocket/feed-candle-sockets.ts';
import { serveFeedTailSockets } from './endpoints/websocket/feed-tail-sockets.ts';
import { MarketSockets } from './endpoints/websocket/market-sockets.ts';
import { serveOrderSockets } from './endpoints/websocket/order-sockets.ts';
import { servePortfolioSockets } from './endpoints/websocket/portfolio-sockets.ts';
import { SocketServer } from './endpoints/websocket/socket-server.ts';
import type { Identity } from './identity/identity.ts';
import { startIdentity } from './identity/start-identity.ts';
import { LimitCounters } from './limit-counters.ts';
import type { Logger } from './log.ts';
import { FeedCandleStreams } from './market/feed-candle-streams.ts';
import { FeedTails } from './market/feed-tails.ts';
import { LiveCandles, RecoveredTrades } from './market/live-candles.ts';
import { MarketData } from './market/market-data.ts';
import { addExchangeMetrics, createMetrics } from './metrics.ts';
import { mirrorSource } from './mirror-source.ts';
import { PortfolioStreams } from './portfolio/portfolio-streams.ts';
import { Portfolios } from './portfolio/portfolios.ts';
import { ReferenceDriver } from './reference/reference-driver.ts';
import { DropCopies } from './sessions/drop-copies.ts';
import { OrderSessions } from './sessions/order-sessions.ts';
import { ReportHub } from './sessions/report-hub.ts';
import { ReportTap } from './sessions/report-tap.ts';
import { Slices } from './slices.ts';
import { startFeeds } from './start-feeds.ts';
import type { History } from './taps/history/history.ts';
import { type PreparedHistory, prepareHistory } from './taps/history/prepare.ts';
import { reportPrepared, startHistory, warningsOf } from './taps/history/start-history.ts';
import { historyPath } from './taps/history/store.ts';
import { Certificates } from './tls/certificates.ts';
import { AdminCommands } from './venue/admin-commands.ts';
import { applyVenue, beginGenesis } from './venue/genesis.ts';
import { GenesisMarker } from './venue/genesis-marker.ts';
import { MirrorSimulation } from './venue/mirror-simulation.ts';
import { Simulation } from './venue/simulation.ts';
import { chooseVenue } from './venue/venue-choice.ts';
import { cancelSession } from './venue/venue-commands.ts';
import { VenueGauges } from './venue/venue-gauges.ts';
import { VERSION } from './version.ts';

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

export interface Ports {
  readonly grpc: number;
  readonly ws: number;
  readonly http: number;
}

/**
 * The composition root: a whole exchange in this process.
 *
 * ```
 * start   lock ▸ audit ▸ all ports listen (health answers, the rest is unavailable) ▸ history ▸ engine recovers
 *         ▸ the configuration is held against the log ▸ log opens ▸ genesis ▸ calendars ▸ feeds ▸ alerts ▸ market data ▸ order entry ▸ references
 *         ▸ ready
 * stop    calendars, references ▸ order entry drains ▸ engine drains, snapshot ▸ alerts ▸ history ▸ feeds ▸ market data ▸ admin ▸ audit ▸ lock
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
  readonly #parts: Parts;
  #stopping: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.config = parts.config;
    this.engine = parts.engine;
    this.history = parts.history;
    this.hub = parts.hub;
    this.marketData = parts.marketData;
    this.commands = parts.commands;
    this.orderEntry = parts.orderEntry;
    this.ports = parts.ports;
    this.recovery = parts.recovery;
  }

  /** Stops gracefully, once: later calls return the first call's promise. Everything acknowledged by then is on the disk and in the final snapshot. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** After a failure, before the process ends: writes the audit records that wait. Stops nothing else, because threads may hang. */
  async abandon(): Promise<void> {
    await this.#parts.audit.stop();
  }

  async #stop(): Promise<void> {
    const {
      simulation,
      calendar,
      feeds,
      alerts,
      alertStreams,
      feedCandles,
      feedTails,
      references,
      sessions,
      dropCopies,
      portfolioStreams,
      orderEntry,
      engine,
      history,
      marketSockets,
      admin,
      audit,
      certificates,
      clockWatch,
      lock,
      log,
      state,
    } = this.#parts;
    state.draining = true;
    simulation?.stop();
    calendar.stop();
    references.stop();
    sessions.drain();
    orderEntry.health.serving = false;
    sessions.end();
    dropCopies.end();
    alertStreams.end();
    portfolioStreams.end();
    feedTails.end();
    await orderEntry.stop();
    try {
      const snapshot = await engine.stop();
      log.info({ snapshot }, 'engine stopped');
    } catch (error) {
      throw dataDirectoryError(this.config.data, error);
    } finally {
      await alerts.stop();
      await history.stop();
      feedCandles?.stop();
      await feeds?.stop();
      await marketSockets.stop();
      await admin.stop();
      certificates?.stop();
      clockWatch.stop();
      await audit.stop();
      lock.release();
    }
  }
}

/** Time in which a start that has failed stops what it started, ms. */
const UNDO_MS = 5000;
/** Longer than uWebSockets keeps a connection open without a complete request. */
const WS_REQUEST_MS = 16_000;
const DURABLE_POLL_MS = 1;
/** Free space that a new history needs. */
const HISTORY_ROOM_BYTES = 2 ** 20;
/** Unauthenticated connections of the HTTP port. */
const HTTP_PRE_AUTH = 1024;
/** Calls that a client resets in a burst, on a connection of its own. */
const DIRECT_RESET_BURST = 200;

/** Part of the log is missing: the history has commands after its end, whose numbers would be used again. */
export class HistoryAheadError extends Error {
  readonly code = 'HISTORY_AHEAD';

  constructor(dataDir: string, historySeq: number, seq: number) {
    super(
      `the log in ${dataDir} ends with command ${seq}, but its history goes on to ${historySeq}; ` +
        `put the missing log files back, or forget what followed with: openbell repair ${dataDir} --cut`,
    );
    this.name = 'HistoryAheadError';
  }
}

interface State {
  recovering: boolean;
  draining: boolean;
  failed: boolean;
}

interface Parts {
  readonly config: Config;
  readonly log: Logger;
  readonly state: State;
  readonly lock: DataLock;
  readonly admin: AdminServer;
  readonly audit: AuditTrail;
  readonly certificates: Certificates | undefined;
  readonly clockWatch: ClockWatch;
  readonly engine: Engine;
  readonly history: History;
  readonly hub: ReportHub;
  readonly marketData: MarketData;
  readonly marketSockets: MarketSockets;
  readonly commands: AdminCommands;
  readonly sessions: OrderSessions;
  readonly dropCopies: DropCopies;
  readonly portfolioStreams: PortfolioStreams;
  readonly orderEntry: OrderEntry;
  readonly simulation: Simulation | MirrorSimulation | undefined;
  readonly calendar: CalendarDriver;
  readonly feeds: Feeds | undefined;
  readonly alerts: Alerts;
  readonly alertStreams: AlertStreams;
  readonly feedCandles: FeedCandleStreams | undefined;
  readonly feedTails: FeedTails;
  readonly references: ReferenceDriver;
  readonly ports: Ports;
  readonly recovery: Recovery;
}

/**
 * Starts an exchange and resolves when it takes orders.
 * @throws ConfigError, DataLockedError, DataDirectoryError, DamagedLogError, NewerLogError, NewerSnapshotError, HistoryVersionError,
 * HistoryAheadError, VenueContradictionError, GenesisError, or an Error with code EADDRINUSE; each message describes what to do.
 *   Or the signal's reason. Everything started by then is stopped again.
 */
export async function startExchange(config: Config, options: StartOptions): Promise<RunningExchange> {
  const undo: (() => unknown)[] = [];
  try {
    return new RunningExchange(await assemble(config, options, undo));
  } catch (error) {
    options.onGivingUp?.();
    await undone(undo, options.log);
    throw dataDirectoryError(config.data, error);
  }
}

/** Stops what was started, last first. After {@link UNDO_MS} the rest stays, with the lock: a thread that hangs may still write. */
async function undone(undo: (() => unknown)[], log: Logger): Promise<void> {
  const late = Promise.withResolvers<true>();
  const timer = setTimeout(() => late.resolve(true), UNDO_MS);
  for (const step of undo.reverse()) {
    const stopped = (async () => void (await step()))().catch((error: Error) => log.error({ err: error }, 'a part did not stop cleanly'));
    if ((await Promise.race([stopped, late.promise])) !== undefined) break;
  }
  clearTimeout(timer);
}

async function assemble(config: Config, { log, onProgress, onFailed, signal }: StartOptions, undo: (() => unknown)[]): Promise<Parts> {
  const state: State = { recovering: true, draining: false, failed: false };
  const fail = (error: Error) => {
    if (state.failed) return;
    state.failed = true;
    log.fatal({ err: error }, 'the exchange has failed and no longer answers; start it again to recover');
    onFailed?.(error);
  };

  signal?.throwIfAborted();
  const created = makeDirectory(config.data);
  if (created !== undefined) undo.push(() => removeIfEmpty(config.data));
  const lock = DataLock.acquire(config.data);
  undo.push(() => lock.release());
  // On a full disk, LMDB would end the process: it maps a file that has no blocks.
  const newLog = listSegments(config.data).length === 0;
  mustHaveRoom(config.data, (newLog ? FIRST_SEGMENT_BYTES : 0) + (existsSync(historyPath(config.data)) ? 0 : HISTORY_ROOM_BYTES));

  let engine: Engine | undefined;
  lock.watch((error) => {
    engine?.fail(error);
    fail(error);
  });
  let history: History | undefined;
  let venue: VenueConfig = config;
  /** Before the log is opened for writing, so that a configuration that does not fit changes nothing. */
  const accept = ({ seq }: Recovery): void => {
    const { directory, limits } = engine as Engine;
    lock.check();
    if (historySeq > seq) throw new HistoryAheadError(config.data, historySeq, seq);
    venue = chooseVenue(config, directory, limits, seq);
    undo.push(() => {
      if (listSegments(config.data).length === 0) new GenesisMarker(config.data).clear();
    });
    // A kill before the first definition must not leave a log without its venue.
    beginGenesis(venue, directory, config.data, config.file === undefined ? 'demo' : 'file');
  };
  let prepared: PreparedHistory | undefined;
  const unready = () => unreadiness(state, engine, history);
  let clockWatch: ClockWatch | undefined;
  let references: ReferenceDriver | undefined;
  const warnings = () => [...warningsOf(prepared, history), ...(clockWatch?.warnings() ?? []), ...(references?.warnings() ?? [])];
  const registry = createMetrics();
  const certificates = startCertificates(config, log);
  undo.push(() => certificates?.stop());
  const audit = new AuditTrail(config.data, log, {
    deferNew: true,
    ...(config.auditKeep !== undefined && { keepDays: config.auditKeep }),
    // A wrong clock must not remove records: the bounded clock, known once the log is read, has to agree.
    nowMs: () => clockWatch?.trustedMs(),
  });
  undo.push(() => audit.stop());
  const limits = new LimitCounters();
  const identity = startIdentity(config, log, audit, limits);
  const preAuthLimits = startPreAuthLimits(config, identity);
  const slices = new Slices();
  const admin = new AdminServer({
    host: config.host,
    port: config.httpPort,
    registry,
    log,
    unready,
    warnings,
    certificates,
    identity,
    audit,
    preAuthLimit: preAuthLimits.http,
    limits: config.callerLimits,
    limitCounters: limits,
    slices,
  });
  const orderEntry = new OrderEntry({
    host: config.host,
    port: config.grpcPort,
    certificates,
    preAuthLimit: preAuthLimits.grpc,
    limits: config.callerLimits,
    limitCounters: limits,
    slices,
    // A proxy's connection carries many clients, which may all leave at once.
    ...(config.authProxies === undefined && !identity.open && { resetBurst: DIRECT_RESET_BURST }),
    identity,
    // Without a client CA these are scanners and clients of TLS 1.2, which identity does not concern.
    ...(config.tlsClientCa !== undefined && { onHandshakeRejected: (peer, reason) => audit.record(handshakeRejected(peer, reason)) }),
  });
  const sockets = new SocketServer(certificates, preAuthLimits.ws);
  // All ports, before anything is read or written: a port that is taken changes nothing.
  const http = await listening(admin.listen(), 'admin', config.host, config.httpPort, '--http-port');
  undo.push(() => admin.stop());
  const grpc = await listening(orderEntry.listen(), 'order entry', config.host, config.grpcPort, '--grpc-port');
  undo.push(() => orderEntry.stop());
  const ws = sockets.listen(config.host, config.wsPort);
  undo.push(() => sockets.close());

  const engineLimits = limitsOf(config, lastConfiguration(config.data));
  prepared = await prepareHistory(config.data, resolveLimits(engineLimits));
  reportPrepared(prepared, log);
  signal?.throwIfAborted();
  const historySeq = prepared.watermark;
  engine = new Engine({
    dir: config.data,
    ...(config.topology !== 'auto' && { topology: config.topology }),
    durability: config.durability,
    limits: engineLimits,
    clockStepUs: config.clockStep * DAY_US,
    historySeq,
    accept: (recovery) => accept(recovery),
    ...(config.logKeep !== undefined && { retention: retentionOf(config.logKeep, log) }),
    historyWatermark: () => history?.stats().watermark ?? 0,
    ...(onProgress && { onProgress }),
    signal,
    onFailed: fail,
    onSnapshot: (result) => {
      if (result instanceof Error) log.error({ err: result }, 'snapshot failed; the log still has everything');
      else log.info(result, 'snapshot taken');
    },
  });
  let opened = false;
  // A start that fails before the log is open leaves no history behind. It is derived from the log.
  if (!existsSync(historyPath(config.data))) undo.push(() => opened || rmSync(historyPath(config.data), { recursive: true, force: true }));
  history = await startHistory(engine, prepared, {
    dataDir: config.data,
    keepDays: config.historyKeep,
    keepCandleDays: config.candleKeep,
    log,
    onFailure: fail,
  });
  const started = { engine, history };
  undo.push(() => started.history.stop());

  // Filled after recovery with the number of each account's reports, which sessions may still request.
  let recovered = new Float64Array(0);
  const hub = new ReportHub({ archive: history, lastReportNo: (account) => recovered[account] ?? 0 });
  const tap = new ReportTap(hub, () => started.engine.sequencer.nowUs());
  const candles = new LiveCandles(history.candleStates);
  const marketData = new MarketData(
    {
      orders: engine.limits.orders,
      slices,
      candles,
      engineTimeUs: () => publishedTimeUs(started.engine),
      passTime: () => started.engine.passTime(),
    },
    engine.directory,
    () => started.engine.sequencer.nowUs(),
  );
  engine.onReports(new RecoveredTrades(candles, tap));
  engine.onMarket(marketData);
  slices.turns.after(engine);
  const recovery = await engine.start();
  await allReported(engine);
  engine.onReports(tap);
  opened = true;
  undo.push(() => started.engine.stop({ snapshot: false }));
  audit.begin();
  signal?.throwIfAborted();
  for (const message of recovery.messages) log.warn(message);
  const { directory, sequencer } = engine;
  recovered = Float64Array.from({ length: engine.limits.accounts }, (_, account) => directory.lastReportNo(account));
  tap.timing = true;
  clockWatch = new ClockWatch(engine.clock, log);
  const watching = clockWatch;
  undo.push(() => watching.stop());
  audit.checkAge();

  const commands = new AdminCommands(sequencer, hub, engine.schedule);
  const genesis = await applyVenue(venue, directory, commands, config.data, () => allDurable(started.engine));
  if (venue !== config) log.info('no configuration file: the venue stays as it is in the log');
  for (const warning of genesis.warnings) log.warn(warning);

  const sessions = new OrderSessions({
    sequencer,
    hub,
    accountExists: (account) => directory.accountExists(account),
    onPublished: engine.schedule,
    identity,
    audit,
    cancelSession: async (account, session) => (await commands.submit(cancelSession(account, session))).code,
    log,
  });
  const calendar = new CalendarDriver(venue, { directory, commands, nowUs: () => sequencer.nowUs(), log });
  undo.push(() => calendar.stop());
  // Before any order: after a stop over a boundary, the phase in the log is not that of now.
  await calendar.begin();
  const dropCopies = new DropCopies({
    hub,
    archiveOf: (caller) => started.history.archiveOf(caller),
    accountExists: (account) => directory.accountExists(account),
    identity,
    audit: sessions.audit,
    slices,
    draining: () => state.draining,
    nowUs: () => sequencer.nowUs(),
  });
  const hasReferences = venue.symbols.some(({ reference }) => reference !== undefined);
  const mirror = typeof config.simulate === 'object' ? mirrorSource(config.simulate.mirror, config.feeds) : undefined;
  const feeds = startFeeds(config.feeds, mirror?.capture, config.feedBooks, log, hasReferences ? () => references?.wake() : undefined);
  undo.push(() => feeds?.stop());
  const querySources = { directory, history, book: (symbol: number) => marketData.book(symbol) };
  const candleSources = {
    ...querySources,
    candles: (symbol: number) => marketData.candles(symbol),
    engineTimeUs: () => marketData.timeUs,
  };
  const alerts = new Alerts({
    dataDir: config.data,
    loopback: config.webhookLoopback,
    directory,
    hub,
    archive: history.archiveOf('alerts'),
    trades: (symbol, limit, before) => started.history.symbolTrades(symbol, limit, before, 'alerts'),
    market: marketData,
    candles: (symbol) => candles.of(symbol),
    closedCandles: (symbol) => marketData.candles(symbol),
    readCandles: async (range) => {
      const { candles: found, behind } = await readCandles(candleSources, 'alerts', range);
      if (behind) throw new Error('the history does not have the last trades yet');
      return found;
    },
    passTime: () => started.engine.passTime(),
    book: (symbol) => marketData.book(symbol),
    published: () => allPublished(started.engine),
    onMarket: (handler) => started.engine.onMarket(handler),
    feeds,
    nowUs: () => sequencer.nowUs(),
    log,
  });
  await alerts.start();
  undo.push(() => alerts.stop());
  const alertStreams = new AlertStreams({
    alerts,
    identity,
    accountExists: (account) => directory.accountExists(account),
    draining: () => state.draining,
  });
  const portfolios = new Portfolios({ ...querySources, feeds });
  const portfolioStreams = new PortfolioStreams({
    portfolios,
    identity,
    slices,
    draining: () => state.draining,
    nowUs: () => sequencer.nowUs(),
  });
  const referenceDriver = new ReferenceDriver(venue, config.feeds, feeds, { directory, commands, log });
  references = referenceDriver;
  undo.push(() => referenceDriver.stop());
  // Nothing is awaited after this point, so every later request reaches the running exchange.
  signal?.throwIfAborted();

  const { snapshotNow } = engine;
  const snapshot = () => snapshotNow.call(started.engine);
  addExchangeMetrics(registry, {
    status: () => started.engine.status(),
    history: () => started.history.stats(),
    historyRebuilt: prepared.setAside !== undefined,
    removedSegments: () => started.engine.removedSegments,
    clock: started.engine.clock,
    tap,
    orders: sessions.counters,
    dropCopies: dropCopies.counters,
    portfolioStreams: portfolioStreams.counters,
    serviceTime: sessions.serviceTime,
    market: marketData.counters,
    preAuthLimits,
    limits,
    certificates,
    audit: () => audit.stats,
    unready,
    build: {
      version: VERSION,
      node: process.versions.node,
      topology: engine.topology,
      durability: config.durability,
      rules: RULES,
      log_version: LOG_VERSION,
    },
    venue: new VenueGauges(
      directory,
      (symbol) => marketData.book(symbol),
      () => marketData.restingOrders,
      engine.limits,
      config.data,
    ),
    calendar: calendar.counters,
    alerts,
    feeds,
    mirror: () => (simulation instanceof MirrorSimulation ? simulation.status() : undefined),
    references: referenceDriver.symbols,
    symbolName: (id) => directory.symbol(id)?.name ?? String(id),
  });
  admin.serve([
    ...queryRoutes(querySources),
    ...orderRoutes(querySources),
    portfolioRoute(directory, portfolios),
    candleRoute(candleSources),
    indicatorRoute(candleSources),
    calendarRoute(
      directory,
      (symbol) => calendar.calendarOf(symbol),
      () => sequencer.nowUs(),
    ),
    ...feedBookRoutes(feeds?.books ?? []),
    feedInstrumentRoute(feeds),
    ...feedRoutes(feeds),
    ...alertRoutes({ alerts, directory, feeds: config.feeds.map(({ name }) => name), loopback: config.webhookLoopback }),
    feedCandleRoute(feeds),
    ...referenceRoutes(referenceDriver.symbols, directory),
    ...actionRoutes({ directory, history, commands, snapshot, draining: () => state.draining }),
  ]);
  const simulator = config.simulate ? config.simulator : undefined;
  const onPublished = engine.schedule;
  const simulation =
    simulator === undefined
      ? undefined
      : feeds !== undefined && mirror !== undefined
        ? new MirrorSimulation(simulator, { feeds, source: mirror.name, directory, sequencer, hub, onPublished, log })
        : new Simulation(simulator, directory, sequencer, onPublished);
  const marketSockets = new MarketSockets(marketData, { identity, pings: config.callerLimits['ws-pings'] }, sockets);
  serveOrderSockets(sockets, sessions, identity, limits, config.callerLimits['ws-pings']);
  serveDropCopySockets(sockets, dropCopies, identity, limits, config.callerLimits['ws-pings']);
  serveAlertSockets(sockets, alertStreams, identity, limits, config.callerLimits['ws-pings']);
  servePortfolioSockets(sockets, portfolioStreams, identity, limits, config.callerLimits['ws-pings']);
  const feedTails = new FeedTails({ feeds, identity, draining: () => state.draining });
  undo.push(() => feedTails.end());
  const feedCandles = feeds && new FeedCandleStreams(feeds);
  undo.push(() => feedCandles?.stop());
  serveFeedTailSockets(sockets, feedTails, identity, limits, config.callerLimits['ws-pings']);
  serveFeedCandleSockets(sockets, { feeds, streams: feedCandles, identity, limits, pings: config.callerLimits['ws-pings'] });
  marketSockets.start();
  undo.push(() => marketSockets.stop());
  orderEntry.serve(sessions, dropCopies);
  state.recovering = false;
  referenceDriver.start();

  const ports = { grpc, ws, http };
  const { seq, snapshotSeq, replayed, milliseconds } = recovery;
  log.info(
    { ports, topology: engine.topology, seq, snapshotSeq, replayed, milliseconds: Math.round(milliseconds), genesis: genesis.applied },
    'exchange ready',
  );
  return {
    config,
    log,
    state,
    lock,
    admin,
    audit,
    certificates,
    clockWatch,
    engine,
    history,
    hub,
    marketData,
    marketSockets,
    commands,
    sessions,
    dropCopies,
    portfolioStreams,
    orderEntry,
    simulation,
    calendar,
    feeds,
    alerts,
    alertStreams,
    feedCandles,
    feedTails,
    references: referenceDriver,
    ports,
    recovery,
  };
}

function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}

/** Resolves when all commands sent so far are durable. In mode fast, their answers come earlier. */
async function allDurable(engine: Engine): Promise<void> {
  const { seq } = engine.sequencer;
  while (engine.status().durableSeq < seq && engine.status().journal.state !== 'failed') {
    engine.schedule();
    await sleep(DURABLE_POLL_MS);
  }
}

/** Resolves when all reports of the recovery were passed on. */
async function allReported(engine: Engine): Promise<void> {
  while (engine.status().reportDepth > 0 && engine.status().journal.state !== 'failed') {
    engine.schedule();
    await sleep(DURABLE_POLL_MS);
  }
}

/** Resolves when market data has taken all events so far. */
async function allPublished(engine: Engine): Promise<void> {
  while (engine.status().marketDepth > 0 && engine.status().journal.state !== 'failed') {
    engine.schedule();
    await sleep(DURABLE_POLL_MS);
  }
}

/** Time of the last command, if all that it caused was published; else 0. */
function publishedTimeUs(engine: Engine): number {
  const { sequencedSeq, appliedSeq, durableSeq, reportDepth, marketDepth } = engine.status();
  return appliedSeq === sequencedSeq && durableSeq === sequencedSeq && reportDepth + marketDepth === 0 ? engine.sequencer.timeUs : 0;
}

function startCertificates({ tlsCert, tlsKey, tlsClientCa }: Config, log: Logger): Certificates | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  return new Certificates({ cert: tlsCert, key: tlsKey, clientCa: tlsClientCa }, log);
}

type PreAuthLimitsByPort = {
  readonly grpc?: PreAuthLimit;
  readonly ws?: PreAuthLimit;
  readonly http: PreAuthLimit;
};

/** Without authentication the gRPC and WebSocket ports need no limit; on the HTTP port probes and metrics still need their reserve. */
function startPreAuthLimits({ admissionTimeout }: Config, identity: Identity): PreAuthLimitsByPort {
  const trusts = (address: string): boolean => identity.isProxy(address);
  const timeoutMs = admissionTimeout * 1000;
  const http = new PreAuthLimit({ timeoutMs, most: HTTP_PRE_AUTH, givesWay: 'oldest' }, trusts);
  if (identity.open) return { http };
  return { http, grpc: new PreAuthLimit({ timeoutMs }, trusts), ws: new PreAuthLimit({ timeoutMs: WS_REQUEST_MS }, trusts) };
}

function handshakeRejected(peer: string, reason: string): AuditEvent {
  return { kind: 'identity', subject: '', action: 'gRPC TLS handshake', outcome: codeName(Code.UNAUTHENTICATED), peer, detail: reason };
}

const DAY_US = 24 * 60 * 60 * 1e6;

function retentionOf(days: number, log: Logger): RetentionOptions {
  return {
    keepUs: days * DAY_US,
    onPass: (result) => {
      if (result instanceof Error) log.error({ err: result }, 'old segments of the log cannot be removed; the next pass tries again');
      else log.info(result, 'old segments of the log were removed');
    },
  };
}

/** Reasons not to be ready; empty when the exchange takes orders. */
function unreadiness(state: State, engine: Engine | undefined, history: History | undefined): string[] {
  const reasons: string[] = [];
  const journal = engine?.status().journal.state;
  if (state.failed || journal === 'failed') reasons.push('failed');
  if (state.recovering) reasons.push('recovering');
  if (state.draining) reasons.push('draining');
  if (journal === 'disk-full' || history?.stats().failing) reasons.push('disk-full');
  return reasons;
}

/** Adds the flag that changes the port to the error when the port is taken. */
async function listening(port: Promise<number>, what: string, host: string, wanted: number, flag: string): Promise<number> {
  try {
    return await port;
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    const message = `cannot listen for ${what} on ${host}:${wanted} (${cause.message}); stop what uses the port or choose another with ${flag}`;
    throw Object.assign(new Error(message, { cause }), { code: cause.code ?? 'EADDRINUSE' });
  }
}
