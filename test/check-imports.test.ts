import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkImports } from '../.ci/check-imports.ts';

/** A tree of files with these texts; removed after the test. */
function tree(t: { after(work: () => void): void }, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'openbell-imports-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

test('imports that run downward pass', (t) => {
  const root = tree(t, {
    'engine/units.ts': 'export const ONE = 1;\n',
    'engine/book/ladder.ts': "import { ONE } from '../units.ts';\nexport const TWO = ONE + 1;\n",
    'gateway/main.ts': "import {\n  TWO,\n} from '../engine/book/ladder.ts';\nexport * from './log.ts';\nconsole.log(TWO);\n",
    'gateway/log.ts': "import { pino } from 'pino';\nexport { pino };\n",
    'test/main.test.ts': "await import('../gateway/main.ts');\n",
  });
  assert.deepEqual(checkImports(root), []);
});

test('an import of a folder above or beside is reported with both files, also for types and exports', (t) => {
  const root = tree(t, {
    'engine/units.ts': "import type { Level } from './book/ladder.ts';\nexport type Two = [Level, Level];\n",
    'engine/book/ladder.ts': 'export type Level = number;\n',
    'gateway/identity/who.ts': "export { status } from '../endpoints/grpc/status.ts';\n",
    'gateway/endpoints/grpc/status.ts': 'export const status = 0;\n',
    'gateway/endpoints/http/admin.ts': "const { status } = await import('../grpc/status.ts');\n",
  });
  assert.deepEqual(checkImports(root).sort(), [
    'engine/units.ts: imports engine/book/ladder.ts, whose room engine/book stands above engine/*',
    'gateway/endpoints/http/admin.ts: imports gateway/endpoints/grpc/status.ts, whose room gateway/endpoints/grpc stands beside gateway/endpoints/http',
    'gateway/identity/who.ts: imports gateway/endpoints/grpc/status.ts, whose room gateway/endpoints/grpc stands above gateway/identity',
  ]);
});

for (const [what, text] of Object.entries({
  'behind a comment with an apostrophe': "import {\n  Engine, // it's the shard\n} from '../threads/engine.ts';\n",
  'behind a comment before the path': "import { Engine } from /* x */ '../threads/engine.ts';\n",
  'in a template': 'const { Engine } = await import(`../threads/engine.ts`);\n',
  'in a file .mts': { 'engine/book/slab.mts': "import '../threads/engine.ts';\n" },
}))
  test(`an upward import is found ${what}`, (t) => {
    const files = typeof text === 'string' ? { 'engine/book/slab.ts': text } : text;
    const [problem, ...others] = checkImports(tree(t, { 'engine/threads/engine.ts': 'export class Engine {}\n', ...files }));
    assert.match(problem, /^engine\/book\/slab\.m?ts: imports engine\/threads\/engine\.ts, whose room engine\/threads stands above/);
    assert.deepEqual(others, []);
  });

test('entry points of the package and built files count as imports', (t) => {
  const root = tree(t, {
    'engine/book/slab.ts': "import { Engine } from 'openbell/engine';\n",
    'engine/book/level.ts': "import '../../dist/gateway/cli.js';\n",
    'engine/index.ts': 'export class Engine {}\n',
  });
  assert.deepEqual(checkImports(root), [
    'engine/book/level.ts: imports dist/gateway/cli.js, which is built from these sources',
    'engine/book/slab.ts: imports engine/index.ts, whose room engine/index.ts stands above engine/book',
  ]);
});

test('files that import each other in a circle are reported, also within one folder', (t) => {
  const root = tree(t, {
    'engine/book/a.ts': "import './b.ts';\n",
    'engine/book/b.ts': "/** import './d.ts' */\nimport type { C } from './c.ts';\nexport type B = C;\n",
    'engine/book/c.ts': "import './d.ts';\nimport './a.ts';\nexport type C = 1;\n",
    'engine/book/d.ts': 'export {};\n',
  });
  assert.deepEqual(checkImports(root), [
    'engine/book/a.ts -> engine/book/b.ts -> engine/book/c.ts -> engine/book/a.ts: these files import each other in a circle',
  ]);
});

test('a file outside all folders is reported', (t) => {
  const root = tree(t, { 'gateway/elsewhere/x.ts': 'export {};\n', 'tools/y.ts': 'export {};\n', 'dist/z.ts': 'export {};\n' });
  const problem = 'belongs to no room; add it to ROOMS in .ci/check-imports.ts';
  assert.deepEqual(checkImports(root).sort(), [`gateway/elsewhere/x.ts: ${problem}`, `tools/y.ts: ${problem}`]);
});
