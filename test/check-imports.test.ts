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
  const root = tree(t, { 'gateway/elsewhere/x.ts': 'export {};\n' });
  assert.deepEqual(checkImports(root), ['gateway/elsewhere/x.ts: belongs to no room; add it to ROOMS in .ci/check-imports.ts']);
});
