import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { MESH } from './render.ts';
import { groupOf, type Resource } from './resource.ts';

export const MESH_CONFIG = join(MESH, 'base/istio/mesh-config.yaml');

/** The output directory of istio-tools/build.sh: `OPENBELL_ISTIO_BIN`, or a cache outside of the repository. */
const BIN = process.env.OPENBELL_ISTIO_BIN ?? join(homedir(), '.cache/openbell/istio/eed52ebb66ad');

/** `istioctl`, or `xds`, which serves the configuration that istiod would; undefined if it is not built. */
export function istioTool(name: 'istioctl' | 'xds'): string | undefined {
  const path = join(BIN, name);
  return existsSync(path) ? path : undefined;
}

/** The resources that Istio itself reads. */
export function isIstio({ apiVersion }: Resource): boolean {
  return groupOf(apiVersion).endsWith('.istio.io');
}

export function toYaml(set: readonly unknown[]): string {
  return set.map((resource) => stringify(resource, { lineWidth: 0 })).join('---\n');
}

/**
 * Expected findings of `analyze`. It reports every EnvoyFilter (their content is
 * tested in a data plane). In ambient, it reports that a certificate is not
 * verified: the exchange's own, inside ztunnel's tunnel, which does verify.
 */
const KNOWN = ['IST0133=EnvoyFilter openbell/*', 'IST0128=DestinationRule openbell/openbell', 'IST0129=DestinationRule openbell/openbell'];

/**
 * Istio's own analyzers, over all namespaces: without `-A` they ignore all
 * except `default`, and find nothing.
 * @param ambient no sidecars
 */
export function analyze(istioctl: string, set: readonly Resource[], ambient = false): string[] {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-analyze-'));
  try {
    const file = join(dir, 'resources.yaml');
    writeFileSync(file, toYaml(set));
    const known = KNOWN.slice(0, ambient ? undefined : 1).flatMap((code) => ['--suppress', code]);
    const flags = ['-A', '--use-kube=false', '--failure-threshold=Error', ...known, '--meshConfigFile', MESH_CONFIG];
    const { stdout, stderr, error } = spawnSync(istioctl, ['analyze', ...flags, '-o', 'json', file], { encoding: 'utf8' });
    if (error) throw error;
    if (!stdout.trimStart().startsWith('[')) throw new Error(`istioctl analyze: ${stderr}${stdout}`);
    const found = JSON.parse(stdout) as { code: string; level: string; origin: string; message: string }[];
    return found.map(({ code, level, origin, message }) => `${level} ${code} ${origin}: ${message}`);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
