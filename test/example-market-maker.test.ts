/** docs/examples/market-maker: its quotes as a table, and the program with a running exchange. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { isSame, NO_QUOTE, type Quote, quoteAround, referenceOf } from '../docs/examples/market-maker/quoting.ts';
import { wholeNumber } from '../docs/examples/market-maker/settings.ts';
import { connect } from '../gateway/client/index.ts';
import { copyExample, ExampleProcess, startCommand } from './support/example.ts';
import { ExchangeProcess } from './support/exchange-process.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';
import { until } from './support/until.ts';

const SETTINGS = { halfSpread: 10, size: 5, maxPosition: 20, skew: 8 };
const short = ({ bid, ask }: Quote): string => [bid, ask].map((side) => (side ? `${side.quantity}@${side.price}` : '-')).join(' / ');

const QUOTES: readonly [position: number, quote: string][] = [
  [0, '5@990 / 5@1010'],
  [10, '5@986 / 5@1006'],
  [-10, '5@994 / 5@1014'],
  [18, '2@983 / 5@1003'],
  [20, '- / 5@1002'],
  [25, '- / 5@1000'],
  [-20, '5@998 / -'],
];
for (const [position, quote] of QUOTES) {
  test(`position ${position}: ${quote}`, () => assert.equal(short(quoteAround(1000, position, SETTINGS)), quote));
}

test('a setting is a whole number in its range', () => {
  const read = (SIZE?: string) => wholeNumber({ SIZE }, 'SIZE', 7, 1);
  assert.deepEqual([read(), read('1'), read('1000')], [7, 1, 1000]);
  for (const text of ['abc', '', '0', '-1', '1.5', '1e3', ' 1', '99999999999999999999'])
    assert.throws(() => read(text), { message: `SIZE must be a whole number from 1, not ${JSON.stringify(text)}` }, text);
});

test('the reference is the middle of what others quote', () => {
  const bids = [
    { price: 99, quantity: 5 },
    { price: 98, quantity: 1 },
  ];
  const asks = [{ price: 105, quantity: 7 }];
  assert.equal(referenceOf(bids, asks, NO_QUOTE), 102);
  assert.equal(
    referenceOf(bids, asks, { bid: bids[0], ask: { price: 105, quantity: 5 } }),
    101,
    'another order is at the price of the ask',
  );
  assert.equal(referenceOf(bids, asks, { bid: undefined, ask: asks[0] }), undefined);
  assert.ok(isSame({ bid: bids[0], ask: undefined }, { bid: { ...bids[0] }, ask: undefined }));
});

test('a quote never crosses itself, never has a price below a tick, and never exceeds the limit of the position', () => {
  const settings = fc.record({
    halfSpread: fc.integer({ min: 1, max: 1000 }),
    size: fc.integer({ min: 1, max: 1000 }),
    maxPosition: fc.integer({ min: 1, max: 1000 }),
    skew: fc.integer({ min: 0, max: 5000 }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: -1500, max: 1500 }), settings, (reference, position, given) => {
      const { bid, ask } = quoteAround(reference, position, given);
      for (const side of [bid, ask])
        assert.ok(side === undefined || (side.price >= 1 && side.quantity >= 1 && side.quantity <= given.size));
      if (bid !== undefined && ask !== undefined) assert.ok(bid.price < ask.price);
      if (bid !== undefined) assert.ok(position + bid.quantity <= given.maxPosition);
      if (ask !== undefined) assert.ok(position - ask.quantity >= -given.maxPosition);
    }),
  );
});

test('it compiles, quotes, trades, and leaves nothing when it is stopped', { timeout: 300_000 }, async (t) => {
  const dir = await copyExample(t, 'market-maker');
  const options = { strict: true, noEmit: true, target: 'es2024', module: 'nodenext', lib: ['es2024'], types: ['node'] };
  writeFileSync(
    join(dir, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { ...options, allowImportingTsExtensions: true, erasableSyntaxOnly: true },
      files: ['market-maker.ts'],
    }),
  );
  execFileSync(join(import.meta.dirname, '../node_modules/.bin/tsc'), ['-p', '.'], { cwd: dir, stdio: 'inherit' });

  const data = mkdtempSync(join(tmpdir(), 'openbell-example-data-'));
  t.after(() => rmSync(data, { recursive: true, force: true, maxRetries: 3 }));
  const exchange = await ExchangeProcess.start(data, [], t.signal);
  t.after(() => exchange.end('SIGKILL'));
  const { grpc, ws, http } = exchange.ports;
  const taker = await connect({ grpcPort: grpc, wsPort: ws, httpPort: http, account: 1 });
  t.after(() => taker.close());
  const book = await taker.market.book('BTC-USD');
  for (const [side, price] of [
    ['buy', '59000.00'],
    ['sell', '61000.00'],
  ] as const)
    await taker.orders.place({ symbol: 'BTC-USD', side, price, quantity: '0.01' });

  const env = { GRPC_PORT: String(grpc), WS_PORT: String(ws), HTTP_PORT: String(http) };
  for (const [wrong, text] of [
    [{ SIZE: 'abc' }, /^SIZE must be a whole number from 1, not "abc"\n$/],
    [{ SYMBOL: 'NOPE' }, /^.*NOPE.*\n$/],
    [{ ACCOUNT: '4711' }, /^.*UNKNOWN_ACCOUNT.*\n$/],
  ] as const) {
    const run = promisify(execFile)(process.execPath, ['market-maker.ts'], {
      cwd: dir,
      env: { ...process.env, ...env, ...wrong },
      signal: t.signal,
    });
    const { code, stderr } = await run.then(
      () => assert.fail('it must not start'),
      (error: { readonly code: unknown; readonly stderr: string }) => error,
    );
    assert.equal(code, 2, stderr);
    assert.match(stderr.replace(/^\(.*\n|.*Warning.*\n/gm, ''), text);
  }
  const maker = new ExampleProcess(t, dir, startCommand(dir), env);
  await maker.says(/^quoting BTC-USD for account 2$/m);
  const best = (): string => `${book.bids[0]?.price} ${book.asks[0]?.price}`;
  await until(() => best() === '5999900 6000100', 'the quote around the middle');
  const bought = await taker.orders.place({ symbol: 'BTC-USD', side: 'buy', price: '60001.00', quantity: '0.05', timeInForce: 'ioc' });
  assert.equal(bought.kind, 'accepted');
  await maker.says(/^sold 0\.0500 at 60001\.00, fee \S+; position -0\.0500$/m);
  // Short by 500 of 20,000 lots: both prices are 10 ticks higher.
  await until(() => best() === '5999910 6000110', `the quote with the position, not ${best()}`);
  assert.equal(await maker.end('SIGINT'), 0, maker.output);
  await until(() => best() === '5900000 6100000', 'its quotes to be cancelled');
  assert.match(maker.output, /^stopped; position -0\.0500$/m);

  // Killed, it can cancel nothing: the exchange does.
  const killed = new ExampleProcess(t, dir, startCommand(dir), env);
  await until(() => best() === '5999900 6000100', 'the quote');
  await killed.end('SIGKILL');
  await until(() => best() === '5900000 6100000', 'the exchange to cancel them');

  // The exchange is killed and started again, at other ports behind the same addresses: the program goes on.
  const proxies = await Promise.all([grpc, ws, http].map((port) => FlakyProxy.start(port)));
  t.after(() => proxies.forEach((proxy) => void proxy.stop()));
  const [grpcPort, wsPort, httpPort] = proxies.map(({ port }) => String(port));
  const survivor = new ExampleProcess(t, dir, startCommand(dir), { GRPC_PORT: grpcPort, WS_PORT: wsPort, HTTP_PORT: httpPort });
  await until(() => best() === '5999900 6000100', 'the quote');
  await taker.close();
  await exchange.end('SIGKILL');
  await survivor.says(/^connection lost: /m);
  const next = await ExchangeProcess.start(data, [], t.signal);
  t.after(() => next.end('SIGKILL'));
  const { ports } = next;
  for (const [index, port] of [ports.grpc, ports.ws, ports.http].entries()) proxies[index].target = port;
  const seller = await connect({ grpcPort: ports.grpc, wsPort: ports.ws, httpPort: ports.http, account: 1 });
  t.after(() => seller.close());
  const later = await seller.market.book('BTC-USD');
  await until(() => later.bids[0]?.price === 5999900, 'the quote after the restart');
  const limit = { symbol: 'BTC-USD', side: 'sell', price: '59999.00', timeInForce: 'ioc' } as const;
  assert.equal((await seller.orders.place({ ...limit, quantity: '0.05' })).kind, 'accepted');
  await survivor.says(/^bought 0\.0500 at 59999\.00, fee \S+; position 0\.0500$/m);
  await until(() => later.bids[0]?.price === 5999890, 'the quote with the position');

  // Without an exchange it ends, too, and says what that means.
  await seller.close();
  await next.end('SIGKILL');
  assert.equal(await survivor.end('SIGINT'), 1, survivor.output);
  assert.match(survivor.output, /^no answer from the exchange: quotes may be open$/m);
});
