/**
 * Each line of mesh/base is there for a reason: without it a lint or a schema says so. What Istio reads is tried in a
 * data plane instead (mesh-istio, mesh-istio-traffic, mesh-manifests), and what is left is listed here with its reason.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseSet } from '../mesh/checks/base-set.ts';
import { lint } from '../mesh/checks/lints/index.ts';
import type { Resource } from '../mesh/checks/resource.ts';
import { schemaProblems } from '../mesh/checks/schema.ts';

/** Who notices when a line of these is gone: tests of what Envoy got, of what it lets through, of each opening. */
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

/** Where each field and each item is, but for what makes it a resource of its kind. */
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
  // biome-ignore lint/suspicious/noExplicitAny: it goes down whatever is there.
  let inner: any = copy;
  for (const key of path.slice(0, -1)) inner = inner[key];
  const last = path.at(-1) as string | number;
  if (Array.isArray(inner)) inner.splice(Number(last), 1);
  else delete inner[last];
  return copy;
}

/** A lint may also fail on what is no resource any more: that is a complaint. */
function complaints(set: readonly Resource[]): number {
  try {
    return lint(set).length;
  } catch (error) {
    if (error instanceof TypeError) return 1;
    throw error;
  }
}
