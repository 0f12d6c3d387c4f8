import { PrivateSessions } from '../endpoints/json/private-sessions.ts';
import { serveAlertSockets } from '../endpoints/websocket/alert-sockets.ts';
import { serveDropCopySockets } from '../endpoints/websocket/drop-copy-sockets.ts';
import { serveFeedCandleSockets } from '../endpoints/websocket/feed-candle-sockets.ts';
import { serveFeedTailSockets } from '../endpoints/websocket/feed-tail-sockets.ts';
import { MarketSockets } from '../endpoints/websocket/market-sockets.ts';
import { serveOrderSockets } from '../endpoints/websocket/order-sockets.ts';
import { servePortfolioSockets } from '../endpoints/websocket/portfolio-sockets.ts';
import type { RunningParts } from './running-parts.ts';

/** Serves the paths of the WebSocket port, and sends market data from now on. */
export function serveSockets(parts: RunningParts): MarketSockets {
  const { context, access, servers, core, recovered, sessions, dropCopies, outside, analysis } = parts;
  const { sockets } = servers;
  const { identity, limits, slices } = access;
  const { engine } = core;
  const { publicMarketData, corsOrigins, callerLimits } = context.config;
  const publicMarket = { open: publicMarketData, origins: corsOrigins };
  const pings = callerLimits['ws-pings'];
  const connections = callerLimits['ws-connections'];
  const marketSockets = new MarketSockets(recovered.marketData, { identity, pings, connections, limits, publicMarket }, sockets);
  const { alertStreams, querySources } = analysis;
  const { directory, history, accepted } = querySources;
  const privateSessions = new PrivateSessions({
    ...{ sessions, hub: sessions.hub, directory, history, accepted, alertStreams, identity, slices },
    nowUs: () => engine.sequencer.nowUs(),
    log: context.log,
  });
  serveOrderSockets(sockets, sessions, identity, limits, pings, privateSessions);
  serveDropCopySockets(sockets, dropCopies, identity, limits, pings);
  serveAlertSockets(sockets, alertStreams, identity, limits, pings);
  servePortfolioSockets(sockets, analysis.portfolioStreams, identity, limits, pings);
  serveFeedTailSockets(sockets, analysis.feedTails, identity, limits, pings);
  serveFeedCandleSockets(sockets, { feeds: outside.feeds, streams: outside.feedCandles, identity, limits, pings });
  marketSockets.start();
  context.undo.push(() => marketSockets.stop());
  return marketSockets;
}
