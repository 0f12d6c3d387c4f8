import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { loadConfig } from '../gateway/config/config.ts';
import { IMAGE_USER } from '../gateway/tools/binary/image-root.ts';
import { NODE_VERSION } from '../gateway/tools/binary/node-executable.ts';
import { readDockerfile } from './support/dockerfile.ts';
import { EmptyRoot, whyNoEmptyRoot } from './support/empty-root.ts';
import type { CliResult } from './support/exchange-process.ts';

const ROOT = join(import.meta.dirname, '..');
const { version, license, dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const stages = readDockerfile(join(ROOT, 'Dockerfile'));
const all = (stage: string, name: string): string[] =>
  (stages.get(stage) ?? []).filter((instruction) => instruction.name === name).map(({ rest }) => rest);
const one = (stage: string, name: string): string => {
  const found = all(stage, name);
  assert.equal(found.length, 1, `${name} in ${stage}: ${found}`);
  return found[0];
};

describe('Dockerfile', () => {
  it('has one base, with the Node version that is pinned everywhere', () => {
    assert.equal(dependencies.node, NODE_VERSION);
    assert.equal(one('', 'ARG'), `NODE_IMAGE=node:${NODE_VERSION}-bookworm`);
    assert.match(one('build', 'FROM'), /^\$\{NODE_IMAGE\} AS build$/);
    assert.equal(one('final', 'FROM'), 'scratch');
  });

  it('downloads nothing except by npm ci', () => {
    assert.deepEqual(all('build', 'ADD'), []);
    const commands = all('build', 'RUN').flatMap((run) => run.split(' && '));
    const [install, ...rest] = commands;
    assert.match(install, /^npm ci /);
    for (const command of rest) assert.match(command, /^node_modules\/\.bin\/node gateway\/tools\/binary\/[a-z-]+\.ts/);
    assert.deepEqual(all('final', 'RUN'), []);
  });

  it('runs as an unprivileged user, with one volume, and is stopped by SIGTERM', () => {
    assert.equal(one('final', 'USER'), `${IMAGE_USER}:${IMAGE_USER}`);
    assert.equal(one('final', 'VOLUME'), '["/data"]');
    assert.equal(one('final', 'STOPSIGNAL'), 'SIGTERM');
    const env = Object.fromEntries(all('final', 'ENV').map((line) => line.split('=')));
    const { data, host, grpcPort, wsPort, httpPort } = loadConfig({ flags: {}, env });
    assert.deepEqual([data, host, one('final', 'EXPOSE')], ['/data', '127.0.0.1', `${grpcPort} ${wsPort} ${httpPort}`]);
    assert.match(one('final', 'HEALTHCHECK'), / CMD \["\/openbell", "health"\]$/);
    assert.deepEqual([one('final', 'ENTRYPOINT'), one('final', 'CMD')], ['["/openbell"]', '["start"]']);
  });

  it('has descriptive labels', () => {
    const labels = Object.fromEntries(
      [...one('final', 'LABEL').matchAll(/org\.opencontainers\.image\.([a-z]+)="([^"]*)"/g)].map((m) => m.slice(1)),
    );
    assert.deepEqual(Object.keys(labels), ['title', 'description', 'licenses', 'version', 'revision']);
    assert.equal(labels.licenses, license);
    assert.ok(all('final', 'ARG').includes(`VERSION=${version}`));
  });
});

/** The files that the build context has: those of git, as far as .dockerignore lets them through. */
function copyContext(to: string): void {
  const allowed = readFileSync(join(ROOT, '.dockerignore'), 'utf8').match(/(?<=^!).+$/gm) ?? [];
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...allowed], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  for (const file of files.trim().split('\n')) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(ROOT, file), join(to, file));
  }
}

/** With npm's own variables, an inner npm would treat itself as part of this run. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(npm_(?!config_(registry|cafile)$)|NODE_OPTIONS$|NODE_TEST_CONTEXT$|INIT_CWD$)/.test(name),
    ),
  );
}

const skip =
  process.env.OPENBELL_BUILD_IMAGE === undefined
    ? 'it installs everything anew from the registry: set OPENBELL_BUILD_IMAGE=1'
    : (whyNoEmptyRoot() ?? (process.getuid?.() === 0 ? false : 'only as root'));

describe('the build stage, run without a container engine in a separate directory', { skip, timeout: 900_000 }, () => {
  function build(t: TestContext): string {
    const source = mkdtempSync(join(tmpdir(), 'openbell-image-'));
    t.after(() => rmSync(source, { recursive: true, force: true }));
    copyContext(source);
    const env = { ...cleanEnvironment(), SOURCE_COMMIT: 'c0ffee', SOURCE_DATE_EPOCH: '1700000000' };
    for (const run of all('build', 'RUN')) execFileSync('sh', ['-c', run], { cwd: source, env, stdio: ['ignore', 'ignore', 'inherit'] });
    return join(source, 'image');
  }

  it('creates a root in which the default command becomes healthy and ends on SIGTERM, as process 1 of its own network', async (t) => {
    const image = build(t);
    const sbom = JSON.parse(readFileSync(join(image, 'root/usr/share/doc/openbell/sbom.cdx.json'), 'utf8'));
    assert.equal(sbom.metadata.timestamp, '2023-11-14T22:13:20.000Z');
    const root = new EmptyRoot({ image });
    t.after(() => root.remove());
    const container = root.contain(JSON.parse(one('final', 'CMD')), one('final', 'ENV'));
    t.after(() => container.kill());
    let over: CliResult | undefined;
    container.ended.then((result) => {
      over = result;
    });
    while ((await container.run(['health'])).code !== 0) assert.equal(over, undefined);
    const placed = await container.run(['order', 'buy', '0.5', 'BTC-USD', '50000.00']);
    assert.match(placed.stdout, /^accepted/, placed.stderr);
    container.signal('SIGTERM');
    const { code, stderr } = await container.ended;
    assert.equal(code, 0, stderr);
  });
});
