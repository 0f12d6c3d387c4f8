import { CLAIM_HEADERS } from '../../gateway/config/proxy-list.ts';
import { secretOf } from './istio-rehost.ts';
import type { Json, Received } from './istio-xds.ts';
import type { Resource } from './resource.ts';

/** A property of a proxy's configuration, and the line that is needed for it. */
export interface Requirement {
  readonly name: string;
  /** Kind and name of the resource that has the line. */
  readonly resource: string;
  readonly proxy: 'shard' | 'edge' | 'other';
  readonly holds: (received: Received) => boolean;
  /** Removes the line, or violates the requirement. Gets the spec; undefined deletes the resource. */
  readonly without: ((spec: Json) => void) | undefined;
}

const ROUTER = 'envoy.filters.http.router';
const GATEWAY = 'spiffe://cluster.local/ns/istio-ingress/sa/istio-ingressgateway';

const chains = ({ listeners }: Received): Json[] => listeners.flatMap(({ filter_chains }) => filter_chains ?? []);
const tls = (chain: Json): Json => chain.transport_socket?.typed_config;
const minimum = (chain: Json): string => tls(chain).common_tls_context.tls_params.tls_minimum_protocol_version;
const named = (received: Received, server: string): Json =>
  chains(received).find(({ filter_chain_match: match }) => match.server_names?.[0] === `${server}.openbell.example`);
const routes = ({ routes }: Received): Json[] =>
  routes.flatMap(({ virtual_hosts }) => virtual_hosts ?? []).flatMap((host: Json) => host.routes ?? []);
const forwarded = (received: Received): Json[] => routes(received).filter(({ route }) => route?.cluster?.startsWith('outbound|740'));
/** Routes of one server of the gateway. */
const routesOf = ({ routes: configs, ...rest }: Received, server: string): Json[] =>
  routes({ ...rest, routes: configs.filter(({ name }) => name.includes(`https-${server}`)) });
const choosesShard = (received: Received, server: string, port: number): boolean =>
  [0, 1, 2].every((shard) =>
    routesOf(received, server).some(
      ({ match, route }) =>
        match.headers?.some((header: Json) => header.string_match?.exact === String(shard)) &&
        route.cluster.startsWith(`outbound|${port}|shard-${shard}|`),
    ),
  );
const methodOf = (match: Json): string | undefined => match.headers?.find(({ name }: Json) => name === ':method')?.string_match?.exact;
/** By method: the requests of members that change their orders, alerts and webhooks. */
const CHANGES: Readonly<Record<string, string>> = {
  POST: '/v1/(orders|alerts|webhooks(/[0-9]+/(rotate|replay))?)',
  DELETE: '/v1/((alerts|webhooks)/[0-9]+|orders(/(by-client-order-id/)?[0-9]+)?)',
  PATCH: '/v1/orders/(by-client-order-id/)?[0-9]+',
};
/** A route of exactly those requests. */
const changesOwn = (match: Json): boolean => match.safe_regex !== undefined && CHANGES[methodOf(match) ?? ''] === match.safe_regex.regex;
/** A route of queries. */
const queries = ({ prefix, path, ...match }: Json): boolean =>
  methodOf(match) === 'GET' && (/^\/(v1|health)\/$/.test(prefix ?? '') || path === '/openapi.json' || path === '/asyncapi.json');
/** Calls over gRPC that send orders: their routes are those of a shard's only writer. */
export const ORDER_CALLS: readonly string[] = ['/openbell.OrderEntry/', '/openbell.v1.Trading/'];
const GRPC_PREFIXES: readonly string[] = [...ORDER_CALLS, '/openbell.v1.MarketData/', '/grpc.reflection.'];
/** Paths of the streams at the host of order entry. */
export const ORDER_STREAMS: readonly string[] = ['/v1/orders', '/v1/drop-copy', '/v1/portfolio', '/v1/alerts'];
const cluster = ({ clusters }: Received, name: string): Json => clusters.find((one) => one.name.startsWith(name));
const inbound = (received: Received, port = 7401): Json =>
  chains(received).find(({ filter_chain_match: match }) => match?.destination_port === port && match.transport_protocol === 'tls');
const filters = (received: Received, port = 7401): Json[] => inbound(received, port)?.filters.at(-1).typed_config.http_filters ?? [];
const filter = (received: Received, name: string, port = 7401): Json =>
  filters(received, port).find((one) => one.name.endsWith(name))?.typed_config;
/** The providers for the token of a program, and for that of a web page. */
const jwts = (received: Received): Json[] => Object.values(filter(received, 'jwt_authn')?.providers ?? {});
const jwt = (received: Received): Json => jwts(received)[0];
const limit = (received: Received, port = 7401): Json => filter(received, 'local_ratelimit', port);

const ORDERS = 'VirtualService openbell-orders';
const RULE = 'DestinationRule openbell';
const TOKENS = 'RequestAuthentication openbell';
const LIMITS = 'EnvoyFilter openbell-rate-limits';

const POLICIES = [
  'order-sessions',
  'order-drop-copy',
  'order-portfolio',
  'order-alerts',
  'order-submit',
  'order-trading',
  'market-data',
  'market-protobuf',
  'admin-reference',
  'admin-outside',
  'admin-accounts',
  'admin-orders',
  'admin-alerts',
  'admin-alert-changes',
  'admin-questions',
  'admin-money',
  'admin-actions',
] as const;

export const REQUIREMENTS: readonly Requirement[] = [
  {
    name: 'the gateway accepts TLS 1.3 and nothing older',
    resource: 'Gateway openbell',
    proxy: 'edge',
    holds: (received) => chains(received).length === 4 && chains(received).every((chain) => minimum(chain) === 'TLSv1_3'),
    // Omitting it is not enough: mesh-config.yaml sets 1.3, too.
    without: (spec) => {
      spec.servers[0].tls.minProtocolVersion = 'TLSV1_2';
    },
  },
  {
    name: 'orders and administration require a client certificate, market data does not',
    resource: 'Gateway openbell',
    proxy: 'edge',
    holds: (received) =>
      tls(named(received, 'orders')).require_client_certificate === true &&
      tls(named(received, 'admin')).require_client_certificate === true &&
      tls(named(received, 'query')).require_client_certificate === true &&
      tls(named(received, 'market')).require_client_certificate !== true,
    without: (spec) => {
      spec.servers[0].tls.mode = 'SIMPLE';
    },
  },
  {
    name: 'administration has an authority of its own',
    resource: 'Gateway openbell',
    proxy: 'edge',
    holds: (received) =>
      secretOf(named(received, 'admin')) !== secretOf(named(received, 'orders')) &&
      secretOf(named(received, 'query')) === secretOf(named(received, 'orders')),
    without: (spec) => {
      spec.servers.find(({ name }: Json) => name === 'admin').tls.credentialName = 'openbell-orders-tls';
    },
  },
  {
    name: 'members can only query over HTTP, apart from their orders, alerts and webhooks',
    resource: 'VirtualService openbell-query',
    proxy: 'edge',
    holds: (received) => routesOf(received, 'query').every(({ match }) => queries(match) || changesOwn(match)),
    without: (spec) => delete spec.http[0].match[0].method,
  },
  {
    name: 'members change their orders, alerts and webhooks over HTTP, on every shard',
    resource: 'VirtualService openbell-query',
    proxy: 'edge',
    holds: (received) =>
      Object.keys(CHANGES).every((method) =>
        [0, 1, 2].every((shard) =>
          routesOf(received, 'query').some(
            ({ match, route }) => changesOwn(match) && methodOf(match) === method && route.cluster.includes(`|shard-${shard}|`),
          ),
        ),
      ),
    without: (spec) => {
      for (const { match } of spec.http) match.pop();
    },
  },
  {
    name: 'no route has a retry',
    resource: ORDERS,
    proxy: 'edge',
    holds: (received) => forwarded(received).length > 0 && forwarded(received).every(({ route }) => route.retry_policy === undefined),
    without: (spec) => delete spec.http[0].retries,
  },
  {
    name: 'no route has a timeout',
    resource: ORDERS,
    proxy: 'edge',
    holds: (received) => forwarded(received).every(({ route }) => route.timeout === '0s'),
    without: (spec) => {
      spec.http[0].timeout = '15s';
    },
  },
  {
    name: 'x-symbol-shard chooses the shard',
    resource: ORDERS,
    proxy: 'edge',
    holds: (received) => [7401, 7402].every((port) => choosesShard(received, 'orders', port)),
    without: (spec) => {
      spec.http.at(-2).route[0].destination.subset = 'shard-0';
    },
  },
  ...(['market', 'query', 'admin'] as const).map(
    (server): Requirement => ({
      name: `x-symbol-shard chooses the shard: ${server}`,
      resource: `VirtualService openbell-${server}`,
      proxy: 'edge',
      holds: (received) => choosesShard(received, server, server === 'market' ? 7402 : 7403),
      without: (spec) => {
        spec.http.at(-1).route[0].destination.subset = 'shard-0';
      },
    }),
  ),
  ...(['orders', 'market', 'query', 'admin'] as const).map(
    (server): Requirement => ({
      name: `every route names a shard: ${server}`,
      resource: `VirtualService openbell-${server}`,
      proxy: 'edge',
      holds: (received) => {
        const all = routesOf(received, server);
        return all.length > 3 && all.every(({ route }) => /\|shard-\d\|/.test(route.cluster));
      },
      without: (spec) => delete spec.http.at(server === 'orders' ? 1 : 0).route[0].destination.subset,
    }),
  ),
  {
    name: 'the host of order entry has its calls and streams, market data in protobuf, and no other path',
    resource: ORDERS,
    proxy: 'edge',
    holds: (received) =>
      routesOf(received, 'orders').every(({ match }) => GRPC_PREFIXES.includes(match.prefix) || ORDER_STREAMS.includes(match.path)),
    without: (spec) => delete spec.http[1].match[1].uri,
  },
  {
    name: 'market data has its two paths, and none of those of orders',
    resource: 'VirtualService openbell-market',
    proxy: 'edge',
    holds: ({ routes }) =>
      routes
        .filter(({ name }) => name.includes('https-market'))
        .flatMap(({ virtual_hosts }) => virtual_hosts)
        .every((host: Json) =>
          host.routes?.every(({ match }: Json) => /^(\/|\/shard\/\d|(\/shard\/\d)?\/v1\/feed-(candles|tail))$/.test(match.path ?? '')),
        ),
    without: (spec) => {
      spec.http[0].match[1].uri = { prefix: '/' };
    },
  },
  {
    name: 'a path chooses the shard, for web pages',
    resource: 'VirtualService openbell-market',
    proxy: 'edge',
    holds: (received) =>
      ['', '/v1/feed-candles', '/v1/feed-tail'].every((path) =>
        [0, 1, 2].every((shard) =>
          forwarded(received).some(
            ({ match, route }) =>
              match.path === `/shard/${shard}${path}` &&
              route.cluster.startsWith(`outbound|7402|shard-${shard}|`) &&
              route.regex_rewrite?.substitution === '/',
          ),
        ),
      ),
    without: (spec) => delete spec.http.at(-1).rewrite,
  },
  {
    name: 'the gateway removes identity headers',
    resource: ORDERS,
    proxy: 'edge',
    holds: (received) =>
      forwarded(received).every((route) => CLAIM_HEADERS.every((name) => route.request_headers_to_remove?.includes(name))),
    without: (spec) => delete spec.http[0].headers,
  },
  {
    name: 'connections to a shard have limits suitable for streams, and keepalive',
    resource: RULE,
    proxy: 'edge',
    holds: (received) => {
      const { circuit_breakers, upstream_connection_options: options } = cluster(received, 'outbound|7401|shard-0|');
      return circuit_breakers.thresholds[0].max_requests === 4096 && options?.tcp_keepalive.keepalive_time === 30;
    },
    without: (spec) => delete spec.trafficPolicy.portLevelSettings[0].connectionPool,
  },
  {
    name: 'WebSockets have such limits, too',
    resource: RULE,
    proxy: 'edge',
    holds: (received) => {
      const { circuit_breakers, upstream_connection_options: options } = cluster(received, 'outbound|7402|shard-0|');
      const { max_connections, max_requests } = circuit_breakers.thresholds[0];
      return max_connections === 32768 && max_requests === 32768 && options?.tcp_keepalive.keepalive_time === 30;
    },
    without: (spec) => delete spec.trafficPolicy.portLevelSettings[1].connectionPool,
  },
  {
    name: 'a connection is not used up by requests',
    resource: RULE,
    proxy: 'edge',
    holds: (received) => !JSON.stringify(cluster(received, 'outbound|7401|shard-0|')).includes('max_requests_per_connection'),
    without: (spec) => {
      spec.trafficPolicy.portLevelSettings[0].connectionPool.http.maxRequestsPerConnection = 1;
    },
  },
  {
    name: 'the only writer is not ejected',
    resource: RULE,
    proxy: 'edge',
    holds: (received) => cluster(received, 'outbound|7401|shard-0|').outlier_detection === undefined,
    without: (spec) => {
      spec.trafficPolicy.portLevelSettings[0].outlierDetection = { consecutive5xxErrors: 5 };
    },
  },
  {
    name: 'the gateway gets the rule',
    resource: RULE,
    proxy: 'edge',
    holds: (received) => cluster(received, 'outbound|7401|shard-0|') !== undefined,
    without: (spec) => {
      spec.exportTo = ['.'];
    },
  },
  {
    name: 'the gateway connects only to the exchange under its name',
    resource: RULE,
    proxy: 'edge',
    holds: (received) =>
      [7401, 7402, 7403].every((port) =>
        JSON.stringify(cluster(received, `outbound|${port}|shard-0|`)).includes('"exact":"spiffe://cluster.local/ns/openbell/sa/openbell"'),
      ),
    without: (spec) => {
      spec.trafficPolicy.portLevelSettings[2].tls = { mode: 'DISABLE' };
    },
  },
  {
    name: 'the shard accepts only TLS of the mesh',
    resource: 'PeerAuthentication openbell',
    proxy: 'shard',
    holds: (received) =>
      chains(received)
        .filter(({ filter_chain_match: match }) => [7401, 7402, 7403].includes(match?.destination_port))
        .every((chain) => chain.filter_chain_match.transport_protocol === 'tls' && tls(chain).require_client_certificate),
    without: undefined,
  },
  {
    name: 'tokens are for this audience',
    resource: TOKENS,
    proxy: 'shard',
    holds: (received) => jwts(received).length > 0 && jwts(received).every(({ audiences }) => audiences?.includes('openbell')),
    without: (spec) => delete spec.jwtRules[0].audiences,
  },
  {
    name: 'a token is accepted in its header only',
    resource: TOKENS,
    proxy: 'shard',
    holds: (received) =>
      jwts(received).length === 2 &&
      jwts(received).every(
        ({ from_params, from_cookies, from_headers }) => (from_params ?? from_cookies) === undefined && from_headers?.length === 1,
      ),
    without: (spec) => delete spec.jwtRules[0].fromHeaders,
  },
  {
    name: 'a web page sends its token as a subprotocol, and its other subprotocols stay',
    resource: TOKENS,
    proxy: 'shard',
    holds: (received) => {
      const { from_headers: from, forward } = jwts(received)[1] ?? {};
      return forward === true && from?.[0].name === 'Sec-WebSocket-Protocol' && from[0].value_prefix === 'openbell.bearer.';
    },
    without: (spec) => delete spec.jwtRules[1].forwardOriginalToken,
  },
  {
    name: 'the exchange gets subject, roles and accounts',
    resource: TOKENS,
    proxy: 'shard',
    holds: (received) => jwts(received).length > 0 && jwts(received).every(({ claim_to_headers: claims }) => claims?.length >= 3),
    without: (spec) => delete spec.jwtRules[0].outputClaimToHeaders,
  },
  {
    name: 'the exchange gets the expiry of the token',
    resource: TOKENS,
    proxy: 'shard',
    holds: (received) =>
      jwts(received).every(({ claim_to_headers: claims }) =>
        claims?.some(({ header_name: header, claim_name: claim }: Json) => header === 'x-openbell-expires' && claim === 'exp'),
      ),
    without: (spec) => spec.jwtRules[0].outputClaimToHeaders.splice(3, 1),
  },
  {
    name: 'the exchange gets the certificate to which a token is bound',
    resource: TOKENS,
    proxy: 'shard',
    holds: (received) =>
      jwts(received).every(({ claim_to_headers: claims }) =>
        claims?.some(({ header_name: header, claim_name: claim }: Json) => header === 'x-openbell-certificate' && claim === 'cnf.x5t#S256'),
      ),
    without: (spec) => spec.jwtRules[0].outputClaimToHeaders.pop(),
  },
  {
    name: 'a role among several counts',
    resource: TOKENS,
    proxy: 'shard',
    holds: (received) => jwt(received)?.normalize_payload_in_metadata?.space_delimited_claims?.includes('openbell_roles') === true,
    without: (spec) => delete spec.jwtRules[0].spaceDelimitedClaims,
  },
  {
    name: 'the token ends at the sidecar',
    resource: TOKENS,
    proxy: 'shard',
    holds: (received) => jwt(received) !== undefined && jwt(received).forward !== true,
    without: (spec) => {
      spec.jwtRules[0].forwardOriginalToken = true;
    },
  },
  {
    name: 'a workload that no rule names rejects every caller',
    resource: 'AuthorizationPolicy default-deny',
    proxy: 'other',
    holds: ({ listeners }) =>
      JSON.stringify(listeners.find(({ name }) => name === 'virtualInbound')).includes('"permissions":[{"not_rule":{"any":true}}]'),
    without: undefined,
  },
  ...POLICIES.flatMap((policy): Requirement[] => {
    const ours = (received: Received): Json =>
      Object.entries(filter(received, 'http.rbac')?.rules?.policies ?? {}).find(([name]) => name.includes(`[${policy}]`))?.[1];
    const resource = `AuthorizationPolicy ${policy}`;
    return [
      {
        name: `${policy}: from the gateway only`,
        resource,
        proxy: 'shard',
        holds: (received) => JSON.stringify(ours(received)?.principals ?? '').includes(GATEWAY),
        without: (spec) => delete spec.rules[0].from[0].source.principals,
      },
      {
        name: `${policy}: by role`,
        resource,
        proxy: 'shard',
        holds: (received) => JSON.stringify(ours(received)?.principals ?? '').includes('openbell_roles'),
        without: (spec) => delete spec.rules[0].when,
      },
      {
        name: `${policy}: for a port`,
        resource,
        proxy: 'shard',
        holds: (received) => JSON.stringify(ours(received)?.permissions ?? '').includes('destination_port'),
        without: (spec) => {
          for (const { operation } of spec.rules[0].to) delete operation.ports;
        },
      },
    ];
  }),
  {
    name: 'every rule requires a token, too',
    resource: 'AuthorizationPolicy order-submit',
    proxy: 'shard',
    holds: (received) => {
      const ours = Object.entries(filter(received, 'http.rbac').rules.policies).filter(([name]) => !name.includes('[default-deny]'));
      return ours.length === POLICIES.length && ours.every(([, policy]) => JSON.stringify(policy).includes('"iss"'));
    },
    without: (spec) => delete spec.rules[0].from[0].source.requestPrincipals,
  },
  {
    name: 'identity headers are removed before any other filter',
    resource: 'EnvoyFilter openbell-identity-headers',
    proxy: 'shard',
    holds: (received) => [7401, 7402, 7403].every((port) => filters(received, port)[0]?.name === 'openbell.identity_headers'),
    without: undefined,
  },
  {
    name: 'limits count after the verification of tokens and the rules, before the router',
    resource: LIMITS,
    proxy: 'shard',
    holds: (received) => {
      const order = filters(received).map(({ name }) => name);
      const at = order.indexOf('envoy.filters.http.local_ratelimit');
      return (
        at > order.indexOf('envoy.filters.http.jwt_authn') && at > order.indexOf('envoy.filters.http.rbac') && order[at + 1] === ROUTER
      );
    },
    without: (spec) => {
      for (const patch of spec.configPatches) delete patch.match.listener.filterChain.filter.subFilter;
    },
  },
  {
    name: 'a caller over the limit gets RESOURCE_EXHAUSTED',
    resource: LIMITS,
    proxy: 'shard',
    holds: (received) => limit(received)?.rate_limited_as_resource_exhausted === true,
    without: (spec) => delete spec.configPatches[0].patch.value.typed_config.rate_limited_as_resource_exhausted,
  },
  {
    name: 'limits are enforced',
    resource: LIMITS,
    proxy: 'shard',
    holds: (received) => limit(received)?.filter_enforced?.default_value.numerator === 100,
    without: (spec) => delete spec.configPatches[0].patch.value.typed_config.filter_enforced,
  },
  {
    name: 'there is a bucket for each of thousands of accounts',
    resource: LIMITS,
    proxy: 'shard',
    holds: (received) => Number(limit(received)?.max_dynamic_descriptors) === 16384,
    without: (spec) => delete spec.configPatches[0].patch.value.typed_config.max_dynamic_descriptors,
  },
  {
    name: 'a WebSocket is counted, too',
    resource: LIMITS,
    proxy: 'shard',
    holds: (received) => limit(received, 7402) !== undefined,
    without: (spec) => spec.configPatches.pop(),
  },
  {
    name: 'the gateway logs calls that end at it, with the account and without the query',
    resource: 'Telemetry openbell-gateway',
    proxy: 'edge',
    holds: (received) =>
      chains(received).every(({ filters: [manager] }) => {
        const log = JSON.stringify(manager.typed_config.access_log ?? '');
        return ['%PATH(NQ:PATH)%', '%REQ(X-OPENBELL-ACCOUNT)%', 'response.code >= 400'].every((text) => log.includes(text));
      }),
    without: undefined,
  },
  {
    name: 'requests end at the loopback of the pod',
    resource: 'Sidecar openbell',
    proxy: 'shard',
    holds: (received) => JSON.stringify(cluster(received, 'inbound|7401|')?.load_assignment ?? '').includes('"127.0.0.1"'),
    without: (spec) => delete spec.ingress,
  },
  {
    name: 'the shard has no configuration for hosts outside of its namespace and the mesh',
    resource: 'Sidecar openbell',
    proxy: 'shard',
    holds: (received) => received.clusters.length > 5 && cluster(received, 'outbound|80||elsewhere.default') === undefined,
    without: (spec) => {
      spec.egress[0].hosts = ['*/*'];
    },
  },
  {
    name: 'unregistered hosts are unreachable',
    resource: 'Sidecar openbell',
    proxy: 'shard',
    holds: ({ listeners }) => {
      const outbound = listeners.find(({ name }) => name === 'virtualOutbound');
      return outbound.filter_chains.at(-1).filters.at(-1).typed_config.cluster === 'BlackHoleCluster';
    },
    without: (spec) => {
      spec.outboundTrafficPolicy.mode = 'ALLOW_ANY';
    },
  },
  {
    name: 'the shard limits inbound connections from every caller',
    resource: 'Sidecar openbell',
    proxy: 'shard',
    holds: (received) => cluster(received, 'inbound|7401|')?.circuit_breakers?.thresholds[0].max_requests === 32768,
    without: (spec) => delete spec.inboundConnectionPool,
  },
];

/** The set after {@link Requirement.without}. @throws Error when the resource is not in it */
export function without(set: readonly Resource[], { resource, without }: Requirement): Resource[] {
  const [kind, name] = resource.split(' ');
  const out = structuredClone(set) as Resource[];
  const at = out.findIndex((one) => one.kind === kind && one.metadata.name === name);
  if (at === -1) throw new Error(`${resource} does not exist`);
  if (without === undefined) out.splice(at, 1);
  else without((out[at] as unknown as { spec: Json }).spec);
  return out;
}
