import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { MessageSplitter } from './message-splitter.ts';
import { SendArena } from './send-arena.ts';
import {
  type Caller,
  type OpenTransport,
  type OrderTransport,
  SESSION_PATH,
  type TransportListener,
  type TransportOptions,
} from './transport.ts';

/** Before a gRPC message: a byte "not compressed" and its length, big-endian. */
export const GRPC_PREFIX_BYTES = 5;
/** Header, of the call and of its answer: the number of the account's last report. */
export const LAST_REPORT = 'x-openbell-last-report';
const ARENA_BYTES = 2 ** 23;
/** Flow-control window in bytes, for a stream and for a connection. */
const RECEIVE_WINDOW = 2 ** 22;

/** Cuts a stream of gRPC messages. */
export class GrpcSplitter extends MessageSplitter {
  protected override readHead(bytes: Buffer, at: number): number {
    if (at + GRPC_PREFIX_BYTES > bytes.length) return 0;
    this.length = bytes.readUInt32BE(at + 1);
    return GRPC_PREFIX_BYTES;
  }
}

/**
 * gRPC directly over node:http2: one Session call on a separate connection.
 * All messages of a turn go out in one write; each is still a separate gRPC
 * message.
 */
export async function openGrpc(
  { port, account, lastReport, caller }: TransportOptions,
  listener: TransportListener,
  path: string = SESSION_PATH,
): Promise<OpenTransport> {
  const settings = { initialWindowSize: RECEIVE_WINDOW, enablePush: false };
  const session = connect(`${caller?.tls === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${port}`, {
    settings,
    ...secured(caller?.tls),
  });
  session.on('connect', () => session.setLocalWindowSize(RECEIVE_WINDOW));
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'x-openbell-account': String(account),
      ...(lastReport !== undefined && { [LAST_REPORT]: String(lastReport) }),
      ...caller?.headers,
    },
    { endStream: false },
  );
  const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
    session.once('error', reject);
    stream.once('error', reject);
    stream.once('response', resolve);
  });
  const last = headers[LAST_REPORT];
  if (last === undefined)
    throw new Error(`the session of account ${account} was rejected: ${headers['grpc-message'] ?? headers[':status']}`);
  return { transport: new GrpcTransport(session, stream, listener), lastReport: Number(last) };
}

function secured(tls: Caller['tls']) {
  if (tls === undefined) return {};
  const { ca, cert, key } = tls;
  return { ca: readFileSync(ca), ...(cert !== undefined && key !== undefined && { cert: readFileSync(cert), key: readFileSync(key) }) };
}

class GrpcTransport implements OrderTransport {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #arena = new SendArena(ARENA_BYTES);
  readonly #splitter = new GrpcSplitter();
  #closing = false;
  /** Also if the connection was lost before. */
  readonly #closed: Promise<void>;

  constructor(session: ClientHttp2Session, stream: ClientHttp2Stream, listener: TransportListener) {
    this.#session = session;
    this.#closed = new Promise((resolve) => void session.once('close', () => resolve()));
    this.#stream = stream;
    let nowMs = 0;
    const onMessage = (message: Buffer): void => listener.onMessage(message, nowMs);
    stream.on('data', (piece: Buffer) => {
      nowMs = performance.now();
      this.#splitter.push(piece, onMessage);
    });
    let lost = '';
    stream.on('trailers', (trailers) => {
      lost = `grpc-status ${trailers['grpc-status']} ${trailers['grpc-message'] ?? ''}`;
    });
    session.on('error', (error) => {
      lost = error.message;
    });
    stream.on('error', (error) => {
      lost = error.message;
    });
    stream.on('close', () => {
      if (!this.#closing) listener.onLost(lost);
    });
  }

  get waitingBytes(): number {
    return this.#stream.writableLength;
  }

  add(frame: Uint8Array): void {
    const { bytes } = this.#arena;
    const at = this.#arena.reserve(GRPC_PREFIX_BYTES + frame.length);
    bytes[at] = 0;
    bytes.writeUInt32BE(frame.length, at + 1);
    bytes.set(frame, at + GRPC_PREFIX_BYTES);
  }

  flush(): void {
    const taken = this.#arena.take();
    if (taken.length !== 0) this.#stream.write(taken);
  }

  close(): Promise<void> {
    this.#closing = true;
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#session.close();
    return this.#closed;
  }
}
