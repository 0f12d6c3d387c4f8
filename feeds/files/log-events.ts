import { DataLock } from '../../engine/journal/data-lock.ts';
import { readLogSteps } from '../../engine/journal/log-reader.ts';
import { type Limits, resolveLimits } from '../../engine/limits.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { allocateRing, RingConsumer } from '../../engine/rings/ring.ts';
import { SpillingProducer } from '../../engine/rings/spilling-producer.ts';
import { firstLoggedSeq } from '../../engine/threads/log-start.ts';
import { largestCapacities } from '../../engine/threads/logged-configurations.ts';
import type { Seq } from '../../engine/units.ts';
import { Command } from '../../engine/wire/layout.ts';
import type { FeedSink } from '../feed.ts';
import { LogBooks } from './log-books.ts';

const REPORT_BYTES = 128;
const EVENT_BYTES = 64;
const COMMAND_WORDS = Command.bytes / 4;

/** The log does not begin with its first command, so the books before it are not known. */
export class LogBeginsLaterError extends Error {
  readonly code = 'LOG_BEGINS_LATER';
}

/** There is no log in the directory, or one without a command. A success would say that there are no books. */
export class LogEmptyError extends Error {
  readonly code = 'LOG_EMPTY';
}

/**
 * Replays the log of a data directory that no exchange uses, and writes the books and trades that it leads to into a
 * sink. Changes nothing. Each step takes some milliseconds at most; `return` abandons it.
 * @returns after each step and at the end, the last command that was replayed
 * @throws LogEmptyError; LogBeginsLaterError if older segments were removed; the errors of a verification (engine/threads/verify.ts)
 */
export function* logSteps(dir: string, sink: FeedSink): Generator<Seq, Seq> {
  const lock = DataLock.acquireToRead(dir);
  try {
    const first = firstLoggedSeq(dir);
    if (first !== 1) {
      throw new LogBeginsLaterError(
        `${dir}: the log begins with command ${first}; use a copy of the directory that still has its first segment`,
      );
    }
    const last = yield* replay(dir, sink, yield* loggedLimits(dir));
    if (last > 0) return last;
    throw new LogEmptyError(
      `${dir}: there is no log with a command in this directory; name a file, or the directory that openbell start was given with --data`,
    );
  } finally {
    lock.release();
  }
}

/** Commands in a step: about 0.1 ms. */
const SLICE_COMMANDS = 256;

/** A batch of the log. The reader reuses its memory, so this is a copy. */
interface Batch {
  readonly words: Int32Array;
  readonly count: number;
}

function* replay(dir: string, sink: FeedSink, limits: Limits): Generator<Seq, Seq> {
  const rings = {
    reports: allocateRing({ slotBytes: REPORT_BYTES, capacity: limits.reportRing, consumers: 1 }),
    market: allocateRing({ slotBytes: EVENT_BYTES, capacity: limits.marketRing, consumers: 1 }),
  };
  const outputs = { reports: new SpillingProducer(rings.reports), market: new SpillingProducer(rings.market) };
  const reports = new RingConsumer(rings.reports);
  const market = new RingConsumer(rings.market);
  const exchange = new Exchange(limits, outputs);
  const books = new LogBooks(sink, exchange.symbols);
  const take = () => {
    exchange.endBatch();
    empty(outputs.reports, reports, () => undefined);
    empty(outputs.market, market, (slot) => books.event(market.slots, slot));
  };
  let batches: Batch[] = [];
  const log = readLogSteps(dir, 1, (words, firstWord, count) => {
    batches.push({ words: words.slice(firstWord, firstWord + count * COMMAND_WORDS), count });
  });
  try {
    for (let ended = false; !ended; ) {
      ended = log.next().done === true;
      for (const { words, count } of batches) {
        const bytes = new Uint8Array(words.buffer);
        for (let at = 0; at < count; ) {
          const end = Math.min(count, at + SLICE_COMMANDS);
          for (; at < end; at++) exchange.apply(bytes, words, at);
          take();
          yield exchange.seq;
        }
      }
      batches = [];
    }
  } finally {
    log.return(undefined as never);
  }
  books.end();
  return exchange.seq;
}

/** Takes everything out of a ring and of its overflow buffer. */
function empty(producer: SpillingProducer, consumer: RingConsumer, take: (slot: number) => void): void {
  producer.publish();
  do {
    for (let slot = consumer.next(); slot !== -1; slot = consumer.next()) take(slot);
    consumer.release();
  } while (!producer.drain() || consumer.available() > 0);
}

/** The default limits, with the largest capacities that the log names. */
function* loggedLimits(dir: string): Generator<Seq, Limits> {
  const defaults = resolveLimits({});
  const capacities = largestCapacities(dir, defaults);
  for (;;) {
    const { done, value } = capacities.next();
    if (done === true) return { ...defaults, ...value };
    yield 0;
  }
}
