import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

export interface RawMessage {
  readonly opcode: number;
  readonly data: Buffer;
}

/** A hand-written WebSocket client on a TCP socket: it can stop reading, and send bytes that no library would send. */
export class RawWebSocket {
  readonly socket: Socket;
  /** Whole frames, as they came. */
  readonly messages: RawMessage[] = [];
  /** Status line of the handshake's answer. */
  status = '';
  /** The handshake's answer. */
  head = '';
  /** What follows the head of a handshake that was rejected. */
  body = '';
  /** Code and reason of a close frame. */
  closeCode = 0;
  closeReason = '';
  ended = false;
  bytes = 0;
  /** Frames that were a piece of a message. */
  pieces = 0;
  onMessage: ((message: RawMessage) => void) | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  #upgraded = false;
  /** Of a message that comes in pieces. */
  readonly #pieces: Buffer[] = [];
  #opcode = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (data) => this.#data(data));
    socket.on('error', () => {
      this.ended = true;
    });
    socket.on('close', () => {
      this.ended = true;
    });
  }

  static async open(
    port: number,
    options: { protocol?: string; path?: string; headers?: Record<string, string> } = {},
  ): Promise<RawWebSocket> {
    const socket = connect({ port, host: '127.0.0.1' });
    const raw = new RawWebSocket(socket);
    const protocol = options.protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${options.protocol}\r\n`;
    const headers = Object.entries(options.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(
      `GET ${options.path ?? '/'} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n${protocol}${headers.join('')}\r\n`,
    );
    await raw.until(() => raw.#upgraded || raw.ended);
    return raw;
  }

  /**
   * Resolves when `condition` holds; it is checked in each turn of the event
   * loop. The timeout counts turns of 1 ms or more instead of reading a clock: in a
   * process that was not scheduled for ten seconds, a clock would report a timeout
   * before the socket, which has all its data by then, is read.
   */
  async until(condition: () => boolean, timeoutMs = 60_000): Promise<void> {
    for (let waited = 0; !condition(); waited++) {
      if (waited >= timeoutMs) throw new Error('the socket did not receive the expected data');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Sends one masked frame. */
  send(opcode: number, data: Uint8Array | string): void {
    this.socket.write(frame(opcode, typeof data === 'string' ? Buffer.from(data) : data));
  }

  text(value: unknown): void {
    this.send(Opcode.Text, typeof value === 'string' ? value : JSON.stringify(value));
  }

  /** Text messages so far, parsed. */
  json(): Record<string, unknown>[] {
    return this.messages.filter(({ opcode }) => opcode === Opcode.Text).map(({ data }) => JSON.parse(data.toString('utf8')));
  }

  destroy(): void {
    this.socket.destroy();
  }

  #data(data: Buffer): void {
    this.bytes += data.length;
    this.#buffer = this.#buffer.length === 0 ? data : Buffer.concat([this.#buffer, data]);
    if (!this.#upgraded) {
      const end = this.#buffer.indexOf('\r\n\r\n');
      if (end === -1) return;
      this.head = this.#buffer.toString('latin1', 0, end);
      this.status = this.#buffer.toString('latin1', 0, this.#buffer.indexOf('\r\n'));
      this.#buffer = this.#buffer.subarray(end + 4);
      this.#upgraded = true;
    }
    if (!this.status.includes(' 101 ')) {
      this.body = this.#buffer.toString();
      return;
    }
    for (;;) {
      const buffer = this.#buffer;
      if (buffer.length < 2) return;
      let length = buffer[1] & 127;
      let at = 2;
      if (length === 126) {
        if (buffer.length < 4) return;
        length = buffer.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        if (buffer.length < 10) return;
        length = Number(buffer.readBigUInt64BE(2));
        at = 10;
      }
      if (buffer.length < at + length) return;
      const opcode = buffer[0] & 15;
      const payload = buffer.subarray(at, at + length);
      this.#buffer = buffer.subarray(at + length);
      // Control frames come whole, also between the pieces of a message.
      const whole = (buffer[0] & 128) !== 0;
      if (!whole || opcode === Opcode.Continuation) {
        this.#pieces.push(payload);
        this.pieces++;
        if (opcode !== Opcode.Continuation) this.#opcode = opcode;
        if (!whole) continue;
      }
      const continued = opcode === Opcode.Continuation;
      const message = { opcode: continued ? this.#opcode : opcode, data: continued ? Buffer.concat(this.#pieces.splice(0)) : payload };
      if (message.opcode === Opcode.Close && length >= 2) {
        this.closeCode = message.data.readUInt16BE(0);
        this.closeReason = message.data.toString('utf8', 2);
      } else if (this.onMessage !== undefined) this.onMessage(message);
      else this.messages.push(message);
    }
  }
}

/** A masked client frame, all in one piece. */
export function frame(opcode: number, data: Uint8Array): Buffer {
  const { length } = data;
  const head = length < 126 ? Buffer.from([0x80 | opcode, 0x80 | length]) : Buffer.alloc(length < 65_536 ? 4 : 10);
  if (length >= 126) {
    head[0] = 0x80 | opcode;
    head[1] = 0x80 | (length < 65_536 ? 126 : 127);
    if (length < 65_536) head.writeUInt16BE(length, 2);
    else head.writeBigUInt64BE(BigInt(length), 2);
  }
  const mask = randomBytes(4);
  const masked = Buffer.from(data);
  for (let i = 0; i < length; i++) masked[i] ^= mask[i & 3];
  return Buffer.concat([head, mask, masked]);
}
