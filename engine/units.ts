/**
 * Integers of trading state. All are exact doubles in [0, 2^53); the brands
 * keep ticks, lots and money apart at compile time and cost nothing at run time.
 */
declare const unit: unique symbol;
/** A price, counted in the symbol's ticks. */
export type PriceTicks = number & { readonly [unit]?: 'ticks' };
/** A quantity, counted in the symbol's lots. */
export type QtyLots = number & { readonly [unit]?: 'lots' };
/** Money, counted in the smallest unit of its asset. */
export type Money = number & { readonly [unit]?: 'money' };
/** Microseconds since the Unix epoch. */
export type TimeUs = number & { readonly [unit]?: 'us' };
/** Position of a command in the log, from 1. */
export type Seq = number & { readonly [unit]?: 'seq' };

/** First integer that a double cannot tell from its neighbour; every stored integer is below it. */
export const LIMIT_53 = 2 ** 53;

/** Reads the 64-bit integer at word `at`; the writer guarantees |value| < 2^53. */
export function getI64(words: Int32Array, at: number): number {
  return words[at + 1] * 4294967296 + (words[at] >>> 0);
}

/**
 * Writes an integer in [0, 2^53) as 64 bits at word `at`. Storing truncates
 * towards zero, which is the floor here. 2^-32 is a literal, and the function
 * makes no call: V8 always inlines functions below 28 bytecodes.
 */
export function putU53(words: Int32Array, at: number, value: number): void {
  words[at] = value;
  words[at + 1] = value * 2.3283064365386963e-10;
}

/** {@link getI64} at an even word. Its second word needs no sum, and so no check of an overflow. */
export function getI64Even(words: Int32Array, at: number): number {
  return words[at | 1] * 4294967296 + (words[at] >>> 0);
}

/** {@link putU53} at an even word. */
export function putU53Even(words: Int32Array, at: number, value: number): void {
  words[at] = value;
  words[at | 1] = value * 2.3283064365386963e-10;
}

/** Writes an integer, |value| < 2^53, as 64-bit two's complement at word `at`. */
export function putI64(words: Int32Array, at: number, value: number): void {
  words[at] = value;
  words[at + 1] = Math.floor(value / 4294967296);
}

/** True if the 64-bit integer at word `at`, which may be untrusted input, is in [0, 2^53). */
export function isU53(words: Int32Array, at: number): boolean {
  return words[at + 1] >>> 21 === 0;
}
