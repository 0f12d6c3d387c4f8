/** What someone sees who tries openbell for the first time. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../gateway/version.ts';
import { openbell, openbellLines } from './support/exchange-process.ts';

const ROOT = join(import.meta.dirname, '..');
const CLI = fileURLToPath(new URL('../dist/gateway/cli.js', import.meta.url));
const ANY_PORTS = ['--grpc-port', '0', '--ws-port', '0', '--http-port', '0'];
const base = mkdtempSync(join(tmpdir(), 'openbell-first-'));
after(() => rmSync(base, { recursive: true, force: true }));

const text = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const manifest = JSON.parse(text('package.json'));

test('the banner names the process, which the README kills by its id', async (t) => {
  const data = join(base, 'banner');
  const start = openbellLines(['start', '--data', data, ...ANY_PORTS]);
  t.after(() => start.child.kill('SIGKILL'));
  let pid = '';
  while (pid === '') pid = /^ {2}process +(\d+)$/.exec(await start.next())?.[1] ?? '';
  assert.equal(Number(pid), start.child.pid);
  assert.equal(JSON.parse(readFileSync(join(data, 'lock'), 'utf8')).pid, start.child.pid);
  start.child.kill('SIGTERM');
  assert.equal(await start.ended, 0);
  assert.doesNotMatch(text('README.md'), /pkill|killall/);
});

test('on a terminal, log lines are for people; into a pipe they are JSON', { timeout: 300_000 }, async (t) => {
  if (spawnSync('python3', ['-c', 'import pty']).status !== 0) {
    assert.equal(process.env.OPENBELL_CI, undefined, 'python3 is missing');
    return t.skip('SKIPPED: no python3, which opens a terminal here');
  }
  const args = [process.execPath, CLI, 'start', '--data', join(base, 'terminal'), ...ANY_PORTS];
  const terminal = spawn('python3', ['-c', 'import pty, sys; pty.spawn(sys.argv[1:])', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(terminal, 'exit');
  let shown = '';
  let stopped = false;
  terminal.stdout.on('data', (bytes: Buffer) => {
    shown += bytes;
    const pid = /^ {2}process +(\d+)\r?\n/m.exec(shown)?.[1];
    if (pid === undefined || stopped) return;
    stopped = true;
    process.kill(Number(pid), 'SIGTERM');
  });
  await ended;
  assert.match(shown, /\d\d:\d\d:\d\dZ info {2}exchange ready {2}ports=/);
  assert.doesNotMatch(shown, /\{"level"/);

  const piped = openbellLines(['start', '--json', '--data', join(base, 'piped'), ...ANY_PORTS]);
  t.after(() => piped.child.kill('SIGKILL'));
  assert.equal(JSON.parse(await piped.next()).pid, piped.child.pid);
  await piped.said(/^\{"level":"info",.*"msg":"exchange ready"\}$/m);
  piped.child.kill('SIGTERM');
  assert.equal(await piped.ended, 0);
});

test('the release is the same everywhere', async () => {
  assert.equal(VERSION, manifest.version);
  assert.equal((await openbell(['--version'])).stdout, `${manifest.version}\n`);
  assert.ok(text('Dockerfile').includes(`ARG VERSION=${manifest.version}\n`));
});

test('the package says what it is, where it is, and which Node it needs', () => {
  for (const key of ['description', 'homepage', 'bugs', 'repository', 'keywords', 'license']) assert.ok(manifest[key] !== undefined, key);
  assert.equal(manifest.engines.node, `>=${Number.parseInt(manifest.dependencies.node, 10)}`);
  const lock = JSON.parse(text('package-lock.json'));
  assert.deepEqual(lock.packages[''].engines, manifest.engines);
  for (const name of manifest.files.filter((each: string) => each.endsWith('.md'))) assert.ok(existsSync(join(ROOT, name)), name);
});

test('what the first commands write is not taken for a change of the source', () => {
  const ignored = (name: string): boolean => spawnSync('git', ['check-ignore', '-q', name], { cwd: ROOT }).status === 0;
  execFileSync('git', ['--version']);
  for (const name of [
    `openbell-${manifest.version}.tgz`,
    `openbell-client-${manifest.version}.tgz`,
    'dist-client/x',
    'data/lock',
    'dist/x',
    'openbell-dev-key.pem',
    'jwks.json',
    'token',
  ])
    assert.ok(ignored(name), name);
  assert.ok(!ignored('README.md'));
});

/** Files below docs/, from there; those of the examples, too. */
const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
  .map((entry) => relative(join(ROOT, 'docs'), join(entry.parentPath, entry.name)));

test('the index of the documentation has every page, and links of the root pages lead somewhere', () => {
  const index = text('docs/README.md');
  const listed = pages.filter((name) => name !== 'README.md' && (dirname(name) === '.' || name === 'examples/README.md'));
  for (const name of listed) assert.ok(index.includes(`(${name})`), name);
  for (const page of ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'ARCHITECTURE.md', 'docs/README.md', 'docs/examples/README.md'])
    for (const [, target] of text(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      assert.ok(existsSync(resolve(ROOT, dirname(page), target)), `${page}: ${target}`);
});

test('no page or example says that there is no authentication', () => {
  for (const name of pages)
    assert.doesNotMatch(text(`docs/${name}`), /there is no authentication|has no authentication|until there is authentication/i, name);
});
