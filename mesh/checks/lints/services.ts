import { Telemetry } from '@kubernetes-models/istio/telemetry.istio.io/v1/Telemetry';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Service } from 'kubernetes-models/v1/Service';
import { EGRESS_NAMESPACE, NOT_PUBLIC } from '../egress.ts';
import { type Lint, of } from '../lint.ts';
import { type Labels, nameOf, type Resource, selects } from '../resource.ts';
import { podLabels, workloads } from '../workload.ts';

/** The permitted kinds that have no namespace. */
const CLUSTER_WIDE = new Set(['Namespace', 'PriorityClass', 'StorageClass', 'GatewayClass', 'ClusterIssuer', 'ClusterSecretStore']);

const namespaceStated: Lint = {
  name: 'namespace-stated',
  reason: "a resource without a namespace goes to the kubeconfig's current one; a resource without a name is invalid",
  check: (set) => set.filter(({ kind, metadata }) => !metadata.name || (!CLUSTER_WIDE.has(kind) && !metadata.namespace)).map(nameOf),
};

/** The protocols that Istio recognises in front of the dash: https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/ */
const PROTOCOL = /^(grpc|http|http2|https|tcp|tls|udp)(-[a-z0-9-]+)?$/;

const portNames: Lint = {
  name: 'port-names',
  reason: 'a port without a protocol in name and appProtocol is plain TCP to the mesh: no routes, no tokens, no metrics per call',
  check: (set) =>
    of(set, Service).flatMap((service) =>
      (service.spec?.ports ?? [])
        .filter(({ name, appProtocol }) => !PROTOCOL.test(name ?? '') || appProtocol === undefined || !name?.startsWith(appProtocol))
        .map(({ name, port, appProtocol }) => `${nameOf(service as Resource)}: port ${port} named ${name}, appProtocol ${appProtocol}`),
    ),
};

const portsExist: Lint = {
  name: 'service-ports-exist',
  reason: 'a Service port that the pod does not have never answers, and a pod port without a Service port is unreachable',
  check: (set) =>
    of(set, Service).flatMap((service) => {
      const pods = workloads(set).filter(
        ({ labels, namespace }) => namespace === service.metadata?.namespace && selects(service.spec?.selector ?? {}, labels),
      );
      return pods.flatMap(({ spec, title }) => {
        const ports = spec.containers.flatMap(({ ports = [] }) => ports);
        const targets = (service.spec?.ports ?? []).map(({ port, targetPort = port }) => targetPort);
        const absent = targets.filter((target) => !ports.some(({ name, containerPort }) => target === name || target === containerPort));
        const left = ports.filter(({ name, containerPort }) => !targets.some((target) => target === name || target === containerPort));
        return [
          ...absent.map((target) => `${nameOf(service as Resource)}: ${title} has no port ${target}`),
          ...left.map(({ name }) => `${nameOf(service as Resource)}: leaves out port ${name} of ${title}`),
        ];
      });
    }),
};

/** Namespaces whose pods are installed separately. */
const FOREIGN_NAMESPACES = new Set(['istio-egress', 'istio-ingress', 'istio-system', 'monitoring', 'kube-system']);

const selectorsMatch: Lint = {
  name: 'selectors-match',
  reason: 'a policy or budget that selects nothing protects nothing, without any error',
  check: (set) =>
    set.flatMap((resource) => {
      const { namespace = '' } = resource.metadata;
      if (FOREIGN_NAMESPACES.has(namespace)) return [];
      const pods = podLabels(set, namespace);
      return selectorsOf(resource)
        .filter((selector) => Object.keys(selector).length > 0 && !pods.some((labels) => selects(selector, labels)))
        .map((selector) => `${nameOf(resource)}: no pod has ${JSON.stringify(selector)}`);
    }),
};

interface Selecting {
  readonly spec?: {
    readonly selector?: Labels & { readonly matchLabels?: Labels };
    readonly podSelector?: { readonly matchLabels?: Labels };
    readonly workloadSelector?: { readonly labels?: Labels };
    readonly namespaceSelector?: unknown;
  };
}

/** The pod selectors of a resource of this namespace; the fields differ by kind. */
function selectorsOf(resource: Resource): Labels[] {
  const spec = (resource as Selecting).spec ?? {};
  if (resource.kind === 'StatefulSet' || spec.namespaceSelector !== undefined) return [];
  if (resource.kind === 'Service') return spec.selector ? [spec.selector] : [];
  return [spec.selector?.matchLabels, spec.podSelector?.matchLabels, spec.workloadSelector?.labels].filter(
    (labels) => labels !== undefined,
  );
}

const writersHaveBudget: Lint = {
  name: 'one-eviction-at-a-time',
  reason: 'without a budget, a node drain stops all shards at once; and a percentage of few pods rounds up to all of them',
  check: (set) =>
    workloads(set)
      .filter(
        ({ labels, namespace }) =>
          !of(set, PodDisruptionBudget).some(({ metadata, spec }) => {
            const allowed = spec?.maxUnavailable;
            return (
              metadata?.namespace === namespace && selects(spec?.selector?.matchLabels ?? {}, labels) && (allowed === 0 || allowed === 1)
            );
          }),
      )
      .map(({ title }) => `${title}: no budget of maxUnavailable 0 or 1`),
};

const defaultDeny: Lint = {
  name: 'network-default-deny',
  reason: 'a pod that no policy selects is open to the whole cluster',
  check: (set) =>
    [...new Set(workloads(set).map(({ namespace }) => namespace))].filter(
      (namespace) =>
        !of(set, NetworkPolicy).some(
          ({ metadata, spec }) =>
            metadata?.namespace === namespace &&
            Object.keys(spec?.podSelector ?? {}).length === 0 &&
            spec?.policyTypes?.includes('Ingress') &&
            spec.policyTypes.includes('Egress') &&
            !spec.ingress?.length &&
            !spec.egress?.length,
        ),
    ),
};

const peersNamed: Lint = {
  name: 'network-peer-named',
  reason: 'a rule without a peer, or with an empty one, admits every peer; a rule without ports opens all ports',
  check: (set) =>
    of(set, NetworkPolicy).flatMap((policy) => {
      const rules = [
        ...(policy.spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports, outward: false })),
        ...(policy.spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports, outward: true })),
      ];
      // Outside hosts have addresses that nobody can list; the egress gateway, which names the hosts, may reach public ones.
      const isPublic = (except: readonly string[] = []) =>
        policy.metadata?.namespace === EGRESS_NAMESPACE && NOT_PUBLIC.every((range) => except.includes(range));
      return rules
        .filter(
          ({ peers, ports, outward }) =>
            !ports?.length ||
            !peers?.length ||
            peers.some(
              ({ namespaceSelector, podSelector, ipBlock }) =>
                (ipBlock?.cidr === '0.0.0.0/0' && !(outward && isPublic(ipBlock.except))) ||
                (ipBlock === undefined &&
                  !namespaceSelector?.matchLabels &&
                  !namespaceSelector?.matchExpressions &&
                  !podSelector?.matchLabels),
            ),
        )
        .map(() => nameOf(policy as Resource));
    }),
};

const dnsOverUdp: Lint = {
  name: 'network-dns-over-udp',
  reason: 'names are resolved over UDP first: with TCP alone, the sidecar resolves neither istiod nor any other host',
  check: (set) =>
    of(set, NetworkPolicy).flatMap((policy) =>
      (policy.spec?.egress ?? [])
        .filter(({ ports = [] }) => {
          const dns = ports.filter(({ port }) => port === 53).map(({ protocol = 'TCP' }) => protocol);
          return dns.length > 0 && !(dns.includes('UDP') && dns.includes('TCP'));
        })
        .map(() => nameOf(policy as Resource)),
    ),
};

const sidecarIsServed: Lint = {
  name: 'network-sidecar-reaches-istiod',
  reason: 'a sidecar that cannot reach istiod on 15012 gets neither configuration nor a certificate, and the pod never becomes ready',
  check: (set) =>
    workloads(set)
      .filter(({ labels }) => labels['sidecar.istio.io/inject'] === 'true')
      .filter(
        ({ labels, namespace }) =>
          !of(set, NetworkPolicy).some(
            ({ metadata, spec }) =>
              metadata?.namespace === namespace &&
              selects(spec?.podSelector?.matchLabels ?? {}, labels) &&
              spec?.egress?.some(({ ports }) => ports?.some(({ port }) => port === 15012)),
          ),
      )
      .map(({ title }) => title),
};

/** OTLP over gRPC. */
const OTLP = 4317;

const spansPass: Lint = {
  name: 'network-spans-pass',
  reason: 'a proxy silently drops spans that it cannot deliver',
  check: (set) =>
    of(set, Telemetry)
      .filter(({ spec }) => spec?.tracing?.some(({ providers }) => providers?.length))
      .filter(
        ({ metadata }) =>
          !of(set, NetworkPolicy).some(
            (policy) =>
              policy.metadata?.namespace === metadata?.namespace &&
              policy.spec?.egress?.some(({ ports }) => ports?.some(({ port }) => port === OTLP)),
          ),
      )
      .map((telemetry) => `${nameOf(telemetry as Resource)}: no policy opens ${OTLP}`),
};

export const SERVICE_LINTS: readonly Lint[] = [
  namespaceStated,
  portNames,
  portsExist,
  selectorsMatch,
  writersHaveBudget,
  defaultDeny,
  peersNamed,
  dnsOverUdp,
  sidecarIsServed,
  spansPass,
];
