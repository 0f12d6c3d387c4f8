/** The file of contexts, when several commands change it at once. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { type Contexts, changeContexts, readContexts } from '../gateway/tools/cli/contexts-file.ts';

function fileOf(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-contexts-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'openbell', 'contexts.yaml');
}

const adding =
  (name: string) =>
  ({ current, all }: Contexts): Contexts => ({ current, all: new Map([...all, [name, { settings: {}, guard: false }]]) });

it('contexts that are added at once are all there', async (t) => {
  const path = fileOf(t);
  const names = Array.from({ length: 8 }, (_, i) => `context-${i}`);
  await Promise.all(names.map((name) => changeContexts(adding(name), path)));
  assert.deepEqual([...(await readContexts(path)).all.keys()].sort(), names);
  assert.deepEqual(readdirSync(join(path, '..')), ['contexts.yaml'], 'nothing else is left');
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

it('a change that fails leaves the file as it was, and no lock', async (t) => {
  const path = fileOf(t);
  await changeContexts(adding('first'), path);
  const before = readFileSync(path, 'utf8');
  const refused = new Error('refused');
  await assert.rejects(
    changeContexts(() => {
      throw refused;
    }, path),
    refused,
  );
  assert.equal(readFileSync(path, 'utf8'), before);
  assert.equal(existsSync(`${path}.lock`), false);
});

it('a lock that a killed command left is named, and stays', async (t) => {
  const path = fileOf(t);
  await changeContexts(adding('first'), path);
  writeFileSync(`${path}.lock`, '');
  await assert.rejects(changeContexts(adding('second'), path, 0), {
    code: 'BAD_CONTEXTS',
    message: /remove the file .*contexts\.yaml\.lock/,
  });
  assert.deepEqual([[...(await readContexts(path)).all.keys()], existsSync(`${path}.lock`)], [['first'], true]);
});
