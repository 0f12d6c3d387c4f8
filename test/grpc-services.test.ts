import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DescField, DescMessage, DescMethod } from '@bufbuild/protobuf';
import type { z } from 'zod';
import { OPERATIONS } from '../gateway/endpoints/grpc/v1/operation-table.ts';
import { AMEND_BODY, ORDER_BODY, TRADED_ORDER } from '../gateway/endpoints/json/schemas/trading.ts';
import { ServerReflection } from '../gateway/protobuf/generated/grpc/reflection/v1/reflection_pb.ts';
import { Admin } from '../gateway/protobuf/generated/openbell/v1/admin_pb.ts';
import { MarketData, UpdateKind } from '../gateway/protobuf/generated/openbell/v1/market_data_pb.ts';
import {
  AmendOrderRequestSchema,
  ExecType,
  type Fill,
  LedgerKind,
  PlaceOrderRequestSchema,
  Trading,
} from '../gateway/protobuf/generated/openbell/v1/trading_pb.ts';
import {
  Liquidity,
  OrderSchema,
  OrdStatus,
  Phase,
  Side,
  SubPhase,
  TimeInForce,
} from '../gateway/protobuf/generated/openbell/v1/types_pb.ts';
import { DemoExchange } from './support/demo-exchange.ts';
import { DescribedClient } from './support/described-client.ts';
import { bearer, GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';
import { until } from './support/until.ts';

const ORDER = { account: 1, symbol: 'BTC-USD', side: Side.BUY, orderQty: '0.5', price: '50000.00' };

describe('openbell.v1 beside REST', () => {
  const keysOf = (schema: z.ZodType): string[] => Object.keys((schema as z.ZodObject).shape);
  const fieldsOf = (schema: DescMessage): string[] => schema.fields.map(({ jsonName }: DescField) => jsonName);

  it('every term of an order over REST is a field', () => {
    assert.deepEqual(fieldsOf(PlaceOrderRequestSchema).sort(), keysOf(ORDER_BODY).sort());
    // The ids of an amend are in the path there.
    assert.deepEqual(fieldsOf(AmendOrderRequestSchema).sort(), [...keysOf(AMEND_BODY), 'clOrdId', 'orderId'].sort());
  });

  it('every key of an order is a field, times in one form', () => {
    const fields = fieldsOf(OrderSchema);
    assert.deepEqual(
      keysOf(TRADED_ORDER).filter((key) => !key.endsWith('TimeUs') && !fields.includes(key)),
      [],
    );
  });

  it('every unary method has an operation, and every operation a method', () => {
    const unary = [Trading, MarketData, Admin].flatMap((service) =>
      (service.methods as readonly DescMethod[])
        .filter(({ methodKind }) => methodKind === 'unary')
        .map(({ name }) => `${service.name}/${name}`),
    );
    assert.deepEqual(unary.sort(), Object.keys(OPERATIONS).sort());
  });
});

describe('openbell.v1', () => {
  const demo = new DemoExchange();
  let client: DescribedClient;
  const { method: trading } = Trading;
  const { method: market } = MarketData;
  const { method: admin } = Admin;

  before(async () => {
    await demo.start('compact', { durability: 'fast' });
    client = new DescribedClient(demo.running.ports.grpc);
  });
  after(async () => {
    client.close();
    await demo.stop();
  });

  it('an order is placed, found, amended and cancelled', async () => {
    const { order } = await client.call(trading.placeOrder, { ...ORDER, clOrdId: 101n });
    assert.deepEqual([order.ordStatus, order.orderQty, order.price, order.side], [OrdStatus.NEW, '0.5000', '50000.00', Side.BUY]);
    assert.ok(order.transactTime.seconds > 1_700_000_000n);
    assert.deepEqual(order.acceptedTime, order.transactTime);
    // The same again is the same order.
    const again = await client.call(trading.placeOrder, { ...ORDER, clOrdId: 101n });
    assert.deepEqual([again.order.orderId, again.order.duplicate], [order.orderId, true]);
    const { order: amended } = await client.call(trading.amendOrder, {
      account: 1,
      order: { case: 'clOrdId', value: 101n },
      leavesQty: '0.25',
      price: '50001',
    });
    assert.deepEqual([amended.leavesQty, amended.price], ['0.2500', '50001.00']);
    const { orders } = await client.call(trading.listOrders, { account: 1 });
    assert.ok(orders.some(({ orderId }: { orderId: bigint }) => orderId === order.orderId));
    const { order: cancelled } = await client.call(trading.cancelOrder, { account: 1, order: { case: 'orderId', value: order.orderId } });
    assert.equal(cancelled.ordStatus, OrdStatus.CANCELED);
    const { order: found } = await client.call(trading.getOrder, { account: 1, order: { case: 'orderId', value: order.orderId } });
    assert.deepEqual([found.ordStatus, found.name], [OrdStatus.CANCELED, 'CANCELLED_BY_CLIENT']);
  });

  it('every term passes: a hidden good-till-date order', async () => {
    const seconds = BigInt(Math.floor(Date.now() / 1000) + 3600);
    const { order } = await client.call(trading.placeOrder, { ...ORDER, hidden: true, expireTime: { seconds, nanos: 0 } });
    assert.deepEqual([order.hidden, order.expireTime.seconds, order.timeInForce], [true, seconds, TimeInForce.GTD]);
    const { totalAffectedOrders } = await client.call(trading.massCancel, { account: 1, symbol: 'BTC-USD', side: Side.BUY });
    assert.equal(totalAffectedOrders, 1n);
  });

  it('a refusal has a status, and its details the code, the limit, and the fields', async () => {
    const table: readonly (readonly [DescMethod, object, string, string])[] = [
      [trading.placeOrder, { ...ORDER, orderQty: '100000' }, 'FAILED_PRECONDITION', 'QUANTITY_MAX'],
      [trading.placeOrder, { ...ORDER, orderQty: '0.00001' }, 'INVALID_ARGUMENT', 'BAD_RANGE'],
      [trading.placeOrder, { ...ORDER, orderQty: 'many' }, 'INVALID_ARGUMENT', 'BAD_PARAMETER'],
      [trading.placeOrder, { ...ORDER, side: 9 }, 'INVALID_ARGUMENT', 'BAD_ENUM'],
      [trading.placeOrder, { ...ORDER, symbol: 'NONE' }, 'NOT_FOUND', 'UNKNOWN_SYMBOL'],
      // A status that repeated all of it would be longer than the headers of an answer.
      [trading.placeOrder, { ...ORDER, symbol: '€'.repeat(20_000) }, 'NOT_FOUND', 'UNKNOWN_SYMBOL'],
      [admin.deposit, { account: 1, asset: 'A'.repeat(60_000), amount: '1' }, 'NOT_FOUND', 'UNKNOWN_ASSET'],
      [admin.defineAsset, { id: 98, name: 'A'.repeat(60_000), decimals: 2 }, 'INVALID_ARGUMENT', 'BAD_PARAMETER'],
      [trading.placeOrder, { ...ORDER, account: 4000 }, 'NOT_FOUND', 'UNKNOWN_ACCOUNT'],
      [trading.cancelOrder, { account: 1 }, 'INVALID_ARGUMENT', 'BAD_PARAMETER'],
      [trading.cancelOrder, { account: 1, order: { case: 'orderId', value: 99_999n } }, 'NOT_FOUND', 'UNKNOWN_ORDER'],
      [admin.defineAsset, { id: 1, name: 'AGAIN', decimals: 2 }, 'ALREADY_EXISTS', 'ALREADY_DEFINED'],
      [admin.setPhase, { phase: Phase.HALTED }, 'INVALID_ARGUMENT', 'BAD_PARAMETER'],
      [admin.setKillSwitch, { on: true }, 'INVALID_ARGUMENT', 'BAD_PARAMETER'],
      [admin.setKillSwitch, { scope: { case: 'account', value: 1 } }, 'INVALID_ARGUMENT', 'BAD_PARAMETER'],
    ];
    for (const [method, request, code, reason] of table) {
      const refused = await client.refusal(method, request);
      assert.deepEqual(
        [refused.code, refused.reason],
        [code, reason],
        `${method.name} ${JSON.stringify(request, (_k, v) => String(v))}`.slice(0, 200),
      );
      assert.ok(refused.message.startsWith(`${reason}: `), refused.message);
    }
    const { metadata } = await client.refusal(trading.placeOrder, { ...ORDER, orderQty: '100000' });
    assert.deepEqual([metadata.code, metadata.limit, metadata.most], ['308', 'maxQuantity', '1000.0000']);
    assert.deepEqual((await client.refusal(admin.defineAsset, { id: 99 })).fields, ['name', 'decimals']);
    // Fields have the names of the schema, and not those of JSON.
    const many = await client.refusal(trading.placeOrder, { ...ORDER, orderQty: 'many', stopPx: 'x' });
    assert.deepEqual(many.fields, ['order_qty', 'stop_px']);
    assert.match(many.message, /^BAD_PARAMETER: order_qty: .*; stop_px: /);
    const twice = await client.refusal(admin.deposit, { account: 1, asset: 'USD', amount: '1', idempotencyKey: 'x y' });
    assert.match(twice.message, /: idempotency_key takes 1 to 255/);
  });

  it('the operator defines a market, funds an account, and controls both', async () => {
    await client.call(admin.defineAsset, { id: 20, name: 'XAU', decimals: 4 });
    const { symbol } = await client.call(admin.defineSymbol, {
      id: 20,
      name: 'XAU-USD',
      base: 'XAU',
      quote: 'USD',
      tickSize: '0.01',
      lotSize: '0.1',
      phase: Phase.AUCTION,
      limits: { minQuantity: '0.2' },
      fees: { maker: '-0.01%', taker: '0.05%' },
    });
    assert.deepEqual([symbol.phase, symbol.limits.minQuantity, symbol.quote], [Phase.AUCTION, '0.2', 'USD']);
    const { account } = await client.call(admin.defineAccount, { id: 51, name: 'desk', deposits: { USD: '1000.5' }, idempotencyKey: 'a' });
    assert.equal(account.balances[0].available.replace(/0+$/, ''), '1000.5');
    const money = { account: 51, asset: 'USD', amount: '10', idempotencyKey: 'b' };
    assert.equal((await client.call(admin.deposit, money)).repeated, false);
    assert.equal((await client.call(admin.deposit, money)).repeated, true);
    await client.call(admin.withdraw, { account: 51, asset: 'USD', amount: '0.5' });
    assert.equal((await client.refusal(admin.withdraw, { ...money, amount: '99999', idempotencyKey: '' })).reason, 'INSUFFICIENT_FUNDS');
    const { ids } = await client.call(admin.listAccounts, { after: 50 });
    assert.deepEqual(ids, [51]);
    const phase = await client.call(admin.setPhase, { symbol: 'XAU-USD', phase: Phase.AUCTION, subPhase: SubPhase.OPENING_AUCTION });
    assert.deepEqual([phase.phase, phase.subPhase], [Phase.AUCTION, SubPhase.OPENING_AUCTION]);
    assert.equal((await client.call(admin.uncross, { symbol: 'XAU-USD' })).quantity, '0.0');
    await client.call(admin.setPhase, { symbol: 'XAU-USD', phase: Phase.CONTINUOUS });
    await client.call(trading.placeOrder, { ...ORDER, account: 51, symbol: 'XAU-USD', orderQty: '0.2', price: '1' });
    const killed = await client.call(admin.setKillSwitch, { scope: { case: 'account', value: 51 }, on: true });
    assert.deepEqual([killed.on, killed.cancelled], [true, 1n]);
    assert.equal((await client.refusal(trading.placeOrder, { ...ORDER, account: 51 })).reason, 'KILL_SWITCH');
    await client.call(admin.setKillSwitch, { scope: { case: 'account', value: 51 }, on: false });
    assert.equal((await client.call(admin.suspendAccount, { account: 51, cancel: true })).account.suspended, true);
    assert.equal((await client.call(admin.resumeAccount, { account: 51 })).account.suspended, false);
    const limits = await client.call(admin.setAccountLimits, { account: 51, maxOpenOrders: 0, commandsPerSecond: 50 });
    assert.deepEqual([limits.account.maxOpenOrders, limits.account.commandsPerSecond], [0, 50]);
    assert.equal((await client.call(admin.cancelOrders, { symbol: 'XAU-USD' })).cancelled, 0n);
    assert.ok((await client.call(admin.takeSnapshot)).seq > 0n);
  });

  it('queries of the market are those of HTTP', async () => {
    await client.call(trading.placeOrder, { ...ORDER, account: 2, symbol: 'ETH-USD', price: '3000', orderQty: '2' });
    await client.call(trading.placeOrder, { ...ORDER, account: 3, symbol: 'ETH-USD', price: '3000', orderQty: '1', side: Side.SELL });
    // Market data and the history follow the engine.
    const bids = async () => (await client.call(market.getBook, { symbol: 'ETH-USD', depth: 5 })).bids;
    await until(async () => (await bids())[0]?.quantity.startsWith('1.'), 'the book has what was left');
    assert.equal((await bids())[0].price, '3000.00');
    const last = async () => (await client.call(market.listTrades, { symbol: 'ETH-USD', limit: 1 })).trades[0];
    await until(async () => (await last()) !== undefined, 'the trade is in the history');
    const trade = await last();
    assert.deepEqual([trade.price, trade.aggressor, trade.tradeId], ['3000.00', Side.SELL, 1n]);
    const { assets } = await client.call(market.listAssets);
    assert.ok(assets.some(({ name }: { name: string }) => name === 'USD'));
    const { symbols } = await client.call(market.listSymbols);
    assert.ok(symbols.length >= 3);
    assert.equal((await client.call(market.getSymbol, { symbol: 'BTC-USD' })).symbol.tickSize, '0.01');
  });

  it('a stream of reports begins at a number, and goes on', async () => {
    for (const clOrdId of [1n, 2n]) await client.call(trading.placeOrder, { ...ORDER, account: 4, clOrdId });
    const stream = client.stream(trading.subscribeReports, { account: 4, fromReportNo: 2n });
    const { reports } = await stream.next();
    assert.deepEqual([reports[0].reportNo, reports[0].execType, reports[0].clOrdId], [2n, ExecType.ACCEPTED, 2n]);
    await client.call(trading.massCancel, { account: 4 });
    const last = await stream.next(({ reports }) => reports.at(-1).reportNo === 5n);
    assert.deepEqual([last.reports.at(-1).execType, last.reports.at(-1).quantity], [ExecType.CANCELLED, '0.5000']);
    stream.cancel();
    assert.equal((await stream.end()).code, 'CANCELLED');
    const beyond = await client.stream(trading.subscribeReports, { account: 4, fromReportNo: 100n }).end();
    assert.deepEqual([beyond.code, beyond.reason], ['OUT_OF_RANGE', 'BAD_RANGE']);
    assert.match(beyond.message, /from_report_no is 100, but the last report of account 4 is 5/);
    const zero = await client.stream(trading.subscribeReports, { account: 4, fromReportNo: 0n }).end();
    assert.deepEqual(
      [zero.code, zero.message],
      ['INVALID_ARGUMENT', 'BAD_RANGE: from_report_no must be one report number from 1, or left out'],
    );
  });

  it('a session places, refuses and resumes on one stream', async () => {
    const session = client.duplex(trading.session, { 'x-openbell-account': '5' });
    const { account: _account, ...order } = ORDER;
    session.send({ tag: 7, command: { case: 'placeOrder', value: { ...order, clOrdId: 1n } } });
    const { reports } = await session.next(({ reports }) => reports.length > 0);
    assert.deepEqual([reports[0].tag, reports[0].execType, reports[0].reportNo], [7, ExecType.ACCEPTED, 1n]);
    // One of them is refused by its decoder, and one by the checks that all sessions share.
    session.send({ tag: 8, command: { case: 'placeOrder', value: { ...order, symbol: 'NONE', clOrdId: 2n } } });
    const local = await session.next(({ refusals }) => refusals.length > 0);
    assert.deepEqual([local.refusals[0].name, local.refusals[0].tag, local.refusals[0].clOrdId], ['UNKNOWN_SYMBOL', 8, 2n]);
    for (let tag = 10; tag < 60; tag++) session.send({ tag, command: { case: 'massCancel', value: {} } });
    const shared = await session.next(({ refusals }) => refusals.length > 0);
    assert.equal(shared.refusals[0].name, 'MASS_CANCEL_RATE');
    session.stream.once('error', () => undefined);
    (session.stream as unknown as { end(): void }).end();
    assert.equal((await session.end()).code, 'OK');
    const resumed = client.duplex(trading.session, { 'x-openbell-account': '5', 'x-openbell-last-report': '0' });
    assert.equal((await resumed.next()).reports[0].reportNo, 1n);
    resumed.cancel();
    await resumed.end();
  });

  it('streams of the market begin with a snapshot, and updates follow', async () => {
    const books = client.stream(market.subscribeBook, { symbols: ['ETH-USD'] });
    const trades = client.stream(market.subscribeTrades, { symbols: ['ETH-USD', 'BTC-USD'] });
    const states = client.stream(market.subscribeStatus, { symbols: ['ETH-USD'] });
    const snapshot = await books.next();
    assert.deepEqual([snapshot.kind, snapshot.bids[0].price, snapshot.more], [UpdateKind.SNAPSHOT, '3000.00', false]);
    assert.equal((await trades.next(({ symbol }) => symbol === 'ETH-USD')).kind, UpdateKind.SNAPSHOT);
    const state = await states.next();
    assert.deepEqual([state.phase, state.lastPrice], [Phase.CONTINUOUS, '3000.00']);
    await client.call(trading.placeOrder, { ...ORDER, account: 3, symbol: 'ETH-USD', price: '3000', orderQty: '1', side: Side.SELL });
    const change = await books.next(({ kind }) => kind === UpdateKind.DELTA);
    assert.deepEqual([change.symbol, change.firstNo, Number(change.bids[0].quantity)], ['ETH-USD', snapshot.firstNo + 1n, 0]);
    const trade = await trades.next(({ kind }) => kind === UpdateKind.DELTA);
    assert.deepEqual([trade.trades[0].tradeId, trade.trades[0].aggressor], [2n, Side.SELL]);
    for (const stream of [books, trades, states]) {
      stream.cancel();
      assert.equal((await stream.end()).code, 'CANCELLED');
    }
    assert.equal((await client.stream(market.subscribeBook, { symbols: [] }).end()).reason, 'BAD_SUBSCRIPTION');
    assert.equal((await client.stream(market.subscribeBook, { symbols: ['NONE'] }).end()).reason, 'UNKNOWN_SYMBOL');
  });

  it('fills, ledger, tickers, candles and the time are those of HTTP', async () => {
    const sold = { ...ORDER, symbol: 'SOL-USD', price: '150', orderQty: '2' };
    await client.call(admin.deposit, { account: 7, asset: 'SOL', amount: '5' });
    await client.call(trading.placeOrder, { ...sold, account: 8, side: Side.BUY });
    await client.call(trading.placeOrder, { ...sold, account: 7, side: Side.SELL, orderQty: '1.5' });
    const { json } = await demo.ask('/v1/fills?account=7');
    const { fills, next } = await client.call(trading.listFills, { account: 7, limit: 10 });
    assert.deepEqual(
      fills.map(({ execId, lastPx, lastQty, feeCurrency, side, liquidity }: Fill) => [
        String(execId),
        lastPx,
        lastQty,
        feeCurrency,
        side,
        liquidity,
      ]),
      json.fills.map(({ execId, lastPx, lastQty, feeCurrency }: Record<string, string>) => [
        execId,
        lastPx,
        lastQty,
        feeCurrency,
        Side.SELL,
        Liquidity.TAKER,
      ]),
    );
    assert.deepEqual([fills.length, fills[0].lastPx, next], [1, '150.000', 0n]);
    const ledger = await client.call(trading.listLedger, { account: 7, asset: 'SOL' });
    const [paid, deposit] = ledger.entries;
    assert.deepEqual([paid.kind, Number(paid.amount), paid.cause.execId], [LedgerKind.SETTLEMENT, -1.5, fills[0].execId]);
    assert.deepEqual([deposit.kind, Number(deposit.amount), deposit.cause.execId], [LedgerKind.DEPOSIT, 5, 0n]);
    assert.ok(deposit.cause.seq > 0n && paid.transactTime.seconds >= deposit.transactTime.seconds);
    const oldest = await client.call(trading.listLedger, { account: 7, asset: 'SOL', kind: LedgerKind.DEPOSIT, limit: 1 });
    assert.equal(oldest.entries[0].kind, LedgerKind.DEPOSIT);
    assert.equal((await client.refusal(trading.listLedger, { account: 7, before: 'x' })).reason, 'BAD_PARAMETER');

    // Market data and the history follow the engine.
    const ticker = async () => (await client.call(market.listTickers, { symbol: 'SOL-USD' })).tickers[0];
    await until(async () => Number((await ticker()).bidQuantity) === 0.5 && (await ticker()).trades === 1n, 'the ticker has the trade');
    const { symbol, last, volume } = await ticker();
    assert.deepEqual([symbol, last, Number(volume)], ['SOL-USD', '150.000', 1.5]);
    assert.ok((await client.call(market.listTickers)).tickers.length > 1);
    const days = async () => await client.call(market.listCandles, { symbol: 'SOL-USD', interval: '1d' });
    await until(async () => (await days()).candles.length > 0, 'the candle has the trade');
    const { candles, interval } = await days();
    assert.deepEqual([interval, candles[0].close, Number(candles[0].volume)], ['1d', '150.000', 1.5]);
    assert.equal(candles[0].start.seconds % 86_400n, 0n);
    const empty = await client.call(market.listCandles, { symbol: 'SOL-USD', interval: '1d', empty: true });
    assert.equal(empty.candles[0].start.seconds, candles[0].start.seconds, 'no candle stands before the first trade');
    assert.equal((await client.refusal(market.listCandles, { symbol: 'SOL-USD', interval: '7m' })).reason, 'BAD_PARAMETER');
    const { time } = await client.call(market.getTime);
    assert.ok(time.seconds >= candles[0].start.seconds);
    const first = async () => await client.call(market.listTrades, { symbol: 'SOL-USD', after: 0n });
    await until(async () => (await first()).trades.length > 0, 'the history has the trade');
    const after = await first();
    assert.deepEqual([after.trades[0].tradeId, after.trades[0].price], [1n, '150.000']);
    assert.deepEqual((await client.call(market.listTrades, { symbol: 'SOL-USD', from: { seconds: time.seconds + 3600n } })).trades, []);
  });

  it("a session sets the dead man's switch, quotes, and protects quotes", async () => {
    const session = client.duplex(trading.session, { 'x-openbell-account': '9' });
    session.send({ tag: 1, command: { case: 'cancelAfter', value: { timeoutMs: 60_000 } } });
    const { reports } = await session.next(({ reports }) => reports.length > 0);
    assert.deepEqual([reports[0].execType, reports[0].tag], [ExecType.CANCEL_AFTER_SET, 1]);
    assert.ok(reports[0].switchTime.seconds > reports[0].transactTime.seconds + 55n);
    const quote = { symbol: 'ETH-USD', bidPx: '2000', bidSize: '1', offerPx: '4000', offerSize: '2' };
    session.send({ tag: 2, command: { case: 'quote', value: quote } });
    const quoted = new Map<number, string[]>();
    await session.next(({ reports }) => {
      for (const { side, execType, price, leavesQty, tag } of reports)
        if (execType === ExecType.ACCEPTED) quoted.set(side, [price, leavesQty, tag]);
      return quoted.size === 2;
    });
    assert.deepEqual(quoted.get(Side.BUY), ['2000.00', '1.0000', 2]);
    assert.deepEqual(quoted.get(Side.SELL), ['4000.00', '2.0000', 2]);
    for (const [tag, value, text] of [
      [3, { ...quote, bidSize: '' }, /^bid_px and bid_size: give both/],
      [4, { ...quote, symbol: 'NONE' }, /^there is no symbol NONE/],
      [5, { ...quote, offerPx: '4000.001' }, /4000\.001/],
    ] as const) {
      session.send({ tag, command: { case: 'quote', value } });
      const { refusals } = await session.next(({ refusals }) => refusals.length > 0);
      assert.equal(refusals[0].tag, tag);
      assert.match(refusals[0].text, text);
    }
    for (const [tag, value, answer] of [
      [21, { windowMs: 60_000, fills: 3n }, 'accepted'],
      [22, { windowMs: 60_000 }, 'BAD_RANGE'],
      [23, { reset: true, lots: 3n }, 'BAD_RANGE'],
      [24, { reset: true }, 'accepted'],
      [25, {}, 'accepted'],
    ] as const) {
      session.send({ tag, command: { case: 'quoteProtection', value } });
      const { reports, refusals } = await session.next(({ reports, refusals }) => refusals.length > 0 || reports.length > 0);
      const [report, refusal] = [reports[0], refusals[0]];
      assert.deepEqual([(report ?? refusal).tag, refusal?.name ?? 'accepted', refusal?.orderId ?? 0n], [tag, answer, 0n]);
      if (tag === 22) assert.match(refusal.text, /^the window of a protection is 1 to 86400000 ms .* fills, lots and net_lots/);
      if (report !== undefined) assert.deepEqual([report.execType, report.orderId, report.symbol], [ExecType.ACCEPTED, 0n, '']);
      const { protection } = (await (await fetch(`http://127.0.0.1:${demo.running.ports.http}/v1/accounts/9`)).json()) as {
        protection?: { fills: number };
      };
      assert.equal(protection?.fills, tag === 25 ? undefined : 3);
    }
    session.send({ tag: 6, command: { case: 'cancelAfter', value: { timeoutMs: 10 } } });
    const short = await session.next(({ refusals, reports }) => refusals.length > 0 || reports.length > 0);
    assert.deepEqual([short.refusals[0].name, short.refusals[0].text], ['BAD_RANGE', 'timeout_ms is 1000 to 86400000, or 0']);
    session.send({ tag: 7, command: { case: 'cancelAfter', value: {} } });
    const off = await session.next(({ reports }) => reports.length > 0);
    assert.deepEqual([off.reports[0].execType, off.reports[0].switchTime], [ExecType.CANCEL_AFTER_SET, undefined]);
    session.cancel();
    await session.end();
  });

  it('open sessions are listed, and ended', async () => {
    const session = client.duplex(trading.session, { 'x-openbell-account': '10' });
    await new Promise((resolve) => session.stream.once('metadata', resolve));
    const { sessions } = await client.call(admin.listSessions, { kind: 'orders', account: 10 });
    assert.deepEqual([sessions.length, sessions[0].account, sessions[0].cancelOnDisconnect], [1, 10, undefined]);
    assert.ok(sessions[0].since.seconds > 1_700_000_000n);
    assert.equal((await client.call(admin.endSession, { id: sessions[0].id })).id, sessions[0].id);
    assert.equal((await session.end()).code, 'PERMISSION_DENIED');
    assert.equal((await client.refusal(admin.endSession, { id: sessions[0].id })).code, 'NOT_FOUND');
  });

  it('a malformed deadline, an unknown method and a message that is too large are refused', async () => {
    const session = connect(`http://127.0.0.1:${demo.running.ports.grpc}`);
    const statusOf = (path: string, headers: object, message: Buffer): Promise<string> =>
      new Promise((resolve, reject) => {
        const stream = session.request({
          ':method': 'POST',
          ':path': path,
          'content-type': 'application/grpc',
          te: 'trailers',
          ...headers,
        });
        const take = (found: Record<string, unknown>): void => {
          if (found['grpc-status'] !== undefined) resolve(`${found['grpc-status']} ${decodeURIComponent(String(found['grpc-message']))}`);
        };
        stream.on('response', take);
        stream.on('trailers', take);
        stream.on('error', reject);
        stream.resume();
        stream.end(message);
      });
    const empty = Buffer.alloc(5);
    const path = '/openbell.v1.MarketData/ListAssets';
    for (const timeout of ['5', '-1S', '1s', '123456789S', '', '1 S'])
      assert.match(await statusOf(path, { 'grpc-timeout': timeout }, empty), /^3 BAD_RANGE: grpc-timeout/, timeout);
    assert.match(
      await statusOf('/openbell.v1.Trading/SubscribeReports', { 'grpc-timeout': '50m' }, Buffer.from([0, 0, 0, 0, 2, 8, 7])),
      /^4 /,
    );
    assert.match(await statusOf('/openbell.v1.Trading/Nothing', {}, empty), /^12 there is no method/);
    const large = Buffer.alloc(5 + 70_000);
    large.writeUInt32BE(70_000, 1);
    assert.match(await statusOf(path, {}, large), /^8 FRAME_TOO_LARGE/);
    const wrong = Buffer.from([0, 0, 0, 0, 1, 0xff]);
    assert.match(await statusOf(path, {}, wrong), /^3 MALFORMED_FRAME/);
    session.close();
  });

  it('a stream of market data whose client does not read is gone once it is ended', async (t) => {
    const session = connect(`http://127.0.0.1:${demo.running.ports.grpc}`, { settings: { initialWindowSize: 10 } });
    t.after(() => session.destroy());
    const path = '/openbell.v1.MarketData/SubscribeBook';
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
    stream.on('error', () => undefined);
    // SubscribeBookRequest: symbols, field 1.
    const request = Buffer.concat([Buffer.from([0, 0, 0, 0, 9, 10, 7]), Buffer.from('BTC-USD')]);
    stream.end(request);
    const ask = async (method: string, at: string) => (await fetch(`http://127.0.0.1:${demo.running.ports.http}${at}`, { method })).json();
    const open = async (): Promise<string[]> => {
      const { sessions } = (await ask('GET', '/v1/sessions')) as { sessions: { id: string; protocol: string }[] };
      return sessions.filter(({ protocol }) => protocol.includes('SubscribeBook')).map(({ id }) => id);
    };
    let ids: string[] = [];
    await until(async () => {
      ids = await open();
      return ids.length === 1;
    }, 'the stream to be open');
    await ask('DELETE', `/v1/sessions/${ids[0]}`);
    // Its client has read nothing: the call itself goes on for some seconds.
    assert.deepEqual(await open(), []);
  });

  it('one account cannot hold more sessions than it may', async () => {
    const streams = Array.from({ length: 64 }, () => client.stream(trading.subscribeReports, { account: 6 }));
    await Promise.all(streams.map((stream) => new Promise((resolve) => stream.stream.once('metadata', resolve))));
    const refused = await client.stream(trading.subscribeReports, { account: 6 }).end();
    assert.deepEqual([refused.code, refused.reason, refused.retries], ['RESOURCE_EXHAUSTED', 'BUSY', true]);
    for (const stream of streams) stream.cancel();
  });
});

describe('openbell.v1 with authentication', () => {
  const issuer = new Issuer();
  let guarded: GuardedExchange;
  const clients: DescribedClient[] = [];
  const as = async (roles?: string, accounts = ''): Promise<DescribedClient> => {
    const claims = { sub: roles, openbell_roles: roles, openbell_accounts: accounts };
    const client = new DescribedClient(guarded.ports.grpc, roles === undefined ? {} : bearer(await issuer.token(claims)));
    clients.push(client);
    return client;
  };

  before(async () => {
    await issuer.addKey('ES256');
    guarded = await GuardedExchange.start(issuer);
  });
  after(async () => {
    for (const client of clients) client.close();
    await guarded.stop();
  });

  it('every method asks for credentials, reflection too', async () => {
    const stranger = await as();
    for (const [method, request] of [
      [Trading.method.placeOrder, ORDER],
      [MarketData.method.listAssets, {}],
      [Admin.method.takeSnapshot, {}],
    ] as const) {
      const refused = await stranger.refusal(method, request);
      assert.deepEqual([refused.code, refused.reason], ['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    }
    for (const method of [Trading.method.session, ServerReflection.method.serverReflectionInfo])
      assert.equal((await stranger.duplex(method).end()).code, 'UNAUTHENTICATED');
    assert.equal((await stranger.stream(MarketData.method.subscribeBook, { symbols: ['BTC-USD'] }).end()).code, 'UNAUTHENTICATED');
  });

  it('each may do what its role may, and the account of the caller is the default', async () => {
    const trader = await as('trader', '1');
    const { account: _account, ...order } = ORDER;
    assert.equal((await trader.call(Trading.method.placeOrder, order)).order.account, 1);
    for (const [method, request] of [
      [Trading.method.placeOrder, { ...ORDER, account: 2 }],
      [Trading.method.getAccount, { account: 2 }],
      [Admin.method.setPhase, { symbol: 'BTC-USD', phase: Phase.HALTED }],
      [Admin.method.deposit, { account: 1, asset: 'USD', amount: '1' }],
    ] as const)
      assert.equal((await trader.refusal(method, request)).code, 'PERMISSION_DENIED', method.name);
    const own = trader.stream(Trading.method.subscribeReports, { fromReportNo: 1n });
    assert.equal((await own.next()).reports[0].account, 1);
    own.cancel();
    const session = trader.duplex(Trading.method.session);
    session.send({ tag: 1, command: { case: 'placeOrder', value: { ...order, clOrdId: BigInt(Date.now()) * 1000n + 1_000_000_000n } } });
    assert.equal((await session.next(({ reports }) => reports.length > 0)).reports[0].account, 1);
    session.cancel();
    assert.equal((await trader.stream(Trading.method.subscribeReports, { account: 2 }).end()).code, 'PERMISSION_DENIED');
    const reader = await as('read-only', '1');
    assert.equal((await reader.refusal(Trading.method.placeOrder, order)).code, 'PERMISSION_DENIED');
    const custodian = await as('custodian', '1');
    assert.equal((await custodian.call(Admin.method.deposit, { account: 1, asset: 'USD', amount: '1' })).amount.replace(/\.?0+$/, ''), '1');
    const nobody = await as('drop-copy', '1');
    assert.equal((await nobody.refusal(Admin.method.setPhase, { symbol: 'BTC-USD', phase: Phase.HALTED })).code, 'PERMISSION_DENIED');
  });

  it('actions are in the audit trail, with the call', async () => {
    const operator = await as('operator');
    await operator.call(Admin.method.setPhase, { symbol: 'ETH-USD', phase: Phase.HALTED });
    assert.equal((await operator.refusal(Admin.method.setPhase, { symbol: 'NONE', phase: Phase.HALTED })).reason, 'UNKNOWN_SYMBOL');
    const folder = join(guarded.dir, 'data', 'audit');
    const records = (): { action: string; outcome: string }[] =>
      readdirSync(folder)
        .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
        .filter((line) => line.includes('openbell.v1.Admin/SetPhase'))
        .map((line) => JSON.parse(line));
    await until(() => records().some(({ outcome }) => outcome === 'UNKNOWN_SYMBOL'), 'the refused action is in the trail');
    assert.deepEqual([...new Set(records().map(({ outcome }) => outcome))].sort(), ['PERMISSION_DENIED', 'UNKNOWN_SYMBOL', 'ok']);
    assert.ok(records().every(({ action }) => action === 'gRPC openbell.v1.Admin/SetPhase'));
  });
});
