import type { Visit } from '../identity/identity.ts';
import type { Principal } from '../identity/principal.ts';

/** An operation of the HTTP interface, asked for over another protocol. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** The path of its URL, percent-encoded, without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Keys and values as in its JSON. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** The header `Idempotency-Key`. */
  readonly key?: string | undefined;
}

/** An authenticated caller of operations. */
export interface OperationCaller {
  readonly principal: Principal;
  readonly visit: Visit;
}

/**
 * The operations of the HTTP interface for the other endpoints: with the same checks, rights, limits of work and audit. I/O thread.
 */
export interface Operations {
  /** @returns the JSON of the answer @throws an error with the fields of {@link OperationFault} */
  run(operation: Operation, caller: OperationCaller): Promise<unknown>;
}

/** Why an operation is refused. */
export interface OperationFault extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** A number of docs/CODES.md; 0: the reason is not about trading. */
  readonly code: number;
  /** Further facts: the limit that was broken, problems of a body. */
  readonly fields: object;
}

export function isOperationFault(error: unknown): error is OperationFault {
  const { status, code, fields } = error as Partial<OperationFault>;
  return error instanceof Error && typeof status === 'number' && typeof code === 'number' && typeof fields === 'object';
}
