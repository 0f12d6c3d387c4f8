import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { nameOf, type Resource } from './resource.ts';
import { modelModule } from './schema.ts';

const ROOT = resolve(import.meta.dirname, '../..');

const TSCONFIG = {
  compilerOptions: { strict: true, noEmit: true, skipLibCheck: true, types: [], module: 'nodenext', target: 'es2024' },
  include: ['*.mts'],
};

/**
 * Unknown fields, which the API server drops silently. Each resource
 * becomes a literal of its published type, and the compiler checks them all
 * at once: it rejects a field that the type does not have.
 */
export function excessFields(resources: readonly Resource[]): string[] {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-mesh-'));
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    for (const [i, resource] of resources.entries()) writeFileSync(join(dir, `r${i}.mts`), literal(resource));
    const { stdout, status } = spawnSync(
      process.execPath,
      [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', dir, '--pretty', 'false'],
      {
        cwd: dir,
        encoding: 'utf8',
        maxBuffer: 64 << 20,
      },
    );
    const problems = stdout.split('\n').flatMap((line) => problem(line, resources));
    // A compiler that did not run must not look like one that found nothing.
    if (status !== 0 && problems.length === 0) throw new Error(`tsc ended with ${status}: ${stdout}`);
    return problems;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function literal(resource: Resource): string {
  const { apiVersion: _, kind, ...body } = resource;
  return `import { ${kind} } from '${modelModule(resource)}';\nnew ${kind}(${JSON.stringify(body, undefined, 1)});\n`;
}

/** `r3.mts(7,3): error TS2353: Object literal may only specify known properties, and '"x"' does not exist in ...` */
function problem(line: string, resources: readonly Resource[]): string[] {
  const found = /^r(\d+)\.mts\(\d+,\d+\): error TS\d+: (.*)$/.exec(line);
  if (found === null) return [];
  const field = /'"?([^'"]+)"?' does not exist in type/.exec(found[2])?.[1];
  return [`${nameOf(resources[Number(found[1])])}: ${field === undefined ? found[2].slice(0, 400) : `unknown field ${field}`}`];
}
