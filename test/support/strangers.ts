/** The attackers of test/strangers.ts, in a process of their own, on loopback only. Each attacker has an address of its own. */
import { Agent, get } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostileAccounts } from './hostile-accounts.ts';
import { Opcode, RawWebSocket } from './raw-websocket.ts';
import { runDisturber } from './soak-child.ts';

export interface StrangersStart {
  readonly ports: { readonly grpc: number; readonly ws: number; readonly http: number };
  /** Of a trader whose account has many orders. */
  readonly token: string;
  readonly account: number;
  /** Signed by nobody. */
  readonly forged: string;
  /** Only attackers with this text in their names; empty: all. */
  readonly only: string;
}

/** Pause of an attacker between two rounds, ms: what is tested is the exchange, not the scheduler of a shared machine. */
const PAUSE_MS = 20;

let start: StrangersStart;
let attacking = false;
const rounds: Record<string, number> = {};
/** Everything that is open, to be closed when the attack pauses. */
const open = new Set<{ destroy(): void }>();

function tcp(port: number, localAddress: string): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  socket.on('close', () => open.delete(socket));
  open.add(socket);
  return socket;
}

/** An HTTP/2 connection, new when the exchange has cut the last one. */
function http2(localAddress: string): () => ClientHttp2Session {
  let session: ClientHttp2Session | undefined;
  return () => {
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    const made = connectHttp2(`http://127.0.0.1:${start.ports.grpc}`, { localAddress } as object);
    made.on('error', () => undefined);
    made.on('close', () => open.delete(made));
    open.add(made);
    session = made;
    return made;
  };
}

const grpc = (path: string, headers: Record<string, string> = {}) => ({
  ':method': 'POST',
  ':path': path,
  'content-type': 'application/grpc',
  te: 'trailers',
  ...headers,
});
const SESSION = '/openbell.OrderEntry/Session';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function calls(
  session: ClientHttp2Session,
  count: number,
  headers: Record<string, string>,
  then: (stream: ReturnType<ClientHttp2Session['request']>) => void,
): void {
  for (let i = 0; i < count && !session.destroyed && !session.closed; i++) {
    const stream = session.request(headers);
    stream.on('error', () => undefined);
    stream.resume();
    then(stream);
  }
}

/** Requests in a loop on connections that are kept, answers read. */
function queries(localAddress: string, path: () => string): () => Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 4, localAddress } as object);
  return () =>
    new Promise((resolve) => {
      const sent = get({ port: start.ports.http, host: '127.0.0.1', agent, path: path(), headers: bearer(start.token) }, (answer) => {
        answer.on('error', () => resolve());
        answer.on('end', () => resolve());
        answer.resume();
      });
      sent.on('error', () => resolve());
    });
}

/** A WebSocket that is opened again when it was cut. */
function webSocket(path: string, then: (socket: RawWebSocket) => void): () => Promise<void> {
  let socket: RawWebSocket | undefined;
  return async () => {
    if (socket === undefined || socket.ended || !open.has(socket)) {
      socket = await RawWebSocket.open(start.ports.ws, { path, protocol: 'json', headers: bearer(start.token) });
      socket.onMessage = () => undefined;
      open.add(socket);
    }
    then(socket);
  };
}

/** One round of each attacker. */
function attackers(): Record<string, () => unknown> {
  const { http } = start.ports;
  const all: Record<string, () => unknown> = {
    'pipelined scrapes': () => tcp(http, '127.0.1.1').resume().end('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000)),
    scrapes: () => tcp(http, '127.0.1.2').resume().write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'),
    'silent connections': () => {
      for (let i = 0; i < 10 && open.size < 1500; i++) tcp(http, '127.0.1.3').resume();
    },
    'stalled bodies': () =>
      tcp(http, '127.0.1.4')
        .resume()
        .write('POST /v1/auth/challenge HTTP/1.1\r\nHost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{'),
    orders: queries('127.0.2.1', () => `/v1/accounts/${start.account}/orders?limit=1000`),
    'first orders': queries('127.0.2.2', () => `/v1/accounts/${start.account}/orders?before=1`),
    'open orders': queries('127.0.2.3', () => `/v1/accounts/${start.account}/open-orders?limit=1000`),
    'deep books': queries('127.0.2.4', () => '/v1/book/BTC-USD?depth=5000'),
    'forged tokens': () =>
      tcp(http, '127.0.2.5').resume().write(`GET /v1/symbols HTTP/1.1\r\nHost: a\r\nauthorization: Bearer ${start.forged}\r\n\r\n`),
    'unread pings': webSocket(`/v1/orders?account=${start.account}`, (socket) => {
      socket.socket.pause();
      for (let i = 0; i < 200; i++) socket.send(Opcode.Ping, 'x'.repeat(120));
    }),
  };
  for (let i = 0; i < 8; i++) {
    const channel = i % 2 === 0 ? 'book' : 'book-l3';
    all[`resubscription ${i}`] = webSocket('/', (socket) => socket.text({ op: 'subscribe', channel, symbol: 'BTC-USD' }));
  }
  const [prefixes, unknown, resets, forged, resumes] = [1, 2, 3, 4, 5].map((i) => http2(`127.0.3.${i}`));
  const session = { 'x-openbell-account': String(start.account), ...bearer(start.token) };
  all['announced messages'] = () => calls(prefixes(), 20, grpc(SESSION, session), (stream) => stream.write(Buffer.from([0, 0, 16, 0, 0])));
  all['unknown methods'] = () => calls(unknown(), 50, grpc('/no.Such/Method'), (stream) => stream.end());
  all.resets = () => calls(resets(), 50, grpc(SESSION), (stream) => stream.close(8));
  all['forged calls'] = () => calls(forged(), 50, grpc(SESSION, { ...session, ...bearer(start.forged) }), (stream) => stream.end());
  all.resumes = () =>
    calls(resumes(), 1, grpc(SESSION, { ...session, 'x-openbell-last-report': '0' }), (stream) => setTimeout(() => stream.close(8), 200));
  const { ports, account, token } = start;
  return { ...all, ...hostileAccounts({ ports, account, headers: bearer(token), open, http2 }) };
}

async function loop(name: string, round: () => unknown): Promise<void> {
  rounds[name] = 0;
  for (;;) {
    if (attacking) {
      try {
        await Promise.race([round(), sleep(2000)]);
      } catch {
        // The exchange has cut the connection, as it should.
      }
      rounds[name]++;
    }
    await sleep(PAUSE_MS);
  }
}

if (process.send !== undefined)
  runDisturber<StrangersStart>({
    begin: (given) => {
      start = given;
      for (const [name, round] of Object.entries(attackers())) if (name.includes(start.only)) void loop(name, round);
    },
    disturb: (on) => {
      attacking = on;
      if (on) return;
      for (const each of [...open]) each.destroy();
      open.clear();
    },
    rounds,
  });
