import { MILLION, type SymbolParamName } from '../../engine/params.ts';
import type { Place } from './config-place.ts';

/** Keys of a symbol's `volatility`. */
export const VOLATILITY_KEYS = ['static-band', 'dynamic-band', 'duration', 'wide-band', 'extension', 'random-end', 'profile'] as const;
/** By VolatilityProfileId. */
export const VOLATILITY_PROFILES = ['auction', 'limit-up-down'] as const;
export type VolatilityKey = (typeof VOLATILITY_KEYS)[number];
/** A day, in seconds. */
const LONGEST = 86_400;
const LONGEST_RANDOM = 3600;

type Volatility = Readonly<Partial<Record<SymbolParamName, number>>>;

/** The parameters of a symbol's volatility interruptions that are given. Notes problems. */
export function readVolatility(place: Place | undefined): Volatility {
  const fields = place?.fields(VOLATILITY_KEYS) ?? {};
  const given: Record<string, number | undefined> = {
    StaticBandPpm: fields['static-band']?.ppm(0, MILLION),
    DynamicBandPpm: fields['dynamic-band']?.ppm(0, MILLION),
    VolatilityUs: micros(fields.duration?.whole(1, LONGEST)),
    WideBandPpm: fields['wide-band']?.ppm(0, MILLION),
    VolatilityExtensionUs: micros(fields.extension?.whole(1, LONGEST)),
    VolatilityProfile: fields.profile?.indexIn(VOLATILITY_PROFILES),
    VolatilityRandomUs: micros(fields['random-end']?.whole(0, LONGEST_RANDOM)),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Volatility;
}

function micros(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000_000;
}
