/** Time for requests of all readers per turn of the event loop, ms. */
const TURN_MS = 0.5;
/** Maximum bytes of one reader's requests that wait. */
const MAX_BYTES = 2 * 1024 * 1024;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
}

interface Inbox {
  readonly requests: Waiting[];
  /** The next request. */
  at: number;
  bytes: number;
}

/**
 * Bounds the time that requests of readers take per turn of the event loop: further ones wait, and readers take turns. A
 * read from one socket may hold ten thousand requests. I/O thread.
 */
export class RequestQueue<Reader> {
  readonly #most: number;
  readonly #turnMs: number;
  readonly #handle: (reader: Reader, bytes: Uint8Array, isBinary: boolean) => void;
  /** Readers whose requests wait. The one whose turn is next comes first. */
  readonly #inboxes = new Map<Reader, Inbox>();
  /** End of this turn's time, ms of the monotonic clock; 0 until its first request. */
  #end = 0;

  /** @param most requests of one reader that wait @param turnMs time for requests of all readers per turn of the event loop */
  constructor(most: number, handle: (reader: Reader, bytes: Uint8Array, isBinary: boolean) => void, turnMs: number = TURN_MS) {
    this.#turnMs = turnMs;
    this.#most = most;
    this.#handle = handle;
  }

  /** Handles the request now or later. `bytes` need to be valid during the call only. False: too many of the reader wait. */
  take(reader: Reader, bytes: Uint8Array, isBinary: boolean): boolean {
    this.#begin();
    const inbox = this.#inboxes.get(reader);
    if (inbox === undefined && performance.now() < this.#end) {
      this.#handle(reader, bytes, isBinary);
      return true;
    }
    const own = inbox ?? this.#open(reader);
    own.bytes += bytes.length;
    own.requests.push({ bytes: bytes.slice(), isBinary });
    return own.requests.length - own.at <= this.#most && own.bytes <= MAX_BYTES;
  }

  /** Drops what waits of a reader that has left. */
  forget(reader: Reader): void {
    this.#inboxes.delete(reader);
  }

  #open(reader: Reader): Inbox {
    const inbox: Inbox = { requests: [], at: 0, bytes: 0 };
    this.#inboxes.set(reader, inbox);
    return inbox;
  }

  #begin(): void {
    if (this.#end !== 0) return;
    this.#end = performance.now() + this.#turnMs;
    setImmediate(this.#next);
  }

  /** The next turn: handles what waits. */
  readonly #next = (): void => {
    this.#end = 0;
    if (this.#inboxes.size === 0) return;
    this.#begin();
    while (this.#inboxes.size !== 0 && performance.now() < this.#end) this.#one();
  };

  #one(): void {
    for (const [reader, inbox] of this.#inboxes) {
      const { bytes, isBinary } = inbox.requests[inbox.at++];
      inbox.bytes -= bytes.length;
      this.#inboxes.delete(reader);
      if (inbox.at < inbox.requests.length) this.#inboxes.set(reader, inbox);
      this.#handle(reader, bytes, isBinary);
      return;
    }
  }
}
