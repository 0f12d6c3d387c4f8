import type * as uWS from 'uWebSockets.js';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import { CommandBatch, MAX_FRAME_BYTES } from '../engine/wire/frames.ts';
import { Side, TimeInForce } from '../engine/wire/layout.ts';
import { ReportFrameReader } from '../engine/wire/report-frames.ts';
import { viewRefusal, viewReport } from '../gateway/client/report-view.ts';
import { SymbolCatalog } from '../gateway/client/symbols.ts';
import type { RefusalView, ReportView } from '../gateway/client/types.ts';
import { SYMBOLS, TestExchange, until } from './support/order-entry-fixture.ts';
import { orderSockets } from './support/order-sockets.ts';
import { Opcode, RawWebSocket } from './support/raw-websocket.ts';

/** Decodes the messages of a socket. */
class Reports {
  readonly reports: ReportView[] = [];
  readonly refusals: RefusalView[] = [];

  constructor(socket: RawWebSocket) {
    const reader = new ReportFrameReader();
    const symbols = new SymbolCatalog(SYMBOLS);
    const take = (data: Buffer): void => {
      assert.equal(codeName(reader.open(data)), 'OK');
      for (let i = 0; i < reader.reports; i++) this.reports.push(viewReport(reader.flat, reader.reportsAt + i * 128, symbols));
      for (let i = 0; i < reader.refusals; i++) this.refusals.push(viewRefusal(reader.flat, reader.refusalsAt + i * 32));
    };
    for (const { data } of socket.messages) take(data);
    socket.onMessage = ({ opcode, data }) => opcode === Opcode.Binary && take(data);
  }
}

describe('order entry over WebSocket', () => {
  let exchange: TestExchange;
  let app: uWS.TemplatedApp;
  let port: number;

  before(async () => {
    exchange = await TestExchange.start({ engine: { durability: 'fast' }, entry: { maxSessions: 3 } });
    ({ app, port } = await orderSockets(exchange));
  });
  after(async () => {
    app.close();
    await exchange.stop();
  });

  const open = (query: string): Promise<RawWebSocket> => RawWebSocket.open(port, { path: `/v1/orders${query}` });

  /** The body of a rejected upgrade. */
  const reasonFor = async (query: string) => {
    const socket = await open(query);
    await until(() => socket.ended, 'the end');
    return socket.body;
  };

  it('accepts frames and answers with numbered reports of the same account, as over gRPC', async () => {
    const grpc = exchange.client(1);
    await grpc.ready();
    const elsewhere: number[] = [];
    grpc.on('report', ({ reportNo }) => elsewhere.push(reportNo));
    const socket = await open('?account=1');
    const seen = new Reports(socket);
    const batch = new CommandBatch(3);
    batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 100, 2, 1);
    batch.place(1, Side.Sell, TimeInForce.ImmediateOrCancel, 100, 1, 2);
    batch.cancel(1, 77);
    socket.send(Opcode.Binary, batch.bytes());
    // Both orders, a fill for each side, the rejected cancel.
    await until(() => seen.reports.length === 5, 'the reports');
    assert.deepEqual(
      seen.reports.map(({ kind }) => kind),
      ['accepted', 'accepted', 'fill', 'fill', 'cancel-rejected'],
    );
    assert.deepEqual(
      seen.reports.map(({ reportNo }) => reportNo),
      [1, 2, 3, 4, 5],
    );
    await until(() => elsewhere.length === 5, 'the same reports over gRPC');
    socket.destroy();
    await grpc.close();
    await until(() => exchange.sessions.counters.sessions === 0, 'both to leave');
  });

  it('sends a session that names its last report the later ones', async () => {
    const socket = await open('?account=1&last-report=3');
    const seen = new Reports(socket);
    await until(() => seen.reports.length === 2, 'reports 4 and 5');
    assert.deepEqual(
      seen.reports.map(({ reportNo }) => reportNo),
      [4, 5],
    );
    socket.destroy();
    await until(() => exchange.sessions.counters.sessions === 0, 'it to leave');
  });

  const rejected: [string, string][] = [
    ['400', ''],
    ['400', '?account=0'],
    ['400', '?account=1&last-report=x'],
    ['400', '?account=1&last-report=9999999'],
    ['400', '?account=1&schema=3'],
    ['400', '?account=1&last_report=3'],
    ['400', '?account=1&token=x'],
    ['400', '?account=1&account=2'],
    ['404', '?account=50'],
    ['400', '?account=1&%61ccount=1'],
    ['400', '?account=1&last-report=1&last-report=2'],
    ['400', '?account=1&schema=1&schema=1'],
    ['404', '/?account=1'],
    ['404', '/1?account=1'],
  ];
  for (const [status, query] of rejected) {
    it(`rejects the upgrade with ${status} for ${query || 'no account'}`, async () => {
      assert.match((await open(query)).status, new RegExp(` ${status} `));
    });
  }

  it('names the account that is missing', async () => {
    assert.match(await reasonFor(''), /^BAD_RANGE: account /);
  });

  it('names the parameter that it does not know', async () => {
    assert.match(
      await reasonFor('?account=1&last_report=3'),
      /^BAD_PARAMETER: unknown query parameter "last_report"; use one of account, /,
    );
    assert.match(await reasonFor('?account=1&account=1'), /^BAD_PARAMETER: the query parameter account is given a second time/);
  });

  it('names the schema version that was asked for, if it is a number', async () => {
    for (const [schema, shown] of [
      ['9', '9'],
      ['0', '0'],
      ['99999999999999999999', '99999999999999999999'],
      ['x', 'not a number'],
      ['', 'not a number'],
    ])
      assert.match(
        await reasonFor(`?account=1&schema=${schema}`),
        new RegExp(`^WRONG_SCHEMA_VERSION: the requested schema version is ${shown}; this exchange supports`),
        schema,
      );
  });

  it('rejects web pages without a token, because a browser lets a page connect to any host', async () => {
    const page = await RawWebSocket.open(port, { path: '/v1/orders?account=1', headers: { origin: 'https://evil.example' } });
    assert.match(page.status, / 403 /);
  });

  it('rejects sessions above the limit', async () => {
    const sockets = [await open('?account=1'), await open('?account=2'), await open('?account=3')];
    assert.match((await open('?account=4')).status, /429/);
    for (const socket of sockets) socket.destroy();
    await until(() => exchange.sessions.counters.sessions === 0, 'them to leave');
  });

  const cut: [string, number, (socket: RawWebSocket) => void, RegExp][] = [
    ['text', 4003, (socket) => socket.send(Opcode.Text, '{}'), /^MALFORMED_FRAME/],
    ['bytes that are no frame', 4003, (socket) => socket.send(Opcode.Binary, new Uint8Array(64).fill(255)), /^MALFORMED_FRAME/],
    ['another schema version', 4009, (socket) => socket.send(Opcode.Binary, oldFrame()), /^WRONG_SCHEMA_VERSION/],
  ];
  for (const [what, code, send, reason] of cut) {
    it(`disconnects a client that sends ${what} with ${code}`, async () => {
      const socket = await open('?account=2');
      send(socket);
      await until(() => socket.closeCode !== 0, 'the close frame');
      assert.equal(socket.closeCode, code);
      assert.match(socket.closeReason, reason);
      await until(() => exchange.sessions.counters.sessions === 0, 'it to leave');
    });
  }

  it('rejects a frame that is too large, and continues', async () => {
    const socket = await open('?account=2');
    const seen = new Reports(socket);
    socket.send(Opcode.Binary, new Uint8Array(MAX_FRAME_BYTES + 1));
    await until(() => seen.refusals.length === 1, 'the refusal');
    assert.equal(seen.refusals[0].code, codeName(Code.FRAME_TOO_LARGE));
    const batch = new CommandBatch(1);
    batch.cancel(1, 5);
    socket.send(Opcode.Binary, batch.bytes());
    await until(() => seen.reports.length === 1, 'the answer to the next frame');
    socket.destroy();
  });

  it('answers BUSY to a client that sends without reading, and disconnects it if it continues', async () => {
    const socket = await open('?account=3');
    socket.socket.pause();
    const batch = new CommandBatch(1000);
    while (!batch.full) batch.cancel(1, 1);
    const { counters } = exchange.sessions;
    const busy = counters.rejects[Code.BUSY];
    const sessionsCut = counters.sessionsCut;
    for (let frames = 0; counters.sessionsCut === sessionsCut; frames++) {
      assert.ok(frames < 2000, 'it is never disconnected');
      socket.send(Opcode.Binary, batch.bytes());
      await until(() => socket.socket.writableLength === 0 || counters.sessionsCut > sessionsCut, 'the socket to take it');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.ok(counters.rejects[Code.BUSY] > busy);
    const other = exchange.client(2);
    assert.equal((await other.cancel({ symbol: 1, orderId: 1 }).catch((error) => error.code)).kind ?? 'refused', 'cancel-rejected');
    await other.close();
    socket.destroy();
  });

  it('a message that is too long ends with 1009, and its commands are not taken', async () => {
    const socket = await open('?account=1');
    socket.send(Opcode.Binary, new Uint8Array(4 * MAX_FRAME_BYTES + 1));
    await socket.until(() => socket.closeCode !== 0 || socket.ended);
    assert.equal(socket.closeCode, 1009);
    await until(() => exchange.sessions.counters.sessions === 0, 'it to leave');
  });

  it('ends a session that sends pings and does not read the answers, and one that sends too many', async () => {
    const mute = await open('?account=1');
    mute.socket.pause();
    const cut = exchange.sessions.counters.sessionsCut;
    for (let i = 0; exchange.sessions.counters.sessionsCut === cut; i++) {
      assert.ok(i < 5000, 'it was never cut');
      for (let n = 0; n < 50; n++) mute.send(Opcode.Ping, 'x'.repeat(120));
      await new Promise(setImmediate);
    }
    mute.destroy();
    const busy = await open('?account=1');
    for (let n = 0; n < 1000; n++) busy.send(Opcode.Ping, '');
    await busy.until(() => busy.closeCode !== 0 || busy.ended);
    assert.equal(busy.closeCode, 4008);
    assert.match(busy.closeReason, /too many pings/);
    assert.ok(busy.messages.length <= 201, 'the rest is not answered');
    await until(() => exchange.sessions.counters.sessions === 0, 'both to leave');
    const idle = await open('?account=1');
    for (let n = 0; n < 20; n++) idle.send(Opcode.Ping, 'here?');
    await idle.until(() => idle.messages.length === 20);
    idle.destroy();
    await until(() => exchange.sessions.counters.sessions === 0, 'it to leave');
  });
});

function oldFrame(): Uint8Array {
  const batch = new CommandBatch(1);
  batch.cancel(1, 5);
  const bytes = batch.bytes().slice();
  bytes[24] = 9;
  return bytes;
}
