/**
 * The values of production, of both regions and of ambient mode: what can be changed by one line and stays valid. Each is
 * stated here once more, so that a change is made twice and on purpose. The rest is in lints, requirements and traffic.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { Json } from '../mesh/checks/istio-xds.ts';
import { dashboards } from '../mesh/checks/observability-dashboards.ts';
import { kustomizeTool, MESH, type Overlay, renderOverlay } from '../mesh/checks/render.ts';
import type { Resource } from '../mesh/checks/resource.ts';

const tool = kustomizeTool();
const skip = tool === undefined && process.env.OPENBELL_CI !== '1' ? 'NOT TESTED: neither kustomize nor kubectl is installed' : false;
const { version } = JSON.parse(readFileSync(join(MESH, '../package.json'), 'utf8')) as { version: string };

const rendered = new Map<Overlay, readonly Resource[]>();
function render(overlay: Overlay): readonly Resource[] {
  const set = rendered.get(overlay) ?? renderOverlay(overlay, tool as readonly string[]);
  rendered.set(overlay, set);
  return set;
}

/** The value at a path such as `spec.rules.0.from` of a resource named `Kind name`. */
function valueAt(set: readonly Resource[], resource: string, path: string): unknown {
  const [kind, name] = resource.split(' ');
  let value: Json = set.find((one) => one.kind === kind && one.metadata.name === name);
  assert.ok(value, `${resource} does not exist`);
  for (const key of path.split(' ')) value = value?.[key];
  return value;
}

const SET = 'StatefulSet openbell';
const POD = 'spec template spec';
const EXCHANGE = `${POD} containers 0`;
const TRADING: readonly Overlay[] = ['production', 'first-region', 'second-region-takeover', 'ambient'];
const MESHED: readonly Overlay[] = ['production', 'first-region', 'second-region', 'second-region-takeover'];

type Row = readonly [resource: string, path: string, value: unknown];

/** In every overlay that trades. */
const WORKLOAD: readonly Row[] = [
  [SET, 'spec replicas', 3],
  // `kubectl apply` restarts no shard.
  [SET, 'spec updateStrategy', { type: 'RollingUpdate', rollingUpdate: { partition: 3 } }],
  [SET, 'spec podManagementPolicy', 'Parallel'],
  [SET, 'spec persistentVolumeClaimRetentionPolicy', { whenDeleted: 'Retain', whenScaled: 'Retain' }],
  [SET, 'spec revisionHistoryLimit', 5],
  [SET, 'spec volumeClaimTemplates 0 spec storageClassName', 'openbell-journal'],
  [SET, 'spec volumeClaimTemplates 0 spec accessModes', ['ReadWriteOncePod']],
  [SET, 'spec volumeClaimTemplates 0 spec resources requests storage', '500Gi'],
  [SET, `${EXCHANGE} image`, `ghcr.io/openbell/openbell:${version}`],
  [SET, `${EXCHANGE} resources requests`, { cpu: '4', memory: '4Gi', 'ephemeral-storage': '256Mi' }],
  [SET, `${EXCHANGE} resources limits`, { cpu: '4', memory: '4Gi', 'ephemeral-storage': '256Mi' }],
  [SET, `${POD} terminationGracePeriodSeconds`, 90],
  [SET, `${EXCHANGE} lifecycle preStop sleep seconds`, 5],
  ...(['startup', 'readiness', 'liveness'] as const).flatMap((probe, i): Row[] => [
    [SET, `${EXCHANGE} ${probe}Probe periodSeconds`, [2, 2, 10][i]],
    [SET, `${EXCHANGE} ${probe}Probe timeoutSeconds`, [2, 2, 5][i]],
    [SET, `${EXCHANGE} ${probe}Probe failureThreshold`, [1800, 1, 6][i]],
  ]),
  ['PodDisruptionBudget openbell', 'spec maxUnavailable', 0],
  ['PriorityClass openbell-exchange', 'value', 1_000_000],
  ['VerticalPodAutoscaler openbell', 'spec updatePolicy updateMode', 'Off'],
  ['Telemetry openbell', 'spec tracing 0 randomSamplingPercentage', 1],
  ['PodMonitor openbell', 'spec podMetricsEndpoints 0 interval', '15s'],
  ['PodMonitor openbell', 'spec podMetricsEndpoints 0 scrapeTimeout', '10s'],
  ['PodMonitor openbell-gateway', 'spec podMetricsEndpoints 0 interval', '15s'],
  ['PodMonitor openbell-gateway', 'spec podMetricsEndpoints 0 scrapeTimeout', '10s'],
];

const keepalive = { time: '30s', interval: '10s', probes: 3 };
const pool = (port: number): string => `spec trafficPolicy portLevelSettings ${port - 7401} connectionPool`;
const RULE = 'DestinationRule openbell';
const CONNECTIONS: readonly Row[] = [
  [
    RULE,
    pool(7401),
    {
      tcp: { maxConnections: 1024, connectTimeout: '1s', tcpKeepalive: keepalive },
      http: { http2MaxRequests: 4096, http1MaxPendingRequests: 1024, maxRetries: 1 },
    },
  ],
  [
    RULE,
    pool(7402),
    {
      tcp: { maxConnections: 32768, connectTimeout: '1s', tcpKeepalive: keepalive },
      http: { http1MaxPendingRequests: 4096, http2MaxRequests: 32768, maxRetries: 1, h2UpgradePolicy: 'DO_NOT_UPGRADE' },
    },
  ],
  [
    RULE,
    pool(7403),
    {
      tcp: { maxConnections: 64, connectTimeout: '1s' },
      http: { http1MaxPendingRequests: 64, http2MaxRequests: 64, maxRetries: 1, h2UpgradePolicy: 'DO_NOT_UPGRADE' },
    },
  ],
];

const LIMITS = 'EnvoyFilter openbell-rate-limits';
/** With sidecars. */
const SIDECAR: readonly Row[] = [
  [SET, `${POD} volumes 1 emptyDir`, { medium: 'Memory', sizeLimit: '64Mi' }],
  [SET, 'spec template metadata annotations sidecar.istio.io/proxyCPU', '2'],
  [SET, 'spec template metadata annotations sidecar.istio.io/proxyCPULimit', '2'],
  [SET, 'spec template metadata annotations sidecar.istio.io/proxyMemory', '1Gi'],
  [SET, 'spec template metadata annotations sidecar.istio.io/proxyMemoryLimit', '1Gi'],
  ['ProxyConfig openbell', 'spec concurrency', 2],
  ['ProxyConfig openbell', 'spec environmentVariables', { EXIT_ON_ZERO_ACTIVE_CONNECTIONS: 'true', MINIMUM_DRAIN_DURATION: '5s' }],
  [
    'Sidecar openbell',
    'spec inboundConnectionPool',
    {
      tcp: { maxConnections: 32768, connectTimeout: '1s' },
      http: { http1MaxPendingRequests: 4096, http2MaxRequests: 32768, maxRetries: 1 },
    },
  ],
  ...[0, 1].flatMap((patch): Row[] => {
    const config = `spec configPatches ${patch} patch value typed_config`;
    return [
      // Of the whole shard; then of a subject and account, and of a subject.
      [LIMITS, `${config} token_bucket`, { max_tokens: 20_000, tokens_per_fill: 10_000, fill_interval: '1s' }],
      [LIMITS, `${config} descriptors 0 token_bucket`, { max_tokens: 200, tokens_per_fill: 100, fill_interval: '1s' }],
      [LIMITS, `${config} descriptors 1 token_bucket`, { max_tokens: 400, tokens_per_fill: 200, fill_interval: '1s' }],
      [LIMITS, `${config} max_dynamic_descriptors`, 16_384],
    ];
  }),
];

const FAILOVER = [
  { from: 'region-1', to: 'region-2' },
  { from: 'region-2', to: 'region-1' },
];

function check(overlay: Overlay, rows: readonly Row[]): void {
  for (const [resource, path, value] of rows)
    assert.deepEqual(valueAt(render(overlay), resource, path), value, `${overlay}: ${resource}: ${path}`);
}

test('the workload, its probes, volumes, budget and observation', { skip }, () => {
  for (const overlay of TRADING) check(overlay, WORKLOAD);
  check(
    'second-region',
    WORKLOAD.map((row): Row => (row[1] === 'spec replicas' ? [SET, 'spec replicas', 0] : row)),
  );
});

test('limits of connections, and of callers', { skip }, () => {
  for (const overlay of [...MESHED, 'ambient'] as const) check(overlay, CONNECTIONS);
  for (const overlay of MESHED) check(overlay, SIDECAR);
});

test('a shard has a CPU for each thread of its topology', { skip }, () => {
  for (const overlay of TRADING) {
    const { env, resources } = valueAt(render(overlay), SET, EXCHANGE) as Json;
    assert.equal(env.find(({ name }: Json) => name === 'OPENBELL_TOPOLOGY').value, 'pinned');
    // I/O, engine and journal spin on one each; history, libuv and V8 share the fourth (docs/TUNING.md).
    assert.ok(Number(resources.limits.cpu) >= 4);
  }
});

test('two regions: where the gateways go when their own has no shard', { skip }, () => {
  for (const overlay of ['first-region', 'second-region', 'second-region-takeover'] as const)
    for (const port of [0, 1, 2]) {
      const settings = `spec trafficPolicy portLevelSettings ${port}`;
      check(overlay, [
        [RULE, `${settings} loadBalancer`, { simple: 'LEAST_REQUEST', localityLbSetting: { enabled: true, failover: FAILOVER } }],
        [RULE, `${settings} outlierDetection`, { consecutive5xxErrors: 0, consecutiveGatewayErrors: 0 }],
      ]);
    }
  for (const overlay of ['production', 'ambient'] as const)
    assert.doesNotMatch(JSON.stringify(valueAt(render(overlay), RULE, 'spec')), /localityLbSetting|outlierDetection/);
});

test('a takeover begins with the snapshot of each shard, at the size of its volume', { skip }, () => {
  for (const shard of [0, 1, 2]) {
    const claim = `PersistentVolumeClaim journal-openbell-${shard}`;
    check('second-region-takeover', [
      [claim, 'spec dataSource', { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: `openbell-${shard}` }],
      [claim, 'spec storageClassName', 'openbell-journal'],
      [claim, 'spec accessModes', ['ReadWriteOncePod']],
      [claim, 'spec resources requests storage', '500Gi'],
    ]);
  }
});

test('ambient: the waypoint is on the way in, and the only way in', { skip }, () => {
  check('ambient', [
    ['Namespace openbell', 'metadata labels istio.io/dataplane-mode', 'ambient'],
    // The first lock: callers, the gateway included, go through the waypoint.
    ['Service openbell', 'metadata labels istio.io/use-waypoint', 'openbell-waypoint'],
    ['Service openbell', 'metadata labels istio.io/ingress-use-waypoint', 'true'],
    ['Gateway openbell-waypoint', 'metadata labels istio.io/waypoint-for', 'service'],
    ['Gateway openbell-waypoint', 'spec gatewayClassName', 'istio-waypoint'],
    ['Gateway openbell-waypoint', 'spec listeners 0 port', 15008],
    // The second lock: ztunnel admits nobody else to the pods, except Prometheus to the admin port.
    [
      'AuthorizationPolicy from-waypoint',
      'spec rules',
      [
        {
          from: [{ source: { principals: ['cluster.local/ns/openbell/sa/openbell-waypoint'] } }],
          to: [{ operation: { ports: ['7401', '7402', '7403'] } }],
        },
      ],
    ],
    [
      'AuthorizationPolicy from-prometheus',
      'spec rules',
      [{ from: [{ source: { principals: ['cluster.local/ns/monitoring/sa/prometheus'] } }], to: [{ operation: { ports: ['7403'] } }] }],
    ],
    ['AuthorizationPolicy default-deny', 'spec', {}],
    ['PeerAuthentication openbell', 'spec mtls mode', 'STRICT'],
    // The exchange trusts no headers there.
    ['RequestAuthentication openbell', 'spec jwtRules 0 outputClaimToHeaders', undefined],
    ['RequestAuthentication openbell', 'spec jwtRules 1 outputClaimToHeaders', undefined],
  ]);
  const toPods = render('ambient').filter(
    ({ kind, ...one }) => kind === 'AuthorizationPolicy' && (one as Json).spec.selector !== undefined,
  );
  assert.deepEqual(
    toPods.map(({ metadata }) => metadata.name).sort(),
    ['from-prometheus', 'from-waypoint'],
    'rules about roles are for the waypoint',
  );
  for (const resource of render('ambient')) {
    if (resource.kind !== 'AuthorizationPolicy' || /^(from-|default-deny)/.test(resource.metadata.name)) continue;
    const target = [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'openbell-waypoint' }];
    assert.deepEqual((resource as Json).spec.targetRefs, target, resource.metadata.name);
  }
  const { env } = valueAt(render('ambient'), SET, EXCHANGE) as Json;
  assert.ok(!env.some(({ name }: Json) => name === 'OPENBELL_AUTH_PROXIES'), 'no proxy is believed');
});

test('whom the exchange believes, and what the bare Envoy is scraped and sampled for', () => {
  const read = (name: string): Json => parse(readFileSync(join(MESH, 'envoy', name), 'utf8'));
  const { services } = read('docker-compose.yaml');
  assert.deepEqual(services.exchange.command, ['start', '--auth-proxies', '127.0.0.0/8,::1']);
  assert.equal(services.exchange.image, `openbell:${version}`);
  assert.equal(services.exchange.stop_grace_period, '60s');
  assert.deepEqual(services.net.ports, ['8401:8401', '8402:8402', '8403:8403', '8404:8404']);
  assert.deepEqual([services.envoy.ulimits, services.exchange.ulimits], [{ nofile: 65536 }, { nofile: 32768 }]);
  const { global } = read('prometheus.yaml');
  assert.deepEqual(global, { scrape_interval: '15s', evaluation_interval: '15s' });
  for (const listener of read('envoy.yaml').static_resources.listeners) {
    const {
      random_sampling: random,
      client_sampling: client,
      overall_sampling: overall,
    } = listener.filter_chains[0].filters[0].typed_config.tracing;
    assert.deepEqual([random.value, client.value, overall.value], [1, 0, 100], listener.name);
  }
});

test('in Kubernetes, the exchange believes its own sidecar only', { skip }, () => {
  for (const overlay of MESHED) {
    const { env } = valueAt(render(overlay), SET, EXCHANGE) as Json;
    assert.equal(env.find(({ name }: Json) => name === 'OPENBELL_AUTH_PROXIES').value, '127.0.0.0/8,::1');
    assert.ok(!env.some(({ name }: Json) => name === 'OPENBELL_HOST'), 'and listens on loopback');
  }
});

/** The unit that follows from what a query computes; undefined: any. */
function unitOf(expr: string): string | undefined {
  if (/ratio_rate\w+\{[^}]*\} \/ 0\.01$/.test(expr) && !expr.startsWith('1 -')) return 'none';
  if (/:ratio_|gc_duration_seconds_sum|throttled_periods|available_bytes\{.*capacity_bytes/.test(expr)) return 'percentunit';
  if (/rate\(openbell_journal_bytes_total/.test(expr)) return 'Bps';
  if (/rate\(\w*cpu\w*_seconds_total/.test(expr)) return 'none';
  if (/^(sum by \([^)]*\) \()?rate\(\w+_total/.test(expr) || /^sum\(rate\(/.test(expr)) return 'ops';
  if (/_seconds(_bucket|:\w+)?\{/.test(expr) && !expr.includes('sum by (le)') && !expr.includes('process_start_time')) return 's';
  return undefined;
}

test('panels have the unit of their queries, and the percentile of their names', () => {
  let units = 0;
  for (const [name, { panels }] of dashboards()) {
    for (const panel of panels) {
      for (const { expr } of panel.targets ?? []) {
        const unit = unitOf(expr);
        if (unit !== undefined && panel.fieldConfig?.defaults.unit !== undefined) {
          assert.equal(panel.fieldConfig.defaults.unit, unit, `${name}: ${panel.title}: ${expr}`);
          units++;
        }
        const { legendFormat = '' } = { ...(panel.targets?.find((query) => query.expr === expr) as Json) };
        const shown = /\bp(\d+)\b/.exec(legendFormat)?.[1];
        const computed = /:p(\d+)_|_p(\d+)_|histogram_quantile\(0\.(\d+)/.exec(expr)?.slice(1).find(Boolean);
        if (shown !== undefined && computed !== undefined) assert.equal(shown, computed, `${name}: ${panel.title}: ${legendFormat}`);
        const described = /\bp(\d\d)\b/.exec(panel.title)?.[1];
        if (described !== undefined) assert.equal(computed, described, `${name}: ${panel.title}`);
      }
    }
  }
  assert.ok(units > 25, `${units} panels with a unit that follows`);
});

test('a recorded percentile is the one in its name', () => {
  const { groups } = parse(readFileSync(join(MESH, 'observability/rules/exchange.yaml'), 'utf8'));
  const recorded = groups.flatMap(({ rules }: Json) => rules).filter(({ record = '' }: Json) => /:p\d+_/.test(record));
  assert.ok(recorded.length >= 3);
  for (const { record, expr } of recorded) {
    const [, percent, minutes] = /:p(\d+)_(\d+)m$/.exec(record) ?? [];
    assert.match(expr, new RegExp(`^histogram_quantile\\(0\\.${percent.replace(/0$/, '')}0?,`), record);
    assert.ok(expr.includes(`[${minutes}m]`), record);
  }
});
