/** Most bytes of messages in pieces: per connection, and of the whole server. */
const MAX_PER_CONNECTION = 8 * 1024 * 1024;
const MAX_TOTAL = 256 * 1024 * 1024;

/** Memory for messages that have not arrived completely, or whose call has not: one that takes one message is served when its client closes its side. A connection's is part of the server's. */
export class PartialBytes {
  /** Bytes in use. */
  used = 0;
  readonly #most: number;
  readonly #parent: PartialBytes | undefined;
  readonly #onFull: () => void;

  private constructor(most: number, parent: PartialBytes | undefined, onFull: () => void) {
    this.#most = most;
    this.#parent = parent;
    this.#onFull = onFull;
  }

  /** @param onFull called when a limit, also one of a connection, is reached */
  static ofServer(most: number = MAX_TOTAL, onFull: () => void = () => undefined): PartialBytes {
    return new PartialBytes(most, undefined, onFull);
  }

  static ofConnection(server: PartialBytes, most: number = MAX_PER_CONNECTION): PartialBytes {
    return new PartialBytes(most, server, server.#onFull);
  }

  /** Takes memory; false when a limit is reached, and nothing was taken. */
  take(bytes: number): boolean {
    if (this.used + bytes > this.#most) {
      this.#onFull();
      return false;
    }
    if (this.#parent?.take(bytes) === false) return false;
    this.used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.used -= bytes;
    this.#parent?.give(bytes);
  }
}
