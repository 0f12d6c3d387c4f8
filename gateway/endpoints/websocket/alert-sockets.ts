import type { AlertStream, AlertStreams, StreamAdmission } from '../../alerts/alert-streams.ts';
import type { Identity } from '../../identity/identity.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import type { SocketRoutes } from './socket-server.ts';
import { noMessages, type StreamRoute, serveStreams } from './socket-streams.ts';

const PATH = '/v1/alerts';

/** Events of alerts over WebSocket, at `/v1/alerts?account=ID&after=NUMBER`: each event is a text message, one JSON object. */
export function serveAlertSockets(
  app: SocketRoutes,
  streams: AlertStreams,
  identity: Identity,
  limits: LimitCounters,
  pings?: number,
): void {
  const route: StreamRoute<StreamAdmission, AlertStream, string> = {
    path: PATH,
    what: 'WebSocket alerts',
    protocol: 'json',
    parameters: ['account', 'after'],
    notBelow: `alerts are at ${PATH}?account=N, without a further slash`,
    admit: (query, { principal, visit }) =>
      streams.admit({ account: query.get('account') ?? undefined, after: query.get('after') ?? undefined }, principal, visit),
    open: (transport, admission) => streams.begin(transport, admission),
    onMessage: noMessages('a stream of alerts takes no messages'),
  };
  serveStreams(app, route, identity, limits, pings);
}
