import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UsageError } from './command-line.ts';
import type { Scope } from './scope.ts';

/** The existing scopes, and their folder. */
export interface Catalog {
  /** In the order of execution and of the report. */
  readonly names: readonly string[];
  /** Run only by name, because they take too long for a run of all scopes. */
  readonly byNameOnly: readonly string[];
  /** Contains NAME.ts for each scope. */
  readonly folder: string;
}

export const CATALOG: Catalog = {
  names: [
    'book',
    'core',
    'embed',
    'rules',
    'pipeline',
    'feeds',
    'wire',
    'fanout',
    'isolation',
    'durable',
    'recovery',
    'soak',
    'mesh',
    'pairs',
  ],
  byNameOnly: ['soak', 'pairs'],
  folder: fileURLToPath(new URL('../scopes/', import.meta.url)),
};

/** @returns names in the catalog's order @throws UsageError for an unknown one */
export function chooseScopes(catalog: Catalog, requested: readonly string[]): string[] {
  for (const name of requested)
    if (!catalog.names.includes(name)) throw new UsageError(`no such scope: ${name} (there are ${catalog.names.join(', ')})`);
  return catalog.names.filter((name) => (requested.length === 0 ? !catalog.byNameOnly.includes(name) : requested.includes(name)));
}

export function scopeFile(catalog: Catalog, name: string): string {
  return `${catalog.folder}${name}.ts`;
}

/** @throws UsageError that names the file when there is none */
export async function loadScope(file: string): Promise<Scope> {
  if (!existsSync(file)) throw new UsageError(`${file} is missing`);
  const { scope } = (await import(pathToFileURL(file).href)) as { scope?: Scope };
  if (scope === undefined) throw new Error(`${file} does not export scope`);
  return scope;
}
