import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { clusterOf } from '../bench/mesh/bootstrap.ts';
import { readForwardedCert } from '../gateway/identity/forwarded-cert.ts';
import type { Json } from '../mesh/checks/istio-xds.ts';
import { Authority } from './support/certificates.ts';
import { https, submit, webSocket } from './support/envoy-client.ts';
import { type EnvoyFiles, withoutEnvoy } from './support/envoy-fixture.ts';
import { ask, venue } from './support/envoy-venue.ts';

const options = { skip: withoutEnvoy };
const SPOOFED = {
  'x-openbell-subject': 'root',
  'x-openbell-roles': 'operator trader',
  'x-openbell-accounts': '*',
  'x-openbell-expires': '9999999999',
  'x-openbell-certificate': 'A'.repeat(43),
  'x-forwarded-client-cert': 'Subject="CN=root";URI=spiffe://openbell/root',
  'x-forwarded-for': '10.0.0.1',
  'x-envoy-retry-on': '5xx,reset',
  'x-envoy-max-retries': '5',
  'x-envoy-upstream-rq-timeout-ms': '1',
  'x-envoy-internal': 'true',
  'x-envoy-decorator-operation': 'spoofed',
  'x-envoy-original-path': '/spoofed',
};

/** An HTTP/2 server that records its requests and answers with `grpc-status: 0`. */
async function recorder(t: TestContext) {
  const calls: { headers: IncomingHttpHeaders; body: Buffer }[] = [];
  const server = createServer();
  server.on('stream', (stream, headers) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('end', () => {
      calls.push({ headers, body: Buffer.concat(pieces) });
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end();
    });
    stream.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { calls, port: (server.address() as AddressInfo).port };
}

async function trader(files: EnvoyFiles) {
  return { certificate: files.client, token: await files.token() };
}

test('identity headers of a client do not reach the exchange; verified ones do', options, async (t) => {
  const upstream = await recorder(t);
  const { files, envoy } = await venue(t, (bootstrap) => {
    const orders = clusterOf(bootstrap, 'openbell-orders');
    orders.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value = upstream.port;
    orders.health_checks = [];
  });
  const shows = await trader(files);
  const { status } = await submit(files, envoy.ports.orders, 1, 1, { ...shows, headers: SPOOFED });
  assert.equal(status, 0);
  assert.equal(upstream.calls.length, 1);
  const { headers } = upstream.calls[0];
  const { 'x-openbell-expires': expires, 'x-forwarded-client-cert': certificate, 'x-forwarded-for': from } = headers;
  assert.deepEqual(
    [headers['x-openbell-subject'], headers['x-openbell-roles'], headers['x-openbell-accounts'], headers['x-openbell-account']],
    ['alice', 'trader', '1', '1'],
  );
  assert.ok(Math.abs(Number(expires) - Date.now() / 1000 - 3600) < 60);
  assert.match(String(certificate), /^Hash=[0-9a-f]{64};Subject="CN=desk";URI=spiffe:\/\/openbell\/desk$/);
  assert.doesNotMatch(String(from), /10\.0\.0\.1$/);
  assert.equal(headers.authorization, undefined, 'the token stays with Envoy');
  for (const name of Object.keys(headers)) {
    assert.doesNotMatch(name, /^x-envoy-(?!external-address|expected-rq|attempt)/, `${name}: ${headers[name]}`);
  }
});

test('configured to send the whole certificate, Envoy uses the format that the exchange reads', options, async (t) => {
  const upstream = await recorder(t);
  const { files, envoy } = await venue(t, (bootstrap) => {
    const orders = clusterOf(bootstrap, 'openbell-orders');
    orders.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value = upstream.port;
    orders.health_checks = [];
    const { filter_chains: chains } = bootstrap.static_resources.listeners.find(({ name }) => name === 'orders') as Json;
    chains[0].filters[0].typed_config.set_current_client_cert_details.cert = true;
  });
  const shows = await trader(files);
  assert.equal((await submit(files, envoy.ports.orders, 1, 1, shows)).status, 0);
  const read = readForwardedCert(String(upstream.calls[0].headers['x-forwarded-client-cert']));
  const { validTo, fingerprint256 } = new X509Certificate(readFileSync(files.client.cert));
  const hashes = [fingerprint256.replaceAll(':', '').toLowerCase()];
  assert.deepEqual(read, { subject: 'CN=desk', uris: ['spiffe://openbell/desk'], expiresAt: Date.parse(validTo), hashes });
});

test('a spoofed header has no effect; the exchange rejects a foreign account, and callers that bypass Envoy', options, async (t) => {
  const { exchange, files, envoy } = await venue(t);
  const shows = { ...(await trader(files)), headers: SPOOFED };
  const foreign = await submit(files, envoy.ports.orders, 2, 1, shows);
  assert.equal(foreign.status, 7);
  assert.match(foreign.message, /^PERMISSION_DENIED: your roles do not allow this for account 2/);
  assert.equal((await webSocket(files, envoy.ports.market, '/v1/orders?account=2', shows)).status, 403);
  // Not those that it names, but its own.
  assert.deepEqual(JSON.parse((await https(files, envoy.ports.queries, '/v1/accounts', shows)).text), [1]);
  assert.equal((await https(files, envoy.ports.queries, '/v1/accounts/2', shows)).status, 403);
  // A page may read the market with its token; orders are for no page, whatever it shows.
  const page = { origin: 'https://app.example', 'sec-websocket-protocol': `json, openbell.bearer.${shows.token}` };
  const shown = { certificate: files.client, headers: page };
  assert.equal((await webSocket(files, envoy.ports.market, '/', shown)).status, 101);
  assert.match((await webSocket(files, envoy.ports.market, '/v1/orders?account=1', shown)).text, /^CROSS_SITE/);
  // What a token without an end lets in would have none either.
  const endless = await submit(files, envoy.ports.orders, 1, 1, {
    ...shows,
    token: await files.token({ lives: Number.POSITIVE_INFINITY }),
  });
  assert.equal(endless.status, 16);
  assert.match(endless.message, /Jwt verification fails/);
  const metrics = await ask(exchange, '/metrics');
  assert.match(metrics, /^openbell_commands_total 0$/m);
  const own = await submit(files, envoy.ports.orders, 1, 1, shows);
  assert.deepEqual([own.status, own.message], [0, '']);
  // Bypassing Envoy, without its headers: unauthenticated.
  const direct = await fetch(`http://127.0.0.1:${exchange.ports.http}/v1/accounts`);
  assert.equal(direct.status, 401);
});

test('errors are logged as JSON, successful calls are not, and a token never is', options, async (t) => {
  const { files, envoy } = await venue(t);
  const shows = await trader(files);
  assert.equal((await submit(files, envoy.ports.orders, 1, 1, shows)).status, 0);
  assert.equal((await submit(files, envoy.ports.orders, 1, 2, { ...shows, token: await files.token({ lives: -60 }) })).status, 16);
  assert.equal((await webSocket(files, envoy.ports.market, '/', shows)).status, 101);
  assert.equal((await webSocket(files, envoy.ports.market, '/?token=secret', {})).status, 401);
  assert.equal((await webSocket(files, envoy.ports.market, '/v1/orders?account=2', shows)).status, 403);
  assert.equal((await https(files, envoy.ports.queries, '/metrics', shows)).status, 403);
  const office = { ...shows, certificate: files.administrator };
  assert.equal((await https(files, envoy.ports.administration, '/metrics', office)).status, 403);
  await t.waitFor(() => assert.equal(envoy.log.length, 5), { timeout: 300_000 });
  const [late, anonymous, foreign] = envoy.log;
  assert.deepEqual(
    envoy.log.map(({ listener }) => listener),
    ['orders', 'market', 'market', 'queries', 'administration'],
  );
  assert.deepEqual([foreign.path, foreign.status, foreign.account, foreign.subject], ['/v1/orders', 403, '2', 'alice']);
  assert.deepEqual(
    [late.path, late.grpc_status, late.details, late.certificate, late.account],
    ['/openbell.OrderEntry/Submit', 'UNAUTHENTICATED', 'jwt_authn_access_denied{Jwt_is_expired}', 'CN=desk', '1'],
  );
  assert.deepEqual([anonymous.path, anonymous.status], ['/', 401]);
  assert.doesNotMatch(JSON.stringify(envoy.log), /secret|Bearer|eyJ/);
});

test('a flood of rejected calls is limited in the log and counted, and hides no other error', options, async (t) => {
  const { files, envoy } = await venue(t, (bootstrap) => {
    clusterOf(bootstrap, 'openbell-market').circuit_breakers.thresholds[0].max_requests = 0;
  });
  const rejects = 600;
  const shows = await trader(files);
  const from = performance.now();
  for (let sent = 0; sent < rejects; sent += 20)
    await Promise.all(Array.from({ length: 20 }, () => webSocket(files, envoy.ports.market, '/?account=7', {})));
  assert.equal((await webSocket(files, envoy.ports.market, '/', shows)).status, 503);
  await t.waitFor(() => assert.ok(envoy.log.some(({ status }) => status === 503)), { timeout: 300_000 });
  const lines = envoy.log.filter(({ status }) => status === 401).length;
  const [passed, left] = [
    await envoy.stat('access_log.process_ratelimit.allowed'),
    await envoy.stat('access_log.process_ratelimit.denied'),
  ];
  t.diagnostic(`${rejects} rejects, ${lines} lines`);
  // The burst of 100, and 20 a second, of which the first may come at once.
  const most = 100 + 20 * (1 + (performance.now() - from) / 1000);
  assert.ok(lines >= 100 && lines <= most, `${lines} lines, where ${most} may be`);
  assert.equal(passed + left, rejects + 1, 'each is counted');
  assert.equal(await envoy.stat('http.market.jwt_authn.denied'), rejects);
});

test('a sampled call is a span with its account, sent by OTLP', options, async (t) => {
  const collector = await recorder(t);
  const { files, envoy } = await venue(t, (bootstrap) => {
    clusterOf(bootstrap, 'traces').load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value = collector.port;
  });
  await envoy.ask('/runtime_modify?tracing.random_sampling=10000', 'POST');
  assert.equal((await submit(files, envoy.ports.orders, 1, 1, await trader(files))).status, 0);
  await t.waitFor(() => assert.ok(collector.calls.length > 0), { timeout: 300_000 });
  const [{ headers, body }] = collector.calls;
  assert.equal(headers[':path'], '/opentelemetry.proto.collector.trace.v1.TraceService/Export');
  for (const text of ['openbell-envoy', 'openbell.account', 'openbell.subject', 'alice']) assert.ok(body.includes(text), text);
  assert.ok(!body.includes('Bearer'));
});

test('a new certificate is used as soon as its file is replaced', options, async (t) => {
  const { root, files, envoy } = await venue(t);
  const shows = await trader(files);
  assert.equal((await submit(files, envoy.ports.orders, 1, 1, shows)).status, 0);
  const other = new Authority(`${root}/other`, 'other authority');
  files.serve(other.issue({ name: 'envoy' }));
  await t.waitFor(() => assert.rejects(submit(files, envoy.ports.orders, 1, 2, shows), /certificate|issuer/i), { timeout: 300_000 });
  const trusting = Object.assign(Object.create(Object.getPrototypeOf(files)), files, { authority: other });
  assert.equal((await submit(trusting, envoy.ports.orders, 1, 3, shows)).status, 0);
});
