/** Why the exchange closes a reader's connection; the endpoint has a close code for each. */
export const CloseCause = { GoingAway: 0, TooManyFaults: 1, SlowReader: 2, Expired: 3 } as const;
export type CloseCause = (typeof CloseCause)[keyof typeof CloseCause];

/** A connection that market data can be written to, whatever transport carries it. I/O thread. */
export interface ReaderSocket {
  /** Bytes that were sent and that the transport has not passed on yet. */
  buffered(): number;
  /** Takes the bytes over before it returns. @param binary false: UTF-8 text */
  send(frame: Uint8Array, binary: boolean): void;
  /** Runs `work`, and passes on all that it sends in one write. */
  cork(work: () => void): void;
  /** Ends behind what was sent. */
  close(cause: CloseCause, reason: string): void;
}
