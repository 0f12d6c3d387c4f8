import type { BookLevels, VenueBook } from './venue-book.ts';

/**
 * The best levels of several books as numbers, one behind another, for another thread:
 *
 *     bids, asks, price decimals, quantity decimals, then price and quantity of each bid and of each ask, best first
 *
 * An instrument that is not there has -1 bids, and nothing else behind its head.
 */
const HEAD = 4;

/** Most levels of a side of a view. */
export const MOST_VIEW_LEVELS = 50;

/** Appends a view. Levels whose quantity needs 2^53 units or more are left out. @param levels of a side, at most */
export function writeView(instrument: { readonly book: VenueBook } | undefined, levels: number, out: number[]): void {
  if (instrument === undefined) {
    out.push(-1, 0, 0, 0);
    return;
  }
  const { book } = instrument;
  const head = out.length;
  out.push(0, 0, book.priceDecimals, book.quantityDecimals);
  out[head] = writeSide(book.bids, levels, out);
  out[head + 1] = writeSide(book.asks, levels, out);
}

function writeSide(side: BookLevels, levels: number, out: number[]): number {
  let count = 0;
  for (let depth = 0; depth < side.length && count < levels; depth++) {
    const quantity = side.quantity(depth);
    if (quantity === 0) continue;
    out.push(side.price(depth), quantity);
    count++;
  }
  return count;
}

/** The levels of one side: price and quantity in turn, best first. */
export type SideView = Float64Array;

export interface BookView {
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
  readonly bids: SideView;
  readonly asks: SideView;
}

/** Views in their order; undefined for an instrument that is not there. The sides are parts of `views`. */
export function readViews(views: Float64Array): (BookView | undefined)[] {
  const found: (BookView | undefined)[] = [];
  for (let at = 0; at < views.length; ) {
    const [bids, asks, priceDecimals, quantityDecimals] = views.subarray(at, at + HEAD);
    at += HEAD;
    if (bids === -1) {
      found.push(undefined);
      continue;
    }
    const middle = at + 2 * bids;
    const end = middle + 2 * asks;
    found.push({ priceDecimals, quantityDecimals, bids: views.subarray(at, middle), asks: views.subarray(middle, end) });
    at = end;
  }
  return found;
}

/** Calls back with each price of a side whose quantity has changed; 0: it is not in the view any more. @param sign 1: the highest price is the best; -1: the lowest */
export function eachChange(before: SideView, now: SideView, sign: 1 | -1, change: (price: number, quantity: number) => void): void {
  let old = 0;
  let at = 0;
  while (old < before.length || at < now.length) {
    const order = old === before.length ? 1 : at === now.length ? -1 : sign * (now[at] - before[old]);
    if (order > 0) {
      change(now[at], now[at + 1]);
      at += 2;
    } else if (order < 0) {
      change(before[old], 0);
      old += 2;
    } else {
      if (before[old + 1] !== now[at + 1]) change(now[at], now[at + 1]);
      old += 2;
      at += 2;
    }
  }
}
