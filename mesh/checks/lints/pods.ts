import { VerticalPodAutoscaler } from '@kubernetes-models/autoscaler/autoscaling.k8s.io/v1/VerticalPodAutoscaler';
import { ProxyConfig } from '@kubernetes-models/istio/networking.istio.io/v1beta1/ProxyConfig';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { Service } from 'kubernetes-models/v1/Service';
import { type Lint, of } from '../lint.ts';
import { quantity } from '../quantity.ts';
import { nameOf, type Resource, selects } from '../resource.ts';
import { envOf, hasSidecar, workloads } from '../workload.ts';

const EXACT_IMAGE = /^[\w.:/-]+(:v?\d+\.\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})$/;

const imagePinned: Lint = {
  name: 'image-pinned',
  reason: 'without an exact version or digest, two shards of one revision can run different programs',
  check: (set) =>
    workloads(set).flatMap(({ containers, title }) =>
      containers.filter(({ image }) => !EXACT_IMAGE.test(image ?? '')).map(({ image }) => `${title}: image ${image}`),
    ),
};

const wholeCpus: Lint = {
  name: 'whole-cpus',
  reason: "kubelet's static CPU manager dedicates CPUs to a container only if the pod is Guaranteed and requests whole CPUs",
  check: (set) =>
    workloads(set).flatMap((workload) => {
      const { containers, annotations, title } = workload;
      const amounts = containers.map(({ name, resources }) => ({
        name,
        request: resources?.requests ?? {},
        limit: resources?.limits ?? {},
      }));
      if (hasSidecar(workload)) {
        const proxy = (key: string) => annotations[`sidecar.istio.io/proxy${key}`];
        amounts.push({
          name: 'istio-proxy',
          request: { cpu: proxy('CPU'), memory: proxy('Memory') },
          limit: { cpu: proxy('CPULimit'), memory: proxy('MemoryLimit') },
        });
      }
      return amounts
        .filter(
          ({ request, limit }) =>
            !Number.isInteger(quantity(request.cpu)) ||
            quantity(request.cpu) !== quantity(limit.cpu) ||
            Number.isNaN(quantity(request.memory)) ||
            quantity(request.memory) !== quantity(limit.memory),
        )
        .map(({ name, request, limit }) => `${title}: ${name} asks for ${JSON.stringify(request)}, limit ${JSON.stringify(limit)}`);
    }),
};

const workersFit: Lint = {
  name: 'workers-fit-cpus',
  reason: 'with more worker threads than CPUs, the sidecar and its streams are throttled; with fewer, a CPU stays idle',
  check: (set) =>
    workloads(set)
      .filter(hasSidecar)
      .flatMap(({ annotations, namespace, labels, title }) => {
        const cpus = quantity(annotations['sidecar.istio.io/proxyCPULimit']);
        const workers = of(set, ProxyConfig).find(
          ({ metadata, spec }) => metadata?.namespace === namespace && selects(spec?.selector?.matchLabels ?? {}, labels),
        )?.spec?.concurrency;
        return workers === cpus ? [] : [`${title}: ${workers} workers on ${cpus} CPUs`];
      }),
};

const injectByLabel: Lint = {
  name: 'inject-by-label',
  reason: 'the annotation sidecar.istio.io/inject is deprecated, and webhooks that select by label ignore it',
  check: (set) =>
    workloads(set)
      .filter(({ annotations }) => 'sidecar.istio.io/inject' in annotations)
      .map(({ title }) => title),
};

const noAutoscaler: Lint = {
  name: 'no-autoscaler-on-writer',
  reason: 'a second replica is another shard and does not share the load; and a resize restarts the only writer',
  check: (set) => {
    const writers = new Set(of(set, StatefulSet).map(({ metadata }) => metadata?.name));
    const horizontal = of(set, HorizontalPodAutoscaler)
      .filter(({ spec }) => spec?.scaleTargetRef.kind === 'StatefulSet' && writers.has(spec.scaleTargetRef.name))
      .map((scaler) => nameOf(scaler as Resource));
    const vertical = of(set, VerticalPodAutoscaler)
      .filter(({ spec }) => spec?.updatePolicy?.updateMode !== 'Off')
      .map((scaler) => `${nameOf(scaler as Resource)}: updateMode is not Off`);
    return [...horizontal, ...vertical];
  },
};

const restricted: Lint = {
  name: 'restricted-pod',
  reason: 'the process needs no root user, capability, token or writable root; without them, an attacker gets none',
  check: (set) =>
    workloads(set).flatMap(({ spec, title, containers }) => {
      const pod = [
        spec.securityContext?.runAsNonRoot === true && (spec.securityContext.runAsUser ?? 0) > 0 ? '' : 'runs as root',
        spec.securityContext?.seccompProfile?.type === 'RuntimeDefault' ? '' : 'no seccomp profile',
        spec.automountServiceAccountToken === false ? '' : 'gets a token of the API server',
        spec.hostNetwork || spec.hostPID || spec.hostIPC ? 'shares a namespace with the host' : '',
      ];
      const each = containers.flatMap(({ name, securityContext: context }) => [
        context?.readOnlyRootFilesystem === true ? '' : `${name}: the root file system is writable`,
        context?.allowPrivilegeEscalation === false ? '' : `${name}: may gain privileges`,
        context?.capabilities?.drop?.includes('ALL') && !context.capabilities.add?.length ? '' : `${name}: has capabilities`,
        context?.privileged ? `${name}: is privileged` : '',
      ]);
      return [...pod, ...each].filter((text) => text !== '').map((text) => `${title}: ${text}`);
    }),
};

const ownJournal: Lint = {
  name: 'journal-of-one-pod',
  reason: 'two writers on one log destroy it, and trading history is lost if the journal is deleted with its StatefulSet',
  check: (set) =>
    of(set, StatefulSet).flatMap((owner) => {
      const retention = owner.spec?.persistentVolumeClaimRetentionPolicy;
      const shared = (owner.spec?.volumeClaimTemplates ?? []).filter(({ spec }) => spec?.accessModes?.join() !== 'ReadWriteOncePod');
      return [
        ...shared.map(({ metadata }) => `${nameOf(owner as Resource)}: claim ${metadata?.name} is not ReadWriteOncePod`),
        ...(retention?.whenDeleted === 'Retain' && retention.whenScaled === 'Retain'
          ? []
          : [`${nameOf(owner as Resource)}: claims are not retained`]),
      ];
    }),
};

/** Taint and label of nodes that run nothing else: README, "Order to apply". */
const DEDICATED = 'openbell.io/dedicated';

const ownNodes: Lint = {
  name: 'nodes-of-their-own',
  reason: 'a shard that may run anywhere shares CPUs with other workloads, and a node failure stops every shard on the node',
  check: (set) =>
    workloads(set).flatMap(({ spec, labels, title, replicas, containers }) => {
      // A single shard for development, whose stages share a thread, may run anywhere.
      if (replicas === 1 && containers.some((container) => envOf(container, 'OPENBELL_TOPOLOGY') === 'compact')) return [];
      const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
      // Terms are ORed.
      const bound = terms.every(({ matchExpressions = [] }) =>
        matchExpressions.some(({ key, operator, values }) => key === DEDICATED && operator === 'In' && values?.join() === 'exchange'),
      );
      const tolerated = spec.tolerations?.some(
        ({ key, operator, value, effect }) => key === DEDICATED && operator === 'Equal' && value === 'exchange' && effect === 'NoSchedule',
      );
      const spread = spec.topologySpreadConstraints?.some(
        ({ topologyKey, whenUnsatisfiable, maxSkew, labelSelector }) =>
          topologyKey === 'kubernetes.io/hostname' &&
          whenUnsatisfiable === 'DoNotSchedule' &&
          maxSkew === 1 &&
          labelSelector?.matchLabels !== undefined &&
          selects(labelSelector.matchLabels, labels),
      );
      const zones = spec.topologySpreadConstraints?.some(({ topologyKey }) => topologyKey === 'topology.kubernetes.io/zone');
      return [
        terms.length > 0 && bound ? '' : `may run on nodes that are not ${DEDICATED}`,
        tolerated ? '' : `does not tolerate ${DEDICATED}`,
        spread ? '' : 'two of them may run on one node',
        zones ? '' : 'nothing keeps them from running in one zone',
      ]
        .filter((text) => text !== '')
        .map((text) => `${title}: ${text}`);
    }),
};

const namesExist: Lint = {
  name: 'names-exist',
  reason: 'the API server accepts a StatefulSet with dangling names, and then creates no pod, or one that is unreachable',
  check: (set) =>
    of(set, StatefulSet).flatMap((owner) => {
      const { template, serviceName, volumeClaimTemplates = [] } = owner.spec ?? {};
      const spec = template?.spec;
      if (spec === undefined) return [];
      const named = (kind: string, name: string | undefined) =>
        set.some((one) => one.kind === kind && one.metadata.name === name) ? '' : `no ${kind} ${name}`;
      const headless = of(set, Service).find(({ metadata }) => metadata?.name === serviceName)?.spec;
      const volumes = new Set([
        ...(spec.volumes ?? []).map(({ name }) => name),
        ...volumeClaimTemplates.map(({ metadata }) => metadata?.name),
      ]);
      const mounts = spec.containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
      return [
        named('ServiceAccount', spec.serviceAccountName),
        named('PriorityClass', spec.priorityClassName),
        headless?.clusterIP === 'None' && selects(headless.selector ?? {}, template?.metadata?.labels ?? {})
          ? ''
          : `no headless Service ${serviceName} of its pods`,
        ...mounts.map(({ name }) => (volumes.has(name) ? '' : `no volume ${name}`)),
        ...[...volumes].map((name) => (mounts.some((mount) => mount.name === name) ? '' : `volume ${name} is not mounted`)),
      ]
        .filter((text) => text !== '')
        .map((text) => `${nameOf(owner as Resource)}: ${text}`);
    }),
};

export const POD_LINTS: readonly Lint[] = [
  imagePinned,
  wholeCpus,
  workersFit,
  injectByLabel,
  noAutoscaler,
  restricted,
  ownJournal,
  ownNodes,
  namesExist,
];
