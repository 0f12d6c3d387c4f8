/**
 * Reads an untrusted FlatBuffer: every offset is checked before it is followed.
 * The generated accessors do not check their input, and return 64-bit fields as
 * BigInt. They are therefore never used for external input.
 *
 *   0        4          vtable                 table                  vector
 *   ┌──────┬──────────┬──────────────────────┬──────────────────────┬───────────────────┐
 *   │ root │ "OBL1"   │ bytes, table bytes,  │ soffset to vtable,   │ count, elements … │
 *   │ u32  │ optional │ offset of each field │ scalars, uoffsets    │ u32               │
 *   └──────┴──────────┴──────────────────────┴──────────────────────┴───────────────────┘
 *
 * The file identifier is not checked: it is optional in FlatBuffers, only the
 * root type has one, and the frame contains the schema version.
 *
 * A gRPC payload starts at any byte of a pooled buffer, so reads use a DataView,
 * which accepts any position. Alignment is checked relative to the start of the
 * frame, as builders align. One thread owns a reader. It allocates only when the
 * buffer of the frames changes.
 */
export class FlatReader {
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Position of the frame in `view`; returned positions are relative to it. */
  start = 0;
  length = 0;
  /** First element and number of elements of the vector that `vector` found last. */
  vectorAt = 0;
  vectorCount = 0;
  #table = 0;
  #tableBytes = 0;
  #vtable = 0;
  #vtableBytes = 0;

  /** Opens the frame of `length` bytes at `at`, and checks its root, table and vtable. Returns false if it is not a frame. Valid until `bytes` changes. */
  open(bytes: Uint8Array, at: number = 0, length: number = bytes.byteLength): boolean {
    const memory = bytes.buffer;
    if (this.view.buffer !== memory) this.view = new DataView(memory);
    this.start = bytes.byteOffset + at;
    this.length = length;
    if (this.length < 12) return false;
    const table = this.u32(0);
    if (table < 8 || table % 4 !== 0 || table > this.length - 4) return false;
    const vtable = table - this.view.getInt32(this.start + table, true);
    if (vtable < 4 || vtable % 2 !== 0 || vtable > this.length - 4) return false;
    const vtableBytes = this.u16(vtable);
    const tableBytes = this.u16(vtable + 2);
    if (vtableBytes < 4 || vtableBytes % 2 !== 0 || vtableBytes > this.length - vtable) return false;
    if (tableBytes < 4 || tableBytes > this.length - table) return false;
    if (overlap(table, tableBytes, vtable, vtableBytes)) return false;
    this.#table = table;
    this.#tableBytes = tableBytes;
    this.#vtable = vtable;
    this.#vtableBytes = vtableBytes;
    return true;
  }

  /** Position of a field of `bytes` bytes (1, 2, 4 or 8), 0 if it is omitted (the default applies), -1 if its offset is invalid. */
  field(id: number, bytes: number): number {
    const entry = 4 + 2 * id;
    if (entry + 2 > this.#vtableBytes) return 0;
    const offset = this.u16(this.#vtable + entry);
    if (offset === 0) return 0;
    if (offset < 4 || offset + bytes > this.#tableBytes) return -1;
    const at = this.#table + offset;
    return at % bytes === 0 ? at : -1;
  }

  /** Sets `vectorAt` and `vectorCount` for a vector of structs aligned to 8 bytes; an omitted vector is empty. Returns false if its offset or length is invalid. */
  vector(id: number, structBytes: number): boolean {
    this.vectorAt = 0;
    this.vectorCount = 0;
    const field = this.field(id, 4);
    if (field <= 0) return field === 0;
    const at = field + this.u32(field);
    if (at === field || at > this.length - 4 || (at + 4) % 8 !== 0) return false;
    const count = this.u32(at);
    if (count > (this.length - at - 4) / structBytes) return false;
    const bytes = 4 + count * structBytes;
    if (overlap(at, bytes, this.#table, this.#tableBytes) || overlap(at, bytes, this.#vtable, this.#vtableBytes)) return false;
    this.vectorAt = at + 4;
    this.vectorCount = count;
    return true;
  }

  u8(at: number): number {
    return this.view.getUint8(this.start + at);
  }

  u16(at: number): number {
    return this.view.getUint16(this.start + at, true);
  }

  u32(at: number): number {
    return this.view.getUint32(this.start + at, true);
  }

  /** The 64-bit integer at `at` if it is in [0, 2^53), else -1. */
  u53(at: number): number {
    const high = this.u32(at + 4);
    return high >>> 21 === 0 ? high * TWO_32 + this.u32(at) : -1;
  }

  /** Copies `words` 32-bit words from any position into an aligned view. Measured: 24 ns for 64 bytes, a third of `subarray` + `set`, without allocation. */
  copyWords(at: number, to: Int32Array, word: number, words: number): void {
    const { view } = this;
    const from = this.start + at;
    for (let i = 0; i < words; i++) to[word + i] = view.getInt32(from + 4 * i, true);
  }
}

const TWO_32 = 2 ** 32;

function overlap(a: number, aBytes: number, b: number, bBytes: number): boolean {
  return a < b + bBytes && b < a + aBytes;
}
