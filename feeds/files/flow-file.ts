import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/**
 * Generated order flow of the open matching-engine benchmark (arXiv:2606.01183),
 * plain or gzipped: a header of 16 bytes, then records of 40, little-endian.
 *
 *   byte 0      1      2     3   4          8          16         24        32
 *   ┌──────┬──────┬─────┬───┬──────────┬──────────┬──────────┬─────────┬─────────┐
 *   │ type │ side │ ioc │ - │ quantity │ sequence │ order id │  price  │    -    │
 *   └──────┴──────┴─────┴───┴──────────┴──────────┴──────────┴─────────┴─────────┘
 */
export const FLOW_RECORD_WORDS = 10;
/** Word of each field in a record; 64-bit ones start at their low word. Word 0 holds type, side and ioc, a byte each from the lowest. */
export const FlowWord = { head: 0, quantity: 1, sequence: 2, orderId: 4, price: 6 } as const;
export const FlowType = { New: 0, Cancel: 1, Modify: 2 } as const;

const MAGIC = 0x4d45_4257_5f30_3031n;
const VERSION = 1;
const HEADER_BYTES = 16;
const RECORD_BYTES = FLOW_RECORD_WORDS * 4;
const GZIP_MAGIC = 0x8b1f;
const TOP_21 = 0xffe00000;

/** The file is not an order flow file, or is incomplete. */
export class FlowFileError extends Error {
  readonly code = 'OPENBELL_FLOW_FILE';
}

export interface Flow {
  /** Messages. */
  readonly count: number;
  /** `count` records: types, sides, and integers below 2^53 are checked; prices are from 1 to `maxPrice`. */
  readonly words: Int32Array;
  /** Highest price of any new order or modify, in ticks; below 2^31. */
  readonly maxPrice: number;
  readonly newOrders: number;
}

/** Reads and checks a whole flow file. @throws FlowFileError that names the file and the first bad record */
export async function readFlowFile(path: string): Promise<Flow> {
  const raw = await readFile(path);
  const bytes = raw.length >= 2 && raw.readUInt16LE(0) === GZIP_MAGIC ? await promisify(gunzip)(raw) : raw;
  return parseFlow(bytes, path);
}

/** @param name of the file, for messages */
export function parseFlow(bytes: Uint8Array, name: string): Flow {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getBigUint64(0, true) !== MAGIC) {
    throw new FlowFileError(`${name}: not an order flow file (no header)`);
  }
  const version = view.getUint32(8, true);
  if (version !== VERSION) throw new FlowFileError(`${name}: order flow version ${version}, this build reads ${VERSION}`);
  const count = view.getUint32(12, true);
  if (bytes.length !== HEADER_BYTES + count * RECORD_BYTES) {
    throw new FlowFileError(`${name}: ${count} records take ${HEADER_BYTES + count * RECORD_BYTES} bytes, the file has ${bytes.length}`);
  }
  // A copy aligns the records to four bytes, independent of the alignment of the file's bytes.
  const records = new Uint8Array(count * RECORD_BYTES);
  records.set(bytes.subarray(HEADER_BYTES));
  const words = new Int32Array(records.buffer);
  let maxPrice = 1;
  let newOrders = 0;
  for (let message = 0; message < count; message++) {
    const at = message * FLOW_RECORD_WORDS;
    const complaint = complain(words, at);
    if (complaint !== '') throw new FlowFileError(`${name}: record ${message}: ${complaint}`);
    const type = words[at] & 0xff;
    if (type === FlowType.New) newOrders++;
    if (type !== FlowType.Cancel) maxPrice = Math.max(maxPrice, words[at + FlowWord.price]);
  }
  return { count, words, maxPrice, newOrders };
}

/** The fault of the record at word `at`, or ''. */
function complain(words: Int32Array, at: number): string {
  const head = words[at];
  const type = head & 0xff;
  if (type > FlowType.Modify) return `type ${type}, known are 0 to 2`;
  if (((head >> 8) & 0xff) > 1) return `side ${(head >> 8) & 0xff}, known are 0 and 1`;
  if (((head >> 16) & 0xff) > 1) return `ioc ${(head >> 16) & 0xff}, known are 0 and 1`;
  if ((words[at + FlowWord.sequence + 1] & TOP_21) !== 0) return 'sequence is 2^53 or more';
  if ((words[at + FlowWord.orderId + 1] & TOP_21) !== 0) return 'order id is 2^53 or more';
  if (type === FlowType.Cancel) return '';
  if (words[at + FlowWord.quantity] === 0) return 'quantity is 0';
  if (words[at + FlowWord.price + 1] !== 0 || words[at + FlowWord.price] <= 0) return 'price is not from 1 to 2^31 - 1';
  return '';
}
