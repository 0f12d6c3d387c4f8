import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

/** A Kubernetes resource as in YAML, before its kind is interpreted. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export type Labels = Readonly<Record<string, string>>;

/** All resources of a YAML text. @param source named in errors. @throws Error for invalid YAML, or a document that is not a resource */
export function parseResources(text: string, source: string): Resource[] {
  const out: Resource[] = [];
  for (const document of parseAllDocuments(text)) {
    if (document.errors.length > 0) throw new Error(`${source}: ${document.errors[0].message}`);
    const value = document.toJS() as Partial<Resource> | null;
    if (value === null) continue;
    if (!value.apiVersion || !value.kind || !value.metadata?.name)
      throw new Error(`${source}: a document without apiVersion, kind and metadata.name`);
    out.push(value as Resource);
  }
  return out;
}

export function readResources(file: string): Resource[] {
  return parseResources(readFileSync(file, 'utf8'), file);
}

/** Its name in problem messages. */
export function nameOf({ kind, metadata }: { readonly kind?: string; readonly metadata?: Partial<Resource['metadata']> }): string {
  return `${kind} ${metadata?.namespace ? `${metadata.namespace}/` : ''}${metadata?.name}`;
}

/** The part of the API version before the slash; empty for the core group. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

/** True when `labels` contains all of `selector`; an empty selector matches everything. */
export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
