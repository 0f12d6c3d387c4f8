import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, OpenbellError } from '../gateway/client/index.ts';
import { Authority, MountedSecret, type Pair } from './support/certificates.ts';
import { ExchangeProcess, openbell } from './support/exchange-process.ts';
import { until } from './support/until.ts';

describe('clients of an exchange with mutual TLS', () => {
  let dir: string;
  let authority: Authority;
  let client: Pair;
  let secret: MountedSecret;
  let exchange: ExchangeProcess;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'openbell-tls-client-'));
    authority = new Authority(join(dir, 'ours'));
    client = authority.issue({ name: 'desk-7' });
    secret = new MountedSecret(join(dir, 'secret'), authority.issue({ name: 'first', days: 20 }));
    const files = ['--tls-cert', secret.cert, '--tls-key', secret.key, '--tls-client-ca', authority.ca.cert];
    exchange = await ExchangeProcess.start(join(dir, 'data'), files);
  });
  after(async () => {
    await exchange.end('SIGTERM');
    rmSync(dir, { recursive: true });
  });
  const ports = () => ({ grpcPort: exchange.ports.grpc, wsPort: exchange.ports.ws, httpPort: exchange.ports.http });
  const shown = () => ({ ca: readFileSync(authority.ca.cert), cert: readFileSync(client.cert), key: readFileSync(client.key) });
  const expiry = async (): Promise<number> => {
    const names = ['--tls-ca', authority.ca.cert, '--tls-client-cert', client.cert, '--tls-client-key', client.key];
    assert.equal((await openbell(['health', ...exchange.flags, ...names])).stdout, 'ready\n');
    const { request } = await import('node:https');
    const text = await new Promise<string>((resolve, reject) => {
      const outgoing = request({ port: exchange.ports.http, host: '127.0.0.1', path: '/metrics', agent: false, ...shown() }, (response) => {
        let body = '';
        response.on('data', (bytes: Buffer) => {
          body += bytes;
        });
        response.on('end', () => resolve(body));
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
    return Number(/openbell_certificate_expiry_seconds\{certificate="server"\} (\S+)/.exec(text)?.[1]);
  };

  it('orders and market data continue with a renewed certificate', { timeout: 300_000 }, async () => {
    const venue = await connect({ ...ports(), account: 1, tls: shown(), reconnect: false });
    const book = await venue.market.book('BTC-USD');
    const place = async (price: string) => {
      const { code } = await venue.orders.place({ symbol: 'BTC-USD', side: 'buy', price, quantity: '0.01' });
      assert.equal(code, 'OK');
      await until(() => book.bids[0]?.price === Number(price) * 100, `the book at ${price}`);
    };
    await place('58000.00');
    const before = await expiry();
    secret.mount(authority.issue({ name: 'second', days: 40 }));
    await until(() => exchange.stderr.includes('TLS certificate reloaded'), 'the reload');
    await place('58001.00');
    assert.ok((await expiry()) > before + 86_400 * 15, 'the metric shows the old certificate');
    assert.equal(venue.market.reconnects, 0);
    await venue.close();
  });

  it('a client without a certificate, or with a foreign server, is rejected; the reason has a stable code', async () => {
    const { ca } = shown();
    await assert.rejects(
      connect({ ...ports(), account: 1, tls: { ca } }),
      (error) => error instanceof OpenbellError && error.code === 'UNAUTHENTICATED' && error.number === 110,
    );
    const stranger = new Authority(join(dir, 'theirs'), 'stranger');
    const wrong = { ...shown(), ca: readFileSync(stranger.ca.cert) };
    await assert.rejects(connect({ ...ports(), tls: wrong }), (error) => error instanceof OpenbellError && error.code === 'HTTP_FAILED');
    await assert.rejects(connect({ ...ports() }), (error) => error instanceof OpenbellError && error.code === 'HTTP_FAILED');
    const symbols = [{ id: 1, name: 'BTC-USD', tickSize: '0.01', lotSize: '0.00000001' }];
    const market = await connect({ ...ports(), tls: { ca }, symbols, reconnect: false });
    await assert.rejects(market.market.book('BTC-USD'), (error) => error instanceof OpenbellError && error.code === 'CONNECTION_LOST');
    await market.close();
    const notAKey = { ...shown(), key: 'no key' };
    await assert.rejects(
      connect({ ...ports(), account: 1, tls: notAKey, symbols }),
      (error) => error instanceof OpenbellError && error.code === 'TLS_FAILED' && !error.message.includes('no key:'),
    );
  });

  it('commands present a certificate given by file names', async () => {
    const names = ['--tls-ca', authority.ca.cert, '--tls-client-cert', client.cert, '--tls-client-key', client.key];
    const placed = await openbell(['order', 'buy', '0.01', 'BTC-USD', '59000.00', '--json', ...exchange.flags, ...names]);
    assert.deepEqual([placed.code, placed.stderr], [0, ''], placed.stdout);
    assert.equal((await openbell(['account', '1', ...exchange.flags, ...names])).code, 0);
    assert.equal((await openbell(['book', 'BTC-USD', ...exchange.flags, ...names])).code, 0);
    // A probe in the container has the exchange's certificate, but no client certificate.
    assert.equal((await openbell(['health', ...exchange.flags, '--tls-ca', authority.ca.cert])).code, 0);
    assert.equal((await openbell(['account', '1', ...exchange.flags, '--tls-ca', authority.ca.cert])).code, 1);
    assert.equal((await openbell(['account', '1', ...exchange.flags])).code, 3);
    assert.equal((await openbell(['account', '1', ...exchange.flags, '--tls-client-cert', client.cert])).code, 2);
    assert.equal((await openbell(['account', '1', ...exchange.flags, '--tls-ca', '/nowhere.pem'])).code, 2);
    const noPem = await openbell(['account', '1', ...exchange.flags, '--tls-ca', 'package.json']);
    assert.deepEqual([noPem.code, /package\.json is no PEM file; give one with --tls-ca/.test(noPem.stderr)], [2, true], noPem.stderr);
    const other = ['--tls-client-cert', client.cert, '--tls-client-key', authority.ca.key];
    const order = ['order', 'buy', '0.01', 'BTC-USD', '59000.00'];
    const cases: readonly [args: string[], exit: number, text: RegExp][] = [
      [['account', '1', '--tls'], 3, /\)\nnext: .*--tls-ca\n$/],
      [['account', '1'], 3, /; is the exchange running\?.*\nnext: .*--tls, or --tls-ca .*\n$/],
      [['account', '1', '--tls-ca', authority.ca.cert, ...other], 2, /^openbell: TLS_FAILED: the key does not fit its certificate: /],
      [[...order, '--tls-ca', authority.ca.cert, ...other], 2, /^openbell: TLS_FAILED: the key does not fit its certificate: /],
      [[...order, '--tls'], 3, /^openbell: HTTP_FAILED: .*\): give the CA certificates of the exchange, .*--tls-ca\n$/],
      [order, 3, /^openbell: HTTP_FAILED: .*\): is the exchange running there\? If it uses TLS, .*--tls-ca\n$/],
    ];
    for (const [args, exit, text] of cases) {
      const { code, stderr } = await openbell([...args, ...exchange.flags]);
      assert.equal(code, exit, stderr);
      assert.match(stderr, text);
    }
  });
});
