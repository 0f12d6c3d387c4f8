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

test('a page reads a book, places an order, receives its reports, and asks what the client of Node.js asks', {
  skip: whyNoBrowser,
  timeout: 300_000,
}, async (t) => {
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
  const token = await issuer.token();

  const seen = await page.evaluate(
    async ({ wsPort, httpPort, token, module }) => {
      const { connect }: Client = await import(module);
      const exchange = await connect({ wsPort, httpPort, token, account: 1 });
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

  const operator = await issuer.token({ openbell_roles: 'operator' });
  const asked = await page.evaluate(
    async ({ wsPort, httpPort, token, operator, module }) => {
      const { connect }: Client = await import(module);
      const exchange = await connect({ wsPort, httpPort, token, account: 1 });
      const { queries } = exchange;
      const codeOf = (answer: Promise<unknown>) =>
        answer.then(
          () => 'answered',
          (error: { code: string }) => error.code,
        );
      const symbol = 'BTC-USD';
      const found = async <T>(ask: () => Promise<T>, isThere: (answer: T) => boolean): Promise<T> => {
        for (;;) {
          const answer = await ask();
          if (isThere(answer)) return answer;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      // The history and the book follow the reports.
      const { fills } = await found(
        () => queries.fills({ limit: 1 }),
        ({ behind }) => !behind,
      );
      const { trades } = await found(
        () => queries.trades({ symbol }),
        ({ trades }) => trades.length > 0,
      );
      const { bids } = await found(
        () => queries.book({ symbol, depth: 5 }),
        ({ bids }) => bids[0]?.quantity === '0.1500',
      );
      const { candles } = await found(
        () => queries.candles({ symbol }),
        ({ candles }) => candles.length > 0,
      );
      const { entries } = await found(
        () => queries.ledger({ kind: 'settlement' }),
        ({ behind }) => !behind,
      );
      const { orders: all } = await queries.orders({ status: 'all', symbol });
      const { orders: open } = await queries.orders();
      const account = await queries.account();
      const why = await queries.order({ orderId: Number(open[0].orderId) });
      const { positions } = await exchange.portfolio();
      const followed: unknown[] = [];
      for await (const { positions } of exchange.followPortfolio({ mark: 'last' })) {
        followed.push(positions.map(({ symbol }) => symbol));
        break;
      }
      // Its messages come from the stream, the first one from the query.
      const stream = exchange.followPortfolio({ intervalMs: 100 });
      await stream.next();
      const again = await stream.next();
      const refused = [
        await codeOf(queries.account(2)),
        await codeOf(queries.sessions()),
        await codeOf(exchange.followFeed({ feed: 'none', onMessage: () => undefined })),
        await codeOf(queries.orders({ status: 'all', after: '1' } as object)),
        await codeOf(queries.ledger({ assets: 'USD' } as object)),
        await codeOf(connect({ wsPort, httpPort, token: `${token}x`, account: 1 })),
      ];
      const control = await connect({ wsPort, httpPort, token: operator });
      const { sessions } = await control.queries.sessions({ kind: 'orders' });
      await Promise.all([exchange.close(), control.close()]);
      return {
        open: open.map(({ ordStatus, leavesQty }) => [ordStatus, leavesQty]),
        all: all.map(({ ordStatus }) => ordStatus),
        fills: fills.map(({ lastPx, lastQty }) => [lastPx, lastQty]),
        assets: account.balances.map(({ asset }) => asset),
        entries: entries.length,
        trades: trades.map(({ price, quantity }) => [price, quantity]),
        bids: bids.map(({ price, quantity }) => [price, quantity]),
        close: candles.at(-1)?.close,
        steps: why.steps.map(({ step }) => step),
        ticker: [(await queries.ticker(symbol)).last, (await queries.tickers()).length > 1, (await queries.time()).timeUs > 0],
        positions: positions.map(({ symbol, position }) => [symbol, position]),
        followed,
        again: again.value?.positions.length,
        refused,
        sessions: sessions.length,
      };
    },
    { wsPort, httpPort, token, operator, module: '/openbell.js' },
  );
  const { assets, ...rest } = asked;
  assert.ok(assets.includes('USD') && assets.includes('BTC'));
  assert.deepEqual(rest, {
    open: [['partially-filled', '0.1500']],
    all: ['filled', 'partially-filled'],
    fills: [['50000.00', '0.1000']],
    // Both sides of the trade are of one account: each has a leg in both assets.
    entries: 4,
    trades: [['50000.00', '0.1000']],
    bids: [['50000.00', '0.1500']],
    close: '50000.00',
    steps: ['accepted', 'fill'],
    ticker: ['50000.00', true, true],
    positions: [['BTC-USD', '0.0000']],
    followed: [['BTC-USD']],
    again: 1,
    refused: ['PERMISSION_DENIED', 'PERMISSION_DENIED', 'UNKNOWN_FEED', 'BAD_PARAMETER', 'BAD_OPTION', 'UNAUTHENTICATED'],
    sessions: 0,
  });
  assert.deepEqual(errors, []);
});
