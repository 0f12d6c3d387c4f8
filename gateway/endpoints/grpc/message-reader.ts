import { type CallFault, GrpcStatus } from './status.ts';

/** Compressed flag and big-endian length before each message. */
export const PREFIX_BYTES = 5;

export interface MessageSink {
  /** The message is `length` bytes at `at`; valid during the call. False: read no further. */
  onMessage(bytes: Buffer, at: number, length: number): boolean;
}

/**
 * Cuts a call's byte stream into messages. Complete messages are
 * delivered in place; a message in pieces is assembled in its own buffer, after
 * its length was checked.
 */
export class MessageReader {
  readonly #sink: MessageSink;
  readonly #maxBytes: number;
  readonly #encoding: string;
  /** Prefix and body received so far of an incomplete message. */
  #partial: Buffer = Buffer.alloc(PREFIX_BYTES);
  #have = 0;

  /** @param encoding the call's `grpc-encoding`; messages with another encoding than `identity` are rejected */
  constructor(sink: MessageSink, maxBytes: number, encoding: string = 'identity') {
    this.#sink = sink;
    this.#maxBytes = maxBytes;
    this.#encoding = encoding;
  }

  /** Whether a message has begun and not ended. */
  get pending(): boolean {
    return this.#have !== 0;
  }

  /** Takes received bytes. A fault ends the call. */
  read(chunk: Buffer): CallFault | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#have === 0 && chunk.length - at >= PREFIX_BYTES) {
        const fault = this.#check(chunk, at);
        if (fault !== undefined) return fault;
        const length = chunk.readUInt32BE(at + 1);
        if (chunk.length - at - PREFIX_BYTES >= length) {
          if (!this.#sink.onMessage(chunk, at + PREFIX_BYTES, length)) return undefined;
          at += PREFIX_BYTES + length;
          continue;
        }
      }
      const taken = this.#gather(chunk, at);
      if (typeof taken !== 'number') return taken;
      at += taken;
      const whole = this.#have >= PREFIX_BYTES && this.#have === this.#partial.length;
      if (!whole) continue;
      this.#have = 0;
      const message = this.#partial;
      this.#partial = Buffer.alloc(PREFIX_BYTES);
      if (!this.#sink.onMessage(message, PREFIX_BYTES, message.length - PREFIX_BYTES)) return undefined;
    }
    return undefined;
  }

  /** Copies bytes of the incomplete message; returns how many. */
  #gather(chunk: Buffer, at: number): number | CallFault {
    const bytes = chunk.copy(this.#partial, this.#have, at);
    this.#have += bytes;
    if (this.#have !== PREFIX_BYTES || this.#partial.length !== PREFIX_BYTES) return bytes;
    const fault = this.#check(this.#partial, 0);
    if (fault !== undefined) return fault;
    const whole = Buffer.allocUnsafe(PREFIX_BYTES + this.#partial.readUInt32BE(1));
    this.#partial.copy(whole);
    this.#partial = whole;
    return bytes;
  }

  #check(bytes: Buffer, at: number): CallFault | undefined {
    if (bytes[at] !== 0) {
      if (bytes[at] !== 1) return { code: GrpcStatus.Internal, details: `the compressed flag of a message is 0 or 1, not ${bytes[at]}` };
      return this.#encoding === 'identity'
        ? { code: GrpcStatus.Internal, details: 'a message has the compressed flag, but the call has no grpc-encoding' }
        : { code: GrpcStatus.Unimplemented, details: `grpc-encoding ${this.#encoding} is not supported: send messages uncompressed` };
    }
    const length = bytes.readUInt32BE(at + 1);
    if (length <= this.#maxBytes) return undefined;
    return {
      code: GrpcStatus.ResourceExhausted,
      details: `a message of ${length} bytes is larger than the ${this.#maxBytes} that are taken`,
    };
  }
}
