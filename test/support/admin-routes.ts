import { actionRoutes } from '../../gateway/endpoints/http/admin-actions.ts';
import { queryRoutes } from '../../gateway/endpoints/http/admin-queries.ts';
import { alertRoutes } from '../../gateway/endpoints/http/alert-routes.ts';
import { calendarRoute } from '../../gateway/endpoints/http/calendar-query.ts';
import { candleRoute } from '../../gateway/endpoints/http/candle-query.ts';
import { feedBookRoutes } from '../../gateway/endpoints/http/feed-book-queries.ts';
import { feedCandleRoute } from '../../gateway/endpoints/http/feed-candle-query.ts';
import { feedInstrumentRoute } from '../../gateway/endpoints/http/feed-instrument-query.ts';
import { feedRoutes } from '../../gateway/endpoints/http/feed-queries.ts';
import { feedIndicatorRoute, indicatorRoute } from '../../gateway/endpoints/http/indicator-query.ts';
import { ledgerRoute } from '../../gateway/endpoints/http/ledger-query.ts';
import { withDocument } from '../../gateway/endpoints/http/openapi-route.ts';
import { orderRoutes } from '../../gateway/endpoints/http/order-queries.ts';
import { portfolioRoute } from '../../gateway/endpoints/http/portfolio-query.ts';
import { referenceRoutes } from '../../gateway/endpoints/http/reference-queries.ts';
import type { Route } from '../../gateway/endpoints/http/route.ts';
import { sessionRoutes } from '../../gateway/endpoints/http/session-routes.ts';
import { tradingRoutes } from '../../gateway/endpoints/http/trading-routes.ts';

/** Sources of routes, of which only methods, paths and rights are looked at. */
const nothing = {} as never;

/** Every route of the admin interface, as gateway/start/routes.ts serves them. Their handlers cannot be called. */
export const ADMIN_ROUTES: readonly Route[] = withDocument([
  ...queryRoutes(nothing),
  ...orderRoutes(nothing),
  candleRoute(nothing),
  portfolioRoute(nothing, nothing),
  ledgerRoute(nothing, nothing),
  indicatorRoute(nothing),
  calendarRoute(nothing, nothing, nothing),
  ...feedBookRoutes(nothing),
  feedInstrumentRoute(nothing),
  ...feedRoutes(nothing),
  ...alertRoutes(nothing),
  feedCandleRoute(nothing, nothing),
  feedIndicatorRoute(nothing, nothing),
  ...referenceRoutes(nothing, nothing),
  ...tradingRoutes({ sessions: nothing } as never),
  ...sessionRoutes([]),
  ...actionRoutes(nothing),
]);
