import { assert } from '../assert.ts';
import { getI64, putI64 } from '../units.ts';
import { Command, CommandExtension, CommandKind } from './layout.ts';
import { hasOffset, orderKindOf } from './order-kinds.ts';

export { CommandFlag } from './layout.ts';

/**
 * A command that is longer than 64 bytes: two slots, each with its own seq.
 *
 *         seq n                                     seq n + 1
 *   ┌──────────────────────────────────────┐ ┌──────────────────────────────────────┐
 *   │ CommandExtension, kind = Extension   │ │ Command, byte 3 = flags, bit 0 set   │
 *   └──────────────────────────────────────┘ └──────────────────────────────────────┘
 *
 * Both are claimed, stamped and published together. The answer has the seq of
 * the command. An order that a Command alone can express is never stored in two
 * slots, so that equal orders have equal bytes in the log.
 */
const WORDS = Command.bytes / 4;

assert(CommandExtension.bytes === Command.bytes, 'an extension fills one slot');
assert(CommandExtension.kind === Command.kind, 'the kind of a slot is at one place');
assert(CommandExtension.seq === Command.seq && CommandExtension.timeUs === Command.timeUs, 'the sequencer stamps both alike');
assert(CommandExtension.reserved === 4, 'an extension has 0 in the word of the magic number of a batch header');

/** Fields of an extension. Omitted fields are 0. */
export interface ExtensionFields {
  readonly orderType?: number;
  readonly instructions?: number;
  readonly selfTradeMode?: number;
  /** Lots. Of a trailing stop or pegged order: its offset, see the schema. */
  readonly minQuantity?: number;
  /** Lots. */
  readonly displayedQuantity?: number;
  /** Microseconds since the Unix epoch. */
  readonly expiryUs?: number;
  /** A Trigger. */
  readonly trigger?: number;
  /** Ticks. Of a trailing stop: its activation price. */
  readonly stopPrice?: number;
  /** See linkWord. */
  readonly link?: number;
  readonly seq?: number;
  readonly timeUs?: number;
}

/** Writes an extension into a slot of 64 bytes. */
export function encodeExtension(u8: Uint8Array, words: Int32Array, slot: number, fields: ExtensionFields): void {
  const byte = slot * CommandExtension.bytes;
  const word = slot * WORDS;
  words.fill(0, word, word + WORDS);
  u8[byte + CommandExtension.kind] = CommandKind.Extension;
  u8[byte + CommandExtension.orderType] = fields.orderType ?? 0;
  u8[byte + CommandExtension.trigger] = fields.trigger ?? 0;
  words[word + CommandExtension.instructions / 4] = fields.instructions ?? 0;
  u8[byte + CommandExtension.selfTradeMode] = fields.selfTradeMode ?? 0;
  words[word + CommandExtension.link / 4] = fields.link ?? 0;
  putI64(words, word + CommandExtension.stopPrice / 4, fields.stopPrice ?? 0);
  putI64(words, word + CommandExtension.displayedQuantity / 4, fields.displayedQuantity ?? 0);
  putI64(words, word + CommandExtension.minQuantity / 4, fields.minQuantity ?? 0);
  putI64(words, word + CommandExtension.expiryUs / 4, fields.expiryUs ?? 0);
  putI64(words, word + CommandExtension.seq / 4, fields.seq ?? 0);
  putI64(words, word + CommandExtension.timeUs / 4, fields.timeUs ?? 0);
}

/** The minimum quantity in lots in the extension in `slot`, or the offset of a trailing stop or pegged order; 0 if it has none. */
export function minQuantityOf(words: Int32Array, slot: number): number {
  return getI64(words, slot * WORDS + CommandExtension.minQuantity / 4);
}

/** The displayed quantity in lots in the extension in `slot`, 0 if it has none. */
export function displayedOf(words: Int32Array, slot: number): number {
  return getI64(words, slot * WORDS + CommandExtension.displayedQuantity / 4);
}

/** The stop price in ticks in the extension in `slot`, 0 if it has none. */
export function stopPriceOf(words: Int32Array, slot: number): number {
  return getI64(words, slot * WORDS + CommandExtension.stopPrice / 4);
}

/** The end of the order in the extension in `slot`, in microseconds since the Unix epoch; 0 if it has none. */
export function expiryOf(words: Int32Array, slot: number): number {
  return getI64(words, slot * WORDS + CommandExtension.expiryUs / 4);
}

/** Whether the order of the extension in `slot` has a minimum quantity. */
export function hasMinimum(u8: Uint8Array, words: Int32Array, slot: number): boolean {
  const instructions = words[slot * WORDS + CommandExtension.instructions / 4];
  return minQuantityOf(words, slot) !== 0 && !hasOffset(u8[slot * CommandExtension.bytes + CommandExtension.orderType], instructions);
}

/** The OrderKind of a long command: extension and command in their slots, as in the intake or the log. NO_KIND: an illegal combination. */
export function longOrderKind(u8: Uint8Array, words: Int32Array, extension: number, command: number): number {
  const instructions = words[extension * WORDS + CommandExtension.instructions / 4];
  return orderKindOf(
    u8[extension * CommandExtension.bytes + CommandExtension.orderType],
    u8[command * Command.bytes + Command.timeInForce],
    instructions,
    hasMinimum(u8, words, extension),
    displayedOf(words, extension) !== 0,
  );
}
