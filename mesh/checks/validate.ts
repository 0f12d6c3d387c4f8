import { excessFields } from './excess-fields.ts';
import { LINTS, lint } from './lints/index.ts';
import { kustomizeTool, OVERLAYS, renderOverlay } from './render.ts';
import type { Resource } from './resource.ts';
import { schemaProblems } from './schema.ts';

/**
 * node mesh/checks/validate.ts [OVERLAY...]
 *
 * Renders overlays (all of them, without arguments) and checks each resource against its
 * published schema, its type and the lints. Needs no cluster. Exit code 1 when
 * there is a problem.
 */
async function main(): Promise<void> {
  const tool = kustomizeTool();
  if (tool === undefined) throw new Error('neither kustomize nor kubectl is installed');
  const requested = process.argv.slice(2);
  const unknown = requested.filter((name) => !(OVERLAYS as readonly string[]).includes(name));
  if (unknown.length > 0) throw new Error(`no overlay ${unknown.join(', ')}; there are ${OVERLAYS.join(', ')}`);
  for (const overlay of OVERLAYS.filter((name) => requested.length === 0 || requested.includes(name))) {
    const set = renderOverlay(overlay, tool);
    const problems = await problemsOf(set);
    console.log(`${overlay}: ${set.length} resources, ${LINTS.length} lints, ${problems.length} problems`);
    for (const problem of problems) console.log(`  ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }
}

/** All problems of resources that are applied together. */
export async function problemsOf(set: readonly Resource[]): Promise<string[]> {
  const schema = await Promise.all(set.map(schemaProblems));
  return [...schema.flat(), ...excessFields(set), ...lint(set).map((found) => `${found.lint}: ${found.text}`)];
}

if (import.meta.main) await main();
