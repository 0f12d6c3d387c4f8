import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ambientObjects, clusterObjects, EDGE, OTHER, SHARD, WAYPOINT } from '../mesh/checks/istio-nodes.ts';
import { ORDER_CALLS, ORDER_STREAMS, REQUIREMENTS, type Requirement, without } from '../mesh/checks/istio-requirements.ts';
import { analyze, istioTool, MESH_CONFIG } from '../mesh/checks/istio-tools.ts';
import { type Json, PARTS, type Part, type Received, receive, receiveEndpoints, receiveListener } from '../mesh/checks/istio-xds.ts';
import { kustomizeTool, MESH, OVERLAYS, type Overlay, renderOverlay } from '../mesh/checks/render.ts';
import { parseResources, type Resource } from '../mesh/checks/resource.ts';
import { ENVOY } from './support/envoy-fixture.ts';

const kustomize = kustomizeTool() as readonly string[];
const istioctl = istioTool('istioctl') as string;
const tools = { xds: istioTool('xds') as string, envoy: ENVOY as string };
const CI = process.env.OPENBELL_CI === '1';
const build = 'run mesh/checks/istio-tools/build.sh';
const withoutAnalyze = !CI && !(kustomize && istioctl) ? `NOT TESTED: needs kubectl and istioctl; ${build}` : false;
const withoutXds = !CI && !(kustomize && tools.xds && tools.envoy) ? `NOT TESTED: needs kubectl, Envoy and xds; ${build}` : false;

const NODES = { shard: SHARD, edge: EDGE, other: OTHER };

async function received(
  t: TestContext,
  set: readonly Resource[],
  proxy: keyof typeof NODES,
  meshConfig?: string,
  parts: readonly Part[] = PARTS,
): Promise<Received> {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-xds-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return receive(tools, dir, set, clusterObjects(set, 3), NODES[proxy], meshConfig, parts);
}

/** Whether a requirement holds, and the parts that it reads. */
function readParts({ holds }: Requirement, whole: Received): { readonly holds: boolean; readonly parts: readonly Part[] } {
  const parts = new Set<Part>();
  const recording: Received = {
    get clusters() {
      parts.add('clusters');
      return whole.clusters;
    },
    get listeners() {
      parts.add('listeners');
      return whole.listeners;
    },
    get routes() {
      parts.add('listeners');
      return whole.routes;
    },
  };
  return { holds: holds(recording), parts: [...parts] };
}

function edit(overlay: Overlay, change: (set: string) => string): Resource[] {
  return parseResources(
    change(JSON.stringify(renderOverlay(overlay, kustomize)).slice(1, -1).replaceAll('},{"apiVersion"', '}\n---\n{"apiVersion"')),
    overlay,
  );
}

test('istioctl analyze finds no problem', { skip: withoutAnalyze }, async (t) => {
  for (const overlay of OVERLAYS) {
    await t.test(overlay, () => assert.deepEqual(analyze(istioctl, renderOverlay(overlay, kustomize), overlay === 'ambient'), []));
  }
});

test('istioctl analyze finds injected problems', { skip: withoutAnalyze }, async (t) => {
  const bad: readonly [string, string, string, RegExp][] = [
    ['an undefined subset', '"subset":"shard-0"', '"subset":"shard-9"', /IST0101/],
    ['a gateway that is not there', 'istio-ingress/openbell"', 'istio-ingress/nothing"', /IST0101/],
    ['a timeout of 0s', '"retries":{"attempts":0}', '"retries":{"attempts":0},"timeout":"0s"', /IST0106/],
    ['a filter without a priority', '"priority":20', '"priority":0', /IST0151/],
  ];
  for (const [name, from, to, code] of bad) {
    await t.test(name, () =>
      assert.match(
        analyze(
          istioctl,
          edit('production', (text) => text.replaceAll(from, to)),
        ).join('\n'),
        code,
      ),
    );
  }
});

test('each requirement reaches the proxy, and does not without its line', { skip: withoutXds }, async (t) => {
  const set = renderOverlay('production', kustomize);
  const whole = { shard: await received(t, set, 'shard'), edge: await received(t, set, 'edge'), other: await received(t, set, 'other') };
  for (const requirement of REQUIREMENTS) {
    await t.test(requirement.name, async (t) => {
      const { holds, parts } = readParts(requirement, whole[requirement.proxy]);
      assert.ok(holds, 'it does not hold');
      const changed = await received(t, without(set, requirement), requirement.proxy, undefined, parts);
      assert.ok(!requirement.holds(changed), `it holds without its line in ${requirement.resource}`);
    });
  }
});

test('settings of the mesh reach the proxy', { skip: withoutXds }, async (t) => {
  const set = renderOverlay('production', kustomize);
  const file = join(mkdtempSync(join(tmpdir(), 'openbell-mesh-config-')), 'mesh-config.yaml');
  t.after(() => rmSync(join(file, '..'), { recursive: true }));
  const inbound = ({ listeners }: Received): Json => listeners.find(({ name }) => name === 'virtualInbound').filter_chains.at(-1);
  const minimum = (received: Received) =>
    inbound(received).transport_socket.typed_config.common_tls_context.tls_params.tls_minimum_protocol_version;
  const escaped = (received: Received) => JSON.stringify(received.listeners).includes('UNESCAPE_AND_FORWARD');
  const shard = await received(t, set, 'shard');
  assert.deepEqual([minimum(shard), escaped(shard)], ['TLSv1_3', true]);
  // Istio's default for gateways, too; the agent on the pod, not istiod, passes on the settings of mesh-config.yaml.
  const xfcc = JSON.stringify((await received(t, set, 'edge')).listeners).match(/"forward_client_cert_details":"\w+"/g);
  assert.deepEqual(new Set(xfcc), new Set(['"forward_client_cert_details":"SANITIZE_SET"']));

  const ofPort = shard.listeners
    .flatMap(({ filter_chains }) => filter_chains ?? [])
    .find((chain) => chain.filter_chain_match?.destination_port === 7401);
  const ofShard = JSON.stringify(ofPort.filters.at(-1).typed_config.access_log);
  for (const text of ['%PATH(NQ:PATH)%', 'response.code >= 400']) assert.ok(ofShard.includes(text), text);
  assert.doesNotMatch(
    ofShard,
    /REQ\((X-ENVOY-ORIGINAL-PATH\?)?:PATH\)|%PATH\((?!NQ)|AUTHORIZATION|COOKIE/,
    'what may be a token is not logged',
  );

  const config = readFileSync(MESH_CONFIG, 'utf8');
  writeFileSync(file, config.replace('meshMTLS:\n  minProtocolVersion: TLSV1_3\n', '').replace('DECODE_AND_MERGE_SLASHES', 'BASE'));
  const plain = await received(t, set, 'shard', file);
  assert.deepEqual([minimum(plain), escaped(plain)], ['TLSv1_2', false]);
});

test('staging: a mirror, canaries and drills, and orders have no weights', { skip: withoutXds }, async (t) => {
  const { routes } = await received(t, renderOverlay('staging', kustomize), 'edge');
  const all: Json[] = routes.flatMap(({ virtual_hosts }) => virtual_hosts).flatMap((host: Json) => host.routes ?? []);
  const named = (name: string): Json[] => all.filter((route) => route.name === name);
  const shadow = 'shadow|openbell.openbell.svc.cluster.local';
  for (const { route } of named('grpc-shard-0')) assert.equal(route.request_mirror_policies[0].cluster, `outbound|7401|${shadow}`);
  assert.deepEqual(
    named('market-shard-0')[0].route.weighted_clusters.clusters.map(({ name, weight }: Json) => [name, weight]),
    [
      ['outbound|7402|shard-0|openbell.openbell.svc.cluster.local', 90],
      [`outbound|7402|${shadow}`, 10],
    ],
  );
  const toOrders = all.filter(({ match }) => ORDER_CALLS.includes(match.prefix) || ORDER_STREAMS.includes(match.path));
  assert.ok(
    toOrders.length > 10 && toOrders.every(({ route }) => route.weighted_clusters === undefined && route.retry_policy === undefined),
  );
  assert.ok(
    toOrders.every(({ route }) => !route.cluster.includes('|shadow|')),
    'the shadow has no route of its own',
  );
  assert.equal(named('grpc-canary')[0].route.cluster, 'outbound|7401|canary|openbell.openbell.svc.cluster.local');
  const faults = all.filter((route) => JSON.stringify(route).includes('"envoy.filters.http.fault"'));
  // One for each service of orders.
  assert.deepEqual(faults.map(({ name }) => name).sort(), ['drill-abort', 'drill-abort', 'drill-delay', 'drill-delay']);
  for (const { match } of faults) assert.ok(match.headers.some(({ name }: Json) => name === 'x-openbell-drill'));
  const shard0 = readFileSync(join(MESH, 'overlays/staging/shards/venues/openbell-0.yaml'), 'utf8');
  assert.equal(readFileSync(join(MESH, 'overlays/staging/istio/openbell-2.yaml'), 'utf8'), shard0, 'the shadow has the venue of shard 0');
});

test('faults and mirrors are in staging only', { skip: !CI && !kustomize ? 'NOT TESTED: needs kubectl' : false }, () => {
  for (const overlay of OVERLAYS) {
    const text = JSON.stringify(renderOverlay(overlay, kustomize).filter(({ kind }) => kind === 'VirtualService'));
    assert.equal(/"fault":|"mirrors":|"weight":/.test(text), overlay === 'staging', overlay);
  }
});

test('second region: the settings for ordering by locality are present, and no endpoint is ejected', { skip: withoutXds }, async (t) => {
  const { clusters } = await received(t, renderOverlay('second-region', kustomize), 'edge');
  const shards = clusters.filter(({ name }) => /^outbound\|740.\|shard-/.test(name));
  assert.equal(shards.length, 9);
  for (const { outlier_detection: ejection } of shards) {
    // Absent would turn ordering by locality off; Envoy's own default enforces consecutive 5xx, and success rates.
    const { enforcing_consecutive_5xx: errors, enforcing_success_rate: rate, ...rest } = ejection;
    assert.deepEqual([errors, rate], [0, 0], JSON.stringify(ejection));
    assert.ok(!rest.enforcing_consecutive_gateway_failure);
  }
});

test('second region: a gateway prefers the shards of its own region, and has those of the other', { skip: withoutXds }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-xds-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  // Shard 0 and 1 of this region, and shard 0 of the other, as while both have pods.
  const places = async (overlay: Overlay) => {
    const set = renderOverlay(overlay, kustomize);
    const shard0 = 'outbound|7401|shard-0|openbell.openbell.svc.cluster.local';
    const endpoints = await receiveEndpoints(tools, dir, set, clusterObjects(set, 2, 1), EDGE, shard0);
    return endpoints.map(({ locality, priority = 0, lb_endpoints }: Json) => {
      return [locality.region, priority, lb_endpoints.map(({ endpoint }: Json) => endpoint.address.socket_address.address)];
    });
  };
  for (const overlay of ['first-region', 'second-region-takeover'] as const)
    assert.deepEqual(await places(overlay), [
      ['region-1', 0, ['10.2.0.1']],
      ['region-2', 1, ['10.5.0.1']],
    ]);
});

test('ambient: the gateway reaches the exchange through the waypoint only, which knows its callers', { skip: withoutXds }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-xds-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const set = renderOverlay('ambient', kustomize);
  const endpoints = async (set: readonly Resource[], port: number) => {
    const cluster = `outbound|${port}||openbell.openbell.svc.cluster.local`;
    const all = await receiveEndpoints(tools, dir, set, ambientObjects(set, 3), EDGE, cluster);
    return all
      .flatMap(({ lb_endpoints }: Json) => lb_endpoints)
      .map(({ endpoint: { address } }: Json) => address.envoy_internal_address?.endpoint_id ?? address.socket_address.address);
  };

  await t.test('the first lock: the labels of the Service', async () => {
    for (const port of [7401, 7402, 7403]) assert.deepEqual(await endpoints(set, port), ['10.4.0.1:15008'], String(port));
    for (const label of ['istio.io/use-waypoint', 'istio.io/ingress-use-waypoint']) {
      const without = structuredClone(set) as Resource[];
      delete (without.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'openbell') as Json).metadata.labels[label];
      assert.ok(!(await endpoints(without, 7403)).includes('10.4.0.1:15008'), `without ${label}, the gateway bypasses the waypoint`);
    }
  });

  await t.test('tokens and roles, at the waypoint', async () => {
    const { filter_chains: all } = await receiveListener(tools, dir, set, ambientObjects(set, 3), WAYPOINT, 'main_internal');
    const rules = ['admin-accounts', 'admin-actions', 'admin-alert-changes', 'admin-alerts', 'admin-money', 'admin-orders'];
    rules.push('admin-outside', 'admin-questions', 'admin-reference', 'market-data', 'market-protobuf');
    rules.push('order-alerts', 'order-drop-copy', 'order-portfolio', 'order-sessions', 'order-submit', 'order-trading');
    for (const port of [7401, 7402, 7403]) {
      const chain = all.find(({ name }: Json) => name.startsWith(`inbound-vip|${port}|`));
      const { http_filters: filters, route_config: routes } = chain.filters.at(-1).typed_config;
      const at = (name: string): number => filters.findIndex((filter: Json) => filter.name.includes(name));
      assert.ok(at('jwt_authn') !== -1 && at('jwt_authn') < at('rbac') && at('rbac') < at('router'), `${port}: the order of its filters`);
      for (const { issuer, audiences, forward } of Object.values(filters[at('jwt_authn')].typed_config.providers) as Json[])
        assert.deepEqual([issuer, audiences, forward], ['https://issuer.openbell.example', ['openbell'], true]);
      const { action = 'ALLOW', policies } = filters[at('rbac')].typed_config.rules;
      const names = Object.keys(policies).map((name) => /policy\[([\w-]+)\]/.exec(name)?.[1] ?? name);
      assert.deepEqual([action, [...new Set(names)].sort()], ['ALLOW', rules]);
      for (const [name, { principals }] of Object.entries(policies) as [string, Json][])
        for (const text of ['openbell_roles', '"iss"', 'sa/istio-ingressgateway'])
          assert.ok(JSON.stringify(principals).includes(text), `${name}: ${text}`);
      const targets = routes.virtual_hosts.flatMap((host: Json) => host.routes).map(({ route }: Json) => route);
      for (const shard of [0, 1, 2])
        assert.ok(
          targets.some(({ cluster }: Json) => cluster.includes(`/shard-${shard}|`)),
          `${port}: ${shard}`,
        );
      assert.ok(
        targets.every((route: Json) => route.retry_policy === undefined),
        `${port}: no retries`,
      );
    }
  });
});

test('blue-green: routes go to blue until they are switched, green by header', { skip: withoutAnalyze }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-blue-green-'));
  try {
    const path = (name: string) => relative(dir, join(MESH, 'overlays', name));
    const render = (...components: string[]): Resource[] => {
      const file = { resources: [path('production')], components: components.map((name) => path(`staging/istio/${name}`)) };
      writeFileSync(join(dir, 'kustomization.yaml'), JSON.stringify({ kind: 'Kustomization', ...file }));
      const { stdout, stderr } = spawnSync(kustomize[0], [...kustomize.slice(1), dir], { encoding: 'utf8', maxBuffer: 64 << 20 });
      assert.equal(stderr, '');
      return parseResources(stdout, 'blue-green');
    };
    const colours = (set: Resource[]) => {
      const rule = set.find(({ kind }) => kind === 'DestinationRule') as unknown as { spec: { subsets: Json[] } };
      return Object.fromEntries(rule.spec.subsets.map(({ name, labels }) => [name, labels['openbell.io/colour']]));
    };
    const between = render('blue-green');
    assert.deepEqual(colours(between), { 'shard-0': 'blue', 'shard-0-green': 'green', 'shard-1': undefined, 'shard-2': undefined });
    assert.deepEqual(analyze(istioctl, between), []);
    assert.equal(colours(render('blue-green', 'blue-green-switch'))['shard-0'], 'green');
  } finally {
    rmSync(dir, { recursive: true });
  }
});
