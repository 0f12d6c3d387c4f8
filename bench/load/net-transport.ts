import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { MessageSplitter } from './message-splitter.ts';
import { SendArena } from './send-arena.ts';
import type { OpenTransport, OrderTransport, TransportListener, TransportOptions } from './transport.ts';

/** Before each message: its length, little-endian. */
export const LENGTH_BYTES = 4;
/** The first message of a connection: the number of the last report, a double, little-endian. */
export const LAST_REPORT_BYTES = 8;
const ARENA_BYTES = 2 ** 23;

/** Cuts a stream of messages with their lengths before them. */
export class LengthSplitter extends MessageSplitter {
  protected override readHead(bytes: Buffer, at: number): number {
    if (at + LENGTH_BYTES > bytes.length) return 0;
    this.length = bytes.readUInt32LE(at);
    return LENGTH_BYTES;
  }
}

/**
 * The same frames on a bare TCP connection: the least that a transport can cost. The exchange does not serve it, only the echo. All
 * messages of a turn go out in one write.
 */
export async function openNet({ port, lastReport = 0 }: TransportOptions, listener: TransportListener): Promise<OpenTransport> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const transport = new NetTransport(socket, listener);
  const first = Buffer.alloc(LAST_REPORT_BYTES);
  first.writeDoubleLE(lastReport);
  transport.add(first);
  transport.flush();
  return { transport, lastReport };
}

class NetTransport implements OrderTransport {
  readonly #socket: Socket;
  readonly #arena = new SendArena(ARENA_BYTES);
  readonly #splitter = new LengthSplitter();
  #closing = false;
  /** Also if the connection was lost before. */
  readonly #closed: Promise<void>;

  constructor(socket: Socket, listener: TransportListener) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => void socket.once('close', () => resolve()));
    let nowMs = 0;
    let lost = 'the connection was closed';
    const onMessage = (message: Buffer): void => listener.onMessage(message, nowMs);
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
  }

  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  add(frame: Uint8Array): void {
    const { bytes } = this.#arena;
    const at = this.#arena.reserve(LENGTH_BYTES + frame.length);
    bytes.writeUInt32LE(frame.length, at);
    bytes.set(frame, at + LENGTH_BYTES);
  }

  flush(): void {
    const taken = this.#arena.take();
    if (taken.length !== 0) this.#socket.write(taken);
  }

  close(): Promise<void> {
    this.#closing = true;
    this.#socket.destroy();
    return this.#closed;
  }
}
