import { unitsToDecimal } from '../../engine/decimal.ts';
import type { SymbolParamName } from '../../engine/params.ts';
import { REFERENCE_SOURCES } from '../config/config-reference.ts';
import { AUCTION_PRICES, type SymbolConfig } from '../config/config-symbol.ts';
import { VOLATILITY_PROFILES } from '../config/config-volatility.ts';

type Scales = Pick<SymbolConfig, 'tickMantissa' | 'tickDecimals' | 'lotMantissa' | 'lotDecimals' | 'quote'>;
type Text = (value: number, scales: Scales) => string;

const ticks: Text = (value, { tickMantissa, tickDecimals }) => unitsToDecimal(value, tickMantissa, tickDecimals);
const lots: Text = (value, { lotMantissa, lotDecimals }) => unitsToDecimal(value, lotMantissa, lotDecimals);
const money: Text = (value, { quote }) => unitsToDecimal(value, 1, quote.decimals);
const percent: Text = (value) => percentText(value);
const seconds: Text = (value) => `${value / 1e6} s`;
const word =
  (words: readonly string[]): Text =>
  (value) =>
    words[value] ?? String(value);

const TEXTS: Readonly<Record<SymbolParamName, Text>> = {
  MaxPrice: ticks,
  TickStep: ticks,
  LotStep: lots,
  MinQuantity: lots,
  MaxQuantity: lots,
  MinDisplayed: lots,
  MinNotional: money,
  MaxNotional: money,
  PriceBandPpm: percent,
  TakerFeePpm: percent,
  MakerFeePpm: percent,
  FeeTierTable: String,
  ReferencePrice: ticks,
  ReferenceSource: word(REFERENCE_SOURCES),
  RiskModel: String,
  SessionEnd: (value) => (value === 0 ? 'none' : new Date(value / 1000).toISOString()),
  StaticBandPpm: percent,
  DynamicBandPpm: percent,
  VolatilityUs: seconds,
  VolatilityExtensionUs: seconds,
  WideBandPpm: percent,
  VolatilityRandomUs: seconds,
  VolatilityProfile: word(VOLATILITY_PROFILES),
  AuctionPrice: word(AUCTION_PRICES),
};

/** A parameter of a symbol as the configuration file writes it. */
export function paramText(name: SymbolParamName, value: number, symbol: Scales): string {
  return TEXTS[name](value, symbol);
}

/** Millionths as a percentage: 500 is `0.05%`. */
export function percentText(ppm: number): string {
  const text = unitsToDecimal(Math.abs(ppm), 1, 4).replace(/\.?0+$/, '');
  return `${ppm < 0 ? '-' : ''}${text}%`;
}
