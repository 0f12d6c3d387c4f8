/**
 * Generates the files that are committed with the schema. Run `npm run
 * wire:generate` after a change of openbell.fbs. `-- --check` changes nothing, and
 * exits 1 if the committed files differ from the generated ones.
 *
 * - `generated/`: flatc's TypeScript, compiled (its enums are not erasable).
 * - `layout.ts`: byte offsets of every struct field and every enum, taken from
 *   flatc's output, for code that reads structs in place with typed arrays.
 *
 * Needs `flatc` (Debian package flatbuffers-compiler).
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname;
const root = join(here, '..', '..');
const check = process.argv.includes('--check');
const work = mkdtempSync(join(tmpdir(), 'openbell-wire-'));

try {
  execFileSync('flatc', ['--ts', '-o', work, join(here, 'openbell.fbs')], { stdio: 'inherit' });
} catch (error) {
  console.error(`flatc failed (${(error as Error).message}); install it with: apt-get install flatbuffers-compiler`);
  process.exit(2);
}
const sources = join(work, 'openbell', 'wire');
const names = readdirSync(sources)
  .filter((name) => name.endsWith('.ts'))
  .sort();
const layout = layoutOf(names.map((name) => readFileSync(join(sources, name), 'utf8')));

// flatc writes imports without a file extension; ES modules need one.
for (const name of names) {
  const text = readFileSync(join(sources, name), 'utf8');
  writeFileSync(join(sources, name), text.replaceAll(/'\.\.\/\.\.\/openbell\/wire\/([a-z0-9-]+)'/g, "'./$1.js'"));
}
writeFileSync(
  join(work, 'tsconfig.json'),
  JSON.stringify({
    compilerOptions: {
      target: 'es2022',
      module: 'esnext',
      moduleResolution: 'bundler',
      declaration: true,
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
      paths: { flatbuffers: [join(root, 'node_modules', 'flatbuffers')] },
      rootDir: sources,
      outDir: join(work, 'out'),
    },
    include: [sources],
  }),
);
execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', work], { stdio: 'inherit' });

const target = join(here, 'generated');
const fresh = readdirSync(join(work, 'out')).sort();
const stale = [
  ...fresh.filter((name) => read(join(target, name)) !== read(join(work, 'out', name))),
  ...(existsSync(target) ? readdirSync(target).filter((name) => !fresh.includes(name)) : []),
  ...(read(join(here, 'layout.ts')) === layout ? [] : ['../layout.ts']),
];
if (check) {
  if (stale.length > 0) console.error(`wire schema drift: ${stale.join(', ')} differ from openbell.fbs; run npm run wire:generate`);
  else console.log(`wire schema: ${fresh.length} generated files agree with openbell.fbs`);
} else {
  rmSync(target, { recursive: true, force: true });
  cpSync(join(work, 'out'), target, { recursive: true });
  writeFileSync(join(here, 'layout.ts'), layout);
  console.log(`wire schema: wrote ${fresh.length} files and layout.ts`);
}
rmSync(work, { recursive: true });
process.exitCode = check && stale.length > 0 ? 1 : 0;

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function layoutOf(texts: string[]): string {
  const out = [
    '// Generated from openbell.fbs by generate.ts; do not edit.',
    '// Struct objects: field -> byte offset, `bytes` = size of the struct.',
    '',
  ];
  for (const text of texts) {
    const enumName = /export enum (\w+)/.exec(text)?.[1];
    if (enumName !== undefined) {
      const members = [...text.matchAll(/^\s+(\w+) = (\d+),?$/gm)].map((m) => `  ${m[1]}: ${m[2]},`);
      out.push(`export const ${enumName} = {`, ...members, '} as const;');
      out.push(`export type ${enumName} = (typeof ${enumName})[keyof typeof ${enumName}];`, '');
      continue;
    }
    const structName = /export class (\w+)/.exec(text)?.[1];
    const bytes = /static sizeOf\(\):number \{\s+return (\d+);/.exec(text)?.[1];
    if (structName === undefined || bytes === undefined) continue;
    const fields = [...text.matchAll(/^(\w+)\(\):[^{]+\{\s+return this\.bb!\.read\w+\(this\.bb_pos(?: \+ (\d+))?\)/gm)];
    out.push(`export const ${structName} = {`, `  bytes: ${bytes},`);
    out.push(...fields.map((m) => `  ${m[1]}: ${m[2] ?? 0},`), '} as const;', '');
  }
  return `${out.join('\n').trimEnd()}\n`;
}
