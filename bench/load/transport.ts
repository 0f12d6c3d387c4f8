/** Of the gRPC method that a session is. */
export const SESSION_PATH = '/openbell.OrderEntry/Session';

/** How the load generator's orders get to the exchange: one connection of one account. */
export interface OrderTransport {
  /** Bytes that were handed over and have not left this process. */
  readonly waitingBytes: number;
  /** Adds one message with one CommandFrame, which is copied. */
  add(frame: Uint8Array): void;
  /** Sends what was added since the last call, in one write. */
  flush(): void;
  /** Resolves when the connection is closed. */
  close(): Promise<void>;
}

export interface TransportListener {
  /** One message with one ReportFrame. The bytes are valid during the call. @param nowMs when the bytes came, read once per piece */
  onMessage(bytes: Uint8Array, nowMs: number): void;
  /** The connection ended although nobody closed it. */
  onLost(reason: string): void;
}

/** Who asks; gRPC only. */
export interface Caller {
  /** Headers of the call, such as a token. */
  readonly headers: Readonly<Record<string, string>>;
  /** Paths of PEM files; without them the connection is plain text. `cert` and `key`: the client's own. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
}

export interface TransportOptions {
  readonly port: number;
  readonly account: number;
  /** Number of the last report that was seen; undefined: only new ones. */
  readonly lastReport: number | undefined;
  readonly caller?: Caller | undefined;
}

/** An open connection, and the number of the account's last report as the exchange told it; undefined when it did not. */
export interface OpenTransport {
  readonly transport: OrderTransport;
  readonly lastReport: number | undefined;
}

export type OpenTransportFunction = (options: TransportOptions, listener: TransportListener) => Promise<OpenTransport>;

export const TRANSPORTS = ['grpc', 'grpc-js', 'ws'] as const;
export type TransportName = (typeof TRANSPORTS)[number];
