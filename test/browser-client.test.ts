/** `openbell/browser`: its size and content, and the client in a real browser with a real exchange. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openPage, whyNoBrowser } from './support/browser-page.ts';
import { GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';

const BUNDLE = readFileSync(join(import.meta.dirname, '..', 'dist', 'browser', 'openbell.js'));
/** Of the bundle, compressed as a server sends it. */
const MAX_BYTES = 60 * 1024;

test('the bundle is one small module that imports nothing', () => {
  const bytes = gzipSync(BUNDLE, { level: 9 }).length;
  assert.ok(bytes < MAX_BYTES, `${bytes} bytes`);
  const text = BUNDLE.toString();
  assert.doesNotMatch(text, /\bimport\b\s*[^.]|\brequire\(|node:/);
  // What a page does not need: gRPC, indicators, time zones.
  assert.doesNotMatch(text, /grpc-status|TradingSignals|Temporal|x-openbell-account/);
});

/** What the page runs; its names are those of the page. */
type Client = typeof import('../gateway/client/browser/index.ts');

test('a page reads a book, places an order and receives its reports', { skip: whyNoBrowser, timeout: 300_000 }, async (t) => {
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  const server = createServer(({ url }, response) => {
    const isModule = url === '/openbell.js';
    response
      .setHeader('content-type', isModule ? 'text/javascript' : 'text/html')
      .end(isModule ? BUNDLE : '<!doctype html><title>page</title>');
  }).listen(0, '127.0.0.1');
  t.after(() => server.close().closeAllConnections());
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const exchange = await GuardedExchange.start(issuer, { 'cors-origins': origin });
  t.after(() => exchange.stop());
  const errors: string[] = [];
  const page = await openPage(t, origin, errors);
  const { ws: wsPort, http: httpPort } = exchange.ports;
  const token = await issuer.token({ roles: ['trader'], accounts: [1] });

  const seen = await page.evaluate(
    async ({ wsPort, httpPort, token, module }) => {
      const { connect }: Client = await import(module);
      const exchange = await connect({ wsPort, httpPort, token, account: 1, cancelOnDisconnect: 0 });
      const book = await exchange.market.book('BTC-USD');
      const changed = new Promise<void>((resolve) => book.once('change', resolve));
      const kinds: string[] = [];
      exchange.orders.on('report', ({ kind }) => kinds.push(kind));
      const placed = await exchange.orders.place({ symbol: 'BTC-USD', side: 'buy', price: '50000.00', quantity: '0.25' });
      await changed;
      const units = await exchange.symbols.find('BTC-USD');
      const bids = book.bids.map(({ price, quantity }) => [units.price(price), units.quantity(quantity)]);
      const trades = await exchange.market.trades('BTC-USD');
      const next = trades[Symbol.asyncIterator]().next();
      const sold = await exchange.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.1', selfTrade: 'none' });
      const { value } = await next;
      const refused = await connect({ wsPort, httpPort, token, account: 2 })
        .then(({ orders }) => orders.ready())
        .catch(({ name, code }) => [name, code]);
      await exchange.close();
      return { placed, bids, kinds, sold: sold.kind, traded: value?.quantity === units.lots('0.1'), refused };
    },
    { wsPort, httpPort, token, module: '/openbell.js' },
  );
  assert.equal(seen.placed.kind, 'accepted');
  assert.deepEqual(seen.bids, [['50000.00', '0.2500']]);
  assert.deepEqual(seen.kinds, ['accepted', 'accepted', 'fill', 'fill']);
  assert.deepEqual([seen.sold, seen.traded], ['accepted', true]);
  assert.deepEqual(seen.refused, ['OpenbellError', 'PERMISSION_DENIED']);
  assert.deepEqual(errors, []);
});
