import type { Visit } from '../../identity/identity.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Reject } from '../../reject.ts';
import type { CopyAdmission, DropCopies } from '../../sessions/drop-copies.ts';
import type { CopyTransport, DropCopy } from '../../sessions/drop-copy.ts';
import { SUPPORTED_SCHEMAS } from '../../sessions/order-caller.ts';
import type { GrpcCall } from './call.ts';
import { PREFIX_BYTES } from './message-reader.ts';
import { OneRequest } from './one-request.ts';
import { statusOf } from './reject-status.ts';

/** Serves one DropCopy call of an authenticated caller: a request, then a stream of frames. */
export function serveDropCopy(call: GrpcCall, copies: DropCopies, principal: Principal, visit: Visit): void {
  const admission = copies.admit(visit.header('x-openbell-schema'), principal, visit);
  if ('code' in admission) call.fail(statusOf(admission));
  else new GrpcDropCopy(call, admission, copies);
}

/** A drop copy on a gRPC stream. */
class GrpcDropCopy implements CopyTransport {
  readonly headroom = PREFIX_BYTES;
  readonly #call: GrpcCall;
  readonly #copy: DropCopy;

  constructor(call: GrpcCall, admission: CopyAdmission, copies: DropCopies) {
    this.#call = call;
    const subscribe = (request: Buffer): void => void this.#copy.onMessage(request, 0, request.length);
    const events = { onWritten: () => this.#copy.onWritten(), onClose: () => this.#copy.leave() };
    call.serve(new OneRequest(call, subscribe, events), { 'x-openbell-schema': SUPPORTED_SCHEMAS });
    this.#copy = copies.open(this, admission);
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
