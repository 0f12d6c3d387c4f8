import { Code } from '../../engine/codes.ts';
import { MAX_TRAIL_PPM } from '../../engine/wire/order-kinds.ts';
import { OpenbellError } from './errors.ts';
import type { SymbolUnits } from './symbols.ts';
import type { AmendOrder, Decimal, PlaceOrder } from './types.ts';

/** The numbers of an order, as the wire has them. All throw OpenbellError BAD_RANGE, and DecimalError. */

/** The price of an order, or the distance of the limit of a trailing stop; 0: none was given. */
export function limitTicks(units: SymbolUnits, { price, limitOffset }: Pick<AmendOrder, 'price' | 'limitOffset'>): number {
  if (price !== undefined && limitOffset !== undefined)
    throw new OpenbellError('BAD_RANGE', 'the limit is a price, or a limitOffset of a trailing stop, not both', Code.BAD_RANGE);
  const given = price ?? limitOffset;
  const ticks = given === undefined ? 0 : units.ticks(given);
  if (limitOffset !== undefined && ticks === 0) throw new OpenbellError('BAD_RANGE', 'a limitOffset is above 0', Code.BAD_RANGE);
  return ticks;
}

/** The offset of a trailing stop: ticks, below 0 parts per million; 0: none was given. */
export function trailOf(units: SymbolUnits, { trailOffset, trailPpm }: Pick<AmendOrder, 'trailOffset' | 'trailPpm'>): number {
  if (trailOffset !== undefined && trailPpm !== undefined)
    throw new OpenbellError('BAD_RANGE', 'an offset is a trailOffset or a trailPpm, not both', Code.BAD_RANGE);
  if (trailPpm !== undefined) {
    if (Number.isInteger(trailPpm) && trailPpm >= 1 && trailPpm <= MAX_TRAIL_PPM) return -trailPpm;
    throw new OpenbellError('BAD_RANGE', `a trailPpm is an integer from 1 to ${MAX_TRAIL_PPM}, not ${trailPpm}`, Code.BAD_RANGE);
  }
  if (trailOffset === undefined) return 0;
  const ticks = units.ticks(trailOffset);
  if (ticks === 0) throw new OpenbellError('BAD_RANGE', 'a trailOffset is above 0', Code.BAD_RANGE);
  return ticks;
}

/** How far a pegged order is from what it follows, ticks; whether it is away or towards is in its instructions. */
export function pegTicks(units: SymbolUnits, { peg, pegOffset }: Pick<PlaceOrder, 'peg' | 'pegOffset'>): number {
  if (pegOffset === undefined) return 0;
  if (peg === undefined) throw new OpenbellError('BAD_RANGE', 'a pegOffset is for pegged orders: name a peg', Code.BAD_RANGE);
  return units.ticks(isTowards(pegOffset) ? String(pegOffset).slice(1) : pegOffset);
}

/** Whether an offset is towards the other side. */
export function isTowards(pegOffset: Decimal | undefined): boolean {
  return pegOffset !== undefined && String(pegOffset).startsWith('-');
}

/** 0: none was given. */
export function stopTicks(units: SymbolUnits, stopPrice: Decimal | undefined): number {
  if (stopPrice === undefined) return 0;
  const ticks = units.ticks(stopPrice);
  if (ticks === 0) throw new OpenbellError('BAD_RANGE', 'a stop price is above 0', Code.BAD_RANGE);
  return ticks;
}
