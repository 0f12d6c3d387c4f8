import type { Socket } from 'node:net';
import type { MessageSplitter } from './message-splitter.ts';

/** What a transport on a bare socket does with it: cuts what arrives into messages, and reports whether the connection ended by itself. */
export class SocketWatch {
  /** Why the connection ended, should it end by itself. */
  reason = 'the connection was closed';
  readonly #socket: Socket;
  #closing = false;
  /** Also if the connection was lost before. */
  readonly #closed: Promise<void>;

  /** @param onMessage as in TransportListener @param onLost called with the reason when the connection ends by itself */
  constructor(
    socket: Socket,
    splitter: MessageSplitter,
    onMessage: (message: Buffer, nowMs: number) => void,
    onLost: (reason: string) => void,
  ) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => void socket.once('close', () => resolve()));
    let nowMs = 0;
    const take = (message: Buffer): void => onMessage(message, nowMs);
    socket.on('data', (piece: Buffer) => {
      nowMs = performance.now();
      splitter.push(piece, take);
    });
    socket.on('error', (error) => {
      this.reason = error.message;
    });
    socket.on('close', () => {
      if (!this.#closing) onLost(this.reason);
    });
  }

  /** Resolves when the connection is closed. */
  close(): Promise<void> {
    this.#closing = true;
    this.#socket.destroy();
    return this.#closed;
  }
}
