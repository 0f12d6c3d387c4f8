import type * as uWS from 'uWebSockets.js';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { CommandFlag } from '../engine/wire/command-extension.ts';
import { CommandBatch, CommandFrameReader, type LongOrder } from '../engine/wire/frames.ts';
import { Command, CommandExtension, Instruction, MarketOp, OrderType, Side, TimeInForce } from '../engine/wire/layout.ts';
import { MarketFrameReader, marketRequest } from '../engine/wire/market-frames.ts';
import { RefusalList, ReportFrameWriter } from '../engine/wire/report-frames.ts';
import type { OrderSession } from '../gateway/client/order-session.ts';
import { SymbolCatalog } from '../gateway/client/symbols.ts';
import { grpcSession } from './support/grpc-session.ts';
import { MarketVenue } from './support/market-venue.ts';
import { RawSession, rawClient, SYMBOLS, TestExchange, until } from './support/order-entry-fixture.ts';
import { orderSockets } from './support/order-sockets.ts';
import { Opcode, RawWebSocket } from './support/raw-websocket.ts';

const VERSION_OF_COMMANDS = 24;
const VERSION_OF_REPORTS = 32;
const VERSION_OF_LONG = 32;

/** A frame of version 2 without an extension: the batch writes version 1 for it. */
function second(fill: (batch: CommandBatch) => void): Uint8Array {
  const batch = new CommandBatch(8);
  fill(batch);
  const bytes = batch.bytes().slice();
  bytes[VERSION_OF_COMMANDS] = 2;
  return bytes;
}

const iocMin: LongOrder = {
  symbol: 1,
  side: Side.Buy,
  orderType: OrderType.Limit,
  timeInForce: TimeInForce.ImmediateOrCancel,
  price: 100,
  quantity: 9,
  minQuantity: 4,
  clientOrderId: 6,
};

/** A frame with one long command and a changed extension. Its layout is in long-frame.ts. */
function changedExtension(clientOrderId: number, change: (view: DataView, command: number, extension: number) => void): Uint8Array {
  const batch = new CommandBatch(2);
  batch.placeLong({ ...iocMin, clientOrderId });
  const bytes = batch.bytes().slice();
  assert.equal(bytes[VERSION_OF_LONG], 2);
  change(new DataView(bytes.buffer), 40, 40 + 64 + 8);
  return bytes;
}

const postOnly = (clientOrderId: number): Uint8Array =>
  changedExtension(clientOrderId, (view, command, extension) => {
    view.setUint8(command + Command.timeInForce, TimeInForce.GoodTillCancel);
    view.setUint32(extension + CommandExtension.instructions, Instruction.PostOnly, true);
    view.setUint8(extension + CommandExtension.minQuantity, 0);
  });

describe('both schema versions over gRPC and WebSocket', { timeout: 300_000 }, () => {
  let exchange: TestExchange;
  let app: uWS.TemplatedApp;
  let port: number;
  before(async () => {
    exchange = await TestExchange.start({ engine: { durability: 'fast' } });
    ({ app, port } = await orderSockets(exchange));
  });
  after(async () => {
    app.close();
    await exchange.stop();
  });

  /** A session that records the schema version of each answer. */
  function session(headers: Record<string, string> = {}): { raw: RawSession; versions: number[] } {
    const raw = new RawSession(exchange.port, { 'x-openbell-account': '1', ...headers });
    const versions: number[] = [];
    raw.call.on('data', (bytes: Buffer) => versions.push(bytes.readUInt16LE(VERSION_OF_REPORTS)));
    raw.read();
    return { raw, versions };
  }

  const cancel = (batch: CommandBatch): void => batch.cancel(1, 77);
  const first = (): Uint8Array => {
    const batch = new CommandBatch(1);
    cancel(batch);
    return batch.bytes().slice();
  };

  const sessions: [string, Record<string, string>, Uint8Array[], number][] = [
    ['the first frame, 1', {}, [first(), second(cancel)], 1],
    ['the first frame, 2', {}, [second(cancel), first()], 2],
    ['the header, 1', { 'x-openbell-schema': '1' }, [second(cancel), first()], 1],
    ['the header, 2', { 'x-openbell-schema': '2' }, [first(), second(cancel)], 2],
  ];
  for (const [what, headers, frames, version] of sessions) {
    it(`a session is answered in the version of ${what}`, async () => {
      const { raw, versions } = session(headers);
      for (const [i, bytes] of frames.entries()) {
        raw.send(bytes);
        await until(() => raw.reports.length === i + 1, 'the answer');
      }
      assert.deepEqual(new Set(versions), new Set([version]));
      raw.close();
    });
  }

  it('before its first frame a session is answered in version 1, and the response headers name the supported versions', async () => {
    const { raw, versions } = session({ 'x-openbell-last-report': '0' });
    const headers = await new Promise<Metadata>((resolve) => raw.call.once('metadata', resolve));
    assert.deepEqual(headers.get('x-openbell-schema'), ['1-2']);
    await until(() => versions.length !== 0, 'the reports of the sessions before');
    assert.equal(versions[0], 1);
    raw.close();
  });

  it('Submit is answered in the version of its frame', async () => {
    const client = rawClient(exchange.port);
    const metadata = new Metadata();
    metadata.set('x-openbell-account', '1');
    const raw = (bytes: Buffer): Buffer => bytes;
    for (const [version, frame] of [first(), second(cancel)].entries()) {
      const answer = await new Promise<Buffer>((resolve, reject) =>
        client.makeUnaryRequest('/openbell.OrderEntry/Submit', raw, raw, Buffer.from(frame), metadata, (error, bytes) =>
          error === null && bytes !== undefined ? resolve(bytes) : reject(error),
        ),
      );
      assert.equal(answer.readUInt16LE(VERSION_OF_REPORTS), version + 1);
    }
    client.close();
  });

  it('a higher version is rejected as that of a newer openbell', async () => {
    const { raw } = session();
    const bytes = second(cancel);
    bytes[VERSION_OF_COMMANDS] = 3;
    raw.send(bytes);
    const { code, details } = await raw.ended;
    raw.close();
    assert.equal(code, status.FAILED_PRECONDITION);
    assert.equal(
      details,
      'WRONG_SCHEMA_VERSION: the frame has schema version 3, written by a newer openbell; this exchange supports versions 1 to 2',
    );
  });

  it('an order with a short form is accepted in that form, and bad terms are rejected one by one', async () => {
    const { raw } = session();
    raw.send(postOnly(11));
    await until(() => raw.reports.length === 1, 'the answer');
    assert.deepEqual(
      raw.reports.map(({ kind, timeInForce, clientOrderId }) => [kind, timeInForce, clientOrderId]),
      [['accepted', 'post-only', 11]],
    );
    raw.send(changedExtension(12, (view, _command, extension) => view.setUint8(extension + CommandExtension.link, 1)));
    raw.send(changedExtension(13, (view, command) => view.setUint8(command + Command.timeInForce, TimeInForce.FillOrKill)));
    raw.send(changedExtension(14, (view, command) => view.setUint8(command + Command.parameter, CommandFlag.Extended | 4)));
    await until(() => raw.refusals.length === 3, 'the refusals');
    assert.deepEqual(
      raw.refusals.map(({ code, clientOrderId }) => [code, clientOrderId]),
      [
        ['UNSUPPORTED_TERM', 12],
        ['ILLEGAL_COMBINATION', 13],
        ['UNSUPPORTED_TERM', 14],
      ],
    );
    // A flag without its extension: no command of the frame is accepted.
    raw.send(changedExtension(15, (view, command) => view.setUint8(command + Command.parameter, 0)));
    assert.match((await raw.ended).details, /^MALFORMED_FRAME/);
    raw.close();
  });

  it('a long order has two places in the log, and one answer, with the second', async () => {
    const client = exchange.client(4);
    await client.ready();
    const batch = new CommandBatch(8);
    batch.cancel(1, 1);
    batch.placeLong({ ...iocMin, clientOrderId: 41 });
    batch.cancel(1, 2);
    const { reports, refusals } = await client.submit(batch);
    assert.deepEqual(
      reports.map(({ clientOrderId, seq }) => [clientOrderId, seq - reports[0].seq]),
      [
        [1, 0],
        [41, 2],
        [2, 3],
      ],
    );
    assert.equal(refusals.length, 0);
    const answer = await client.place({ symbol: 1, side: 'buy', price: 1, quantity: 2, timeInForce: 'ioc', minQuantity: 1 });
    assert.equal(answer.timeInForce, 'ioc');
    await client.close();
  });

  it('a WebSocket supports both too', async () => {
    for (const [query, version] of [
      ['', 2],
      ['&schema=1', 1],
      ['&schema=2', 2],
    ] as const) {
      const socket = await RawWebSocket.open(port, { path: `/v1/orders?account=2${query}` });
      socket.send(Opcode.Binary, postOnly(20 + version));
      await socket.until(() => socket.messages.length !== 0);
      assert.equal(socket.messages[0].data.readUInt16LE(VERSION_OF_REPORTS), version, query);
      socket.destroy();
    }
  });

  it('the typed client sends version 1 unless an order is long, and checks terms before it sends', async () => {
    const client = exchange.client(3);
    await client.ready();
    const order = { symbol: 'BTC-USD', side: 'buy', price: '1.00', quantity: '1' } as const;
    assert.equal((await client.place({ ...order, postOnly: true })).timeInForce, 'post-only');
    assert.equal((await client.place({ ...order, type: 'limit', timeInForce: 'gtc' })).kind, 'accepted');
    assert.equal((await client.place({ symbol: 1, side: 'buy', quantity: 1, type: 'market', timeInForce: 'ioc' })).code, 'NO_LIQUIDITY');
    await assert.rejects(client.place({ ...order, minQuantity: '0.5' }), { code: 'ILLEGAL_COMBINATION', message: /gtc and min-quantity/ });
    for (const minQuantity of ['0', '1.001'])
      await assert.rejects(client.place({ ...order, timeInForce: 'ioc', minQuantity }), { code: 'BAD_RANGE', message: /minimum quantity/ });
    assert.equal(client.unanswered, 0);
    await client.close();
  });
});

/** Order entry as in releases before schema 2: no header that names versions, and version 1 only. */
class OldExchange {
  readonly frames: number[] = [];
  readonly #server = new Server();
  readonly #reader = new CommandFrameReader();

  async start(): Promise<number> {
    const raw = (bytes: Buffer): Buffer => bytes;
    const codec = { requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw };
    this.#server.addService(
      {
        Session: { path: '/openbell.OrderEntry/Session', requestStream: true, responseStream: true, ...codec },
        Submit: { path: '/openbell.OrderEntry/Submit', requestStream: false, responseStream: false, ...codec },
      },
      {
        Session: (call: ServerDuplexStream<Buffer, Buffer>) => {
          const headers = new Metadata();
          headers.set('x-openbell-last-report', '0');
          call.sendMetadata(headers);
          call.on('data', (bytes: Buffer) => call.write(this.#answer(bytes)));
          call.on('end', () => call.end());
        },
        Submit: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
          this.#reader.open(call.request);
          if (this.#reader.version === 1) answer(null, this.#answer(call.request));
          else
            answer({ code: status.FAILED_PRECONDITION, details: 'WRONG_SCHEMA_VERSION: the frame has schema version 2, this exchange …' });
        },
      },
    );
    return await new Promise((resolve, reject) =>
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      ),
    );
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  /** Rejects each command with BUSY, which is a sufficient answer. */
  #answer(bytes: Buffer): Buffer {
    const reader = this.#reader;
    reader.open(bytes);
    this.frames.push(reader.version);
    const refusals = new RefusalList();
    for (let i = 0; i < reader.count; i++) refusals.add(120, reader.flat, reader.position(i), i);
    return new ReportFrameWriter(1).finish(refusals);
  }
}

describe('the typed client with an exchange of an earlier release', () => {
  const old = new OldExchange();
  let client: OrderSession;
  let port: number;
  before(async () => {
    port = await old.start();
    const symbols = new SymbolCatalog(SYMBOLS);
    client = grpcSession({ host: '127.0.0.1', port, account: 1, lastReport: undefined, reconnect: false, symbols });
  });
  after(async () => {
    await client.close();
    old.stop();
  });
  const order = { symbol: 1, side: 'buy', price: 1, quantity: 1 } as const;
  const tooOld = { code: 'WRONG_SCHEMA_VERSION', message: /the exchange is older than a term of the order/ };

  it('reports for a long order that the exchange is too old, and sends the others', async () => {
    const answers = await Promise.allSettled([
      client.place({ symbol: 1, side: 'buy', quantity: 1, type: 'market', timeInForce: 'fok' }),
      client.place(order),
      client.place({ ...order, timeInForce: 'ioc', minQuantity: 1 }),
    ]);
    assert.deepEqual(
      answers.map((answer) => answer.status === 'rejected' && answer.reason.code),
      ['WRONG_SCHEMA_VERSION', 'BUSY', 'WRONG_SCHEMA_VERSION'],
    );
    await assert.rejects(client.place({ ...order, timeInForce: 'ioc', minQuantity: 1 }), tooOld);
    assert.deepEqual([old.frames, client.unanswered], [[1], 0]);
  });

  it('ends a session that asked for a cancel on disconnect, because the orders would stay', async () => {
    const options = { host: '127.0.0.1', port, account: 1, lastReport: undefined, reconnect: true, symbols: new SymbolCatalog(SYMBOLS) };
    const session = grpcSession({ ...options, cancelOnDisconnect: 5 });
    await assert.rejects(session.ready(), { code: 'BAD_OPTION', message: /older than cancel on disconnect/ });
    await session.close();
  });

  it('reports it for a batch too', async () => {
    const batch = new CommandBatch(2);
    batch.placeLong(iocMin);
    assert.throws(() => client.send(batch), tooOld);
    await assert.rejects(client.submit(batch), tooOld);
    batch.clear();
    batch.cancel(1, 1);
    assert.equal((await client.submit(batch)).refusals[0].code, 'BUSY');
  });
});

it('market data has the version of the last request on the connection, and each connection has its own', async (t) => {
  const venue = await MarketVenue.start(1, { heartbeatMs: 5000 });
  const readers: RawWebSocket[] = [];
  t.after(async () => {
    for (const reader of readers) reader.destroy();
    await venue.stop();
  });
  const frame = new MarketFrameReader();
  const versionOf = (data: Buffer): number => {
    assert.equal(frame.open(data), 0);
    return data.readUInt16LE(44);
  };
  for (let i = 0; i < 2; i++) readers.push(await RawWebSocket.open(venue.port));
  for (const [i, reader] of readers.entries()) reader.send(Opcode.Binary, marketRequest(MarketOp.Subscribe, 0, 1, 5, i + 1));
  for (const reader of readers) await reader.until(() => reader.messages.length === 2);
  venue.place(1, 1, Side.Buy, 900, 5);
  for (const [i, reader] of readers.entries()) {
    await reader.until(() => reader.messages.length === 3);
    // Subscribed, snapshot, delta.
    assert.deepEqual(
      reader.messages.map(({ data }) => versionOf(data)),
      [i + 1, i + 1, i + 1],
    );
  }
  // Except for the number, both received the same bytes.
  const [one, two] = readers.map(({ messages }) => messages[2].data.subarray(46));
  assert.deepEqual(one, two);
  const [reader] = readers;
  reader.send(Opcode.Binary, marketRequest(MarketOp.Ping, 0, 0, 5, 3));
  await reader.until(() => reader.messages.length === 4);
  assert.deepEqual([frame.open(reader.messages[3].data), frame.code], [0, 101]);
});
