/** The types of the packed package in a strict project that checks the libraries, too, and has those of a page. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');

const PROGRAM = `
import { createExchange, EmbedError, Engine, Exchange, OrderResult, restoreExchange, type PlaceOrder } from 'openbell/engine';
import { MarketPlayer, OrderFlowPlayer, readMarket, readOrders } from 'openbell/feeds';

const exchange = createExchange({ assets: [{ name: 'USD', decimals: 2 }], clock: () => 1 });
const order: PlaceOrder = { account: 'a', symbol: 1, side: 'buy', quantity: '1', price: 100 };
const result: OrderResult = exchange.place(order);
const price: string | undefined = result.fills[0]?.price;
exchange.on('trade', ({ priceTicks }) => priceTicks + 1);
exchange.on('report', (report) => report.copy().kind === 'fill');
document.title = price ?? result.reason;
// @ts-expect-error there is no such side
exchange.place({ ...order, side: 'bid' });
// @ts-expect-error a quantity is needed
exchange.place({ account: 'a', symbol: 1, side: 'buy' });
// @ts-expect-error there is no such event
exchange.on('fills', () => undefined);
export { EmbedError, Engine, Exchange, MarketPlayer, OrderFlowPlayer, readMarket, readOrders, restoreExchange };
`;

it('`openbell/engine` and `openbell/feeds` compile in a strict project without skipLibCheck, with the DOM library', {
  timeout: 300_000,
}, (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-types-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', dir], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [tarball] = readdirSync(dir).filter((name) => name.endsWith('.tgz'));
  execFileSync('tar', ['-xzf', join(dir, tarball), '-C', dir]);
  const modules = join(dir, 'node_modules');
  mkdirSync(modules);
  renameSync(join(dir, 'package'), join(modules, 'openbell'));
  // What `npm install` gives beside it, and the types of Node.
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const folders = new Set([...Object.keys(dependencies), '@types/node'].map((name) => name.split('/')[0]));
  for (const folder of folders) symlinkSync(join(ROOT, 'node_modules', folder), join(modules, folder));
  writeFileSync(join(dir, 'program.ts'), PROGRAM);
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    target: 'es2024',
    module: 'nodenext',
    lib: ['es2024', 'dom', 'dom.iterable'],
    types: ['node'],
  };
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ type: 'module' }));
  const { status, stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', dir], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
