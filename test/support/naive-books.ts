import { readFileSync } from 'node:fs';
import { crc32, gunzipSync } from 'node:zlib';
import type { CapturedBook } from '../../feeds/files/capture-books.ts';

/**
 * Books of a capture, computed again and naively: JSON.parse, maps from price text to quantity text, a sort for each
 * look. It shares nothing with feeds/ but the form of the result.
 */
export interface NaiveLine {
  readonly t: string;
  readonly conn: string;
  readonly ts: number;
  readonly url?: string;
  readonly data: string;
}

export function captureLines(path: string): NaiveLine[] {
  const text = path.endsWith('.gz') ? gunzipSync(readFileSync(path)).toString() : readFileSync(path, 'utf8');
  const lines: NaiveLine[] = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return lines.filter(({ t }) => t !== 'header').sort((a, b) => a.ts - b.ts);
}

type Level = readonly [price: string, quantity: string, ...rest: unknown[]];
/** Price without zeros at its end, as a venue may write the same price with others; then the text. */
type Side = Map<string, { readonly at: number; readonly price: string; readonly quantity: string }>;

export class NaiveBook {
  readonly bids: Side = new Map();
  readonly asks: Side = new Map();
  updates = 0;
  checks = 0;
  failed = 0;
  crossed = 0;
  /** Until the next change. */
  readonly #sorted = new Map<'bids' | 'asks', [string, string][]>();

  set(side: 'bids' | 'asks', levels: readonly Level[] = []): void {
    this.#sorted.delete(side);
    for (const [price, quantity] of levels) {
      const key = price.includes('.') ? price.replace(/\.?0+$/, '') : price;
      if (Number(quantity) === 0) this[side].delete(key);
      else this[side].set(key, { at: Number(price), price, quantity });
    }
  }

  sorted(side: 'bids' | 'asks'): [string, string][] {
    const known = this.#sorted.get(side);
    if (known !== undefined) return known;
    const sign = side === 'bids' ? -1 : 1;
    const levels = [...this[side].values()].sort((a, b) => sign * (a.at - b.at));
    const sorted = levels.map(({ price, quantity }): [string, string] => [price, quantity]);
    this.#sorted.set(side, sorted);
    return sorted;
  }

  truncate(depth: number): void {
    for (const side of ['bids', 'asks'] as const) {
      if (this[side].size <= depth) continue;
      const levels = this.sorted(side).slice(0, depth);
      this[side].clear();
      this.set(side, levels);
    }
  }

  updated(): void {
    this.updates++;
    let bid = 0;
    let ask = Number.POSITIVE_INFINITY;
    for (const { at } of this.bids.values()) bid = Math.max(bid, at);
    for (const { at } of this.asks.values()) ask = Math.min(ask, at);
    if (bid >= ask) this.crossed++;
  }

  checked(right: boolean): void {
    this.checks++;
    if (!right) this.failed++;
  }
}

/** Answers over HTTP come before all frames. @returns as `openbell feeds books --json` prints it */
export function naiveBooks(lines: readonly NaiveLine[], apply: NaiveVenue, levels: number): CapturedBook[] {
  const books = new Map<string, NaiveBook>();
  for (const line of lines) if (line.t === 'http') apply(line, books);
  for (const line of lines) if (line.t === 'recv') apply(line, books);
  return [...books]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([instrument, book]) => ({
      instrument,
      bids: book.sorted('bids').slice(0, levels),
      asks: book.sorted('asks').slice(0, levels),
      updates: book.updates,
      checks: book.checks,
      failed: book.failed,
      crossed: book.crossed,
    }));
}

export type NaiveVenue = (line: NaiveLine, books: Map<string, NaiveBook>) => void;

export function krakenText(book: NaiveBook): string {
  const digits = (text: string): string => text.replace('.', '').replace(/^0+/, '');
  return ['asks', 'bids']
    .flatMap((side) => book.sorted(side as 'asks').slice(0, 10))
    .flat()
    .map(digits)
    .join('');
}

interface KrakenPayload {
  readonly as?: readonly Level[];
  readonly bs?: readonly Level[];
  readonly a?: readonly Level[];
  readonly b?: readonly Level[];
  readonly c?: string;
}

export const krakenV1: NaiveVenue = ({ t, data }, books) => {
  if (t !== 'recv' || !data.startsWith('[')) return;
  const frame: unknown[] = JSON.parse(data);
  const [channel, pair] = frame.slice(-2) as [string, string];
  if (!channel.startsWith('book-')) return;
  const payload: KrakenPayload = Object.assign({}, ...frame.slice(1, -2));
  if (payload.as !== undefined) books.set(pair, new NaiveBook());
  const book = books.get(pair);
  if (book === undefined) return;
  book.set('asks', payload.as ?? payload.a);
  book.set('bids', payload.bs ?? payload.b);
  book.truncate(Number(channel.slice(5)));
  if (payload.as !== undefined) return;
  book.updated();
  book.checked(crc32(krakenText(book)) === Number(payload.c));
};

interface OkxMessage {
  readonly arg?: { readonly channel: string; readonly instId: string };
  readonly action?: string;
  readonly data: readonly { readonly asks: readonly Level[]; readonly bids: readonly Level[]; readonly checksum: number }[];
}

export const okx: NaiveVenue = ({ t, data }, books) => {
  if (t !== 'recv' || !data.startsWith('{')) return;
  const { arg, action, data: entries }: OkxMessage = JSON.parse(data);
  if (arg?.channel !== 'books' || action === undefined) return;
  for (const { asks, bids, checksum } of entries) {
    if (action === 'snapshot') books.set(arg.instId, new NaiveBook());
    const book = books.get(arg.instId);
    if (book === undefined) continue;
    book.set('asks', asks);
    book.set('bids', bids);
    const [asked, bid] = [book.sorted('asks'), book.sorted('bids')];
    const text = Array.from({ length: 25 }, (_, i) => [...(bid[i] ?? []), ...(asked[i] ?? [])]).flat();
    book.checked((crc32(text.join(':')) | 0) === checksum);
    if (action === 'update') book.updated();
  }
};
