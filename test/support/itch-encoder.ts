/**
 * Writes messages of ITCH 5.0 for tests. It does not use the layout table of the reader: each message is
 * written field after field, so that an error in one of the two shows.
 */
export class ItchEncoder {
  readonly #frames: Buffer[] = [];

  /** All messages so far, each behind its length. */
  bytes(): Buffer {
    return Buffer.concat(this.#frames);
  }

  get count(): number {
    return this.#frames.length;
  }

  systemEvent(ns: number, event: string): void {
    this.#put(fields('S', 0, ns).text(event, 1));
  }

  directory(locate: number, ns: number, stock: string): void {
    this.#put(
      fields('R', locate, ns)
        .text(stock, 8)
        .text('Q', 1)
        .text('N', 1)
        .u32(100)
        .text('N', 1)
        .text('C', 1)
        .text('Z', 2)
        .text('P', 1)
        .text('N', 1)
        .text('N', 1)
        .text('1', 1)
        .text('N', 1)
        .u32(0)
        .text('N', 1),
    );
  }

  tradingAction(locate: number, ns: number, stock: string, state: string): void {
    this.#put(fields('H', locate, ns).text(stock, 8).text(state, 1).text('', 1).text('', 4));
  }

  add(locate: number, ns: number, id: bigint, side: 'B' | 'S', shares: number, stock: string, price: number, mpid?: string): void {
    const message = fields(mpid === undefined ? 'A' : 'F', locate, ns)
      .u64(id)
      .text(side, 1)
      .u32(shares)
      .text(stock, 8)
      .u32(price);
    this.#put(mpid === undefined ? message : message.text(mpid, 4));
  }

  executed(locate: number, ns: number, id: bigint, shares: number, match: bigint): void {
    this.#put(fields('E', locate, ns).u64(id).u32(shares).u64(match));
  }

  executedAt(locate: number, ns: number, id: bigint, shares: number, match: bigint, printable: boolean, price: number): void {
    this.#put(
      fields('C', locate, ns)
        .u64(id)
        .u32(shares)
        .u64(match)
        .text(printable ? 'Y' : 'N', 1)
        .u32(price),
    );
  }

  cancel(locate: number, ns: number, id: bigint, shares: number): void {
    this.#put(fields('X', locate, ns).u64(id).u32(shares));
  }

  delete(locate: number, ns: number, id: bigint): void {
    this.#put(fields('D', locate, ns).u64(id));
  }

  replace(locate: number, ns: number, id: bigint, newId: bigint, shares: number, price: number): void {
    this.#put(fields('U', locate, ns).u64(id).u64(newId).u32(shares).u32(price));
  }

  trade(locate: number, ns: number, side: 'B' | 'S', shares: number, stock: string, price: number, match: bigint): void {
    this.#put(fields('P', locate, ns).u64(0n).text(side, 1).u32(shares).text(stock, 8).u32(price).u64(match));
  }

  cross(locate: number, ns: number, shares: bigint, stock: string, price: number, match: bigint, type: string): void {
    this.#put(fields('Q', locate, ns).u64(shares).text(stock, 8).u32(price).u64(match).text(type, 1));
  }

  broken(locate: number, ns: number, match: bigint): void {
    this.#put(fields('B', locate, ns).u64(match));
  }

  /** Any bytes as a message. */
  raw(message: Uint8Array): void {
    const frame = Buffer.alloc(2 + message.length);
    frame.writeUInt16BE(message.length);
    frame.set(message, 2);
    this.#frames.push(frame);
  }

  /** Bytes without a length in front. */
  noise(bytes: Uint8Array): void {
    this.#frames.push(Buffer.from(bytes));
  }

  #put(message: Fields): void {
    this.raw(message.bytes());
  }
}

function fields(type: string, locate: number, ns: number): Fields {
  return new Fields().text(type, 1).u16(locate).u16(0).u48(ns);
}

class Fields {
  readonly #parts: Buffer[] = [];

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  text(value: string, bytes: number): this {
    return this.#add(Buffer.from(value.padEnd(bytes, ' '), 'latin1'));
  }

  u16(value: number): this {
    return this.#add(uint(BigInt(value), 2));
  }

  u32(value: number): this {
    return this.#add(uint(BigInt(value), 4));
  }

  u48(value: number): this {
    return this.#add(uint(BigInt(value), 6));
  }

  u64(value: bigint): this {
    return this.#add(uint(value, 8));
  }

  #add(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }
}

function uint(value: bigint, bytes: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(value);
  return out.subarray(8 - bytes);
}
