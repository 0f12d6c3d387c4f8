import type { VenueBook } from '../books/venue-book.ts';
import { ByteTable } from '../text/byte-table.ts';
import { wholeNumber } from '../text/decimal.ts';
import type { JsonScanner } from '../text/json-scanner.ts';

const DEPTHS = [10, 25, 100, 500, 1000];
const DEFAULT_DEPTH = 100;

/** The depth to subscribe: the least that Kraken offers and that has at least these levels, or the largest. */
export function bookDepth(wanted: number = DEFAULT_DEPTH): number {
  return DEPTHS.find((depth) => depth >= wanted) ?? DEPTHS[DEPTHS.length - 1];
}

/** The depth that a snapshot shows: the least that has room for its levels. Where none was asked for, as in a capture without the answer. */
export function depthOf(book: VenueBook): number {
  return bookDepth(Math.max(book.bids.length, book.asks.length));
}

export interface KrakenPair {
  /** As WebSocket version 1 writes it: `XBT/USD`. */
  readonly wsname: string;
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
}

const ANSWER = new ByteTable(['result']);
const FIELDS = new ByteTable(['wsname', 'pair_decimals', 'lot_decimals']);

/**
 * Reads an answer of `/0/public/AssetPairs`: `{"error":[],"result":{"XXBTZUSD":{"wsname":"XBT/USD","pair_decimals":1,
 * "lot_decimals":8,...},...}}`. Pairs without these fields are left out. @returns false if it is not such an answer
 */
export function readAssetPairs(scanner: JsonScanner, bytes: Uint8Array, onPair: (pair: KrakenPair) => void): boolean {
  let found = false;
  scanner.start(bytes);
  if (!scanner.object()) return false;
  while (scanner.nextKey()) {
    if (scanner.id(ANSWER) === -1 || !scanner.object()) continue;
    found = true;
    while (scanner.nextKey()) {
      const pair = readPair(scanner);
      if (pair !== undefined) onPair(pair);
    }
  }
  return scanner.finished() && found;
}

function readPair(scanner: JsonScanner): KrakenPair | undefined {
  let wsname = '';
  let priceDecimals = -1;
  let quantityDecimals = -1;
  if (!scanner.object()) return undefined;
  while (scanner.nextKey()) {
    const field = scanner.id(FIELDS);
    if (field === -1 || !scanner.value()) continue;
    if (field === 0) wsname = scanner.text();
    else if (field === 1) priceDecimals = wholeNumber(scanner.bytes, scanner.from, scanner.to);
    else quantityDecimals = wholeNumber(scanner.bytes, scanner.from, scanner.to);
  }
  return wsname !== '' && priceDecimals >= 0 && quantityDecimals >= 0 ? { wsname, priceDecimals, quantityDecimals } : undefined;
}
