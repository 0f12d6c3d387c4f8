/**
 * Assembles the content of the image. DIR/root: the binary, the shared
 * libraries that it and its add-ons name, their package records and
 * copyrights, and one user. DIR/data: empty.
 *
 *   node gateway/tools/binary/image-root.ts DIR     (a directory that is not there yet; on Debian)
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addonFiles } from './bundle.ts';
import { pinnedNode } from './node-executable.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const OUT = join(ROOT, 'dist-binary');
/** The customary id of an unprivileged user. */
export const IMAGE_USER = 65532;

/** @throws Error when a library is missing, or belongs to no Debian package */
export function assembleImage(dir: string): void {
  const root = join(dir, 'root');
  for (const path of [dir, root, join(dir, 'data')]) mkdirSync(path, { mode: 0o755 });
  const papers = join(root, 'usr/share/doc/openbell');
  mkdirSync(papers, { recursive: true });
  cpSync(join(OUT, 'openbell'), join(root, 'openbell'));
  cpSync(join(ROOT, 'LICENSE'), join(papers, 'LICENSE'));
  for (const name of ['LICENSES.md', 'sbom.cdx.json']) cpSync(join(OUT, name), join(papers, name));

  const packages = new Set<string>();
  for (const library of libraries()) {
    mkdirSync(dirname(join(root, library)), { recursive: true });
    cpSync(realpathSync(library), join(root, library));
    packages.add(packageOf(library));
  }
  for (const name of packages) addPackageRecord(root, name);

  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/passwd'), `openbell:x:${IMAGE_USER}:${IMAGE_USER}:openbell:/data:/sbin/nologin\n`);
  writeFileSync(join(root, 'etc/group'), `openbell:x:${IMAGE_USER}:\n`);
}

/** Absolute paths, as the loader looks for them. */
export function libraries(): string[] {
  const found = new Set<string>();
  for (const file of [pinnedNode(), ...Object.values(addonFiles())]) {
    const out = execFileSync('ldd', [file], { encoding: 'utf8' });
    if (out.includes('not found')) throw new Error(`${file} needs libraries that are missing:\n${out}`);
    for (const [, path] of out.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)) found.add(path);
  }
  return [...found].sort();
}

/** Where `/lib` is a link to `/usr/lib`, a package may have registered its file under either. */
function packageOf(library: string): string {
  const paths = [library, join('/usr', library)].filter((path) => existsSync(path));
  for (const path of paths) {
    try {
      return execFileSync('dpkg-query', ['--search', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(':')[0];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
    }
  }
  throw new Error(`no Debian package has ${paths.join(' or ')}`);
}

/** One file per package in status.d: where vulnerability scanners look in images that have no dpkg. */
function addPackageRecord(root: string, name: string): void {
  const records = join(root, 'var/lib/dpkg/status.d');
  mkdirSync(records, { recursive: true });
  writeFileSync(join(records, name), execFileSync('dpkg-query', ['--status', name]));
  const copyright = `usr/share/doc/${name}/copyright`;
  mkdirSync(dirname(join(root, copyright)), { recursive: true });
  cpSync(realpathSync(join('/', copyright)), join(root, copyright));
}

if (process.argv[1] === import.meta.filename) assembleImage(process.argv[2]);
