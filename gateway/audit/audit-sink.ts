/** One audited action or rejected attempt. It never contains a token, a key or a signature. */
export interface AuditEvent {
  /**
   * Family of the event: `identity` (a rejected caller), `admin` (an administrative action), `session` (an order-entry
   * session or a drop copy begins or ends), `trail` (the trail itself). Readers of every release show kinds that they do not know.
   */
  readonly kind: string;
  /** The caller's subject; empty when the credentials were not accepted. */
  readonly subject: string;
  /** The account concerned, if any. */
  readonly account?: number;
  /** The requested action: `gRPC Session`, `POST /v1/accounts/:id/deposit`. */
  readonly action: string;
  /** `ok`, or the name of the code of the reject. */
  readonly outcome: string;
  /** IP address of the peer. */
  readonly peer: string;
  readonly detail?: string;
}

/** Where audit events go. I/O thread; `record` neither throws nor blocks. */
export interface AuditSink {
  record(event: AuditEvent): void;
}

/** For processes without an audit trail. */
export const SILENT: AuditSink = { record: () => undefined };
