import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ENVOY = new URL('../../mesh/envoy/', import.meta.url);
/** Directory of certificates and keys in the files of mesh/envoy. */
const CONFIGURED_DIR = '/etc/openbell/envoy';

/** The parts of a bootstrap that are changed here; the rest is unchanged. */
export interface Bootstrap {
  admin: { address: Address };
  static_resources: { listeners: Listener[]; clusters: Cluster[] };
  [rest: string]: unknown;
}

interface Address {
  socket_address: { address: string; port_value: number };
}

export interface Listener {
  name: string;
  address: Address;
  filter_chains: { transport_socket?: unknown; filters: { typed_config: HttpConnectionManager }[] }[];
  [rest: string]: unknown;
}

export interface HttpConnectionManager {
  http_filters: { name: string; typed_config: Record<string, unknown> }[];
  [rest: string]: unknown;
}

export interface Cluster {
  name: string;
  load_assignment: {
    endpoints: { lb_endpoints: { endpoint: { address: Address; health_check_config?: { port_value: number } } }[] }[];
  };
  circuit_breakers: { thresholds: Record<string, number | boolean | string>[] };
  [rest: string]: unknown;
}

/** Ports of the exchange and of a trace collector (0: none). */
export interface UpstreamPorts {
  readonly grpc: number;
  readonly ws: number;
  readonly http: number;
  readonly traces?: number;
}

/** An Envoy file of mesh/envoy with its paths below `dir`. @param name such as `envoy.yaml` */
export function envoyFile(name: string, dir: string): unknown {
  const text = readFileSync(fileURLToPath(new URL(name, ENVOY)), 'utf8');
  return parse(text.replaceAll(CONFIGURED_DIR, dir));
}

/**
 * The bootstrap of mesh/envoy as a user would set it up: files in `dir`, the
 * exchange's ports, everything on loopback. Its own ports are any free ones.
 */
export function localBootstrap(dir: string, upstream: UpstreamPorts): Bootstrap {
  const bootstrap = envoyFile('envoy.yaml', dir) as Bootstrap;
  bootstrap.admin.address = loopback(0);
  for (const listener of bootstrap.static_resources.listeners) listener.address = loopback(0);
  const ports: Record<string, number> = {
    'openbell-orders': upstream.grpc,
    'openbell-market': upstream.ws,
    'openbell-administration': upstream.http,
    traces: upstream.traces ?? 9,
  };
  for (const cluster of bootstrap.static_resources.clusters) {
    for (const { endpoint } of cluster.load_assignment.endpoints.flatMap(({ lb_endpoints }) => lb_endpoints)) {
      endpoint.address = loopback(ports[cluster.name]);
      if (endpoint.health_check_config !== undefined) endpoint.health_check_config.port_value = upstream.http;
    }
  }
  return bootstrap;
}

/** @throws Error when there is none of this name */
export function listenerOf(bootstrap: Bootstrap, name: string): Listener {
  return named(bootstrap.static_resources.listeners, name);
}

/** @throws Error when there is none of this name */
export function clusterOf(bootstrap: Bootstrap, name: string): Cluster {
  return named(bootstrap.static_resources.clusters, name);
}

export function connectionManager(listener: Listener): HttpConnectionManager {
  return listener.filter_chains[0].filters[0].typed_config;
}

function named<T extends { name: string }>(list: readonly T[], name: string): T {
  const found = list.find((each) => each.name === name);
  if (found === undefined) throw new Error(`mesh/envoy/envoy.yaml has no ${name}`);
  return found;
}

function loopback(port: number): Address {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
