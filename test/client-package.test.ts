/** The package of the client, as another project has it: installed by npm, compiled strictly, trading with a running exchange. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { VERSION } from '../gateway/version.ts';
import { ExchangeProcess } from './support/exchange-process.ts';

const ROOT = join(import.meta.dirname, '..');
const MAX_BYTES = 15e6;
const TARBALL = `openbell-client-${VERSION}.tgz`;
/** With npm's own variables, an inner npm would treat itself as part of this run. */
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_(?!config_(registry|cafile)$)|INIT_CWD$|NODE_)/.test(name)),
);

const PROGRAM = `
import { connect, OpenbellError, type ReportView } from 'openbell-client';

const [grpcPort, wsPort, httpPort] = process.argv.slice(2).map(Number);
const exchange = await connect({ grpcPort, wsPort, httpPort, account: 1 });
const book = await exchange.market.book('BTC-USD');
const answer: ReportView = await exchange.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.5', price: '50000.00' });
exchange.orders.on('report', ({ reportNo }) => reportNo.toFixed());
const indicators = { symbol: 'BTC-USD', interval: '1m', indicators: ['rsi:14'], onBar: () => undefined } as const;
(await exchange.indicators(indicators)).close();
const code: string = await exchange.orders.place({ symbol: 'NONE', side: 'buy', quantity: 1 }).then(
  () => 'none',
  (error: unknown) => (error instanceof OpenbellError ? error.code : 'other'),
);
console.log(answer.kind, code, book.symbol);
await exchange.close();
`;
const PAGE = `
import { connect, type LevelView, type OpenbellError } from 'openbell-client/browser';

const exchange = await connect({ account: 1, token: document.title });
exchange.orders.on('closed', (error: OpenbellError | undefined) => document.body.append(error?.message ?? ''));
const book = await exchange.market.book('BTC-USD');
book.on('change', () => book.bids.forEach((level: LevelView) => document.body.append(String(level.price))));
`;
const STRICT = { strict: true, noEmit: true, target: 'es2024', skipLibCheck: false, exactOptionalPropertyTypes: true };
const PROJECTS = {
  node: { files: ['program.ts'], compilerOptions: { ...STRICT, module: 'nodenext', lib: ['es2024'], types: ['node'] } },
  dom: {
    files: ['program.ts'],
    compilerOptions: { ...STRICT, module: 'nodenext', lib: ['es2024', 'dom', 'dom.iterable'], types: ['node'] },
  },
  page: {
    files: ['page.ts'],
    compilerOptions: { ...STRICT, module: 'esnext', moduleResolution: 'bundler', lib: ['es2024', 'dom'], types: [] },
  },
};

describe('the package openbell-client', { timeout: 300_000 }, () => {
  let dir: string;
  let project: string;

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'openbell-client-'));
    project = join(dir, 'project');
    mkdirSync(project);
    // As `npm pack` runs it. Its other script builds, which other tests do not expect now.
    const env = { ...ENV, npm_command: 'pack', npm_config_pack_destination: dir };
    execFileSync(process.execPath, [join(ROOT, 'gateway/tools/packages/pack.ts')], { cwd: ROOT, env, stdio: 'ignore' });
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', join(dir, TARBALL)];
    execFileSync('npm', install, { cwd: project, env: ENV, stdio: ['ignore', 'ignore', 'inherit'] });
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('is made by npm pack, with the version of the exchange and the licences of what is in it', () => {
    const { scripts, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    assert.equal(scripts.postpack, 'node gateway/tools/packages/pack.ts');
    const own = join(project, 'node_modules', 'openbell-client');
    assert.equal(JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')).version, version);
    const licences = readdirSync(own).filter((name) => name.startsWith('LICENSE'));
    assert.deepEqual(licences.length, 2);
    assert.match(readFileSync(join(own, 'README.md'), 'utf8'), /^# The client/);
  });

  it('has no native parts and no node, and is small', () => {
    const modules = join(project, 'node_modules');
    const files = readdirSync(modules, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.deepEqual(
      files.filter(({ name }) => /\.node$|\.so$|^binding\.gyp$/.test(name)).map(({ name }) => name),
      [],
    );
    assert.ok(!existsSync(join(modules, '.bin', 'node')));
    assert.ok(!existsSync(join(modules, 'openbell')));
    // As `du` counts: in blocks.
    const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).blocks * 512, 0);
    assert.ok(bytes < MAX_BYTES, `${bytes} bytes`);
  });

  it('compiles in a strict project, without skipLibCheck, with and without the DOM library', () => {
    writeFileSync(join(project, 'program.ts'), PROGRAM);
    writeFileSync(join(project, 'page.ts'), PAGE);
    for (const [name, config] of Object.entries(PROJECTS)) {
      writeFileSync(join(project, `${name}.json`), JSON.stringify(config));
      try {
        execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', `${name}.json`], { cwd: project, encoding: 'utf8' });
      } catch (error) {
        assert.fail(`${name}: ${(error as { stdout: string }).stdout}`);
      }
    }
  });

  it('places an order at a running exchange', async (t) => {
    const exchange = await ExchangeProcess.start(join(dir, 'data'), [], t.signal);
    t.after(() => exchange.end('SIGKILL'));
    writeFileSync(join(project, 'program.ts'), PROGRAM);
    const { grpc, ws, http } = exchange.ports;
    const args = ['--experimental-strip-types', '--no-warnings', 'program.ts', String(grpc), String(ws), String(http)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: project });
    assert.equal(stdout, 'accepted UNKNOWN_SYMBOL BTC-USD\n');
  });
});
