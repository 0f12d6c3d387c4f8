/**
 * Renders every overlay and starts its shards. Without kustomize or kubectl
 * this is skipped, unless OPENBELL_CI=1: then it fails.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { RequestAuthentication } from '@kubernetes-models/istio/security.istio.io/v1/RequestAuthentication';
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { IProbe } from 'kubernetes-models/v1/Probe';
import { of } from '../mesh/checks/lint.ts';
import { kustomizeTool, MESH, OVERLAYS, type Overlay, renderDirectory, renderOverlay } from '../mesh/checks/render.ts';
import type { Resource } from '../mesh/checks/resource.ts';
import { problemsOf } from '../mesh/checks/validate.ts';
import { mountedFile, type Workload, workloads } from '../mesh/checks/workload.ts';
import { Authority, MountedSecret } from './support/certificates.ts';
import { openbell } from './support/exchange-process.ts';
import { LONG_RUNS } from './support/long-runs.ts';

const CLI = join(import.meta.dirname, '../dist/gateway/cli.js');
const tool = kustomizeTool();
const skip =
  tool === undefined && process.env.OPENBELL_CI !== '1' ? 'NEITHER kustomize NOR kubectl ON THE PATH: no overlay was rendered' : false;
if (skip !== false) process.stderr.write(`mesh-manifests.test: ${skip}\n`);

const rendered = new Map<Overlay, readonly Resource[]>();
function render(overlay: Overlay): readonly Resource[] {
  assert.ok(tool, 'neither kustomize nor kubectl is installed');
  const set = rendered.get(overlay) ?? renderOverlay(overlay, tool);
  rendered.set(overlay, set);
  return set;
}

const shardsOf = (set: readonly Resource[]): Workload => {
  const found = workloads(set);
  assert.deepEqual(
    found.map(({ name }) => name),
    ['openbell'],
  );
  return found[0];
};

describe('overlays', { skip }, () => {
  for (const overlay of OVERLAYS) {
    it(`${overlay}: correct by schema, type and lints`, async () => {
      assert.deepEqual(await problemsOf(render(overlay)), []);
    });
  }

  it('have the shards that they refer to', () => {
    const replicas = Object.fromEntries(OVERLAYS.map((overlay) => [overlay, shardsOf(render(overlay)).replicas]));
    // Staging's third is the shadow. Two regions never have writers at once.
    assert.deepEqual(replicas, {
      development: 1,
      staging: 3,
      production: 3,
      'production-with-feeds': 3,
      'first-region': 3,
      'second-region': 0,
      'second-region-takeover': 3,
      ambient: 3,
    });
  });

  it('development trusts the key written by dev-token, and no key before that', async (t) => {
    assert.ok(tool);
    const dir = mkdtempSync(join(tmpdir(), 'openbell-dev-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    cpSync(MESH, join(dir, 'mesh'), { recursive: true });
    const overlay = join(dir, 'mesh/overlays/development');
    const rule = () => of(renderDirectory(overlay, tool), RequestAuthentication).flatMap(({ spec }) => spec?.jwtRules ?? [])[0];
    assert.deepEqual(JSON.parse(rule().jwks ?? ''), { keys: [] });
    const who = ['--subject', 'me', '--roles', 'trader', '--accounts', '1', '--issuer', 'https://issuer.openbell.example'];
    const files = ['--key', join(dir, 'key.pem'), '--jwks', join(overlay, 'keys/jwks.json')];
    const { code, stdout, stderr } = await openbell(['dev-token', ...who, ...files]);
    assert.equal(code, 0, stderr);
    const { jwks = '', issuer, audiences, jwksUri } = rule();
    assert.equal(jwksUri, undefined, 'one or the other');
    const { payload } = await jwtVerify(stdout.trim(), createLocalJWKSet(JSON.parse(jwks)), { issuer, audience: audiences });
    assert.equal(payload.openbell_roles, 'trader');
  });

  it('the network of production has exactly these openings', () => {
    const rules = of(render('production'), NetworkPolicy).flatMap(({ metadata, spec }) => [
      ...(spec?.ingress ?? []).map(({ from, ports }) => ({ metadata, spec, way: '<-', peers: from, ports })),
      ...(spec?.egress ?? []).map(({ to, ports }) => ({ metadata, spec, way: '->', peers: to, ports })),
    ]);
    const labels = (selector: { matchLabels?: Record<string, string> } | undefined) =>
      Object.entries(selector?.matchLabels ?? { ANY: '' }).map(([name, value]) => `${name.replace(/^.*\//, '')}=${value}`);
    const lines = rules.flatMap(({ metadata, spec, way, peers = [], ports = [] }) =>
      peers.map(({ namespaceSelector, podSelector, ipBlock }) => {
        assert.deepEqual([metadata?.namespace, ipBlock, spec?.policyTypes], ['openbell', undefined, [way === '<-' ? 'Ingress' : 'Egress']]);
        const who = [labels(spec?.podSelector), way, labels(namespaceSelector), labels(podSelector)].flat().join(' ');
        return `${who}: ${ports.map(({ protocol = 'TCP', port }) => `${protocol} ${port}`).join(', ')}`;
      }),
    );
    assert.deepEqual(lines.sort(), [
      'name=openbell -> metadata.name=istio-system app=istiod: TCP 15012',
      'name=openbell -> metadata.name=istio-system app=opentelemetry-collector: TCP 4317',
      'name=openbell -> metadata.name=kube-system k8s-app=kube-dns: UDP 53, TCP 53',
      'name=openbell <- metadata.name=istio-ingress istio=ingressgateway: TCP 7401, TCP 7402',
      'name=openbell <- metadata.name=istio-ingress istio=ingressgateway: TCP 7403',
      'name=openbell <- metadata.name=monitoring name=prometheus: TCP 15020, TCP 15090',
    ]);
  });

  it('two regions: each admits the gateways of the other, and their clients have the same authorities', () => {
    for (const overlay of ['first-region', 'second-region', 'second-region-takeover'] as const) {
      const [policy] = of(render(overlay), NetworkPolicy).filter(({ metadata }) => metadata?.name === 'openbell-from-other-region');
      // What comes from the other cluster has no pod here that a selector could name.
      assert.deepEqual(policy?.spec?.ingress, [
        {
          from: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'istio-system' } },
              podSelector: { matchLabels: { istio: 'eastwestgateway' } },
            },
          ],
          ports: [7401, 7402, 7403].map((port) => ({ protocol: 'TCP', port })),
        },
      ]);
    }
    // Who writes the secret of each authority: one region makes it, the other has it from the store.
    const authorities = (overlay: Overlay) =>
      render(overlay)
        .flatMap((resource) => {
          const { spec } = resource as unknown as { spec?: { isCA?: boolean; secretName?: string; target?: { name?: string } } };
          const secret = resource.kind === 'ExternalSecret' ? spec?.target?.name : spec?.isCA ? spec.secretName : undefined;
          return secret === undefined ? [] : [`${secret}: ${resource.kind}`];
        })
        .sort();
    assert.deepEqual(authorities('first-region'), ['openbell-admin-ca: Certificate', 'openbell-ca: Certificate']);
    for (const overlay of ['second-region', 'second-region-takeover'] as const)
      assert.deepEqual(authorities(overlay), ['openbell-admin-ca: ExternalSecret', 'openbell-ca: ExternalSecret']);
  });

  it('production and its takeover differ only in volumes, locality and what two regions need', () => {
    const regional = /^(Persistent|DestinationRule|ExternalSecret)|(openbell-(admin-)?ca|openbell-root|openbell-from-other-region)$/;
    const without = (set: readonly Resource[]) =>
      set.filter(({ kind, metadata }) => !regional.test(`${kind} ${metadata.name}`)).map((resource) => JSON.stringify(resource));
    assert.deepEqual(without(render('second-region-takeover')).sort(), without(render('production')).sort());
    const claims = render('second-region-takeover').filter(({ kind }) => kind === 'PersistentVolumeClaim');
    assert.deepEqual(
      claims.map(({ metadata }) => metadata.name),
      ['journal-openbell-0', 'journal-openbell-1', 'journal-openbell-2'],
    );
  });
});

describe('the built command, with the arguments, variables and files of a pod', { skip, timeout: 300_000 }, () => {
  // second-region has no pods, and those of the takeover are production's.
  for (const [index, overlay] of (['development', 'staging', 'production', 'ambient'] as const).entries()) {
    // In a short run, another shard of each.
    it(`${overlay}: each shard starts, answers its probes, stops in time and leaves a snapshot`, async (t) => {
      const set = render(overlay);
      const workload = shardsOf(set);
      for (let i = 0; i < workload.replicas; i++)
        if (LONG_RUNS || i === index % workload.replicas) await startAndStop(t, set, workload, `${workload.name}-${i}`);
    });
  }

  it('a pod whose file is missing does not start', async (t) => {
    const set = render('development');
    const { child } = await launch(t, set, shardsOf(set), 'openbell-1');
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 2);
  });
});

async function startAndStop(t: TestContext, set: readonly Resource[], workload: Workload, pod: string): Promise<void> {
  const { child, dir } = await launch(t, set, workload, pod);
  let out = '';
  let err = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    out += bytes;
  });
  child.stderr?.on('data', (bytes: Buffer) => {
    err += bytes;
  });
  const exited = once(child, 'exit');
  while (!out.includes('\n')) {
    await Promise.race([once(child.stdout ?? child, 'data'), exited]);
    assert.equal(child.exitCode, null, `${pod}: ${err}`);
  }
  const { http } = JSON.parse(out) as { http: number };
  const { startupProbe, readinessProbe, livenessProbe, lifecycle } = workload.spec.containers[0];
  for (const probe of [startupProbe, readinessProbe, livenessProbe]) assert.equal(await ask(probe, http), 200, pod);
  child.kill('SIGTERM');
  const grace = (workload.spec.terminationGracePeriodSeconds ?? 0) - (lifecycle?.preStop?.sleep?.seconds ?? 0);
  const timer = setTimeout(() => child.kill('SIGKILL'), grace * 1000);
  const [code] = (await exited) as [number | null];
  clearTimeout(timer);
  assert.equal(code, 0, `${pod}: ${err}`);
  assert.ok(
    readdirSync(join(dir, 'data')).some((name) => name.endsWith('.obs')),
    `${pod}: no snapshot`,
  );
}

/**
 * Like kubelet, but on this host: each mount is a directory below `dir`,
 * and the ports are free ones, as several tests run at once. Nothing else is in
 * the environment.
 */
async function launch(
  t: TestContext,
  set: readonly Resource[],
  workload: Workload,
  pod: string,
): Promise<{ child: ChildProcess; dir: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-pod-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [container] = workload.spec.containers;
  const mounts = (container.volumeMounts ?? []).map(({ mountPath }) => mountPath);
  for (const mount of mounts) mkdirSync(join(dir, mount), { recursive: true });
  const here = (text: string) => {
    const full = text.replaceAll('$(POD_NAME)', pod);
    return mounts.some((mount) => full === mount || full.startsWith(`${mount}/`)) ? join(dir, full) : full;
  };
  const env: Record<string, string> = {};
  for (const { name, value } of container.env ?? []) if (value !== undefined) env[name] = here(value);
  const path = container.env?.find(({ name }) => name === 'OPENBELL_CONFIG')?.value?.replace('$(POD_NAME)', pod) ?? '';
  const venue = mountedFile(set, workload, container, path);
  if (venue !== undefined) writeFileSync(join(dir, path), venue);
  await writeSecrets(dir, env);
  const args = [...(container.args ?? []).map(here), '--json', '--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];
  const child = spawn(process.execPath, [CLI, ...args], { env, cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  return { child, dir };
}

/** What cert-manager and the secret store put into their mounts. */
async function writeSecrets(dir: string, env: Readonly<Record<string, string>>): Promise<void> {
  const { OPENBELL_TLS_CERT: cert, OPENBELL_TLS_KEY: key, OPENBELL_AUTH_JWKS: jwks } = env;
  if (cert !== undefined && key !== undefined) {
    const pair = new Authority(join(dir, 'authority')).issue({ name: 'exchange' });
    const mounted = new MountedSecret(dirname(cert), pair);
    assert.deepEqual([mounted.cert, mounted.key], [cert, key]);
  }
  if (jwks !== undefined) {
    assert.ok(jwks.startsWith(dir), 'the keys are mounted');
    const { publicKey } = await generateKeyPair('ES256');
    writeFileSync(jwks, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: '1', alg: 'ES256' }] }));
  }
}

/** Status of a probe like kubelet's, which accepts any certificate. */
async function ask(probe: IProbe | undefined, port: number): Promise<number | undefined> {
  const { path = '', scheme } = probe?.httpGet ?? {};
  if (scheme !== 'HTTPS') return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on('error', reject);
    call.end();
  });
}
