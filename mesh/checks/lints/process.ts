import { parse } from 'yaml';
import { readConfigFile } from '../../../gateway/config/config-file.ts';
import { OPTIONS } from '../../../gateway/config/config-options.ts';
import type { Lint } from '../lint.ts';
import { envOf, exchanges, hasSidecar, mountedFile, onLoopback, shadowPods } from '../workload.ts';

/** Read by the process itself; not options of `start`. */
const OTHER_VARIABLES = new Set(['OPENBELL_CONFIG', 'OPENBELL_ADDON_DIR']);

const variableOf = (option: string) => `OPENBELL_${option.toUpperCase().replaceAll('-', '_')}`;
const VARIABLES = new Set(Object.keys(OPTIONS).map(variableOf));
const FLAGS = new Set([...Object.keys(OPTIONS), 'config', 'json'].map((option) => `--${option}`));

const optionsExist: Lint = {
  name: 'options-exist',
  reason: 'the process ignores an unknown variable, so that a misspelt one leaves the default in effect',
  check: (set) =>
    exchanges(set).flatMap(({ container, title }) => [
      ...(container.env ?? [])
        .map(({ name }) => name)
        .filter((name) => name.startsWith('OPENBELL_') && !VARIABLES.has(name) && !OTHER_VARIABLES.has(name))
        .map((name) => `${title}: there is no ${name}`),
      ...(container.args ?? [])
        .filter((arg) => arg.startsWith('-') && !FLAGS.has(arg.split('=')[0]))
        .map((arg) => `${title}: there is no ${arg}`),
    ]),
};

const identityOn: Lint = {
  name: 'identity-on',
  reason: 'without authentication, every loopback caller has the operator role; behind a proxy, that is every client',
  check: (set) =>
    exchanges(set)
      .filter(({ container }) => !['AUTH_PROXIES', 'AUTH_JWKS', 'AUTH_KEYS'].some((name) => envOf(container, `OPENBELL_${name}`)))
      .map(({ title }) => `${title}: none of OPENBELL_AUTH_PROXIES, OPENBELL_AUTH_JWKS, OPENBELL_AUTH_KEYS`),
};

const proxyIsLocal: Lint = {
  name: 'proxy-is-the-sidecar',
  reason: 'claim headers are trusted by the proxy address: a range beyond loopback trusts every host in it',
  check: (set) =>
    exchanges(set).flatMap(({ container, workload, title }) => {
      const ranges = (envOf(container, 'OPENBELL_AUTH_PROXIES') ?? '').split(',').filter((range) => range !== '');
      const wide = ranges.filter((range) => !/^127\.\d+\.\d+\.\d+(\/\d+)?$|^::1(\/128)?$/.test(range));
      if (ranges.length > 0 && !hasSidecar(workload)) return [`${title}: trusts a proxy, and has no sidecar`];
      return wide.map((range) => `${title}: trusts ${range}`);
    }),
};

const venuePerShard: Lint = {
  name: 'venue-per-shard',
  reason: 'a shard without its file does not start, and a symbol on two shards has two books',
  check: (set) =>
    exchanges(set).flatMap(({ container, workload, title }) => {
      const path = envOf(container, 'OPENBELL_CONFIG') ?? '';
      const homes = new Map<string | number, string>();
      const shadows = shadowPods(set);
      return Array.from({ length: workload.replicas }, (_, i) => `${workload.name}-${i}`).flatMap((pod) => {
        const file = path.replace('$(POD_NAME)', pod);
        const text = mountedFile(set, workload, container, file);
        if (text === undefined) return [`${title}: no file ${file} for ${pod}`];
        const { venue, problems } = readConfigFile(file, text, Object.keys(OPTIONS));
        if (problems.length > 0) return problems.map((problem) => `${title}: ${problem}`);
        if (shadows.has(pod)) return [];
        return venue.symbols.flatMap(({ id, name }) =>
          [id, name].flatMap((key) => {
            const home = homes.get(key);
            homes.set(key, pod);
            return home === undefined || home === pod ? [] : [`${title}: symbol ${key} on ${home} and ${pod}`];
          }),
        );
      });
    }),
};

/** Paths of the admin port for probes: docs/ADMIN.md. */
const LIVE = '/health/live';
const READY = '/health/ready';

const probes: Lint = {
  name: 'probes-exist',
  reason: 'a probe of a missing endpoint kills a healthy shard; an exec probe costs a process start each time',
  check: (set) =>
    exchanges(set).flatMap(({ container, title }) =>
      (['startupProbe', 'readinessProbe', 'livenessProbe'] as const).flatMap((kind) => {
        const get = container[kind]?.httpGet;
        if (get === undefined) return [`${title}: ${kind} is not an HTTP probe`];
        const port = container.ports?.find(({ name, containerPort }) => get.port === name || get.port === containerPort);
        return [
          ...(port?.name === 'http-admin' ? [] : [`${title}: ${kind} asks port ${get.port}`]),
          ...([LIVE, READY].includes(get.path ?? '') ? [] : [`${title}: ${kind} asks ${get.path}`]),
        ];
      }),
    ),
};

const liveIsNotReady: Lint = {
  name: 'live-is-not-ready',
  reason: 'an exchange with a full disk is not ready, keeps accepted commands and resumes by itself: a restart is only an outage',
  check: (set) =>
    exchanges(set)
      .filter(({ container }) => container.livenessProbe?.httpGet?.path === READY)
      .map(({ title }) => title),
};

/** Seconds. A log without a snapshot that takes this long at 2 M commands/s is recovered before the pod is killed. */
const RECOVERY_BUDGET = 3600;

const recoveryBudget: Lint = {
  name: 'recovery-budget',
  reason: 'a recovery that is killed starts again, and so never ends',
  check: (set) =>
    exchanges(set).flatMap(({ container, title }) => {
      const { failureThreshold = 3, periodSeconds = 10, httpGet } = container.startupProbe ?? {};
      if (httpGet?.path === LIVE) return [`${title}: the startup probe succeeds before the recovery ends`];
      const budget = failureThreshold * periodSeconds;
      return budget < RECOVERY_BUDGET ? [`${title}: ${budget} s to start, less than ${RECOVERY_BUDGET} s`] : [];
    }),
};

/**
 * Seconds. The drain's own deadline is in gateway/endpoints/grpc/order-entry.ts. The last
 * snapshot took 2 s for a million resting orders (mesh/checks/measure-shard.ts);
 * 60 is that for the largest `capacities.orders`, 16 million, and as much again.
 */
const DRAIN = 5;
const SNAPSHOT = 60;

const graceForSnapshot: Lint = {
  name: 'grace-for-snapshot',
  reason: 'a shard that is killed before its last snapshot loses nothing, but its next start must replay the log',
  check: (set) =>
    exchanges(set).flatMap(({ container, workload, title }) => {
      const wait = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
      const grace = workload.spec.terminationGracePeriodSeconds ?? 30;
      return grace < wait + DRAIN + SNAPSHOT ? [`${title}: ${grace} s, less than ${wait} + ${DRAIN} + ${SNAPSHOT}`] : [];
    }),
};

const dataOnClaim: Lint = {
  name: 'data-on-a-claim',
  reason: 'a journal that is not on a claim of the StatefulSet is lost with its pod',
  check: (set) =>
    exchanges(set)
      .filter(({ container, workload }) => {
        const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === envOf(container, 'OPENBELL_DATA'));
        return mount === undefined || mount.readOnly || !workload.claims.includes(mount.name);
      })
      .map(({ title }) => `${title}: OPENBELL_DATA is not a mount of a claim`),
};

/** Seconds after which endpoints and the gateway's configuration are updated, in practice. */
const LEAVE = 5;

const leavesFirst: Lint = {
  name: 'leaves-before-it-drains',
  reason: 'SIGTERM and the removal from endpoints race: without a wait, a closed session reconnects to the same shard',
  check: (set) =>
    exchanges(set)
      .filter(({ container }) => (container.lifecycle?.preStop?.sleep?.seconds ?? 0) < LEAVE)
      .map(({ title }) => `${title}: preStop sleeps less than ${LEAVE} s`),
};

const probesOnLoopback: Lint = {
  name: 'probes-reach-loopback',
  reason: "the sidecar's agent runs kubelet's probes on the pod's address, where no port listens: the pod never becomes ready",
  check: (set) =>
    exchanges(set)
      .filter(({ container, workload }) => hasSidecar(workload) && onLoopback(container))
      .filter(({ workload }) => {
        const { proxyMetadata } = (parse(workload.annotations['proxy.istio.io/config'] ?? '') ?? {}) as {
          proxyMetadata?: Record<string, string>;
        };
        return proxyMetadata?.REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION !== 'true';
      })
      .map(({ title }) => title),
};

const noShell: Lint = {
  name: 'no-shell-hook',
  reason: 'the image has one program and no shell, so that a hook fails, and the graceful stop fails with it',
  check: (set) =>
    exchanges(set)
      .filter(({ container }) => container.lifecycle?.preStop?.exec ?? container.lifecycle?.postStart)
      .map(({ title }) => title),
};

const adminStaysIn: Lint = {
  name: 'ports-stay-in-the-mesh',
  reason: 'a port that bypasses the sidecar has no mutual TLS and no authorization',
  check: (set) =>
    exchanges(set).flatMap(({ container, workload, title }) => {
      const text = workload.annotations['traffic.sidecar.istio.io/excludeInboundPorts'] ?? '';
      const out = text.split(',').map(Number);
      const ports = (container.ports ?? []).filter(({ containerPort, hostPort }) => out.includes(containerPort) || hostPort !== undefined);
      return ports.map(({ name }) => `${title}: ${name}${onLoopback(container) ? ', which is also on loopback' : ''}`);
    }),
};

export const PROCESS_LINTS: readonly Lint[] = [
  optionsExist,
  identityOn,
  proxyIsLocal,
  venuePerShard,
  probes,
  liveIsNotReady,
  recoveryBudget,
  graceForSnapshot,
  dataOnClaim,
  leavesFirst,
  probesOnLoopback,
  noShell,
  adminStaysIn,
];
