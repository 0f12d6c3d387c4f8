/** Quotes and their protection through the client, HTTP and the command line. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { codeText } from '../engine/code-texts.ts';
import { Code } from '../engine/codes.ts';
import type { OpenbellClient, ReportView } from '../gateway/client/index.ts';
import { demoExchange } from './support/demo-exchange.ts';
import { until } from './support/until.ts';

describe('quotes', { timeout: 300_000 }, () => {
  const venue = demoExchange();
  const reports: ReportView[] = [];
  let maker: OpenbellClient;
  let taker: OpenbellClient;

  before(async () => {
    maker = venue.client;
    taker = await venue.connect(2);
    maker.orders.on('report', (report) => reports.push(report));
  });

  const get = (path: string): Promise<Record<string, unknown> & { orders: Record<string, unknown>[] }> => venue.get(path);
  const side = (price: string, quantity = '0.5') => ({ price, quantity });

  it('client: each side has its answer; several quotes are one frame', async () => {
    const first = await maker.orders.quote({ symbol: 'BTC-USD', bid: side('50000.00'), ask: side('50010.00') });
    assert.deepEqual(
      [first.bid, first.ask].map(({ kind, side: its, price, clientOrderId }) => [kind, its, price, clientOrderId]),
      [
        ['accepted', 'buy', '50000.00', 0],
        ['accepted', 'sell', '50010.00', 0],
      ],
    );
    const [btc, eth] = await Promise.all([
      maker.orders.quote({ symbol: 'BTC-USD', bid: side('50000.00', '0.4'), ask: side('50011.00') }),
      maker.orders.quote({ symbol: 'ETH-USD', ask: side('3000.00') }),
    ]);
    assert.deepEqual([btc.bid.kind, btc.bid.keptPriority, btc.ask.kind, btc.ask.keptPriority], ['amended', true, 'amended', false]);
    assert.equal(btc.bid.orderId, first.bid.orderId);
    assert.deepEqual([eth.bid.kind, eth.bid.orderId, eth.ask.kind], ['cancelled', 0, 'accepted']);
    const crossed = await maker.orders.quote({ symbol: 'BTC-USD', bid: side('50020.00'), ask: side('50020.00') });
    assert.deepEqual([crossed.bid.code, crossed.ask.code, crossed.bid.leaves], ['QUOTE_CROSSED', 'QUOTE_CROSSED', '0.4000']);
    const { orders } = await get('/v1/accounts/1/open-orders');
    assert.deepEqual(
      orders.map(({ symbol, side: its, price, leaves, quote }) => [symbol, its, price, leaves, quote]),
      [
        ['BTC-USD', 'buy', '50000.00', '0.4000', true],
        ['BTC-USD', 'sell', '50011.00', '0.5000', true],
        ['ETH-USD', 'sell', '3000.00', '0.5000', true],
      ],
    );
    await assert.rejects(maker.orders.quote({ symbol: 'BTC-USD', bid: { price: '1', quantity: '1', size: 1 } as never }), {
      code: 'BAD_OPTION',
    });
  });

  it('client: a fill beyond the protection cancels all quotes; HTTP shows it; a reset lets quotes pass', async () => {
    const set = await maker.orders.protectQuotes({ windowMs: 60_000, fills: 1 });
    assert.equal(set.kind, 'accepted');
    assert.deepEqual((await get('/v1/accounts/1')).protection, {
      windowUs: 60_000_000,
      fills: 1,
      lots: 0,
      netLots: 0,
      triggered: false,
    });
    for (let i = 0; i < 2; i++) await taker.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.1', price: '50000.00' });
    const pulled = (): string[] => reports.filter(({ code }) => code === 'CANCELLED_PROTECTION').map((r) => `${r.symbol} ${r.side}`);
    await until(() => pulled().length === 3, 'all quotes are cancelled');
    assert.deepEqual(pulled(), ['BTC-USD buy', 'BTC-USD sell', 'ETH-USD sell']);
    const rejected = await maker.orders.quote({ symbol: 'BTC-USD', bid: side('50000.00') });
    assert.equal(rejected.bid.code, 'PROTECTION_TRIGGERED');
    assert.equal(((await get('/v1/accounts/1')).protection as { triggered: boolean }).triggered, true);
    assert.match((await venue.openbell('account', '1')).stdout, /protection of quotes: 1 fills in 60 s, triggered/);
    assert.equal((await maker.orders.resetProtection()).kind, 'accepted');
    await assert.rejects(maker.orders.protectQuotes({ windowMs: 0.5, fills: 1 }), { code: 'BAD_RANGE' });
    await assert.rejects(maker.orders.protectQuotes({ fills: -1 }), { code: 'BAD_RANGE' });
  });

  it('command line: quotes, is rejected, protects and cancels', async () => {
    const placed = await venue.openbell('quote', 'BTC-USD', '--bid', '0.5@49000.00', '--ask', '0.5@51000.00');
    assert.match(
      placed.stdout,
      /^bid {2}accepted {2}order \d+: buy 0.5000 BTC-USD at 49000.00\nask {2}accepted {2}order \d+: sell 0.5000 BTC-USD at 51000.00\n$/,
    );
    const kept = await venue.openbell('quote', 'BTC-USD', '--bid', '0.4@49000.00', '--ask', '0.5@51001.00');
    assert.match(kept.stdout, /^bid {2}amended .* priority kept\nask {2}amended .* priority lost\n$/);
    const crossed = await venue.openbell('quote', 'BTC-USD', '--bid', '1@51000.00', '--ask', '1@51000.00');
    assert.deepEqual(
      [crossed.code, crossed.stdout.split('\n')[0]],
      [1, `bid  rejected  QUOTE_CROSSED (420): ${codeText(Code.QUOTE_CROSSED)}`],
    );
    assert.match((await venue.openbell('quote', 'BTC-USD')).stderr, /quote needs --bid, --ask or both; or --cancel alone/);
    assert.equal((await venue.openbell('quote', 'BTC-USD', '--cancel')).code, 0);
    assert.equal(
      (await venue.openbell('protection', '--window', '5s', '--net-lots', '1000')).stdout,
      'set       more than 1000 net lots in 5 s cancels the quotes of the account\n',
    );
    assert.equal((await venue.openbell('protection', '--reset')).stdout, 'reset     quotes are accepted again\n');
    assert.match((await venue.openbell('protection', '--fills', '3')).stderr, /protection needs --window/);
    assert.equal((await venue.openbell('protection', '--off')).code, 0);
    assert.equal((await get('/v1/accounts/1')).protection, undefined);
  });
});
