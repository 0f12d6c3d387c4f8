import type { Identity } from '../../identity/identity.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import type { PortfolioAdmission, PortfolioStream, PortfolioStreams } from '../../portfolio/portfolio-streams.ts';
import { MARK_PARAMETERS } from '../../portfolio/portfolios.ts';
import type { SocketRoutes } from './socket-server.ts';
import { noMessages, type StreamRoute, serveStreams } from './socket-streams.ts';

const PATH = '/v1/portfolio';

/** Streams of portfolios over WebSocket, at `/v1/portfolio?account=N`: JSON texts. See docs/PORTFOLIO.md. */
export function servePortfolioSockets(
  app: SocketRoutes,
  streams: PortfolioStreams,
  identity: Identity,
  limits: LimitCounters,
  pings?: number,
): void {
  const route: StreamRoute<PortfolioAdmission, PortfolioStream, string> = {
    path: PATH,
    what: 'WebSocket portfolio',
    protocol: 'json',
    parameters: ['account', 'interval', ...MARK_PARAMETERS],
    notBelow: `portfolios are at ${PATH}?account=N, without a further slash`,
    admit: (query, { principal, visit }) => streams.admit(query, principal, visit),
    open: (transport, admission) => streams.open(transport, admission),
    onMessage: noMessages('a stream of a portfolio takes no messages: its query says what it shows'),
  };
  serveStreams(app, route, identity, limits, pings);
}
