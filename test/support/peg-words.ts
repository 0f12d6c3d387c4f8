import type { ExtensionFields } from '../../engine/wire/command-extension.ts';
import { Instruction } from '../../engine/wire/layout.ts';
import { PegKind, pegInstructions } from '../../engine/wire/peg-terms.ts';

const KINDS: Readonly<Record<string, PegKind>> = { primary: PegKind.Primary, market: PegKind.Market, midpoint: PegKind.Midpoint };

export interface PegWords {
  readonly kind: PegKind;
  readonly offset: number;
}

/** Takes `peg primary 2` out of the words of a line. */
export function takePeg(words: string[]): PegWords | undefined {
  const at = words.indexOf('peg');
  if (at === -1) return undefined;
  const [, kind, offset] = words.splice(at, 3);
  return { kind: KINDS[kind], offset: Number(offset) };
}

/** A limit order with a peg. @param offset below 0: towards the other side */
export function pegged<O extends { readonly extension?: ExtensionFields }>(order: O, { kind, offset }: PegWords): O {
  const instructions = (order.extension?.instructions ?? 0) | pegInstructions(kind) | (offset < 0 ? Instruction.PegTowards : 0);
  return { ...order, extension: { ...order.extension, instructions, minQuantity: Math.abs(offset) } };
}
