import { Gateway } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/Gateway';
import { DestinationRule } from '@kubernetes-models/istio/networking.istio.io/v1/DestinationRule';
import { VirtualService } from '@kubernetes-models/istio/networking.istio.io/v1/VirtualService';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';
import { readConfigFile, type VenueConfig } from '../../gateway/config/config-file.ts';
import { OPTIONS } from '../../gateway/config/config-options.ts';
import { of } from './lint.ts';
import { type Labels, nameOf, type Resource } from './resource.ts';

/** Pods that a set of resources creates. */
export interface Workload {
  readonly name: string;
  readonly namespace: string;
  readonly replicas: number;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly spec: IPodSpec;
  readonly containers: readonly IContainer[];
  /** Names of the persistent volumes of each pod. */
  readonly claims: readonly string[];
  readonly title: string;
}

export function workloads(set: readonly Resource[]): Workload[] {
  return of(set, StatefulSet).flatMap((owner) => {
    const { metadata, spec } = owner.spec?.template ?? {};
    if (owner.spec === undefined || spec === undefined) return [];
    return [
      {
        name: owner.metadata?.name ?? '',
        namespace: owner.metadata?.namespace ?? '',
        replicas: owner.spec.replicas ?? 1,
        labels: metadata?.labels ?? {},
        annotations: metadata?.annotations ?? {},
        spec,
        containers: [...(spec.initContainers ?? []), ...spec.containers],
        claims: (owner.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name ?? ''),
        title: nameOf(owner as Resource),
      },
    ];
  });
}

/** Labels of all pods in a namespace, including waypoints, which istiod creates with this label. */
export function podLabels(set: readonly Resource[], namespace: string): Labels[] {
  const waypoints = of(set, Gateway).filter(({ metadata, spec }) => {
    return metadata?.namespace === namespace && spec?.gatewayClassName === 'istio-waypoint';
  });
  return [
    ...workloads(set)
      .filter((workload) => workload.namespace === namespace)
      .map(({ labels }) => labels),
    ...waypoints.map(({ metadata }) => ({ 'gateway.networking.k8s.io/gateway-name': metadata?.name ?? '' })),
  ];
}

/** The value that the container gets, before `$(NAME)` is expanded; undefined if it is unset or has another source. */
export function envOf(container: IContainer, name: string): string | undefined {
  return container.env?.find((variable) => variable.name === name)?.value;
}

/** The pods that run the exchange, and its container. */
export function exchanges(set: readonly Resource[]) {
  return workloads(set).flatMap((workload) =>
    workload.containers
      .filter(({ name }) => name === 'exchange')
      .map((container) => ({ workload, container, title: `${workload.title}, ${container.name}` })),
  );
}

/** True if Istio injects a sidecar. */
export function hasSidecar({ labels }: Workload): boolean {
  return labels['sidecar.istio.io/inject'] === 'true';
}

/** True if the process listens on loopback, which is the default. */
export function onLoopback(container: IContainer): boolean {
  return (envOf(container, 'OPENBELL_HOST') ?? '127.0.0.1').startsWith('127.');
}

/** The file that a container mounts at `path`, out of a ConfigMap of the set. */
export function mountedFile(
  set: readonly Resource[],
  { spec, namespace }: Workload,
  container: IContainer,
  path: string,
): string | undefined {
  for (const mount of container.volumeMounts ?? []) {
    if (!path.startsWith(`${mount.mountPath}/`)) continue;
    const name = spec.volumes?.find((volume) => volume.name === mount.name)?.configMap?.name;
    const map = of(set, ConfigMap).find(({ metadata }) => metadata?.name === name && metadata?.namespace === namespace);
    return map?.data?.[path.slice(mount.mountPath.length + 1)];
  }
  return undefined;
}

/** The configuration of each pod that runs the exchange. A pod without a file, or with a wrong one, has none here: `venue-per-shard` reports it. */
export function shardFiles(set: readonly Resource[]): { readonly pod: string; readonly venue: VenueConfig }[] {
  return exchanges(set).flatMap(({ container, workload }) =>
    Array.from({ length: workload.replicas }, (_, i) => `${workload.name}-${i}`).flatMap((pod) => {
      const file = (envOf(container, 'OPENBELL_CONFIG') ?? '').replace('$(POD_NAME)', pod);
      const text = mountedFile(set, workload, container, file);
      if (text === undefined) return [];
      const { venue, problems } = readConfigFile(file, text, Object.keys(OPTIONS));
      return problems.length > 0 ? [] : [{ pod, venue }];
    }),
  );
}

/** Names of subsets that get copies of requests, and whose answers are discarded. */
export function shadowSubsets(set: readonly Resource[]): Set<string> {
  const mirrors = of(set, VirtualService).flatMap(({ spec }) => (spec?.http ?? []).flatMap(({ mirrors = [] }) => mirrors));
  return new Set(mirrors.map(({ destination }) => destination.subset).filter((subset) => subset !== undefined));
}

/** The pods of those subsets. */
export function shadowPods(set: readonly Resource[]): Set<string> {
  const shadows = shadowSubsets(set);
  const subsets = of(set, DestinationRule).flatMap(({ spec }) => spec?.subsets ?? []);
  const pods = subsets.filter(({ name }) => shadows.has(name)).map(({ labels }) => labels?.['statefulset.kubernetes.io/pod-name']);
  return new Set(pods.filter((pod) => pod !== undefined));
}
