import { type FeedFault, faultCode } from '../feed.ts';

/** A fault of a connection. The text names the address, and what to do where something can be done. */
export class LineFault extends Error {
  readonly fault: FeedFault;
  /** As in docs/CODES.md: `CONNECT_FAILED`. */
  readonly code: string;
  /** Of an HTTP answer; 0 if there was none. */
  readonly status: number;

  constructor(fault: FeedFault, message: string, status = 0, options?: ErrorOptions) {
    super(`${faultCode(fault)}: ${message}`, options);
    this.name = 'LineFault';
    this.fault = fault;
    this.code = faultCode(fault);
    this.status = status;
  }
}

/** The cause of a failed request as one short text: Node wraps the reason in up to two further errors. */
export function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  if (inner instanceof AggregateError && inner.errors.length > 0) inner = inner.errors[0];
  if (!(inner instanceof Error)) return String(inner);
  const code = (inner as NodeJS.ErrnoException).code;
  return code === undefined || inner.message.includes(code) ? inner.message : `${code}: ${inner.message}`;
}
