import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..');

/** The content of `npm pack`, as seen by another project: no source, no tests, JavaScript with types. */
it('the packed package provides `openbell`, `openbell/browser`, `openbell/engine` and the command to another project', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-package-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', dir], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [tarball] = readdirSync(dir).filter((name) => name.endsWith('.tgz'));
  execFileSync('tar', ['-xzf', join(dir, tarball), '-C', dir]);
  const modules = join(dir, 'program', 'node_modules');
  mkdirSync(modules, { recursive: true });
  // The dependencies as the lockfile has them, and the package itself beside them.
  for (const name of readdirSync(join(ROOT, 'node_modules'))) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  execFileSync('mv', [join(dir, 'package'), join(modules, 'openbell')]);
  writeFileSync(
    join(dir, 'program', 'program.mjs'),
    `import { connect, OpenbellError } from 'openbell';
     import { connect as connectPage } from 'openbell/browser';
     import { Exchange, resolveLimits, stateHash } from 'openbell/engine';
     const exchange = new Exchange(resolveLimits({ orders: 16, accounts: 4 }));
     await connect({ httpPort: 1 }).then(() => process.exit(1), (error) => console.log(error instanceof OpenbellError, error.code));
     await connectPage({ httpPort: 1 }).then(() => process.exit(1), (error) => console.log(error.code));
     console.log(stateHash(exchange).length);`,
  );
  const out = execFileSync(process.execPath, ['program.mjs'], { cwd: join(dir, 'program'), encoding: 'utf8' });
  assert.equal(out, 'true HTTP_FAILED\nHTTP_FAILED\n64\n');
  const { demoCapture } = await import(pathToFileURL(join(modules, 'openbell', 'dist', 'feeds', 'simulator', 'demo-capture.js')).href);
  assert.ok(existsSync(demoCapture().path), 'the capture of --simulate mirror=demo');
  const help = execFileSync(process.execPath, [join(modules, 'openbell', 'dist', 'gateway', 'cli.js'), '--help'], { encoding: 'utf8' });
  assert.match(help, /openbell start --simulate/);
});

it('what is installed in docs/examples is not packed', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-package-examples-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  copyFileSync(join(ROOT, 'package.json'), join(dir, 'package.json'));
  const examples = join(dir, 'docs', 'examples');
  const files = ['bot/bot.py', 'bot/.venv/lib/x.py', 'bot/__pycache__/bot.pyc', 'bot/node_modules/x/index.js', 'node_modules/y/index.js'];
  for (const file of files) {
    mkdirSync(join(examples, file, '..'), { recursive: true });
    writeFileSync(join(examples, file), '');
  }
  const out = execFileSync('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] });
  const [{ files: packed }] = JSON.parse(String(out));
  assert.deepEqual(packed.map(({ path }: { path: string }) => path).sort(), ['docs/examples/bot/bot.py', 'package.json']);
});
