/**
 * Checks proto/ and generates ./generated from it:
 *
 *     node gateway/protobuf/generate.ts            # npm run proto:generate
 *     node gateway/protobuf/generate.ts --check    # part of npm run check
 *     node gateway/protobuf/generate.ts --landed   # a release: the schema now is what later changes must not break
 *
 * `buf` lints the schema, compares it with the last release (proto/landed.binpb) and runs the generator of protobuf-es. Its enums
 * are rewritten as objects: Node runs TypeScript only where types can be erased.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const PROTO = join(ROOT, 'proto');
const TARGET = join(import.meta.dirname, 'generated');
const LANDED = join(PROTO, 'landed.binpb');
const BIN = join(ROOT, 'node_modules', '.bin');

const check = process.argv.includes('--check');
const work = mkdtempSync(join(tmpdir(), 'openbell-proto-'));
try {
  buf('lint', '.');
  if (process.argv.includes('--landed')) buf('build', '--exclude-source-info', '-o', LANDED, '.');
  buf('breaking', '--against', LANDED, '.');
  const fresh = generated();
  const stale = files(TARGET).filter((name) => !fresh.has(name));
  for (const [name, text] of fresh) if (read(join(TARGET, name)) !== text) stale.push(name);
  if (check && stale.length > 0) {
    console.error(`protobuf: ${stale.join(', ')} in gateway/protobuf/generated differ from proto/; run npm run proto:generate`);
    process.exitCode = 1;
  } else if (check) console.log(`protobuf: ${fresh.size} generated files agree with proto/`);
  else write(fresh);
} finally {
  rmSync(work, { recursive: true });
}

/** The files by their paths. */
function generated(): Map<string, string> {
  const template = {
    version: 'v2',
    plugins: [{ local: join(BIN, 'protoc-gen-es'), out: work, opt: ['target=ts', 'import_extension=ts', 'json_types=false'] }],
  };
  buf('generate', '--template', JSON.stringify(template), '.');
  return new Map(files(work).map((name) => [name, withoutEnums(readFileSync(join(work, name), 'utf8'))]));
}

/** Enums as objects, with types of the same names. */
function withoutEnums(text: string): string {
  return text.replace(
    /^export enum (\w+) \{\n([\s\S]*?)^\}/gm,
    (_all, name: string, body: string) =>
      `export const ${name} = {\n${body.replace(/^(\s+\w+) = /gm, '$1: ')}} as const;\nexport type ${name} = (typeof ${name})[keyof typeof ${name}];`,
  );
}

function write(fresh: ReadonlyMap<string, string>): void {
  rmSync(TARGET, { recursive: true, force: true });
  for (const [name, text] of fresh) {
    mkdirSync(dirname(join(TARGET, name)), { recursive: true });
    writeFileSync(join(TARGET, name), text);
  }
  console.log(`protobuf: wrote ${fresh.size} files`);
}

function buf(...args: string[]): void {
  const { status, error } = spawnSync(join(BIN, 'buf'), args, {
    cwd: PROTO,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${BIN}:${process.env.PATH}` },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`buf ${args[0]} failed`);
}

function files(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
