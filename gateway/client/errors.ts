import { Code, codeName } from '../../engine/codes.ts';

/** An error of the client. `code` is stable; the message says what to do next. */
export class OpenbellError extends Error {
  /** A name of docs/CODES.md, or one of the client's own: BAD_OPTION, CONNECTION_LOST, CLOSED, NO_ACCOUNT, HTTP_FAILED, NODE_TOO_OLD, MALFORMED_FRAME, REPORTS_LOST, TLS_FAILED. */
  readonly code: string;
  /** The number behind a name of docs/CODES.md, else undefined. */
  readonly number: number | undefined;

  constructor(code: string, message: string, number?: number) {
    super(message);
    this.name = 'OpenbellError';
    this.code = code;
    this.number = number;
  }
}

const ADVICE: Partial<Record<number, string>> = {
  [Code.BUSY]: 'the exchange cannot take it now: send it again in a moment',
  [Code.DISK_FULL]: "the exchange's disk is full: send it again when the operator has made room",
  [Code.DRAINING]: 'the exchange is stopping: send it again when it is back',
  [Code.FRAME_TOO_LARGE]: 'the batch is too large: send several',
  [Code.UNAUTHENTICATED]: 'the credentials of the session have expired: connect again with new ones, then send it again',
  [Code.PERMISSION_DENIED]: 'the credentials are read-only: reports come, orders are not taken',
  [Code.FOREIGN_ACCOUNT]: 'the command names another account than the session: leave it 0',
  [Code.REPORTS_GONE]: 'the reports are no longer kept: read orders and balances again, and resume without a last report',
  [Code.ADMIN_ONLY]: 'order entry takes no administrative commands: use the admin interface',
  [Code.BAD_RANGE]: 'price, quantity or id is out of range: quantity from 1 lot, price from 1 tick, and 0 for a market order',
  [Code.ILLEGAL_COMBINATION]: 'order type, time in force and terms cannot be combined: see docs/ORDER-ENTRY.md',
  [Code.BAD_LIST]:
    'the orders of the list do not fit together, such as a take-profit that is no better than the entry, or a stop-loss that is no worse: see docs/ORDER-ENTRY.md',
  [Code.UNSUPPORTED_TERM]: 'the order has a term that this release of the exchange does not know',
  [Code.BAD_CLIENT_ORDER_ID]: 'a new order needs a client order id from 1',
};

/** A command that was rejected before it was sequenced. */
export function rejectError(code: number): OpenbellError {
  const name = codeName(code);
  return new OpenbellError(name, `${name}: ${ADVICE[code] ?? 'see docs/CODES.md'}`, code);
}

/** An order or a batch with a term that the exchange does not support. */
export function exchangeTooOld(): OpenbellError {
  const text = 'WRONG_SCHEMA_VERSION: the exchange is older than a term of the order, which needs wire schema 2: leave the term out';
  return new OpenbellError('WRONG_SCHEMA_VERSION', text, Code.WRONG_SCHEMA_VERSION);
}
