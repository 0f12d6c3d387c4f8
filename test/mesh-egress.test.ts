/** Connections of the exchange to outside hosts: mesh/egress, its checks, and what istiod makes of it in a real Envoy. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, it, type TestContext, test } from 'node:test';
import { VENUES } from '../feeds/venues/index.ts';
import { feedAddresses } from '../mesh/checks/egress.ts';
import { lint } from '../mesh/checks/lints/index.ts';
import { kustomizeTool, MESH, renderDirectory, renderOverlay } from '../mesh/checks/render.ts';
import type { Resource } from '../mesh/checks/resource.ts';
import { problemsOf } from '../mesh/checks/validate.ts';
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
    for (const url of ledger.asked) assert.equal(origin(url), origin(urls.httpUrl ?? ''), url);
    assert.equal(ledger.asked.length > 0, urls.httpUrl !== undefined, `${ledger.asked}`);
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
