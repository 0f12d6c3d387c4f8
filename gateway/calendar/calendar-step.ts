import type { CommandFields } from '../../engine/machine/command.ts';
import type { SymbolInfo } from '../../engine/threads/directory-info.ts';
import { Phase, SubPhase } from '../../engine/wire/layout.ts';
import { setPhase, setSymbol, uncross } from '../venue/venue-commands.ts';
import type { Boundary } from './calendar.ts';

/** What decides about the next command of a symbol. */
export type SymbolState = Pick<SymbolInfo, 'id' | 'phase' | 'subPhase' | 'boundaryUs'> & {
  readonly params: { readonly SessionEnd: number };
};

/** True for an auction that an uncross ends. */
export function isCalling({ phase, subPhase }: Pick<SymbolInfo, 'phase' | 'subPhase'>): boolean {
  return phase === Phase.Auction && subPhase !== SubPhase.PreOpen;
}

/**
 * The next command that brings a symbol over a boundary: the end of its session, the uncross of an auction that ends, the phase. Undefined
 * when it is over the boundary. The time of the last boundary is in the state, so that a phase set by the operator after it stays.
 * @param uncrossed the auction was uncrossed already for this boundary
 */
export function nextCommand(symbol: SymbolState, target: Boundary, uncrossed: boolean): CommandFields | undefined {
  const { id, boundaryUs, params } = symbol;
  if (target.sessionEndUs !== 0 && params.SessionEnd !== target.sessionEndUs) return setSymbol(id, 'SessionEnd', target.sessionEndUs);
  if (boundaryUs === target.atUs) return undefined;
  if (!uncrossed && isCalling(symbol) && !isCalling(target)) return uncross(id);
  return setPhase(id, target.phase, target.subPhase, target.atUs);
}
