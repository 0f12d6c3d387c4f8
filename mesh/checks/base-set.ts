import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MESH } from './render.ts';
import { parseResources, type Resource, readResources } from './resource.ts';

/**
 * One shard and its mesh as in the files of base/, with the development
 * venue: complete, and read without kustomize. A lint finding for this set plus
 * a bad example is therefore caused by the example.
 */
export function baseSet(): Resource[] {
  const files = [join(MESH, 'base'), join(MESH, 'base/istio')].flatMap((dir) =>
    readdirSync(dir)
      .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml' && name !== 'mesh-config.yaml')
      .map((name) => join(dir, name)),
  );
  const venue = readFileSync(join(MESH, 'overlays/development/shards/venues/openbell-0.yaml'), 'utf8');
  const venues = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'openbell-venues', namespace: 'openbell' },
    data: { 'openbell-0.yaml': venue },
  };
  return [...files.flatMap(readResources), venues];
}

/**
 * The set with the example merged into it, or with one more resource. As in
 * kustomize's patches, null deletes a field, lists of named items are merged by
 * name, and `$patch: delete` removes one of them, or the resource.
 */
export function withExample(set: readonly Resource[], example: string, source: string): Resource[] {
  const key = ({ kind, metadata }: Resource) => `${kind}/${metadata.namespace}/${metadata.name}`;
  const known = new Map(set.map((resource) => [key(resource), resource]));
  for (const patch of parseResources(example, source)) {
    if (deletes(patch)) known.delete(key(patch));
    else known.set(key(patch), merge(known.get(key(patch)), patch) as Resource);
  }
  return [...known.values()];
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const deletes = (value: unknown) => isFields(value) && value.$patch === 'delete';
const nameIn = (value: unknown) => (isFields(value) ? (value.name ?? (value.metadata as Fields | undefined)?.name) : undefined);

function merge(target: unknown, patch: unknown): unknown {
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch);
  if (!isFields(patch)) return patch;
  const out: Fields = isFields(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = merge(out[key], value);
  }
  return out;
}

function mergeList(target: readonly unknown[], patch: readonly unknown[]): unknown[] {
  if (!patch.every((item) => nameIn(item) !== undefined)) return [...patch];
  const of = (item: unknown) => patch.find((other) => nameIn(other) === nameIn(item));
  const kept = target.filter((item) => !deletes(of(item))).map((item) => (of(item) === undefined ? item : merge(item, of(item))));
  const added = patch.filter((item) => !deletes(item) && !target.some((other) => nameIn(other) === nameIn(item)));
  return [...kept, ...added];
}
