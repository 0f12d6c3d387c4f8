import { HeaderTable } from './header-table.ts';
import { decodeHuffman } from './huffman.ts';

export interface HeaderSink {
  /** A field, in the order of the block. Text has a character per byte. */
  onHeader(name: string, value: string): void;
}

/** Larger integers are not met: lengths and indexes are bounded by the block. */
const MAX_INTEGER = 1 << 24;
/** A byte gives at most 8/5 characters. */
const MIN_CODE_BITS = 5;

/** Of all decoders: it holds a text during its decoding only. */
let scratch = Buffer.allocUnsafeSlow(1024);

/** Decodes the header blocks of a connection, in their order (RFC 7541). Blocks that are ignored must be decoded, too. */
export class HpackDecoder {
  readonly #table = new HeaderTable();
  #bytes: Buffer = scratch;
  #at = 0;
  #end = 0;
  #isWrong = false;

  /** Decodes the block from `at` to `end`. False: it cannot be decoded, nor can a later one. */
  decode(bytes: Buffer, at: number, end: number, sink: HeaderSink): boolean {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#isWrong = false;
    let isFirst = true;
    while (this.#at < this.#end && !this.#isWrong) {
      const byte = bytes[this.#at];
      if ((byte & 0xe0) === 0x20) {
        // A change of the table's size stands before all fields.
        if (!isFirst || !this.#table.resize(this.#integer(5))) return false;
        continue;
      }
      isFirst = false;
      if ((byte & 0x80) !== 0) this.#indexed(sink);
      else if ((byte & 0x40) !== 0) this.#literal(6, true, sink);
      else this.#literal(4, false, sink);
    }
    return !this.#isWrong;
  }

  #indexed(sink: HeaderSink): void {
    const index = this.#integer(7);
    const field = index === 0 ? undefined : this.#table.at(index);
    if (field === undefined) this.#isWrong = true;
    else sink.onHeader(field.name, field.value);
  }

  #literal(prefixBits: number, isKept: boolean, sink: HeaderSink): void {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#text() : this.#table.at(index)?.name;
    const value = this.#text();
    if (name === undefined || this.#isWrong) {
      this.#isWrong = true;
      return;
    }
    if (isKept) this.#table.add({ name, value });
    sink.onHeader(name, value);
  }

  #text(): string {
    const at = this.#at;
    const isHuffman = at < this.#end && (this.#bytes[at] & 0x80) !== 0;
    const length = this.#integer(7);
    const from = this.#at;
    if (this.#isWrong || length > this.#end - from) {
      this.#isWrong = true;
      return '';
    }
    this.#at = from + length;
    if (!isHuffman) return this.#bytes.toString('latin1', from, from + length);
    const most = Math.ceil((8 * length) / MIN_CODE_BITS);
    if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(2 * most);
    const decoded = decodeHuffman(this.#bytes, from, from + length, scratch);
    if (decoded !== -1) return scratch.toString('latin1', 0, decoded);
    this.#isWrong = true;
    return '';
  }

  /** An integer that begins in the lowest bits of a byte (RFC 7541, 5.1). */
  #integer(prefixBits: number): number {
    const bytes = this.#bytes;
    if (this.#at >= this.#end) {
      this.#isWrong = true;
      return 0;
    }
    const most = (1 << prefixBits) - 1;
    let value = bytes[this.#at++] & most;
    if (value < most) return value;
    for (let shift = 0; this.#at < this.#end && shift <= 21; shift += 7) {
      const byte = bytes[this.#at++];
      value += (byte & 0x7f) << shift;
      if (value > MAX_INTEGER) break;
      if ((byte & 0x80) === 0) return value;
    }
    this.#isWrong = true;
    return 0;
  }
}
