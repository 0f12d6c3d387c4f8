import type { Visit } from '../../identity/identity.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Reject } from '../../reject.ts';
import type { CopyAdmission, DropCopies } from '../../sessions/drop-copies.ts';
import type { CopyTransport, DropCopy } from '../../sessions/drop-copy.ts';
import { SUPPORTED_SCHEMAS } from '../../sessions/order-caller.ts';
import type { CallHandler, GrpcCall } from './call.ts';
import { PREFIX_BYTES } from './message-reader.ts';
import { statusOf } from './reject-status.ts';

/** Serves one DropCopy call of an authenticated caller: a request, then a stream of frames. */
export function serveDropCopy(call: GrpcCall, copies: DropCopies, principal: Principal, visit: Visit): void {
  const admission = copies.admit(visit.header('x-openbell-schema'), principal, visit);
  if ('code' in admission) call.fail(statusOf(admission));
  else new GrpcDropCopy(call, admission, copies);
}

/** A drop copy on a gRPC stream. */
class GrpcDropCopy implements CopyTransport, CallHandler {
  readonly headroom = PREFIX_BYTES;
  readonly #call: GrpcCall;
  readonly #copy: DropCopy;

  constructor(call: GrpcCall, admission: CopyAdmission, copies: DropCopies) {
    this.#call = call;
    call.serve(this, { 'x-openbell-schema': SUPPORTED_SCHEMAS });
    this.#copy = copies.open(this, admission);
  }

  onMessage(bytes: Buffer, at: number, length: number): boolean {
    return this.#copy.onMessage(bytes, at, length);
  }

  onMessagesEnd(): void {
    // A message is complete in itself.
  }

  onHalfClose(): void {
    this.#copy.onHalfClose();
  }

  onWritten(): void {
    this.#copy.onWritten();
  }

  onClose(): void {
    this.#copy.leave();
  }

  write(frame: Buffer): boolean {
    this.#call.write(frame);
    return false;
  }

  end(): void {
    this.#call.end();
  }

  fail(reject: Reject): void {
    this.#call.fail(statusOf(reject));
  }
}
