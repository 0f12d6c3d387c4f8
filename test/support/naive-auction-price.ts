export interface PricedVolume {
  readonly price: number;
  readonly volume: number;
  /** Demand less supply. */
  readonly gap: number;
}

/** The auction price of the rules `limits` (1) and `middle` (2), as their text says it; 0 if nothing trades at a limit. @param limits of orders */
export function amongLimits(limits: readonly PricedVolume[], rule: number, reference: number, step: number): number {
  const most = Math.max(0, ...limits.map(({ volume }) => volume));
  if (most === 0) return 0;
  const least = Math.min(...limits.filter(({ volume }) => volume === most).map(({ gap }) => Math.abs(gap)));
  const tied = limits.filter(({ volume, gap }) => volume === most && Math.abs(gap) === least);
  const prices = (those: readonly PricedVolume[]): number[] => those.map(({ price }) => price);
  const [buys, sells] = [prices(tied.filter(({ gap }) => gap > 0)), prices(tied.filter(({ gap }) => gap < 0))];
  if (buys.length === tied.length) return Math.max(...buys);
  if (sells.length === tied.length) return Math.min(...sells);
  const low = least === 0 ? Math.min(...prices(tied)) : Math.max(...buys);
  const high = least === 0 ? Math.max(...prices(tied)) : Math.min(...sells);
  const wanted = rule === 2 ? (low + high) / 2 : Math.min(high, Math.max(low, reference));
  // To a step of the price, half of one upwards.
  return low + Math.floor((wanted - low) / step + 0.5) * step;
}
