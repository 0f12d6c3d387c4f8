import type { Resource } from './resource.ts';

/** The node description in a proxy's request to istiod: its kind, address and pod decide the configuration. */
export interface ProxyNode {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const LABELS = { 'app.kubernetes.io/name': 'openbell' };
const GATEWAY = 'istio-ingressgateway';
const EGRESS_GATEWAY = 'istio-egressgateway';

function proxy(
  kind: 'sidecar' | 'router' | 'waypoint',
  address: string,
  pod: string,
  namespace: string,
  labels: object,
  account: string,
): ProxyNode {
  return {
    id: `${kind}~${address}~${pod}.${namespace}~${namespace}.svc.cluster.local`,
    cluster: `${account}.${namespace}`,
    metadata: {
      NAMESPACE: namespace,
      CLUSTER_ID: 'Kubernetes',
      ISTIO_VERSION: '1.31.0',
      SERVICE_ACCOUNT: account,
      LABELS: labels,
      INTERCEPTION_MODE: 'REDIRECT',
      PROXY_CONFIG: {},
      ...(kind === 'waypoint' && { ENABLE_HBONE: 'true' }),
    },
  };
}

export const SHARD = proxy('sidecar', '10.2.0.1', 'openbell-0', 'openbell', LABELS, 'openbell');
const WAYPOINT_LABELS = {
  'gateway.networking.k8s.io/gateway-name': 'openbell-waypoint',
  'gateway.istio.io/managed': 'istio.io-mesh-controller',
};
/** Of ambient mode. */
export const WAYPOINT = proxy('waypoint', '10.4.0.1', 'openbell-waypoint-0', 'openbell', WAYPOINT_LABELS, 'openbell-waypoint');
/** Another workload in the namespace, which no rule names. */
export const OTHER = proxy('sidecar', '10.2.0.99', 'other-0', 'openbell', { app: 'other' }, 'other');
export const EDGE = proxy('router', '10.3.0.1', 'gateway-0', 'istio-ingress', { istio: 'ingressgateway' }, GATEWAY);
/** The way out. */
export const EGRESS = proxy('router', '10.3.0.2', 'egress-0', 'istio-egress', { istio: 'egressgateway' }, EGRESS_GATEWAY);

/**
 * The parts of the cluster that istiod reads: the rendered Services,
 * and the pods that the controllers of a cluster would have created from the rest.
 * @param shards replicas of the StatefulSet
 * @param elsewhere as many in another region, of the other cluster
 */
export function clusterObjects(set: readonly Resource[], shards: number, elsewhere: number = 0): unknown[] {
  const services = set
    .filter(({ kind, metadata }) => kind === 'Service' && metadata.name === 'openbell')
    .map((service) => ({ ...service, spec: { ...(service as unknown as { spec: object }).spec, clusterIP: '10.1.0.1' } }));
  const ports = [
    { name: 'grpc-orders', port: 7401 },
    { name: 'http-market', port: 7402 },
    { name: 'http-admin', port: 7403 },
  ];
  const out: unknown[] = [...['openbell', 'istio-ingress', 'istio-egress', 'default'].map(namespace), ...services];
  out.push(...gatewayObjects(GATEWAY, 'istio-ingress', 'gateway-0', '10.1.0.2', '10.3.0.1', 'ingressgateway'));
  out.push(...gatewayObjects(EGRESS_GATEWAY, 'istio-egress', 'egress-0', '10.1.0.4', '10.3.0.2', 'egressgateway'));
  if (elsewhere > 0) out.push(node('node', 'region-1'), node('other-node', 'region-2'));
  for (let i = 0; i < shards; i++) {
    const labels = { ...LABELS, 'statefulset.kubernetes.io/pod-name': `openbell-${i}` };
    out.push(pod(`openbell-${i}`, 'openbell', `10.2.0.${i + 1}`, labels, 'openbell'));
    if (i < elsewhere) out.push(pod(`there-${i}`, 'openbell', `10.5.0.${i + 1}`, labels, 'openbell', 'other-node'));
  }
  out.push(pod('other-0', 'openbell', '10.2.0.99', { app: 'other' }, 'other'), unusedService());
  const endpoints = Array.from({ length: shards }, (_, i) => endpoint('openbell', `openbell-${i}`, `10.2.0.${i + 1}`));
  for (let i = 0; i < elsewhere; i++) endpoints.push(endpoint('openbell', `there-${i}`, `10.5.0.${i + 1}`));
  out.push(slice('openbell', 'openbell', ports, endpoints));
  return out;
}

/**
 * The same in ambient mode: the pods are behind ztunnel, and istiod has created the waypoint that a Gateway of the set asks for.
 * @param shards replicas of the StatefulSet
 */
export function ambientObjects(set: readonly Resource[], shards: number): unknown[] {
  const objects = clusterObjects(set, shards).map((object) => {
    const { kind, metadata } = object as Resource;
    if (kind === 'Namespace' && metadata.name === 'openbell')
      return { ...(object as object), metadata: { ...metadata, labels: { 'istio.io/dataplane-mode': 'ambient' } } };
    if (kind !== 'Pod' || metadata.namespace !== 'openbell') return object;
    return { ...(object as object), metadata: { ...metadata, annotations: { 'ambient.istio.io/redirection': 'enabled' } } };
  });
  const gateway = set.find(({ kind, metadata }) => kind === 'Gateway' && metadata.name === 'openbell-waypoint');
  const address = { type: 'Hostname', value: 'openbell-waypoint.openbell.svc.cluster.local' };
  const ports = [{ name: 'hbone', port: 15008, protocol: 'TCP' }];
  const metadata = { name: 'openbell-waypoint', namespace: 'openbell', labels: WAYPOINT_LABELS };
  const selector = { 'gateway.networking.k8s.io/gateway-name': 'openbell-waypoint' };
  return [
    ...objects,
    { ...gateway, status: { addresses: [address] } },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP: '10.1.0.9', selector, ports } },
    pod('openbell-waypoint-0', 'openbell', '10.4.0.1', WAYPOINT_LABELS, 'openbell-waypoint'),
    slice('openbell-waypoint', 'openbell', ports, [endpoint('openbell', 'openbell-waypoint-0', '10.4.0.1')]),
  ];
}

function gatewayObjects(name: string, namespace: string, podName: string, clusterIP: string, podIP: string, istio: string): unknown[] {
  const labels = { istio };
  const ports = [{ name: 'https', port: 443, targetPort: 443, protocol: 'TCP' }];
  const metadata = { name, namespace };
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP, selector: labels, ports } },
    pod(podName, namespace, podIP, labels, name),
    slice(name, namespace, ports, [endpoint(namespace, podName, podIP)]),
  ];
}

/** A service that the shards do not use. */
function unusedService(): unknown {
  const spec = { clusterIP: '10.1.0.3', selector: { app: 'elsewhere' }, ports: [{ name: 'http', port: 80, protocol: 'TCP' }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'elsewhere', namespace: 'default' }, spec };
}

function node(name: string, region: string): unknown {
  const labels = { 'topology.kubernetes.io/region': region, 'topology.kubernetes.io/zone': `${region}-a` };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } };
}

function namespace(name: string): unknown {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

function pod(name: string, namespace: string, podIP: string, labels: object, serviceAccountName: string, nodeName = 'node'): unknown {
  const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [{ type: 'Ready', status: 'True' }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels }, spec: { serviceAccountName, nodeName }, status };
}

function endpoint(namespace: string, name: string, address: string): unknown {
  return { addresses: [address], conditions: { ready: true }, targetRef: { kind: 'Pod', name, namespace } };
}

function slice(service: string, namespace: string, ports: readonly { name: string; port: number }[], endpoints: unknown[]): unknown {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-1`, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: ports.map(({ name, port }) => ({ name, port, protocol: 'TCP' })),
    endpoints,
  };
}
