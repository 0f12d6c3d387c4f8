import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package of package-lock.json that is not only for development. */
export interface LockedPackage {
  /** Where npm puts it, from the root: `node_modules/a/node_modules/b`. */
  readonly path: string;
  /** Its name in the registry, also where it is installed under another. */
  readonly name: string;
  readonly version: string;
  /** SPDX expression, as the package declares it. */
  readonly licence: string;
  /** Algorithm and base64, as npm checks it. */
  readonly integrity: string;
  /** May be missing: npm installs it only on its platform. */
  readonly optional: boolean;
  /** Paths of the packages that its `require` finds. */
  readonly dependsOn: readonly string[];
}

export interface Lockfile {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly dependsOn: readonly string[];
  /** By path, in the order of their paths. */
  readonly packages: readonly LockedPackage[];
}

interface Entry {
  readonly name?: string;
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: true;
  readonly optional?: true;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** @throws Error naming a package without licence or hash in the lockfile */
export function readLockfile(root: string): Lockfile {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, Entry> };
  const own = packages[''];
  const shipped = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev);
  return {
    name: String(own.name),
    version: own.version,
    licence: String(own.license),
    dependsOn: dependsOn('', own, packages),
    packages: shipped.map(([path, entry]) => locked(path, entry, packages)),
  };
}

function locked(path: string, entry: Entry, packages: Readonly<Record<string, Entry>>): LockedPackage {
  const { version, license, integrity, optional = false } = entry;
  const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  if (license === undefined || integrity === undefined) throw new Error(`package-lock.json has no licence or no hash for ${path}.`);
  return { path, name, version, licence: license, integrity, optional, dependsOn: dependsOn(path, entry, packages) };
}

/** As Node looks for them: from the package's own node_modules outwards. */
function dependsOn(path: string, entry: Entry, packages: Readonly<Record<string, Entry>>): string[] {
  const found: string[] = [];
  for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
    for (let from = path; ; from = from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/')))) {
      const candidate = from === '' ? `node_modules/${name}` : `${from}/node_modules/${name}`;
      if (candidate in packages) found.push(candidate);
      if (candidate in packages || from === '') break;
    }
  }
  return found.sort();
}
