/** What the audit trail keeps of one thing that somebody did, or was not let do. Never a token, a key or a signature. */
export interface AuditEvent {
  /** What family it belongs to: `identity` (a refusal at a door), `admin` (an administrative action). */
  readonly kind: string;
  /** Who, as his credentials say; empty when nothing of them was believed. */
  readonly subject: string;
  /** The account that it was about, if it was about one. */
  readonly account?: number;
  /** What was wanted: `gRPC Session`, `POST /v1/accounts/:id/deposit`. */
  readonly action: string;
  /** `ok`, or the name of the code that it was refused with. */
  readonly outcome: string;
  /** IP address of the connection's other end. */
  readonly peer: string;
  readonly detail?: string;
}

/** Where audit events go. I/O thread; `record` neither throws nor blocks. */
export interface AuditSink {
  record(event: AuditEvent): void;
}

/** For those who keep no audit trail. */
export const SILENT: AuditSink = { record: () => undefined };
