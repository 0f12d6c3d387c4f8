import type { Json, Received } from './istio-xds.ts';

/** PEM files that the agent or a secret would have given to the proxy. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** The permitted peers. */
  readonly ca: string;
}

interface Parts {
  readonly listeners: Json[];
  readonly clusters: Json[];
}

/**
 * The configuration that istiod sent to a proxy, as a bootstrap that runs on one host.
 * Filters, routes, limits and TLS settings are unchanged. Addresses are replaced
 * (no pods, no iptables), and certificates come from files.
 */
export function bootstrapOf(...parts: readonly Parts[]): unknown {
  const all = { listeners: parts.flatMap((part) => part.listeners), clusters: parts.flatMap((part) => part.clusters) };
  return { admin: { address: socket('127.0.0.1', 0) }, static_resources: all };
}

/**
 * The shard's side: a listener for each inbound port, at its port number in
 * the pod, which rules refer to, on a separate address.
 * @param exchange the port behind each
 */
export function shardParts(received: Received, address: string, exchange: Readonly<Record<number, number>>, tls: TlsFiles): Parts {
  const inbound = received.listeners.find(({ name }) => name === 'virtualInbound');
  const ports = Object.keys(exchange).map(Number);
  const listeners = ports.map((port) => {
    const chain = inbound.filter_chains.find(({ filter_chain_match: match }: Json) => match?.destination_port === port);
    const own = JSON.parse(JSON.stringify(chain).replaceAll(`"cluster":"inbound|${port}||"`, `"cluster":"${address}:${port}"`));
    return {
      name: `shard-${address}:${port}`,
      address: socket(address, port),
      filter_chains: [{ ...withFiles(own, tls), filter_chain_match: {} }],
    };
  });
  const clusters = ports.map((port) => {
    const cluster = received.clusters.find(({ name }) => name === `inbound|${port}||`);
    const name = `${address}:${port}`;
    return { ...cluster, name, load_assignment: assignment(name, '127.0.0.1', exchange[port]) };
  });
  return { listeners, clusters };
}

/**
 * The gateway's side: a listener per server (`orders`, `market`, `query`, `admin`) on a
 * free port. Server names are not checked, because each has its own port here.
 * @param at address of a shard by its subset; a subset that is not named has no endpoint
 * @param shown the content of the gateway's secrets, by name
 */
export function edgeParts(
  received: Received,
  at: Readonly<Record<string, string>>,
  shown: Readonly<Record<string, TlsFiles>>,
  mesh: TlsFiles,
): Parts {
  const chains: Json[] = received.listeners.flatMap(({ filter_chains }) => filter_chains);
  const listeners = chains.map((chain) => {
    const { typed_config: manager } = chain.filters[0];
    const routes = received.routes.find(({ name }) => name === manager.rds.route_config_name);
    const { rds: _, ...inline } = { ...manager, route_config: { ...routes, validate_clusters: false } };
    const filters = [{ ...chain.filters[0], typed_config: inline }];
    const name = chain.filter_chain_match.server_names[0].split('.')[0];
    const own = withFiles(chain, shown[secretOf(chain)]);
    return { name, address: socket('127.0.0.1', 0), filter_chains: [{ ...own, filters, filter_chain_match: {} }] };
  });
  const clusters = received.clusters
    .filter(({ name }) => /^outbound\|740.\|./.test(name) && !name.includes('||'))
    .map(({ eds_cluster_config: _, ...cluster }) => {
      const [, port, subset] = cluster.name.split('|');
      return {
        ...withFiles(cluster, mesh),
        type: 'STATIC',
        load_assignment: assignment(cluster.name, at[subset] ?? '127.0.9.254', Number(port)),
      };
    });
  return { listeners, clusters };
}

const EGRESS_CLUSTER = 'outbound|443||istio-egressgateway.istio-egress.svc.cluster.local';

/**
 * The way out: a listener `sidecar-PORT` for each port on which the sidecar takes connections to outside hosts, on a free
 * port, and the listener of the egress gateway, `egress`.
 * @param at address and port of the egress gateway @param outside the port on this host of each cluster of an outside host
 */
export function egressParts(
  sidecar: Received,
  gateway: Received,
  at: { readonly address: string; readonly port: number },
  outside: Readonly<Record<string, number>>,
): Parts {
  const out = sidecar.listeners.filter(({ filter_chains }) =>
    JSON.stringify(filter_chains ?? []).includes(`"cluster":"${EGRESS_CLUSTER}"`),
  );
  const outward = out
    .filter(({ name }) => name.startsWith('0.0.0.0_'))
    .map(({ bind_to_port: _, ...listener }) => ({
      ...listener,
      name: `sidecar-${listener.address.socket_address.port_value}`,
      address: socket('127.0.0.1', 0),
    }));
  const [listener] = gateway.listeners;
  const { eds_cluster_config: _, ...toGateway } = sidecar.clusters.find(({ name }) => name === EGRESS_CLUSTER);
  const hosts = gateway.clusters
    .filter(({ name }) => outside[name] !== undefined)
    .map((cluster) => ({ ...cluster, type: 'STATIC', load_assignment: assignment(cluster.name, '127.0.0.1', outside[cluster.name]) }));
  return {
    listeners: [...outward, { ...listener, name: 'egress', address: socket(at.address, at.port) }],
    clusters: [
      ...sidecar.clusters.filter(({ name }) => name === 'BlackHoleCluster'),
      { ...toGateway, type: 'STATIC', load_assignment: assignment(EGRESS_CLUSTER, at.address, at.port) },
      ...hosts,
    ],
  };
}

/** The secret of a server of the gateway: `kubernetes://NAME`. */
export function secretOf({ transport_socket: transport }: Json): string {
  const [{ name }] = transport.typed_config.common_tls_context.tls_certificate_sds_secret_configs;
  return name.replace('kubernetes://', '');
}

function withFiles(owner: Json, { cert, key, ca }: TlsFiles): Json {
  const { transport_socket: transport } = owner;
  const {
    tls_certificate_sds_secret_configs: _,
    combined_validation_context: combined,
    ...common
  } = transport.typed_config.common_tls_context;
  const context = {
    ...common,
    tls_certificates: [{ certificate_chain: { filename: cert }, private_key: { filename: key } }],
    ...(combined && { validation_context: { ...combined.default_validation_context, trusted_ca: { filename: ca } } }),
  };
  return { ...owner, transport_socket: { ...transport, typed_config: { ...transport.typed_config, common_tls_context: context } } };
}

function assignment(cluster_name: string, address: string, port: number): unknown {
  return { cluster_name, endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(address, port) } }] }] };
}

function socket(address: string, port_value: number): unknown {
  return { socket_address: { address, port_value } };
}
