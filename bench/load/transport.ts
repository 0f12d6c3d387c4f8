import type { LoadSymbol } from './order-flow.ts';

/** Path of the gRPC method of a session. */
export const SESSION_PATH = '/openbell.OrderEntry/Session';

/** The transport of the load generator's orders: one connection of one account. */
export interface OrderTransport {
  /** Bytes that were passed to the transport and have not left this process. */
  readonly waitingBytes: number;
  /** Adds one message with one CommandFrame, which is copied. */
  add(frame: Uint8Array): void;
  /** Sends the messages added since the last call, in one write. */
  flush(): void;
  /** Resolves when the connection is closed. */
  close(): Promise<void>;
}

export interface TransportListener {
  /** One message with one ReportFrame. The bytes are valid during the call. @param nowMs arrival time of the bytes, read once per piece */
  onMessage(bytes: Uint8Array, nowMs: number): void;
  /** The connection ended unexpectedly. */
  onLost(reason: string): void;
}

/** Credentials of the caller; gRPC only. */
export interface Caller {
  /** Headers of the call, such as a token. */
  readonly headers: Readonly<Record<string, string>>;
  /** Paths of PEM files; without them the connection is plain text. `cert` and `key`: the client's own. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
}

export interface TransportOptions {
  readonly port: number;
  readonly account: number;
  /** Number of the last report received; undefined: only new ones. */
  readonly lastReport: number | undefined;
  readonly caller?: Caller | undefined;
  /** For transports that write text. */
  readonly symbols?: readonly LoadSymbol[] | undefined;
}

/** An open connection, and the number of the account's last report from the exchange; undefined if it was not sent. */
export interface OpenTransport {
  readonly transport: OrderTransport;
  readonly lastReport: number | undefined;
}

export type OpenTransportFunction = (options: TransportOptions, listener: TransportListener) => Promise<OpenTransport>;

export const TRANSPORTS = ['grpc', 'grpc-js', 'grpc-proto', 'ws', 'ws-json'] as const;
export type TransportName = (typeof TRANSPORTS)[number];
/** With the bare TCP connection, which only an echo serves. */
export type LoadTransportName = TransportName | 'net';
