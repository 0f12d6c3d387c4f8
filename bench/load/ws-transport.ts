import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { MessageSplitter } from './message-splitter.ts';
import { SendArena } from './send-arena.ts';
import type { OpenTransport, OrderTransport, TransportListener, TransportOptions } from './transport.ts';

const ARENA_BYTES = 2 ** 23;
const BINARY = 0x82;
const CLOSE = 8;
const PING = 9;
/** A client's frame is masked; the mask may be 0, which leaves the bytes as they are. */
const MASKED = 0x80;
const MASK_BYTES = 4;

class WebSocketSplitter extends MessageSplitter {
  opcode = 0;

  protected override readHead(bytes: Buffer, at: number): number {
    if (at + 2 > bytes.length) return 0;
    this.opcode = bytes[at] & 15;
    const short = bytes[at + 1] & 127;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (at + head > bytes.length) return 0;
    this.length = short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    return head;
  }
}

/** WebSocket order entry by hand on a TCP socket. All messages of a turn go out in one write. */
export async function openWebSocket({ port, account, lastReport }: TransportOptions, listener: TransportListener): Promise<OpenTransport> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const query = lastReport === undefined ? '' : `&last-report=${lastReport}`;
  socket.write(
    `GET /v1/orders?account=${account}${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  const { head, rest } = await handshake(socket);
  if (!head.startsWith('HTTP/1.1 101')) throw new Error(`the session of account ${account} was refused: ${head}`);
  const transport = new WebSocketTransport(socket, listener);
  if (rest.length > 0) socket.unshift(rest);
  const last = /^x-openbell-last-report: *(\d+)/im.exec(head)?.[1];
  return { transport, lastReport: last === undefined ? undefined : Number(last) };
}

function handshake(socket: Socket): Promise<{ head: string; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const onData = (piece: Buffer): void => {
      answer = Buffer.concat([answer, piece]);
      const end = answer.indexOf('\r\n\r\n');
      if (end === -1) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.pause();
      resolve({ head: answer.toString('latin1', 0, end), rest: answer.subarray(end + 4) });
    };
    const onClose = (): void => reject(new Error('the exchange closed the connection instead of an answer'));
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.once('error', reject);
  });
}

class WebSocketTransport implements OrderTransport {
  readonly #socket: Socket;
  readonly #arena = new SendArena(ARENA_BYTES);
  readonly #splitter = new WebSocketSplitter();
  #closing = false;

  constructor(socket: Socket, listener: TransportListener) {
    this.#socket = socket;
    let nowMs = 0;
    let lost = 'the connection was closed';
    const onMessage = (message: Buffer): void => {
      const { opcode } = this.#splitter;
      if (opcode === PING) this.#pong(message);
      else if (opcode === CLOSE)
        lost = `closed with ${message.length < 2 ? 'no code' : message.readUInt16BE(0)} ${message.toString('utf8', 2)}`;
      else listener.onMessage(message, nowMs);
    };
    socket.on('data', (piece: Buffer) => {
      nowMs = performance.now();
      this.#splitter.push(piece, onMessage);
    });
    socket.on('error', (error) => {
      lost = error.message;
    });
    socket.on('close', () => {
      if (!this.#closing) listener.onLost(lost);
    });
    socket.resume();
  }

  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  add(frame: Uint8Array): void {
    this.#frame(BINARY, frame);
  }

  flush(): void {
    const taken = this.#arena.take();
    if (taken.length !== 0) this.#socket.write(taken);
  }

  close(): Promise<void> {
    this.#closing = true;
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
      this.#socket.destroy();
    });
  }

  #pong(payload: Buffer): void {
    this.#frame(0x8a, payload);
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
