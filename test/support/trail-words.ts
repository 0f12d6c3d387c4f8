import type { ExtensionFields } from '../../engine/wire/command-extension.ts';
import { Instruction, OrderType } from '../../engine/wire/layout.ts';

/** Words before the values of a trailing stop: offset, activation price, distance of the limit. */
export const TRAIL_WORDS = ['trail', 'from', 'limit'];

/** `trail 5`, `trail 20000ppm`, with `from 510`, `limit 3`, `ref` and `reports`. Undefined: the order has no such words. */
export function trailOf(words: string[]): { price: number; extension: ExtensionFields } | undefined {
  if (!words.some((word) => TRAIL_WORDS.includes(word))) return undefined;
  const after = (word: string): string => (words.includes(word) ? words[words.indexOf(word) + 1] : '0');
  const instructions = after('trail').endsWith('ppm') ? Instruction.TrailPpm : 0;
  const extension = { stopPrice: Number(after('from')), minQuantity: Number.parseInt(after('trail'), 10), instructions };
  return { price: Number(after('limit')), extension };
}

/** The extension of a new one. @param other its terms besides */
export function newTrail(
  { price, extension }: { price: number; extension: ExtensionFields },
  words: string[],
  other: ExtensionFields = {},
): ExtensionFields {
  const orderType = price === 0 ? OrderType.TrailingStop : OrderType.TrailingStopLimit;
  const reports = words.includes('reports') ? Instruction.ReportTrail : 0;
  const instructions = (other.instructions ?? 0) | (extension.instructions ?? 0) | reports;
  return { ...other, ...extension, orderType, instructions, trigger: Number(words.includes('ref')) };
}
