import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { connect, type OpenbellClient } from '../gateway/client/index.ts';
import { EmptyRoot, whyNoEmptyRoot } from './support/empty-root.ts';
import { type ExchangeProcess, openbell } from './support/exchange-process.ts';
import { LONG_RUNS } from './support/long-runs.ts';

const ROOT = join(import.meta.dirname, '..');
const COMMANDS = /^ {2}([a-z]+) /gm;
/** CI builds the executable nowhere else. */
const skip = process.env.OPENBELL_CI !== '1' && (whyNoEmptyRoot() ?? false);

function client(exchange: ExchangeProcess, account: number): Promise<OpenbellClient> {
  const { grpc, ws, http } = exchange.ports;
  return connect({ account, grpcPort: grpc, wsPort: ws, httpPort: http, reconnect: false });
}

/** Asks the admin port until the answer is as wanted: history is a moment behind. */
async function ask<T>(exchange: ExchangeProcess, path: string, wanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`);
    const answer = (await response.json()) as T;
    assert.equal(response.status, 200, JSON.stringify(answer));
    if (wanted(answer)) return answer;
  }
}

function emptyRoot(t: TestContext, withTmp = false): EmptyRoot {
  const root = new EmptyRoot({ withTmp });
  t.after(() => root.remove());
  return root;
}

async function started(t: TestContext, root: EmptyRoot, args: readonly string[]): Promise<ExchangeProcess> {
  const exchange = await root.start(args);
  t.after(() => exchange.end('SIGKILL'));
  return exchange;
}

describe('the single executable in an empty root', { skip }, () => {
  before(() => {
    for (const script of ['build.ts', 'sbom.ts']) {
      execFileSync(process.execPath, [join(ROOT, 'gateway/tools/binary', script)], { stdio: ['ignore', 'ignore', 'inherit'] });
    }
  });

  it('has the output of the plain run', async (t) => {
    const root = emptyRoot(t);
    const help = await root.run(['--help']);
    assert.deepEqual(help, await openbell(['--help']));
    const names = [...help.stdout.slice(help.stdout.indexOf('Commands:')).matchAll(COMMANDS)].map(([, name]) => name);
    assert.ok(names.includes('start') && names.includes('health'), names.join(' '));
    for (const [index, name] of names.filter((name) => name !== 'help').entries()) {
      if (!LONG_RUNS && index % 3 !== 0) continue;
      assert.deepEqual(await root.run([name, '--help']), await openbell([name, '--help']), name);
    }
    assert.deepEqual(await root.run(['--version']), await openbell(['--version']));
    const unreachable = await root.run(['order', 'buy', '1', 'BTC-USD', '--http-port', '1']);
    assert.deepEqual([unreachable.code, unreachable.stdout], [3, ''], unreachable.stderr);
  });

  for (const topology of ['compact', 'pinned']) {
    const long = topology === 'compact' && !LONG_RUNS && 'a long run: OPENBELL_LONG_TESTS=1';
    it(`trades, is killed, recovers everything, and stops on request: ${topology}`, { skip: long }, async (t) => {
      const root = emptyRoot(t, topology === 'pinned');
      const first = await started(t, root, ['--topology', topology]);
      assert.equal((await root.run(['health', ...first.flags])).stdout, 'ready\n');

      const buyer = await client(first, 1);
      const seller = await client(first, 2);
      const trades = await buyer.market.trades('BTC-USD');
      const rests = await buyer.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.5', price: '50000.00', clientOrderId: 7 });
      assert.equal(rests.kind, 'accepted');
      await seller.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.1', price: '50000.00' });
      const { value: trade } = await trades.next();
      assert.deepEqual([trade?.price, trade?.quantity], [5_000_000, 1000], 'over WebSocket');
      // From the pool of history threads.
      await ask<{ trades: unknown[] }>(first, '/v1/accounts/1/trades', (answer) => answer.trades.length === 1);
      // From a separate thread.
      const snapshot = await root.run(['snapshot', ...first.flags]);
      assert.equal(snapshot.code, 0, snapshot.stderr);
      assert.equal(await first.end('SIGKILL'), null);
      await Promise.allSettled([buyer.close(), seller.close()]);

      const second = await started(t, root, ['--topology', topology]);
      const { orders } = await ask<{ orders: { orderId: number; leaves: string }[] }>(second, '/v1/accounts/1/open-orders', () => true);
      assert.deepEqual(
        orders.map(({ orderId, leaves }) => [orderId, leaves]),
        [[rests.orderId, '0.4000']],
      );
      assert.equal(await second.end('SIGTERM'), 0, second.stderr);
      const verified = await root.run(['verify', '/data']);
      assert.match(verified.stdout, /conservation {2}holds/, verified.stderr);
      const left = readdirSync(root.data).filter((name) => !/^(audit|configured\.json|history|log-|snapshot-)/.test(name));
      assert.deepEqual(left, [], 'no lock, no part of the binary');
    });
  }

  it('has the capture of --simulate mirror=demo', async (t) => {
    const exchange = await started(t, emptyRoot(t), ['--simulate', 'mirror=demo']);
    await ask<{ bids: unknown[] }>(exchange, '/v1/book/BTC-USD?depth=1', ({ bids }) => bids.length === 1);
    assert.equal(await exchange.end('SIGTERM'), 0, exchange.stderr);
  });

  it('reports unhealthy without an exchange', async (t) => {
    const { code, stdout } = await emptyRoot(t).run(['health', '--http-port', '1']);
    assert.equal(code, 1);
    assert.match(stdout, /^not ready: cannot reach/);
  });

  it('reports where it tried to write its add-ons', async (t) => {
    const root = emptyRoot(t, true);
    const { code, stderr } = await root.run(['start', '--data', '/nowhere']);
    assert.equal(code, 1);
    assert.match(stderr, /\/tmp: .*failed to map.*; \/dev\/shm: is not there; \/nowhere: is not there\); set OPENBELL_ADDON_DIR/);
  });
});
