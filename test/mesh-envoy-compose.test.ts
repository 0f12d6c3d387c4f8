import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { type Compose, composeFaults } from '../mesh/checks/envoy-compose.ts';

const DIR = join(import.meta.dirname, '../mesh/envoy');
const FILE = join(DIR, 'docker-compose.yaml');
const read = (name: string) => parse(readFileSync(join(DIR, name), 'utf8'));

test('the compose file has no dangling references, and no path that bypasses Envoy', () => {
  assert.deepEqual(composeFaults(read('docker-compose.yaml'), FILE), []);
});

const BAD: readonly [string, (compose: { services: Record<string, Record<string, unknown>> }) => void, RegExp][] = [
  [
    'a moving tag',
    ({ services }) => Object.assign(services.jaeger, { image: 'jaegertracing/jaeger:latest' }),
    /jaeger: image .* no exact version/,
  ],
  ['a published exchange', ({ services }) => Object.assign(services.net, { ports: ['7401:7401'] }), /net: publishes 7401:7401/],
  ["Envoy's admin port", ({ services }) => Object.assign(services.net, { ports: ['0.0.0.0:9901:9901'] }), /net: publishes/],
  [
    'ports on a shared network',
    ({ services }) => Object.assign(services.envoy, { ports: ['8401:8401'] }),
    /envoy: publishes ports of a network/,
  ],
  [
    'Grafana beside the exchange',
    ({ services }) => Object.assign(services.grafana, { network_mode: 'service:net' }),
    /grafana: in the exchange's network/,
  ],
  ['an exchange with a separate network', ({ services }) => delete services.exchange.network_mode, /exchange: has a separate network/],
  [
    'an exchange without authentication',
    ({ services }) => Object.assign(services.exchange, { command: ['start'] }),
    /does not authenticate its callers/,
  ],
  ['Envoy stopped first', ({ services }) => Object.assign(services.exchange, { depends_on: ['net'] }), /not stopped before Envoy/],
  ['no health check', ({ services }) => delete services.exchange.healthcheck, /has no health check/],
  [
    'a file that does not exist',
    ({ services }) => Object.assign(services.envoy, { volumes: ['./nothing.yaml:/x'] }),
    /mounts .\/nothing.yaml/,
  ],
  [
    'a volume that is not declared',
    ({ services }) => Object.assign(services.exchange, { volumes: ['log:/data'] }),
    /volume log is not declared/,
  ],
  ['a service that does not exist', ({ services }) => Object.assign(services.net, { depends_on: ['dns'] }), /depends on dns/],
];

for (const [name, spoil, fault] of BAD) {
  test(`found: ${name}`, () => {
    const compose = read('docker-compose.yaml');
    spoil(compose);
    const faults = composeFaults(compose as Compose, FILE);
    assert.ok(
      faults.some((each) => fault.test(each)),
      faults.join('\n'),
    );
  });
}

test('Prometheus and Grafana use the paths of the mounts', () => {
  const { services } = read('docker-compose.yaml') as { services: Record<string, { volumes: string[] }> };
  const target = (service: string, source: string) =>
    services[service].volumes.find((mount) => mount.startsWith(`${source}:`))?.split(':')[1];
  const { rule_files, scrape_configs } = read('prometheus.yaml');
  assert.deepEqual(rule_files, [`${target('prometheus', '../observability/rules')}/*.yaml`]);
  const targets = scrape_configs.flatMap((job: { static_configs: { targets: string[] }[] }) =>
    job.static_configs.flatMap((each) => each.targets),
  );
  const { admin } = read('envoy.yaml');
  assert.deepEqual(targets, ['127.0.0.1:7403', `127.0.0.1:${admin.address.socket_address.port_value}`]);
  const [provider] = read('grafana/dashboards/openbell.yaml').providers;
  assert.equal(provider.options.path, target('grafana', '../observability/dashboards'));
  for (const name of ['venue', 'latency', 'mesh']) assert.ok(existsSync(join(DIR, `../observability/dashboards/${name}.json`)));
  const { datasources } = read('grafana/datasources/openbell.yaml') as { datasources: { url: string }[] };
  for (const { url } of datasources) assert.ok(new URL(url).hostname in services, url);
});
