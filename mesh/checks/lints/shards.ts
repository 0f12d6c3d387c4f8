import { ProxyConfig } from '@kubernetes-models/istio/networking.istio.io/v1beta1/ProxyConfig';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { PriorityClass } from 'kubernetes-models/scheduling.k8s.io/v1/PriorityClass';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Service } from 'kubernetes-models/v1/Service';
import { type Lint, of } from '../lint.ts';
import { durationMs, quantity } from '../quantity.ts';
import { nameOf, type Resource, selects } from '../resource.ts';
import { hasSidecar, type Workload, workloads } from '../workload.ts';

/** A lint of each workload: the non-empty texts of `problems`. */
function ofWorkloads(name: string, reason: string, problems: (workload: Workload, set: readonly Resource[]) => readonly string[]): Lint {
  return {
    name,
    reason,
    check: (set) =>
      workloads(set).flatMap((workload) =>
        problems(workload, set)
          .filter((text) => text !== '')
          .map((text) => `${workload.title}: ${text}`),
      ),
  };
}

const selectorsStated: Lint = {
  name: 'selectors-stated',
  reason: 'without a selector, a Service has no pods, a spread counts none, and a budget covers all pods of the namespace',
  check: (set) => {
    const pods = workloads(set);
    const finds = (labels: Readonly<Record<string, string>> | undefined, namespace: string | undefined) =>
      pods.some((pod) => pod.namespace === namespace && Object.keys(labels ?? {}).length > 0 && selects(labels ?? {}, pod.labels));
    return [
      ...of(set, Service).filter(({ metadata, spec }) => !finds(spec?.selector, metadata?.namespace)),
      ...of(set, PodDisruptionBudget).filter(({ metadata, spec }) => !finds(spec?.selector?.matchLabels, metadata?.namespace)),
      ...of(set, StatefulSet).filter(({ metadata, spec }) =>
        [spec?.selector, ...(spec?.template?.spec?.topologySpreadConstraints ?? []).map(({ labelSelector }) => labelSelector)].some(
          (selector) => !finds(selector?.matchLabels, metadata?.namespace),
        ),
      ),
    ].map((resource) => nameOf(resource as Resource));
  },
};

const variablesExist = ofWorkloads(
  'variables-exist',
  'kubelet leaves $(NAME) unchanged if no such variable is defined above it, and the process looks for a file of that name',
  ({ containers }) =>
    containers.flatMap(({ env = [] }) =>
      env.flatMap(({ name, value = '' }, index) =>
        [...value.matchAll(/\$\((\w+)\)/g)]
          .filter(
            ([, used]) => !env.slice(0, index).some((one) => one.name === used && (one.value ?? one.valueFrom?.fieldRef) !== undefined),
          )
          .map(([, used]) => `${name} uses ${used}, which is not defined`),
      ),
    ),
);

const ownFiles = ofWorkloads(
  'volumes-are-its-own',
  'a new volume belongs to root: without fsGroup, a process of another user cannot write its journal; and files that it only reads should not be writable',
  ({ spec, containers }) => {
    const { runAsGroup = 0, fsGroup = 0, fsGroupChangePolicy } = spec.securityContext ?? {};
    const given = new Set((spec.volumes ?? []).filter(({ configMap, secret }) => configMap ?? secret).map(({ name }) => name));
    const writable = containers
      .flatMap(({ volumeMounts = [] }) => volumeMounts)
      .filter(({ name, readOnly }) => given.has(name) && !readOnly);
    return [
      runAsGroup > 0 ? '' : 'runs in the group of root',
      fsGroup > 0 ? '' : 'no fsGroup',
      fsGroupChangePolicy === 'OnRootMismatch' ? '' : 'the owner of all journal files is set at each start',
      ...writable.map(({ name }) => `${name} is not readOnly`),
    ];
  },
);

const noServiceLinks = ofWorkloads(
  'no-service-links',
  'for each Service of the namespace, kubelet would add variables such as OPENBELL_PORT to those that configure the process',
  ({ spec }) => [spec.enableServiceLinks === false ? '' : 'enableServiceLinks is not false'],
);

const recoversTogether: Lint = {
  name: 'recovers-together',
  reason:
    'shards are independent: started one after another, the last waits for the recovery of all; and a revision must reach the pods automatically',
  check: (set) =>
    of(set, StatefulSet)
      .filter(({ spec }) => spec?.podManagementPolicy !== 'Parallel' || spec.updateStrategy?.type !== 'RollingUpdate')
      .map((owner) => nameOf(owner as Resource)),
};

const boundedScratch = ofWorkloads(
  'scratch-is-bounded',
  'files outside the journal use the disk of the node, and kubelet evicts pods when that disk is full',
  ({ spec, containers }) => [
    ...(spec.volumes ?? [])
      // Besides its name, a volume has a source.
      .filter(({ emptyDir, ...volume }) =>
        emptyDir === undefined
          ? Object.keys(volume).length < 2
          : Number.isNaN(quantity(emptyDir.sizeLimit)) || emptyDir.medium !== 'Memory',
      )
      .map(({ name }) => `${name} has no sizeLimit, or is on the node's disk`),
    ...containers
      .filter(({ resources }) => {
        const [request, limit] = [resources?.requests, resources?.limits].map((each) => quantity(each?.['ephemeral-storage']));
        return !(request === limit);
      })
      .map(({ name }) => `${name}: ephemeral-storage is not bounded`),
  ],
);

/** s: time until a shard that accepts no orders is out of the mesh, and until a hanging one is killed. */
const OUT_AFTER_S = 5;
const DEAD_AFTER_S = { least: 30, most: 120 } as const;

const timedProbes = ofWorkloads(
  'probes-are-timed',
  "kubelet's defaults probe every 10 s and wait for three failures of 1 s: a draining shard gets orders for half a minute, or a busy one is killed",
  ({ spec }) =>
    spec.containers.flatMap(({ startupProbe, readinessProbe, livenessProbe }) => {
      const all = Object.entries({ startupProbe, readinessProbe, livenessProbe });
      const seconds = (probe: typeof readinessProbe) => (probe?.periodSeconds ?? Number.NaN) * (probe?.failureThreshold ?? Number.NaN);
      const dead = seconds(livenessProbe);
      return [
        ...all
          .filter(([, probe]) => probe?.periodSeconds === undefined || (probe.timeoutSeconds ?? 0) < 2)
          .map(([name]) => `${name} states no period, or waits for less than 2 s`),
        seconds(readinessProbe) <= OUT_AFTER_S ? '' : `is not out of the mesh within ${OUT_AFTER_S} s`,
        dead >= DEAD_AFTER_S.least && dead <= DEAD_AFTER_S.most ? '' : `is killed after ${dead} s of silence`,
      ];
    }),
);

const journalHasRoom: Lint = {
  name: 'journal-has-room',
  reason: 'the API server accepts a claim template without a size, and then rejects each pod that needs it',
  check: (set) =>
    of(set, StatefulSet).flatMap((owner) =>
      (owner.spec?.volumeClaimTemplates ?? [])
        .filter(({ spec }) => Number.isNaN(quantity(spec?.resources?.requests?.storage)))
        .map(({ metadata }) => `${nameOf(owner as Resource)}: claim ${metadata?.name}`),
    ),
};

const aboveOthers: Lint = {
  name: 'above-ordinary-work',
  reason: 'a class without a value has priority 0, like any pod: a shard that must move waits for room instead of preempting',
  check: (set) =>
    of(set, PriorityClass)
      .filter(({ value = 0 }) => value <= 0)
      .map((one) => nameOf(one as Resource)),
};

const restrictedNamespace: Lint = {
  name: 'namespace-is-restricted',
  reason: 'the pods here are restricted; only the namespace prevents a later pod from requesting more',
  check: (set) =>
    of(set, Namespace)
      .filter(({ metadata }) => {
        const label = (name: string) => metadata?.labels?.[`pod-security.kubernetes.io/${name}`] ?? '';
        return label('enforce') !== 'restricted' || !/^v1\.\d+$/.test(label('enforce-version'));
      })
      .map((one) => nameOf(one as Resource)),
};

const sidecarDrains = ofWorkloads(
  'sidecar-outlives-streams',
  'by default, a sidecar ends 5 s after SIGTERM, and breaks the sessions that the exchange is closing in order',
  (workload, set) => {
    if (!hasSidecar(workload)) return [];
    const config = of(set, ProxyConfig).find(
      ({ metadata, spec }) => metadata?.namespace === workload.namespace && selects(spec?.selector?.matchLabels ?? {}, workload.labels),
    )?.spec?.environmentVariables;
    return [
      config?.EXIT_ON_ZERO_ACTIVE_CONNECTIONS === 'true' ? '' : 'does not wait for open connections',
      durationMs(String(config?.MINIMUM_DRAIN_DURATION)) >= 1000 ? '' : 'may end before the gateway is updated',
    ];
  },
);

export const SHARD_LINTS: readonly Lint[] = [
  selectorsStated,
  variablesExist,
  ownFiles,
  noServiceLinks,
  recoversTogether,
  boundedScratch,
  timedProbes,
  journalHasRoom,
  aboveOthers,
  restrictedNamespace,
  sidecarDrains,
];
