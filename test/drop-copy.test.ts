import * as uWS from 'uWebSockets.js';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { encodeDropCopy } from '../engine/wire/drop-copy-frame.ts';
import { CommandBatch } from '../engine/wire/frames.ts';
import { Side, TimeInForce } from '../engine/wire/layout.ts';
import type { AuditSink } from '../gateway/audit/audit-sink.ts';
import { DropCopy } from '../gateway/client/drop-copy.ts';
import type { OrderSession } from '../gateway/client/order-session.ts';
import { SymbolCatalog } from '../gateway/client/symbols.ts';
import type { ReportView } from '../gateway/client/types.ts';
import { serveDropCopySockets } from '../gateway/endpoints/websocket/drop-copy-sockets.ts';
import { LimitCounters } from '../gateway/limit-counters.ts';
import { type CopyReader, GrpcCopyReader, SocketCopyReader, subscription } from './support/drop-copy-reader.ts';
import { EVERYBODY } from './support/everybody.ts';
import { type ExchangeOptions, RawSession, SYMBOLS, TestExchange, until } from './support/order-entry-fixture.ts';

/** An exchange, and its drop copies over one transport. */
interface Venue {
  readonly exchange: TestExchange;
  reader(query?: string): Promise<CopyReader>;
  stop(options?: { keep?: boolean }): Promise<void>;
}

const overGrpc = async (options: ExchangeOptions): Promise<Venue> => {
  const exchange = await TestExchange.start(options);
  return {
    exchange,
    reader: async (schema) => new GrpcCopyReader(exchange.port, schema === undefined ? {} : { 'x-openbell-schema': schema }),
    stop: (how) => exchange.stop(how),
  };
};

const overWebSocket = async (options: ExchangeOptions): Promise<Venue> => {
  const exchange = await TestExchange.start(options);
  const app = uWS.App();
  serveDropCopySockets(app, exchange.dropCopies, EVERYBODY, new LimitCounters());
  const port = await new Promise<number>((resolve) =>
    app.listen('127.0.0.1', 0, (socket) => resolve(uWS.us_socket_local_port(socket as unknown as uWS.us_socket))),
  );
  return {
    exchange,
    reader: (schema) => SocketCopyReader.open(port, schema === undefined ? '' : `?schema=${schema}`),
    stop: async (how) => {
      await exchange.stop(how);
      app.close();
    },
  };
};

const FAST = { durability: 'fast' } as const;
const from = (first: number, last: number): number[] => Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);

/** Pairs of orders that trade with each other: of account 1 and account 2. */
async function trade(one: OrderSession, two: OrderSession, pairs: number): Promise<void> {
  const answers: Promise<unknown>[] = [];
  for (let i = 0; i < pairs; i++) {
    answers.push(
      one.place({ symbol: 1, side: 'buy', price: 5, quantity: 1 }),
      two.place({ symbol: 1, side: 'sell', price: 5, quantity: 1 }),
    );
  }
  await Promise.all(answers);
}

/** Sends frames of orders that are cancelled at once, until `enough`, at the speed of the engine. */
async function churn(exchange: TestExchange, session: OrderSession, enough: () => boolean): Promise<number> {
  const { counters } = exchange.sessions;
  const batch = new CommandBatch(1000);
  let id = 0;
  const before = counters.frames;
  for (let frames = 1; !enough(); frames++) {
    assert.ok(frames < 1000, 'it is never enough');
    while (!batch.full) {
      batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 100, 1, ++id);
      batch.cancel(1, id);
    }
    session.send(batch);
    await until(() => counters.frames === before + frames && exchange.engine.status().commandDepth < 8000, 'room in the ring');
  }
  return id;
}

for (const [transport, start] of [
  ['gRPC', overGrpc],
  ['WebSocket', overWebSocket],
] as const) {
  /** Status of gRPC, or close code. */
  const codeOf = (status: number): number => (transport === 'gRPC' ? status : 4000 + status);

  describe(`a drop copy over ${transport}`, () => {
    let venue: Venue;
    let one: OrderSession;
    let two: OrderSession;
    const seen: Record<number, ReportView[]> = { 1: [], 2: [] };

    before(async () => {
      venue = await start({ engine: FAST, retained: 64 });
      [one, two] = [venue.exchange.client(1), venue.exchange.client(2)];
      one.on('report', (report) => seen[1].push(report));
      two.on('report', (report) => seen[2].push(report));
      await Promise.all([one.ready(), two.ready()]);
    });
    after(async () => {
      await Promise.all([one.close(), two.close()]);
      await venue.stop();
    });

    const everything = (reader: CopyReader, account: number) =>
      until(() => reader.numbers(account).at(-1) === venue.exchange.hub.lastReportNo(account), `the last report of account ${account}`);

    it('gets what the traders get, with the same numbers', async () => {
      const reader = await venue.reader();
      reader.send(subscription({ 1: undefined, 2: undefined }));
      await reader.opened();
      assert.deepEqual(reader.points, [
        { account: 1, after: 0 },
        { account: 2, after: 0 },
      ]);
      await trade(one, two, 50);
      await one.cancel({ symbol: 1, orderId: 4711 });
      for (const account of [1, 2]) {
        await everything(reader, account);
        await until(() => seen[account].at(-1)?.reportNo === venue.exchange.hub.lastReportNo(account), 'the reports of the trader');
        assert.deepEqual(
          reader.reports.filter((report) => report.account === account),
          seen[account],
        );
      }
      assert.equal(seen[1].filter(({ kind }) => kind === 'fill').length, 50);
      reader.close();
      await until(() => venue.exchange.dropCopies.counters.open === 0, 'it to leave');
    });

    it('resumes each account where it stands: from the history, from memory, or now', async () => {
      const [last1, last2] = [1, 2].map((account) => venue.exchange.hub.lastReportNo(account));
      assert.ok(last1 > 64, 'more than the hub retains');
      const fresh = await venue.reader();
      fresh.send(subscription({ 1: undefined }));
      await fresh.opened();
      assert.deepEqual(fresh.points, [{ account: 1, after: last1 }]);
      const reader = await venue.reader();
      reader.send(subscription({ 1: 7, 2: last2 - 3, 3: undefined, 4: 0 }));
      // Live reports come while the past is read.
      const trading = trade(one, two, 200);
      await reader.opened();
      assert.deepEqual(
        reader.points?.map(({ after }) => after),
        [7, last2 - 3, 0, 0],
      );
      await trading;
      await Promise.all([everything(reader, 1), everything(reader, 2), everything(fresh, 1)]);
      assert.deepEqual(fresh.numbers(1), from(last1 + 1, venue.exchange.hub.lastReportNo(1)));
      fresh.close();
      assert.deepEqual(reader.numbers(1), from(8, venue.exchange.hub.lastReportNo(1)));
      assert.deepEqual(reader.numbers(2), from(last2 - 2, venue.exchange.hub.lastReportNo(2)));
      assert.deepEqual([...reader.numbers(3), ...reader.numbers(4)], []);
      reader.close();
    });

    it('reads several accounts from the history, one after the other', async () => {
      const three = venue.exchange.client(3);
      await three.ready();
      await trade(three, two, 1500);
      const [last2, last3] = [2, 3].map((account) => venue.exchange.hub.lastReportNo(account));
      const reader = await venue.reader();
      reader.send(subscription({ 2: 0, 3: 0 }));
      await Promise.all([everything(reader, 2), everything(reader, 3)]);
      assert.deepEqual(reader.numbers(2), from(1, last2));
      assert.deepEqual(reader.numbers(3), from(1, last3));
      reader.close();
      await three.close();
    });

    it('answers in the schema version that was requested, or in that of the request', async () => {
      for (const [query, frame, version] of [
        [undefined, 1, 1],
        [undefined, 2, 2],
        ['1', 2, 1],
        ['2', 1, 2],
      ] as const) {
        const reader = await venue.reader(query);
        reader.send(subscription({ 1: venue.exchange.hub.lastReportNo(1) - 1 }, frame));
        await until(() => reader.reports.length === 1, 'a report');
        assert.equal(reader.version, version);
        reader.close();
      }
    });

    const REJECTS: [what: string, frame: () => Uint8Array, code: number, text: RegExp][] = [
      ['an unknown account', () => subscription({ 1: 0, 60: 0 }), 5, /^UNKNOWN_ACCOUNT: there is no account 60/],
      ['a number beyond the end', () => subscription({ 1: 0, 3: 2 ** 40 }), 11, /^BAD_RANGE: report 1099511627776 of account 3 was named/],
      ['no account', () => subscription({}), 3, /^BAD_RANGE: name each account once/],
      ['too many accounts', () => encodeDropCopy(from(1, 1025).map((account) => ({ account, after: 0 }))), 8, /^FRAME_TOO_LARGE: .* 1024/],
      ['another schema', () => subscription({ 1: 0 }, 9), 9, /^WRONG_SCHEMA_VERSION/],
      ['an unreadable frame', () => new Uint8Array(7), 3, /^MALFORMED_FRAME: the first message is a DropCopyFrame/],
    ];
    for (const [what, frame, code, text] of REJECTS) {
      it(`${what} is rejected`, async () => {
        const reader = await venue.reader();
        const { cut } = venue.exchange.dropCopies.counters;
        reader.send(frame());
        const end = await reader.ended();
        assert.equal(end.code, codeOf(code), end.details);
        assert.match(end.details, text);
        assert.equal(venue.exchange.dropCopies.counters.cut, cut + 1);
        assert.deepEqual(reader.reports, []);
        reader.close();
      });
    }

    it('takes no command: it ends with PERMISSION_DENIED, and nothing is sequenced', async () => {
      const isGrpc = transport === 'gRPC';
      const reader = await venue.reader();
      reader.send(subscription({ 1: undefined }), true);
      // Over gRPC it begins when the client has closed its side.
      if (!isGrpc) await reader.opened();
      const { seq } = venue.exchange.engine.sequencer;
      const batch = new CommandBatch(1);
      batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 100, 1, 2 ** 52);
      reader.send(batch.bytes());
      const end = await reader.ended();
      assert.equal(end.code, isGrpc ? 13 : codeOf(7));
      assert.match(
        end.details,
        isGrpc ? /^MALFORMED_FRAME: the call has a second message/ : /^PERMISSION_DENIED: a drop copy takes no commands/,
      );
      assert.equal(venue.exchange.engine.sequencer.seq, seq);
      reader.close();
    });

    it('one caller has 8 at most', async () => {
      const readers: CopyReader[] = [];
      for (let i = 0; i < 8; i++) {
        const reader = await venue.reader();
        reader.send(subscription({ 1: undefined }));
        readers.push(await reader.opened());
      }
      const late = await venue.reader();
      const end = await late.ended();
      assert.equal(end.code, transport === 'gRPC' ? 8 : 429);
      assert.match(end.details, /^BUSY: 8 drop copies of yours are open/);
      for (const reader of [...readers, late]) reader.close();
      await until(() => venue.exchange.dropCopies.counters.open === 0, 'them to leave');
    });
  });

  it(`over ${transport}, a reader resumes after a restart of the exchange without a gap`, async (t) => {
    let venue = await start({ retained: 64 });
    t.after(() => venue.stop());
    const { dir } = venue.exchange;
    let [one, two] = [venue.exchange.client(1), venue.exchange.client(2)];
    const before = await venue.reader();
    before.send(subscription({ 1: undefined, 2: undefined }));
    await before.opened();
    await trade(one, two, 40);
    await until(() => before.numbers(1).length >= 30, 'a part of the reports');
    await Promise.all([one.close(), two.close()]);
    await venue.stop({ keep: true });
    await before.ended();
    const last = Object.fromEntries([1, 2].map((account) => [account, before.numbers(account).at(-1) ?? 0]));
    venue = await start({ dir, retained: 64 });
    [one, two] = [venue.exchange.client(1), venue.exchange.client(2)];
    const later = await venue.reader();
    later.send(subscription(last));
    await later.opened();
    await trade(one, two, 40);
    for (const account of [1, 2]) {
      const end = venue.exchange.hub.lastReportNo(account);
      await until(() => later.numbers(account).at(-1) === end, 'the last report');
      assert.deepEqual([...before.numbers(account), ...later.numbers(account)], from(1, end));
    }
    later.close();
    await Promise.all([one.close(), two.close()]);
  });

  it(`over ${transport}, a reader that does not read is cut, and no other client waits for it`, async (t) => {
    const ends: string[] = [];
    const audit: AuditSink = { record: ({ action, outcome }) => action.startsWith('close') && ends.push(outcome) };
    const venue = await start({ retained: 2 ** 12, engine: FAST, dropCopies: { lateMs: 3000 }, entry: { audit } });
    t.after(() => venue.stop());
    const { exchange } = venue;
    const trader = exchange.client(1);
    t.after(() => trader.close());
    await trader.ready();
    const slow = await venue.reader();
    slow.send(subscription({ 1: undefined }));
    await slow.opened();
    slow.pause();
    const other = await venue.reader();
    other.send(subscription({ 1: undefined, 2: undefined }));
    await other.opened();
    const { counters } = exchange.dropCopies;
    const ids = await churn(exchange, trader, () => counters.slow === 1);
    assert.deepEqual([counters.open, ends], [1, ['BUSY']]);
    await until(() => trader.lastReport === 2 * ids, 'the reports of the trader');
    await until(() => other.reports.at(-1)?.reportNo === 2 * ids, 'the reports of the other reader');
    assert.deepEqual(other.numbers(1), from(1, 2 * ids));
    assert.equal(exchange.sessions.counters.blockedTotal, 0);
    assert.equal(exchange.sessions.counters.sessionsCut, 0);
    slow.resume();
    // The exchange waits a second for a peer to read how its stream has ended; which status comes then depends on the transport.
    await slow.ended();
    // What it has is the beginning, and it may go on from there.
    const got = slow.numbers(1);
    assert.deepEqual(got, from(1, got.length));
    const again = await venue.reader();
    again.send(subscription({ 1: got.length }));
    await until(() => again.reports.at(-1)?.reportNo === 2 * ids, 'the rest');
    assert.deepEqual([...got, ...again.numbers(1)], from(1, 2 * ids));
    for (const reader of [other, again]) reader.close();
  });

  it(`over ${transport}, a client that sends no subscription is cut`, async (t) => {
    const venue = await start({ engine: FAST, dropCopies: { lateMs: 50 } });
    t.after(() => venue.stop());
    const idle = await venue.reader();
    const end = await idle.ended();
    assert.equal(end.code, codeOf(8));
    assert.match(end.details, /^BUSY: no subscription came/);
    idle.close();
  });

  it(`over ${transport}, reports that the history has removed are gone, with the number to resume from`, async (t) => {
    let venue = await start({ engine: FAST });
    t.after(() => venue.stop());
    const { dir } = venue.exchange;
    let session = venue.exchange.client(1);
    for (let i = 0; i < 300; i++) await session.cancel({ symbol: 1, orderId: 9 });
    await session.close();
    const { seq } = venue.exchange.engine.sequencer;
    await venue.stop({ keep: true });
    // What the history has is not published again.
    venue = await start({ dir, engine: { ...FAST, historySeq: seq }, keepUs: 1 });
    session = venue.exchange.client(1);
    await session.cancel({ symbol: 1, orderId: 9 });
    await until(() => venue.exchange.history.stats().removed >= 300, 'the history to remove reports');
    const reader = await venue.reader();
    reader.send(subscription({ 1: 10, 2: 0 }));
    const end = await reader.ended();
    assert.equal(end.code, codeOf(11));
    const gone = Number(/^REPORTS_GONE: the reports of account 1 up to (\d+) are no longer kept/.exec(end.details)?.[1]);
    assert.ok(gone >= 11, end.details);
    const next = await venue.reader();
    next.send(subscription({ 1: gone }));
    await until(() => next.reports.at(-1)?.reportNo === 301, 'the later reports');
    assert.deepEqual(next.numbers(1), from(gone + 1, 301));
    for (const each of [reader, next]) each.close();
    await session.close();
  });
}

it('a client that is read too slowly is cut, and goes on by itself without a gap', async (t) => {
  const exchange = await TestExchange.start({ retained: 2 ** 12, engine: FAST, dropCopies: { lateMs: 200 } });
  t.after(() => exchange.stop());
  const trader = exchange.client(1);
  await trader.ready();
  const connection = { host: '127.0.0.1', port: exchange.port, reconnect: true, symbols: new SymbolCatalog(SYMBOLS) };
  const lost: string[] = [];
  const copy = new DropCopy({ accounts: [1], onLost: ({ code }) => lost.push(code) }, connection);
  await copy.ready();
  const ids = await churn(exchange, trader, () => exchange.dropCopies.counters.slow > 0);
  const numbers: number[] = [];
  for await (const { reportNo } of copy) if (numbers.push(reportNo) === 2 * ids) break;
  assert.deepEqual(numbers, from(1, 2 * ids));
  assert.ok(lost.length > 0);
  await trader.close();
});

it('a drop copy reads the history for one account at a time, and no order session waits for it', async (t) => {
  const exchange = await TestExchange.start({ engine: FAST, retained: 64 });
  t.after(() => exchange.stop());
  const [one, two] = [exchange.client(1), exchange.client(2)];
  for (let i = 0; i < 200; i++) await Promise.all([one, two].map((each) => each.cancel({ symbol: 1, orderId: 9 })));
  // The history answers drop copies no more; sessions that resume have queries of their own.
  const reads: number[] = [];
  exchange.history.accountReports = (account) => {
    reads.push(account);
    return new Promise(() => undefined);
  };
  const copy = new GrpcCopyReader(exchange.port);
  copy.send(subscription({ 1: 0, 2: 0, 3: 0 }));
  await copy.opened();
  const resumed = new RawSession(exchange.port, { 'x-openbell-account': '2', 'x-openbell-last-report': '0' });
  resumed.read();
  await until(() => resumed.reports.length === 200, 'the reports of the session');
  const three = exchange.client(3);
  await three.cancel({ symbol: 1, orderId: 9 });
  await until(() => copy.reports.length === 1, 'a live report of another account');
  assert.deepEqual([reads, copy.numbers(3)], [[1], [1]]);
  copy.close();
  resumed.close();
  await Promise.all([one, two, three].map((each) => each.close()));
});
