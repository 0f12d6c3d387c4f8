import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { clusterOf } from '../bench/mesh/bootstrap.ts';
import { BROWSER_COOKIE, firstBook, ORIGIN, type Shows, webSocket } from './support/envoy-client.ts';
import { type Claims, withoutEnvoy } from './support/envoy-fixture.ts';
import { venue } from './support/envoy-venue.ts';

const options = { skip: withoutEnvoy };

test('a page of an allowed origin reads the market with its cookie, and can do nothing else', options, async (t) => {
  const { files, envoy } = await venue(t);
  const { market } = envoy.ports;
  const cookie = async (claims: Claims = {}) => `theme=dark; ${BROWSER_COOKIE}=${await files.token(claims)}`;
  const good = { cookie: await cookie({ roles: 'read-only' }), origin: ORIGIN };
  const { kind, symbol } = await firstBook(files, market, '/', good);
  assert.deepEqual([kind, symbol], ['snapshot', 'BTC-USD']);
  // As a subprotocol, which only the page's own script can set, a token is good from anywhere.
  const shown = { origin: 'https://else.example', 'sec-websocket-protocol': `json, openbell.bearer.${await files.token()}` };
  assert.equal((await webSocket(files, market, '/', { headers: shown })).status, 101);

  const before = await envoy.stat('cluster.openbell-market.upstream_rq_total');
  const certificate = files.client;
  const trader = { cookie: await cookie(), origin: ORIGIN };
  const refused: readonly [string, string, Shows, number][] = [
    ['no cookie', '/', { headers: { origin: ORIGIN } }, 401],
    ['another cookie', '/', { headers: { ...good, cookie: 'theme=dark' } }, 401],
    ['an expired token', '/', { headers: { ...good, cookie: await cookie({ lives: -60 }) } }, 401],
    ['a token for others', '/', { headers: { ...good, cookie: await cookie({ audience: 'payroll' }) } }, 403],
    ['no role', '/', { headers: { ...good, cookie: await cookie({ roles: '' }) } }, 403],
    ['no Origin', '/', { headers: { cookie: good.cookie } }, 403],
    ...[
      'https://evil.example',
      'null',
      'http://www.openbell.example',
      `${ORIGIN}.evil.example`,
      `${ORIGIN}:8443`,
      `https://evil.example,${ORIGIN}`,
    ].map((origin) => [`Origin ${origin}`, '/', { headers: { ...good, origin } }, 403] as [string, string, Shows, number]),
    ['the token in the query', `/?token=${await files.token()}`, { headers: { origin: ORIGIN } }, 401],
    [
      'the token in the query, as jwt_authn has it by default',
      `/?access_token=${await files.token()}`,
      { headers: { origin: ORIGIN } },
      401,
    ],
    ['orders', '/v1/orders?account=1', { certificate, headers: trader }, 403],
    ['orders, with a token beside the cookie', '/v1/orders?account=1', { certificate, token: await files.token(), headers: trader }, 403],
  ];
  for (const [name, path, shows, status] of refused)
    await t.test(name, async () => assert.equal((await webSocket(files, market, path, shows)).status, status));
  assert.equal(await envoy.stat('cluster.openbell-market.upstream_rq_total'), before);
});

test('the cookie stays with Envoy', options, async (t) => {
  const asked: IncomingHttpHeaders[] = [];
  const upstream = createServer((request, response) => {
    asked.push(request.headers);
    response.end();
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  t.after(() => upstream.close());
  const { files, envoy } = await venue(t, (bootstrap) => {
    const cluster = clusterOf(bootstrap, 'openbell-market');
    cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value = (
      upstream.address() as AddressInfo
    ).port;
  });
  upstream.on('upgrade', (request, socket) => {
    asked.push(request.headers);
    socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n');
  });
  await webSocket(files, envoy.ports.market, '/', { headers: { cookie: `${BROWSER_COOKIE}=${await files.token()}`, origin: ORIGIN } });
  assert.deepEqual([asked.length, asked[0].cookie, asked[0]['x-openbell-subject']], [1, undefined, 'alice']);
});
