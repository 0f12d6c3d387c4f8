import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface ModuleClosure {
  /** Paths of the files, from the root, sorted. */
  readonly files: readonly string[];
  /** Names of the packages that they import, sorted; those of Node have the prefix `node:`. */
  readonly packages: readonly string[];
}

/** The module of each import, export or `import('...')` of a declaration that `tsc` wrote. */
const SPECIFIER = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"\n]+)['"]/g;

/**
 * Every declaration that some in `dist` reach.
 * @param root folder that has `dist`
 * @param entries paths from the root
 * @throws Error for an import of a file that is not there
 */
export function moduleClosure(root: string, entries: readonly string[]): ModuleClosure {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, specifier] of withoutComments(readFileSync(join(root, file), 'utf8')).matchAll(SPECIFIER)) {
      if (!specifier.startsWith('.')) packages.add(packageOf(specifier));
      else visit(target(root, join(dirname(file), specifier)));
    }
  };
  for (const entry of entries) visit(entry);
  return { files: [...files].sort(), packages: [...packages].sort() };
}

/** Declarations name the sources of what they import. */
function target(root: string, path: string): string {
  const file = path.replace(/\.[jt]s$/, '.d.ts');
  if (!existsSync(join(root, file))) throw new Error(`${file} is imported, and is not there: run npm run build`);
  return file;
}

/** Examples in comments import, too. */
function withoutComments(text: string): string {
  return text.replace(/^\s*(?:\/\*[\s\S]*?\*\/|\/\/.*$)/gm, '');
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
