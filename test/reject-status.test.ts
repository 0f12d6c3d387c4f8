import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code } from '../engine/codes.ts';
import { statusOf as grpcStatusOf } from '../gateway/endpoints/grpc/reject-status.ts';
import { GrpcStatus } from '../gateway/endpoints/grpc/status.ts';
import { statusOf as httpStatusOf } from '../gateway/endpoints/http/reject-status.ts';
import { closeCodeOf, upgradeStatusOf } from '../gateway/endpoints/websocket/reject-status.ts';
import { IdentityReject } from '../gateway/identity/identity-reject.ts';
import { type Reject, type RejectCause, reject } from '../gateway/reject.ts';

/** Rejects of sessions and identity, and their status in each protocol. */
const REJECTS: readonly (readonly [what: string, Reject, grpc: GrpcStatus, close: number, upgrade: string])[] = [
  ['frame that cannot be read', reject(Code.MALFORMED_FRAME, ''), GrpcStatus.InvalidArgument, 4003, '400 Bad Request'],
  ['other schema', reject(Code.WRONG_SCHEMA_VERSION, ''), GrpcStatus.FailedPrecondition, 4009, '400 Bad Request'],
  ['frame too large', reject(Code.FRAME_TOO_LARGE, ''), GrpcStatus.ResourceExhausted, 4008, '429 Too Many Requests'],
  ['metadata', reject(Code.BAD_RANGE, ''), GrpcStatus.InvalidArgument, 4003, '400 Bad Request'],
  ['report that is not there yet', reject(Code.BAD_RANGE, '', 'beyond-end'), GrpcStatus.OutOfRange, 4011, '400 Bad Request'],
  ['unknown account', reject(Code.UNKNOWN_ACCOUNT, ''), GrpcStatus.NotFound, 4005, '404 Not Found'],
  ['limit reached', reject(Code.BUSY, ''), GrpcStatus.ResourceExhausted, 4008, '429 Too Many Requests'],
  ['reports that cannot be read', reject(Code.BUSY, '', 'unavailable'), GrpcStatus.Unavailable, 4014, '503 Service Unavailable'],
  ['stopping', reject(Code.DRAINING, ''), GrpcStatus.Unavailable, 4014, '503 Service Unavailable'],
  ['no credentials', new IdentityReject(Code.UNAUTHENTICATED, '', ''), GrpcStatus.Unauthenticated, 4016, '401 Unauthorized'],
  ['no right', new IdentityReject(Code.PERMISSION_DENIED, '', ''), GrpcStatus.PermissionDenied, 4007, '403 Forbidden'],
  ['issuer away', new IdentityReject(Code.BUSY, '', ''), GrpcStatus.Unavailable, 4014, '503 Service Unavailable'],
];

for (const [what, why, grpc, close, upgrade] of REJECTS)
  test(`${what}: its statuses`, () => {
    assert.deepEqual([grpcStatusOf(why).code, closeCodeOf(why), upgradeStatusOf(why)], [grpc, close, upgrade]);
    assert.equal(grpcStatusOf(why).details, why.details);
  });

test('a close code is 4000 above the gRPC status, for every code and cause', () => {
  for (const code of Object.values(Code))
    for (const cause of [undefined, 'unavailable', 'beyond-end'] satisfies (RejectCause | undefined)[]) {
      const why = { code, cause, details: '' };
      assert.equal(closeCodeOf(why), 4000 + grpcStatusOf(why).code, `${code} ${cause}`);
    }
});

test('an identity reject has the HTTP status of its code', () => {
  const statuses = [Code.UNAUTHENTICATED, Code.PERMISSION_DENIED, Code.BUSY] as const;
  assert.deepEqual(
    statuses.map((code) => httpStatusOf(new IdentityReject(code, '', ''))),
    [401, 403, 503],
  );
});
