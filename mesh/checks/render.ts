import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseResources, type Resource } from './resource.ts';

export const MESH = resolve(import.meta.dirname, '..');

export const OVERLAYS = [
  'development',
  'staging',
  'production',
  'production-with-feeds',
  'first-region',
  'second-region',
  'second-region-takeover',
  'ambient',
] as const;
export type Overlay = (typeof OVERLAYS)[number];

/** Either works: kubectl includes kustomize. Versions from 4.1 support components. */
const TOOLS: readonly (readonly string[])[] = [
  ['kustomize', 'build'],
  ['kubectl', 'kustomize'],
];

/** The command that renders a directory, or undefined if there is none. */
export function kustomizeTool(): readonly string[] | undefined {
  return TOOLS.find(([command]) => spawnSync(command, ['version', ...(command === 'kubectl' ? ['--client'] : [])]).status === 0);
}

/** The resources that `kubectl apply -k` would send, without a cluster. @throws Error with kustomize's message */
export function renderOverlay(overlay: Overlay, tool: readonly string[]): Resource[] {
  return renderDirectory(join(MESH, 'overlays', overlay), tool);
}

/** The same for any directory with a kustomization. @throws Error with kustomize's message */
export function renderDirectory(dir: string, tool: readonly string[]): Resource[] {
  const { status, stdout, stderr } = spawnSync(tool[0], [...tool.slice(1), dir], { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (status !== 0) throw new Error(`${tool.join(' ')} ${dir}: ${stderr}`);
  return parseResources(stdout, dir);
}
