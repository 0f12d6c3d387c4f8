import { create, type DescMessage, toBinary } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import { Code, codeName } from '../../../../engine/codes.ts';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../../../protobuf/generated/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../../protobuf/generated/google/rpc/status_pb.ts';
import type { Reject } from '../../../reject.ts';
import type { OperationFault } from '../../operations.ts';
import { statusOf } from '../reject-status.ts';
import { type CallFault, GrpcStatus, shortDetails } from '../status.ts';
import { inFieldNames } from './field-names.ts';

/** Faults of calls of openbell.v1, whose details say for programs what is wrong: `google.rpc.Status`, as docs/GRPC.md describes. */

const DOMAIN = 'openbell';
/** Bytes of all violations of a fault, and of the text of one. */
const MOST_VIOLATIONS = 2048;
const MOST_DESCRIPTION = 256;
/** When to try again, where nothing more exact is known. */
const RETRY_S = 1;

interface Violation {
  readonly field: string;
  readonly description: string;
}

interface Facts {
  /** Name of the code. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations?: readonly Violation[];
  /** Milliseconds. */
  readonly retryMs?: number | undefined;
}

/** The fault of a call because of a reject. */
export function richStatusOf(reject: Reject): CallFault {
  const { code, details } = statusOf(reject);
  return richFault(code, details, {
    reason: codeName(reject.code),
    metadata: { code: String(reject.code) },
    retryMs: isTransient(code) ? RETRY_S * 1000 : undefined,
  });
}

/**
 * The fault of a call because an operation was refused.
 * @param request whose fields the texts name
 * @param nowUs the time, microseconds since the Unix epoch
 */
export function operationStatusOf({ status, code, name, message, fields }: OperationFault, request: DescMessage, nowUs: number): CallFault {
  const local = (text: string): string => inFieldNames(text, request);
  const { limit, problems, retryUs, ...rest } = fields as {
    readonly limit?: Readonly<Record<string, unknown>>;
    readonly problems?: readonly { readonly path: string; readonly problem: string }[];
    readonly retryUs?: number;
  };
  const { name: limitName, ...bounds } = limit ?? {};
  const grpc = grpcStatusOf(status, code);
  return richFault(grpc, message.startsWith(`${name}: `) ? local(message) : `${name}: ${local(message)}`, {
    reason: name,
    metadata: textsOf({ code, limit: limitName, ...bounds, ...rest }),
    violations: problems?.map(({ path, problem }) => ({ field: local(path), description: local(problem) })) ?? [],
    retryMs: retryUs === undefined ? (isTransient(grpc) ? RETRY_S * 1000 : undefined) : Math.max(0, retryUs - nowUs) / 1000,
  });
}

/** A fault with the given reason, which is not of docs/CODES.md. */
export function richFault(code: GrpcStatus, details: string, { reason, metadata, violations = [], retryMs }: Facts): CallFault {
  const parts: Any[] = [anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: DOMAIN, metadata: { ...metadata } }))];
  const fieldViolations = shortViolations(violations);
  if (fieldViolations.length > 0) parts.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  if (retryMs !== undefined) {
    const seconds = Math.floor(retryMs / 1000);
    const retryDelay = { seconds: BigInt(seconds), nanos: Math.round((retryMs - seconds * 1000) * 1e6) };
    parts.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  const message = shortDetails(details);
  return { code, details: message, status: toBinary(StatusSchema, create(StatusSchema, { code, message, details: parts })) };
}

/** The first violations, each cut, as far as they fit into the headers of an answer. */
function shortViolations(violations: readonly Violation[]): Violation[] {
  let bytes = 0;
  const short: Violation[] = [];
  for (const { field, description } of violations) {
    const text = shortDetails(description, MOST_DESCRIPTION);
    bytes += Buffer.byteLength(field) + Buffer.byteLength(text);
    if (bytes > MOST_VIOLATIONS) break;
    short.push({ field, description: text });
  }
  return short;
}

function isTransient(status: GrpcStatus): boolean {
  return status === GrpcStatus.Unavailable || status === GrpcStatus.ResourceExhausted;
}

const BY_HTTP: Readonly<Record<number, GrpcStatus>> = {
  400: GrpcStatus.InvalidArgument,
  401: GrpcStatus.Unauthenticated,
  403: GrpcStatus.PermissionDenied,
  404: GrpcStatus.NotFound,
  409: GrpcStatus.FailedPrecondition,
  410: GrpcStatus.OutOfRange,
  429: GrpcStatus.ResourceExhausted,
  503: GrpcStatus.Unavailable,
  // The command is in the log, and its outcome is not known.
  504: GrpcStatus.Unknown,
};
const TAKEN: readonly number[] = [Code.ALREADY_DEFINED, Code.CLIENT_ORDER_ID_REUSED, Code.IDEMPOTENCY_KEY_REUSED];

function grpcStatusOf(status: number, code: number): GrpcStatus {
  return TAKEN.includes(code) ? GrpcStatus.AlreadyExists : (BY_HTTP[status] ?? GrpcStatus.Internal);
}

/** Values that are text, numbers or truth values, as text. */
function textsOf(values: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(values))
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') texts[key] = String(value);
  return texts;
}
