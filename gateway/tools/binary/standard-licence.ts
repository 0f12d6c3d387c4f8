import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Texts of SPDX for packages that publish none: licences such as Apache-2.0 demand that a copy is given with the program. */

/** The standard text of a licence. @param name of SPDX @throws Error with code ENOENT for a name that SPDX does not have */
export function standardText(root: string, name: string): string {
  const path = join(root, 'node_modules', 'spdx-license-list', 'licenses', `${name}.json`);
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly licenseText: string }).licenseText;
}

/** The names in an expression such as `(MIT AND Zlib)`, each once. */
export function namesIn(expression: string): string[] {
  return [...new Set(expression.split(/[()\s]+/).filter((word) => word !== '' && word !== 'AND' && word !== 'OR'))];
}

/** The copyright lines in the sources of a package, each once: the standard texts have none, and ask for them. */
export function copyrightsIn(dir: string): string[] {
  const lines = new Set<string>();
  for (const file of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    if (!/\.[cm]?js$/.test(file) || file.includes('node_modules')) continue;
    for (const [, line] of readFileSync(join(dir, file), 'utf8').matchAll(/^[\s/*#]*(Copyright \S.*?)\s*$/gm))
      lines.add(line.replace(/\s+/g, ' '));
  }
  return [...lines].sort();
}
