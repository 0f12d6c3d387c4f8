import { connect, type Socket } from 'node:net';
import { Code } from '../../engine/codes.ts';
import { getI64 } from '../../engine/units.ts';
import { Channel, FrameKind, LevelUpdate, MarketOp } from '../../engine/wire/layout.ts';
import { MarketFrameReader, marketRequest } from '../../engine/wire/market-frames.ts';
import { MessageSplitter } from '../load/message-splitter.ts';

/** Of one message: a snapshot of a book; of anything else. */
const BOOK_BYTES = 256 * 1024;
const OTHER_BYTES = 8 * 1024;
const BINARY = 0x82;
/** A client's frame is masked; the mask may be 0, which leaves the bytes as they are. */
const MASKED = 0x80;
const KEY = 'AAAAAAAAAAAAAAAAAAAAAA==';

class FrameSplitter extends MessageSplitter {
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

const frame = new MarketFrameReader();
/** Opcodes of RFC 6455. */
const [PING, PONG] = [9, 0x8a];

/** Told of each frame of the book: everything up to command `seq` has arrived. */
export type OnBook = (reader: MarketReader, seq: number, nowMs: number) => void;

/** A WebSocket with one subscription, by hand on a TCP socket. */
export class MarketReader {
  readonly socket: Socket;
  /** Seq of the last command that has arrived here, 0 before the first frame. */
  seq = 0;
  frames = 0;
  gaps = 0;
  #number = -1;
  readonly #splitter: FrameSplitter;
  readonly #onBook: OnBook;

  private constructor(socket: Socket, splitter: FrameSplitter, onBook: OnBook) {
    this.socket = socket;
    this.#splitter = splitter;
    this.#onBook = onBook;
    let nowMs = 0;
    const onMessage = (message: Buffer): void => this.#message(message, nowMs);
    socket.on('error', () => undefined); // the exchange cut it; its counters tell
    socket.on('data', (piece: Buffer) => {
      nowMs = performance.now();
      this.#splitter.push(piece, onMessage);
    });
    socket.resume();
  }

  static async open(port: number, channel: number, symbol: number, onBook: OnBook): Promise<MarketReader> {
    const socket = await subscribe(port, channel, symbol);
    return new MarketReader(socket, new FrameSplitter(channel === Channel.Book ? BOOK_BYTES : OTHER_BYTES), onBook);
  }

  #message(message: Buffer, nowMs: number): void {
    const { opcode } = this.#splitter;
    if (opcode === PING) send(this.socket, PONG, message);
    if (opcode !== 2) return;
    const code = frame.open(message);
    if (code !== Code.OK) throw new Error(`the exchange sent what is no MarketFrame: code ${code}`);
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

/** A socket whose subscription is on its way, binary; nothing reads it yet. */
export async function subscribe(port: number, channel: number, symbol: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n',
  );
  await opened(socket);
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

/** Until the head of the answer is there; what follows it stays in the socket. */
function opened(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const onData = (piece: Buffer): void => {
      answer = Buffer.concat([answer, piece]);
      const end = answer.indexOf('\r\n\r\n');
      if (end === -1) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.pause();
      if (!answer.toString('latin1').startsWith('HTTP/1.1 101')) reject(new Error(answer.toString('latin1', 0, end)));
      else if (answer.length > end + 4) socket.unshift(answer.subarray(end + 4));
      resolve();
    };
    const onClose = (): void => reject(new Error('the exchange closed the connection instead of an answer'));
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.once('error', reject);
  });
}
