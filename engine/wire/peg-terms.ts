import { Instruction } from './layout.ts';

/** What a pegged order follows: the two instruction bits, the lower one first. */
export const PegKind = {
  /** The best price of its own side. */
  Primary: 1,
  /** That of the other side. */
  Market: 2,
  /** The middle of both. */
  Midpoint: 3,
} as const;
export type PegKind = (typeof PegKind)[keyof typeof PegKind];

/** Instructions of pegged orders only. */
export const PEG_INSTRUCTIONS = Instruction.PegPrimary | Instruction.PegMarket | Instruction.PegTowards;
const KIND_INSTRUCTIONS = Instruction.PegPrimary | Instruction.PegMarket;
const TO_KIND = 8;

/** The PegKind in a set of instructions; 0 = it is not of a pegged order. */
export function pegKindOf(instructions: number): number {
  return (instructions & KIND_INSTRUCTIONS) >> TO_KIND;
}

/** The instructions of a PegKind. */
export function pegInstructions(kind: PegKind): number {
  return kind << TO_KIND;
}
