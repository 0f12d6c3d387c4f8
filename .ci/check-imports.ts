/**
 * Checks that imports only run downward between rooms, and that no files
 * import each other in a circle. Imports of types count as well.
 *
 *     node .ci/check-imports.ts [FOLDER]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';

/**
 * The rooms, lowest first. A file may import from its own room and from rooms
 * of the rows above its own in this list; rooms of one row do not import each
 * other. `folder/*` is the files directly in a folder, `folder` all below it.
 * Where several rooms fit a file, the longest name counts.
 */
const ROOMS: readonly (readonly string[])[] = [
  ['engine/*'],
  ['engine/rings', 'engine/wire'],
  ['engine/book'],
  ['engine/rules'],
  ['engine/journal', 'engine/machine'],
  ['engine/threads'],
  ['engine/embed'],
  ['engine/index.ts'],
  ['feeds/*'],
  ['feeds/rings', 'feeds/text'],
  ['feeds/books'],
  ['feeds/venues'],
  ['feeds/files'],
  ['feeds/analysis'],
  ['feeds/lines'],
  ['feeds/worker'],
  ['feeds/simulator'],
  ['feeds/embed'],
  ['feeds/index.ts'],
  ['gateway/*'],
  ['gateway/client', 'gateway/config', 'gateway/protobuf'],
  ['gateway/audit', 'gateway/tls'],
  ['gateway/identity'],
  ['gateway/sessions', 'gateway/market'],
  ['gateway/taps', 'gateway/webhooks'],
  ['gateway/alerts'],
  ['gateway/venue'],
  ['gateway/calendar', 'gateway/portfolio', 'gateway/reference', 'gateway/backup'],
  ['gateway/endpoints/*'],
  ['gateway/endpoints/json'],
  ['gateway/endpoints/grpc', 'gateway/endpoints/websocket', 'gateway/endpoints/http'],
  ['gateway/feed-metrics.ts'],
  ['gateway/metrics.ts'],
  ['gateway/start'],
  ['gateway/main.ts'],
  ['gateway/tools/doctor', 'gateway/tools/binary'],
  ['gateway/tools/packages'],
  ['gateway/tools/cli'],
  ['gateway/cli.ts'],
  ['bench/suite'],
  ['bench/report', 'bench/book', 'bench/core', 'bench/durable', 'bench/load'],
  [
    'bench/embed',
    'bench/fanout',
    'bench/feeds',
    'bench/isolation',
    'bench/mesh',
    'bench/pipeline',
    'bench/recovery',
    'bench/rules',
    'bench/soak',
    'bench/start',
    'bench/wire',
  ],
  ['bench/scopes', 'bench/suite/runner.ts', 'bench/pairs/*', 'bench/tuning'],
  ['bench/run.ts', 'bench/pairs.ts', 'mesh/checks/*'],
  ['mesh/checks/lints'],
  ['mesh/checks/validate.ts'],
  ['.ci'],
  ['docs/examples'],
  ['test/support'],
  ['test/*'],
];

interface Import {
  readonly from: string;
  readonly to: string;
}

interface Room {
  readonly name: string;
  /** Number of its row. */
  readonly rank: number;
}

/** @returns what is wrong with the imports below `root`, a sentence each; empty when all is well */
export function checkImports(root: string): string[] {
  const files = folders(root).flatMap((folder) => sourceFiles(root, folder));
  const imports = files.flatMap((from) => importsOf(root, from));
  const known = new Set(files);
  return [
    ...files
      .filter((file) => roomOf(file) === undefined)
      .map((file) => `${file}: belongs to no room; add it to ROOMS in .ci/check-imports.ts`),
    ...imports.flatMap(upward),
    ...circles(
      files,
      imports.filter(({ to }) => known.has(to)),
    ),
  ];
}

function upward({ from, to }: Import): string[] {
  if (to.startsWith('dist/')) return from.startsWith('test/') ? [] : [`${from}: imports ${to}, which is built from these sources`];
  const [own, other] = [roomOf(from), roomOf(to)];
  if (own === undefined || other === undefined || own.name === other.name || other.rank < own.rank) return [];
  const relation = other.rank === own.rank ? 'stands beside' : 'stands above';
  return [`${from}: imports ${to}, whose room ${other.name} ${relation} ${own.name}`];
}

function roomOf(file: string): Room | undefined {
  let found: Room | undefined;
  for (const [rank, rooms] of ROOMS.entries()) {
    for (const name of rooms) {
      const fits = name.endsWith('/*') ? posix.dirname(file) === name.slice(0, -2) : file === name || file.startsWith(`${name}/`);
      if (fits && (found === undefined || name.length > found.name.length)) found = { name, rank };
    }
  }
  return found;
}

/** One circle for each group of files that reach each other (Tarjan's strongly connected components). */
function circles(files: readonly string[], imports: readonly Import[]): string[] {
  const targets = Map.groupBy(imports, ({ from }) => from);
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[] = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.size - 1);
    stack.push(file);
    for (const { to } of targets.get(file) ?? []) {
      if (!index.has(to)) visit(to);
      if (stack.includes(to)) low.set(file, Math.min(low.get(file) ?? 0, low.get(to) ?? 0));
    }
    if (low.get(file) !== index.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    const own = (targets.get(file) ?? []).some(({ to }) => to === file);
    if (group.length > 1 || own)
      found.push(`${wayAround(file, new Set(group), targets).join(' -> ')}: these files import each other in a circle`);
  };
  for (const file of files) if (!index.has(file)) visit(file);
  return found;
}

/** The shortest way from a file back to itself. */
function wayAround(start: string, group: ReadonlySet<string>, targets: ReadonlyMap<string, readonly Import[]>): string[] {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const { to } of targets.get(way[way.length - 1]) ?? []) {
      if (to === start) return [...way, to];
      if (!group.has(to) || seen.has(to)) continue;
      seen.add(to);
      ways.push([...way, to]);
    }
  }
  return [start];
}

/** Folders with sources; `.ci` is the only hidden one. */
function folders(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && (entry.name === '.ci' || !/^\.|^dist|^node_modules$/.test(entry.name)))
    .map(({ name }) => name);
}

function sourceFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!\.d)\.[cm]?ts$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => !file.includes('node_modules/'))
    .sort();
}

/** `from` or `import`, then, behind spaces, comments or a parenthesis, the path of a file here or the name of this package. */
const IMPORT = /\b(?:from|import)\b(?:\s|\(|\/\*[\s\S]*?\*\/)*['"`](\.{1,2}\/[^'"`\n]+|openbell(?:\/\w+)?)['"`]/g;
/** Those that begin a line; elsewhere the marks may belong to a string. */
const COMMENT = /^\s*(?:\/\*[\s\S]*?\*\/|\/\/.*$)/gm;
/** The exports of package.json. */
const ENTRY_POINTS: Readonly<Record<string, string>> = {
  openbell: 'gateway/client/index.ts',
  'openbell/browser': 'gateway/client/browser/index.ts',
  'openbell/engine': 'engine/index.ts',
  'openbell/feeds': 'feeds/index.ts',
};

function importsOf(root: string, from: string): Import[] {
  const text = readFileSync(join(root, from), 'utf8').replace(COMMENT, '');
  return [...text.matchAll(IMPORT)].map(([, path]) => ({ from, to: ENTRY_POINTS[path] ?? posix.join(posix.dirname(from), path) }));
}

if (import.meta.main) {
  const root = resolve(process.argv[2] ?? join(dirname(import.meta.filename), '..'));
  const problems = checkImports(root);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
