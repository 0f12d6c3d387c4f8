import { Code, codeName } from '../../../engine/codes.ts';

/** Status codes of gRPC (grpc/grpc, doc/statuscodes.md) that the server ends calls with. */
export const GrpcStatus = {
  Ok: 0,
  Cancelled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  Unauthenticated: 16,
} as const;
export type GrpcStatus = (typeof GrpcStatus)[keyof typeof GrpcStatus];

/** The status of a call that is rejected as a whole. */
export interface CallFault {
  readonly code: GrpcStatus;
  readonly details: string;
  /** A serialized google.rpc.Status, for programs. */
  readonly status?: Uint8Array;
  /** Further headers of an answer that has none yet. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A fault whose details begin with the name of a code, as all do that docs/ORDER-ENTRY.md does not except. */
export function fault(status: GrpcStatus, code: Code, text: string): CallFault {
  return { code: status, details: `${codeName(code)}: ${text}` };
}

/** The fault of a call of a method that does not exist. */
export function noMethod(path: string): CallFault {
  return { code: GrpcStatus.Unimplemented, details: `there is no method ${path}` };
}

/** The fault of a call whose messages are encoded in a way that the server does not decode. */
export function unknownEncoding(encoding: string): CallFault {
  const text = `grpc-encoding ${encoding.slice(0, 64)} is not supported: send messages uncompressed`;
  return { ...fault(GrpcStatus.Unimplemented, Code.MALFORMED_FRAME, text), headers: { 'grpc-accept-encoding': 'identity' } };
}

/** Bytes of UTF-8 of a `grpc-message`. Percent-encoded, and again in base64 beside the violations, it stays below the 8 KiB of headers that clients accept. */
export const MOST_DETAILS = 1024;

/** Cuts a text that may repeat what a client sent, at a whole character: longer trailers would reset the stream, and the client would see no status. */
export function shortDetails(text: string, most: number = MOST_DETAILS): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  let end = most - Buffer.byteLength('…');
  while (((bytes[end] as number) & 0xc0) === 0x80) end--;
  return `${bytes.toString('utf8', 0, end)}…`;
}

/** `grpc-message` is percent-encoded: printable ASCII but `%` stays as it is. */
export function encodeDetails(details: string): string {
  let encoded = '';
  for (const byte of Buffer.from(details)) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
