/** Kinds of sessions, in the order of a list. */
export const SESSION_KINDS = ['orders', 'drop-copy', 'market-data'] as const;
export type SessionKind = (typeof SESSION_KINDS)[number];

/** Who has opened a session, from where, and when. */
export interface SessionOwner {
  /** Subject of the credentials. */
  readonly subject: string;
  /** How the caller was authenticated. */
  readonly via: string;
  /** Protocol and request, as in the audit trail, such as `gRPC Session`. */
  readonly protocol: string;
  /** IP address of the peer: of the proxy, where there is one. */
  readonly address: string;
  /** ms since the Unix epoch. */
  readonly sinceMs: number;
}

/** An open session, as an operator sees it. */
export interface SessionInfo extends SessionOwner {
  readonly kind: SessionKind;
  /** Of its kind, in the order of opening; never given twice in the life of the process. */
  readonly number: number;
  readonly account?: number;
  /** Of a drop copy: how many it has; 0 before it has named them. */
  readonly accounts?: number;
  readonly readOnly?: boolean;
  /** Wire format of market data. */
  readonly format?: string;
  readonly subscriptions?: number;
  /** Number of the last report that it was sent. */
  readonly lastReport?: number;
  /** Reports that it was sent. */
  readonly reports?: number;
  /** Commands of it that were sequenced. */
  readonly commands?: number;
  /** Reports that exist and were not sent yet. */
  readonly backlog?: number;
  /** Bytes that were sent and that the peer has not taken. */
  readonly bufferedBytes?: number;
  /** It is behind: its commands are rejected with BUSY, or its market data is conflated. */
  readonly slow: boolean;
  /** Seconds after which its orders are cancelled once it is gone; left out: they stay. */
  readonly cancelOnDisconnect?: number;
  /** With which its orders are marked. */
  readonly sessionNumber?: number;
}

/** The open sessions of one kind. I/O thread. */
export interface SessionSource {
  readonly kind: SessionKind;
  /** Those above a number, in rising order. The caller may let other work run between two of them. */
  openSessions(above: number): Iterable<SessionInfo>;
  /** Ends one, for the operator. False: there is none with this number. */
  endSession(number: number): boolean;
}

/** What a client reads whose session the operator has ended. */
export const ENDED_BY_OPERATOR = 'the operator of the exchange has ended this session';
