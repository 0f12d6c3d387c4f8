import type { Answer, Identity, Visit } from '../../identity/identity.ts';
import { IdentityReject } from '../../identity/identity-reject.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Reject } from '../../reject.ts';
import { CANCEL_ON_DISCONNECT, type CallerClaims, IN_METADATA, SESSION_NUMBER } from '../../sessions/order-caller.ts';
import type { GrpcCall } from './call.ts';
import type { CallFault } from './status.ts';

/**
 * Authenticates the caller of a call. Nothing is read of the call before; earlier data stays in the flow-control window.
 * @param wants what is called, for the audit trail
 * @param served counts calls that are rejected
 * @param serve called for an authenticated caller whose call has not ended
 */
export function admit(
  call: GrpcCall,
  wants: string,
  identity: Identity,
  served: { rejected(): void },
  statusOf: (reject: Reject) => CallFault,
  serve: (principal: Principal, visit: Visit) => void,
): void {
  const header = (name: string): string | undefined => call.headers[name]?.toString();
  const visit: Visit = { peer: call.peerAddress, certificate: call.peerCertificate, wants, header };
  const settle = (answer: Answer): void => {
    if (answer instanceof IdentityReject) {
      served.rejected();
      return call.deny(statusOf(answer));
    }
    call.admit();
    if (!call.ended) serve(answer, visit);
  };
  const answer = identity.admit(visit);
  if (answer instanceof Promise) void answer.then(settle);
  else settle(answer);
}

/** What the metadata of a call claim. */
export function claimsOf({ headers }: GrpcCall): CallerClaims {
  const one = (name: string): string | undefined => headers[name]?.toString();
  return {
    names: IN_METADATA,
    schema: one('x-openbell-schema'),
    account: one('x-openbell-account'),
    lastReport: one('x-openbell-last-report'),
    cancelOnDisconnect: one(CANCEL_ON_DISCONNECT),
    sessionNumber: one(SESSION_NUMBER),
  };
}
