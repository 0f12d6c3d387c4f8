import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, parseAllDocuments } from 'yaml';
import { findEnvoy } from '../bench/mesh/envoy-process.ts';
import { connect } from '../gateway/client/index.ts';
import { dashboards, panelQueries } from '../mesh/checks/observability-dashboards.ts';
import { promqlNames } from '../mesh/checks/observability-promql.ts';
import { allRules, OBSERVABILITY } from '../mesh/checks/observability-rules.ts';
import { ExchangeProcess } from './support/exchange-process.ts';

interface Telemetry {
  readonly spec: {
    readonly metrics: { readonly overrides: { readonly tagOverrides?: Record<string, { operation: string }> }[] }[];
    readonly accessLogging: { readonly filter: { readonly expression: string } }[];
  };
}

const file = (name: string) => readFileSync(join(OBSERVABILITY, name), 'utf8');
const telemetry = parse(file('telemetry.yaml')) as Telemetry;
const selectors = [...allRules(), ...[...dashboards().values()].flatMap(panelQueries)].flatMap(({ expr }) => {
  const { selectors, grouping } = promqlNames(expr);
  return selectors.map(({ metric, labels }) => ({ metric, labels: [...labels.map(({ label }) => label), ...grouping] }));
});

describe('the metrics configuration of the proxies', () => {
  it('no rule and no panel needs a label of Istio that telemetry.yaml removes', () => {
    const overrides = telemetry.spec.metrics.flatMap(({ overrides }) => overrides);
    const removed = overrides.flatMap(({ tagOverrides = {} }) => Object.keys(tagOverrides));
    assert.ok(removed.includes('destination_service') && removed.includes('source_principal'));
    const calls = selectors.filter(({ metric }) => metric.startsWith('istio_requests'));
    assert.ok(calls.length > 10);
    for (const { labels } of calls)
      assert.deepEqual(
        labels.filter((label) => removed.includes(label)),
        [],
      );
  });

  it('the sidecar keeps each statistic of Envoy that a rule or a panel uses', () => {
    const patch = parse(file('pod-annotations.yaml')) as { spec: { template: { metadata: { annotations: Record<string, string> } } } };
    const kept = new RegExp(patch.spec.template.metadata.annotations['sidecar.istio.io/statsInclusionRegexps']);
    const read = [...new Set(selectors.map(({ metric }) => metric).filter((metric) => metric.startsWith('envoy_cluster_')))];
    assert.ok(read.length >= 4);
    for (const metric of read) assert.match(`cluster.inbound|7401||.${metric.replace('envoy_cluster_', '')}`, kept);
  });

  it('the gateway logs with the same rule as the shards', () => {
    const gateway = parse(readFileSync(join(OBSERVABILITY, '../base/istio/gateway-log.yaml'), 'utf8')) as Telemetry;
    assert.deepEqual(gateway.spec.accessLogging, telemetry.spec.accessLogging);
  });

  it('the scrape uses the port of the merged metrics, and no other', () => {
    for (const document of parseAllDocuments(file('pod-monitors.yaml'))) {
      const monitor = document.toJS() as { metadata: { name: string }; spec: { podMetricsEndpoints: { path: string; port: string }[] } };
      for (const { path, port } of monitor.spec.podMetricsEndpoints)
        assert.deepEqual([path, port], ['/stats/prometheus', 'http-envoy-prom']);
    }
    assert.match(file('pod-monitors.yaml'), /replacement: \$1:15020/);
  });
});

const envoy = findEnvoy();
const skip = envoy === undefined && process.env.OPENBELL_CI !== '1' ? 'SKIPPED: no envoy (ENVOY_BIN, PATH or .venv)' : false;
if (skip) console.error(skip);

describe('the filter of the access log, in a real Envoy', { skip, timeout: 300_000 }, () => {
  it('logs errors and slow calls; neither fast calls nor sessions, however long', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'openbell-access-log-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const exchange = await ExchangeProcess.start(join(dir, 'data'));
    t.after(() => exchange.end('SIGKILL'));
    const { grpc, ws: wsPort, http: httpPort } = exchange.ports;
    const log = join(dir, 'access.log');
    const config = join(dir, 'bootstrap.json');
    const admin = join(dir, 'admin');
    writeFileSync(config, JSON.stringify(bootstrap(log, grpc, httpPort)));
    assert.ok(envoy, 'there is no envoy: ENVOY_BIN, PATH or .venv');
    const args = [
      '-c',
      config,
      '--concurrency',
      '1',
      '--use-dynamic-base-id',
      '--log-level',
      'error',
      '--admin-address-path',
      admin,
      '--file-flush-interval-msec',
      '100',
    ];
    const proxy = spawn(envoy, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    t.after(() => proxy.kill('SIGKILL'));
    const port = await listenerPort(admin);
    const ask = async (path: string, headers = {}) => (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status;

    const client = await connect({ account: 1, grpcPort: port, wsPort, httpPort, reconnect: false });
    await client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.1', price: '50000.00' });
    assert.equal(await ask('/health/live'), 200);
    assert.equal(await ask('/health/live?slow', { 'x-envoy-fault-delay-request': '300' }), 200);
    assert.equal(await ask('/nowhere'), 404);
    await client.close();
    const stranger = await connect({ account: 9_999_999, grpcPort: port, wsPort, httpPort, reconnect: false }).catch(() => undefined);
    await stranger?.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.1', price: '50000.00' }).catch(() => undefined);
    await stranger?.close();

    let lines: string[] = [];
    for (let tries = 0; tries < 100 && !lines.some((line) => line.includes('NotFound')); tries++) {
      await sleep(100);
      lines = readFileSync(log, 'utf8').trim().split('\n');
    }
    assert.deepEqual(lines, ['200 - /health/live?slow', '404 - /nowhere', '200 NotFound /openbell.OrderEntry/Session']);
  });
});

/** Listening ports of Envoy: it picks them itself and reports them at its admin address. */
async function listenerPort(admin: string): Promise<number> {
  for (let tries = 0; tries < 150; tries++) {
    await sleep(100);
    if (!existsSync(admin)) continue;
    const answer = await fetch(`http://${readFileSync(admin, 'utf8')}/listeners?format=json`).catch(() => undefined);
    const { listener_statuses: [first] = [] } = ((await answer?.json()) ?? {}) as {
      listener_statuses?: { local_address: { socket_address: { port_value: number } } }[];
    };
    if (first) return first.local_address.socket_address.port_value;
  }
  throw new Error('Envoy does not listen');
}

/** A minimal configuration with the filter of telemetry.yaml as from istiod, and a delay for slow calls. */
function bootstrap(log: string, grpcPort: number, httpPort: number): object {
  const type = (name: string, config = {}) => ({ '@type': `type.googleapis.com/envoy.extensions.${name}`, ...config });
  const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const cluster = (name: string, port: number, options = {}) => ({
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] },
    ...options,
  });
  const h2 = {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': type('upstreams.http.v3.HttpProtocolOptions', {
      explicit_http_config: { http2_protocol_options: {} },
    }),
  };
  const manager = type('filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'access_log',
    codec_type: 'AUTO',
    access_log: [
      {
        name: 'file',
        filter: {
          extension_filter: {
            name: 'cel',
            typed_config: type('access_loggers.filters.cel.v3.ExpressionFilter', {
              expression: telemetry.spec.accessLogging[0].filter.expression,
            }),
          },
        },
        typed_config: type('access_loggers.file.v3.FileAccessLog', {
          path: log,
          log_format: { text_format_source: { inline_string: '%RESPONSE_CODE% %GRPC_STATUS% %REQ(:PATH)%\n' } },
        }),
      },
    ],
    http_filters: [
      {
        name: 'fault',
        typed_config: type('filters.http.fault.v3.HTTPFault', { delay: { header_delay: {}, percentage: { numerator: 100 } } }),
      },
      { name: 'router', typed_config: type('filters.http.router.v3.Router') },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [
            { match: { prefix: '/openbell.OrderEntry/' }, route: { cluster: 'orders', timeout: '0s' } },
            { match: { prefix: '/' }, route: { cluster: 'admin' } },
          ],
        },
      ],
    },
  });
  return {
    admin: { address: address(0) },
    static_resources: {
      listeners: [{ name: 'all', address: address(0), filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }] }],
      clusters: [cluster('orders', grpcPort, { typed_extension_protocol_options: h2 }), cluster('admin', httpPort)],
    },
  };
}
