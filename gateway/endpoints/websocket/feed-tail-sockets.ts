import type { Identity } from '../../identity/identity.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import type { FeedTailAdmission, FeedTails } from '../../market/feed-tails.ts';
import type { SocketRoutes } from './socket-server.ts';
import { serveTextStreams, type TextStreamRoute } from './text-streams.ts';

const PATH = '/v1/feed-tail';

/** Live streams of outside markets over WebSocket, at `/v1/feed-tail?feed=NAME`: JSON texts. See docs/FEEDS.md. */
export function serveFeedTailSockets(app: SocketRoutes, tails: FeedTails, identity: Identity, limits: LimitCounters, pings?: number): void {
  const route: TextStreamRoute<FeedTailAdmission> = {
    path: PATH,
    what: 'WebSocket feed',
    parameters: ['feed', 'instruments', 'levels'],
    noMessages: 'a stream of a feed takes no messages: its query says what it shows',
    notBelow: `streams of feeds are at ${PATH}?feed=NAME, without a further slash`,
    admit: (query, { principal, visit }) => tails.admit(query, principal, visit),
    open: (transport, admission) => tails.begin(transport, admission),
  };
  serveTextStreams(app, route, identity, limits, pings);
}
