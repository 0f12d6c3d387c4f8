import type { Caller } from '../load/transport.ts';
import { type Bootstrap, connectionManager, listenerOf, localBootstrap, type UpstreamPorts } from './bootstrap.ts';
import type { Credentials } from './credentials.ts';

/** A proxy between client and exchange: the order-entry listener of mesh/envoy with some of its filters. */
export interface FilterStage {
  readonly name: string;
  readonly title: string;
  readonly bootstrap: (listen: number) => string;
  readonly caller: Caller;
}

const FILTERS = ['grpc_stats', 'jwt_authn', 'rbac', 'local_ratelimit'] as const;
const TITLES = ['+ gRPC statistics', '+ JWT', '+ RBAC', '+ rate limit'];

/** Each stage adds one feature to the previous one; the last is the unchanged file. */
export function filterStages({ dir, claims, token, tls }: Credentials, upstream: UpstreamPorts): FilterStage[] {
  const build = (change: (bootstrap: Bootstrap) => void) => (listen: number) => {
    const bootstrap = localBootstrap(dir, upstream);
    listenerOf(bootstrap, 'orders').address.socket_address.port_value = listen;
    bootstrap.static_resources.listeners = [listenerOf(bootstrap, 'orders')];
    change(bootstrap);
    return JSON.stringify(bootstrap);
  };
  const stages: FilterStage[] = [
    { name: 'router', title: 'router only', bootstrap: build(strip([], 'none')), caller: { headers: claims } },
  ];
  for (const [i, name] of FILTERS.entries()) {
    const filters = FILTERS.slice(0, i + 1);
    // From JWT on, Envoy sends the identity headers; before, the generator sends them, because the exchange requires them.
    const caller = { headers: i === 0 ? claims : token };
    stages.push({ name, title: TITLES[i], bootstrap: build(strip(filters, 'none')), caller });
  }
  const { ca } = tls;
  stages.push({ name: 'tls', title: '+ TLS 1.3', bootstrap: build(strip(FILTERS, 'server')), caller: { headers: token, tls: { ca } } });
  stages.push({ name: 'mtls', title: '+ client certificate', bootstrap: build(strip(FILTERS, 'both')), caller: { headers: token, tls } });
  stages.push({ name: 'full', title: 'all of mesh/envoy', bootstrap: build(quiet), caller: { headers: token, tls } });
  return stages;
}

/** Keeps of the file: the router, these filters, this level of TLS. */
function strip(filters: readonly string[], tls: 'none' | 'server' | 'both') {
  return (bootstrap: Bootstrap): void => {
    const listener = listenerOf(bootstrap, 'orders');
    const [chain] = listener.filter_chains;
    const manager = connectionManager(listener);
    const kept = [...filters, 'router'].map((name) => `envoy.filters.http.${name}`);
    manager.http_filters = manager.http_filters.filter(({ name }) => kept.includes(name));
    for (const key of ['access_log', 'tracing', 'early_header_mutation_extensions', 'local_reply_config']) delete manager[key];
    if (tls === 'none') delete chain.transport_socket;
    else if (tls === 'server') {
      const { typed_config } = chain.transport_socket as {
        typed_config: { require_client_certificate: boolean; common_tls_context: Record<string, unknown> };
      };
      typed_config.require_client_certificate = false;
      delete typed_config.common_tls_context.validation_context_sds_secret_config;
    }
    delete bootstrap.overload_manager;
    for (const cluster of bootstrap.static_resources.clusters) delete cluster.health_checks;
  };
}

/** Envoy cannot open the benchmark's standard output as a file. */
function quiet(bootstrap: Bootstrap): void {
  const logs = connectionManager(listenerOf(bootstrap, 'orders')).access_log as { typed_config: { path: string } }[];
  for (const { typed_config } of logs) typed_config.path = '/dev/null';
}
