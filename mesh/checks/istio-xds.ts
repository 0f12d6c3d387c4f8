import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProxyNode } from './istio-nodes.ts';
import { isIstio, MESH_CONFIG, toYaml } from './istio-tools.ts';
import { groupOf, type Resource } from './resource.ts';

const READY_MS = 60_000;
/** Filters that only Istio's build of Envoy has, for its metrics and its protocol sniffing, are left out. */
const PLAIN_ENVOY = { PILOT_ENABLE_METADATA_EXCHANGE: 'false', PILOT_ENABLE_ALPN_FILTER: 'false' };
const TELEMETRY = 'telemetry.istio.io';

/** The configuration that a proxy received: resources of Envoy, as its admin port shows them. */
export interface Received {
  readonly listeners: readonly Json[];
  readonly clusters: readonly Json[];
  readonly routes: readonly Json[];
}

// biome-ignore lint/suspicious/noExplicitAny: Envoy's configuration has no types here; tests assert what they read.
export type Json = any;

/** What one Envoy receives: clusters, or listeners and their routes. */
export type Part = 'clusters' | 'listeners';
export const PARTS: readonly Part[] = ['clusters', 'listeners'];

/**
 * The configuration that istiod sends to a proxy for these resources, received by a real Envoy over
 * ADS. Ends both processes before it resolves.
 * @param dir for files and logs, the caller's
 * @param parts an Envoy is started for each; to read another one throws
 * @throws Error when Envoy rejects any of it, or receives nothing
 */
export async function receive(
  tools: { readonly xds: string; readonly envoy: string },
  dir: string,
  set: readonly Resource[],
  objects: readonly unknown[],
  node: ProxyNode,
  meshConfig = MESH_CONFIG,
  parts = PARTS,
): Promise<Received> {
  return served(tools, dir, set, objects, meshConfig, async (port) => {
    // One each, because a cluster that waits for its certificate keeps Envoy from requesting listeners.
    const ofClusters = parts.includes('clusters') ? await ask(tools.envoy, dir, port, node, 'cds') : undefined;
    const ofListeners = parts.includes('listeners') ? await ask(tools.envoy, dir, port, node, 'lds') : undefined;
    const asked = <T>(what: T | undefined): T => {
      if (what === undefined) throw new Error(`only ${parts.join(', ')} were asked for`);
      return what;
    };
    return {
      get clusters() {
        return asked(ofClusters).clusters;
      },
      get listeners() {
        return asked(ofListeners).listeners;
      },
      get routes() {
        return asked(ofListeners).routes;
      },
    };
  });
}

/**
 * The endpoints that istiod sends for a cluster, with locality and priority. A cluster with certificates of the mesh would
 * wait for them for ever here, so it is received alone and without TLS.
 * @param cluster such as `outbound|7401|shard-0|openbell.openbell.svc.cluster.local`
 */
export async function receiveEndpoints(
  tools: { readonly xds: string; readonly envoy: string },
  dir: string,
  set: readonly Resource[],
  objects: readonly unknown[],
  node: ProxyNode,
  cluster: string,
): Promise<readonly Json[]> {
  return served(tools, dir, set, objects, MESH_CONFIG, async (port) => (await ask(tools.envoy, dir, port, node, 'eds', cluster)).endpoints);
}

/**
 * A listener as istiod sends it, although stock Envoy cannot run it: that of a waypoint has filters of Istio's build.
 * @param name such as `main_internal`
 */
export async function receiveListener(
  tools: { readonly xds: string; readonly envoy: string },
  dir: string,
  set: readonly Resource[],
  objects: readonly unknown[],
  node: ProxyNode,
  name: string,
): Promise<Json> {
  return served(
    tools,
    dir,
    set,
    objects,
    MESH_CONFIG,
    async (port) => (await ask(tools.envoy, dir, port, node, 'rejected', name)).rejected,
  );
}

/** What `work` makes of an istiod that serves the resources. */
async function served<T>(
  tools: { readonly xds: string },
  dir: string,
  set: readonly Resource[],
  objects: readonly unknown[],
  meshConfig: string,
  work: (port: number) => Promise<T>,
): Promise<T> {
  const resources = set.filter(isIstio).map((resource) => (groupOf(resource.apiVersion) === TELEMETRY ? logsOnly(resource) : resource));
  writeFileSync(join(dir, 'istio.yaml'), toYaml(resources));
  writeFileSync(join(dir, 'cluster.yaml'), toYaml(objects));
  const log = openSync(join(dir, 'xds.log'), 'w');
  const args = [meshConfig, join(dir, 'istio.yaml'), join(dir, 'cluster.yaml')];
  const server = spawn(tools.xds, args, {
    stdio: ['pipe', 'pipe', log],
    env: { ...process.env, ...PLAIN_ENVOY, ...(isAmbient(set) && { PILOT_ENABLE_AMBIENT: 'true' }) },
  });
  try {
    return await work(await portOf(server, join(dir, 'xds.log')));
  } finally {
    server.kill('SIGKILL');
  }
}

function isAmbient(set: readonly Resource[]): boolean {
  return set.some(({ kind, metadata }) => kind === 'Namespace' && metadata.labels?.['istio.io/dataplane-mode'] === 'ambient');
}

/** Metrics need a filter of Istio's build, spans a collector. */
function logsOnly(telemetry: Resource): Resource {
  const { accessLogging } = (telemetry as unknown as { spec: { accessLogging?: unknown } }).spec;
  return { ...telemetry, spec: { accessLogging } } as Resource;
}

/** The port of an xds that serves now. */
async function portOf(server: ChildProcess, log: string): Promise<number> {
  const ended = once(server, 'exit').then(([code]) => {
    throw new Error(`xds ended with ${code}: ${readFileSync(log, 'utf8').slice(-2000)}`);
  });
  const [address] = await Promise.race([once(server.stdout as NodeJS.ReadableStream, 'data'), ended]);
  ended.catch(() => undefined);
  const port = /^127\.0\.0\.1:(\d+)\n/.exec(String(address))?.[1];
  if (port === undefined) throw new Error(`xds has no address: ${address}`);
  return Number(port);
}

type Asked = 'cds' | 'lds' | 'eds' | 'rejected';

interface Dump extends Received {
  readonly endpoints: readonly Json[];
  /** The listener that was rejected, if one was asked for. */
  readonly rejected?: Json;
}

async function ask(envoy: string, dir: string, xds: number, node: ProxyNode, what: Asked, name?: string): Promise<Dump> {
  const admin = join(dir, `${what}.admin`);
  writeFileSync(join(dir, 'bootstrap.json'), JSON.stringify(bootstrap(xds, node, what, name)));
  const log = openSync(join(dir, 'envoy.log'), 'w');
  const flags = [
    '-c',
    join(dir, 'bootstrap.json'),
    '--use-dynamic-base-id',
    '--admin-address-path',
    admin,
    '--concurrency',
    '1',
    '--log-level',
    'warning',
  ];
  const child = spawn(envoy, flags, { stdio: ['ignore', log, log] });
  let why = '';
  try {
    const until = Date.now() + READY_MS;
    for (;;) {
      if (Date.now() > until || child.exitCode !== null)
        throw new Error(`Envoy took nothing (${what}): ${why}\n${readFileSync(join(dir, 'envoy.log'), 'utf8').slice(-3000)}`);
      await sleep(100);
      const received = await arrived(admin, what)
        .then((has) => (has ? dump(admin, what === 'rejected' ? name : undefined) : undefined))
        .catch((error: Error) => {
          why = error.message;
        });
      if (received === undefined) continue;
      if (isComplete(received, what)) return received;
      why = `${received.clusters.length} clusters, ${received.listeners.length} listeners`;
    }
  } finally {
    child.kill('SIGKILL');
  }
}

function isComplete({ clusters, listeners, routes, endpoints, rejected }: Dump, what: Asked): boolean {
  if (what === 'rejected') return rejected !== undefined;
  if (what === 'eds') return endpoints.length > 0;
  // A proxy that passes bytes on has no routes.
  return what === 'cds' ? clusters.length > 2 : listeners.length > 0 && (routes.length > 0 || !JSON.stringify(listeners).includes('"rds"'));
}

/** The counters of Envoy's answers to istiod. */
const ANSWERS: Readonly<Record<Asked, RegExp>> = {
  cds: /^cluster_manager\.cds\.update_(success|rejected): [1-9]/m,
  lds: /^listener_manager\.lds\.update_(success|rejected): [1-9]/m,
  eds: /\.update_(success|rejected): [1-9]/m,
  rejected: /^listener_manager\.lds\.update_rejected: [1-9]/m,
};

/** Whether the first answer is there. The whole configuration takes far more of a busy processor to ask for. */
async function arrived(adminFile: string, what: Asked): Promise<boolean> {
  const response = await fetch(`http://${readFileSync(adminFile, 'utf8').trim()}/stats?usedonly&filter=update_(success|rejected)$`);
  return ANSWERS[what].test(await response.text());
}

async function dump(adminFile: string, rejectedListener?: string): Promise<Dump> {
  const response = await fetch(`http://${readFileSync(adminFile, 'utf8').trim()}/config_dump?include_eds`);
  const { configs } = (await response.json()) as { configs: Json[] };
  const rejected = JSON.stringify(configs).match(/"details":"[^"]*"/g);
  if (rejected && rejectedListener === undefined) throw new Error(`Envoy rejected: ${rejected.join('\n')}`);
  const all = configs.flatMap((config) => Object.values(config).filter(Array.isArray).flat()) as Json[];
  const state = (entry: Json, name: string): Json[] => {
    const { '@type': _, ...resource } = (entry.active_state ?? entry.warming_state ?? entry)[name] ?? {};
    return resource.name === undefined ? [] : [resource];
  };
  return {
    listeners: all.flatMap((entry) => state(entry, 'listener')),
    clusters: all.flatMap((entry) => state(entry, 'cluster')),
    routes: all.flatMap((entry) => state(entry, 'route_config')),
    rejected: all.find(({ name }) => rejectedListener !== undefined && name === rejectedListener)?.error_state?.failed_configuration,
    endpoints: all
      .filter(({ endpoint_config: assignment }) => assignment?.cluster_name?.startsWith('outbound|'))
      .flatMap(({ endpoint_config: assignment }) => assignment.endpoints ?? []),
  };
}

function bootstrap(xds: number, node: ProxyNode, what: Asked, eds?: string): unknown {
  const http2 = { explicit_http_config: { http2_protocol_options: {} } };
  const address = { socket_address: { address: '127.0.0.1', port_value: xds } };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address } }] }];
  const options = { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { '@type': HTTP_OPTIONS, ...http2 } };
  const cluster = (name: string, more: object) => ({ name, connect_timeout: '1s', typed_extension_protocol_options: options, ...more });
  // The address of the agent that would serve certificates. No agent runs, so listeners stay warming, which suffices.
  const agent = { lb_endpoints: [{ endpoint: { address: { pipe: { path: './no-agent.sock' } } } }] };
  return {
    node: { ...node, locality: { region: 'region-1', zone: 'zone-a' } },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    // For tunnels of ambient mode.
    bootstrap_extensions: [{ name: 'envoy.bootstrap.internal_listener', typed_config: { '@type': INTERNAL_LISTENER } }],
    dynamic_resources: {
      ads_config: { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }] },
      ...(what !== 'eds' && { [`${what === 'cds' ? what : 'lds'}_config`]: { ads: {}, resource_api_version: 'V3' } }),
    },
    static_resources: {
      clusters: [
        ...(what !== 'eds'
          ? []
          : [{ name: eds, type: 'EDS', eds_cluster_config: { eds_config: { ads: {}, resource_api_version: 'V3' } } }]),
        cluster('xds-grpc', { type: 'STATIC', load_assignment: { cluster_name: 'xds-grpc', endpoints } }),
        cluster('sds-grpc', { type: 'STATIC', load_assignment: { cluster_name: 'sds-grpc', endpoints: [agent] } }),
      ],
    },
  };
}

const INTERNAL_LISTENER = 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener';
const HTTP_OPTIONS = 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
