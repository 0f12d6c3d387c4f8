import { Code } from '../../../engine/codes.ts';
import type { CallHandler, GrpcCall } from './call.ts';
import { fault, GrpcStatus } from './status.ts';

/** Serves a call whose client sends one message: unary, or with a stream of answers. */
export class OneRequest implements CallHandler {
  readonly #call: GrpcCall;
  readonly #onRequest: (request: Buffer) => void;
  readonly onWritten: () => void;
  readonly onClose: () => void;
  readonly onMessagesEnd = ignore;
  #came = false;

  /** @param onRequest the bytes are valid during the call only */
  constructor(
    call: GrpcCall,
    onRequest: (request: Buffer) => void,
    { onWritten, onClose }: Partial<Pick<CallHandler, 'onWritten' | 'onClose'>> = {},
  ) {
    this.#call = call;
    this.#onRequest = onRequest;
    this.onWritten = onWritten ?? ignore;
    this.onClose = onClose ?? ignore;
  }

  onMessage(bytes: Buffer, at: number, length: number): boolean {
    if (!this.#came) {
      this.#came = true;
      this.#onRequest(bytes.subarray(at, at + length));
    }
    return false;
  }

  onHalfClose(): void {
    if (!this.#came) this.#call.fail(fault(GrpcStatus.Internal, Code.MALFORMED_FRAME, 'the call ended without its request'));
  }
}

function ignore(): void {
  // Nothing to do.
}
