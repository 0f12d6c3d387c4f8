import { writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { captureLines, krakenText, NaiveBook } from './naive-books.ts';

/**
 * A recorded session of Kraken's version 1 as version 2 would have sent it: numbers without quotes, checksums as recorded.
 * At a depth below that of the recording, the changes are those that a venue of that depth sends: a level that is pushed
 * out of the depth is not removed, one that comes into it is sent.
 */
export interface Reframed {
  readonly frames: readonly string[];
  /** Updates, each with a checksum. */
  readonly updates: number;
}

interface Payload {
  readonly as?: readonly string[][];
  readonly bs?: readonly string[][];
  readonly a?: readonly string[][];
  readonly b?: readonly string[][];
  readonly c?: string;
}

/** How a number is written: as the venue does, or after it was a float. */
export type NumberText = (text: string) => string;

export function reframe(path: string, numberText: NumberText = (text) => text): Reframed {
  const frames: string[] = [];
  let updates = 0;
  for (const [pair, payload] of bookFrames(path)) {
    const snapshot = payload.as !== undefined;
    if (!snapshot) updates++;
    frames.push(frame(pair, snapshot, payload.bs ?? payload.b ?? [], payload.as ?? payload.a ?? [], payload.c, numberText));
  }
  return { frames, updates };
}

export function reframeAtDepth(path: string, depth: number): Reframed {
  const books = new Map<string, NaiveBook>();
  const frames: string[] = [];
  let updates = 0;
  for (const [pair, payload] of bookFrames(path)) {
    const snapshot = payload.as !== undefined;
    const book = snapshot ? new NaiveBook() : (books.get(pair) ?? new NaiveBook());
    books.set(pair, book);
    const before = { bids: top(book, 'bids', depth), asks: top(book, 'asks', depth) };
    book.set('bids', (payload.bs ?? payload.b ?? []) as never);
    book.set('asks', (payload.as ?? payload.a ?? []) as never);
    book.truncate(1000);
    const changes = (side: 'bids' | 'asks'): string[][] => {
      const now = top(book, side, depth);
      const all = new Map(book.sorted(side));
      const removed = [...before[side].keys()].filter((price) => !all.has(price)).map((price) => [price, '0.00000000']);
      return [...[...now].filter(([price, quantity]) => before[side].get(price) !== quantity), ...removed];
    };
    const [bids, asks] = [changes('bids'), changes('asks')];
    if (!snapshot && bids.length + asks.length === 0) continue;
    if (!snapshot) updates++;
    frames.push(frame(pair, snapshot, bids, asks, String(crc32(krakenText(book))), (text) => text));
  }
  return { frames, updates };
}

/** Writes frames as a capture of a line that was opened at `address`. */
export function writeCapture(path: string, frames: readonly string[], address = 'wss://ws.kraken.com/v2'): string {
  const lines: object[] = [
    { t: 'header', format: 2, exchange: 'KRAKEN' },
    { t: 'connect', conn: 'a', ts: 1, addr: address },
  ];
  frames.forEach((data, i) => {
    lines.push({ t: 'recv', conn: 'a', ts: 1 + i / 1000, data });
  });
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

function* bookFrames(path: string): Generator<[pair: string, payload: Payload]> {
  for (const { t, data } of captureLines(path)) {
    if (t !== 'recv' || !data.startsWith('[')) continue;
    const parts: unknown[] = JSON.parse(data);
    const [channel, pair] = parts.slice(-2) as [string, string];
    if (channel.startsWith('book-')) yield [pair, Object.assign({}, ...parts.slice(1, -2))];
  }
}

function top(book: NaiveBook, side: 'bids' | 'asks', depth: number): Map<string, string> {
  return new Map(book.sorted(side).slice(0, depth));
}

function frame(
  pair: string,
  snapshot: boolean,
  bids: string[][] | readonly string[][],
  asks: readonly string[][],
  checksum: string | undefined,
  numberText: NumberText,
): string {
  const levels = (side: readonly string[][]): string =>
    side.map(([price, quantity]) => `{"price":${numberText(price)},"qty":${numberText(quantity)}}`).join(',');
  const check = checksum === undefined ? '' : `,"checksum":${checksum}`;
  const data = `{"symbol":"${pair}","bids":[${levels(bids)}],"asks":[${levels(asks)}]${check},"timestamp":"2026-10-06T17:35:55.440295Z"}`;
  return `{"channel":"book","type":"${snapshot ? 'snapshot' : 'update'}","data":[${data}]}`;
}
