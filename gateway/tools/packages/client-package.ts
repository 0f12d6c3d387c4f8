import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { isAllowed, LicenceError } from '../binary/licence-report.ts';
import { moduleClosure } from './module-closure.ts';

export const CLIENT_NAME = 'openbell-client';

const TYPES = 'dist/gateway/client/index.d.ts';
/** Written by browser.ts; the module and its types import nothing of the rest. */
const BROWSER = 'dist/browser';
/** Inside the client's code, which uses a hundredth of its 3 MB. Others stay packages of their own, so that `npm audit` sees them. */
const INSIDE = 'trading-signals';
/** Fields of package.json that both packages share. */
const SHARED = ['version', 'keywords', 'homepage', 'bugs', 'repository', 'license', 'type', 'engines'] as const;

interface Manifest extends Readonly<Record<(typeof SHARED)[number], unknown>> {
  readonly exports: Readonly<Record<string, object>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/**
 * Writes the package of the client into a folder: its code, its types, and the dependencies of both. It has no native parts.
 * @param root the repository, built
 * @param out replaced if it is there
 * @throws Error when it is not built, or the client imports a package that the repository does not have; LicenceError
 */
export async function writeClientPackage(root: string, out: string): Promise<void> {
  const manifest = readJson(join(root, 'package.json')) as Manifest;
  rmSync(out, { recursive: true, force: true });
  const types = moduleClosure(root, [TYPES]);
  for (const file of types.files) copy(root, out, file);
  copy(root, out, BROWSER);
  copy(root, out, 'LICENSE');
  const { license, version } = readJson(join(root, 'node_modules', INSIDE, 'package.json')) as { license: string; version: string };
  if (!isAllowed(license)) throw new LicenceError(`${INSIDE} may not be shipped: ${license}`);
  cpSync(join(root, 'node_modules', INSIDE, 'LICENSE'), join(out, `LICENSE-${INSIDE}-${version}`));
  cpSync(join(root, 'docs', 'CLIENT.md'), join(out, 'README.md'));
  const imported = new Set([...types.packages, ...(await bundle(root, join(out, 'dist')))]);
  const own = {
    name: CLIENT_NAME,
    description: 'Client of the exchange openbell: orders, reports, market data and administration, for Node.js and for pages.',
    ...Object.fromEntries(SHARED.map((key) => [key, manifest[key]])),
    sideEffects: false,
    exports: {
      '.': { ...manifest.exports['.'], default: './dist/openbell.js' },
      './browser': manifest.exports['./browser'],
      './package.json': './package.json',
    },
    dependencies: dependenciesOf([...imported].sort(), manifest),
  };
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(own, null, 2)}\n`);
}

/** @returns names of the packages that the code imports */
async function bundle(root: string, outdir: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { openbell: 'gateway/client/index.ts' },
    outdir,
    chunkNames: '[name]-[hash]',
    bundle: true,
    // Indicators are loaded when they are used.
    splitting: true,
    external: ['@*', 'node:*'],
    platform: 'node',
    format: 'esm',
    target: 'node22',
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  });
  const inside = Object.keys(metafile.inputs).filter((path) => path.includes('node_modules/') && !path.includes(`node_modules/${INSIDE}/`));
  if (inside.length > 0) throw new Error(`the client has code of other packages in it: ${inside.join(', ')}`);
  return Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ external }) => external).map(({ path }) => path));
}

function dependenciesOf(imported: readonly string[], { dependencies, devDependencies }: Manifest): Record<string, string> {
  const needed = imported.map((name) => {
    // The types of Node's own modules.
    if (name.startsWith('node:')) return ['@types/node', devDependencies['@types/node']];
    if (dependencies[name] === undefined) throw new Error(`the client imports ${name}, which is no dependency`);
    return [name, dependencies[name]];
  });
  return Object.fromEntries(needed);
}

function copy(root: string, out: string, path: string): void {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  cpSync(join(root, path), join(out, path), { recursive: true });
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
