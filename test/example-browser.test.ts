/** docs/examples: the compose file, each of its commands run for real without containers, and the page in a real browser. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { IMAGE_USER } from '../gateway/tools/binary/image-root.ts';
import { NODE_VERSION } from '../gateway/tools/binary/node-executable.ts';
import { VERSION } from '../gateway/version.ts';
import { openPage, whyNoBrowser } from './support/browser-page.ts';
import { readDockerfile } from './support/dockerfile.ts';
import { copyExample, EXAMPLES, ExampleProcess } from './support/example.ts';
import { ExchangeProcess, openbell } from './support/exchange-process.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';
import { until } from './support/until.ts';

interface Service {
  readonly image: string;
  readonly build: string | { readonly context: string; readonly dockerfile: string; readonly args: { readonly EXAMPLE: string } };
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly network_mode: string;
  readonly user: string;
  readonly ports?: unknown;
}

const ROOT = join(import.meta.dirname, '..');
const read = (name: string): string => readFileSync(join(EXAMPLES, name), 'utf8');
const compose = parse(read('compose.yaml'), { merge: true }) as {
  readonly services: Readonly<Record<'token' | 'exchange' | 'market-maker' | 'browser', Service>>;
  readonly volumes: Readonly<Record<string, null>>;
};

test('the compose file names what there is: images of this version, build folders, volumes, services', () => {
  for (const [name, service] of Object.entries(compose.services)) {
    const { image, build, volumes, depends_on = {}, network_mode, user, ports } = service;
    assert.match(image, /^openbell(-example-[a-z-]+)?:/, name);
    assert.equal(image.split(':')[1], VERSION, name);
    assert.deepEqual([network_mode, ports, user], ['host', undefined, `${IMAGE_USER}:${IMAGE_USER}`], name);
    for (const volume of volumes) assert.ok(volume.split(':')[0] in compose.volumes, volume);
    for (const other of Object.keys(depends_on)) assert.ok(other in compose.services, other);
    const context = typeof build === 'string' ? build : build.context;
    const dockerfile = typeof build === 'string' ? 'Dockerfile' : build.dockerfile;
    assert.ok(existsSync(join(EXAMPLES, context, dockerfile)), name);
    if (typeof build !== 'string') assert.ok(existsSync(join(EXAMPLES, build.args.EXAMPLE, service.command[1])), name);
  }
});

test('the compose file is one to the reader that Docker has', (t) => {
  const { error, status, stderr } = spawnSync('compose-config', [join(EXAMPLES, 'compose.yaml')], { encoding: 'utf8' });
  if (error !== undefined && process.env.OPENBELL_CI === undefined) return t.skip('SKIPPED: no compose-config, which .ci/run builds');
  assert.deepEqual([error, status, stderr], [undefined, 0, '']);
});

test("the examples' Dockerfile has the pinned Node, downloads by npm only, and lets all that it needs into its context", () => {
  const stages = readDockerfile(join(EXAMPLES, 'Dockerfile'));
  const all = (stage: string, name: string) => (stages.get(stage) ?? []).filter((each) => each.name === name).map(({ rest }) => rest);
  assert.deepEqual(all('', 'ARG'), [`NODE_IMAGE=node:${NODE_VERSION}-bookworm`]);
  const commands = ['pack', 'final'].flatMap((stage) => all(stage, 'RUN')).flatMap((run) => run.split(' && '));
  assert.deepEqual(commands, [
    'npm ci --no-audit --no-fund',
    'node_modules/.bin/node gateway/tools/packages/pack.ts',
    'npm install --no-audit --no-fund --ignore-scripts',
  ]);
  assert.deepEqual(all('final', 'USER'), [`${IMAGE_USER}:${IMAGE_USER}`]);
  const lines = (text: string) => text.split('\n').filter((line) => line.startsWith('!'));
  const context = lines(read('Dockerfile.dockerignore'));
  const missing = lines(readFileSync(join(ROOT, '.dockerignore'), 'utf8')).filter((line) => !context.includes(line));
  assert.deepEqual(missing, []);
});

test('each example in TypeScript has its page, is listed, and depends on the client as npm pack names it', () => {
  const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of folders) {
    assert.ok(read('README.md').includes(`(${name}/README.md)`), name);
    assert.ok(existsSync(join(EXAMPLES, name, 'README.md')), name);
    if (!existsSync(join(EXAMPLES, name, 'package.json'))) continue;
    const client = JSON.parse(read(`${name}/package.json`)).dependencies['openbell-client'];
    if (client !== undefined) assert.equal(client, `file:../../../openbell-client-${VERSION}.tgz`, name);
  }
});

test('what the compose file starts works together, and the page trades', { skip: whyNoBrowser, timeout: 300_000 }, async (t) => {
  const { services } = compose;
  const base = mkdtempSync(join(tmpdir(), 'openbell-compose-'));
  t.after(() => rmSync(base, { recursive: true, force: true, maxRetries: 3 }));
  /** The text with the paths of the container replaced by folders of the volumes. */
  const here = ({ volumes }: Service, text: string): string =>
    volumes.reduce((path, volume) => {
      const [name, target] = volume.split(':');
      return path.replace(new RegExp(`^${target}(?=/|$)`), join(base, `volume-${name}`));
    }, text);
  const commandOf = (service: Service): string[] => service.command.map((word) => here(service, word));
  const environmentOf = (service: Service) =>
    Object.fromEntries(Object.entries(service.environment ?? {}).map(([name, value]) => [name, here(service, value)]));
  for (const name of Object.keys(compose.volumes)) mkdirSync(join(base, `volume-${name}`));

  const token = await openbell(commandOf(services.token));
  assert.deepEqual([token.code, token.stdout], [0, ''], token.stderr);

  // The page needs the ports of the exchange, and the exchange the address of the page: one of them starts with another value.
  const [wsProxy, httpProxy] = [await FlakyProxy.start(1), await FlakyProxy.start(1)];
  t.after(() => [wsProxy, httpProxy].forEach((proxy) => void proxy.stop()));
  const pageDir = await copyExample(t, 'browser');
  const server = new ExampleProcess(t, pageDir, services.browser.command.join(' '), {
    ...environmentOf(services.browser),
    PORT: '0',
    WS_PORT: String(wsProxy.port),
    HTTP_PORT: String(httpProxy.port),
  });
  const [url] = await server.says(/http:\S+(?=\/)/);

  const [start, ...flags] = commandOf(services.exchange);
  assert.equal(start, 'start');
  const origins = flags.indexOf('--cors-origins') + 1;
  assert.match(flags[origins], new RegExp(`^http://127\\.0\\.0\\.1:${services.browser.environment?.PORT},`));
  flags[origins] = url;
  const exchange = await ExchangeProcess.start(join(base, 'volume-data'), flags, t.signal);
  t.after(() => exchange.end('SIGKILL'));
  const { grpc, ws, http } = exchange.ports;
  [wsProxy.target, httpProxy.target] = [ws, http];
  assert.equal((await openbell(['health', '--http-port', String(http)])).code, 0, 'the health check of the image');

  const makerDir = await copyExample(t, 'market-maker');
  const maker = new ExampleProcess(t, makerDir, services['market-maker'].command.join(' '), {
    ...environmentOf(services['market-maker']),
    GRPC_PORT: String(grpc),
    WS_PORT: String(ws),
    HTTP_PORT: String(http),
  });
  await maker.says(/^quoting BTC-USD for account 2$/m);

  // The page has the types of the client.
  const options = {
    strict: true,
    noEmit: true,
    checkJs: true,
    allowJs: true,
    target: 'es2024',
    module: 'esnext',
    moduleResolution: 'bundler',
  };
  const lib = ['es2024', 'dom', 'dom.iterable'];
  writeFileSync(join(pageDir, 'page.json'), JSON.stringify({ compilerOptions: { ...options, lib, types: [] }, files: ['page.js'] }));
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', 'page.json'], { cwd: pageDir, stdio: 'inherit' });

  const errors: string[] = [];
  const page = await openPage(t, url, errors);
  const rows = (id: string) => page.locator(`#${id} tr`);
  await page.locator('#state', { hasText: /^connected$/ }).waitFor();
  await until(async () => (await rows('ladder').count()) >= 2, 'the ladder');
  await until(async () => (await rows('trades').count()) >= 1, 'a trade');
  await page.fill('[name=price]', '100.00');
  await page.click('button[value=buy]');
  await until(async () => (await rows('orders').count()) === 1, 'the open order');
  assert.match(await rows('orders').first().innerText(), /buy\s+100\.00\s+0\.0100/);
  await page.click('#orders button');
  await until(async () => (await rows('orders').count()) === 0, 'its end');
  await page.fill('[name=price]', '');
  await page.click('button[value=sell]');
  await until(async () => /^fill sell/m.test(await page.innerText('#reports')), 'the fill of a market order');
  await page.fill('[name=quantity]', 'many');
  await page.click('button[value=sell]');
  await until(async () => /many/.test(await page.innerText('#reports')), 'the reason');
  await page.locator('#position tr', { hasText: '-0.0100' }).waitFor();

  // A page of another site that has found a name for this address gets no token.
  const foreign = get(`${url}/token`, { headers: { host: 'evil.example' } });
  assert.equal((await once(foreign, 'response'))[0].statusCode, 404);
  assert.equal(await maker.end('SIGTERM'), 0, maker.output);

  // The exchange is gone, and comes back: the page shows that, goes on, and has the orders of other sessions, too.
  const listed = ['order', 'buy', '0.02', 'BTC-USD', '99.00', '--account', '1', '--ws-port', String(ws), '--http-port', String(http)];
  const placed = await openbell([...listed, '--grpc-port', String(grpc), '--token-file', join(base, 'volume-keys', 'token')]);
  assert.equal(placed.code, 0, placed.stderr);
  await until(async () => (await rows('orders').count()) === 1, 'the order of another session');
  await exchange.end('SIGKILL');
  await page.locator('#state', { hasText: /^connecting again: / }).waitFor();
  assert.ok(await page.isDisabled('button[value=buy]'));
  assert.ok(await page.isDisabled('#orders button'));
  const next = await ExchangeProcess.start(join(base, 'volume-data'), flags, t.signal);
  t.after(() => next.end('SIGKILL'));
  [wsProxy.target, httpProxy.target] = [next.ports.ws, next.ports.http];
  await page.locator('#state', { hasText: /^connected$/ }).waitFor();
  await page.reload();
  await until(async () => (await rows('orders').count()) === 1, 'the order in the list of open ones');
  assert.match(await rows('orders').first().innerText(), /buy\s+99\.00\s+0\.0200/);
  assert.deepEqual(errors, []);
  assert.equal(await server.end('SIGTERM'), 0, server.output);
});
