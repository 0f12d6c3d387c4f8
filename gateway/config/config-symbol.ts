import { unitsToDecimal } from '../../engine/decimal.ts';
import {
  DEFAULT_MAX_PRICE_TICKS,
  FEE_TABLES,
  MAX_PRICE_TICKS,
  MILLION,
  ReferenceSourceId,
  SYMBOL_PARAM_DEFAULTS,
  SYMBOL_PARAM_RANGES,
  SymbolParam,
  type SymbolParamName,
} from '../../engine/params.ts';
import { unitsOf } from '../../engine/rules/symbols.ts';
import type { Phase } from '../../engine/wire/layout.ts';
import { PHASE_NAMES, type PhaseName } from '../../engine/wire/names.ts';
import type { AnySource } from '../../feeds/lines/file-source.ts';
import { isoTime } from '../iso-time.ts';
import { type AssetConfig, type Assets, assetNames, readId, readName, URL_NAME } from './config-asset.ts';
import { type Calendars, readCalendarName } from './config-calendar.ts';
import type { Place } from './config-place.ts';
import { REFERENCE_SOURCES, type ReferenceConfig, readReference } from './config-reference.ts';
import { readVolatility } from './config-volatility.ts';

export interface SymbolConfig {
  readonly id: number;
  readonly name: string;
  readonly base: AssetConfig;
  readonly quote: AssetConfig;
  /** A tick is tickMantissa x 10^-tickDecimals of the quote asset, a lot lotMantissa x 10^-lotDecimals of the base. */
  readonly tickMantissa: number;
  readonly tickDecimals: number;
  readonly lotMantissa: number;
  readonly lotDecimals: number;
  /** A Phase of the wire schema. */
  readonly phase: number;
  /** Name of the calendar that gives its phases. */
  readonly calendar?: string;
  /** Where its reference price comes from; undefined: from its trades. */
  readonly reference?: ReferenceConfig;
  /** Only parameters that the file gives; the engine has defaults for the others. */
  readonly params: Readonly<Partial<Record<SymbolParamName, number>>>;
}

/** The Phase of each name. */
export const PHASES = Object.fromEntries(PHASE_NAMES.map((name, phase) => [name, phase])) as Record<PhaseName, Phase>;
/** Keys of parameters that can change after a symbol is defined. */
export const PARAM_KEYS = [
  'reference-price',
  'reference-source',
  'price-band',
  'collar',
  'session-end',
  'auction-price',
  'volatility',
  'limits',
  'fees',
] as const;
export const SYMBOL_KEYS = ['id', 'name', 'base', 'quote', 'tick', 'lot', 'phase', ...PARAM_KEYS] as const;
/** Keys that only a symbol of a configuration file has. */
export const FILE_SYMBOL_KEYS = ['calendar', 'reference'] as const;

export const LIMIT_KEYS = [
  'max-price',
  'tick-step',
  'lot-step',
  'min-quantity',
  'max-quantity',
  'min-displayed',
  'min-notional',
  'max-notional',
] as const;
/** By AuctionPriceId. */
export const AUCTION_PRICES = ['nearest', 'limits', 'middle'] as const;
export const FEE_KEYS = ['maker', 'taker', 'tiers'] as const;

/** A step such as 0.05 is 5 x 10^-2. */
export interface Step {
  readonly mantissa: number;
  readonly decimals: number;
}

/** What a symbol of a file can name. */
export interface SymbolSections {
  readonly calendars: Calendars;
  readonly feeds: readonly AnySource[];
}

/** Notes a problem and returns undefined. @param sections undefined: the symbol is not of a file, and has neither a calendar nor outside sources */
export function readSymbol(place: Place, assets: Assets, sections?: SymbolSections): SymbolConfig | undefined {
  const fields: Partial<Record<(typeof SYMBOL_KEYS | typeof FILE_SYMBOL_KEYS)[number], Place>> | undefined = place.fields(
    sections === undefined ? SYMBOL_KEYS : [...SYMBOL_KEYS, ...FILE_SYMBOL_KEYS],
  );
  if (fields === undefined) return undefined;
  const id = readId(place, fields.id);
  const name = readName(place, fields.name, URL_NAME);
  const base = readAssetName(place, fields.base, 'base', assets);
  const quote = readAssetName(place, fields.quote, 'quote', assets);
  const tick = readStep(place, fields.tick, 'tick');
  const lot = readStep(place, fields.lot, 'lot');
  const calendar = readCalendarName(fields.calendar, sections?.calendars ?? new Map());
  const reference = readReference(fields.reference, sections?.feeds ?? []);
  if (sections !== undefined) fields['reference-source']?.fail('follows from the key reference; remove it');
  if (fields.calendar !== undefined) fields.phase?.fail('is given by the calendar; remove phase or calendar');
  // Until the calendar's first command.
  const phase = PHASES[fields.phase?.oneOf(PHASE_NAMES) ?? (fields.calendar === undefined ? 'continuous' : 'closed')];
  if (id === undefined || name === undefined || base === undefined || quote === undefined || tick === undefined || lot === undefined)
    return undefined;
  const impossible = impossibleSteps(base, quote, tick, lot);
  if (impossible !== undefined) return (fields[impossible.key] ?? place).fail(impossible.problem);
  const params = readParams(fields, tick, lot, quote);
  return {
    id,
    name,
    base,
    quote,
    tickMantissa: tick.mantissa,
    tickDecimals: tick.decimals,
    lotMantissa: lot.mantissa,
    lotDecimals: lot.decimals,
    phase,
    ...(calendar !== undefined && { calendar }),
    ...(reference !== undefined && { reference }),
    params: reference === undefined ? params : { ...params, ReferenceSource: ReferenceSourceId.Outside },
  };
}

function readAssetName(place: Place, field: Place | undefined, key: string, assets: Assets): AssetConfig | undefined {
  if (field === undefined) return place.missing(key, 'name an asset');
  const name = field.text();
  if (name === undefined) return undefined;
  return assets.get(name) ?? field.fail(`no asset is named ${name}; define it under assets or use one of ${assetNames(assets)}`);
}

function readStep(place: Place, field: Place | undefined, key: string): Step | undefined {
  if (field === undefined) return place.missing(key, 'give a decimal number such as 0.01');
  const text = field.text();
  if (text === undefined) return undefined;
  const step = parseStep(text);
  return step ?? field.fail(`must be a decimal number above 0 with at most 18 decimals, such as 0.01, not ${text}`);
}

/** `0.050` -> 5 x 10^-2; undefined when it is not a positive decimal number of at most 15 digits. */
function parseStep(text: string): Step | undefined {
  const match = /^(\d{1,15})(?:\.(\d{1,18}))?$/.exec(text);
  if (match === null) return undefined;
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  const mantissa = Number(match[1] + fraction);
  return mantissa > 0 && mantissa < 2 ** 49 ? { mantissa, decimals: fraction.length } : undefined;
}

/** Why these assets cannot carry this tick and lot, and which key is to change; undefined when they can. */
function impossibleSteps(
  base: AssetConfig,
  quote: AssetConfig,
  tick: Step,
  lot: Step,
): { readonly key: 'quote' | 'tick' | 'lot'; readonly problem: string } | undefined {
  if (base.id === quote.id) return { key: 'quote', problem: `is the base asset ${base.name} too; a symbol trades two different assets` };
  const lotText = unitsToDecimal(lot.mantissa, 1, lot.decimals);
  if (!isUnits(unitsOf(lot.mantissa, lot.decimals, base.decimals))) {
    return {
      key: 'lot',
      problem: `a lot of ${lotText} is no whole number of ${base.name}'s smallest unit; give ${base.name} ${lot.decimals} decimals or choose a larger lot`,
    };
  }
  const decimals = tick.decimals + lot.decimals;
  if (!isUnits(unitsOf(tick.mantissa * lot.mantissa, decimals, quote.decimals))) {
    const tickText = unitsToDecimal(tick.mantissa, 1, tick.decimals);
    return {
      key: 'tick',
      problem:
        `one lot (${lotText}) at one tick (${tickText}) is not a whole number of ${quote.name}'s smallest units; ` +
        `give ${quote.name} up to ${decimals} decimals (it has ${quote.decimals}) or choose a larger tick or lot`,
    };
  }
  return undefined;
}

function isUnits(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

type ParamReader = (place: Place) => number | undefined;

/** @param now the present values, if any, with which new values are compared */
export function readParams(
  fields: Partial<Record<(typeof PARAM_KEYS)[number], Place>>,
  tick: Step,
  lot: Step,
  quote: AssetConfig,
  now: SymbolConfig['params'] = {},
): SymbolConfig['params'] {
  const params: Partial<Record<SymbolParamName, number>> = {};
  const ticks: ParamReader = (place) => place.units(tick.mantissa, tick.decimals);
  const lots: ParamReader = (place) => place.units(lot.mantissa, lot.decimals);
  const money: ParamReader = (place) => place.units(1, quote.decimals);
  const read = (name: SymbolParamName, place: Place | undefined, reader: ParamReader) => {
    const value = place && reader(place);
    if (place === undefined || value === undefined) return;
    const [low, high] = SYMBOL_PARAM_RANGES[SymbolParam[name]];
    if (value < low || value > high) place.fail(`is ${value} units, which is not from ${low} to ${high}`);
    else params[name] = value;
  };
  const limits = fields.limits?.fields(LIMIT_KEYS) ?? {};
  read('MaxPrice', limits['max-price'], (place) => {
    const value = ticks(place);
    return value === undefined || value <= MAX_PRICE_TICKS
      ? value
      : place.fail(`is ${value} ticks; the ladder has at most ${MAX_PRICE_TICKS}: lower it or choose a larger tick`);
  });
  read('TickStep', limits['tick-step'], ticks);
  read('LotStep', limits['lot-step'], lots);
  read('MinQuantity', limits['min-quantity'], lots);
  read('MaxQuantity', limits['max-quantity'], lots);
  read('MinDisplayed', limits['min-displayed'], lots);
  read('MinNotional', limits['min-notional'], money);
  read('MaxNotional', limits['max-notional'], money);
  read('ReferencePrice', fields['reference-price'], ticks);
  read('ReferenceSource', fields['reference-source'], (place) => place.indexIn(REFERENCE_SOURCES));
  // `collar` is the former name of `price-band`, accepted for one release.
  if (fields['price-band'] !== undefined) fields.collar?.fail('is the former name of price-band; give price-band alone');
  read('PriceBandPpm', fields['price-band'] ?? fields.collar, (place) => place.ppm(0, MILLION));
  read('SessionEnd', fields['session-end'], readTime);
  read('AuctionPrice', fields['auction-price'], (place) => place.indexIn(AUCTION_PRICES));
  Object.assign(params, readVolatility(fields.volatility));
  const fees = fields.fees?.fields(FEE_KEYS) ?? {};
  read('MakerFeePpm', fees.maker, (place) => place.ppm(-MILLION, MILLION));
  read('TakerFeePpm', fees.taker, (place) => place.ppm(0, MILLION));
  read('FeeTierTable', fees.tiers, (place) => place.whole(0, FEE_TABLES));
  if ((params.MakerFeePpm ?? now.MakerFeePpm ?? 0) + (params.TakerFeePpm ?? now.TakerFeePpm ?? 0) < 0) {
    (fees.maker ?? fees.taker)?.fail('the rebate exceeds the taker fee that pays for it; raise fees.taker or lower the rebate');
  }
  const price = (value: number): string => unitsToDecimal(value, tick.mantissa, tick.decimals);
  const maxPrice = params.MaxPrice ?? now.MaxPrice ?? DEFAULT_MAX_PRICE_TICKS;
  if ((params.ReferencePrice ?? 0) > maxPrice) {
    fields['reference-price']?.fail(`is above limits.max-price (${price(maxPrice)}); raise that one`);
  } else if (params.ReferencePrice === undefined && params.MaxPrice !== undefined && params.MaxPrice < (now.ReferencePrice ?? 0)) {
    limits['max-price']?.fail(`is below the reference price, which is ${price(now.ReferencePrice ?? 0)}; give a lower reference-price too`);
  }
  for (const { key, problem } of limitProblems(params, now, tick, lot, quote)) limits[key]?.fail(problem);
  return params;
}

/** Microseconds since the Unix epoch; `none` is 0. */
function readTime(place: Place): number | undefined {
  const text = place.text();
  if (text === undefined || text === 'none') return text && 0;
  const time = isoTime(text);
  return time !== undefined ? time * 1000 : place.fail(`must be a time with its zone, such as 2026-12-24T17:00:00Z, or none, not ${text}`);
}

type LimitKey = (typeof LIMIT_KEYS)[number];

export interface LimitProblem {
  /** One of those that are given. */
  readonly key: LimitKey;
  readonly problem: string;
}

/** A limit that must not be above another one. */
interface LimitPair {
  readonly low: SymbolParamName;
  readonly lowKey: LimitKey;
  readonly high: SymbolParamName;
  readonly highKey: LimitKey;
  readonly advice: string;
  readonly show: (value: number) => string;
}

/**
 * Limits that no order could meet. Those in force are not a problem by themselves: a log may have them.
 * @param now the values in force, if any; the others are the defaults
 */
export function limitProblems(
  given: SymbolConfig['params'],
  now: SymbolConfig['params'],
  tick: Step,
  lot: Step,
  quote: Pick<AssetConfig, 'decimals'>,
): LimitProblem[] {
  const value = (name: SymbolParamName): number => given[name] ?? now[name] ?? SYMBOL_PARAM_DEFAULTS[SymbolParam[name]];
  const changes = (name: SymbolParamName): boolean => given[name] !== undefined && given[name] !== now[name];
  const price = (ticks: number): string => unitsToDecimal(ticks, tick.mantissa, tick.decimals);
  const quantity = (lots: number): string => unitsToDecimal(lots, lot.mantissa, lot.decimals);
  const money = (units: number): string => unitsToDecimal(units, 1, quote.decimals);
  const [swap, lower] = ['swap them', 'lower that one'];
  const pairs: LimitPair[] = [
    { low: 'MinQuantity', lowKey: 'min-quantity', high: 'MaxQuantity', highKey: 'max-quantity', advice: swap, show: quantity },
    { low: 'MinNotional', lowKey: 'min-notional', high: 'MaxNotional', highKey: 'max-notional', advice: swap, show: money },
    { low: 'TickStep', lowKey: 'tick-step', high: 'MaxPrice', highKey: 'max-price', advice: lower, show: price },
    { low: 'LotStep', lowKey: 'lot-step', high: 'MaxQuantity', highKey: 'max-quantity', advice: lower, show: quantity },
  ];
  const problems = pairs.flatMap(({ low, lowKey, high, highKey, advice, show }): LimitProblem[] => {
    if (value(low) <= value(high) || !(changes(low) || changes(high))) return [];
    if (given[high] === undefined)
      return [{ key: lowKey, problem: `is above limits.${highKey}, which is ${show(value(high))}; raise that one too` }];
    if (given[low] !== undefined) return [{ key: highKey, problem: `is below limits.${lowKey}; ${advice}` }];
    return [{ key: highKey, problem: `is below limits.${lowKey}, which is ${show(value(low))}; lower that one too` }];
  });
  if (problems.length > 0) return problems;
  const [step, least, most] = [value('LotStep'), value('MinQuantity'), value('MaxQuantity')];
  const key = changes('LotStep')
    ? 'lot-step'
    : changes('MinQuantity')
      ? 'min-quantity'
      : changes('MaxQuantity')
        ? 'max-quantity'
        : undefined;
  if (key === undefined || most - (most % step) >= least) return [];
  const range = `from limits.min-quantity (${quantity(least)}) to limits.max-quantity (${quantity(most)})`;
  return [{ key, problem: `leaves no quantity ${range} that is a multiple of limits.lot-step (${quantity(step)})` }];
}
