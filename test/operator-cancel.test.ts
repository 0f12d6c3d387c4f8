/** The operator's cancel: one order, an account's, a symbol's, in every phase; over HTTP, the typed client and the command line. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { CANCELS_PER_COMMAND as MASS_CANCELS_PER_COMMAND } from '../engine/machine/mass-cancels.ts';
import { CANCELS_PER_COMMAND } from '../engine/machine/operator-cancel.ts';
import { StateLoader, saveState, stateHash } from '../engine/machine/state-rows.ts';
import { SymbolParam } from '../engine/params.ts';
import { CommandKind, Phase, ReportKind } from '../engine/wire/layout.ts';
import { MarketEventKind } from '../engine/wire/market-event.ts';
import type { OrdersToCancel, ReportView } from '../gateway/client/index.ts';
import {
  BTC,
  Harness,
  type LongCommandFields,
  parseCommand,
  runLedger,
  SMALL_LIMITS,
  SYMBOL,
  USD,
  describe as words,
} from './support/exchange-fixture.ts';

const OTHER = 2;

/**
 * Symbols 1 and 2. Orders 1 to 5: account 1 buy 5 @ 100, account 2 buy 5 @ 101, account 1 sell 5 @ 110, account 1 buy 5 @ 99,
 * and account 1 buy 5 @ 90 in symbol 2, as client orders 1, 1, 2, 3, 4.
 */
function venue(rules?: number): Harness {
  const harness = new Harness(SMALL_LIMITS, rules).setUp(2);
  harness.must({
    kind: CommandKind.DefineSymbol,
    symbol: OTHER,
    account: BTC,
    tag: USD,
    side: 2,
    timeInForce: 3,
    clientOrderId: 1,
    orderId: 1,
    name: 'OTHER',
  });
  harness.must({ kind: CommandKind.SetPhase, symbol: OTHER, parameter: Phase.Continuous });
  runLedger(harness, '1 new 1 buy 5 @ 100\n2 new 1 buy 5 @ 101\n1 new 2 sell 5 @ 110\n1 new 3 buy 5 @ 99');
  harness.do({ ...parseCommand('1 new 4 buy 5 @ 90'), symbol: OTHER, tag: 77 });
  return harness;
}

const cancel = (fields: Partial<LongCommandFields>): LongCommandFields => ({ kind: CommandKind.CancelOrders, ...fields });

import { demoExchange } from './support/demo-exchange.ts';

describe('the command', () => {
  const rows: [name: string, fields: Partial<LongCommandFields>, cancelled: number[]][] = [
    ['an order', { orderId: 3 }, [3]],
    ['an order, with its account and symbol', { orderId: 5, account: 1, symbol: OTHER }, [5]],
    ['an order by client order id', { account: 1, clientOrderId: 3 }, [4]],
    ['an order by client order id, with its symbol', { account: 1, clientOrderId: 4, symbol: OTHER }, [5]],
    ['an account: by order id', { account: 1 }, [1, 3, 4, 5]],
    ['a symbol: in the order of the book, buys first', { symbol: SYMBOL }, [2, 1, 4, 3]],
    ['an account in a symbol', { account: 1, symbol: SYMBOL }, [1, 3, 4]],
    ['an account without orders in the symbol', { account: 2, symbol: OTHER }, []],
  ];
  for (const [name, fields, cancelled] of rows) {
    it(`cancels ${name}, in every phase`, () => {
      for (const phase of Object.values(Phase)) {
        const harness = venue();
        harness.phase(phase);
        const { reports, events } = harness.do(cancel(fields));
        const answer = reports.pop();
        assert.deepEqual([answer?.kind, answer?.account, answer?.quantity, answer?.leaves], [ReportKind.Accepted, 0, cancelled.length, 0]);
        assert.deepEqual(
          reports.map(({ kind, code, orderId, quantity, leaves }) => [kind, code, orderId, quantity, leaves]),
          cancelled.map((orderId) => [ReportKind.Cancelled, Code.CANCELLED_BY_OPERATOR, orderId, 5, 0]),
        );
        const removed = events.filter(({ kind }) => kind === MarketEventKind.Remove).map(({ orderId }) => orderId);
        assert.deepEqual(removed, cancelled);
        assert.equal(harness.exchange.slab.count, 5 - cancelled.length);
        for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
      }
    });
  }

  const rejects: [name: string, fields: Partial<LongCommandFields>, code: string][] = [
    ['nothing named', {}, 'BAD_PARAMETER'],
    ['both ids', { account: 1, orderId: 1, clientOrderId: 1 }, 'BAD_PARAMETER'],
    ['a client order id without an account', { clientOrderId: 1 }, 'BAD_PARAMETER'],
    ['no such account', { account: 9 }, 'UNKNOWN_ACCOUNT'],
    ['no such symbol', { symbol: 7 }, 'UNKNOWN_SYMBOL'],
    ['no such order', { orderId: 99 }, 'UNKNOWN_ORDER'],
    ['an order of another account', { account: 2, orderId: 1 }, 'UNKNOWN_ORDER'],
    ['an order of another symbol', { symbol: OTHER, orderId: 1 }, 'UNKNOWN_ORDER'],
    ['a client order id of another symbol', { account: 1, symbol: OTHER, clientOrderId: 1 }, 'UNKNOWN_ORDER'],
  ];
  for (const [name, fields, code] of rejects) {
    it(`${name}: ${code}`, () => {
      const harness = venue();
      const { reports } = harness.do(cancel(fields));
      assert.deepEqual([reports.length, reports[0].account, codeName(reports[0].code), harness.exchange.slab.count], [1, 0, code, 5]);
    });
  }

  it('an order that has ended is unknown', () => {
    const harness = venue();
    harness.do(cancel({ orderId: 1 }));
    assert.equal(codeName(harness.do(cancel({ orderId: 1 })).reports[0].code), 'UNKNOWN_ORDER');
    assert.equal(codeName(harness.do(cancel({ account: 1, clientOrderId: 1 })).reports[0].code), 'UNKNOWN_ORDER');
  });

  it('the report has the tag of the order, and the funds are available again', () => {
    const harness = venue();
    const [report] = harness.do(cancel({ account: 1, symbol: OTHER, tag: 5 })).reports;
    assert.deepEqual([words(report), report.tag], ['1 Cancelled 4 5@90 leaves 0 CANCELLED_BY_OPERATOR', 77]);
    harness.do(cancel({ account: 1 }));
    assert.deepEqual(harness.balance(1, USD), { available: 1_000_000_000, reserved: 0 });
    assert.deepEqual(harness.balance(1, BTC), { available: 1_000_000, reserved: 0 });
  });

  it('an empty book can get another tick step: BOOK_NOT_EMPTY is cured', () => {
    const harness = venue();
    const step = { kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.TickStep, quantity: 2 };
    assert.equal(harness.do(step).reports[0].code, Code.BOOK_NOT_EMPTY);
    harness.phase(Phase.Closed);
    harness.do(cancel({ symbol: SYMBOL }));
    assert.equal(harness.do(step).reports[0].code, Code.OK);
  });

  it('in an auction, the indicative price follows', () => {
    const harness = venue();
    harness.phase(Phase.Auction);
    harness.do(parseCommand('2 new 5 sell 5 @ 98'));
    const { events } = harness.do(cancel({ orderId: 2 }));
    assert.deepEqual([events.at(-1)?.kind, events.at(-1)?.price], [MarketEventKind.Indicative, 100]);
  });

  it('a suspended account loses its orders, too', () => {
    const harness = venue();
    harness.must({ kind: CommandKind.SetAccount, account: 1, quantity: 1 });
    assert.equal(harness.do(cancel({ account: 1 })).reports.length, 5);
  });

  it('rules 2 have no such command', () => {
    const harness = venue(2);
    const { reports } = harness.do(cancel({ account: 1 }));
    assert.deepEqual([reports.length, codeName(reports[0].code), harness.exchange.slab.count], [1, 'UNKNOWN_KIND', 5]);
  });

  for (const by of ['account', 'symbol'] as const) {
    it(`by ${by}: one command cancels ${CANCELS_PER_COMMAND} orders at most, and says whether more are left`, () => {
      const orders = CANCELS_PER_COMMAND + 10;
      const harness = new Harness({ ...SMALL_LIMITS, orders: 8192, rememberedOrders: 8192 }).setUp(1);
      for (let id = 1; id <= orders; id++) harness.do(parseCommand(`1 new ${id} buy 1 @ ${1 + (id % 50)}`));
      const fields = by === 'account' ? { account: 1 } : { symbol: SYMBOL };
      const counts = [1, 2, 3].map(() => {
        const answer = harness.do(cancel(fields)).reports.at(-1);
        return [answer?.quantity, answer?.leaves];
      });
      assert.deepEqual(counts, [
        [CANCELS_PER_COMMAND, 1],
        [10, 0],
        [0, 0],
      ]);
    });
  }

  it('cancels by account in a few scans of the slab, whatever happens between the commands', () => {
    const count = 10 * CANCELS_PER_COMMAND;
    const limits = { ...SMALL_LIMITS, orders: 2 ** 16, rememberedOrders: 2 ** 17, accounts: 4 };
    const harness = new Harness(limits).setUp(2);
    const { slab } = harness.exchange;
    const add = (account: number, id: number) => harness.do(parseCommand(`${account} new ${id} buy 1 @ ${1 + (id % 50)}`));
    for (let id = 1; id <= count; id++) add(1, id);
    let scans = 0;
    const levelOf = slab.level.bind(slab);
    slab.level = (slot) => {
      if (slot === 0) scans++;
      return levelOf(slot);
    };
    let next = count;
    let copied = 0;
    for (let step = 0; ; step++) {
      // A copy from a snapshot has not seen the commands before; each second command continues in it as well.
      const copy = new Exchange(limits);
      const loader = new StateLoader(copy);
      if (step % 2 === 1) saveState(harness.exchange, (rows, rowCount) => loader.load(rows, rowCount));
      const answer = harness.do(cancel({ account: 1, symbol: step === 5 ? SYMBOL : 0 })).reports.at(-1);
      if (step % 2 === 1) {
        const bytes = new Uint8Array(64);
        const { seq, timeUs } = harness.exchange;
        encodeCommand(bytes, new Int32Array(bytes.buffer), 0, { ...cancel({ account: 1, symbol: step === 5 ? SYMBOL : 0 }), seq, timeUs });
        copy.apply(bytes, new Int32Array(bytes.buffer), 0);
        assert.equal(stateHash(copy), stateHash(harness.exchange), `step ${step}`);
        copied++;
      }
      if (answer?.leaves === 0) break;
      // Meanwhile orders of the account come, and others of it go.
      for (let i = 0; i < 20; i++) add(1 + (i % 2), ++next);
      const resting = Array.from({ length: slab.capacity }, (_, slot) => slot).filter(
        (slot) => levelOf(slot) !== -1 && slab.account(slot) === 1,
      );
      for (let i = 0; i < 20; i++)
        harness.do({ kind: CommandKind.Cancel, account: 1, orderId: slab.id[resting[(i * 997) % resting.length]] });
    }
    assert.ok(copied >= 4);
    for (let slot = 0; slot < slab.capacity; slot++)
      assert.ok(levelOf(slot) === -1 || slab.account(slot) === 2, 'none of the account is left');
    // At the beginning, for the other selection and after it, and for what came meanwhile; a few looks at the order in slot 0 itself.
    assert.ok(scans < 9, `${scans} scans`);
  });

  it('gives the same result after a snapshot, although the orders are in other slots', () => {
    const harness = venue();
    runLedger(harness, '1 cancel 1\n2 new 2 buy 1 @ 95\n1 new 5 buy 1 @ 98\n1 new 6 sell 1 @ 120');
    const copy = new Exchange(SMALL_LIMITS);
    const loader = new StateLoader(copy);
    saveState(harness.exchange, (rows, count) => loader.load(rows, count));
    const slots = (exchange: Exchange): number[] => [2, 3, 4, 5, 6, 7, 8].map((id) => exchange.slab.find(id));
    assert.notDeepEqual(slots(copy), slots(harness.exchange));
    harness.do(cancel({ account: 1 }));
    const bytes = new Uint8Array(64);
    const { seq, timeUs } = harness.exchange;
    encodeCommand(bytes, new Int32Array(bytes.buffer), 0, { ...cancel({ account: 1 }), seq, timeUs });
    copy.apply(bytes, new Int32Array(bytes.buffer), 0);
    assert.equal(stateHash(copy), stateHash(harness.exchange));
  });
});

describe('over HTTP, client and command line', { timeout: 300_000 }, () => {
  const venue = demoExchange();
  const reports: ReportView[] = [];

  before(async () => {
    venue.client.orders.on('report', (report) => reports.push(report));
  });

  const place = (symbol: string, price: string): Promise<ReportView> =>
    venue.client.orders.place({ symbol, side: 'buy', quantity: '0.5', price });
  /** The report of the order's end, which may arrive after the answer over HTTP. */
  async function ended(order: ReportView): Promise<string | undefined> {
    const find = () => reports.find(({ kind, orderId }) => kind === 'cancelled' && orderId === order.orderId)?.code;
    while (find() === undefined) await new Promise((resolve) => venue.client.orders.once('report', resolve));
    return find();
  }

  it('HTTP: an account, a symbol, an order by either id', async () => {
    const [a, b, c, d] = [
      await place('BTC-USD', '50000.00'),
      await place('ETH-USD', '2000.00'),
      await place('BTC-USD', '50001.00'),
      await place('BTC-USD', '50002.00'),
    ];
    const one = await venue.ask('/v1/symbols/BTC-USD/cancel-orders', { orderId: a.orderId });
    assert.deepEqual([one.status, one.json], [200, { symbol: 'BTC-USD', orderId: a.orderId, cancelled: 1, seq: one.json.seq }]);
    const two = await venue.ask('/v1/accounts/1/cancel-orders', { 'client-order-id': b.clientOrderId, symbol: 'ETH-USD' });
    assert.deepEqual(
      [two.status, two.json],
      [200, { account: 1, symbol: 'ETH-USD', clientOrderId: b.clientOrderId, cancelled: 1, seq: two.json.seq }],
    );
    assert.equal((await venue.ask('/v1/accounts/1/cancel-orders', { symbol: 'ETH-USD' })).json.cancelled, 0);
    assert.equal((await venue.ask('/v1/symbols/BTC-USD/cancel-orders', {})).json.cancelled, 2);
    for (const order of [a, b, c, d]) assert.equal(await ended(order), 'CANCELLED_BY_OPERATOR');
  });

  it('HTTP, client and command line: the orders of a group, of a side and of a symbol', async () => {
    assert.equal((await venue.ask('/v1/accounts/1/limits', { group: 7 })).status, 200);
    const orders = [await place('BTC-USD', '50000.00'), await place('ETH-USD', '2000.00'), await place('ETH-USD', '2001.00')];
    const { status, json } = await venue.ask('/v1/groups/7/cancel-orders', { side: 'sell' });
    assert.deepEqual([status, json], [200, { group: 7, side: 'sell', cancelled: 0, seq: json.seq }]);
    assert.equal((await venue.ask('/v1/groups/7/cancel-orders', { symbol: 'BTC-USD', side: 'buy' })).json.cancelled, 1);
    assert.equal((await venue.client.admin.cancelOrders({ group: 8 })).cancelled, 0);
    const line = await venue.openbell('cancel-orders', '--group', '7', '--symbol', 'ETH-USD', '--side', 'buy');
    assert.deepEqual([line.code, line.stdout, line.stderr], [0, 'cancelled 2 orders\n', '']);
    assert.equal((await venue.client.admin.cancelOrders({ group: 7 })).cancelled, 0);
    for (const order of orders) assert.equal(await ended(order), 'CANCELLED_BY_OPERATOR');
  });

  it('HTTP: of a group with many orders, the answer has the number that follows; they are cancelled without a further request', async () => {
    assert.equal((await venue.ask('/v1/accounts/1/limits', { group: 7 })).status, 200);
    const orders = await Promise.all(Array.from({ length: 700 }, () => place('ETH-USD', '2000.00')));
    assert.ok(orders.every(({ kind }) => kind === 'accepted'));
    const { json } = await venue.ask('/v1/groups/7/cancel-orders', {});
    assert.deepEqual(json, { group: 7, cancelled: 700, later: 700 - MASS_CANCELS_PER_COMMAND, seq: json.seq });
    for (const order of orders) assert.equal(await ended(order), 'CANCELLED_BY_OPERATOR');
  });

  it('HTTP: the tick step changes after the book was emptied', async () => {
    const order = await place('BTC-USD', '50000.00');
    const step = (size: string) => venue.ask('/v1/symbols/BTC-USD/parameters', { limits: { tickStep: size } });
    const before = await step('0.02');
    assert.deepEqual([before.status, before.json.name], [409, 'BOOK_NOT_EMPTY']);
    assert.match(String(before.json.message), /cancel-orders/);
    await venue.ask('/v1/symbols/BTC-USD/cancel-orders', {});
    assert.equal((await step('0.02')).status, 200);
    assert.equal((await step('0.01')).status, 200);
    assert.equal(await ended(order), 'CANCELLED_BY_OPERATOR');
  });

  const wrong: [path: string, body: object, status: number, name: string][] = [
    ['/v1/accounts/999/cancel-orders', {}, 404, 'UNKNOWN_ACCOUNT'],
    ['/v1/accounts/1/cancel-orders', { symbol: 'XBT-USD' }, 404, 'UNKNOWN_SYMBOL'],
    ['/v1/symbols/XBT-USD/cancel-orders', {}, 404, 'UNKNOWN_SYMBOL'],
    ['/v1/accounts/1/cancel-orders', { orderId: 9999 }, 404, 'UNKNOWN_ORDER'],
    ['/v1/symbols/ETH-USD/cancel-orders', { orderId: 1 }, 404, 'UNKNOWN_ORDER'],
    ['/v1/accounts/1/cancel-orders', { orderId: 0 }, 400, 'BAD_PARAMETER'],
    ['/v1/accounts/1/cancel-orders', { orderId: 1, clientOrderId: 1 }, 400, 'BAD_PARAMETER'],
    ['/v1/symbols/ETH-USD/cancel-orders', { clientOrderId: 1 }, 400, 'BAD_PARAMETER'],
    ['/v1/accounts/1/cancel-orders', { account: 2 }, 400, 'BAD_PARAMETER'],
    ['/v1/groups/0/cancel-orders', {}, 404, 'NOT_FOUND'],
    ['/v1/groups/65536/cancel-orders', {}, 404, 'NOT_FOUND'],
    ['/v1/groups/7/cancel-orders', { symbol: 'XBT-USD' }, 404, 'UNKNOWN_SYMBOL'],
    ['/v1/groups/7/cancel-orders', { side: 'both' }, 400, 'BAD_PARAMETER'],
    ['/v1/groups/7/cancel-orders', { orderId: 1 }, 400, 'BAD_PARAMETER'],
  ];
  for (const [path, body, status, name] of wrong) {
    it(`HTTP: ${path} ${JSON.stringify(body)}: ${status} ${name}`, async () => {
      const answer = await venue.ask(path, body);
      assert.deepEqual([answer.status, answer.json.name], [status, name]);
    });
  }

  it('typed client', async () => {
    const orders = [await place('BTC-USD', '50000.00'), await place('ETH-USD', '2000.00'), await place('ETH-USD', '2001.00')];
    const selections: [OrdersToCancel, number][] = [
      [{ symbol: 'BTC-USD', orderId: orders[0].orderId }, 1],
      [{ account: 1, symbol: 'ETH-USD', clientOrderId: orders[1].clientOrderId }, 1],
      [{ account: 2 }, 0],
      [{ account: 1 }, 1],
      [{ symbol: 'ETH-USD' }, 0],
    ];
    for (const [selection, count] of selections) assert.equal((await venue.client.admin.cancelOrders(selection)).cancelled, count);
    for (const order of orders) assert.equal(await ended(order), 'CANCELLED_BY_OPERATOR');
    await assert.rejects(venue.client.admin.cancelOrders({ account: 1, orderId: 9999 }), { code: 'UNKNOWN_ORDER', number: 401 });
    await assert.rejects(venue.client.admin.cancelOrders({ symbol: 'NO/SUCH' }), { code: 'UNKNOWN_SYMBOL' });
  });

  it('command line', async () => {
    const orders = [await place('BTC-USD', '50000.00'), await place('ETH-USD', '2000.00'), await place('ETH-USD', '2001.00')];
    const run = (...args: string[]) => venue.openbell('cancel-orders', ...args);
    const one = await run('--symbol', 'BTC-USD', '--order', `${orders[0].orderId}`);
    assert.deepEqual([one.code, one.stdout, one.stderr], [0, 'cancelled 1 order\n', '']);
    const json = await run('--account', '1', '--json');
    assert.equal(JSON.parse(json.stdout).cancelled, 2);
    for (const order of orders) assert.equal(await ended(order), 'CANCELLED_BY_OPERATOR');
    const unknown = await run('--account', '1', '--client-order', '5');
    assert.deepEqual([unknown.code, /UNKNOWN_ORDER: no such order rests/.test(unknown.stderr)], [1, true], unknown.stderr);
    for (const args of [
      [],
      ['--order', '1'],
      ['--account', '1', '--side', 'buy'],
      ['--group', '7', '--account', '1'],
      ['--group', '7', '--order', '1'],
      ['--symbol', 'BTC-USD', '--client-order', '1'],
      ['--account', '1', '--order', '1', '--client-order', '1'],
    ])
      assert.equal((await run(...args)).code, 2);
  });

  it('each is in the audit trail, with what it named and the sequence of its command', async () => {
    const { json } = await venue.ask('/v1/accounts/1/cancel-orders', { symbol: 'ETH-USD' });
    await venue.running.stop();
    const dir = join(venue.data, 'audit');
    const lines = readdirSync(dir).flatMap((name) => readFileSync(join(dir, name), 'utf8').trim().split('\n'));
    const record = lines.map((line) => JSON.parse(line)).find(({ detail = '' }) => String(detail).includes(`"seqs":[${json.seq}]`));
    assert.deepEqual([record?.action, record?.outcome, record?.account], ['POST /v1/accounts/:id/cancel-orders', 'ok', 1]);
    assert.match(record.detail, /"symbol":"ETH-USD"/);
  });
});

it('a kill of the venue: orders whose auction is over, by symbol, each in their sequence', () => {
  const harness = new Harness().setUp(2);
  const terms = { account: BTC, tag: USD, side: 2, timeInForce: 3, clientOrderId: 1, orderId: 1, name: 'OTHER' };
  harness.must({ kind: CommandKind.DefineSymbol, symbol: OTHER, ...terms });
  harness.must({ kind: CommandKind.SetPhase, symbol: OTHER, parameter: Phase.Continuous });
  for (const [n, symbol] of [OTHER, SYMBOL, OTHER, SYMBOL, OTHER].entries())
    harness.do({ ...parseCommand(`1 new ${n + 1} buy 1 @ 100 at-close`), symbol });
  harness.exchange.auctionOrders.perCommand = 0;
  for (const symbol of [OTHER, SYMBOL]) harness.do({ kind: CommandKind.SetPhase, symbol, parameter: Phase.Closed });
  assert.equal(harness.exchange.accounts.openOrders[1], 5, 'none has ended yet');
  const { reports } = harness.do(parseCommand('kill venue on'));
  const cancelled = reports.filter(({ code }) => code === Code.CANCELLED_KILL_SWITCH).map(({ clientOrderId }) => clientOrderId);
  assert.deepEqual(cancelled, [2, 4, 1, 3, 5]);
});
