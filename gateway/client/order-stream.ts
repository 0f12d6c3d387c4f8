import { Code } from '../../engine/codes.ts';
import type { ReportFrameReader } from '../../engine/wire/report-frame-reader.ts';
import { OpenbellError } from './errors.ts';

/**
 * The connection of one account's order entry, whatever carries it. When it is lost, it is made again from the last report received.
 */
export interface OrderStream {
  /** Number of the last report taken; the consumer of reports updates it. Undefined before the stream was first open. */
  lastReport: number | undefined;
  /** Newest wire schema that the exchange supports. */
  readonly schema: number;
  /** Sends a frame, of which it keeps nothing, while it is open. False: wait for `onDrain` before the next. */
  write(frame: Uint8Array): boolean;
  /** One call of its own with the frame, of which it keeps nothing; absent where there is no such call. @param version schema of the frame */
  submit?(frame: Uint8Array, version: number): Promise<ReportFrameReader>;
  /** Makes the connection again. */
  restart(): void;
  /** Ends it for good. */
  fail(error: OpenbellError): void;
  /** Ends when the exchange has answered what was sent. */
  close(): Promise<void>;
}

/** Options that each way of a connection takes. */
export interface OrderStreamOptions {
  readonly host: string;
  readonly port: number;
  readonly shard?: number | undefined;
  readonly account: number;
  /** Number of the last report seen; undefined: only new reports are sent. */
  readonly lastReport: number | undefined;
  readonly reconnect: boolean;
  /** Seconds; see ConnectOptions. */
  readonly cancelOnDisconnect?: number | undefined;
  readonly sessionNumber?: number | undefined;
}

export interface OrderStreamListener {
  /** The report number after which reports are requested; undefined: only new ones. Called for each connection. @param last number of the last report taken */
  resumeAfter(last: number | undefined): number | undefined;
  /** @param again the stream was open before @param theirs number of the exchange's last report of the account */
  onOpen(again: boolean, theirs: number): void;
  /** The exchange has fewer reports than `resumeAfter` said. True: make the connection again. */
  onBeyondEnd(): boolean;
  /** A verified frame, valid during the call. */
  onFrame(frame: ReportFrameReader): void;
  onDrain(): void;
  /** The connection was lost and a reconnect has begun. */
  onLost(error: OpenbellError): void;
  /** The stream has ended: it was closed, or (with an error) a retry is pointless. */
  onFinished(error: OpenbellError | undefined): void;
  /** Whether each command has its answer. */
  isAnswered(): boolean;
}

/** Makes the stream of a session, which connects at once. */
export type OpenOrderStream = (listener: OrderStreamListener) => OrderStream;

export function malformed(): OpenbellError {
  const text = 'the exchange sent a message that is not a ReportFrame of this schema version: use a client of its version';
  return new OpenbellError('MALFORMED_FRAME', text, Code.MALFORMED_FRAME);
}

/** What the exchange lacks of what the session asked for. `done` has what it does. Undefined: nothing. */
export function missing(
  asked: { readonly cancelOnDisconnect?: number | undefined; readonly sessionNumber?: number | undefined },
  done: { readonly cancelOnDisconnect: boolean; readonly sessionNumber: boolean },
): OpenbellError | undefined {
  if (asked.cancelOnDisconnect !== undefined && !done.cancelOnDisconnect) {
    const text = 'the exchange is older than cancel on disconnect: the orders would stay. Leave cancelOnDisconnect out';
    return new OpenbellError('BAD_OPTION', text);
  }
  if (asked.sessionNumber !== undefined && !done.sessionNumber) {
    const text = 'the exchange is older than session numbers: it would cancel all orders of the account. Leave sessionNumber out';
    return new OpenbellError('BAD_OPTION', text);
  }
  return undefined;
}

/** The newest of the schema versions that the exchange names, such as `1-2`; `oldest` if it names none. */
export function newestSchema(supported: unknown, oldest: number): number {
  return Number(/^\d+-(\d{1,5})$/.exec(String(supported))?.[1] ?? oldest);
}
