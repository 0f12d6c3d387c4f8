import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { assert } from '../../engine/assert.ts';
import type { BookSide, FeedSink } from '../../feeds/feed.ts';
import { ItchBooks } from '../../feeds/files/itch/itch-books.ts';
import { type ItchMessage, ItchType } from '../../feeds/files/itch/itch-message.ts';
import { type ItchHandler, ItchReader } from '../../feeds/files/itch/itch-reader.ts';
import { median } from '../suite/result.ts';
import type { ScopeContext } from '../suite/scope.ts';
import { itchFlow } from './itch-flow.ts';

export interface ItchPlan {
  readonly messages: number;
  /** Of our reader, in a window; the median counts. */
  readonly passes: number;
  readonly warmUpPasses: number;
}

/** Messages/s, by window; no rates for a peer that is not installed. */
export interface ItchFigures {
  readonly read: readonly number[];
  readonly books: readonly number[];
  readonly itchfeed: readonly number[];
  readonly itchcpp: readonly number[];
}

/** Of the stream, as a file gives it. */
const PIECE_BYTES = 64 * 1024;
const PEER = join(import.meta.dirname, 'itch-peer.py');
const PYTHON = process.env.ITCH_PYTHON ?? join(import.meta.dirname, '..', '..', '.venv', 'bin', 'python');

/** How to have the peers, where they are missing. */
export const ITCH_PEERS = 'python3 -m venv .venv && .venv/bin/pip install itchfeed==1.6.4 itchcpp==1.6.4';

/** Reads one stream with our reader, with books behind it, and with the readers from PyPI, in turns. @throws InvariantError if they do not read the same number of messages */
export async function runItch(plan: ItchPlan, context: ScopeContext, progress: (what: string, done: number) => void): Promise<ItchFigures> {
  const bytes = itchFlow(plan.messages);
  const path = join(context.dir, 'flow.itch');
  writeFileSync(path, bytes);
  const expected = readPass(bytes, new EveryField());
  for (let pass = 0; pass < plan.warmUpPasses; pass++) {
    readPass(bytes, new EveryField());
    readPass(bytes, new ItchBooks(new NoSink()));
  }
  const figures = { read: [] as number[], books: [] as number[], itchfeed: [] as number[], itchcpp: [] as number[] };
  const hasPeers = existsSync(PYTHON);
  for (let window = 0; window < context.windows; window++) {
    context.signal.throwIfAborted();
    progress(`ITCH, window ${window + 1} of ${context.windows}`, window / context.windows);
    figures.read.push(expected / medianSeconds(plan.passes, () => readPass(bytes, new EveryField())));
    figures.books.push(expected / medianSeconds(plan.passes, () => readPass(bytes, new ItchBooks(new NoSink()))));
    if (!hasPeers) continue;
    for (const backend of ['itchcpp', 'itchfeed'] as const) {
      const rate = await peerRate(path, backend, expected, context.signal);
      if (rate !== undefined) figures[backend].push(rate);
    }
  }
  if (figures.itchfeed.length === 0) process.stderr.write(`SKIPPED: readers of ITCH from PyPI; install them with: ${ITCH_PEERS}\n`);
  return figures;
}

function medianSeconds(passes: number, pass: () => unknown): number {
  const seconds = Array.from({ length: passes }, () => {
    const from = performance.now();
    pass();
    return (performance.now() - from) / 1000;
  });
  return median(seconds);
}

/** @returns messages */
function readPass(bytes: Uint8Array, handler: ItchHandler): number {
  const reader = new ItchReader(handler);
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) reader.push(bytes.subarray(from, from + PIECE_BYTES));
  reader.end();
  assert(!reader.isDamaged, 'ITCH: the stream is whole');
  return reader.messages;
}

/** One pass of a peer in a process of its own. @returns undefined if it is not installed */
async function peerRate(path: string, backend: string, expected: number, signal: AbortSignal): Promise<number | undefined> {
  const env = { ...process.env, ITCH_NO_CPP: backend === 'itchfeed' ? '1' : '' };
  const output = await promisify(execFile)(PYTHON, [PEER, path, '1'], { env, signal }).catch((error: Error) => error);
  signal.throwIfAborted();
  if (output instanceof Error) return undefined;
  const found = JSON.parse(output.stdout) as { backend: string; messages: number; seconds: number[] };
  if (found.backend !== backend) return undefined;
  assert(found.messages === expected, `ITCH: ${backend} read ${found.messages} messages, not ${expected}`);
  return expected / median(found.seconds);
}

/** Reads every number of the messages of orders. */
class EveryField implements ItchHandler {
  sum = 0;

  itch(message: ItchMessage): void {
    this.sum += message.timestampNs + message.stockLocate;
    switch (message.type) {
      case ItchType.AddOrder:
      case ItchType.AddOrderMpid:
        this.sum += message.orderIdHigh + message.orderIdLow + message.shares + message.price + (message.isBuy ? 1 : 0);
        break;
      case ItchType.OrderDelete:
        this.sum += message.orderIdHigh + message.orderIdLow;
        break;
      case ItchType.OrderReplace:
        this.sum += message.orderIdLow + message.newOrderIdHigh + message.newOrderIdLow + message.replaceShares + message.replacePrice;
        break;
      case ItchType.OrderExecuted:
      case ItchType.OrderExecutedPrice:
        this.sum += message.orderIdHigh + message.orderIdLow + message.executedShares + message.matchLow;
        break;
      case ItchType.OrderCancel:
        this.sum += message.orderIdHigh + message.orderIdLow + message.cancelledShares;
        break;
      default:
        this.sum += message.shares + message.price;
    }
  }
}

/** Takes all numbers and keeps none but a sum. */
class NoSink implements FeedSink {
  sum = 0;
  #instruments = 0;

  instrument(): number {
    return this.#instruments++;
  }

  scale(): void {
    this.sum++;
  }

  sequence(): void {
    this.sum++;
  }

  bookClear(): void {
    this.sum++;
  }

  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    this.sum += instrument + side + price + quantity;
  }

  bookEnd(_instrument: number, _venueTimeUs: number, bid: number, bidQuantity: number, ask: number, askQuantity: number): void {
    this.sum += bid + bidQuantity + ask + askQuantity;
  }

  trade(_instrument: number, price: number, quantity: number): void {
    this.sum += price + quantity;
  }

  quote(): void {
    this.sum++;
  }

  status(): void {
    this.sum++;
  }

  fault(): void {
    throw new Error('ITCH: the stream has no faults');
  }
}
