import { VerticalPodAutoscaler } from '@kubernetes-models/autoscaler/autoscaling.k8s.io/v1/VerticalPodAutoscaler';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { type Lint, of } from '../lint.ts';
import { quantity } from '../quantity.ts';
import { nameOf, type Resource } from '../resource.ts';
import { hasSidecar, workloads } from '../workload.ts';

const EXACT_IMAGE = /^[\w.:/-]+(:v?\d+\.\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})$/;

const imagePinned: Lint = {
  name: 'image-pinned',
  reason: 'without an exact version or digest two shards of one revision can run different programs',
  check: (set) =>
    workloads(set).flatMap(({ containers, title }) =>
      containers.filter(({ image }) => !EXACT_IMAGE.test(image ?? '')).map(({ image }) => `${title}: image ${image}`),
    ),
};

const wholeCpus: Lint = {
  name: 'whole-cpus',
  reason: "kubelet's static CPU manager gives a container CPUs of its own only when the pod is Guaranteed and it asks for whole ones",
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

const injectByLabel: Lint = {
  name: 'inject-by-label',
  reason: 'the annotation sidecar.istio.io/inject is deprecated, and webhooks that select by label do not see it',
  check: (set) =>
    workloads(set)
      .filter(({ annotations }) => 'sidecar.istio.io/inject' in annotations)
      .map(({ title }) => title),
};

const noAutoscaler: Lint = {
  name: 'no-autoscaler-on-writer',
  reason: 'a second replica of a shard does not share its load, it is another shard; and a resize restarts the only writer',
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
  reason: 'the process needs no root, no capability, no token and no writable root, so whoever breaks in gets none',
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
  reason: 'two writers on one log destroy it, and a journal that goes with its StatefulSet is trading history lost',
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

export const POD_LINTS: readonly Lint[] = [imagePinned, wholeCpus, injectByLabel, noAutoscaler, restricted, ownJournal];
