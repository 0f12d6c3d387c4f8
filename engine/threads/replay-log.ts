import { type LogEnd, readLog } from '../journal/log-reader.ts';
import type { Exchange } from '../machine/exchange.ts';
import type { Seq } from '../units.ts';

class TargetReached extends Error {}

/** Commands between two calls of `onSlice`: about 0.1 ms. */
const SLICE_COMMANDS = 256;

/**
 * Applies the commands `fromSeq` to `toSeq` of the log to an exchange. With
 * `toSeq`, the log may be written meanwhile, provided that `toSeq` is durable:
 * reading ends there, before any write in flight. Blocks.
 *
 * @param onSlice called between two commands, every few hundred, with the last one's seq
 * @returns the log's end, undefined if `toSeq` ended the reading
 */
export function replayLog(
  exchange: Exchange,
  dir: string,
  fromSeq: Seq,
  toSeq = Number.POSITIVE_INFINITY,
  onSlice: (seq: Seq) => void = () => undefined,
): LogEnd | undefined {
  if (fromSeq > toSeq) return undefined;
  let bytes: Uint8Array = new Uint8Array(0);
  try {
    return readLog(dir, fromSeq, (words, firstWord, count, firstSeq) => {
      if (bytes.buffer !== words.buffer) bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
      const firstSlot = firstWord >> 4;
      const wanted = Math.min(count, toSeq - firstSeq + 1);
      for (let i = 0; i < wanted; ) {
        const end = Math.min(wanted, i + SLICE_COMMANDS);
        for (; i < end; i++) exchange.apply(bytes, words, firstSlot + i);
        onSlice(exchange.seq);
      }
      if (exchange.seq >= toSeq) throw new TargetReached();
    });
  } catch (error) {
    if (error instanceof TargetReached) return undefined;
    throw error;
  }
}
