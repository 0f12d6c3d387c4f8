import type { Identity } from '../../identity/identity.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import type { FeedTail, FeedTailAdmission, FeedTails } from '../../market/feed-tails.ts';
import type { SocketRoutes } from './socket-server.ts';
import { noMessages, type StreamRoute, serveStreams } from './socket-streams.ts';

const PATH = '/v1/feed-tail';

/** Live streams of outside markets over WebSocket, at `/v1/feed-tail?feed=NAME`: JSON texts. See docs/FEEDS.md. */
export function serveFeedTailSockets(app: SocketRoutes, tails: FeedTails, identity: Identity, limits: LimitCounters, pings?: number): void {
  const route: StreamRoute<FeedTailAdmission, FeedTail, string> = {
    path: PATH,
    what: 'WebSocket feed',
    protocol: 'json',
    parameters: ['feed', 'instruments', 'levels'],
    notBelow: `streams of feeds are at ${PATH}?feed=NAME, without a further slash`,
    admit: (query, { principal, visit }) => tails.admit(query, principal, visit),
    open: (transport, admission) => tails.begin(transport, admission),
    onMessage: noMessages('a stream of a feed takes no messages: its query says what it shows'),
  };
  serveStreams(app, route, identity, limits, pings);
}
