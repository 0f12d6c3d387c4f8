import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Wire } from './connection-output.ts';

/** How long a socket that is closed may take to pass on what was written, ms. */
const CLOSE_MS = 1000;
const NOTHING = Buffer.alloc(0);

/** The socket of a connection, with TLS or without. */
export class SocketWire implements Wire {
  readonly #socket: Socket;
  readonly #isPlain: boolean;
  readonly #onDrained: () => void;

  /** @param onDrained called when the socket has taken a write that it did not take at once */
  constructor(socket: Socket, onDrained: () => void) {
    this.#socket = socket;
    this.#isPlain = !(socket instanceof TLSSocket);
    this.#onDrained = onDrained;
  }

  write(bytes: Buffer): boolean {
    const socket = this.#socket;
    if (!this.#isPlain) {
      socket.write(bytes, this.#written);
      return false;
    }
    // A write with a callback costs a tick, and the kernel takes most writes at once.
    socket.write(bytes);
    if (socket.writableLength === 0) return true;
    socket.write(NOTHING, this.#written);
    return false;
  }

  close(): void {
    const socket = this.#socket;
    socket.destroySoon();
    if (!socket.destroyed) setTimeout(() => socket.destroy(), CLOSE_MS).unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  readonly #written = (error: Error | null | undefined): void => {
    if (!error) this.#onDrained();
  };
}
