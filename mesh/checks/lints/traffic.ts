import { DestinationRule, type IDestinationRule } from '@kubernetes-models/istio/networking.istio.io/v1/DestinationRule';
import { Gateway } from '@kubernetes-models/istio/networking.istio.io/v1/Gateway';
import { Sidecar } from '@kubernetes-models/istio/networking.istio.io/v1/Sidecar';
import { VirtualService } from '@kubernetes-models/istio/networking.istio.io/v1/VirtualService';
import { isEgress } from '../egress.ts';
import { type Lint, of } from '../lint.ts';
import { durationMs } from '../quantity.ts';
import { groupOf, nameOf, type Resource, selects } from '../resource.ts';
import { hasSidecar, onLoopback, shadowSubsets, workloads } from '../workload.ts';

/** True for every spelling of the exchange's Services: `openbell`, `openbell.openbell.svc.cluster.local`, `*.openbell-shards...`. */
const isExchange = (host: string | undefined) => /^(\*\.|openbell-\d+\.)?openbell(-shards)?(\.|$)/.test(host ?? '');

type Policy = NonNullable<NonNullable<IDestinationRule['spec']>['trafficPolicy']>;

/** All policies of a rule, on every level, each with its position. */
function policies({ spec }: IDestinationRule): { readonly at: string; readonly policy: Policy }[] {
  const levels = [
    { at: 'trafficPolicy', policy: spec?.trafficPolicy },
    ...(spec?.subsets ?? []).map(({ name, trafficPolicy }) => ({ at: `subset ${name}`, policy: trafficPolicy as Policy | undefined })),
  ];
  return levels.flatMap(({ at, policy }) =>
    policy === undefined
      ? []
      : [
          { at, policy },
          ...(policy.portLevelSettings ?? []).map((level) => ({ at: `${at}, port ${level.port?.number}`, policy: level as Policy })),
        ],
  );
}

/** A lint over each traffic policy: the finding of `find`, with its position. */
function overPolicies(name: string, reason: string, find: (policy: Policy, exchange: boolean) => string | false | undefined): Lint {
  return {
    name,
    reason,
    check: (set) =>
      of(set, DestinationRule).flatMap((rule) =>
        policies(rule).flatMap(({ at, policy }) => {
          const found = find(policy, isExchange(rule.spec?.host));
          return found ? [`${nameOf(rule as Resource)}, ${at}: ${found}`] : [];
        }),
      ),
  };
}

/** Counts of 0 disable ejection. Locality failover requires the field. */
const NO_EJECTION_COUNTS = ['consecutive5xxErrors', 'consecutiveGatewayErrors'];

const noEjection = overPolicies(
  'no-ejection-of-writer',
  'ejecting the only writer of a symbol is an outage; readiness removes it, and maxEjectionPercent 0 means unset',
  ({ outlierDetection }, exchange) => {
    const counts = Object.entries(outlierDetection ?? {});
    const off = NO_EJECTION_COUNTS.every((name) => counts.some(([key, value]) => key === name && value === 0));
    return exchange && outlierDetection !== undefined && !(off && counts.length === NO_EJECTION_COUNTS.length) && 'outlierDetection';
  },
);

const noConsistentHash = overPolicies(
  'no-hash-to-writer',
  'a hash moves keys when a pod is added or removed, but symbols do not move: choose the shard by a subset',
  ({ loadBalancer }, exchange) => exchange && loadBalancer?.consistentHash !== undefined && 'consistentHash',
);

const currentBalancer = overPolicies(
  'current-balancer',
  'LEAST_CONN is deprecated; it is LEAST_REQUEST now',
  ({ loadBalancer }) => (loadBalancer?.simple as string) === 'LEAST_CONN' && 'LEAST_CONN',
);

const ejectionCounts = overPolicies(
  'ejection-by-5xx',
  'istiod ignores consecutiveErrors: it is consecutive5xxErrors or consecutiveGatewayErrors',
  ({ outlierDetection }) => outlierDetection !== undefined && 'consecutiveErrors' in outlierDetection && 'consecutiveErrors',
);

const oneProtocol = overPolicies(
  'one-upstream-protocol',
  'istiod rejects h2UpgradePolicy UPGRADE together with useClientProtocol',
  ({ connectionPool }) =>
    connectionPool?.http?.h2UpgradePolicy === 'UPGRADE' && connectionPool.http.useClientProtocol === true && 'both are set',
);

/** The exchange accepts 1024 sessions, each a stream; a lower limit queues in the proxy. Admin calls (7403) may have a lower limit. */
const FEWEST_STREAMS = 1024;

const wideEnough: Lint = {
  name: 'pool-carries-the-load',
  reason: 'limits such as 100 requests or one request per connection, as in many examples, allow only a fraction of 100,000 orders/s',
  check: (set) =>
    of(set, DestinationRule)
      .filter(({ spec }) => isExchange(spec?.host))
      .flatMap((rule) =>
        policies(rule)
          .filter(({ at }) => !at.endsWith('port 7403'))
          .flatMap(({ at, policy: { connectionPool } }) => {
            const { http, tcp } = connectionPool ?? {};
            const limits = { http2MaxRequests: http?.http2MaxRequests, http1MaxPendingRequests: http?.http1MaxPendingRequests };
            const narrow = Object.entries({ ...limits, maxConnections: tcp?.maxConnections })
              .filter(([, limit]) => limit && limit < FEWEST_STREAMS)
              .map(([name, limit]) => `${name} ${limit}`);
            if (http?.maxRequestsPerConnection) narrow.push(`maxRequestsPerConnection ${http.maxRequestsPerConnection}`);
            return narrow.map((text) => `${nameOf(rule as Resource)}, ${at}: ${text}`);
          }),
      ),
};

const subsetsExist: Lint = {
  name: 'subsets-exist',
  reason: 'a route to a subset without a DestinationRule is answered with 503, and so is a subset of a missing pod',
  check: (set) => {
    const known = new Set(of(set, DestinationRule).flatMap(({ spec }) => (spec?.subsets ?? []).map(({ name }) => `${spec?.host} ${name}`)));
    const missing = routes(set).flatMap(({ title, destination: { host, subset } }) =>
      subset === undefined || known.has(`${host} ${subset}`) ? [] : [`${title}: subset ${subset} of ${host}`],
    );
    const pods = new Set(workloads(set).flatMap(({ name, replicas }) => Array.from({ length: replicas }, (_, i) => `${name}-${i}`)));
    const empty = of(set, DestinationRule).flatMap((rule) =>
      (rule.spec?.subsets ?? [])
        .map(({ labels }) => labels?.['statefulset.kubernetes.io/pod-name'])
        .filter((pod) => pod !== undefined && pods.size > 0 && !pods.has(pod))
        .map((pod) => `${nameOf(rule as Resource)}: no pod ${pod}`),
    );
    return [...missing, ...empty];
  },
};

/** Every destination of every HTTP route, with its route. */
function routes(set: readonly Resource[]) {
  return of(set, VirtualService).flatMap((service) =>
    (service.spec?.http ?? []).flatMap((http, i) =>
      (http.route ?? []).map(({ destination }) => ({
        title: `${nameOf(service as Resource)}, ${http.name ?? `route ${i}`}`,
        http,
        destination,
      })),
    ),
  );
}

const noRetries: Lint = {
  name: 'orders-are-not-retried',
  reason: 'Istio retries twice by default, and an order that is sent twice is two orders; a deposit is two deposits',
  check: (set) =>
    routes(set)
      .filter(({ http, destination }) => isExchange(destination.host) && http.retries?.attempts !== 0)
      .map(({ title }) => `${title}: retries.attempts is not 0`),
};

/** WebSockets to the root of 7402, and those for candles, read market data; the gateway removes a leading `/shard/0`. */
const readsMarket = ({ http, destination }: ReturnType<typeof routes>[number]) =>
  destination.port?.number === 7402 && !!http.match?.length && http.match.every(({ uri }) => MARKET_PATH.test(uri?.exact ?? ''));

const MARKET_PATH = /^(\/|\/shard\/\d+|(\/shard\/\d+)?\/v1\/feed-(candles|tail))$/;
const SHARD_PATH = /^\/shard\/(\d+)(?=\/|$)/;

/** The path with which a request arrives at the exchange. */
function arrives(path: string, { rewrite }: ReturnType<typeof routes>[number]['http']): string {
  const { match, rewrite: by } = rewrite?.uriRegexRewrite ?? {};
  if (match !== undefined) return path.replace(new RegExp(match), by ?? '');
  return rewrite?.uri ?? path;
}

const shardsAgree: Lint = {
  name: 'shard-as-requested',
  reason: 'a route whose number differs from its shard trades, or shows, the wrong symbols',
  check: (set) =>
    routes(set).flatMap(({ title, http, destination: { subset } }) =>
      (http.match ?? []).flatMap(({ uri, headers }) => {
        const from = uri?.exact ?? '';
        const path = SHARD_PATH.exec(from)?.[1];
        const shard = path ?? headers?.['x-symbol-shard']?.exact;
        if (shard === undefined) return [];
        const to = from.replace(SHARD_PATH, '') || '/';
        if (path !== undefined && arrives(from, http) !== to) return [`${title}: the exchange has no path ${from}: rewrite it to ${to}`];
        // With a weight, the subset is shared; with a waypoint, the header names the shard.
        const leads = subset ?? `shard-${http.headers?.request?.set?.['x-symbol-shard'] ?? shard}`;
        return leads === `shard-${shard}` || leads === 'shadow' ? [] : [`${title}: ${shard} leads to ${leads}`];
      }),
    ),
};

const shadowsTakeNoOrders: Lint = {
  name: 'shadow-takes-no-orders',
  reason: 'a shadow that also gets orders through a route has a different book from its shard',
  check: (set) => {
    const shadows = shadowSubsets(set);
    return routes(set)
      .filter((route) => shadows.has(route.destination.subset ?? '') && !readsMarket(route))
      .map(({ title, destination }) => `${title}: subset ${destination.subset}`);
  },
};

const noTimeout: Lint = {
  name: 'streams-have-no-timeout',
  reason: 'a route timeout counts from the first byte to the last: it ends every session and subscription at that age',
  check: (set) =>
    routes(set)
      .filter(({ http, destination }) => isExchange(destination.host) && destination.port?.number !== 7403 && http.timeout !== undefined)
      .map(({ title, http }) => `${title}: timeout ${http.timeout}`),
};

const DURATIONS = /(^|[a-z])(timeout|Timeout|interval|Interval|Duration|fixedDelay)$|^time$|^baseEjectionTime$/;

const atLeastOneMs: Lint = {
  name: 'durations-from-1ms',
  reason: 'istiod rejects durations below 1 ms, so that 0s cannot mean none: omit the field',
  check: (set) =>
    set
      .filter(({ apiVersion }) => groupOf(apiVersion) === 'networking.istio.io')
      .flatMap((resource) => (resource.kind === 'EnvoyFilter' ? [] : durations(resource).map((text) => `${nameOf(resource)}: ${text}`))),
};

function durations(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'string' ? (DURATIONS.test(key) && !(durationMs(inner) >= 1) ? [`${key} ${inner}`] : []) : durations(inner),
  );
}

const tls13: Lint = {
  name: 'gateway-tls-1.3',
  reason: 'without a minimum, Envoy accepts TLS 1.2; and a list of suites applies to 1.2 only, because 1.3 has its own',
  check: (set) =>
    of(set, Gateway).flatMap((gateway) =>
      (gateway.spec?.servers ?? []).flatMap(({ name, port, tls }) => {
        const title = `${nameOf(gateway as Resource)}, ${name ?? port.name}`;
        if (tls === undefined) return [`${title}: no TLS`];
        // TLS of an outside host ends in the exchange, which is its client.
        if (isEgress(gateway) && tls.mode === 'PASSTHROUGH') return [];
        if (tls.minProtocolVersion !== 'TLSV1_3') return [`${title}: minProtocolVersion ${tls.minProtocolVersion}`];
        return tls.cipherSuites === undefined ? [] : [`${title}: cipherSuites`];
      }),
    ),
};

const loopbackReached: Lint = {
  name: 'sidecar-reaches-loopback',
  reason: 'the exchange listens on loopback: without an ingress listener for it, the sidecar calls the pod address and fails',
  check: (set) =>
    workloads(set).flatMap((workload) => {
      const ports = workload.spec.containers
        .filter(onLoopback)
        .flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort));
      if (!hasSidecar(workload)) return ports.length > 0 ? [`${workload.title}: on loopback, and there is no sidecar`] : [];
      const listeners = of(set, Sidecar)
        .filter(({ metadata }) => metadata?.namespace === workload.namespace)
        .filter(({ spec }) => selects(spec?.workloadSelector?.labels ?? {}, workload.labels))
        .flatMap(({ spec }) => spec?.ingress ?? []);
      return ports
        .filter((port) => !listeners.some((listener) => listener.port.number === port && listener.defaultEndpoint === `127.0.0.1:${port}`))
        .map((port) => `${workload.title}: no listener forwards ${port} to 127.0.0.1`);
    }),
};

export const TRAFFIC_LINTS: readonly Lint[] = [
  noEjection,
  noConsistentHash,
  currentBalancer,
  ejectionCounts,
  oneProtocol,
  wideEnough,
  subsetsExist,
  noRetries,
  shardsAgree,
  shadowsTakeNoOrders,
  noTimeout,
  atLeastOneMs,
  tls13,
  loopbackReached,
];
