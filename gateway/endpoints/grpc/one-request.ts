import { Code } from '../../../engine/codes.ts';
import type { CallHandler, GrpcCall } from './call.ts';
import { fault, GrpcStatus } from './status.ts';

/**
 * Serves a call whose client sends one message: unary, or with a stream of answers. The call begins when the client has closed its
 * side, because a second message makes it invalid as a whole. The status is INTERNAL, as in grpc-java; the
 * table of gRPC's statuscodes.md has UNIMPLEMENTED.
 */
export class OneRequest implements CallHandler {
  readonly #call: GrpcCall;
  readonly #onRequest: (request: Buffer) => void;
  readonly onWritten: () => void;
  readonly #onClose: () => void;
  readonly onMessagesEnd = ignore;
  /** The message, until it is served. */
  #request: Buffer | undefined;

  /** @param onRequest called once, with bytes that stay as they are */
  constructor(
    call: GrpcCall,
    onRequest: (request: Buffer) => void,
    { onWritten, onClose }: Partial<Pick<CallHandler, 'onWritten' | 'onClose'>> = {},
  ) {
    this.#call = call;
    this.#onRequest = onRequest;
    this.onWritten = onWritten ?? ignore;
    this.#onClose = onClose ?? ignore;
  }

  onMessage(bytes: Buffer, at: number, length: number): boolean {
    if (this.#request !== undefined) {
      this.#fail(GrpcStatus.Internal, Code.MALFORMED_FRAME, 'the call has a second message: its method takes one');
      return false;
    }
    if (!this.#call.kept.take(length)) {
      this.#fail(
        GrpcStatus.ResourceExhausted,
        Code.BUSY,
        'too many calls that their client has not closed: close its side with the request',
      );
      return false;
    }
    this.#request = Buffer.from(bytes.subarray(at, at + length));
    return true;
  }

  onHalfClose(): void {
    const request = this.#taken();
    if (request !== undefined) this.#onRequest(request);
    else this.#fail(GrpcStatus.Internal, Code.MALFORMED_FRAME, 'the call ended without its request');
  }

  onClose(): void {
    this.#taken();
    this.#onClose();
  }

  #taken(): Buffer | undefined {
    const request = this.#request;
    this.#request = undefined;
    if (request !== undefined) this.#call.kept.give(request.length);
    return request;
  }

  #fail(status: GrpcStatus, code: Code, text: string): void {
    this.#call.fail(fault(status, code, text));
  }
}

function ignore(): void {
  // Nothing to do.
}
