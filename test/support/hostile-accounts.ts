/**
 * Attackers of test/strangers.ts with credentials: what one account can do over JSON, REST and protobuf. Each name begins with
 * "hostile", so that `--only hostile` runs these alone. They use loopback only.
 */
import { Agent, get } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { ServerReflectionRequestSchema } from '../../gateway/protobuf/generated/grpc/reflection/v1/reflection_pb.ts';
import { SubscribeBookRequestSchema } from '../../gateway/protobuf/generated/openbell/v1/market_data_pb.ts';
import { SubscribeReportsRequestSchema } from '../../gateway/protobuf/generated/openbell/v1/trading_pb.ts';
import { frame, Opcode, RawWebSocket } from './raw-websocket.ts';

/** What the attackers need of their process. */
export interface HostileSources {
  readonly ports: { readonly ws: number; readonly http: number };
  readonly account: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What is open, to be closed when the attack pauses. */
  readonly open: Set<{ destroy(): void }>;
  /** An HTTP/2 connection from this address, new when the exchange has cut the last one. */
  readonly http2: (localAddress: string) => () => ClientHttp2Session;
}

/** Connections of each attacker. */
const CONNECTIONS = 8;
/** Messages of a round and connection. */
const BURST = 50;
const CHANNELS = ['book-l3', 'book', 'trades', 'bbo', 'ticker', 'candles-1s'];
const MOST_MESSAGE_BYTES = 16 * 1024;

/** One round of each attacker, by name. */
export function hostileAccounts(sources: HostileSources): Record<string, () => unknown> {
  const { account, http2, headers } = sources;
  const market = (name: string, then: (socket: RawWebSocket) => void) => ({ [`hostile market: ${name}`]: sockets(sources, '/', then) });
  const orders = (name: string, then: (socket: RawWebSocket) => void, channels = '') => ({
    [`hostile orders: ${name}`]: sockets(sources, `/v1/orders?account=${account}${channels}`, then),
  });
  const rest = (name: string, path: string) => ({ [`hostile REST: ${name}`]: queries(sources, path) });
  const grpc = (name: string, path: string, message: Uint8Array, keep: boolean) => ({
    [`hostile gRPC: ${name}`]: calls(http2('127.0.4.1'), path, { 'x-openbell-account': String(account), ...headers }, message, keep),
  });
  const symbol = '*';
  return {
    ...market(
      'every order again',
      burst(() => ({ op: 'subscribe', channel: 'book-l3', symbol })),
    ),
    ...market(
      'on and off',
      burst((i) => ({ op: i % 2 === 0 ? 'subscribe' : 'unsubscribe', channel: CHANNELS[(i >> 1) % 6], symbol })),
    ),
    ...market('snapshots', (socket) => {
      socket.text({ op: 'subscribe', channel: 'trades', symbol, last: 100 });
      for (let i = 0; i < BURST; i++) socket.text({ op: 'resnapshot', channel: 'trades', symbol });
    }),
    ...market('unread', (socket) => {
      socket.socket.pause();
      for (const channel of CHANNELS) socket.text({ op: 'subscribe', channel, symbol });
    }),
    ...market(
      'wrong requests',
      burst(() => ({ op: 'subscribe', channel: 'x'.repeat(3000), symbol, a: 1, b: 2 })),
    ),
    ...orders('nested', (socket) => socket.text('['.repeat(MOST_MESSAGE_BYTES))),
    ...orders('garbage', (socket) => socket.text(`{"op":"place","symbol":"${'x'.repeat(2 ** 20)}"}`)),
    ...orders('long garbage', repeated(`{"op":"place","symbol":"${'x'.repeat(MOST_MESSAGE_BYTES - 100)}"}`, 20)),
    ...orders('refusals', repeated(JSON.stringify(Array.from({ length: 32 }, () => ({ op: 'place', symbol: 'none', x: 1 }))), 10)),
    ...orders('tiny messages', repeated('{}', 10_000)),
    ...orders(
      'snapshots',
      burst(() => ({ op: 'snapshot' })),
      '&channels=orders,fills,balances,alerts',
    ),
    ...orders(
      'orders that rest',
      burst((i) => placed(i)),
      '&channels=orders,fills,balances,alerts',
    ),
    ...rest('trades', '/v1/trades?symbol=BTC-USD&limit=1000'),
    ...rest('ledger', `/v1/accounts/${account}/ledger?limit=1000`),
    ...rest('candles', '/v1/candles?symbol=BTC-USD&interval=1s&limit=1000'),
    ...rest('document', '/openapi.json'),
    ...rest('stream document', '/asyncapi.json'),
    ...grpc(
      'book streams',
      '/openbell.v1.MarketData/SubscribeBook',
      toBinary(SubscribeBookRequestSchema, create(SubscribeBookRequestSchema, { symbols: ['BTC-USD'] })),
      false,
    ),
    ...grpc(
      'reports again',
      '/openbell.v1.Trading/SubscribeReports',
      toBinary(SubscribeReportsRequestSchema, create(SubscribeReportsRequestSchema, { account, fromReportNo: 1n })),
      false,
    ),
    ...grpc('reflection', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', REFLECTION, true),
    'hostile feeds': sockets(sources, '/v1/feed-tail?feed=none', () => undefined),
  };
}

const REFLECTION = toBinary(
  ServerReflectionRequestSchema,
  create(ServerReflectionRequestSchema, { messageRequest: { case: 'fileContainingSymbol', value: 'openbell.v1.Trading' } }),
);

/** Orders of the account that do not trade, and are replaced. */
function placed(i: number): object {
  const [symbol, orderQty, price] = ['BTC-USD', '0.001', `${10_000 + (i % 50)}.00`];
  return i % 10 === 9 ? { op: 'cancel-all', symbol } : { op: 'place', symbol, side: 'buy', orderQty, price };
}

function burst(request: (i: number) => object): (socket: RawWebSocket) => void {
  const bytes = Buffer.concat(Array.from({ length: BURST }, (_, i) => frame(Opcode.Text, Buffer.from(JSON.stringify(request(i))))));
  return (socket) => socket.socket.write(bytes);
}

function repeated(text: string, count: number): (socket: RawWebSocket) => void {
  const one = frame(Opcode.Text, Buffer.from(text));
  const bytes = Buffer.concat(Array.from({ length: count }, () => one));
  return (socket) => socket.socket.write(bytes);
}

/** A round for each of some sockets, which are opened again when they were cut. What has not left yet is not added to. */
function sockets({ ports, headers, open }: HostileSources, path: string, then: (socket: RawWebSocket) => void): () => Promise<void> {
  const all: (RawWebSocket | undefined)[] = Array.from({ length: CONNECTIONS }, () => undefined);
  return async () => {
    for (const [i, known] of all.entries()) {
      let socket = known;
      if (socket === undefined || socket.ended || socket.closeCode !== 0 || !open.has(socket)) {
        if (socket !== undefined) open.delete(socket);
        socket?.destroy();
        socket = await RawWebSocket.open(ports.ws, { path, protocol: 'json', headers });
        socket.onMessage = () => undefined;
        open.add(socket);
        all[i] = socket;
      }
      if (socket.socket.writableLength === 0) then(socket);
    }
  };
}

/** Requests on connections that are kept, several at once, answers read. */
function queries({ ports, headers }: HostileSources, path: string): () => Promise<unknown> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const one = () =>
    new Promise<void>((resolve) => {
      const sent = get({ port: ports.http, host: '127.0.0.1', agent, path, headers }, (answer) => {
        answer.on('error', () => resolve());
        answer.on('end', () => resolve());
        answer.resume();
      });
      sent.on('error', () => resolve());
    });
  return () => Promise.all(Array.from({ length: CONNECTIONS }, one));
}

/** Calls with this message, or one call that is kept, with many of them. */
function calls(
  session: () => ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string>>,
  message: Uint8Array,
  keep: boolean,
): () => void {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const bytes = Buffer.concat([prefix, message]);
  let kept: ReturnType<ClientHttp2Session['request']> | undefined;
  return () => {
    const from = session();
    if (from.closed || from.destroyed) return;
    const begin = () => {
      const stream = from.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers });
      stream.on('error', () => undefined);
      stream.resume();
      return stream;
    };
    if (keep) {
      if (kept === undefined || kept.closed || kept.destroyed) kept = begin();
      kept.write(Buffer.concat(Array.from({ length: BURST }, () => bytes)));
      return;
    }
    for (let i = 0; i < CONNECTIONS; i++) {
      const stream = begin();
      stream.end(bytes);
      setTimeout(() => stream.close(8), 500);
    }
  };
}
