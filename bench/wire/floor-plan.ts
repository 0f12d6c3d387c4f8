import type { FloorLoad } from '../floors/floor.ts';
import type { WirePlan } from './plan.ts';

/** Turns of a window, of the exchange and of each floor. */
export function turnsOf({ floors }: WirePlan, windowMs: number): number {
  return Math.max(1, Math.round(windowMs / floors.exchangeMs));
}

/** @param exchangeMs a turn of the exchange: a floor's is not longer */
export function floorLoad({ floors }: WirePlan, rate: number, batch: number, exchangeMs: number): FloorLoad {
  return {
    rate,
    batch,
    firstWarmupMs: floors.firstWarmupMs,
    warmupMs: floors.warmupMs,
    turnMs: Math.min(floors.floorMs, exchangeMs),
  };
}
