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

const NO_CONTENT: Waiting = { bytes: new Uint8Array(0), isBinary: false };

function newInbox(): Inbox {
  return { requests: [], at: 0, bytes: 0 };
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
  /** What waits of readers that are held. */
  readonly #held = new Map<Reader, Inbox>();
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
    const inbox = this.#held.get(reader) ?? this.#inboxes.get(reader);
    if (inbox === undefined && performance.now() < this.#end) {
      this.#handle(reader, bytes, isBinary);
      return true;
    }
    const own = inbox ?? this.#open(reader);
    own.bytes += bytes.length;
    own.requests.push({ bytes: bytes.slice(), isBinary });
    return own.requests.length - own.at <= this.#most && own.bytes <= MAX_BYTES;
  }

  /** Lets the further requests of a reader wait until `resume`. The one that is being handled is not done. */
  hold(reader: Reader): void {
    this.#held.set(reader, this.#inboxes.get(reader) ?? newInbox());
    this.#inboxes.delete(reader);
  }

  /** Handles a request without content in the reader's turn, and then what waits. Nothing if the reader is not held. */
  resume(reader: Reader): void {
    const inbox = this.#held.get(reader);
    if (inbox === undefined) return;
    this.#held.delete(reader);
    inbox.requests.splice(0, inbox.at, NO_CONTENT);
    inbox.at = 0;
    this.#inboxes.set(reader, inbox);
    this.#begin();
  }

  /** Drops what waits of a reader that has left. */
  forget(reader: Reader): void {
    this.#inboxes.delete(reader);
    this.#held.delete(reader);
  }

  #open(reader: Reader): Inbox {
    const inbox = newInbox();
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
