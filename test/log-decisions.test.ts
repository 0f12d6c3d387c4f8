import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Code } from '../engine/codes.ts';
import { readLog } from '../engine/journal/log-reader.ts';
import { RULES, resolveLimits } from '../engine/limits.ts';
import { type CommandFields, encodeCommand } from '../engine/machine/command.ts';
import { configureCommand } from '../engine/machine/configuration.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { ReportFlag } from '../engine/machine/report-writer.ts';
import { CHECKPOINT_COMMANDS, DivergedError, digestCommand } from '../engine/machine/state-digest.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { allocateRing, RingConsumer, RingProducer } from '../engine/rings/ring.ts';
import type { Topology } from '../engine/threads/engine-options.ts';
import { lastConfiguration } from '../engine/threads/logged-configurations.ts';
import { replayLog } from '../engine/threads/replay-log.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { Command, CommandKind, ReportKind, Side } from '../engine/wire/layout.ts';
import { connect } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import type { CommandRing } from './support/command-ring.ts';
import { ENGINE_LIMITS, RunningEngine, temporaryDirectory, venue } from './support/engine-fixture.ts';
import { Harness, SMALL_LIMITS } from './support/exchange-fixture.ts';
import { openLog } from './support/journal-log.ts';
import { unpackOldData } from './support/old-data.ts';
import { until } from './support/until.ts';

const LIMITS = resolveLimits(ENGINE_LIMITS);
const buy = (clientOrderId: number): CommandFields => ({
  kind: CommandKind.New,
  account: 1,
  clientOrderId,
  symbol: 1,
  side: Side.Buy,
  price: 10,
  quantity: 1,
});

async function defined(running: RunningEngine): Promise<void> {
  for (const fields of venue(4)) assert.ok(running.send(fields));
  await running.engine.drain();
  running.engine.sequencer.draining = false;
}

/** Kinds of all commands of a log. */
function kinds(dir: string): number[] {
  const found: number[] = [];
  readLog(dir, 1, (words, firstWord, count) => {
    for (let i = 0; i < count; i++) found.push(words[firstWord + i * 16] & 0xff);
  });
  return found;
}

describe('capacities', () => {
  for (const topology of ['compact', 'pinned'] satisfies Topology[]) {
    it(`a command rejected for lack of capacity stays rejected after a start with more capacity: ${topology}`, async (t) => {
      const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
      const first = await RunningEngine.start({ dir, topology, limits: { ...ENGINE_LIMITS, orders: 2 } });
      await defined(first);
      for (const id of [1, 2, 3]) first.send(buy(id));
      await first.stop(false);
      const codes = first.reports.filter(({ account }) => account === 1).map(({ code }) => code);
      assert.deepEqual(codes, [Code.OK, Code.OK, Code.BOOK_FULL]);

      const second = await RunningEngine.start({ dir, topology, limits: { ...ENGINE_LIMITS, orders: 100 } });
      assert.equal(second.recovery.snapshotSeq, 0);
      second.send(buy(3));
      second.send(buy(4));
      await second.stop();
      const [again, fresh] = second.reports.filter(({ account, seq }) => account === 1 && seq > second.recovery.seq);
      assert.deepEqual([again.kind, again.code, again.flags], [ReportKind.Rejected, Code.BOOK_FULL, ReportFlag.Duplicate]);
      assert.deepEqual([fresh.kind, fresh.orderId], [ReportKind.Accepted, 3], 'order ids go on where they were');
      assert.equal(kinds(dir).filter((kind) => kind === CommandKind.Configure).length, 2, 'logged at the first start and at the change');
    });

    it(`a start with less capacity than logged fails, names both numbers and changes nothing: ${topology}`, async (t) => {
      const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
      const running = await RunningEngine.start({ dir, topology });
      await defined(running);
      await running.stop(false);
      const before = readdirSync(dir).map((name) => readFileSync(join(dir, name)).toString('base64'));
      await assert.rejects(RunningEngine.start({ dir, topology, limits: { ...ENGINE_LIMITS, orders: 3, accounts: 5 } }), {
        code: 'CAPACITY_BELOW_LOG',
        // As the configuration has them: the highest account id.
        message: /orders 16384 \(given: 3\), accounts 63 \(given: 4\)/,
      });
      const after = readdirSync(dir).map((name) => readFileSync(join(dir, name)).toString('base64'));
      assert.deepEqual(after, before);
    });
  }

  it('a share decides as it was logged: it may be raised and lowered, and the log verifies with any', async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const codes: number[] = [];
    for (const [ordersPerAccount, ids] of [
      [2, [1, 2, 3]],
      [100, [3, 4]],
      [1, [5]],
    ] as const) {
      const running = await RunningEngine.start({ dir, limits: { ...ENGINE_LIMITS, ordersPerAccount } });
      if (codes.length === 0) await defined(running);
      for (const id of ids) running.send(buy(id));
      await running.stop(false);
      const fresh = running.reports.filter(({ account, seq }) => account === 1 && seq > running.recovery.seq);
      codes.push(...fresh.map(({ code }) => code));
    }
    const { OK, ORDER_SHARE_FULL } = Code;
    assert.deepEqual(codes, [OK, OK, ORDER_SHARE_FULL, ORDER_SHARE_FULL, OK, ORDER_SHARE_FULL]);
    assert.equal(kinds(dir).filter((kind) => kind === CommandKind.Configure).length, 3);
    const hashes = [1, 50].map((ordersPerAccount) => verifyDataDirectory(dir, { limits: { ...LIMITS, ordersPerAccount } }).stateHash);
    assert.equal(hashes[0], hashes[1]);
  });

  it('the message names the largest capacities of the log, also after the command that fails', async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    for (const orders of [4, 6, 9]) {
      const running = await RunningEngine.start({ dir, limits: { ...ENGINE_LIMITS, orders } });
      await running.stop(orders === 6);
    }
    for (const orders of [2, 5, 7])
      await assert.rejects(RunningEngine.start({ dir, limits: { ...ENGINE_LIMITS, orders } }), {
        code: 'CAPACITY_BELOW_LOG',
        message: new RegExp(`orders 9 \\(given: ${orders}\\)`),
      });
  });

  it('a directory verifies to the same state with any capacities', async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const running = await RunningEngine.start({ dir, limits: { ...ENGINE_LIMITS, orders: 2 } });
    await defined(running);
    for (const id of [1, 2, 3]) running.send(buy(id));
    await running.stop();
    const hashes = [resolveLimits(), resolveLimits({ orders: 2, accounts: 2, symbols: 2, assets: 2, rememberedOrders: 2 }), LIMITS].flatMap(
      (limits) => [false, true].map((fromSnapshot) => verifyDataDirectory(dir, { limits, fromSnapshot }).stateHash),
    );
    assert.equal(new Set(hashes).size, 1, hashes.join(' '));
  });

  it('a directory whose log ends before its snapshot does not verify', async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const running = await RunningEngine.start({ dir });
    await defined(running);
    await running.stop();
    for (const name of readdirSync(dir)) if (name.startsWith('log-')) rmSync(join(dir, name));
    assert.throws(() => verifyDataDirectory(dir, { limits: LIMITS }), { code: 'LOG_INCOMPLETE', message: /a snapshot holds those up to/ });
  });

  it('the rules of a later release are rejected by name', () => {
    const { exchange } = new Harness();
    const bytes = new Uint8Array(64);
    const fields = { ...configureCommand(SMALL_LIMITS), parameter: RULES + 1, seq: 1 };
    encodeCommand(bytes, new Int32Array(bytes.buffer), 0, fields);
    assert.throws(() => exchange.apply(bytes, new Int32Array(bytes.buffer), 0), {
      code: 'RULES_NEWER',
      message: /written by a newer openbell/,
    });
  });

  it('also where its capacities would not fit: by a start, by verify, and before anything is replayed', (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const handle = allocateRing({ slotBytes: Command.bytes, capacity: 16, consumers: 1 });
    const producer = new RingProducer(handle);
    const fields = { ...configureCommand(resolveLimits()), parameter: RULES + 1, orderId: 2 ** 40, account: 2 ** 30, seq: 1 };
    encodeCommand(producer.slots.u8, producer.slots.i32, producer.tryClaim(), fields);
    producer.publish();
    const { writer } = openLog(dir, { consumer: new RingConsumer(handle) } as CommandRing);
    writer.poll();
    assert.throws(() => lastConfiguration(dir), { code: 'RULES_NEWER' });
    assert.throws(() => verifyDataDirectory(dir, { limits: resolveLimits() }), { code: 'RULES_NEWER' });
  });
});

describe('the state digest', () => {
  /** An exchange after its first checkpoint, and its digest there. `change` alters the exchange before. */
  function afterCheckpoint(change: (exchange: Exchange) => void = () => undefined): { exchange: Exchange; statement: CommandFields } {
    const harness = new Harness().setUp();
    const { exchange } = harness;
    while (exchange.seq < CHECKPOINT_COMMANDS - 1) {
      if (exchange.seq === 1000) change(exchange);
      harness.do({ ...buy((exchange.seq >> 1) + 1), ...(exchange.seq % 2 === 0 && { kind: CommandKind.Cancel }) });
    }
    harness.do(buy(CHECKPOINT_COMMANDS));
    const { checkpointSeq, checkpointHigh, checkpointLow } = exchange.digest;
    assert.equal(checkpointSeq, CHECKPOINT_COMMANDS);
    return { exchange, statement: digestCommand(checkpointSeq, checkpointHigh, checkpointLow) };
  }

  function apply(exchange: Exchange, fields: CommandFields): void {
    const bytes = new Uint8Array(64);
    encodeCommand(bytes, new Int32Array(bytes.buffer), 0, { ...fields, seq: exchange.seq + 1 });
    exchange.apply(bytes, new Int32Array(bytes.buffer), 0);
  }

  const { statement } = afterCheckpoint();
  it('is the same for the same commands', () => apply(afterCheckpoint().exchange, statement));

  const changes: [name: string, change: (exchange: Exchange) => void][] = [
    ['an order id', (exchange) => exchange.lastOrderId++],
    ['a balance', (exchange) => exchange.accounts.balances[exchange.accounts.balanceAt(1, 1)]++],
    ['a fee', (exchange) => exchange.accounts.fees[1]++],
    ['a last price', (exchange) => exchange.symbols.lastPrice[1]++],
    ['a rule', (exchange) => exchange.accounts.maxOpenOrders.fill(0)],
  ];
  for (const [name, change] of changes) {
    it(`differs with ${name}, and stops the replay with both digests`, () => {
      const { exchange } = afterCheckpoint(change);
      assert.throws(
        () => apply(exchange, statement),
        (error: Error) => {
          assert.ok(error instanceof DivergedError);
          assert.match(error.message, /at command 65536 the state digest is ([0-9a-f]{16}), but the log has (?!\1)[0-9a-f]{16}/);
          return true;
        },
      );
    });
  }

  for (const topology of ['compact', 'pinned'] satisfies Topology[]) {
    it(`is logged by a running engine, and a replay compares it: ${topology}`, { timeout: 300_000 }, async (t) => {
      const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
      const running = await RunningEngine.start({ dir, topology, durability: 'fast' });
      await defined(running);
      for (let id = 1; id <= CHECKPOINT_COMMANDS + 100; id++) {
        while (!running.send({ kind: CommandKind.Cancel, account: 1, clientOrderId: id, symbol: 1 })) await new Promise(setImmediate);
      }
      while (running.engine.status().appliedSeq < running.engine.sequencer.seq) await new Promise(setImmediate);
      // The digest is logged in the next turn of the loop.
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 2));
      await running.stop(false);
      assert.equal(kinds(dir).filter((kind) => kind === CommandKind.StateDigest).length, 1);
      verifyDataDirectory(dir, { limits: LIMITS });
      const altered = new Exchange(LIMITS);
      assert.throws(
        () => replayLog(altered, dir, 1, undefined, (seq) => seq > 2000 && altered.accounts.fees[1] === 0 && altered.accounts.fees.fill(1)),
        { code: 'STATE_DIVERGED' },
      );
      const again = await RunningEngine.start({ dir, topology });
      await again.stop();
      assert.equal(kinds(dir).filter((kind) => kind === CommandKind.StateDigest).length, 1, 'what is stated is not stated again');
    });
  }
});

describe('a data directory that commit 537747a wrote', () => {
  const config = (data: string) =>
    loadConfig({
      flags: {
        data,
        config: new URL('./fixtures/data-1.yaml', import.meta.url).pathname,
        'grpc-port': '0',
        'ws-port': '0',
        'http-port': '0',
      },
      env: {},
    });
  const OLD_HASH = 'ca067d57e22b4a27bd2df0a143e84e131285a4f2e34d1d7daff1d1162ecdc1da';

  it('verifies to the hash of that commit', (t) => {
    const base = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const dir = unpackOldData(base);
    const { capacities } = config(dir);
    const limits = resolveLimits({ orders: capacities.orders, accounts: capacities.accounts + 1 });
    for (const fromSnapshot of [false, true]) {
      const { stateHash: hash, messages } = verifyDataDirectory(dir, { limits, fromSnapshot });
      assert.equal(hash, OLD_HASH);
      assert.match(messages.join(), /The log names no capacities.*commands were replayed with orders 8, .*accounts 15, /);
    }
  });

  it('opens, trades, and keeps its decisions when capacities grow later', async (t) => {
    const base = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const dir = unpackOldData(base);
    const log = createLogger('silent');
    const first = await startExchange(config(dir), { log });
    assert.match(first.recovery.messages.join(), /The log names no capacities.*: 5 commands were replayed with orders 8, /);
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = first.ports;
    const client = await connect({ grpcPort, httpPort, wsPort, account: 1, reconnect: false });
    // Order 19 of account 1 was rejected with BOOK_FULL by the old release.
    const again = await client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.01', price: '50.00', clientOrderId: 19 });
    assert.deepEqual([again.kind, again.code], ['rejected', 'BOOK_FULL']);
    const sold = await client.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.05', price: '94.00', timeInForce: 'ioc' });
    assert.equal(sold.kind, 'accepted');
    await client.close();
    // For the directory this is a kill: there is no final snapshot.
    await first.engine.stop({ snapshot: false });
    await first.stop().catch(() => undefined);
    rmSync(join(dir, 'lock'), { force: true });
    const before = verifyDataDirectory(dir, { limits: resolveLimits() });
    assert.deepEqual([before.imbalances, before.messages], [[], []], 'now the log names them');
    const raised = join(base, 'raised.yaml');
    const text = readFileSync(new URL('./fixtures/data-1.yaml', import.meta.url), 'utf8').replace('orders: 8', 'orders: 100');
    writeFileSync(raised, text);
    const flags = { data: dir, config: raised, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
    const second = await startExchange(loadConfig({ flags, env: {} }), { log });
    assert.ok(second.engine.sequencer.seq >= before.seq);
    await second.stop();
    const after = verifyDataDirectory(dir, { limits: resolveLimits() });
    assert.equal(after.restingOrders, before.restingOrders);
    // The later start only logged its capacities.
    assert.equal(after.tradingHash, before.tradingHash);
  });
});

/** The rules that each Configure command of a log puts in force. */
function rulesOf(dir: string): number[] {
  const found: number[] = [];
  readLog(dir, 1, (words, firstWord, count) => {
    for (let i = firstWord; i < firstWord + count * 16; i += 16) {
      if ((words[i] & 0xff) === CommandKind.Configure) found.push(words[i] >>> 24);
    }
  });
  return found;
}

describe('a data directory that commit ddd1efe wrote', () => {
  const fixture = new URL('./fixtures/data-2.yaml', import.meta.url).pathname;
  const OLD_HASH = '957bf3d4ffb7fa6c35f9d69c1a9a888199608e8ae64e49e6950de3589fc33b13';

  it('verifies to the hash of that commit, from the first command and from its snapshot', (t) => {
    const dir = unpackOldData(
      temporaryDirectory((cleanUp) => t.after(cleanUp)),
      'data-2',
    );
    for (const fromSnapshot of [false, true]) {
      const { seq, stateHash, imbalances } = verifyDataDirectory(dir, { limits: resolveLimits(), fromSnapshot });
      assert.deepEqual([seq, stateHash, imbalances], [93, OLD_HASH, []]);
    }
    assert.deepEqual(rulesOf(dir), [2]);
  });

  it('opens, goes to the rules of this build, trades, and verifies again', async (t) => {
    const dir = unpackOldData(
      temporaryDirectory((cleanUp) => t.after(cleanUp)),
      'data-2',
    );
    const flags = { data: dir, config: fixture, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
    const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
    const client = await connect({ grpcPort, httpPort, wsPort, account: 1, reconnect: false });
    const sold = await client.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.01', price: '89.00', timeInForce: 'ioc' });
    assert.deepEqual([sold.kind, sold.orderId], ['accepted', 30]);
    // Order 8, client order 13, rests since rules 2: the new rules apply to it, except that its terms were not kept.
    const target = { symbol: 'BTC-USD', clientOrderId: 13 };
    const elsewhere = await client.orders.cancel({ ...target, symbol: 'ETH-USD' });
    assert.deepEqual([elsewhere.kind, elsewhere.code], ['cancel-rejected', 'UNKNOWN_ORDER']);
    const unchanged = await client.orders.amend({ ...target, quantity: '0.2', price: '89.50' });
    assert.deepEqual([unchanged.kind, unchanged.code, unchanged.keptPriority], ['amended', 'OK', true]);
    const again = await client.orders.place({ ...target, side: 'buy', quantity: '0.3', price: '89.50' });
    assert.deepEqual([again.kind, again.duplicate, again.orderId, again.leaves], ['accepted', true, 8, '0.2000']);
    const fresh = { symbol: 'BTC-USD', side: 'buy', quantity: '0.01', price: '90.90', clientOrderId: 41 } as const;
    assert.equal((await client.orders.place(fresh)).kind, 'accepted');
    assert.equal((await client.orders.place({ ...fresh, price: '90.91' })).code, 'CLIENT_ORDER_ID_REUSED');
    const twice = await fetch(`http://127.0.0.1:${httpPort}/v1/assets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: 6, name: 'USD', decimals: 2 }),
    });
    assert.equal(twice.status, 409);
    assert.equal((await client.admin.cancelOrders({ account: 1, symbol: 'BTC-USD' })).cancelled, 3);
    await client.close();
    await exchange.stop();
    assert.deepEqual(rulesOf(dir), [2, RULES]);
    const hashes = [false, true].map((fromSnapshot) => {
      const verified = verifyDataDirectory(dir, { limits: resolveLimits(), fromSnapshot });
      assert.deepEqual([verified.imbalances, verified.seq > 93], [[], true]);
      return verified.stateHash;
    });
    assert.equal(hashes[0], hashes[1]);
  });
});

describe('a data directory that commit 3cfbc6a wrote', () => {
  const fixture = new URL('./fixtures/data-3.yaml', import.meta.url).pathname;
  const OLD_HASH = 'cfddd694630713a76e4342cdc97db111a5fb363558c922338e11915991eb33bf';
  const unpack = (t: TestContext): string =>
    unpackOldData(
      temporaryDirectory((cleanUp) => t.after(cleanUp)),
      'data-3',
    );

  it('verifies to the hash of that commit, from the first command and from its snapshot', (t) => {
    const dir = unpack(t);
    for (const fromSnapshot of [false, true]) {
      const { seq, stateHash, imbalances } = verifyDataDirectory(dir, { limits: resolveLimits(), fromSnapshot });
      assert.deepEqual([seq, stateHash, imbalances], [48, OLD_HASH, []]);
    }
    assert.deepEqual(rulesOf(dir), [3]);
  });

  it('opens; its orders are rounded by fill until they lose their place, new ones by order', async (t) => {
    const dir = unpack(t);
    const flags = { data: dir, config: fixture, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
    const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
    const client = await connect({ grpcPort, httpPort, wsPort, account: 1, reconnect: false });
    const sell = { symbol: 'BTC-USD', side: 'sell', timeInForce: 'ioc', quantity: '0.02', price: '90.00' } as const;
    // Order 1 of the account buys at 99.99 since rules 3: each of its fills has a rebate of 1.9998 units, rounded towards zero.
    // The taker's fee of 9.999 units is rounded up; after the change it is 11.9988.
    for (let fill = 0; fill < 2; fill++) assert.equal((await client.orders.place(sell)).kind, 'accepted');
    const changed = await fetch(`http://127.0.0.1:${httpPort}/v1/symbols/BTC-USD/parameters`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ fees: { taker: '0.06%' } }),
    });
    assert.equal(changed.status, 200);
    assert.equal((await client.orders.place(sell)).kind, 'accepted');
    let fees: string[] = [];
    await until(async () => {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/v1/accounts/1/trades?limit=6`);
      const { trades } = (await answer.json()) as { trades: { orderId: number; feeUnits: number }[] };
      fees = trades.map(({ orderId, feeUnits }) => `${orderId}: ${feeUnits}`);
      return fees[0].startsWith('24');
    }, 'history has the last trade');
    assert.deepEqual(fees, ['24: 12', '1: -1', '23: 10', '1: -1', '22: 10', '1: -1']);
    await client.close();
    await exchange.stop();
    assert.deepEqual(rulesOf(dir), [3, RULES]);
    const hashes = [false, true].map((fromSnapshot) => {
      const verified = verifyDataDirectory(dir, { limits: resolveLimits(), fromSnapshot });
      assert.deepEqual(verified.imbalances, []);
      return verified.stateHash;
    });
    assert.equal(hashes[0], hashes[1]);
  });
});

describe('a data directory that commit f028450 wrote', () => {
  const fixture = new URL('./fixtures/data-4.yaml', import.meta.url).pathname;
  const OLD_HASH = '0e17e8cf4e872a88937e15809c19f7a0c0e830f37082c3b70515f1cec292738b';
  const unpack = (t: TestContext): string =>
    unpackOldData(
      temporaryDirectory((cleanUp) => t.after(cleanUp)),
      'data-4',
    );

  it('verifies to the hash of that commit, from the first command and from its snapshot', (t) => {
    const dir = unpack(t);
    for (const fromSnapshot of [false, true]) {
      const { seq, stateHash, imbalances } = verifyDataDirectory(dir, { limits: resolveLimits(), fromSnapshot });
      assert.deepEqual([seq, stateHash, imbalances], [97, OLD_HASH, []]);
    }
    assert.deepEqual(rulesOf(dir), [4]);
  });

  it('opens; the order that ended meanwhile expires, and a stop can wait beside the others', async (t) => {
    const dir = unpack(t);
    const flags = { data: dir, config: fixture, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
    const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
    const client = await connect({ grpcPort, httpPort, wsPort, account: 1, reconnect: false });
    const openOrders = async (account: number): Promise<number[]> => {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/v1/accounts/${account}/open-orders`);
      return ((await answer.json()) as { orders: { orderId: number }[] }).orders.map(({ orderId }) => orderId);
    };
    const stop = { symbol: 'BTC-USD', side: 'sell', type: 'stop', quantity: '0.10', stopPrice: '90.00' } as const;
    assert.equal((await client.orders.place(stop)).kind, 'accepted');
    await until(async () => (await openOrders(2)).length === 0, 'order 39 expires');
    assert.deepEqual(await openOrders(1), [1, 2, 10, 36, 40, 41]);
    await client.close();
    await exchange.stop();
    assert.deepEqual(rulesOf(dir), [4, RULES]);
    const hashes = [false, true].map((fromSnapshot) => verifyDataDirectory(dir, { limits: resolveLimits(), fromSnapshot }).stateHash);
    assert.equal(hashes[0], hashes[1]);
  });
});

describe('a data directory that commit 7ab5b44 wrote', () => {
  const fixture = new URL('./fixtures/data-5.yaml', import.meta.url).pathname;
  const OLD_HASH = '1b9d5b5ad7c64ea79f29f739d4300619a960d80adcfcfb56f12ca5f5fba7822a';
  const unpack = (t: TestContext): string =>
    unpackOldData(
      temporaryDirectory((cleanUp) => t.after(cleanUp)),
      'data-5',
    );

  it('verifies to the hash of that commit, from the first command and from its snapshot', (t) => {
    const dir = unpack(t);
    for (const fromSnapshot of [false, true]) {
      const { seq, stateHash, imbalances } = verifyDataDirectory(dir, { limits: resolveLimits(), fromSnapshot });
      assert.deepEqual([seq, stateHash, imbalances], [175, OLD_HASH, []]);
    }
    assert.deepEqual(rulesOf(dir), [5]);
  });

  it('opens; the order that ended meanwhile expires, and the stops that wait trigger', async (t) => {
    const dir = unpack(t);
    const flags = { data: dir, config: fixture, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
    const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
    const client = await connect({ grpcPort, httpPort, wsPort, account: 2, reconnect: false });
    const openOrders = async (account: number): Promise<number[]> => {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/v1/accounts/${account}/open-orders`);
      return ((await answer.json()) as { orders: { orderId: number }[] }).orders.map(({ orderId }) => orderId);
    };
    await until(async () => !(await openOrders(2)).includes(69), 'order 69 expires');
    const waiting = await openOrders(1);
    for (const stop of [61, 65]) assert.ok(waiting.includes(stop), `stop ${stop} waits`);
    const triggers = { symbol: 'BTC-USD', side: 'sell', price: '88.00', quantity: '20' } as const;
    assert.equal((await client.orders.place(triggers)).kind, 'accepted');
    assert.equal((await client.orders.place({ ...triggers, side: 'buy', quantity: '1' })).kind, 'accepted');
    // The stop traded; the stop-limit of the list rests, and cancelled the order that it was linked with.
    assert.deepEqual(await openOrders(1), [23, 62, 63, 65, 68]);
    await client.close();
    await exchange.stop();
    assert.deepEqual(rulesOf(dir), [5, RULES]);
    const hashes = [false, true].map((fromSnapshot) => {
      const verified = verifyDataDirectory(dir, { limits: resolveLimits(), fromSnapshot });
      assert.deepEqual(verified.imbalances, []);
      return verified.stateHash;
    });
    assert.equal(hashes[0], hashes[1]);
  });
});

describe('a data directory that commit b5bda73 wrote', () => {
  const fixture = new URL('./fixtures/data-6.yaml', import.meta.url).pathname;
  const OLD_HASH = '9ca33f14e49047b9932d8d1cad674f4ec3676b130928467f2260234b15b11913';
  const unpack = (t: TestContext): string =>
    unpackOldData(
      temporaryDirectory((cleanUp) => t.after(cleanUp)),
      'data-6',
    );

  it('verifies to the hash of that commit, from the first command and from its snapshot', (t) => {
    const dir = unpack(t);
    for (const fromSnapshot of [false, true]) {
      const { seq, stateHash, imbalances } = verifyDataDirectory(dir, { limits: resolveLimits(), fromSnapshot });
      assert.deepEqual([seq, stateHash, imbalances], [1683, OLD_HASH, []]);
    }
    assert.deepEqual(rulesOf(dir), [6]);
  });

  it('opens; a pegged order expires, another returns, and children grow with their parent, and trade', async (t) => {
    const dir = unpack(t);
    const flags = { data: dir, config: fixture, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' };
    const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
    const client = await connect({ grpcPort, httpPort, wsPort, account: 3, reconnect: false });
    type Open = { orderId: number; leaves: string; toCome?: string; parked?: boolean; price: string };
    const openOrders = async (account: number): Promise<Map<number, Open>> => {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/v1/accounts/${account}/open-orders?limit=1000`);
      return new Map(((await answer.json()) as { orders: Open[] }).orders.map((order) => [order.orderId, order]));
    };
    await until(async () => !(await openOrders(2)).has(919), 'order 919 expires');
    const child = async () => (await openOrders(2)).get(916);
    assert.deepEqual([(await child())?.leaves, (await child())?.toCome], ['1.00', '0.90']);
    assert.equal((await openOrders(1)).get(11)?.parked, true);
    // Parent 915 buys at 95.04, and a further bid brings back what the parked order follows.
    const sell = { symbol: 'BTC-USD', side: 'sell', price: '95.04', quantity: '0.4' } as const;
    assert.equal((await client.orders.place(sell)).kind, 'accepted');
    assert.deepEqual([(await child())?.leaves, (await child())?.toCome], ['1.00', '0.50']);
    assert.equal((await client.orders.place({ symbol: 'BTC-ALT', side: 'buy', price: '70.00', quantity: '1' })).kind, 'accepted');
    const peg = (await openOrders(1)).get(11);
    assert.deepEqual([peg?.parked, peg?.price], [undefined, '70.00']);
    // The take-profit trades what is live of it: it waits again, and its sibling with it.
    assert.equal((await client.orders.cancelAll({ symbol: 'BTC-USD' })).kind, 'mass-cancelled');
    assert.equal((await client.orders.place({ ...sell, side: 'buy', price: '104.00', quantity: '20' })).kind, 'accepted');
    assert.deepEqual([(await child())?.leaves, (await child())?.toCome], ['0.50', '0.50']);
    await client.close();
    await exchange.stop();
    assert.deepEqual(rulesOf(dir), [6, RULES]);
    const hashes = [false, true].map((fromSnapshot) => {
      const verified = verifyDataDirectory(dir, { limits: resolveLimits(), fromSnapshot });
      assert.deepEqual(verified.imbalances, []);
      return verified.stateHash;
    });
    assert.equal(hashes[0], hashes[1]);
  });
});

describe('a data directory that commit f5c964b2 wrote', () => {
  const OLD_HASH = 'cc2cecaf1cc5b1a0d42fccad7bd819e059620b6372f77412126f396f8db164d8';

  // That it opens is in alerts-old-store.test.ts.
  it('verifies to the hash of that commit, from the first command and from its snapshot', (t) => {
    const dir = unpackOldData(
      temporaryDirectory((cleanUp) => t.after(cleanUp)),
      'data-7',
    );
    for (const fromSnapshot of [false, true]) {
      const { seq, stateHash, imbalances } = verifyDataDirectory(dir, { limits: resolveLimits(), fromSnapshot });
      assert.deepEqual([seq, stateHash, imbalances], [76, OLD_HASH, []]);
    }
    assert.deepEqual(rulesOf(dir), [7]);
  });
});

it('state hashes of embedded exchanges do not depend on their capacities', () => {
  assert.equal(stateHash(new Exchange(SMALL_LIMITS)), stateHash(new Exchange(resolveLimits())));
});
