import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { SendArena } from './send-arena.ts';
import { SocketWatch } from './socket-watch.ts';
import type { OpenTransport, OrderTransport, TransportListener, TransportOptions } from './transport.ts';
import { BINARY, CLOSE, MASK_BYTES, MASKED, PING, PONG, upgraded, WebSocketSplitter } from './websocket.ts';

/** Where the exchange serves orders, and the header of its answer with the number of the account's last report. */
export const WS_ORDERS_PATH = '/v1/orders';
export const WS_LAST_REPORT = 'x-openbell-last-report';
const ARENA_BYTES = 2 ** 23;

/** WebSocket order entry by hand on a TCP socket. All messages of a turn go out in one write. */
export function openWebSocket(options: TransportOptions, listener: TransportListener): Promise<OpenTransport> {
  return connectWebSocket(options, listener, { opcode: BINARY, protocol: 'binary' });
}

/** @param kind subprotocol, and first byte of the frames that are sent */
export async function connectWebSocket(
  { port, account, lastReport }: TransportOptions,
  listener: TransportListener,
  { opcode, protocol }: { readonly opcode: number; readonly protocol: string },
): Promise<OpenTransport> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const query = lastReport === undefined ? '' : `&last-report=${lastReport}`;
  socket.write(
    `GET ${WS_ORDERS_PATH}?account=${account}${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
  );
  const head = await upgraded(socket);
  const transport = new WebSocketTransport(socket, listener, opcode);
  const last = /^x-openbell-last-report: *(\d+)/im.exec(head)?.[1];
  return { transport, lastReport: last === undefined ? undefined : Number(last) };
}

class WebSocketTransport implements OrderTransport {
  readonly #socket: Socket;
  readonly #opcode: number;
  readonly #arena = new SendArena(ARENA_BYTES);
  readonly #splitter = new WebSocketSplitter();
  readonly #watch: SocketWatch;

  constructor(socket: Socket, listener: TransportListener, opcode: number) {
    this.#socket = socket;
    this.#opcode = opcode;
    const onMessage = (message: Buffer, nowMs: number): void => {
      const { opcode } = this.#splitter;
      if (opcode === PING) this.#pong(message);
      else if (opcode === CLOSE)
        this.#watch.reason = `closed with ${message.length < 2 ? 'no code' : message.readUInt16BE(0)} ${message.toString('utf8', 2)}`;
      else listener.onMessage(message, nowMs);
    };
    this.#watch = new SocketWatch(socket, this.#splitter, onMessage, (reason) => listener.onLost(reason));
    socket.resume();
  }

  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  add(frame: Uint8Array): void {
    this.#frame(this.#opcode, frame);
  }

  flush(): void {
    const taken = this.#arena.take();
    if (taken.length !== 0) this.#socket.write(taken);
  }

  close(): Promise<void> {
    return this.#watch.close();
  }

  #pong(payload: Buffer): void {
    this.#frame(PONG, payload);
    this.flush();
  }

  #frame(first: number, payload: Uint8Array): void {
    const { length } = payload;
    const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
    const { bytes } = this.#arena;
    const at = this.#arena.reserve(head + MASK_BYTES + length);
    bytes[at] = first;
    if (head === 2) bytes[at + 1] = MASKED | length;
    else if (head === 4) {
      bytes[at + 1] = MASKED | 126;
      bytes.writeUInt16BE(length, at + 2);
    } else {
      bytes[at + 1] = MASKED | 127;
      bytes.writeBigUInt64BE(BigInt(length), at + 2);
    }
    bytes.fill(0, at + head, at + head + MASK_BYTES);
    bytes.set(payload, at + head + MASK_BYTES);
  }
}
