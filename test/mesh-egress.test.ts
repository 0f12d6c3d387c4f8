/** Connections of the exchange to outside hosts: mesh/egress, its checks, and what istiod makes of it in a real Envoy. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, it, type TestContext, test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { VENUES } from '../feeds/venues/index.ts';
import { feedAddresses } from '../mesh/checks/egress.ts';
import { clusterObjects, EGRESS, SHARD } from '../mesh/checks/istio-nodes.ts';
import { bootstrapOf, egressParts } from '../mesh/checks/istio-rehost.ts';
import { istioTool } from '../mesh/checks/istio-tools.ts';
import { type Json, receive } from '../mesh/checks/istio-xds.ts';
import { lint } from '../mesh/checks/lints/index.ts';
import { kustomizeTool, MESH, renderDirectory, renderOverlay } from '../mesh/checks/render.ts';
import type { Resource } from '../mesh/checks/resource.ts';
import { problemsOf } from '../mesh/checks/validate.ts';
import { Authority } from './support/certificates.ts';
import { ENVOY, Envoy } from './support/envoy-fixture.ts';
import { VenueLedger } from './support/venue-ledger.ts';

const kustomize = kustomizeTool();
const skip = kustomize === undefined && process.env.OPENBELL_CI !== '1' ? 'NOT TESTED: needs kustomize or kubectl' : false;
const PUBLIC = VENUES.filter(({ name }) => name !== 'openbell');
const origin = (url: string) => new URL(url).origin;

for (const { name, urls, create } of VENUES) {
  test(`${name}: its adapter connects to the addresses that its entry names, and to no other`, () => {
    const ledger = new VenueLedger(create, { instruments: ['BTC-USDT'] });
    const { address } = ledger.adapter;
    ledger.open();
    // It asks for a snapshot only after this.
    if (name === 'bitstamp') ledger.frame({ event: 'bts:subscription_succeeded', channel: 'diff_order_book_BTC-USDT', data: {} });
    assert.ok(address.startsWith(urls.webSocketUrl), address);
    const asked = [...ledger.asked, ...ledger.lists];
    for (const url of asked) assert.equal(origin(url), origin(urls.httpUrl ?? ''), url);
    assert.equal(asked.length > 0, urls.httpUrl !== undefined, `${asked}`);
    assert.equal(ledger.asked.length > 0, urls.httpUrl !== undefined && urls.listOnly !== true, `${ledger.asked}`);
  });
}

/** Production with these sources on shard 1 and these components of mesh/egress. */
function production(t: TestContext, feeds: string, components: readonly string[]): Resource[] {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-egress-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const shard = readFileSync(join(MESH, 'overlays/production/shards/venues/openbell-1.yaml'), 'utf8');
  writeFileSync(join(dir, 'openbell-1.yaml'), `${shard}\nfeeds:${feeds}\n`);
  const path = (name: string) => relative(dir, join(MESH, name));
  const venues = { name: 'openbell-venues', namespace: 'openbell', behavior: 'merge', files: ['openbell-1.yaml'] };
  const file = {
    kind: 'Kustomization',
    resources: [path('overlays/production')],
    components: components.map((name) => path(`egress${name}`)),
    configMapGenerator: [venues],
  };
  writeFileSync(join(dir, 'kustomization.yaml'), JSON.stringify(file));
  return renderDirectory(dir, kustomize as readonly string[]);
}

const xds = istioTool('xds');
const withoutXds =
  process.env.OPENBELL_CI !== '1' && !(kustomize && xds && ENVOY)
    ? 'NOT TESTED: needs kustomize, Envoy and mesh/checks/istio-tools/build.sh'
    : false;
/** A loopback address that other tests do not use. */
const GATEWAY = { address: `127.${10 + (process.pid % 200)}.9.3`, port: 7443 };

const source = (venue: string, more = '') => `\n  - { name: ${venue.slice(0, 16)}, venue: ${venue}, instruments: [X]${more} }`;

describe('egress', { skip }, () => {
  it('each venue has a component: all of them together are correct', async (t) => {
    const components = ['', ...readdirSync(join(MESH, 'egress/venues')).map((name) => `/venues/${name}`)];
    const set = production(t, PUBLIC.map(({ name }) => source(name)).join(''), components);
    const hosts = PUBLIC.flatMap(({ urls }) => [urls.webSocketUrl, urls.httpUrl ?? []].flat()).map((url) => new URL(url).hostname);
    assert.deepEqual([...new Set(feedAddresses(set).map(({ host }) => host))].sort(), [...new Set(hosts)].sort());
    assert.deepEqual(await problemsOf(set), []);
  });

  it('a source without a component, and a component without a source, are problems', (t) => {
    const found = (feeds: string, ...components: string[]) => lint(production(t, feeds, components)).map(({ text }) => text);
    assert.deepEqual(found(source('okx')), [
      'openbell-1, feed okx: no ServiceEntry for ws.okx.com:8443; add its component of mesh/egress/venues',
      'openbell-1, feed okx: no ServiceEntry for www.okx.com:443; add its component of mesh/egress/venues',
    ]);
    assert.deepEqual(found(' []', '', '/venues/kraken'), [
      'ServiceEntry openbell/ws-kraken-com: no configured source connects to ws.kraken.com:443',
    ]);
    // An address of the configuration replaces that of the venue.
    assert.deepEqual(found(source('kraken', ', ws-url: "wss://proxy.example"'), '', '/venues/kraken'), [
      'openbell-1, feed kraken: no ServiceEntry for proxy.example:443; add its component of mesh/egress/venues',
      'ServiceEntry openbell/ws-kraken-com: no configured source connects to ws.kraken.com:443',
    ]);
    assert.deepEqual(found(source('kraken', ', ws-url: "ws://proxy.example"')), [
      'openbell-1, feed kraken: proxy.example is not reached by TLS, so that the egress gateway cannot route to it',
    ]);
    assert.deepEqual(found(source('openbell')), [], 'loopback is not outside');
  });

  it('each part of the way to a host is needed', () => {
    const whole = renderOverlay('production-with-feeds', kustomize as readonly string[]);
    const parts: readonly [what: string, from: string | RegExp, to: string, problem: RegExp][] = [
      ['the sidecar', '"istio-egress/istio-egressgateway.istio-egress.svc.cluster.local"', '"istio-egress/other"', /sidecar does not know/],
      ['the route to the gateway', '"gateways":["mesh"],"port":9443', '"gateways":["mesh"],"port":443', /no route to the egress gateway/],
      ['the server of the gateway', '"hosts":["openbell/stream.binance.com"]', '"hosts":["openbell/b.com"]', /gateway does not pass it/],
      [
        'the route of the gateway',
        '"host":"stream.binance.com","port":{"number":9443}',
        '"host":"b.com","port":{"number":9443}',
        /no route from/,
      ],
      [
        'the limit',
        /"connectionPool":(\{[^}]*\{[^}]*\{[^}]*\}\}\}),("outlierDetection":\{[^}]*\}\}\}\},\{[^{]*"kind":"DestinationRule")/,
        '$2',
        /not limited/,
      ],
      ['the port', '"ports":[{"port":9443,"protocol":"TCP"}]', '"ports":[{"port":9444,"protocol":"TCP"}]', /opens 9443/],
      ['the exclusions', '"169.254.0.0/16",', '', /NetworkPolicy istio-egress\/egress-gateway/],
      ['REGISTRY_ONLY', '"mode":"REGISTRY_ONLY"', '"mode":"ALLOW_ANY"', /not REGISTRY_ONLY/],
    ];
    assert.deepEqual(lint(whole), []);
    const text = JSON.stringify(whole);
    for (const [what, from, to, problem] of parts) {
      const broken = text.replace(from, to);
      assert.notEqual(broken, text, what);
      assert.match(
        lint(JSON.parse(broken) as Resource[])
          .map((found) => found.text)
          .join('\n'),
        problem,
        what,
      );
    }
  });

  it('an exchange without feeds opens nothing', () => {
    // Ways out that are not the gateway's are problems of each overlay (no-way-around-egress).
    for (const overlay of ['development', 'production', 'ambient'] as const)
      assert.doesNotMatch(JSON.stringify(renderOverlay(overlay, kustomize as readonly string[])), /"ServiceEntry"|istio-egress/, overlay);
  });
});

/** A host of a venue on this machine: says its name to each client that accepts its certificate. */
async function outsideHost(t: TestContext, authority: Authority, name: string) {
  const { cert, key } = authority.issue({ name, names: `DNS:${name}` });
  const host = { name, port: 0, connections: 0 };
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
    host.connections++;
    socket.on('error', () => undefined);
    socket.end(name);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  host.port = (server.address() as AddressInfo).port;
  return host;
}

/** What the host behind a port says to a client that asks for a name and verifies it; `refused` if the connection is closed instead. */
function ask(ca: Buffer, to: { readonly port: number; readonly host?: string }, servername: string): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect({ ...to, servername, ca, ...(servername === '' && { checkServerIdentity: () => undefined }) });
    socket.on('data', (bytes) => {
      said += bytes;
    });
    socket.on('error', () => resolve('refused'));
    socket.on('close', () => resolve(said === '' ? 'refused' : said));
  });
}

test("istiod's configuration passes TLS on to listed hosts by name, within limits, and to no other", { skip: withoutXds }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-egress-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  const set = renderOverlay('production-with-feeds', kustomize as readonly string[]);
  const tools = { xds: xds as string, envoy: ENVOY as string };
  const sidecar = await receive(tools, dir, set, clusterObjects(set, 3), SHARD);
  const gateway = await receive(tools, dir, set, clusterObjects(set, 3), EGRESS);
  const authority = new Authority(join(dir, 'authority'));
  const hosts = await Promise.all(
    ['stream.binance.com', 'api.binance.com', 'ws.kraken.com', 'hooks.openbell.example'].map((name) => outsideHost(t, authority, name)),
  );
  const clusters = hosts.map(({ name, port }) => [`outbound|${name === 'stream.binance.com' ? 9443 : 443}||${name}`, port] as const);
  const envoy = await Envoy.run(t, dir, bootstrapOf(egressParts(sidecar, gateway, GATEWAY, Object.fromEntries(clusters))));
  const ports = envoy.ports as unknown as Record<'sidecar-443' | 'sidecar-9443', number>;
  const ca = readFileSync(authority.ca.cert);
  const [https, streams] = [{ port: ports['sidecar-443'] }, { port: ports['sidecar-9443'] }];
  const edge = { host: GATEWAY.address, port: GATEWAY.port };

  const connections = () => hosts.map(({ connections }) => connections);
  assert.equal(await ask(ca, streams, 'stream.binance.com'), 'stream.binance.com');
  for (const name of ['api.binance.com', 'ws.kraken.com', 'hooks.openbell.example']) assert.equal(await ask(ca, https, name), name);
  assert.equal(await ask(ca, edge, 'ws.kraken.com'), 'ws.kraken.com');
  assert.deepEqual(connections(), [1, 1, 2, 1]);

  const refused: readonly [to: typeof https, servername: string][] = [
    [https, 'elsewhere.example'],
    [https, 'www.kraken.com'],
    [https, ''],
    // A listed host, on a port that is not its own.
    [https, 'stream.binance.com'],
    [streams, 'ws.kraken.com'],
    [edge, 'elsewhere.example'],
    [edge, ''],
  ];
  for (const [to, servername] of refused) assert.equal(await ask(ca, to, servername), 'refused', `${servername} at ${to.port}`);
  assert.deepEqual(connections(), [1, 1, 2, 1], 'none of them reached a host');

  for (const [name] of clusters) {
    const { circuit_breakers: breakers, outlier_detection: ejection } = gateway.clusters.find((cluster) => cluster.name === name) as Json;
    assert.deepEqual([breakers.thresholds[0].max_connections, ejection.consecutive_5xx, ejection.max_ejection_percent], [256, 5, 50], name);
  }
});
