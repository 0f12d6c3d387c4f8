import type { Socket } from 'node:net';
import { MessageSplitter } from './message-splitter.ts';

/** Final frame, opcode binary, and text. */
export const BINARY = 0x82;
export const TEXT = 0x81;
/** A client's frame is masked; the mask may be 0, which leaves the bytes unchanged. */
export const MASKED = 0x80;
export const MASK_BYTES = 4;
/** Opcodes of RFC 6455. */
export const CLOSE = 8;
export const PING = 9;
/** Final frame, opcode pong. */
export const PONG = 0x8a;

/** Cuts the server's byte stream into frames; the exchange never fragments a message. */
export class WebSocketSplitter extends MessageSplitter {
  /** Opcode of the current message. */
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

/** The header of the answer to an upgrade; later bytes stay in the socket, which is paused. @throws Error with the header when the upgrade was rejected */
export function upgraded(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const onData = (piece: Buffer): void => {
      answer = Buffer.concat([answer, piece]);
      const end = answer.indexOf('\r\n\r\n');
      if (end === -1) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.pause();
      const head = answer.toString('latin1', 0, end);
      if (!head.startsWith('HTTP/1.1 101')) return reject(new Error(`the WebSocket was rejected: ${head}`));
      if (answer.length > end + 4) socket.unshift(answer.subarray(end + 4));
      resolve(head);
    };
    const onClose = (): void => reject(new Error('the exchange closed the connection without an answer'));
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.once('error', reject);
  });
}
