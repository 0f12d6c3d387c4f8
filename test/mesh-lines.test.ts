/**
 * Each line of mesh/base has a reason: if it is removed, a lint or a schema reports it. Lines for Istio are tested in a
 * data plane instead (mesh-istio, mesh-istio-traffic, mesh-manifests), and the remaining ones are listed here with reasons.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseSet } from '../mesh/checks/base-set.ts';
import { lint } from '../mesh/checks/lints/index.ts';
import type { Resource } from '../mesh/checks/resource.ts';
import { schemaProblems } from '../mesh/checks/schema.ts';

/** Other tests that detect a missing line: of Envoy's configuration, of its decisions, of each network opening. */
const ELSEWHERE = new Set([
  'AuthorizationPolicy',
  'DestinationRule',
  'EnvoyFilter',
  'Gateway',
  'NetworkPolicy',
  'PeerAuthentication',
  'RequestAuthentication',
  'Sidecar',
  'Telemetry',
  'VirtualService',
]);

/** Lines that can go, by kind and end of their path. */
const WRITTEN_OUT: readonly (readonly [line: RegExp, reason: string])[] = [
  [/\.protocol$/, 'TCP is the default'],
  [/^Service .*\.targetPort$/, 'the number of the port is the default, and the same'],
  [/: metadata\.labels(\.|$)/, 'for people who list them'],
  [/: description$/, 'for people'],
  [/: spec\.(replicas|revisionHistoryLimit)$/, 'each overlay says how many; ten old revisions are the default'],
  [/: spec\.updateStrategy\.rollingUpdate(\.partition)?$/, '0 is the default: the field by which an update is handed over'],
  [/^ServiceAccount .*: automountServiceAccountToken$/, 'the pod says it, too'],
  [/: spec\.template\.spec\.containers\.0\.args(\.0)?$/, 'mesh-manifests starts the process with them'],
  [/: spec\.template\.spec\.containers\.0\.env\.3(\.value)?$/, 'OPENBELL_TOPOLOGY: what the process chooses by its cores'],
  [/^VerticalPodAutoscaler .*: spec\.targetRef\.apiVersion$/, 'there is one StatefulSet'],
  [/^ProxyConfig .*: spec\.selector(\.|$)/, 'there is one workload in the namespace'],
];

test('each line of mesh/base that is removed is reported by a check, or is listed as redundant', async () => {
  const base = baseSet();
  const used = new Set<RegExp>();
  const missed: string[] = [];
  for (const [index, resource] of base.entries()) {
    if (ELSEWHERE.has(resource.kind) || resource.metadata.name === 'openbell-venues') continue;
    for (const path of linesOf(resource)) {
      const changed = without(resource, path);
      const set = base.map((one, i) => (i === index ? changed : one));
      if ((await schemaProblems(changed)).length > 0 || complaints(set) > 0) continue;
      const line = `${resource.kind} ${resource.metadata.name}: ${path.join('.')}`;
      const known = WRITTEN_OUT.find(([pattern]) => pattern.test(line));
      if (known === undefined) missed.push(line);
      else used.add(known[0]);
    }
  }
  assert.deepEqual(missed, []);
  assert.deepEqual(
    WRITTEN_OUT.filter(([pattern]) => !used.has(pattern)),
    [],
    'a reason for what is not there',
  );
});

type Path = readonly (string | number)[];

/** The path of each field and item, except those that define the kind of the resource. */
function* linesOf(value: unknown, at: Path = []): Generator<Path> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (at.length === 0 && (key === 'apiVersion' || key === 'kind')) continue;
    const path = [...at, Array.isArray(value) ? Number(key) : key];
    yield path;
    yield* linesOf(inner, path);
  }
}

function without(resource: Resource, path: Path): Resource {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(resource)), structuredClone({ ...resource }));
  // biome-ignore lint/suspicious/noExplicitAny: it descends into any value.
  let inner: any = copy;
  for (const key of path.slice(0, -1)) inner = inner[key];
  const last = path.at(-1) as string | number;
  if (Array.isArray(inner)) inner.splice(Number(last), 1);
  else delete inner[last];
  return copy;
}

/** A lint may also throw if the result is not a valid resource: that counts as a report. */
function complaints(set: readonly Resource[]): number {
  try {
    return lint(set).length;
  } catch (error) {
    if (error instanceof TypeError) return 1;
    throw error;
  }
}
