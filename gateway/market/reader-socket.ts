/** Why the exchange closes a reader's connection; the endpoint has a close code for each. */
export const CloseCause = { GoingAway: 0, TooManyFaults: 1, SlowReader: 2, Expired: 3, ByOperator: 4 } as const;
export type CloseCause = (typeof CloseCause)[keyof typeof CloseCause];

/** A connection for market data, independent of the transport. I/O thread. */
export interface ReaderSocket {
  /** Sent bytes that the transport still buffers. */
  buffered(): number;
  /** Copies the bytes before it returns. @param binary false: UTF-8 text */
  send(frame: Uint8Array, binary: boolean): void;
  /** Sends a piece of a message; no other message may be sent before its last piece. Copies the bytes before it returns. */
  sendPiece(piece: Uint8Array, binary: boolean, first: boolean, last: boolean): void;
  /** Runs `work` and sends all its messages in one write. */
  cork(work: () => void): void;
  /** Closes after the bytes sent so far. */
  close(cause: CloseCause, reason: string): void;
}
