import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { clusterOf, localBootstrap } from '../bench/mesh/bootstrap.ts';
import type { Json } from '../mesh/checks/istio-xds.ts';
import { webSocket } from './support/envoy-client.ts';
import { ENVOY, EnvoyFiles, withoutEnvoy } from './support/envoy-fixture.ts';
import { venue } from './support/envoy-venue.ts';

const options = { skip: withoutEnvoy };
const ENVOY_YAML = new URL('../mesh/envoy/envoy.yaml', import.meta.url);
const TEXT = readFileSync(ENVOY_YAML, 'utf8');
const written = (): Json => parse(TEXT);
/** The file says how to start Envoy. */
const COMMAND = /^#\s+(envoy -c envoy\.yaml .*)$/m.exec(TEXT)?.[1] ?? '';

/** What tests of behaviour replace or do not reach, as it is written. A changed value is changed here, too, with its reason. */
test('addresses, limits, timeouts and buffers are as written here', () => {
  const { admin, static_resources: all, overload_manager: overload } = written();
  assert.deepEqual(admin, { address: { socket_address: { address: '127.0.0.1', port_value: 9901 } } }, 'loopback only');
  const keepalive = { keepalive_time: 30, keepalive_interval: 10, keepalive_probes: 3 };
  const listeners = all.listeners.map((listener: Json) => {
    const { name, address, per_connection_buffer_limit_bytes: buffer, tcp_keepalive, filter_chains: chains } = listener;
    const [{ transport_socket_connect_timeout: handshake, filters }] = chains;
    const { typed_config: manager } = filters[0];
    const { stream_idle_timeout, request_timeout, request_headers_timeout, drain_timeout, common_http_protocol_options: http } = manager;
    assert.deepEqual(tcp_keepalive, keepalive, name);
    assert.deepEqual(http, { idle_timeout: '300s', max_headers_count: 64, headers_with_underscores_action: 'REJECT_REQUEST' }, name);
    const routes = manager.route_config.virtual_hosts[0].routes.map(({ route }: Json) => [route.timeout, route.idle_timeout]);
    const { address: host, port_value: port } = address.socket_address;
    return [name, host, port, buffer, handshake, stream_idle_timeout, request_timeout, request_headers_timeout, drain_timeout, routes];
  });
  const never = ['0s', '0s'];
  assert.deepEqual(listeners, [
    ['orders', '0.0.0.0', 8401, 262144, '5s', '0s', '0s', '10s', '5s', Array(5).fill(never)],
    ['market', '0.0.0.0', 8402, 65536, '5s', '0s', '0s', '10s', '5s', Array(7).fill(never)],
    ['queries', '0.0.0.0', 8403, 65536, '5s', '30s', '10s', '10s', '5s', [['15s', undefined]]],
    ['administration', '0.0.0.0', 8404, 65536, '5s', '30s', '10s', '10s', '5s', [['15s', undefined]]],
  ]);
  const orders = all.listeners[0].filter_chains[0].filters[0].typed_config.http2_protocol_options;
  assert.deepEqual(orders, {
    max_concurrent_streams: 256,
    initial_stream_window_size: 1048576,
    initial_connection_window_size: 4194304,
    connection_keepalive: { interval: '30s', timeout: '10s' },
  });
  const clusters = all.clusters.map((cluster: Json) => {
    const { name, connect_timeout: connect, per_connection_buffer_limit_bytes: buffer, circuit_breakers: breakers } = cluster;
    const [{ priority: _, track_remaining: counted, ...limits }] = breakers.thresholds;
    const address = cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address;
    const protocol = cluster.typed_extension_protocol_options['envoy.extensions.upstreams.http.v3.HttpProtocolOptions'];
    const idle = protocol.common_http_protocol_options?.idle_timeout;
    return [name, `${address.address}:${address.port_value}`, connect, buffer, idle, counted, ...Object.values(limits)];
  });
  // max_connections, max_pending_requests, max_requests, max_retries
  assert.deepEqual(clusters, [
    ['openbell-orders', '127.0.0.1:7401', '1s', 1048576, '0s', true, 64, 4096, 4096, 0],
    ['openbell-market', '127.0.0.1:7402', '1s', 65536, '4s', true, 32768, 8192, 17408, 0],
    ['openbell-administration', '127.0.0.1:7403', '1s', undefined, '4s', true, 64, 64, 64, 0],
    ['traces', 'jaeger:4317', '1s', undefined, undefined, undefined, 0],
  ]);
  const checks = all.clusters.map(({ health_checks: [check] = [] }: Json) => {
    return check && [check.timeout, check.interval, check.unhealthy_threshold, check.healthy_threshold];
  });
  assert.deepEqual(checks, [['1s', '1s', 2, 1], ['1s', '1s', 2, 1], undefined, undefined]);
  const [connections, heap] = overload.resource_monitors.map(({ typed_config: config }: Json) => config);
  assert.equal(connections.max_active_downstream_connections, 20_000);
  assert.equal(heap.max_heap_size_bytes, 2 ** 31);
  assert.deepEqual(
    overload.actions.map(({ name, triggers: [{ threshold }] }: Json) => [name.split('.').at(-1), threshold.value]),
    [
      ['shrink_heap', 0.9],
      ['stop_accepting_requests', 0.95],
    ],
  );
});

test('10,000 readers fit', () => {
  const { static_resources: all, overload_manager: overload } = written();
  const market = all.clusters.find(({ name }: Json) => name === 'openbell-market').circuit_breakers.thresholds[0];
  const monitors = overload.resource_monitors.map(({ typed_config: config }: Json) => config);
  // What the exchange accepts: readers, and sessions over WebSocket.
  const accepted = 16_384 + 1024;
  assert.ok(market.max_requests >= accepted && monitors[0].max_active_downstream_connections > accepted);
  assert.ok(market.max_connections > market.max_requests, 'else what is too much would wait for a connection, without an answer');
  const BYTES_OF_READER = 71 * 1024;
  assert.ok(monitors[1].max_heap_size_bytes * 0.9 > 16_384 * BYTES_OF_READER);
});

test('the copy that tests start differs from the file in addresses only', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'openbell-envoy-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const copy = localBootstrap('/etc/openbell/envoy', { grpc: 7401, ws: 7402, http: 7403, traces: 4317 }) as Json;
  const file = written();
  assert.equal(copy.admin.address.socket_address.address, '127.0.0.1');
  copy.admin = file.admin;
  for (const [i, listener] of file.static_resources.listeners.entries()) copy.static_resources.listeners[i].address = listener.address;
  const traces = (bootstrap: Json) => bootstrap.static_resources.clusters.at(-1).load_assignment.endpoints[0].lb_endpoints[0].endpoint;
  traces(copy).address = traces(file).address;
  assert.deepEqual(copy, file);
});

test('beyond the breaker of market data, a WebSocket is answered', options, async (t) => {
  let most = 0;
  const { files, envoy } = await venue(t, (bootstrap) => {
    const [limits] = clusterOf(bootstrap, 'openbell-market').circuit_breakers.thresholds;
    // As written, to the scale of a test.
    const scale = Number(limits.max_requests) / 4;
    for (const name of ['max_connections', 'max_pending_requests', 'max_requests']) limits[name] = Math.ceil(Number(limits[name]) / scale);
    most = Number(limits.max_requests);
  });
  const token = await files.token({ roles: 'read-only' });
  const sockets = await openReaders(files, envoy.ports.market, token, most);
  t.after(() => sockets.map((socket) => socket.destroy()));
  const beyond = await webSocket(files, envoy.ports.market, '/', { token });
  assert.equal(beyond.status, 503);
  assert.match(beyond.text, /^UNAVAILABLE: .*overflow/);
  assert.ok((await envoy.stat('cluster.openbell-market.upstream_rq_active_overflow')) > 0);
});

/** One after the other: those that connect at the same time have a limit of their own. */
async function openReaders(files: EnvoyFiles, port: number, token: string, count: number): Promise<TLSSocket[]> {
  const ca = readFileSync(files.authority.ca.cert);
  const lines = ['GET / HTTP/1.1', 'host: localhost', 'connection: Upgrade', 'upgrade: websocket', 'sec-websocket-version: 13'];
  lines.push('sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-protocol: json', `authorization: Bearer ${token}`, '', '');
  const sockets: TLSSocket[] = [];
  while (sockets.length < count) {
    const socket = connect({ host: 'localhost', port, ca, servername: 'localhost' });
    socket.write(lines.join('\r\n'));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(String(answer), /^HTTP\/1\.1 101 /);
    sockets.push(socket.resume());
  }
  return sockets;
}

test('started as the file says, Envoy outlives the shell that started it', options, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'openbell-envoy-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const { dir } = await EnvoyFiles.make(root);
  const bootstrap = localBootstrap(dir, { grpc: 9, ws: 9, http: 9 });
  writeFileSync(join(root, 'envoy.yaml'), JSON.stringify(bootstrap));
  const compose = parse(readFileSync(new URL('../mesh/envoy/docker-compose.yaml', import.meta.url), 'utf8'));
  for (const flag of ['--concurrency', '--disable-hot-restart']) {
    assert.ok(COMMAND.includes(flag) && compose.services.envoy.command.includes(flag), flag);
  }
  const admin = join(root, 'admin');
  const command = COMMAND.replace(/^envoy/, `"${ENVOY}"`).replace('envoy.yaml', join(root, 'envoy.yaml'));
  const shell = `${command} --admin-address-path ${admin} --log-level warning >${root}/log 2>&1 & echo $!; exec sleep 2`;
  const { stdout } = await promisify(execFile)('sh', ['-c', shell]);
  const pid = Number(stdout);
  t.after(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, and the test has failed.
    }
  });
  // The shell is gone.
  await t.waitFor(async () => assert.equal((await fetch(`http://${readFileSync(admin, 'utf8')}/ready`)).status, 200), { timeout: 300_000 });
  process.kill(pid, 0);
});
