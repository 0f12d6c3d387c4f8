import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { MessageSplitter } from './message-splitter.ts';
import { SendArena } from './send-arena.ts';
import { SocketWatch } from './socket-watch.ts';
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
  readonly #watch: SocketWatch;

  constructor(socket: Socket, listener: TransportListener) {
    this.#socket = socket;
    const onMessage = (message: Buffer, nowMs: number): void => listener.onMessage(message, nowMs);
    this.#watch = new SocketWatch(socket, new LengthSplitter(), onMessage, (reason) => listener.onLost(reason));
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
    return this.#watch.close();
  }
}
