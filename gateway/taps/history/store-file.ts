import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

/**
 * Reads the file of an LMDB environment without LMDB, which trusts every page
 * that it maps: one damaged page ends the process with SIGSEGV. This reader
 * checks each position against the page and the file before it uses it.
 *
 *   page        ┌──────┬───────┬─────┬───────┬───────┬───────┬───────────────┬ ─ ─ ┬────────────┐
 *               │ pgno │ txnid │ pad │ flags │ lower │ upper │ offsets, u16  │     │ nodes      │
 *               └──────┴───────┴─────┴───────┴───────┴───────┴───────────────┴ ─ ─ ┴────────────┘
 *   byte        0      8       16    18      20      22      24              lower upper     4096
 *
 *   leaf node   data size (u32), flags, key size (u16 each), key, data
 *   branch node page number (48 bits: low 32, high 16), key size (u16), key
 *
 * Offsets count from the end of the page header. An overflow page has the number
 * of its pages (u32) at byte 20, and data from byte 24 on.
 */
const HEADER = 24;
const META_AT = HEADER;
const PAGE_BYTES = 4096;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const MAX_DEPTH = 32;
const NODE_HEADER = 8;
const DATABASE_BYTES = 48;

const PageFlag = { branch: 0x01, leaf: 0x02, overflow: 0x04, meta: 0x08 } as const;
const NodeFlag = { big: 0x01, database: 0x02 } as const;
/** The meta page was written before its transaction was flushed. */
const OVERLAPPING_SYNC = 0x1000;

/** Byte of each field of a meta page, from {@link META_AT} on. */
const Meta = { magic: 0, version: 4, mapSize: 16, free: 24, main: 72, lastPage: 120, txnId: 128, bootId: 136, bytes: 144 } as const;
/** Byte of each field of the description of a database. */
const Db = { pad: 0, flags: 4, depth: 6, root: 40 } as const;

/** The file is not as LMDB writes it. */
export class StoreFault extends Error {}

export interface StoreVisitor {
  /** Called with each value of a named database. It is valid during the call. Returns false if further values of large size need not be read. */
  onValue(database: string, key: Buffer, value: Buffer): void;
  /** False: values in overflow pages are no longer read, only their position is checked. */
  readonly readsOverflow: boolean;
}

interface Database {
  readonly root: number;
  readonly depth: number;
}

/**
 * Walks through all pages that LMDB would use at the next opening: their
 * structure is checked, and `visitor` receives the values.
 * @throws StoreFault, and errors of the file system
 */
export function walkStoreFile(path: string, visitor: StoreVisitor): void {
  const fd = openSync(path, 'r');
  try {
    new StoreWalk(fd, visitor).walk();
  } finally {
    closeSync(fd);
  }
}

/** Blocks of the file that are kept in memory. Neighbours in the tree are often neighbours in the file. */
const BLOCK_BYTES = 32 * 1024;
const BLOCKS = 256;

class StoreWalk {
  readonly #fd: number;
  readonly #size: number;
  readonly #visitor: StoreVisitor;
  readonly #blocks = Buffer.allocUnsafeSlow(BLOCK_BYTES * BLOCKS);
  readonly #held = new Float64Array(BLOCKS).fill(-1);
  /** A page per level of the tree, because a page must stay valid while those below it are read. */
  readonly #levels: Buffer[] = [];
  #lastPage = 0;
  #used = new Uint8Array(0);

  constructor(fd: number, visitor: StoreVisitor) {
    this.#fd = fd;
    this.#size = fstatSync(fd).size;
    this.#visitor = visitor;
  }

  walk(): void {
    const meta = this.#meta();
    this.#lastPage = integer(meta, Meta.lastPage);
    if (!(this.#lastPage >= 1 && this.#lastPage <= 2 ** 40)) throw new StoreFault(`the last page is ${this.#lastPage}`);
    // The file may be shorter than its last page, if the last ones are free.
    const pages = Math.floor(this.#size / PAGE_BYTES);
    this.#used = new Uint8Array(Math.ceil(pages / 8));
    const main = database(meta, Meta.main);
    this.#tree(main, 0, (level, key, data, flags) => {
      if ((flags & NodeFlag.database) === 0 || data.length !== DATABASE_BYTES)
        throw new StoreFault('the list of databases holds something else');
      const name = key.toString('latin1').replace(/\0$/, '');
      this.#tree(database(data, 0), level, (_level, innerKey, value) => this.#visitor.onValue(name, innerKey, value));
    });
    this.#tree(database(meta, Meta.free), 0, (_level, key, value) => this.#freePages(key, value));
  }

  /** The meta page that LMDB would use: the newest that was flushed, or, since the last boot, the newest. */
  #meta(): Buffer {
    const [first, flushed, second] = [0, PAGE_BYTES / 2, PAGE_BYTES].map((at) => {
      const bytes = Buffer.alloc(META_AT + Meta.bytes);
      this.#readAt(bytes, at);
      return bytes;
    });
    for (const [page, bytes] of [first, second].entries()) {
      const meta = bytes.subarray(META_AT);
      if ((bytes.readUInt16LE(18) & PageFlag.meta) === 0) throw new StoreFault(`page ${page} is not a meta page`);
      if (meta.readUInt32LE(Meta.magic) !== MAGIC) throw new StoreFault(`meta page ${page} has another magic`);
      if (meta.readUInt32LE(Meta.version) !== DATA_VERSION) throw new StoreFault(`meta page ${page} has another version`);
      if (meta.readUInt32LE(Meta.free + Db.pad) !== PAGE_BYTES) throw new StoreFault(`meta page ${page} has another page size`);
      const mapSize = integer(meta, Meta.mapSize);
      if (!(mapSize >= 0 && mapSize <= 2 ** 47)) throw new StoreFault(`meta page ${page} has a map of ${mapSize} bytes`);
    }
    const boot = bootId();
    const [a, b, c] = [first, second, flushed].map((bytes): Buffer => bytes.subarray(META_AT));
    return pickMeta(pickMeta(a, b, boot), c, boot);
  }

  #tree(db: Database, level: number, onNode: (level: number, key: Buffer, data: Buffer, flags: number) => void): void {
    // The page number of an empty tree is all ones.
    if (db.depth === 0) return;
    if (db.depth + level > MAX_DEPTH) throw new StoreFault(`a tree has ${db.depth} levels`);
    this.#subtree(db.root, db.depth, level, onNode);
  }

  #subtree(page: number, depth: number, level: number, onNode: (level: number, key: Buffer, data: Buffer, flags: number) => void): void {
    this.#use(page, 1);
    this.#levels[level] ??= Buffer.alloc(PAGE_BYTES);
    const bytes = this.#levels[level];
    this.#page(page).copy(bytes);
    if (integer(bytes, 0) !== page) throw new StoreFault(`page ${page} has the number of another`);
    const flags = bytes.readUInt16LE(18);
    if (flags !== (depth === 1 ? PageFlag.leaf : PageFlag.branch)) throw new StoreFault(`page ${page} has flags ${flags}`);
    const lower = bytes.readUInt16LE(20);
    const upper = bytes.readUInt16LE(22);
    if (lower % 2 !== 0 || lower > upper || upper + HEADER > PAGE_BYTES) throw new StoreFault(`page ${page} has impossible bounds`);
    const count = lower / 2;
    if (count < (depth === 1 ? 1 : 2)) throw new StoreFault(`page ${page} has ${count} nodes`);
    let before: Buffer | undefined;
    for (let i = 0; i < count; i++) {
      const at = bytes.readUInt16LE(HEADER + i * 2) + HEADER;
      if (at < upper + HEADER || at + NODE_HEADER > PAGE_BYTES) throw new StoreFault(`page ${page} has a node outside of it`);
      const keyBytes = bytes.readUInt16LE(at + 6);
      const keyEnd = at + NODE_HEADER + keyBytes;
      if (keyEnd > PAGE_BYTES) throw new StoreFault(`page ${page} has a key outside of it`);
      const key = bytes.subarray(at + NODE_HEADER, keyEnd);
      if (depth > 1) {
        this.#subtree(bytes.readUInt32LE(at) + bytes.readUInt16LE(at + 4) * 2 ** 32, depth - 1, level + 1, onNode);
        // The first key of a branch stands for everything before the second.
        if (i === 0) continue;
      }
      if (before !== undefined && before.compare(key) >= 0 && keyBytes !== 8) throw new StoreFault(`page ${page} has keys out of order`);
      before = key;
      if (depth > 1) continue;
      const nodeFlags = bytes.readUInt16LE(at + 4);
      const dataBytes = bytes.readUInt32LE(at);
      if ((nodeFlags & ~(NodeFlag.big | NodeFlag.database)) !== 0) throw new StoreFault(`page ${page} has a node with flags ${nodeFlags}`);
      if ((nodeFlags & NodeFlag.big) !== 0) this.#bigValue(page, bytes, keyEnd, dataBytes, level, key, onNode);
      else if (keyEnd + dataBytes > PAGE_BYTES) throw new StoreFault(`page ${page} has a value outside of it`);
      else onNode(level + 1, key, bytes.subarray(keyEnd, keyEnd + dataBytes), nodeFlags);
    }
  }

  #bigValue(
    page: number,
    bytes: Buffer,
    at: number,
    dataBytes: number,
    level: number,
    key: Buffer,
    onNode: (level: number, key: Buffer, data: Buffer, flags: number) => void,
  ): void {
    if (at + 24 > PAGE_BYTES) throw new StoreFault(`page ${page} has a value outside of it`);
    const from = integer(bytes, at);
    const pages = Math.ceil((HEADER + dataBytes) / PAGE_BYTES);
    if (integer(bytes, at + 16) !== pages)
      throw new StoreFault(`page ${page} has a value of ${dataBytes} bytes in another number of pages`);
    this.#use(from, pages);
    if (!this.#visitor.readsOverflow) return;
    const value = pages === 1 ? this.#page(from) : Buffer.alloc(pages * PAGE_BYTES);
    if (pages > 1) this.#readAt(value, from * PAGE_BYTES);
    if (integer(value, 0) !== from || (value.readUInt16LE(18) & PageFlag.overflow) === 0 || value.readUInt32LE(20) !== pages)
      throw new StoreFault(`page ${from} is not the value that page ${page} has there`);
    onNode(level + 1, key, value.subarray(HEADER, HEADER + dataBytes), 0);
  }

  /** A list of free pages: their count, then a page number each, or the negative length of a block and its first page. */
  #freePages(key: Buffer, value: Buffer): void {
    if (key.length !== 8 || value.length % 8 !== 0 || value.length < 8) throw new StoreFault('a list of free pages has another form');
    const count = value.readBigInt64LE(0);
    if (count < 0n || count >= BigInt(value.length / 8))
      throw new StoreFault(`a list of free pages has ${count} entries in ${value.length} bytes`);
    const limit = BigInt(this.#lastPage) + 1n;
    for (let i = 1; i <= Number(count); i++) {
      const entry = value.readBigInt64LE(i * 8);
      if (entry > limit || -entry > limit) throw new StoreFault('a list of free pages names one beyond the end');
    }
  }

  /** Marks pages as used; each may be used once. */
  #use(page: number, count: number): void {
    if (!(page >= 2 && page + count - 1 <= this.#lastPage)) throw new StoreFault(`page ${page} is outside of the store`);
    if ((page + count) * PAGE_BYTES > this.#size) throw new StoreFault(`the file ends before page ${page + count - 1}`);
    for (let at = page; at < page + count; at++) {
      if ((this.#used[at >> 3] & (1 << (at & 7))) !== 0) throw new StoreFault(`page ${at} is used twice`);
      this.#used[at >> 3] |= 1 << (at & 7);
    }
  }

  /** A page in the cache; valid until the next call. */
  #page(page: number): Buffer {
    const block = Math.floor((page * PAGE_BYTES) / BLOCK_BYTES);
    const slot = block % BLOCKS;
    const held = this.#blocks.subarray(slot * BLOCK_BYTES, (slot + 1) * BLOCK_BYTES);
    if (this.#held[slot] !== block) {
      this.#held[slot] = -1;
      this.#readAt(held.subarray(0, Math.min(BLOCK_BYTES, this.#size - block * BLOCK_BYTES)), block * BLOCK_BYTES);
      this.#held[slot] = block;
    }
    const at = page * PAGE_BYTES - block * BLOCK_BYTES;
    return held.subarray(at, at + PAGE_BYTES);
  }

  #readAt(bytes: Buffer, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      const got = readSync(this.#fd, bytes, done, bytes.length - done, position + done);
      if (got === 0) throw new StoreFault(`the file ends at byte ${position + done}`);
      done += got;
    }
  }
}

function database(bytes: Buffer, at: number): Database {
  const depth = bytes.readUInt16LE(at + Db.depth);
  return { depth, root: integer(bytes, at + Db.root) };
}

/** LMDB's choice between two meta pages, as `mdb_pick_meta`. */
function pickMeta(a: Buffer, b: Buffer, boot: number): Buffer {
  const [left, right] = [integer(a, Meta.txnId), integer(b, Meta.txnId)];
  if (right === 0) return a;
  const latest = left >= right ? a : b;
  const since = integer(latest, Meta.bootId);
  if ((since !== 0 && since === boot) || (latest.readUInt16LE(Meta.free + Db.flags) & OVERLAPPING_SYNC) === 0) return latest;
  return left > right ? b : a;
}

/** The number of this boot as LMDB has it: the first group of its hex digits. 0 if there is none. */
function bootId(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8), 16);
  } catch {
    return 0;
  }
}

/** An unsigned 64-bit integer; values from 2^53 on are only approximate, and beyond every limit here. */
function integer(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}
