import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const PRELOAD = 'test/support/stripped-types.js';

/** A tree with the preload and one program in it; runs the program with the preload, or without. */
function tree(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-stripped-'));
  t.after(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, 'test/support'), { recursive: true });
  cpSync(join(import.meta.dirname, 'support/stripped-types.js'), join(dir, PRELOAD));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  const write = (text: string) => writeFileSync(join(dir, 'program.ts'), text);
  const run = (preload = true) => {
    const args = [...(preload ? ['--import', `./${PRELOAD}`] : []), 'program.ts'];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: dir, encoding: 'utf8' });
    return { stdout, stderr };
  };
  return { dir, write, run, kept: () => readdirSync(join(dir, 'node_modules/.cache/openbell/stripped')) };
}

test('code without its types is kept, and never used for another source', (t) => {
  const { write, run, kept } = tree(t);
  for (const text of ['first', 'second']) {
    write(`const text: string = '${text}';\nconsole.log(text);\n`);
    for (let again = 0; again < 2; again++) {
      assert.deepEqual(run(), { stdout: `${text}\n`, stderr: '' });
      assert.equal(kept().length, 1, 'one of each file, and nothing unfinished');
    }
  }
});

test('errors have the positions and the text that they have without it', (t) => {
  const { write, run } = tree(t);
  for (const text of ["interface A {\n  a: string;\n}\nconst a = { a: 'b' } as A; throw new Error(a.a);\n", 'enum A { B }\n']) {
    write(text);
    const plain = run(false).stderr;
    assert.match(plain, /program\.ts:4:34|ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX/);
    const line = (stderr: string) => /^ {4}at .*program\.ts.*$|^.*ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX.*$/m.exec(stderr)?.[0];
    for (let again = 0; again < 2; again++) assert.equal(line(run().stderr), line(plain));
  }
});

test('it works where nothing can be kept', (t) => {
  const { dir, write, run } = tree(t);
  writeFileSync(join(dir, 'node_modules'), 'no folder');
  write('const n: number = 1;\nconsole.log(n);\n');
  assert.deepEqual(run(), { stdout: '1\n', stderr: '' });
});
