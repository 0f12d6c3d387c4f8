import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from '../gateway/endpoints/http/route.ts';
import { serveAlertSockets } from '../gateway/endpoints/websocket/alert-sockets.ts';
import { serveDropCopySockets } from '../gateway/endpoints/websocket/drop-copy-sockets.ts';
import { serveFeedCandleSockets } from '../gateway/endpoints/websocket/feed-candle-sockets.ts';
import { serveFeedTailSockets } from '../gateway/endpoints/websocket/feed-tail-sockets.ts';
import { serveOrderSockets } from '../gateway/endpoints/websocket/order-sockets.ts';
import { servePortfolioSockets } from '../gateway/endpoints/websocket/portfolio-sockets.ts';
import { type Action, may } from '../gateway/identity/permissions.ts';
import { type Principal, ROLES, type Role } from '../gateway/identity/principal.ts';
import { ORDER_STREAMS } from '../mesh/checks/istio-requirements.ts';
import { ADMIN_ROUTES } from './support/admin-routes.ts';
import { envoyAdmits, istioAdmits } from './support/proxy-rules.ts';

/** Roles of those who are not the venue's staff: the bare Envoy's port of queries is for them. */
const MEMBERS: readonly Role[] = ['trader', 'market-maker', 'read-only', 'drop-copy'];

const holderOf = (role: Role): Principal => ({
  subject: role,
  roles: new Set([role]),
  accounts: new Set([1]),
  all: true,
  via: 'token',
  expiresAt: Number.POSITIVE_INFINITY,
});

/** Alerts demand a second right, which depends on the request. */
function rightOf({ action, method }: Route): Action {
  return action === 'alert:use' && method !== 'GET' ? 'alert:manage' : action;
}

test('each request of the admin interface passes the proxies for the roles that have its right, and for no member beyond them', () => {
  const [queries, administration, sidecar] = [envoyAdmits('queries'), envoyAdmits('administration'), istioAdmits(7403)];
  for (const route of ADMIN_ROUTES) {
    const { method } = route;
    const path = route.path.replace(':name', encodeURIComponent('BTC:USD.x')).replaceAll(/:\w+/g, '1');
    const allowed = ROLES.filter((role) => may(holderOf(role), rightOf(route), 1));
    const ofMembers = allowed.some((role) => MEMBERS.includes(role));
    for (const role of ROLES) {
      const request = { method, path, role };
      const call = `${role}: ${method} ${path}; see mesh/envoy/envoy.yaml and mesh/base/istio/authorization.yaml`;
      assert.equal(queries(request), ofMembers && allowed.includes(role), `port of queries, ${call}`);
      if (allowed.includes(role)) {
        assert.ok(administration(request), `port of administration, ${call}`);
        assert.ok(sidecar(request), `sidecar, ${call}`);
      } else if (MEMBERS.includes(role)) {
        assert.ok(!administration(request), `port of administration, ${call}`);
        assert.ok(!sidecar(request), `sidecar, ${call}`);
      }
    }
  }
});

/** The WebSocket paths of the port of market data, and the right that each needs at least. */
const STREAMS: Readonly<Record<string, Action>> = {
  '/v1/orders': 'session:open',
  '/v1/drop-copy': 'copy:open',
  '/v1/alerts': 'alert:use',
  '/v1/portfolio': 'account:read',
  '/v1/feed-tail': 'market:read',
  '/v1/feed-candles': 'market:read',
};

test('each WebSocket path passes the proxies for the roles that have its right, and for no others', () => {
  const paths: string[] = [];
  const app = { ws: (path: string) => paths.push(path) };
  const nothing = {} as never;
  serveOrderSockets(app, nothing, nothing, nothing);
  serveDropCopySockets(app, nothing, nothing, nothing);
  serveAlertSockets(app, nothing, nothing, nothing);
  servePortfolioSockets(app, nothing, nothing, nothing);
  serveFeedTailSockets(app, nothing, nothing, nothing);
  serveFeedCandleSockets(app, nothing);
  assert.deepEqual(
    paths.filter((path) => !path.endsWith('/*')),
    Object.keys(STREAMS),
  );
  const [market, sidecar] = [envoyAdmits('market'), istioAdmits(7402)];
  for (const [path, action] of [...Object.entries(STREAMS), ['/', 'market:read'] as const]) {
    for (const role of ROLES) {
      const allowed = may(holderOf(role), action, 1);
      const request = { method: 'GET', path, role };
      assert.equal(market(request), allowed, `Envoy, ${role}: ${path}`);
      assert.equal(sidecar(request), allowed, `sidecar, ${role}: ${path}`);
    }
  }
  // What is private is at the host that requires a client certificate.
  assert.deepEqual(
    Object.keys(STREAMS)
      .filter((path) => STREAMS[path] !== 'market:read')
      .sort(),
    [...ORDER_STREAMS].sort(),
  );
});
