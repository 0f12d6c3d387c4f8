import { actionRoutes } from '../endpoints/http/admin-actions.ts';
import { queryRoutes } from '../endpoints/http/admin-queries.ts';
import { alertRoutes } from '../endpoints/http/alert-routes.ts';
import { calendarRoute } from '../endpoints/http/calendar-query.ts';
import { candleRoute } from '../endpoints/http/candle-query.ts';
import { feedBookRoutes } from '../endpoints/http/feed-book-queries.ts';
import { feedCandleRoute } from '../endpoints/http/feed-candle-query.ts';
import { feedInstrumentRoute } from '../endpoints/http/feed-instrument-query.ts';
import { feedRoutes } from '../endpoints/http/feed-queries.ts';
import { feedIndicatorRoute, indicatorRoute } from '../endpoints/http/indicator-query.ts';
import { ledgerReader, ledgerRoute } from '../endpoints/http/ledger-query.ts';
import { orderRoutes } from '../endpoints/http/order-queries.ts';
import { portfolioRoute } from '../endpoints/http/portfolio-query.ts';
import { referenceRoutes } from '../endpoints/http/reference-queries.ts';
import { sessionRoutes } from '../endpoints/http/session-routes.ts';
import { tradingRoutes } from '../endpoints/http/trading-routes.ts';
import type { RunningParts } from './running-parts.ts';

/** Serves the admin interface. */
export function serveRoutes({
  context,
  servers,
  core,
  recovered,
  sessions,
  dropCopies,
  commands,
  calendar,
  outside,
  analysis,
  references,
}: RunningParts): void {
  const { config, state } = context;
  const { engine, history } = core;
  const { directory, sequencer } = engine;
  const { querySources, candleSources, alerts, portfolios } = analysis;
  const { feeds, candleReader } = outside;
  const snapshot = () => engine.snapshotNow();
  const ledger = ledgerReader(querySources);
  servers.admin.serve([
    ...queryRoutes(querySources),
    ...orderRoutes(querySources),
    portfolioRoute(directory, portfolios),
    ledgerRoute(querySources, ledger),
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
    feedCandleRoute(feeds, candleReader),
    feedIndicatorRoute(feeds, candleReader),
    ...referenceRoutes(references.symbols, directory),
    ...tradingRoutes({ ...querySources, sessions, ledger }),
    ...sessionRoutes([sessions, dropCopies, recovered.marketData]),
    ...actionRoutes({ directory, history, commands, snapshot, draining: () => state.draining }),
  ]);
}
