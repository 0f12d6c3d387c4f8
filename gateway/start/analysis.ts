import { AlertStreams } from '../alerts/alert-streams.ts';
import { Alerts } from '../alerts/alerts.ts';
import type { QuerySources } from '../endpoints/http/admin-queries.ts';
import { type CandleSources, readCandles } from '../endpoints/http/candle-reader.ts';
import { AcceptedTimes } from '../endpoints/json/accepted-times.ts';
import { FeedTails } from '../market/feed-tails.ts';
import { PortfolioStreams } from '../portfolio/portfolio-streams.ts';
import { Portfolios } from '../portfolio/portfolios.ts';
import type { OrderSessions } from '../sessions/order-sessions.ts';
import type { Access } from './access.ts';
import type { Core } from './engine.ts';
import { allPublished } from './engine-waits.ts';
import type { OutsidePrices } from './feeds.ts';
import type { Recovered } from './recovery.ts';
import type { StartContext } from './start-context.ts';

/** What is computed from trades, books and outside prices, for queries, streams and alerts. */
export interface Analysis {
  readonly querySources: QuerySources;
  readonly candleSources: CandleSources;
  readonly alerts: Alerts;
  readonly alertStreams: AlertStreams;
  readonly portfolios: Portfolios;
  readonly portfolioStreams: PortfolioStreams;
  readonly feedTails: FeedTails;
}

export async function startAnalysis(
  context: StartContext,
  core: Core,
  recovered: Recovered,
  { identity, slices }: Access,
  outside: OutsidePrices,
  { audit }: OrderSessions,
): Promise<Analysis> {
  const { engine, history } = core;
  const { hub, marketData } = recovered;
  const { directory, sequencer } = engine;
  const draining = () => context.state.draining;
  const accepted = new AcceptedTimes(history, hub);
  const querySources: QuerySources = { directory, history, accepted, book: (symbol) => marketData.book(symbol) };
  const candleSources: CandleSources = {
    ...querySources,
    candles: (symbol) => marketData.candles(symbol),
    engineTimeUs: () => marketData.timeUs,
  };
  const alerts = await startAlerts(context, core, recovered, outside, candleSources);
  const alertStreams = new AlertStreams({
    alerts,
    identity,
    audit,
    accountExists: (account) => directory.accountExists(account),
    draining,
  });
  const portfolios = new Portfolios({ ...querySources, feeds: outside.feeds });
  const portfolioStreams = new PortfolioStreams({ portfolios, identity, audit, slices, draining, nowUs: () => sequencer.nowUs() });
  const feedTails = new FeedTails({ feeds: outside.feeds, identity, draining });
  context.undo.push(() => feedTails.end());
  return { querySources, candleSources, alerts, alertStreams, portfolios, portfolioStreams, feedTails };
}

async function startAlerts(
  { config, log, undo }: StartContext,
  { engine, history }: Core,
  { hub, candles, marketData }: Recovered,
  { feeds }: OutsidePrices,
  candleSources: CandleSources,
): Promise<Alerts> {
  const { directory, sequencer } = engine;
  const alerts = new Alerts({
    dataDir: config.data,
    loopback: config.webhookLoopback,
    directory,
    hub,
    archive: history.archiveOf('alerts'),
    trades: (symbol, limit, before) => history.symbolTrades(symbol, limit, before, 'alerts'),
    market: marketData,
    candles: (symbol) => candles.of(symbol),
    closedCandles: (symbol) => marketData.candles(symbol),
    readCandles: async (range) => {
      const { candles: found, behind } = await readCandles(candleSources, 'alerts', range);
      if (behind) throw new Error('the history does not have the last trades yet');
      return found;
    },
    passTime: () => engine.passTime(),
    book: (symbol) => marketData.book(symbol),
    published: () => allPublished(engine),
    onMarket: (handler) => engine.onMarket(handler),
    feeds,
    nowUs: () => sequencer.nowUs(),
    log,
  });
  await alerts.start();
  undo.push(() => alerts.stop());
  return alerts;
}
