/** The examples of docs/EMBEDDING.md and of the README run as they stand, one after another. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..');

/** The blocks of a page that are TypeScript, as one program. Imports come first; what a comment says is printed is an expectation. */
function program(page: string, isWanted: (block: string) => boolean = () => true): string {
  const blocks = [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .map(([, block]) => block)
    .filter(isWanted);
  assert.ok(blocks.length > 0, page);
  const lines = blocks.flatMap((block) => block.split('\n'));
  const isImport = (line: string): boolean => line.startsWith('import ');
  const [imports, rest] = [lines.filter(isImport), lines.filter((line) => !isImport(line))];
  const entries = { engine: 'engine/index.ts', feeds: 'feeds/index.ts' } as const;
  const located = imports.map((line) =>
    line.replace(/'openbell\/(engine|feeds)'/, (_, name: keyof typeof entries) => `'${pathToFileURL(join(ROOT, entries[name])).href}'`),
  );
  return [
    ...located,
    'const console = { log: (...values: unknown[]) => printed.push(values.map(String).join(" ")) };',
    'export const printed: string[] = [];',
    ...rest,
  ].join('\n');
}

/** What the comment behind a call of console.log says it prints. */
function expectations(text: string): string[] {
  return [...text.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, said]) => said);
}

async function run(text: string, name: string): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-doc-'));
  try {
    const path = join(dir, `${name}.mts`);
    writeFileSync(path, text);
    return (await import(pathToFileURL(path).href)).printed;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

it('docs/EMBEDDING.md: every example runs, and prints what it says', async () => {
  const text = program('docs/EMBEDDING.md');
  const printed = await run(text, 'embedding');
  for (const said of ['open filled 0.2500 60000.00 7.500000', '6000000 2500 60000.01', '5', 'true 1.0000', 'true']) {
    assert.ok(expectations(text).includes(said), `the page says ${said}`);
    assert.ok(printed.includes(said), `${said} is not among:\n${printed.join('\n')}`);
  }
  assert.ok(printed.some((line) => line.startsWith('rejected INSUFFICIENT_FUNDS The highest possible cost')));
});

it('README: the example of the embedded exchange runs, and prints what it says', async () => {
  const text = program('README.md', (block) => block.includes('openbell/engine'));
  const printed = await run(text, 'readme');
  for (const said of expectations(text)) assert.ok(printed.includes(said), `${said} is not among:\n${printed.join('\n')}`);
  assert.ok(expectations(text).length > 0);
});
