import { writeDecimal, writeDigits } from '../text/decimal.ts';
import type { BookLevels, VenueBook } from './venue-book.ts';

/** Levels of a side that Kraken's checksum covers. */
const KRAKEN_LEVELS = 10;
const OKX_LEVELS = 25;
/** Two sides, two numbers a level, each of at most 37 bytes and a separator. */
const scratch = new Uint8Array(2 * OKX_LEVELS * 2 * 40);
const COLON = 0x3a;

/**
 * Kraken, both versions: CRC32 of the ten best asks, then the ten best bids, best first: the price, then the quantity,
 * as the venue writes them, without the point and without zeros in front.
 * Source: docs.kraken.com, "Book checksum". @returns in [0, 2^32)
 */
export function krakenChecksum(book: VenueBook): number {
  const end = krakenSide(book.asks, book, 0);
  return crc32(scratch, krakenSide(book.bids, book, end));
}

function krakenSide(levels: BookLevels, book: VenueBook, from: number): number {
  let at = from;
  const count = Math.min(levels.length, KRAKEN_LEVELS);
  for (let depth = 0; depth < count; depth++) {
    at = writeDigits(scratch, at, levels.price(depth), book.priceDecimals, levels.writtenPriceDecimals(depth));
    const decimals = book.quantityDecimals - levels.coarseness(depth);
    at = writeDigits(scratch, at, levels.storedQuantity(depth), decimals, levels.writtenQuantityDecimals(depth));
  }
  return at;
}

/**
 * OKX: CRC32 of the 25 best levels of each side as `bid:quantity:ask:quantity:bid:...`; where one side has fewer
 * levels, the other goes on alone. Source: OKX API v5, "Order book channel". @returns signed, in [-2^31, 2^31)
 */
export function okxChecksum(book: VenueBook): number {
  let at = 0;
  const bids = Math.min(book.bids.length, OKX_LEVELS);
  const asks = Math.min(book.asks.length, OKX_LEVELS);
  for (let depth = 0; depth < bids || depth < asks; depth++) {
    if (depth < bids) at = okxLevel(book.bids, book, depth, at);
    if (depth < asks) at = okxLevel(book.asks, book, depth, at);
  }
  // Without the last separator.
  return crc32(scratch, Math.max(at - 1, 0)) | 0;
}

function okxLevel(levels: BookLevels, book: VenueBook, depth: number, from: number): number {
  let at = writeDecimal(scratch, from, levels.price(depth), book.priceDecimals, levels.writtenPriceDecimals(depth));
  scratch[at++] = COLON;
  const decimals = book.quantityDecimals - levels.coarseness(depth);
  at = writeDecimal(scratch, at, levels.storedQuantity(depth), decimals, levels.writtenQuantityDecimals(depth));
  scratch[at++] = COLON;
  return at;
}

/** The remainders of all bytes; polynomial 0xedb88320, as in gzip. A call of zlib's crc32 costs more than these few bytes. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

function crc32(bytes: Uint8Array, length: number): number {
  let crc = -1;
  for (let i = 0; i < length; i++) crc = REMAINDERS[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
