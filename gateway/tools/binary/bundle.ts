/** One file of JavaScript for the main thread and one for each kind of thread, with everything from node_modules in them. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '..', '..', '..');

/** Threads by the name of the file that `new Worker` is given; `worker` is what piscina calls its own. */
export const THREADS: Readonly<Record<string, string>> = {
  'engine-worker': 'engine/threads/engine-worker.ts',
  'snapshot-worker': 'engine/threads/snapshot-worker.ts',
  'alert-worker': 'gateway/alerts/alert-worker.ts',
  'feed-worker': 'feeds/worker/feed-worker.ts',
  'feed-candle-worker': 'gateway/taps/feed-candles/feed-candle-worker.ts',
  'prepare-worker': 'gateway/taps/history/prepare-worker.ts',
  'writer-worker': 'gateway/taps/history/writer-worker.ts',
  worker: 'gateway/tools/binary/pool-thread.ts',
};

export interface Bundles {
  /** CommonJS, as the single executable's main script must be. */
  readonly main: string;
  readonly threads: Readonly<Record<string, string>>;
  /** Names of the npm packages with code in the bundle. */
  readonly packages: readonly string[];
}

/** @throws esbuild's error */
export async function bundle(): Promise<Bundles> {
  const main = await bundleOne('gateway/cli.ts', 'addons.ts', [threadsInside]);
  const threads: Record<string, string> = {};
  const inputs = [main.metafile];
  for (const [name, entry] of Object.entries(THREADS)) {
    const thread = await bundleOne(entry, 'thread-addons.ts', []);
    threads[name] = thread.text;
    inputs.push(thread.metafile);
  }
  return { main: main.text, threads, packages: packagesOf(inputs) };
}

async function bundleOne(entry: string, addons: string, plugins: readonly Plugin[]): Promise<{ text: string; metafile: Metafile }> {
  const options = {
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    legalComments: 'none',
    logLevel: 'warning',
    define: { 'import.meta.url': '"file:///openbell.js"', 'import.meta.filename': '"/openbell.js"' },
    // It evaluates source text that names its own variables, which esbuild renames in a module, but not in a CommonJS file.
    alias: { 'ordered-binary': join(ROOT, 'node_modules/ordered-binary/dist/index.cjs') },
    plugins: [addonsInside(join(HERE, addons)), optionalLeftOut, ...plugins],
  } satisfies BuildOptions;
  const { outputFiles, metafile } = await build(options);
  return { text: outputFiles[0].text, metafile };
}

/** Replaces a package's search for its add-on by the embedded add-on. */
function addonsInside(loader: string): Plugin {
  const contents = (statement: string) => ({
    contents: `import { loadAddon } from ${JSON.stringify(loader)};\n${statement}`,
    resolveDir: HERE,
  });
  return {
    name: 'addons-inside',
    setup(build) {
      build.onLoad({ filter: /uWebSockets\.js\/dist\/uws\.mjs$/ }, () => contents(`export default loadAddon('uws');`));
      build.onResolve({ filter: /^node-gyp-build-optional-packages$/ }, () => ({ path: 'lmdb', namespace: 'addon' }));
      build.onLoad({ filter: /^lmdb$/, namespace: 'addon' }, () => contents(`export default () => loadAddon('lmdb');`));
    },
  };
}

const threadsInside: Plugin = {
  name: 'threads-inside',
  setup(build) {
    const path = join(HERE, 'worker-threads.ts');
    build.onResolve({ filter: /^(node:)?worker_threads$/ }, ({ importer }) =>
      importer === path ? { path: 'node:worker_threads', external: true } : { path },
    );
  },
};

/** Optional packages that openbell does not use. Left to `require`, they would be searched for in the working directory. */
const optionalLeftOut: Plugin = {
  name: 'optional-left-out',
  setup(build) {
    build.onResolve({ filter: /^(msgpackr-extract|@napi-rs\/nice)$/ }, ({ path }) => ({ path, namespace: 'left-out' }));
    build.onLoad({ filter: /./, namespace: 'left-out' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not part of this binary`)});`,
    }));
  },
};

function packagesOf(metafiles: readonly Metafile[]): string[] {
  const names = new Set<string>();
  for (const { inputs } of metafiles) {
    for (const path of Object.keys(inputs)) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
      if (name !== undefined) names.add(name);
    }
  }
  return [...names].sort();
}

/** Paths of the add-ons that the plain run would open with this very Node on this machine. */
export function addonFiles(): Readonly<Record<string, string>> {
  const require = createRequire(join(ROOT, 'package.json'));
  const lmdb = require.resolve('lmdb');
  const { path } = createRequire(lmdb)('node-gyp-build-optional-packages') as { path(dir: string): string };
  const uws = `node_modules/uWebSockets.js/dist/bin/uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
  return { lmdb: path(join(dirname(lmdb), '..')), uws: join(ROOT, uws) };
}
