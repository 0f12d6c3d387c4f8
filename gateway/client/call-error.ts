import { status } from '@grpc/grpc-js';
import { OpenbellError } from './errors.ts';
import { withoutOpenssl } from './failure-text.ts';

/** Statuses for which a retry is pointless. */
const FINAL = new Set<number>([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.UNIMPLEMENTED,
]);

export function isFinal(code: number): boolean {
  return FINAL.has(code);
}

/** A call that ended with a gRPC status. Its details start with a code's name when openbell gave them. */
export function callError(code: number, details: string): OpenbellError {
  const name = /^([A-Z][A-Z_]+): /.exec(details)?.[1];
  if (name !== undefined) return new OpenbellError(name, details);
  const text = withoutOpenssl(details).replace(/ Resolution note: $/, '');
  // What presents a certificate, or answers without TLS, is running.
  const hint = code === status.UNAVAILABLE && !/certificate|TLS/.test(text) ? '; is the exchange running there?' : '';
  return new OpenbellError('CONNECTION_LOST', `order entry: ${status[code]}: ${text}${hint}`);
}
