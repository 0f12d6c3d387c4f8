/**
 * Cuts a byte stream into messages. A complete message is passed on in place; only
 * a message in two pieces is copied together, into memory that is reused.
 */
export abstract class MessageSplitter {
  #rest: Buffer;
  #restBytes = 0;

  /** @param most bytes of the longest message plus one piece */
  constructor(most: number = 2 ** 20) {
    this.#rest = Buffer.alloc(most);
  }

  /** Bytes of the header at `at` if it is complete, else 0. `length` is then the length of the body. */
  protected abstract readHead(bytes: Buffer, at: number): number;
  protected length = 0;

  push(piece: Buffer, onMessage: (message: Buffer) => void): void {
    let bytes = piece;
    if (this.#restBytes !== 0) {
      if (this.#restBytes + piece.length > this.#rest.length) throw new RangeError('a message is longer than the maximum of the exchange');
      this.#rest.set(piece, this.#restBytes);
      bytes = this.#rest.subarray(0, this.#restBytes + piece.length);
    }
    let at = 0;
    for (;;) {
      const head = this.readHead(bytes, at);
      if (head === 0 || at + head + this.length > bytes.length) break;
      onMessage(bytes.subarray(at + head, at + head + this.length));
      at += head + this.length;
    }
    this.#restBytes = bytes.length - at;
    if (this.#restBytes === 0) return;
    if (bytes === piece) this.#rest.set(bytes.subarray(at));
    else if (at !== 0) this.#rest.copyWithin(0, at, bytes.length);
  }
}
