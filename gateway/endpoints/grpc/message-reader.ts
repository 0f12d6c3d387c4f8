import { Code } from '../../../engine/codes.ts';
import type { PartialBytes } from './partial-bytes.ts';
import { type CallFault, fault, GrpcStatus } from './status.ts';

const { MALFORMED_FRAME } = Code;

/** Compressed flag and big-endian length before each message. */
export const PREFIX_BYTES = 5;

export interface MessageSink {
  /** The message is `length` bytes at `at`; valid during the call. False: read no further. */
  onMessage(bytes: Buffer, at: number, length: number): boolean;
}

/**
 * Cuts a call's byte stream into messages. Complete messages are
 * delivered in place; a message in pieces is assembled in its own buffer, after
 * its length was checked. That buffer grows with what has arrived, so a peer that only
 * announces a length costs no memory.
 */
export class MessageReader {
  readonly #sink: MessageSink;
  readonly #maxBytes: number;
  readonly #budget: PartialBytes;
  /** Prefix and body received so far of an incomplete message. */
  #partial: Buffer = Buffer.alloc(PREFIX_BYTES);
  #have = 0;
  /** Bytes of the incomplete message, prefix included, as soon as they are known. */
  #whole = PREFIX_BYTES;

  /** @param budget for messages in pieces */
  constructor(sink: MessageSink, maxBytes: number, budget: PartialBytes) {
    this.#sink = sink;
    this.#budget = budget;
    this.#maxBytes = maxBytes;
  }

  /** Whether a message has begun and not ended. */
  get pending(): boolean {
    return this.#have !== 0;
  }

  /** Takes received bytes, from `begin` to `end`. A fault ends the call. */
  read(chunk: Buffer, begin: number = 0, end: number = chunk.length): CallFault | undefined {
    let at = begin;
    while (at < end) {
      if (this.#have === 0 && end - at >= PREFIX_BYTES) {
        const fault = this.#check(chunk, at);
        if (fault !== undefined) return fault;
        const length = chunk.readUInt32BE(at + 1);
        if (end - at - PREFIX_BYTES >= length) {
          if (!this.#sink.onMessage(chunk, at + PREFIX_BYTES, length)) return undefined;
          at += PREFIX_BYTES + length;
          continue;
        }
      }
      const taken = this.#gather(chunk, at, end);
      if (typeof taken !== 'number') return taken;
      at += taken;
      if (this.#have < PREFIX_BYTES || this.#have < this.#whole) continue;
      const message = this.#partial;
      const length = this.#whole - PREFIX_BYTES;
      this.close();
      if (!this.#sink.onMessage(message, PREFIX_BYTES, length)) return undefined;
    }
    return undefined;
  }

  /** Drops an incomplete message. Call it when the call has ended. */
  close(): void {
    if (this.#partial.length > PREFIX_BYTES) {
      this.#budget.give(this.#partial.length);
      this.#partial = Buffer.alloc(PREFIX_BYTES);
    }
    this.#have = 0;
    this.#whole = PREFIX_BYTES;
  }

  /** Copies bytes of the incomplete message; returns how many. */
  #gather(chunk: Buffer, at: number, end: number): number | CallFault {
    const bytes = Math.min(this.#whole - this.#have, end - at);
    const fault = this.#grow(this.#have + bytes);
    if (fault !== undefined) return fault;
    chunk.copy(this.#partial, this.#have, at, at + bytes);
    this.#have += bytes;
    if (this.#have !== PREFIX_BYTES || this.#whole !== PREFIX_BYTES) return bytes;
    const wrong = this.#check(this.#partial, 0);
    if (wrong !== undefined) return wrong;
    this.#whole += this.#partial.readUInt32BE(1);
    return bytes;
  }

  /** Makes room for `bytes` of the incomplete message: at least twice as much as before, but not more than all of it. */
  #grow(bytes: number): CallFault | undefined {
    const { length } = this.#partial;
    if (bytes <= length) return undefined;
    const size = Math.min(this.#whole, Math.max(bytes, 2 * length));
    if (!this.#budget.take(size - (length > PREFIX_BYTES ? length : 0)))
      return fault(
        GrpcStatus.ResourceExhausted,
        Code.BUSY,
        'too many messages in pieces: send each message at once, or fewer at the same time',
      );
    const larger = Buffer.allocUnsafe(size);
    this.#partial.copy(larger, 0, 0, this.#have);
    this.#partial = larger;
    return undefined;
  }

  #check(bytes: Buffer, at: number): CallFault | undefined {
    if (bytes[at] !== 0) {
      return bytes[at] === 1
        ? fault(GrpcStatus.Internal, MALFORMED_FRAME, 'a message has the compressed flag, but the call has no grpc-encoding')
        : fault(GrpcStatus.Internal, MALFORMED_FRAME, `the compressed flag of a message is 0 or 1, not ${bytes[at]}`);
    }
    const length = bytes.readUInt32BE(at + 1);
    if (length <= this.#maxBytes) return undefined;
    const text = `a message of ${length} bytes is larger than the ${this.#maxBytes} that are taken`;
    return fault(GrpcStatus.ResourceExhausted, Code.FRAME_TOO_LARGE, text);
  }
}
