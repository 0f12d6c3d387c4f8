import { connect, type Socket } from 'node:net';
import { Code } from '../../engine/codes.ts';
import { getI64 } from '../../engine/units.ts';
import { Channel, FrameKind, LevelUpdate, MarketOp } from '../../engine/wire/layout.ts';
import { MarketFrameReader, marketRequest } from '../../engine/wire/market-frames.ts';
import { BINARY, MASKED, PING, PONG, upgraded, WebSocketSplitter } from '../load/websocket.ts';

/** Of one message: a snapshot of a book; of anything else. */
const BOOK_BYTES = 256 * 1024;
const OTHER_BYTES = 8 * 1024;
const KEY = 'AAAAAAAAAAAAAAAAAAAAAA==';

const frame = new MarketFrameReader();

/** Called for each frame of the book: everything up to command `seq` has arrived. */
export type OnBook = (reader: MarketReader, seq: number, nowMs: number) => void;

/** A WebSocket with one subscription, by hand on a TCP socket. */
export class MarketReader {
  readonly socket: Socket;
  /** Seq of the last command that has arrived here, 0 before the first frame. */
  seq = 0;
  frames = 0;
  gaps = 0;
  #number = -1;
  readonly #splitter: WebSocketSplitter;
  readonly #onBook: OnBook;

  private constructor(socket: Socket, splitter: WebSocketSplitter, onBook: OnBook) {
    this.socket = socket;
    this.#splitter = splitter;
    this.#onBook = onBook;
    let nowMs = 0;
    const onMessage = (message: Buffer): void => this.#message(message, nowMs);
    socket.on('error', () => undefined); // the exchange disconnected it and counts this
    socket.on('data', (piece: Buffer) => {
      nowMs = performance.now();
      this.#splitter.push(piece, onMessage);
    });
    socket.resume();
  }

  static async open(port: number, channel: number, symbol: number, onBook: OnBook): Promise<MarketReader> {
    const socket = await subscribe(port, channel, symbol);
    return new MarketReader(socket, new WebSocketSplitter(channel === Channel.Book ? BOOK_BYTES : OTHER_BYTES), onBook);
  }

  #message(message: Buffer, nowMs: number): void {
    const { opcode } = this.#splitter;
    if (opcode === PING) send(this.socket, PONG, message);
    if (opcode !== 2) return;
    const code = frame.open(message);
    if (code !== Code.OK) throw new Error(`the exchange sent an invalid MarketFrame: code ${code}`);
    if (frame.kind !== FrameKind.Snapshot && frame.kind !== FrameKind.Delta) return;
    this.frames++;
    if (frame.kind === FrameKind.Delta) {
      if (frame.firstNo !== this.#number + 1) this.gaps++;
      this.#number = frame.firstNo + frame.count - 1;
    } else this.#number = frame.firstNo;
    if (frame.channel !== Channel.Book || frame.count === 0) return;
    this.#onBook(this, getI64(frame.words, frame.at + LevelUpdate.seq / 4), nowMs);
  }
}

/** A socket whose binary subscription has been sent; it is not read yet. */
export async function subscribe(port: number, channel: number, symbol: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n',
  );
  await upgraded(socket);
  send(socket, BINARY, marketRequest(MarketOp.Subscribe, channel, symbol, 0));
  return socket;
}

function send(socket: Socket, head: number, body: Uint8Array): void {
  const bytes = new Uint8Array(6 + body.length);
  bytes[0] = head;
  bytes[1] = MASKED | body.length;
  bytes.set(body, 6);
  socket.write(bytes);
}
