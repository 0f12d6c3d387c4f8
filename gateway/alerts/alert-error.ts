/** Why a request about alerts or webhooks is refused. */
export type AlertErrorCode = 'ALERT_LIMIT' | 'WEBHOOK_LIMIT' | 'UNKNOWN_ALERT' | 'UNKNOWN_WEBHOOK' | 'DISK_FULL' | 'ALERTS_UNAVAILABLE';

/** The request is refused; the message says what to do. */
export class AlertError extends Error {
  override readonly name = 'AlertError';
  readonly code: AlertErrorCode;

  constructor(code: AlertErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
