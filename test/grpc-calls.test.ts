import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectRaw } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { DescService } from '@bufbuild/protobuf';
import { GrpcStatus } from '../gateway/endpoints/grpc/status.ts';
import { Health } from '../gateway/protobuf/generated/grpc/health/v1/health_pb.ts';
import { Admin } from '../gateway/protobuf/generated/openbell/v1/admin_pb.ts';
import { MarketData } from '../gateway/protobuf/generated/openbell/v1/market_data_pb.ts';
import { Trading } from '../gateway/protobuf/generated/openbell/v1/trading_pb.ts';
import { DemoExchange } from './support/demo-exchange.ts';

/** A message with its prefix. */
function message(bytes: Uint8Array = Buffer.alloc(0), { flag = 0, length = bytes.length } = {}): Buffer {
  const prefix = Buffer.from([flag, 0, 0, 0, 0]);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, bytes]);
}

const EMPTY = message();
const described = [Trading, MarketData, Admin, Health] as readonly DescService[];
/** Methods whose client sends one message. */
const ONE_REQUEST = [
  '/openbell.OrderEntry/Submit',
  '/openbell.OrderEntry/DropCopy',
  ...described.flatMap(({ typeName, methods }) =>
    methods
      .filter(({ methodKind }) => methodKind === 'unary' || methodKind === 'server_streaming')
      .map(({ name }) => `/${typeName}/${name}`),
  ),
];
const STREAMS = [
  '/openbell.OrderEntry/Session',
  '/openbell.v1.Trading/Session',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
];
const LIST_ASSETS = '/openbell.v1.MarketData/ListAssets';
/** PlaceOrderRequest: account, cl_ord_id, symbol, side, order_qty, price. */
const ORDER = Buffer.concat([
  Buffer.from([8, 1, 16, 77, 26, 7]),
  Buffer.from('BTC-USD'),
  Buffer.from([32, 1, 42, 3]),
  Buffer.from('0.5'),
  Buffer.from([50, 5]),
  Buffer.from('50000'),
]);

/** A frame of HTTP/2. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

interface Ended {
  readonly http: string;
  /** `grpc-status`; -1 without one. */
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
}

describe('calls over raw HTTP/2', () => {
  const demo = new DemoExchange();
  let http2: ClientHttp2Session;

  before(async () => {
    await demo.start('compact', { durability: 'fast' });
    http2 = connect(`http://127.0.0.1:${demo.ports.grpc}`);
  });
  after(async () => {
    http2.destroy();
    await demo.stop();
  });

  /** Sends each chunk in a DATA frame of its own, then closes the client's side. */
  function call(path: string, chunks: readonly Buffer[], headers: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return new Promise((resolve) => {
      const stream = http2.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        'x-openbell-account': '1',
        ...headers,
      });
      let first: IncomingHttpHeaders = {};
      let last: IncomingHttpHeaders = {};
      stream.on('response', (got) => {
        first = got;
      });
      stream.on('trailers', (got) => {
        last = got;
      });
      stream.on('error', () => undefined);
      stream.on('close', () => {
        const { 'grpc-status': status = -1, 'grpc-message': text = '' } = { ...first, ...last };
        resolve({ http: String(first[':status']), status: Number(status), text: decodeURIComponent(String(text)), headers: first });
      });
      stream.resume();
      for (const chunk of chunks) stream.write(chunk);
      stream.end();
    });
  }

  const NUMBER_OF_MESSAGES: readonly [what: string, chunks: readonly Buffer[], text: RegExp][] = [
    ['no message', [], /^MALFORMED_FRAME: the call ended without its request$/],
    ['two messages at once', [Buffer.concat([EMPTY, EMPTY])], /^MALFORMED_FRAME: the call has a second message/],
    ['two messages, one after the other', [EMPTY, EMPTY], /^MALFORMED_FRAME: the call has a second message/],
    ['a second message in pieces', [EMPTY, message(Buffer.alloc(9)).subarray(0, 8), Buffer.alloc(6)], /a second message/],
    ['bytes after the message', [Buffer.concat([EMPTY, Buffer.alloc(3)])], /^MALFORMED_FRAME: the call ended within a message/],
    ['a part of a message', [message(Buffer.alloc(9)).subarray(0, 8)], /^MALFORMED_FRAME: the call ended within a message/],
    ['a part of a prefix', [EMPTY.subarray(0, 4)], /^MALFORMED_FRAME: the call ended within a message/],
  ];
  for (const [what, chunks, text] of NUMBER_OF_MESSAGES) {
    it(`${what}: INTERNAL from every method that takes one`, async () => {
      for (const path of ONE_REQUEST) {
        const ended = await call(path, chunks);
        assert.equal(ended.status, GrpcStatus.Internal, `${path} ${ended.text}`);
        assert.match(ended.text, text, path);
      }
    });
  }

  it('an order with a second message is not placed, and one that comes in pieces is', async () => {
    const place = '/openbell.v1.Trading/PlaceOrder';
    const openBefore = (await demo.get('/v1/orders?account=1')).orders.length;
    for (const chunks of [[message(ORDER), EMPTY], [Buffer.concat([message(ORDER), message(ORDER)])]])
      assert.equal((await call(place, chunks)).status, GrpcStatus.Internal);
    assert.equal((await demo.get('/v1/orders?account=1')).orders.length, openBefore);
    const whole = message(ORDER);
    const ended = await call(place, [whole.subarray(0, 3), whole.subarray(3, 20), whole.subarray(20)]);
    assert.deepEqual([ended.status, ended.text], [GrpcStatus.Ok, '']);
    assert.equal((await demo.get('/v1/orders?account=1')).orders.length, openBefore + 1);
  });

  it('any number of messages of a stream is taken, and a part of one is not', async () => {
    for (const path of STREAMS) {
      assert.equal((await call(path, [])).status, GrpcStatus.Ok, path);
      const part = await call(path, [message(Buffer.alloc(9)).subarray(0, 8)]);
      assert.deepEqual([part.status, part.text], [GrpcStatus.Internal, 'MALFORMED_FRAME: the call ended within a message'], path);
    }
    for (const path of STREAMS.slice(1)) assert.equal((await call(path, [EMPTY, EMPTY])).status, GrpcStatus.Ok, path);
  });

  it('an encoding that is not known is UNIMPLEMENTED, with those that are', async () => {
    const ways = ['snappy', 'gzip', 'deflate', 'identity, gzip', 'x'.repeat(500)];
    for (const encoding of ways) {
      const { status, text, headers } = await call(LIST_ASSETS, [message(Buffer.alloc(0), { flag: 1 })], { 'grpc-encoding': encoding });
      assert.equal(status, GrpcStatus.Unimplemented, encoding);
      assert.match(text, /^MALFORMED_FRAME: grpc-encoding \S.* is not supported: send messages uncompressed$/);
      assert.equal(headers['grpc-accept-encoding'], 'identity');
    }
    for (const path of [...ONE_REQUEST.slice(0, 4), ...STREAMS, '/grpc.health.v1.Health/Check']) {
      // Whether the first message is compressed is not asked.
      const { status, headers } = await call(path, [EMPTY], { 'grpc-encoding': 'gzip' });
      assert.deepEqual([status, headers['grpc-accept-encoding']], [GrpcStatus.Unimplemented, 'identity'], path);
    }
    assert.equal((await call(LIST_ASSETS, [EMPTY], { 'grpc-encoding': 'identity' })).status, GrpcStatus.Ok);
  });

  it('a compressed message without an encoding, and another flag, are INTERNAL', async () => {
    for (const path of [LIST_ASSETS, '/openbell.OrderEntry/Submit', '/grpc.health.v1.Health/Check', ...STREAMS]) {
      for (const [flag, encoding] of [
        [1, undefined],
        [1, 'identity'],
        [2, undefined],
        [255, undefined],
      ] as const) {
        const ended = await call(path, [message(Buffer.alloc(2), { flag })], encoding === undefined ? {} : { 'grpc-encoding': encoding });
        assert.equal(ended.status, GrpcStatus.Internal, `${path} ${ended.text}`);
        assert.match(ended.text, /^MALFORMED_FRAME: .* compressed flag/);
      }
    }
  });

  it('a message that is announced as too large is refused before it comes', async () => {
    for (const path of [LIST_ASSETS, '/openbell.OrderEntry/Submit', '/grpc.health.v1.Health/Check', ...STREAMS]) {
      for (const chunks of [[message(Buffer.alloc(9), { length: 2 ** 32 - 1 })], [message(Buffer.alloc(0), { length: 2 ** 31 }), EMPTY]]) {
        const ended = await call(path, chunks);
        assert.equal(ended.status, GrpcStatus.ResourceExhausted, `${path} ${ended.text}`);
        assert.match(ended.text, /^FRAME_TOO_LARGE: /);
      }
    }
  });

  it('what is no call of gRPC is answered in HTTP', async () => {
    for (const path of [LIST_ASSETS, '/openbell.OrderEntry/Session', '/no/such']) {
      for (const type of ['application/json', 'application/grpc-web', 'application/grpcx', 'text/plain', '']) {
        const ended = await call(path, [EMPTY], { 'content-type': type });
        assert.deepEqual([ended.http, ended.status], ['415', -1], type);
      }
      for (const method of ['GET', 'PUT', 'OPTIONS', 'HEAD']) {
        const ended = await call(path, [], { ':method': method });
        assert.deepEqual([ended.http, ended.status, ended.headers.allow], ['405', -1, 'POST'], method);
      }
    }
    for (const type of ['application/grpc+proto', 'application/grpc;charset=utf-8'])
      assert.equal((await call(LIST_ASSETS, [EMPTY], { 'content-type': type })).status, GrpcStatus.Ok, type);
    assert.equal((await call('/openbell.v1.Trading/Nothing', [EMPTY])).status, GrpcStatus.Unimplemented);
  });

  it('trailers of a client end its side', async () => {
    const headers = { ':method': 'POST', ':path': LIST_ASSETS, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = http2.request(headers, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-any': 'value' }));
    const status = new Promise((resolve) => stream.on('trailers', (got) => resolve(got['grpc-status'])));
    stream.resume();
    stream.end(EMPTY);
    assert.equal(await status, '0');
  });

  it('data after the end of a client are no second message', async (t) => {
    const orders = async (): Promise<number> => (await demo.get('/v1/orders?account=2')).orders.length;
    const order = Buffer.from(ORDER);
    order[1] = 2;
    const raw = connectRaw(demo.ports.grpc, '127.0.0.1');
    t.after(() => raw.destroy());
    raw.on('error', () => undefined).resume();
    const closed = once(raw, 'close');
    const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
    // :method POST, :scheme http; then :path, :authority and content-type, whose values are not in the static table.
    const headers = [Buffer.from([0x83, 0x86, 0x04]), text('/openbell.v1.Trading/PlaceOrder'), Buffer.from([0x41, 1, 97, 0x0f, 0x10])];
    const [DATA, HEADERS, SETTINGS, END_STREAM, END_HEADERS] = [0, 1, 4, 1, 4];
    raw.write(
      Buffer.concat([
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        frame(SETTINGS, 0, 0, Buffer.alloc(0)),
        frame(HEADERS, END_HEADERS, 1, Buffer.concat([...headers, text('application/grpc')])),
        frame(DATA, END_STREAM, 1, message(order)),
        frame(DATA, END_STREAM, 1, message(order)),
        frame(DATA, 0, 1, message(order)),
      ]),
    );
    await closed;
    assert.ok((await orders()) <= 1);
    assert.equal((await call(LIST_ASSETS, [EMPTY])).status, GrpcStatus.Ok, 'the exchange is still there');
  });
});
